"""Where the city funds, freezes and closes programmes: books, log, event and audit move together, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from dure.core.errors import Conflict, InputError, NotFound
from dure.core.events import Event
from dure.core.text import Text
from dure.core.time import day_interval, day_of
from dure.engines.records import audit, events
from dure.engines.records.audit import SYSTEM, By
from dure.services.carbon.governing import budget_records, flow_records
from dure.services.carbon.governing.budgets import NOTE_MAX, Asked, Deed, Done, Standing, objection, returnable
from dure.services.carbon.governing.flow_records import Flow
from dure.services.carbon.ledger import accounts, posting
from dure.services.carbon.ledger.model import Transfer
from dure.services.carbon.ledger.turn import take_turn
from dure.services.carbon.programmes import Programme, programme, programmes
from dure.services.carbon.transparency import staging
from dure.services.carbon.transparency.entry import Entry

if TYPE_CHECKING:
    from dure.spine.house import House


class Setting(NamedTuple):
    """Where and when it is, and whose rules hold."""

    zone: ZoneInfo
    at: datetime
    folder: Path | None = None


THAW: Deed = "thaw"
TYPES = {
    "fund": "carbon.budget.funded",
    "freeze": "carbon.budget.frozen",
    "thaw": "carbon.budget.thawed",
    "close": "carbon.budget.closed",
}
STAYS_FROZEN = "held back: came in while frozen"


def setting_of(house: House) -> Setting:
    """As the house has them now."""
    return Setting(house.city.zone, house.clock.now(), house.city.folder)


def standings(house: House, connection: Connection, year: int) -> dict[str, Standing]:
    """The money of every programme in force, by id."""
    rows = programmes(day_of(house.clock.now(), house.city.zone), house.city.folder)
    moved = flow_records.flows(connection, year_bounds(house, year))
    done = budget_records.of_year(connection, year)
    return {ident: _standing(connection, row, year, moved, done.get(ident, [])) for ident, row in rows.items()}


def standing(house: House, connection: Connection, ident: str) -> Standing:
    """The money of one programme this year; NotFound ``programme.unknown``."""
    return _standing_on(connection, setting_of(house), ident)


def _standing_on(connection: Connection, rules: Setting, ident: str) -> Standing:
    today = day_of(rules.at, rules.zone)
    row = programme(ident, today, rules.folder)
    moved = flow_records.flows(connection, _bounds(rules.zone, today.year))
    return _standing(connection, row, today.year, moved, budget_records.of_year(connection, today.year).get(ident, []))


def move(house: House, connection: Connection, ident: str, asked: Asked, by: By) -> Done:
    """As `moved`, by the house's own day."""
    return moved(connection, setting_of(house), ident, asked, by)


def moved(connection: Connection, rules: Setting, ident: str, asked: Asked, by: By) -> Done:
    """Fund, freeze, thaw or close a programme of this year: the one way its money moves, whoever asks. A document funds once.

    Raises
    ------
    NotFound : ``programme.unknown``
    InputError : ``budget.…``
    Conflict : ``budget.document_used`` when the document was of another amount
    """
    today = day_of(rules.at, rules.zone)
    row = programme(ident, today, rules.folder)
    take_turn(connection)  # nobody moves the money between this look at it and what is done
    document = asked.document.strip()
    known = budget_records.by_document(connection, ident, document) if document and asked.deed == "fund" else None
    if known is not None:
        return _once(known, asked.won)
    before, held = _standing_on(connection, rules, ident), budget_records.holding(connection, ident)
    why = objection(row, before, asked)
    if why is not None:
        raise InputError(why.code, why.reason.en, reason=why.reason)
    amount = {"fund": asked.won, "freeze": before.left_won, "thaw": before.held_won, "close": returnable(before)}[asked.deed]
    wanted = Done(
        programme=ident, n=0, at=by.at, year=today.year, deed=asked.deed, won=amount, note=asked.note.strip()[:NOTE_MAX],
        document=document,
    )  # fmt: skip
    done = budget_records.add(connection, wanted)
    if asked.deed == "thaw":
        _let_go(connection, held, by.at)
    elif amount:
        _post(connection, ident, _transfer(done), by.at)
    _tell(connection, done, by)
    return done


def _once(known: Done, won: int) -> Done:
    if known.won != won:
        reason = Text(
            f"이 문서로 {known.won:,}원을 이미 넣었습니다.", f"This document has put in {known.won:,} won already, not {won:,}."
        )
        raise Conflict("budget.document_used", reason.en, reason=reason)
    return known


def hold_back(house: House, connection: Connection, ident: str, at: datetime) -> Done | None:
    """Hold back what came into a frozen programme since; None when there is nothing."""
    before = standing(house, connection, ident)
    if not before.frozen or before.left_won <= 0:
        return None
    year = day_of(at, house.city.zone).year
    wanted = Done(programme=ident, n=0, at=at, year=year, deed="freeze", won=before.left_won, note=STAYS_FROZEN)
    done = budget_records.add(connection, wanted)
    _post(connection, ident, _transfer(done), at)
    _tell(connection, done, By(SYSTEM, at))
    return done


def year_bounds(house: House, year: int) -> tuple[datetime, datetime]:
    """First instant of a local year and of the next."""
    return _bounds(house.city.zone, year)


def _bounds(zone: ZoneInfo, year: int) -> tuple[datetime, datetime]:
    start, end = (day_interval(date(one, 1, 1), zone).start for one in (year, year + 1))
    return start, end


def _standing(connection: Connection, row: Programme, year: int, moved: list[Flow], done: list[Done]) -> Standing:
    held = budget_records.holding(connection, row.id)
    held_won = sum(one.won for one in held)
    try:
        balance = posting.balance(connection, accounts.budget(row.id).id)
        left_won, pending = balance.available, balance.debits_pending
    except NotFound:
        left_won = pending = 0
    mine = [one for one in moved if one.programme == row.id]
    return Standing(
        programme=row.id,
        year=year,
        rule_won=row.budget_won,
        funded_won=_net(mine, "treasury", "budget"),
        sponsored_won=_net(mine, "escrow", "budget"),
        given_won=_net(mine, "budget", "wallet"),
        promised_won=pending - held_won,
        held_won=held_won,
        left_won=left_won,
        frozen=bool(held),
        last=done[-1] if done else None,
    )


def _net(moved: list[Flow], source: str, target: str) -> int:
    there = sum(one.won for one in moved if (one.source, one.target) == (source, target))
    return there - sum(one.won for one in moved if (one.source, one.target) == (target, source))


def _transfer(done: Done) -> Transfer:
    ends = (accounts.treasury().id, accounts.budget(done.programme).id)
    debit, credit = ends if done.deed == "fund" else ends[::-1]
    return Transfer(
        id=_ident(done), debit=debit, credit=credit, amount=done.won, unit="KRW",
        deed="pending" if done.deed == "freeze" else "transfer", why=f"budget.{done.deed}", ref=f"{done.programme}/{done.year}",
    )  # fmt: skip


def _let_go(connection: Connection, held: Sequence[Done], at: datetime) -> None:
    """End the reservations of these freezes."""
    for one in held:
        if one.won:
            first = _transfer(one)
            ending = Transfer(
                id=f"{first.id}/void", debit=first.debit, credit=first.credit, amount=0, unit="KRW", deed="void", of=first.id,
                why=f"budget.{THAW}", ref=first.ref,
            )  # fmt: skip
            _post(connection, one.programme, ending, at)


def _ident(done: Done) -> str:
    return f"budget/{done.programme}/{done.n}"


def _post(connection: Connection, ident: str, one: Transfer, at: datetime) -> None:
    known = posting.named(accounts.treasury(), accounts.budget(ident))
    why = posting.post(connection, [[one]], at, known)[0]
    if why is not None:
        raise InputError(why.code, why.reason.en, reason=why.reason)


def _tell(connection: Connection, done: Done, by: By) -> None:
    body = {"programme": done.programme, "year": done.year, "deed": done.deed, "won": done.won}
    staging.stage(connection, [Entry(kind="decision", id=_ident(done), at=by.at, body=body)])
    told = Event(
        id=_ident(done), type=TYPES[done.deed], source="dure/carbon", time=by.at, subject=done.programme, data=body
    )  # fmt: skip
    events.announce(connection, [told], by.at)
    if by.actor != SYSTEM:
        told_of = {"document": done.document} if done.document else {}
        audit.append(connection, by, "manage", "programme", done.programme, {"budget": body | told_of})
