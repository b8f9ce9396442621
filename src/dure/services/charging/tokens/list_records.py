"""The local lists that stations were sent, as digests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import Connection, select, update

from dure.engines.records import dialect
from dure.engines.records.tables_charging_stations import charging_lists as lists


class LocalList(NamedTuple):
    """What a station holds, or is being sent: version, digests of its tokens, and whether it took them."""

    charger: str
    version: int
    digests: list[str]
    state: Literal["sent", "accepted", "refused"]
    changed_at: datetime


def get(connection: Connection, charger: str) -> LocalList | None:
    """The list a charger was last sent."""
    row = connection.execute(select(lists).where(lists.c.charger == charger)).mappings().one_or_none()
    return None if row is None else LocalList(**row)


def sent(connection: Connection, charger: str, digests: Sequence[str], at: datetime) -> int:
    """Keep that a new list goes out; its version, which only grows."""
    before = get(connection, charger)
    version = (before.version if before else 0) + 1
    row = LocalList(charger, version, sorted(digests), "sent", at)._asdict()
    dialect.upsert(connection, lists, [row])
    return version


def settle(connection: Connection, charger: str, version: int, *, accepted: bool, at: datetime) -> None:
    """What the station said of the list of that version; an older one means nothing any more."""
    mine = (lists.c.charger == charger) & (lists.c.version == version)
    connection.execute(update(lists).where(mine).values(state="accepted" if accepted else "refused", changed_at=at))
