"""Reservations, kept: asked, reserved, used, or over."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import Connection, func, select, update

from dure.core.errors import NotFound
from dure.engines.records import dialect
from dure.engines.records.tables_charging_stations import charging_reservations as reservations

State = Literal["asked", "reserved", "refused", "used", "cancelled", "expired", "removed"]
NEXT: dict[State, frozenset[State]] = {
    "asked": frozenset({"reserved", "refused", "used", "cancelled", "expired", "removed"}),
    "reserved": frozenset({"used", "cancelled", "expired", "removed"}),
}


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """An EVSE held for a token until an instant; EVSE 0: any of the charger. `token` is a digest."""

    id: int
    charger: str
    evse: int
    token: str
    expires_at: datetime
    state: State = "asked"
    made_at: datetime
    changed_at: datetime


def add(connection: Connection, one: Reservation) -> Reservation:
    """Keep a new one under the next number; its own id does not count."""
    last = connection.execute(select(func.max(reservations.c.id))).scalar() or 0
    kept = msgspec.structs.replace(one, id=last + 1)
    dialect.upsert(connection, reservations, [msgspec.structs.asdict(kept)])
    return kept


def get(connection: Connection, ident: int) -> Reservation:
    """One reservation."""
    row = connection.execute(select(reservations).where(reservations.c.id == ident)).mappings().one_or_none()
    if row is None:
        raise NotFound("reservation.unknown", f"There is no reservation {ident}.")
    return Reservation(**row)


def standing(connection: Connection, charger: str = "") -> list[Reservation]:
    """Those that are asked for or stand, the first to end first."""
    query = select(reservations).where(reservations.c.state.in_(["asked", "reserved"]))
    if charger:
        query = query.where(reservations.c.charger == charger)
    return [Reservation(**row) for row in connection.execute(query.order_by(reservations.c.expires_at)).mappings()]


def move(connection: Connection, ident: int, state: State, at: datetime) -> bool:
    """Into another state; False when it is unknown or over already."""
    may = [before for before, after in NEXT.items() if state in after]
    changed = update(reservations).where(reservations.c.id == ident, reservations.c.state.in_(may))
    return connection.execute(changed.values(state=state, changed_at=at)).rowcount > 0


def expire(connection: Connection, now: datetime) -> int:
    """End those whose time is over; how many."""
    due = update(reservations).where(reservations.c.state.in_(["asked", "reserved"]), reservations.c.expires_at <= now)
    return connection.execute(due.values(state="expired", changed_at=now)).rowcount
