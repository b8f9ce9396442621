"""Certificates of stations that were signed here."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import Connection, select, update

from dure.core.errors import NotFound
from dure.engines.records import audit, dialect
from dure.engines.records.audit import By
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


def revoked(connection: Connection) -> dict[str, frozenset[str]]:
    """Serial numbers of certificates that must not be taken any more, by charger."""
    found: dict[str, set[str]] = {}
    query = select(certificates.c.charger, certificates.c.serial).where(certificates.c.state == "revoked")
    for charger, serial in connection.execute(query):
        found.setdefault(charger, set()).add(serial)
    return {charger: frozenset(serials) for charger, serials in found.items()}


def revoke(connection: Connection, charger: str, serial: str, by: By) -> StationCertificate:
    """Take a certificate back for good: its station does not come in with it any more.

    Raises
    ------
    NotFound : ``certificate.unknown``
    """
    mine = (certificates.c.charger == charger) & (certificates.c.serial == serial)
    row = connection.execute(select(certificates).where(mine)).mappings().first()
    if row is None:
        raise NotFound("certificate.unknown", f"No certificate {serial[:40]!r} was signed here for {charger[:80]!r}.")
    if row["state"] != "revoked":
        connection.execute(update(certificates).where(mine).values(state="revoked"))
        audit.append(connection, by, "act", "decision", charger, {"certificate_revoked": serial})
    return StationCertificate(**dict(row) | {"state": "revoked"})


def settle(connection: Connection, charger: str, pem: str, state: State) -> None:
    """What the station said of a certificate it was sent."""
    mine = (certificates.c.charger == charger) & (certificates.c.pem == pem) & (certificates.c.state != "revoked")
    connection.execute(update(certificates).where(mine).values(state=state))
