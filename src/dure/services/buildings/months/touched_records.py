"""Months that are to be made anew: noted with what touched them, taken up by the month watch."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, delete, select, tuple_

from dure.core.time import from_us
from dure.engines.records import dialect
from dure.engines.records.tables_buildings import building_touched as touched_table

HOUR_US = 3_600_000_000
BY_BILL = 0  # in place of the instant of an entry: nothing has to be stored first


class Touched(msgspec.Struct, frozen=True, kw_only=True):
    """A month of a meter; it can be made once the entry at `last_us` of the property `use` is stored (`BY_BILL`: at once)."""

    meter: str
    month: str
    touched_at: datetime
    use: str = ""
    last_us: int = BY_BILL


def months_between(first: date, last: date) -> list[str]:
    """The months from that of one day to that of another, both counted."""
    count = (last.year - first.year) * 12 + last.month - first.month
    return [f"{first.year + (first.month - 1 + n) // 12:04}-{(first.month - 1 + n) % 12 + 1:02}" for n in range(count + 1)]


def months_of(times_us: Iterable[int], zone: ZoneInfo) -> dict[str, int]:
    """The local months that hours overlap, and the newest entry in each [us]."""
    found: dict[str, int] = {}
    hour = -1
    months: set[str] = set()
    for us in times_us:
        if us // HOUR_US != hour:
            hour = us // HOUR_US
            ends = (from_us(hour * HOUR_US).astimezone(zone), from_us((hour + 1) * HOUR_US - 1).astimezone(zone))
            months = {f"{one:%Y-%m}" for one in ends}
        for month in months:
            found[month] = max(found.get(month, us), us)
    return found


def touch(connection: Connection, rows: Iterable[Touched]) -> None:
    """Note months; the newest instant of a month stands."""
    once = {(row.meter, row.month): row for row in rows}
    dialect.upsert(connection, touched_table, [msgspec.structs.asdict(row) for row in once.values()])


def waiting(connection: Connection, limit: int) -> list[Touched]:
    """Months that wait, the first touched first."""
    query = select(touched_table).order_by(touched_table.c.touched_at, touched_table.c.meter, touched_table.c.month)
    return [Touched(**row) for row in connection.execute(query.limit(limit)).mappings()]


def done(connection: Connection, rows: Iterable[Touched]) -> None:
    """Forget months that were made, unless they were touched again meanwhile."""
    keys = [(row.meter, row.month, row.touched_at) for row in rows]
    table = touched_table.c
    for at in range(0, len(keys), 200):
        where = tuple_(table.meter, table.month, table.touched_at).in_(keys[at : at + 200])
        connection.execute(delete(touched_table).where(where))
