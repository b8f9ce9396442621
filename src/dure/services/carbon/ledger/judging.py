"""What the books answer to linked groups of transfers: a pure function of the books, the groups and the time.

After the model of TigerBeetle (docs.tigerbeetle.com/coding/data-modeling, .../two-phase-transfers, .../linked-events): a transfer
is posted at once, or reserved and later posted in whole, in part, or voided; a group is posted whole or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from dure.services.carbon.ledger.model import Account, Balance, Transfer
from dure.services.carbon.ledger.refusals import refused
from dure.services.carbon.ledger.shapes import account_fits, misshapen
from dure.services.carbon.model import Refused

SUM_MAX = 2**62  # of each of the four sums: what both databases count exactly, with room for one addition
GROUP_MAX = 10_000
FINAL = ("retired", "cancelled", "paid")  # kinds of account that only a correction may leave


class Posted(NamedTuple):
    """A transfer as booked, with the balances of its two accounts right after it."""

    seq: int
    transfer: Transfer
    at: datetime
    booked_at: datetime
    debit: Balance
    credit: Balance


@dataclass(slots=True)
class Books:
    """What of the books some groups touch. `judge` moves it on, group by group.

    Attributes
    ----------
    seq : of the newest transfer, 0 without one
    booked_at : of the newest transfer; what is booked next is not earlier
    accounts, balances : by account id, of those that are there
    transfers : by id, of those that are on the books: those posted again, ended or corrected
    pending : ids of pending transfers that nothing has ended
    taken_back : by corrected transfer, what corrections have already moved out of the account it went to
    """

    seq: int = 0
    booked_at: datetime | None = None
    accounts: dict[str, Account] = field(default_factory=dict)
    balances: dict[str, Balance] = field(default_factory=dict)
    transfers: dict[str, Transfer] = field(default_factory=dict)
    pending: set[str] = field(default_factory=set)
    taken_back: dict[str, int] = field(default_factory=dict)


class Judged(NamedTuple):
    """An answer for each group, and what was posted, in order."""

    answers: list[Refused | None]
    posted: list[Posted]


def judge(
    books: Books, groups: Sequence[Sequence[Transfer]], at: datetime, accounts: Mapping[str, Account] | None = None
) -> Judged:
    """Post each group, or say why not; a group that is refused leaves no trace.

    Parameters
    ----------
    books : all that the groups touch; moved on
    groups : linked transfers, in order
    at : when, by the writer's clock. Where it is before the newest transfer, that one's time is kept: the order of the books
        is the order of posting
    accounts : what accounts are that may not be there yet, by id
    """
    answers: list[Refused | None] = []
    posted: list[Posted] = []
    booked_at = at if books.booked_at is None else max(at, books.booked_at)
    for group in groups:
        draft = _Draft(books, accounts or {}, booked_at)
        why = _seen(books, group) if _any_seen(books, group) else draft.add(group)
        answers.append(why)
        posted += draft.kept(at) if why is None else []
    return Judged(answers, posted)


def _any_seen(books: Books, group: Sequence[Transfer]) -> bool:
    return any(one.id in books.transfers for one in group)


def _seen(books: Books, group: Sequence[Transfer]) -> Refused | None:
    """What is said of a group of which something is on the books: nothing, when it is there as a whole."""
    kept = [one for one in group if one.id in books.transfers]
    for one in kept:
        if _filled(one, books.transfers.get(one.of)) != books.transfers[one.id]:
            return refused("ledger.id_reused", id=one.id)
    return None if len(kept) == len(group) else refused("ledger.group_differs", id=kept[0].id)


def _filled(one: Transfer, pending: Transfer | None) -> Transfer:
    """A post or void that names no accounts is of those of its pending transfer."""
    if pending is None or one.debit or one.credit:
        return one
    return replace(one, debit=pending.debit, credit=pending.credit)


class _Draft:
    """One group on its way: everything it would change, beside the books."""

    def __init__(self, books: Books, given: Mapping[str, Account], booked_at: datetime) -> None:
        self._books, self._given, self._booked_at = books, given, booked_at
        self._accounts: dict[str, Account] = {}
        self._balances: dict[str, Balance] = {}
        self._transfers: dict[str, Transfer] = {}
        self._ended: set[str] = set()
        self._back: dict[str, int] = {}
        self._lines: list[tuple[Transfer, Balance, Balance]] = []

    def add(self, group: Sequence[Transfer]) -> Refused | None:
        """All of the group, or the first reason against it."""
        if len(group) > GROUP_MAX:
            return refused("ledger.group_too_large", n=len(group), most=GROUP_MAX)
        for one in group:
            if one.id in self._transfers:
                return refused("ledger.id_reused", id=one.id)
            why = misshapen(one) or self._add(_filled(one, self._known(one.of)))
            if why is not None:
                return why
        return None

    def kept(self, at: datetime) -> list[Posted]:
        """Put it on the books."""
        books, found = self._books, []
        for transfer, debit, credit in self._lines:
            books.seq += 1
            found.append(Posted(books.seq, transfer, at, self._booked_at, debit, credit))
            if transfer.deed == "pending":
                books.pending.add(transfer.id)
        if found:
            books.booked_at = self._booked_at
        books.accounts |= self._accounts
        books.balances |= self._balances
        books.transfers |= self._transfers
        books.pending -= self._ended
        books.taken_back |= self._back
        return found

    def _known(self, ident: str) -> Transfer | None:
        return self._transfers.get(ident) or self._books.transfers.get(ident)

    def _add(self, one: Transfer) -> Refused | None:
        pending = self._known(one.of)
        if one.of and (pending is None or pending.deed != "pending"):
            return refused("ledger.pending_unknown", id=one.of)
        if one.debit == one.credit:
            return refused("ledger.same_account", account=one.debit)
        why = self._opened(one.debit, one) or self._opened(one.credit, one)
        why = why or (self._against_moving(one) if pending is None else self._against_ending(one, pending))
        return why or self._move(one, pending)

    def _opened(self, ident: str, one: Transfer) -> Refused | None:
        """Why the account cannot be used; it comes to be when it is used first."""
        kept = self._accounts.get(ident) or self._books.accounts.get(ident)
        given = self._given.get(ident)
        if kept is None:
            if given is None:
                return refused("ledger.account_unknown", account=ident)
            if given.id != ident or not account_fits(given):
                return refused("ledger.account_invalid", account=ident)
            kept = self._accounts[ident] = given
        elif given is not None and given != kept:
            return refused("ledger.account_differs", account=ident)
        if kept.unit != one.unit:
            return refused("ledger.unit_mismatch", account=ident, unit=one.unit)
        return None

    def _against_ending(self, one: Transfer, pending: Transfer) -> Refused | None:
        """Why a post or void does not fit the pending transfer it ends."""
        here = one.of in self._transfers or one.of in self._books.pending
        if not here or one.of in self._ended:
            return refused("ledger.pending_ended", id=one.of)
        same = (one.debit, one.credit, one.unit) == (pending.debit, pending.credit, pending.unit)
        if not same or one.amount > pending.amount:
            return refused("ledger.pending_differs", id=one.of)
        if one.deed == "post" and pending.expires_at is not None and pending.expires_at <= self._booked_at:
            return refused("ledger.pending_expired", id=one.of)
        return None

    def _against_moving(self, one: Transfer) -> Refused | None:
        """Why a transfer or reservation may not leave its account."""
        if one.expires_at is not None and one.expires_at <= self._booked_at:
            return refused("ledger.expires_past", id=one.id)
        debit = self._account(one.debit)
        if debit.kind in FINAL and not one.corrects:
            return refused("ledger.final_account", account=one.debit)
        available = self._balance(one.debit).available
        if debit.covered and one.amount > available:
            return refused("ledger.overdrawn", account=one.debit, available=available, amount=one.amount)
        return self._against_correcting(one) if one.corrects else None

    def _against_correcting(self, one: Transfer) -> Refused | None:
        wrong = self._known(one.corrects)
        if wrong is None:
            return refused("ledger.corrects_unknown", id=one.corrects)
        if wrong.deed not in ("transfer", "post") or wrong.unit != one.unit:
            return refused("ledger.corrects_unfit", id=one.corrects)
        if not {wrong.debit, wrong.credit} & {one.debit, one.credit}:
            return refused("ledger.corrects_unfit", id=one.corrects)
        if one.debit != wrong.credit:
            return None
        back = self._back.get(wrong.id, self._books.taken_back.get(wrong.id, 0))
        if back + one.amount > wrong.amount:
            return refused("ledger.corrects_too_much", id=one.corrects, most=wrong.amount - back)
        self._back[wrong.id] = back + one.amount
        return None

    def _move(self, one: Transfer, pending: Transfer | None) -> Refused | None:
        """The balances after it."""
        reserved = one.amount if one.deed == "pending" else 0
        if pending is not None:
            reserved = -pending.amount
            self._ended.add(pending.id)
        at_once = 0 if one.deed in ("pending", "void") else one.amount
        debit, credit = self._balance(one.debit), self._balance(one.credit)
        debit = replace(debit, debits_pending=debit.debits_pending + reserved, debits_posted=debit.debits_posted + at_once)
        credit = replace(
            credit, credits_pending=credit.credits_pending + reserved, credits_posted=credit.credits_posted + at_once
        )
        for one_side in (debit, credit):
            if max(sums(one_side)) > SUM_MAX:
                return refused("ledger.sum_limit", account=one_side.account)
        self._balances |= {one.debit: debit, one.credit: credit}
        self._transfers[one.id] = one
        self._lines.append((one, debit, credit))
        return None

    def _account(self, ident: str) -> Account:
        return self._accounts.get(ident) or self._books.accounts[ident]

    def _balance(self, ident: str) -> Balance:
        found = self._balances.get(ident) or self._books.balances.get(ident)
        return found or Balance(account=ident, unit=self._account(ident).unit)


def sums(balance: Balance) -> tuple[int, int, int, int]:
    """The four sums: debits pending and posted, credits pending and posted."""
    return balance.debits_pending, balance.debits_posted, balance.credits_pending, balance.credits_posted
