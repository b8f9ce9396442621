"""Reservations whose time has run out."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from dure.engines.records.tables_carbon_ledger import carbon_pending, carbon_transfers
from dure.services.carbon.ledger.ledger_records import transfer_from
from dure.services.carbon.ledger.model import Transfer
from dure.services.carbon.ledger.posting import post
from dure.services.carbon.ledger.shapes import EXPIRED


def expired(connection: Connection, at: datetime, limit: int) -> list[Transfer]:
    """Pending transfers whose time has run out, those first that waited longest."""
    query = (
        select(carbon_transfers)
        .join(carbon_pending, carbon_pending.c.id == carbon_transfers.c.id)
        .where(carbon_pending.c.expires_at <= at)
        .order_by(carbon_pending.c.expires_at, carbon_pending.c.id)
        .limit(limit)
    )
    return [transfer_from(row) for row in connection.execute(query)]


def void_expired(connection: Connection, at: datetime, limit: int) -> list[Transfer]:
    """Void them; those that became void by it. One that somebody ended meanwhile is left as it is."""
    found = expired(connection, at, limit)
    answers = post(connection, [[_void(one)] for one in found], at, {})
    return [one for one, why in zip(found, answers, strict=True) if why is None]


def _void(pending: Transfer) -> Transfer:
    return Transfer(
        id=f"{pending.id}{EXPIRED}",
        debit=pending.debit,
        credit=pending.credit,
        amount=0,
        unit=pending.unit,
        deed="void",
        of=pending.id,
        why="expired",
        ref=pending.ref,
    )
