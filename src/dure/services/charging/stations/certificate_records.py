"""Certificates of stations that were signed here."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import Connection, select, update

from dure.engines.records import dialect
from dure.engines.records.tables_charging_stations import charging_certificates as certificates

State = Literal["signed", "installed", "refused", "revoked"]


class StationCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """One certificate; `serial` is its serial number as hexadecimal text, `use` as OCPP names it."""

    serial: str
    charger: str
    use: str
    subject: str
    pem: str
    state: State = "signed"
    signed_at: datetime
    expires_at: datetime


def add(connection: Connection, one: StationCertificate) -> None:
    """Keep it once."""
    dialect.insert_new(connection, certificates, [msgspec.structs.asdict(one)])


def unsent(connection: Connection, now: datetime) -> list[StationCertificate]:
    """Signed and not yet answered by their stations."""
    query = select(certificates).where(certificates.c.state == "signed", certificates.c.expires_at > now)
    return [StationCertificate(**row) for row in connection.execute(query.order_by(certificates.c.signed_at)).mappings()]


def of_charger(connection: Connection, charger: str) -> list[StationCertificate]:
    """Newest first."""
    query = select(certificates).where(certificates.c.charger == charger)
    return [StationCertificate(**row) for row in connection.execute(query.order_by(certificates.c.signed_at.desc())).mappings()]


def settle(connection: Connection, charger: str, pem: str, state: State) -> None:
    """What the station said of a certificate it was sent."""
    mine = (certificates.c.charger == charger) & (certificates.c.pem == pem)
    connection.execute(update(certificates).where(mine).values(state=state))
