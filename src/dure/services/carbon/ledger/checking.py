"""The check of the books: every balance is computed again from the transfers, and all accounts together must come to nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, Row, exists, func, literal, select, tuple_

from dure.engines.records.tables_carbon_ledger import carbon_accounts as accounts
from dure.engines.records.tables_carbon_ledger import carbon_entries as entries
from dure.engines.records.tables_carbon_ledger import carbon_pending as pending
from dure.engines.records.tables_carbon_ledger import carbon_transfers as transfers
from dure.services.carbon.ledger.ledger_records import account_and_balance
from dure.services.carbon.ledger.model import Account, Balance

PAGE = 5_000
PROBLEMS_MAX = 100
Side = Literal["debit", "credit", "neither"]
Kind = Literal["entry", "balance", "overdrawn", "unopened", "gap", "order", "sides", "pending"]


class Problem(msgspec.Struct, frozen=True):
    """Something on the books that does not follow from the transfers.

    Attributes
    ----------
    kind : ``entry`` a balance after a transfer, ``balance`` one as it stands, ``overdrawn`` a covered account below 0,
        ``unopened`` an account with transfers that is not there, ``gap`` numbers that are missing, ``order`` times that run
        backwards, ``sides`` debits and credits that differ, ``pending`` the list of open reservations
    where : account, unit or id
    seq : of the transfer; 0 where it is none
    """

    kind: Kind
    where: str
    seq: int = 0


class Total(msgspec.Struct, frozen=True):
    """Sums over all accounts of a unit; of each kind debits equal credits."""

    unit: str
    debits_pending: int
    debits_posted: int
    credits_pending: int
    credits_posted: int

    @property
    def even(self) -> bool:
        """Whether debits equal credits."""
        return (self.debits_pending, self.debits_posted) == (self.credits_pending, self.credits_posted)


class Checked(msgspec.Struct, frozen=True):
    """What the check found. `problems` are the first hundred."""

    transfers: int
    accounts: int
    totals: tuple[Total, ...]
    problems: tuple[Problem, ...]

    @property
    def sound(self) -> bool:
        """Whether there is nothing wrong."""
        return not self.problems


class _Line(NamedTuple):
    """A transfer as one of its accounts sees it, with the balance kept after it."""

    kept: Balance
    seq: int
    side: Side
    amount: int
    deed: str
    reserved: int


def check(connection: Connection) -> Checked:
    """Everything, in one state of the books; memory does not grow with the number of transfers."""
    problems: list[Problem] = []
    stands = _accounts(connection)
    last: dict[str, Balance] = {}
    for ident, lines in _by_account(connection):
        if ident not in stands:
            problems.append(Problem("unopened", ident))
            continue
        last[ident] = _replay(stands[ident][0], lines, problems)
    for ident, (account, kept) in stands.items():
        if last.get(ident, Balance(account=ident, unit=account.unit)) != kept:
            problems.append(Problem("balance", ident))
    totals = _totals(connection)
    problems += [Problem("sides", one.unit) for one in totals if not one.even]
    count = _numbers(connection, problems)
    problems += [Problem("pending", ident) for ident in _wrongly_pending(connection)]
    return Checked(count, len(stands), totals, tuple(problems[:PROBLEMS_MAX]))


def _accounts(connection: Connection) -> Mapping[str, tuple[Account, Balance]]:
    return {row.id: account_and_balance(row) for row in connection.execute(select(accounts))}


def _by_account(connection: Connection) -> Iterator[tuple[str, Iterator[_Line]]]:
    """Each account with its transfers in order; take the lines of one before the next."""
    for account, rows in groupby(_rows(connection), key=lambda row: str(row.account)):
        yield account, (_line(row) for row in rows)


def _rows(connection: Connection) -> Iterator[Row[Any]]:
    reserved = transfers.alias()
    query = (
        select(entries, transfers.c.debit, transfers.c.credit, transfers.c.amount, transfers.c.deed, transfers.c.unit)
        .add_columns(reserved.c.amount.label("reserved"))
        .outerjoin(transfers, transfers.c.seq == entries.c.seq)
        .outerjoin(reserved, reserved.c.id == transfers.c.ends)
        .order_by(entries.c.account, entries.c.seq)
        .limit(PAGE)
    )
    page = connection.execute(query).all()
    while page:
        yield from page
        after = tuple_(entries.c.account, entries.c.seq) > tuple_(literal(page[-1].account), literal(page[-1].seq))
        page = connection.execute(query.where(after)).all()


def _line(row: Row[Any]) -> _Line:
    kept = Balance(
        account=row.account,
        unit=row.unit,
        debits_pending=row.debits_pending,
        debits_posted=row.debits_posted,
        credits_pending=row.credits_pending,
        credits_posted=row.credits_posted,
    )
    side: Side = "debit" if row.account == row.debit else "credit" if row.account == row.credit else "neither"
    return _Line(kept, row.seq, side, row.amount or 0, row.deed or "", row.reserved or 0)


def _replay(account: Account, lines: Iterator[_Line], problems: list[Problem]) -> Balance:
    """The balance of an account by its transfers; what was kept after each must be the same."""
    now = Balance(account=account.id, unit=account.unit)
    for line in lines:
        now = _after(now, line)
        if line.side == "neither" or now != line.kept:
            problems.append(Problem("entry", account.id, line.seq))
        if account.covered and now.available < 0:
            problems.append(Problem("overdrawn", account.id, line.seq))
    return now


def _after(now: Balance, line: _Line) -> Balance:
    reserved = line.amount if line.deed == "pending" else -line.reserved
    at_once = line.amount if line.deed in ("transfer", "post") else 0
    if line.side == "debit":
        return replace(now, debits_pending=now.debits_pending + reserved, debits_posted=now.debits_posted + at_once)
    return replace(now, credits_pending=now.credits_pending + reserved, credits_posted=now.credits_posted + at_once)


def _totals(connection: Connection) -> tuple[Total, ...]:
    names = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
    query = select(accounts.c.unit, *(func.sum(accounts.c[name]) for name in names)).group_by(accounts.c.unit)
    return tuple(Total(row[0], *map(int, row[1:])) for row in connection.execute(query.order_by(accounts.c.unit)))


def _numbers(connection: Connection, problems: list[Problem]) -> int:
    """How many transfers there are; they are numbered without a gap, their times never run backwards, each has two entries."""
    count, last = connection.execute(
        select(func.count(), func.coalesce(func.max(transfers.c.seq), 0)).select_from(transfers)
    ).one()
    if count != last:
        problems.append(Problem("gap", "transfers", last))
    before = select(
        transfers.c.seq, transfers.c.booked_at, func.lag(transfers.c.booked_at).over(order_by=transfers.c.seq).label("earlier")
    ).subquery()
    backwards = select(before.c.seq).where(before.c.booked_at < before.c.earlier).limit(PROBLEMS_MAX)
    problems += [Problem("order", "transfers", seq) for seq in connection.execute(backwards).scalars()]
    for side in (transfers.c.debit, transfers.c.credit):
        there = exists().where(entries.c.account == side, entries.c.seq == transfers.c.seq)
        bare = select(transfers.c.seq, side).where(~there).limit(PROBLEMS_MAX)
        problems += [Problem("entry", account, seq) for seq, account in connection.execute(bare)]
    return int(count)


def _wrongly_pending(connection: Connection) -> list[str]:
    """Reservations that are open and not listed, or listed and not open."""
    ending = transfers.alias()
    ended = exists().where(ending.c.ends == transfers.c.id)
    listed = exists().where(pending.c.id == transfers.c.id)
    wrong = select(transfers.c.id).where(transfers.c.deed == "pending", listed == ended)
    unknown = select(pending.c.id).where(~exists().where(transfers.c.id == pending.c.id, transfers.c.deed == "pending"))
    return [ident for query in (wrong, unknown) for ident in connection.execute(query.limit(PROBLEMS_MAX)).scalars()]
