"""What moved on the books of won, summed: from which kind of account to which, of which programme, by span of time. SQL alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import Connection, and_, case, func, literal, or_, select

from dure.engines.records.tables_carbon_ledger import carbon_accounts as accounts
from dure.engines.records.tables_carbon_ledger import carbon_transfers as transfers
from dure.services.carbon.ledger.model import AccountKind

POSTED = ("transfer", "post")


class Flow(NamedTuple):
    """Won that moved [KRW].

    `span` is the place of the span of time in what was asked for; `programme` is of the budget or paid account on either side,
    empty without one; `people` is how many wallets are on the other side.
    """

    span: int
    source: AccountKind
    target: AccountKind
    programme: str
    won: int
    people: int


class Moved(NamedTuple):
    """One transfer: its id, won (negative: it went back), what it belongs to, when it was booked."""

    id: str
    won: int
    ref: str
    at: datetime


def flows(connection: Connection, bounds: Sequence[datetime]) -> list[Flow]:
    """All that was posted in each span between neighbouring bounds, ascending: ``len(bounds) - 1`` spans."""
    debit, credit = accounts.alias("debit_account"), accounts.alias("credit_account")
    booked = transfers.c.booked_at
    spans = pairwise(bounds)
    span = case(*((and_(booked >= start, booked < end), literal(n)) for n, (start, end) in enumerate(spans)), else_=literal(-1))
    ours = ("budget", "paid")
    name = case((credit.c.kind.in_(ours), credit.c.id), (debit.c.kind.in_(ours), debit.c.id), else_=literal(""))
    wallet = case((debit.c.kind == "wallet", debit.c.id), (credit.c.kind == "wallet", credit.c.id), else_=None)
    each = (
        select(
            span.label("span"), debit.c.kind.label("source"), credit.c.kind.label("target"), name.label("name"),
            transfers.c.amount.label("amount"), wallet.label("wallet"),
        )
        .join_from(transfers, debit, transfers.c.debit == debit.c.id)
        .join(credit, transfers.c.credit == credit.c.id)
        .where(transfers.c.unit == "KRW", transfers.c.deed.in_(POSTED), booked >= bounds[0], booked < bounds[-1])
        .subquery()
    )  # fmt: skip
    keys = (
        each.c.span,
        each.c.source,
        each.c.target,
        each.c.name,
    )  # columns of its own: PostgreSQL sees no sameness in parameters
    query = (
        select(*keys, func.sum(each.c.amount).label("won"), func.count(each.c.wallet.distinct()).label("people"))
        .group_by(*keys)
        .order_by(*keys)
    )
    return [
        Flow(int(row.span), row.source, row.target, row.name.partition("/")[2], int(row.won), int(row.people))
        for row in connection.execute(query)
    ]


def moved(connection: Connection, span: tuple[datetime, datetime], way: tuple[str, str], programme: str = "") -> list[Moved]:
    """Every transfer of a span between two kinds of account, one by one; what went back is negative."""
    debit, credit = accounts.alias("debit_account"), accounts.alias("credit_account")
    booked, kinds = transfers.c.booked_at, (debit.c.kind, credit.c.kind)
    there, back = (and_(kinds[0] == one, kinds[1] == other) for one, other in (way, way[::-1]))
    query = (
        select(transfers.c.id, transfers.c.amount, transfers.c.ref, booked, debit.c.kind.label("source"))
        .join_from(transfers, debit, transfers.c.debit == debit.c.id)
        .join(credit, transfers.c.credit == credit.c.id)
        .where(transfers.c.unit == "KRW", transfers.c.deed.in_(POSTED), booked >= span[0], booked < span[1], or_(there, back))
        .order_by(transfers.c.seq)
    )
    if programme:
        query = query.where(or_(debit.c.id == f"budget/{programme}", credit.c.id == f"budget/{programme}"))
    return [
        Moved(row.id, int(row.amount) if row.source == way[0] else -int(row.amount), row.ref, row.booked_at)
        for row in connection.execute(query)
    ]


def standing_won(connection: Connection, kind: AccountKind) -> int:
    """What lies on all accounts of a kind, posted, whether reserved or not [KRW]."""
    query = select(func.sum(accounts.c.credits_posted - accounts.c.debits_posted)).where(accounts.c.kind == kind)
    return int(connection.execute(query).scalar() or 0)
