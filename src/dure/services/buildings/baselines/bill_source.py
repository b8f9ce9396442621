"""Bills of meters as they stand, or as they were known at an instant; what they cost on average. Reads only."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, or_, select

from dure.engines.records.tables_buildings import building_bills as bills
from dure.services.buildings.baselines.series import Bill

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

_CHUNK = 500


def bills_of(
    connection: Connection, meters: Collection[str], first: date, end: date, *, as_of: datetime | None = None
) -> dict[str, list[Bill]]:
    """Bills that overlap days ``[first, end)``, by meter, in order; water and energy alike, in the book unit."""
    found: dict[str, list[Bill]] = {}
    wanted = sorted(meters)
    for at in range(0, len(wanted), _CHUNK):
        query = (
            select(bills.c.meter, bills.c.start_day, bills.c.end_day, bills.c.amount, bills.c.won)
            .where(bills.c.meter.in_(wanted[at : at + _CHUNK]), _known(as_of))
            .where(bills.c.end_day > first.isoformat(), bills.c.start_day < end.isoformat())
            .order_by(bills.c.meter, bills.c.start_day)
        )
        for meter, start_day, end_day, amount, won in connection.execute(query):
            one = Bill(date.fromisoformat(start_day), date.fromisoformat(end_day), amount, won)
            found.setdefault(meter, []).append(one)
    return found


def _known(as_of: datetime | None) -> ColumnElement[bool]:
    if as_of is None:
        return bills.c.replaced_at.is_(None)
    return and_(bills.c.known_at <= as_of, or_(bills.c.replaced_at.is_(None), bills.c.replaced_at > as_of))
