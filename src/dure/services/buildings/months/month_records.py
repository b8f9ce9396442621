"""Months, kept in two times: a row is never changed, it is replaced, and what was known at an instant stays known of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, update
from sqlalchemy.engine import RowMapping

from dure.engines.records import dialect
from dure.engines.records.tables_buildings import building_months as months
from dure.services.buildings.months.month_use import MonthUse

_SAME = ("known_at", "replaced_at", "facts")


def put(connection: Connection, rows: Iterable[MonthUse]) -> int:
    """Keep months that are new or other than what stands; how many. Bring each (meter, month) once, by one writer at a time.

    A month that is still running (``facts["running"]``) is refreshed in its place: versions are kept from its end on.
    """
    kept = 0
    for row in rows:
        where = and_(months.c.meter == row.meter, months.c.month == row.month, months.c.replaced_at.is_(None))
        found = connection.execute(select(months).where(where)).mappings().one_or_none()
        if found is not None:
            if _told(_of(found)) == _told(row):
                continue
            if found["facts"].get("running") or found["known_at"] == row.known_at:
                connection.execute(delete(months).where(where))
            else:
                connection.execute(update(months).where(where).values(replaced_at=row.known_at))
        kept += dialect.insert_new(connection, months, [msgspec.structs.asdict(row)])
    return kept


def find(  # what one may ask of months
    connection: Connection,
    first: str,
    last: str,
    *,
    buildings: Collection[str] | None = None,
    meters: Collection[str] | None = None,
    as_of: datetime | None = None,
) -> list[MonthUse]:
    """Months ``first <= month <= last`` as known at `as_of` (None: now), by meter and month."""
    query = select(months).where(months.c.month >= first, months.c.month <= last, known(as_of))
    if buildings is not None:
        query = query.where(months.c.building.in_(list(buildings)))
    if meters is not None:
        query = query.where(months.c.meter.in_(list(meters)))
    rows = connection.execute(query.order_by(months.c.meter, months.c.month)).mappings()
    return [_of(row) for row in rows]


def known(as_of: datetime | None) -> ColumnElement[bool]:
    """The rows that stood at an instant; None: those that stand."""
    if as_of is None:
        return months.c.replaced_at.is_(None)
    return and_(months.c.known_at <= as_of, or_(months.c.replaced_at.is_(None), months.c.replaced_at > as_of))


def _told(row: MonthUse) -> dict[str, object]:
    told = {name: value for name, value in msgspec.structs.asdict(row).items() if name not in _SAME}
    return told | {"running": bool(row.facts.get("running"))}


def _of(row: RowMapping) -> MonthUse:
    return MonthUse(**row)


def by_building(rows: Sequence[MonthUse]) -> dict[str, list[MonthUse]]:
    """Rows of main meters by building, in their order; sub-meters are part of a main one and never added."""
    found: dict[str, list[MonthUse]] = {}
    for row in rows:
        if row.part == "main":
            found.setdefault(row.building, []).append(row)
    return found
