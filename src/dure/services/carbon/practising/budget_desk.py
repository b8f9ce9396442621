"""Budgets of programmes that pay for practices: what is left, how long it lasts. `governing.budget_desk` funds them."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, func, select

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.core.time import day_interval, day_of
from dure.engines.records.tables_carbon_ledger import carbon_entries as entries
from dure.engines.records.tables_carbon_ledger import carbon_transfers as transfers
from dure.engines.records.tables_carbon_practices import carbon_practice_acts as acts
from dure.services.carbon.ledger import accounts, posting
from dure.services.carbon.ledger.model import Balance
from dure.services.carbon.practising.outlook import Outlook, outlook
from dure.services.carbon.practising.practice_desk import Setting

WALLETS = "wallet/"


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """A programme's money: what came in, is reserved, was paid [KRW]; how long it lasts; how many wait for a decision."""

    programme: str
    name: Text
    funded_won: int
    reserved_won: int
    paid_won: int
    outlook: Outlook
    queue: int


def money(connection: Connection, ident: str, by: Setting) -> Money:
    """A programme's money as it stands."""
    balance, row = _balance(connection, ident), by.rules.programmes[ident]
    today = day_of(by.at, by.zone)
    spent = _spent(connection, ident, today, by)
    waiting = select(func.count()).where(acts.c.state == "doubtful", acts.c.programme == ident)
    return Money(
        programme=ident,
        name=row.name,
        funded_won=balance.credits_posted,
        reserved_won=balance.debits_pending,
        paid_won=balance.debits_posted,
        outlook=outlook(balance.available, spent, today, seed=today.toordinal()),
        queue=connection.execute(waiting).scalar_one(),
    )


def all_money(connection: Connection, by: Setting) -> list[Money]:
    """Of all programmes that pay for practices today."""
    idents = sorted({one.programme for one in by.rules.practices.values() if by.rules.offered(one)})
    return [money(connection, one, by) for one in idents]


def _balance(connection: Connection, ident: str) -> Balance:
    account = accounts.budget(ident)
    try:
        return posting.balance(connection, account.id)
    except NotFound:
        return Balance(account=account.id, unit="KRW")


def _spent(connection: Connection, ident: str, today: date, by: Setting) -> list[int | None]:
    """What was promised to people on each whole day before today and not released since, from the first day with any [KRW].

    What was frozen or went back to the city is not spent.
    """
    since = day_interval(today - timedelta(days=by.rules.limits.outlook_d), by.zone).start
    until = day_interval(today, by.zone).start
    account = accounts.budget(ident).id
    ended = transfers.alias()
    query = (
        select(transfers.c.at, transfers.c.amount)
        .join(entries, entries.c.seq == transfers.c.seq)
        .outerjoin(ended, (ended.c.ends == transfers.c.id) & (ended.c.deed == "void"))
        .where(
            entries.c.account == account, transfers.c.debit == account, transfers.c.credit.like(f"{WALLETS}%"),
            transfers.c.deed.in_(("pending", "transfer")), transfers.c.at >= since, transfers.c.at < until,
            ended.c.id.is_(None),
        )
    )  # fmt: skip
    spent = daily([(row.at, row.amount) for row in connection.execute(query)], today, by.zone)
    first = today - timedelta(days=len(spent))
    idle = _empty(connection, account, [first + timedelta(days=n) for n in range(len(spent))], by.zone) if 0 in spent else set()
    return [None if not won and first + timedelta(days=n) in idle else won for n, won in enumerate(spent)]


def daily(rows: list[tuple[datetime, int]], today: date, zone: ZoneInfo) -> list[int]:
    """Sums of whole local days before today, from the first day with any. Pure."""
    sums: defaultdict[date, int] = defaultdict(int)
    for at, amount in rows:
        sums[day_of(at, zone)] += amount
    if not sums:
        return []
    first = min(sums)
    return [sums[first + timedelta(days=n)] for n in range((today - first).days)]


def _empty(connection: Connection, account: str, days: list[date], zone: ZoneInfo) -> set[date]:
    """Those of the days that began with nothing to spend and stayed so; what was left stands beside each entry of an account."""
    left = entries.c.credits_posted - entries.c.debits_posted - entries.c.debits_pending
    mine = select(transfers.c.at, left.label("left")).join(entries, entries.c.seq == transfers.c.seq)
    mine = mine.where(entries.c.account == account)
    first, last = day_interval(days[0], zone).start, day_interval(days[-1], zone).end
    earlier = connection.execute(mine.where(transfers.c.at < first).order_by(entries.c.seq.desc()).limit(1)).first()
    within = mine.where(transfers.c.at >= first, transfers.c.at < last).order_by(entries.c.seq)
    rows = [(row.at, int(row.left)) for row in connection.execute(within)]
    found, before, at = set(), 0 if earlier is None else int(earlier.left), 0
    for day in days:
        span = day_interval(day, zone)
        while at < len(rows) and rows[at][0] < span.start:
            before, at = rows[at][1], at + 1
        most = before
        while at < len(rows) and rows[at][0] < span.end:
            before, at = rows[at][1], at + 1
            most = max(most, before)
        if most <= 0:
            found.add(day)
    return found
