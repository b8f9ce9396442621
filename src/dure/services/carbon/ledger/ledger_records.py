"""The books in the records: what some groups touch is read in a few statements, and what was posted is written in a few."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, select

from dure.core.errors import Conflict
from dure.engines.records import dialect
from dure.engines.records.tables_carbon_ledger import carbon_accounts as accounts
from dure.engines.records.tables_carbon_ledger import carbon_entries as entries
from dure.engines.records.tables_carbon_ledger import carbon_pending as pending
from dure.engines.records.tables_carbon_ledger import carbon_transfers as transfers
from dure.services.carbon.ledger.asked_rows import asked
from dure.services.carbon.ledger.judging import Books, Posted
from dure.services.carbon.ledger.model import Account, Balance, Transfer

_TRANSFER = ("id", "debit", "credit", "amount", "unit", "deed", "expires_at", "why", "ref")
_SUMS = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")


def books_of(connection: Connection, groups: Iterable[Sequence[Transfer]]) -> Books:
    """All of the books that these groups touch."""
    wanted = [one for group in groups for one in group]
    books = Books()
    newest = connection.execute(select(transfers.c.seq, transfers.c.booked_at).order_by(transfers.c.seq.desc()).limit(1)).first()
    if newest is not None:
        books.seq, books.booked_at = newest
    idents = {ident for one in wanted for ident in (one.id, one.of, one.corrects) if ident}
    books.transfers = transfers_by_id(connection, idents)
    named = {ident for one in (*wanted, *books.transfers.values()) for ident in (one.debit, one.credit) if ident}
    for row in connection.execute(_among(connection, select(accounts), accounts.c.id, named)):
        account, balance = account_and_balance(row)
        books.accounts[account.id], books.balances[account.id] = account, balance
    ended = {one.of for one in wanted if one.of}
    if ended:
        books.pending = set(connection.execute(_among(connection, select(pending.c.id), pending.c.id, ended)).scalars())
    corrected = {one.corrects for one in wanted if one.corrects}
    if corrected:
        books.taken_back = _taken_back(connection, corrected)
    return books


def transfers_by_id(connection: Connection, idents: set[str]) -> dict[str, Transfer]:
    """Those of these transfers that are on the books."""
    found = connection.execute(_among(connection, select(transfers), transfers.c.id, idents))
    return {row.id: transfer_from(row) for row in found}


def transfer_from(row: Row[Any]) -> Transfer:
    """The transfer in a row of the table."""
    return Transfer(
        of=row.ends or "", corrects=row.corrects or "", **{name: getattr(row, name) for name in _TRANSFER}
    )  # fmt: skip


def account_and_balance(row: Row[Any]) -> tuple[Account, Balance]:
    """The account in a row of the table, and its balance."""
    account = Account(id=row.id, kind=row.kind, unit=row.unit, covered=bool(row.covered))
    return account, Balance(account=row.id, unit=row.unit, **{name: getattr(row, name) for name in _SUMS})


def write(connection: Connection, books: Books, posted: Sequence[Posted]) -> None:
    """Keep what was posted, with the balances it leaves.

    Raises
    ------
    Conflict
        ``ledger.raced`` when somebody wrote to the books without having a turn; nothing of the transaction is kept
    """
    touched = {one.account: one for each in posted for one in (each.debit, each.credit)}
    dialect.upsert(connection, accounts, [_account_row(books.accounts[ident], touched[ident]) for ident in sorted(touched)])
    kept = dialect.insert_new(connection, transfers, [_transfer_row(one) for one in posted])
    lines = [_entry_row(one.seq, side) for one in posted for side in (one.debit, one.credit)]
    if kept != len(posted) or dialect.insert_new(connection, entries, lines) != len(lines):
        raise Conflict("ledger.raced", "Somebody else wrote to the carbon ledger out of turn; nothing was posted.")
    reserved = {one.transfer.id: one.transfer.expires_at for one in posted if one.transfer.deed == "pending"}
    ended = {one.transfer.of for one in posted if one.transfer.of}
    dialect.insert_new(
        connection, pending, [{"id": ident, "expires_at": at} for ident, at in reserved.items() if ident not in ended]
    )
    if ended:
        gone = asked(connection, {"id": str}, [(ident,) for ident in sorted(ended)])
        connection.execute(delete(pending).where(pending.c.id.in_(select(gone.c.id))))


def _among(connection: Connection, query: Any, column: Any, idents: set[str]) -> Any:
    """The query, of rows with one of these ids only: each is looked up by the index."""
    given = asked(connection, {"wanted": str}, [(ident,) for ident in sorted(idents)])
    return query.where(column.in_(select(given.c.wanted)))


def _taken_back(connection: Connection, corrected: set[str]) -> dict[str, int]:
    """Of each corrected transfer, what corrections moved out of the account it went to."""
    wrong = transfers.alias()
    query = (
        select(wrong.c.id, func.sum(transfers.c.amount))
        .join_from(wrong, transfers, and_(transfers.c.corrects == wrong.c.id, transfers.c.debit == wrong.c.credit))
        .group_by(wrong.c.id)
    )
    return {row[0]: int(row[1]) for row in connection.execute(_among(connection, query, wrong.c.id, corrected))}


def _account_row(account: Account, balance: Balance) -> dict[str, Any]:
    return {
        "id": account.id,
        "kind": account.kind,
        "unit": account.unit,
        "covered": int(account.covered),
        **{name: getattr(balance, name) for name in _SUMS},
    }


def _transfer_row(one: Posted) -> dict[str, Any]:
    return {
        "seq": one.seq,
        **{name: getattr(one.transfer, name) for name in _TRANSFER},
        "ends": one.transfer.of or None,
        "corrects": one.transfer.corrects or None,
        "at": one.at,
        "booked_at": one.booked_at,
    }


def _entry_row(seq: int, balance: Balance) -> dict[str, Any]:
    return {"account": balance.account, "seq": seq, **{name: getattr(balance, name) for name in _SUMS}}
