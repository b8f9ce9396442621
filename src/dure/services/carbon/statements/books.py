"""What the books said at an instant: transfers, results of sponsorships and claims, by period. SQL alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from dure.engines.records.tables_carbon_claims import carbon_claim_deeds as deeds
from dure.engines.records.tables_carbon_claims import carbon_claims as claims
from dure.engines.records.tables_carbon_companies import carbon_sponsor_results as results
from dure.engines.records.tables_carbon_companies import carbon_sponsorships as sponsorships
from dure.engines.records.tables_carbon_ledger import carbon_transfers as transfers
from dure.services.carbon.model import State, Tier

POSTED = ("transfer", "post")
BOOKED: tuple[State, ...] = ("awarded", "retired")


class Span(msgspec.Struct, frozen=True):
    """Instants ``[start, end)`` of a period, and the instant by which things must have been known."""

    start: datetime
    end: datetime
    as_of: datetime


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What was moved between two kinds of accounts: sum [g or KRW], how many transfers, and each of them by reference."""

    amount: int
    refs: tuple[tuple[str, int], ...]


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """What of a claim counted for a sponsorship of a company, as known at the instant."""

    claim: str
    sponsorship: str
    tier: Tier
    grams: int
    claims: int
    transfers: bool


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """A claim that stood as awarded or retired at the instant, and its grams by the ledger of then [gCO2e]."""

    claim: str
    programme: str
    tier: Tier
    holder: str
    grams: int
    on_books_g: int
    readings_sha256: str


def moved(connection: Connection, span: Span, debit: Sequence[str], credit: Sequence[str], unit: str) -> Moved:
    """Transfers posted in the period from some accounts to others; a name that ends with ``/`` is all accounts of a kind."""
    query = (
        select(transfers.c.ref, transfers.c.id, transfers.c.amount)
        .where(
            transfers.c.booked_at >= span.start,
            transfers.c.booked_at < span.end,
            transfers.c.booked_at <= span.as_of,
            transfers.c.unit == unit,
            transfers.c.deed.in_(POSTED),
            _among(transfers.c.debit, debit),
            _among(transfers.c.credit, credit),
        )
        .order_by(transfers.c.seq)
    )
    refs = tuple((str(row[0] or row[1]), int(row[2])) for row in connection.execute(query))
    return Moved(amount=sum(amount for _, amount in refs), refs=refs)


def balance_at(connection: Connection, account: str, as_of: datetime) -> int:
    """What stood on an account at an instant: credits less debits that were posted."""
    sums = []
    for side in (transfers.c.credit, transfers.c.debit):
        query = select(func.coalesce(func.sum(transfers.c.amount), 0))
        query = query.where(side == account, transfers.c.booked_at <= as_of, transfers.c.deed.in_(POSTED))
        sums.append(int(connection.execute(query).scalar_one()))
    return sums[0] - sums[1]


def shared_with(connection: Connection, company: str, span: Span) -> list[Shared]:
    """Results that counted for a company: of claims that begin in the period (of those not kept, results booked in it)."""
    begun = func.coalesce(claims.c.start_at, results.c.booked_at)
    query = (
        select(results, sponsorships.c.content)
        .join(sponsorships, sponsorships.c.id == results.c.sponsorship)
        .outerjoin(claims, claims.c.id == results.c.claim)
        .where(
            results.c.company == company,
            results.c.booked_at <= span.as_of,
            or_(results.c.ended_at.is_(None), results.c.ended_at > span.as_of),
            begun >= span.start,
            begun < span.end,
        )
        .order_by(results.c.claim, results.c.sponsorship)
    )
    return [
        Shared(
            claim=row["claim"], sponsorship=row["sponsorship"], tier=row["tier"], grams=row["grams"], claims=row["claims"],
            transfers=bool(row["content"].get("transfers", False)),
        )
        for row in connection.execute(query).mappings()
    ]  # fmt: skip


def booked_claims(connection: Connection, span: Span) -> list[Booked]:
    """Claims that begin in the period and stood as awarded or retired at the instant, by id."""
    newest = (
        select(deeds.c.claim, func.max(deeds.c.n).label("n")).where(deeds.c.at <= span.as_of).group_by(deeds.c.claim).subquery()
    )
    stood = (
        select(claims, deeds.c.state.label("stood"))
        .join(newest, newest.c.claim == claims.c.id)
        .join(deeds, and_(deeds.c.claim == newest.c.claim, deeds.c.n == newest.c.n))
        .where(claims.c.start_at >= span.start, claims.c.start_at < span.end, deeds.c.state.in_(BOOKED))
        .order_by(claims.c.id)
    )
    found = connection.execute(stood).mappings().all()
    grams = _on_books(connection, [row["id"] for row in found], span.as_of)
    return [_booked(row, grams.get(row["id"], 0)) for row in found]


def _among(column: ColumnElement[str], names: Sequence[str]) -> ColumnElement[bool]:
    exact = [one for one in names if not one.endswith("/")]
    kinds = [column.startswith(one, autoescape=True) for one in names if one.endswith("/")]
    return or_(column.in_(exact), *kinds)


def _booked(row: Any, on_books_g: int) -> Booked:
    return Booked(
        claim=row["id"], programme=row["programme"], tier=row["tier"], holder=row["holder"], grams=row["grams"],
        on_books_g=on_books_g, readings_sha256=row["readings_sha256"],
    )  # fmt: skip


def _on_books(connection: Connection, idents: Sequence[str], as_of: datetime) -> dict[str, int]:
    """Grams of each claim by the ledger: what was awarded less what was corrected [gCO2e]."""
    found: dict[str, int] = {}
    for at in range(0, len(idents), 500):
        query = select(transfers.c.ref, transfers.c.amount, transfers.c.why, transfers.c.deed, transfers.c.corrects).where(
            transfers.c.ref.in_(idents[at : at + 500]), transfers.c.unit == "gCO2e", transfers.c.booked_at <= as_of
        )
        for ref, amount, why, deed, corrects in connection.execute(query):
            if why == "award" and deed in POSTED:
                found[ref] = found.get(ref, 0) + amount
            elif corrects:
                found[ref] = found.get(ref, 0) - amount
    return found
