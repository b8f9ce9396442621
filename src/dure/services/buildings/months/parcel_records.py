"""Parcel months of the national database, in two times, and what buildings are given of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, and_, select, update

from dure.core.time import Interval, from_us
from dure.emissions.conversion import Refused
from dure.engines.records import dialect
from dure.engines.records.tables_buildings import building_parcels as parcels
from dure.services.buildings.months import month_records
from dure.services.buildings.months.derived_months import ParcelMonth, parcel_months
from dure.services.buildings.months.month_making import month_span
from dure.services.buildings.sites import Sites


def put(connection: Connection, rows: Iterable[ParcelMonth]) -> list[ParcelMonth]:
    """Keep those that are new or another amount than what stands; these."""
    kept = []
    for row in rows:
        table = parcels.c
        where = and_(table.parcel == row.parcel, table.month == row.month, table.fuel == row.fuel, table.replaced_at.is_(None))
        before = connection.execute(select(table.amount, table.book).where(where)).one_or_none()
        if before is not None and tuple(before) == (row.amount, row.book):
            continue
        connection.execute(update(parcels).where(where).values(replaced_at=row.known_at))
        if dialect.insert_new(connection, parcels, [msgspec.structs.asdict(row) | {"replaced_at": None}]):
            kept.append(row)
    return kept


def current(connection: Connection, only: Collection[str] | None = None) -> list[ParcelMonth]:
    """What stands, by parcel and month."""
    query = select(parcels).where(parcels.c.replaced_at.is_(None))
    if only is not None:
        query = query.where(parcels.c.parcel.in_(list(only)))
    query = query.order_by(parcels.c.parcel, parcels.c.month, parcels.c.fuel)
    return [
        ParcelMonth(**{name: value for name, value in row.items() if name != "replaced_at"})
        for row in connection.execute(query).mappings()
    ]


def allocate(
    connection: Connection, sites: Sites, rows: Iterable[ParcelMonth], zone: ZoneInfo, now: datetime
) -> tuple[int, dict[str, Refused]]:
    """Give parcels' months to their buildings; how many months of buildings changed, and parcels that cannot be shared out.

    A building with a main meter of that fuel has its own figures and is given nothing; its part is lost, not spread.
    """
    by_parcel: dict[str, list[str]] = {}
    for one in sites.buildings.values():
        if one.parcel:
            by_parcel.setdefault(one.parcel, []).append(one.id)
    metered = {(one.building, one.fuel) for one in sites.meters.values() if one.part == "main"}
    done, refused = 0, {}
    for row in rows:
        there = [sites.buildings[one] for one in sorted(by_parcel.get(row.parcel, ()))]
        span = month_span(row.month, zone)
        found = parcel_months(row, there, Interval(from_us(span.start_us), from_us(span.end_us)), now)
        if isinstance(found, Refused):
            refused[row.parcel] = found
            continue
        done += month_records.put(connection, [one for one in found if (one.building, one.fuel) not in metered])
    return done, refused
