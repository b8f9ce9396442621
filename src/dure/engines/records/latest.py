"""The newest value of every series, kept so that a restart shows the city at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from sqlalchemy import Connection, select

from dure.engines.records import cursors as positions
from dure.engines.records import dialect
from dure.engines.records.tables import latest

T = TypeVar("T")
_NAMES = ("asset", "property", "time_us", "result_us", "value", "flag", "check", "seq")


class Value(Protocol):
    """A newest value with the fields of `spine.live.LiveValue`, which is above us."""

    @property
    def time_us(self) -> int:
        """Phenomenon time [µs]."""
        ...

    @property
    def asset(self) -> str:
        """Asset id."""
        ...

    @property
    def property(self) -> str:
        """Property id."""
        ...


def flush(connection: Connection, values: Iterable[Value], cursors: Mapping[str, int]) -> None:
    """Keep the values that are newer by phenomenon time than those kept, or judged anew since, and the cursors, together."""
    newest: dict[tuple[str, str], Value] = {}
    for value in values:
        known = newest.get((value.asset, value.property))
        if known is None or known.time_us < value.time_us:
            newest[value.asset, value.property] = value
    # In key order: two writers that lock the same rows in the same order never wait for each other in a ring.
    rows = [{name: getattr(newest[key], name) for name in _NAMES} for key in sorted(newest)]
    dialect.upsert(connection, latest, rows, newer=("time_us", "seq"))
    positions.advance(connection, cursors)


def load(connection: Connection, make: Callable[..., T]) -> list[T]:
    """Every newest value, made by `make`: ``latest.load(connection, LiveValue)``."""
    rows = connection.execute(select(*(latest.c[name] for name in _NAMES)))
    return [make(*row) for row in rows]
