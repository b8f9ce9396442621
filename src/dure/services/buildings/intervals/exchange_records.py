"""Exchanges of physical meters as people noted them: when, the last value of the old one, the first of the new one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, delete, func, select

from dure.core.errors import InputError, NotFound
from dure.engines.records import audit, dialect
from dure.engines.records.audit import By
from dure.engines.records.tables_buildings import building_exchanges as exchanges
from dure.services.buildings.reads.model import Exchange

AHEAD_MAX = timedelta(days=1)
REGISTER_MAX = 9_000_000_000_000_000


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """An exchange and who noted it."""

    meter: str
    exchanged_at: datetime
    last: int | None
    first: int | None
    person: str
    noted_at: datetime


def note(connection: Connection, meter: str, exchange: Exchange, by: By) -> Noted:
    """Keep an exchange; the same instant again corrects its values. Refused: ``exchange.future``, ``exchange.value``."""
    if exchange.at > by.at + AHEAD_MAX:
        raise InputError("exchange.future", "The exchange is dated ahead. Note it once it is done.")
    if any(value is not None and not 0 <= value <= REGISTER_MAX for value in (exchange.last, exchange.first)):
        raise InputError("exchange.value", f"A register shows 0 to {REGISTER_MAX:,}.")
    found = Noted(
        meter=meter, exchanged_at=exchange.at, last=exchange.last, first=exchange.first, person=by.actor, noted_at=by.at
    )
    dialect.upsert(connection, exchanges, [msgspec.structs.asdict(found)])
    detail = {"exchanged_at": exchange.at.isoformat(), "last": exchange.last, "first": exchange.first}
    audit.append(connection, by, "write", "asset", meter, {"exchange": detail})
    return found


def withdraw(connection: Connection, meter: str, at: datetime, by: By) -> None:
    """Take an exchange back that never was."""
    where = (exchanges.c.meter == meter, exchanges.c.exchanged_at == at)
    if not connection.execute(delete(exchanges).where(*where)).rowcount:
        raise NotFound("exchange.unknown", "There is no exchange of this meter at that instant.")
    audit.append(connection, by, "write", "asset", meter, {"exchange_withdrawn": at.isoformat()})


def of_meter(connection: Connection, meter: str) -> list[Noted]:
    """Exchanges of a meter, in time."""
    query = select(exchanges).where(exchanges.c.meter == meter).order_by(exchanges.c.exchanged_at)
    return [Noted(**row) for row in connection.execute(query).mappings()]


def of_meters(connection: Connection, meters: Collection[str]) -> dict[str, list[Exchange]]:
    """Exchanges by meter, for `reads.deriving`."""
    found: dict[str, list[Exchange]] = {}
    wanted = set(meters)
    for row in connection.execute(select(exchanges).order_by(exchanges.c.exchanged_at)).mappings():
        if row["meter"] in wanted:
            found.setdefault(row["meter"], []).append(Exchange(row["exchanged_at"], row["last"], row["first"]))
    return found


def state(connection: Connection) -> tuple[int, datetime | None]:
    """How many there are and when the last was noted: another answer means that something changed."""
    row = connection.execute(select(func.count(), func.max(exchanges.c.noted_at))).one()
    return int(row[0]), row[1]
