"""Months, kept in two times: a row is never changed, it is replaced, and what was known at an instant stays known of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, update
from sqlalchemy.engine import RowMapping

from dure.engines.records import dialect
from dure.engines.records.tables import cursors
from dure.engines.records.tables_buildings import building_months as months
from dure.services.buildings.months.month_use import MonthUse

REVISION = "buildings/months"
AT_ONCE = 500  # meters of one question
_SAME = ("known_at", "replaced_at", "facts")


def put(connection: Connection, rows: Iterable[MonthUse]) -> int:
    """Keep months that are new or other than what stands; how many. Bring each (meter, month) once, by one writer at a time.

    A month that is still running (``facts["running"]``) is refreshed in its place: versions are kept from its end on.
    """
    listed = list(rows)
    stood = _standing(connection, listed)
    fresh: list[MonthUse] = []
    for row in listed:
        found = stood.get((row.meter, row.month))
        if found is not None:
            if _told(found) == _told(row):
                continue
            where = and_(months.c.meter == row.meter, months.c.month == row.month, months.c.replaced_at.is_(None))
            if found.facts.get("running") or found.known_at == row.known_at:
                connection.execute(delete(months).where(where))
            else:
                connection.execute(update(months).where(where).values(replaced_at=row.known_at))
        fresh.append(row)
    if not fresh:
        return 0
    if not connection.execute(update(cursors).where(cursors.c.name == REVISION).values(seq=cursors.c.seq + 1)).rowcount:
        dialect.insert_new(connection, cursors, [{"name": REVISION, "seq": 1}])
    return dialect.insert_new(connection, months, [msgspec.structs.asdict(row) for row in fresh])


def revision(connection: Connection) -> int:
    """A number that grows with everything that is written here: while it stays, so do all answers about now."""
    return connection.execute(select(cursors.c.seq).where(cursors.c.name == REVISION)).scalar() or 0


def _standing(connection: Connection, rows: Sequence[MonthUse]) -> dict[tuple[str, str], MonthUse]:
    """What stands in the place of rows."""
    if not rows:
        return {}
    first, last = min(row.month for row in rows), max(row.month for row in rows)
    meters = sorted({row.meter for row in rows})
    found: dict[tuple[str, str], MonthUse] = {}
    for at in range(0, len(meters), AT_ONCE):
        for one in find(connection, first, last, meters=meters[at : at + AT_ONCE]):
            found[one.meter, one.month] = one
    return found


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
