"""What stood on the books, and when: balances as of an instant, and the transfers of an account or a claim, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, select

from dure.core.errors import InputError, NotFound
from dure.engines.records.paging import Page, checked_limit, page
from dure.engines.records.tables_carbon_ledger import carbon_accounts as accounts
from dure.engines.records.tables_carbon_ledger import carbon_entries as entries
from dure.engines.records.tables_carbon_ledger import carbon_transfers as transfers
from dure.services.carbon.ledger.ledger_records import account_and_balance, transfer_from
from dure.services.carbon.ledger.model import Account, AccountKind, Balance, Transfer
from dure.services.carbon.ledger.posting import balance

REF_TRANSFERS_MAX = 1_000
_SUMS = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")


class Standing(msgspec.Struct, frozen=True):
    """An account and its balance."""

    account: Account
    balance: Balance


class Booked(msgspec.Struct, frozen=True):
    """A transfer as it stands on the books.

    Attributes
    ----------
    seq : its number; the order of the books
    at : when, by its writer's clock
    booked_at : the same, or the time of the transfer before it where that clock was behind
    after : the balance of the account asked about right after it; None where no account was
    ended_by : the transfer that posted or voided it, else empty
    """

    seq: int
    transfer: Transfer
    at: datetime
    booked_at: datetime
    after: Balance | None = None
    ended_by: str = ""


def balance_as_of(connection: Connection, account_id: str, at: datetime) -> Balance:
    """The balance of an account after all that was booked up to and including an instant.

    What was booked is never inserted before something that is there already, so that the answer for a past instant is always
    the same.

    Raises
    ------
    NotFound
        ``ledger.account_unknown``
    """
    now = balance(connection, account_id)
    upto = select(func.max(transfers.c.seq)).where(transfers.c.booked_at <= at).scalar_subquery()
    query = select(entries).where(entries.c.account == account_id, entries.c.seq <= upto).order_by(entries.c.seq.desc()).limit(1)
    row = connection.execute(query).first()
    return Balance(account=account_id, unit=now.unit) if row is None else _balance(row, now)


def standings(connection: Connection, *, kind: AccountKind | None = None, after: str = "", limit: int = 100) -> Page[Standing]:
    """Accounts by id, of one kind or all, with their balances; `after` is the id of the last one before."""
    query = select(accounts)
    if kind is not None:
        query = query.where(accounts.c.kind == kind)
    if after:
        query = query.where(accounts.c.id > after)
    rows = connection.execute(query.order_by(accounts.c.id).limit(checked_limit(limit) + 1))
    return page((Standing(*account_and_balance(row)) for row in rows), limit, lambda one: one.account.id)


def kinds(connection: Connection) -> list[tuple[AccountKind, str, int, int, int]]:
    """Of each kind of account: its unit, how many there are, and what they have received and given (posted)."""
    query = (
        select(
            accounts.c.kind,
            accounts.c.unit,
            func.count(),
            func.sum(accounts.c.credits_posted),
            func.sum(accounts.c.debits_posted),
        )
        .group_by(accounts.c.kind, accounts.c.unit)
        .order_by(accounts.c.unit, accounts.c.kind)
    )
    return [(row[0], row[1], int(row[2]), int(row[3]), int(row[4])) for row in connection.execute(query)]


def transfers_of(connection: Connection, account_id: str, *, after: str = "", limit: int = 100) -> Page[Booked]:
    """Transfers of an account, newest first, each with the balance it left; `after` is the number of the last one before.

    Raises
    ------
    NotFound
        ``ledger.account_unknown``
    InputError
        ``page.mark``, ``page.limit``
    """
    now = balance(connection, account_id)
    sums = [entries.c[name].label(name) for name in _SUMS]
    query = (
        select(transfers, *sums)
        .join(entries, entries.c.seq == transfers.c.seq)
        .where(entries.c.account == account_id)
        .order_by(entries.c.seq.desc())
        .limit(checked_limit(limit) + 1)
    )
    if after:
        query = query.where(entries.c.seq < _mark(after))
    rows = connection.execute(query).all()
    ended = _ended_by(connection, [row.id for row in rows if row.deed == "pending"])
    found = (_booked(row, _balance(row, now), ended.get(row.id, "")) for row in rows)
    return page(found, limit, lambda one: str(one.seq))


def transfer(connection: Connection, ident: str) -> Booked:
    """One transfer.

    Raises
    ------
    NotFound
        ``ledger.transfer_unknown``
    """
    row = connection.execute(select(transfers).where(transfers.c.id == ident)).first()
    if row is None:
        raise NotFound("ledger.transfer_unknown", f"There is no transfer {ident[:80]!r}.")
    return _booked(row, None, _ended_by(connection, [row.id]).get(row.id, ""))


def transfers_for(connection: Connection, ref: str) -> list[Booked]:
    """All transfers of a claim, sponsorship or decision, in order; the first thousand."""
    query = select(transfers).where(transfers.c.ref == ref).order_by(transfers.c.seq).limit(REF_TRANSFERS_MAX)
    rows = connection.execute(query).all()
    ended = _ended_by(connection, [row.id for row in rows if row.deed == "pending"])
    return [_booked(row, None, ended.get(row.id, "")) for row in rows]


def corrections_of(connection: Connection, ident: str) -> list[Booked]:
    """Transfers that correct this one, in order."""
    query = select(transfers).where(transfers.c.corrects == ident).order_by(transfers.c.seq).limit(REF_TRANSFERS_MAX)
    return [_booked(row, None, "") for row in connection.execute(query)]


def _booked(row: Row[Any], after: Balance | None, ended_by: str) -> Booked:
    return Booked(row.seq, transfer_from(row), row.at, row.booked_at, after, ended_by)


def _balance(row: Row[Any], of: Balance) -> Balance:
    return Balance(account=of.account, unit=of.unit, **{name: getattr(row, name) for name in _SUMS})


def _ended_by(connection: Connection, idents: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for at in range(0, len(idents), 500):
        query = select(transfers.c.ends, transfers.c.id).where(transfers.c.ends.in_(idents[at : at + 500]))
        found.update((row.ends, row.id) for row in connection.execute(query))
    return found


def _mark(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InputError("page.mark", f"{text[:80]!r} is no mark of a page: take `next` of the page before.")
    return int(text)
