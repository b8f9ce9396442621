"""Months of main meters as columns, sorted by what they cost: the ground of every question about the whole portfolio.

What stands now is kept in memory and read again only when a month was written since (`month_records.revision`); what was known at
an instant is read from the records. Rows of one month, fuel, book unit and deliverer stand together, as one factor holds for all.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from dure.engines.records.tables_buildings import building_months as months
from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.model import Meter
from dure.services.buildings.months import month_records
from dure.services.buildings.reads.model import Book

_COLUMNS = (
    months.c.month, months.c.fuel, months.c.book, months.c.meter, months.c.building, months.c.amount, months.c.won,
    months.c.measured, months.c.estimated, months.c.substituted, months.c.filled, months.c.half_width, months.c.coverage,
)  # fmt: skip
_KEPT_MAX = 4  # cities of one process, and tests


class Alike(NamedTuple):
    """What one rate holds for; `delivered` is supplier and branch of district heat, ("", "") of all else."""

    month: str
    fuel: Fuel
    book: Book
    delivered: tuple[str, str]


class Run(msgspec.Struct, frozen=True, eq=False):
    """Meters' months that are alike (n,), by building: amounts as an array too, for exact shares of them."""

    alike: Alike
    buildings: Sequence[str]
    amounts: Sequence[int]
    array: NDArray[np.int64]
    won: Sequence[int | None]
    sums: tuple[Sequence[Any], ...]  # measured, estimated, substituted, filled, half_width, coverage

    def __len__(self) -> int:
        return len(self.amounts)


class _Kept(NamedTuple):
    revision: int
    delivered: Mapping[str, tuple[str, str]]
    runs: list[Run]


_kept: dict[str, _Kept] = {}
_lock = threading.Lock()


def runs_of(connection: Connection, meters: Mapping[str, Meter], as_of: datetime | None = None) -> list[Run]:
    """All months of main meters as known at an instant (None: now), by month, fuel, book and deliverer."""
    delivered = {one.id: (one.supplier, one.branch) for one in meters.values() if one.fuel == "heat"}
    if as_of is not None:
        return _read(connection, delivered, as_of)
    store = str(connection.engine.url)
    revision = month_records.revision(connection)
    kept = _kept.get(store)
    if kept is not None and kept.revision == revision and kept.delivered == delivered:
        return kept.runs
    runs = _read(connection, delivered, None)
    with _lock:
        if len(_kept) >= _KEPT_MAX:
            _kept.clear()
        _kept[store] = _Kept(revision, delivered, runs)
    return runs


def _read(connection: Connection, delivered: Mapping[str, tuple[str, str]], as_of: datetime | None) -> list[Run]:
    """Rows as the driver gives them: none of the columns needs a conversion, and there are tens of thousands."""
    where = (months.c.part == "main", months.c.source != "none", month_records.known(as_of))
    cursor = connection.execute(select(*_COLUMNS).where(*where)).cursor
    assert cursor is not None  # noqa: S101  # a select has one
    groups: dict[Alike, list[Any]] = {}
    none = ("", "")
    for row in cursor.fetchall():
        alike = Alike(row[0], row[1], row[2], delivered.get(row[3], none) if row[1] == "heat" else none)
        groups.setdefault(alike, []).append(row)
    return [_run(alike, groups[alike]) for alike in sorted(groups)]


def _run(alike: Alike, rows: list[Any]) -> Run:
    rows.sort(key=itemgetter(4, 3))
    _, _, _, _, buildings, amounts, won, *sums = zip(*rows, strict=True)
    return Run(alike, buildings, amounts, np.array(amounts, np.int64), won, tuple(sums))
