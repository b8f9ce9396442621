"""A person's wallet: what is in it and why, and how it is paid out."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import Connection, select, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import Conflict, InputError, NotFound
from dure.engines.records import audit, dialect
from dure.engines.records.audit import By
from dure.engines.records.tables_carbon_ledger import carbon_entries as entries
from dure.engines.records.tables_carbon_ledger import carbon_transfers as transfers
from dure.engines.records.tables_carbon_practices import carbon_practice_acts as acts
from dure.engines.records.tables_carbon_practices import carbon_practice_payouts as payouts
from dure.services.carbon.ledger import accounts, posting
from dure.services.carbon.ledger.model import Balance, Transfer
from dure.services.carbon.ledger.turn import take_turn
from dure.services.carbon.practising.practice_desk import Setting
from dure.services.carbon.transparency import commitments

PayoutState = Literal["asked", "paid", "refused"]
ENTRIES_MOST = 200


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a wallet.

    Attributes
    ----------
    won : what came in, or went out when negative [KRW]
    settled : False while it is only reserved
    why : code of the transfer; act, practice, code : what it was for, and why it was decided so; empty for others
    """

    at: datetime
    won: int
    settled: bool
    why: str
    ref: str
    act: str = ""
    practice: str = ""
    code: str = ""


class Payout(msgspec.Struct, frozen=True, kw_only=True):
    """Money a person asked for, and what became of it."""

    id: str
    person: str
    won: int
    state: PayoutState
    asked_at: datetime
    decided_at: datetime | None = None


class Wallet(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has [KRW]: to spend, reserved until a decision, asked for and not paid yet, and the newest lines."""

    ref: str
    available_won: int
    coming_won: int
    leaving_won: int
    entries: tuple[Entry, ...]
    payouts: tuple[Payout, ...]


def wallet(connection: Connection, person: str) -> Wallet:
    """As it stands; empty for who never earned anything."""
    ref = commitments.ref_of(connection, person)
    if ref is None:
        return Wallet(ref="", available_won=0, coming_won=0, leaving_won=0, entries=(), payouts=())
    balance = balance_of(connection, ref)
    return Wallet(
        ref=ref,
        available_won=balance.available,
        coming_won=balance.credits_pending,
        leaving_won=balance.debits_pending,
        entries=tuple(_entries(connection, ref)),
        payouts=tuple(payouts_of(connection, person)),
    )


def balance_of(connection: Connection, ref: str) -> Balance:
    """Sums of a wallet."""
    account = accounts.wallet(ref).id
    try:
        return posting.balance(connection, account)
    except NotFound:
        return Balance(account=account, unit="KRW")


def ask(connection: Connection, person: str, won: int, by: Setting) -> Payout:
    """Ask for money: it is set aside until an officer has paid it.

    Raises
    ------
    InputError : ``practice.payout_least``
    Conflict : ``practice.payout_funds`` when there is not so much
    """
    least = by.rules.limits.payout_least_won
    if won < least:
        raise InputError("practice.payout_least", f"The least that is paid out is {least:,} won.")
    take_turn(connection)
    ref = commitments.commit(connection, person, by.at)
    one = Payout(id=f"pay-{secrets.token_hex(10)}", person=person, won=won, state="asked", asked_at=by.at)
    paid = accounts.paid(by.rules.limits.payout_programme)
    wanted = Transfer(
        id=f"{one.id}/won", debit=accounts.wallet(ref).id, credit=paid.id, amount=won, unit="KRW", deed="pending", why="payout",
        ref=one.id,
    )  # fmt: skip
    why = posting.post(connection, [[wanted]], by.at, posting.named(accounts.wallet(ref), paid))[0]
    if why is not None:
        raise Conflict("practice.payout_funds", f"There is not so much in the wallet: {why.reason.en}", reason=why.reason)
    dialect.insert_new(connection, payouts, [msgspec.structs.asdict(one)])
    return one


def settle(connection: Connection, ident: str, state: PayoutState, by: By) -> Payout:
    """An officer has paid it, or refuses to.

    Raises
    ------
    NotFound : ``practice.payout_unknown``
    Conflict : ``practice.payout_state`` when that was said before
    """
    take_turn(connection)
    row = connection.execute(select(payouts).where(payouts.c.id == ident)).mappings().one_or_none()
    if row is None:
        raise NotFound("practice.payout_unknown", f"There is no payout {ident[:80]!r}.")
    if row["state"] != "asked" or state == "asked":
        raise Conflict("practice.payout_state", f"{ident} is {row['state']} already.")
    pending = connection.execute(select(transfers).where(transfers.c.id == f"{ident}/won")).mappings().one()
    ends = Transfer(
        id=f"{ident}/won/{state}", debit=pending["debit"], credit=pending["credit"], amount=row["won"] if state == "paid" else 0,
        unit="KRW", deed="post" if state == "paid" else "void", of=f"{ident}/won", why="payout", ref=ident,
    )  # fmt: skip
    why = posting.post(connection, [[ends]], by.at, {})[0]
    if why is not None:
        raise Conflict("practice.payout_state", why.reason.en, reason=why.reason)
    connection.execute(update(payouts).where(payouts.c.id == ident).values(state=state, decided_at=by.at))
    audit.append(connection, by, "manage", "programme", ident, {"payout": state, "won": row["won"]})
    return _payout(connection.execute(select(payouts).where(payouts.c.id == ident)).mappings().one())


def asked(connection: Connection) -> list[Payout]:
    """Money people wait for, the longest first."""
    query = select(payouts).where(payouts.c.state == "asked").order_by(payouts.c.asked_at, payouts.c.id)
    return [_payout(row) for row in connection.execute(query).mappings()]


def payouts_of(connection: Connection, person: str) -> list[Payout]:
    """What a person asked for, the newest first."""
    query = select(payouts).where(payouts.c.person == person).order_by(payouts.c.asked_at.desc(), payouts.c.id)
    return [_payout(row) for row in connection.execute(query).mappings()]


def waive(connection: Connection, ref: str, by: Setting) -> int:
    """A person gives up what is in their wallet: it goes back to the programme that pays out; how much [KRW]."""
    left = balance_of(connection, ref).available
    if left > 0:
        budget = accounts.budget(by.rules.limits.payout_programme)
        one = Transfer(
            id=f"waiver/{ref}/{secrets.token_hex(6)}", debit=accounts.wallet(ref).id, credit=budget.id, amount=left, unit="KRW",
            why="waiver", ref=ref,
        )  # fmt: skip
        why = posting.post(connection, [[one]], by.at, posting.named(accounts.wallet(ref), budget))[0]
        if why is not None:
            raise Conflict("practice.not_booked", why.reason.en, reason=why.reason)
    return left


def _entries(connection: Connection, ref: str) -> list[Entry]:
    account = accounts.wallet(ref).id
    ended = transfers.alias()
    query = (
        select(transfers, acts.c.id.label("act"), acts.c.practice, acts.c.code, ended.c.deed.label("end"))
        .join(entries, entries.c.seq == transfers.c.seq)
        .outerjoin(ended, ended.c.ends == transfers.c.id)
        .outerjoin(acts, acts.c.claim == transfers.c.ref)
        .where(entries.c.account == account, transfers.c.deed.in_(("transfer", "pending")))
        .order_by(entries.c.seq.desc())
        .limit(ENTRIES_MOST)
    )
    found = []
    for row in connection.execute(query).mappings():
        if row["end"] == "void":
            continue
        found.append(
            Entry(
                at=row["at"], won=row["amount"] if row["credit"] == account else -row["amount"],
                settled=row["deed"] == "transfer" or row["end"] == "post", why=row["why"], ref=row["ref"],
                act=row["act"] or "", practice=row["practice"] or "", code=row["code"] or "",
            )
        )  # fmt: skip
    return found


def _payout(row: RowMapping) -> Payout:
    return Payout(**row)
