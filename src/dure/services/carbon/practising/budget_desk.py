"""Budgets of programmes: money that officers put in, what is left, and how long it lasts."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, func, select

from dure.core.errors import Conflict, InputError, NotFound
from dure.core.text import Text
from dure.core.time import day_interval, day_of
from dure.engines.records import audit
from dure.engines.records.audit import By
from dure.engines.records.tables_carbon_ledger import carbon_entries as entries
from dure.engines.records.tables_carbon_ledger import carbon_transfers as transfers
from dure.engines.records.tables_carbon_practices import carbon_practice_acts as acts
from dure.services.carbon.ledger import accounts, posting
from dure.services.carbon.ledger.model import Balance, Transfer
from dure.services.carbon.practising.outlook import Outlook, outlook
from dure.services.carbon.practising.practice_desk import Setting
from dure.services.carbon.programmes import programme

FUND_MOST_WON = 10**12
RECEIPT_MAX = 60


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """A programme's money: what came in, is reserved, was paid [KRW]; how long it lasts; how many wait for a decision."""

    programme: str
    name: Text
    funded_won: int
    reserved_won: int
    paid_won: int
    outlook: Outlook
    queue: int


def fund(connection: Connection, ident: str, won: int, receipt: str, by: By) -> Balance:
    """The city puts money into a programme; the same receipt twice is one.

    Raises
    ------
    NotFound : ``programme.unknown``
    InputError : ``practice.fund_amount``
    Conflict : ``ledger.id_reused`` when the receipt was another amount
    """
    programme(ident, by.at.date())
    if not 0 < won <= FUND_MOST_WON or not 0 < len(receipt.strip()) <= RECEIPT_MAX:
        raise InputError("practice.fund_amount", "Write an amount above 0 and the number of its document.")
    digest = hashlib.sha256(receipt.strip().encode()).hexdigest()[:20]
    one = Transfer(
        id=f"budget/{ident}/in/{digest}", debit=accounts.treasury().id, credit=accounts.budget(ident).id, amount=won, unit="KRW",
        why="fund", ref=ident,
    )  # fmt: skip
    why = posting.post(connection, [[one]], by.at, posting.named(accounts.treasury(), accounts.budget(ident)))[0]
    if why is not None:
        raise Conflict(why.code, why.reason.en)
    audit.append(connection, by, "manage", "programme", ident, {"funded_won": won, "document": receipt.strip()})
    return posting.balance(connection, accounts.budget(ident).id)


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


def _spent(connection: Connection, ident: str, today: date, by: Setting) -> list[int]:
    """What was reserved on each whole day before today and not released since, from the first day with any [KRW]."""
    since = day_interval(today - timedelta(days=by.rules.limits.outlook_d), by.zone).start
    until = day_interval(today, by.zone).start
    account = accounts.budget(ident).id
    ended = transfers.alias()
    query = (
        select(transfers.c.at, transfers.c.amount)
        .join(entries, entries.c.seq == transfers.c.seq)
        .outerjoin(ended, (ended.c.ends == transfers.c.id) & (ended.c.deed == "void"))
        .where(
            entries.c.account == account, transfers.c.debit == account, transfers.c.deed.in_(("pending", "transfer")),
            transfers.c.at >= since, transfers.c.at < until, ended.c.id.is_(None),
        )
    )  # fmt: skip
    return daily([(row.at, row.amount) for row in connection.execute(query)], today, by.zone)


def daily(rows: list[tuple[datetime, int]], today: date, zone: ZoneInfo) -> list[int]:
    """Sums of whole local days before today, from the first day with any. Pure."""
    sums: defaultdict[date, int] = defaultdict(int)
    for at, amount in rows:
        sums[day_of(at, zone)] += amount
    if not sums:
        return []
    first = min(sums)
    return [sums[first + timedelta(days=n)] for n in range((today - first).days)]
