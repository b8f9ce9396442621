"""Settlements, kept: rows are added and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, func, or_, select

from dure.core.errors import NotFound
from dure.engines.records import dialect
from dure.engines.records.tables_charging_origin import charging_origin_splits as splits
from dure.engines.records.tables_charging_sessions import charging_settlements as settlements
from dure.services.charging.pricing import receipt as sealed
from dure.services.charging.pricing.receipt import Receipt


class Kept(msgspec.Struct, frozen=True):
    """A receipt as it is kept: its text, and the digest that sealed it."""

    receipt: Receipt
    text: str
    sha256: str


def insert(connection: Connection, receipt: Receipt) -> str | None:
    """Keep a receipt; its digest, or None when that number of its session is taken already."""
    text = sealed.text_of(receipt)
    digest = sealed.digest_of(text)
    row = {
        "session": receipt.session,
        "n": receipt.n,
        "made_at": receipt.made_at,
        "site": receipt.site,
        "evse": receipt.evse,
        "started_at": receipt.started_at,
        "ended_at": receipt.ended_at,
        "energy_wh": receipt.energy_wh,
        "won": receipt.won,
        "co2e_g": receipt.co2e_g,
        "renewable_wh": receipt.origin.renewable_wh,
        "origin_known": receipt.origin.known,
        "receipt": text,
        "before": receipt.before,
        "sha256": digest,
    }
    return digest if dialect.insert_new(connection, settlements, [row]) else None


def of_session(connection: Connection, session: str) -> list[Kept]:
    """All receipts of a session, first to last."""
    query = select(settlements).where(settlements.c.session == session).order_by(settlements.c.n)
    return [_kept(row) for row in connection.execute(query).mappings()]


def last_of(connection: Connection, session: str) -> Kept | None:
    """The receipt in force of a session."""
    query = select(settlements).where(settlements.c.session == session).order_by(settlements.c.n.desc()).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _kept(row)


def get(connection: Connection, session: str) -> Kept:
    """The receipt in force of a session.

    Raises
    ------
    NotFound : ``receipt.none``
    """
    found = last_of(connection, session)
    if found is None:
        raise NotFound("receipt.none", f"The session {session[:80]!r} is not settled yet.")
    return found


def by_digest(connection: Connection, sha256: str) -> Kept:
    """The receipt with that seal; whoever has the seal may see it.

    Raises
    ------
    NotFound : ``receipt.unknown``
    """
    row = connection.execute(select(settlements).where(settlements.c.sha256 == sha256).limit(1)).mappings().one_or_none()
    if row is None:
        raise NotFound("receipt.unknown", "There is no receipt with that seal.")
    return _kept(row)


def to_correct(connection: Connection, since: datetime, limit: int = 5_000) -> list[str]:
    """Sessions whose receipt in force may say another origin than the ledger does now, of those that ended since then."""
    newest = select(settlements.c.session, func.max(settlements.c.n).label("n")).where(settlements.c.ended_at >= since)
    latest = newest.group_by(settlements.c.session).subquery()
    query = select(settlements.c.session).join(
        latest, (settlements.c.session == latest.c.session) & (settlements.c.n == latest.c.n)
    )
    renewable = splits.c.pv_wh + splits.c.ess_pv_wh
    query = query.join(splits, splits.c.session == settlements.c.session).where(
        splits.c.final == 1,
        settlements.c.energy_wh > 0,
        or_(
            settlements.c.origin_known.is_(False),
            renewable != settlements.c.renewable_wh,
            splits.c.booked_at > settlements.c.made_at,  # the ledger changed since: PV directly for PV through storage, say
        ),
    )
    query = query.where(settlements.c.energy_wh == splits.c.energy_wh)
    return list(connection.execute(query.order_by(settlements.c.session).limit(limit)).scalars())


def sums(connection: Connection, start: datetime, end: datetime, sites: Sequence[str] = ()) -> dict[str, Any]:
    """What receipts in force of sessions that ended in ``[start, end)`` add up to."""
    span = (settlements.c.ended_at >= start, settlements.c.ended_at < end)
    newest = select(settlements.c.session, func.max(settlements.c.n).label("n")).where(*span).group_by(settlements.c.session)
    latest = newest.subquery()
    amounts = ("energy_wh", "renewable_wh", "won", "co2e_g")
    columns = [func.count().label("sessions"), *(func.sum(settlements.c[one]).label(one) for one in amounts)]
    query = select(*columns).join(latest, (settlements.c.session == latest.c.session) & (settlements.c.n == latest.c.n))
    if sites:
        query = query.where(settlements.c.site.in_(list(sites)))
    return {name: int(value or 0) for name, value in connection.execute(query).mappings().one().items()}


def _kept(row: Any) -> Kept:
    return Kept(sealed.read(row["receipt"]), row["receipt"], row["sha256"])
