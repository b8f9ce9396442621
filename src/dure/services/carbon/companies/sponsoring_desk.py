"""Sponsorships as they move: money paid in, offered, accepted, released for verified results, and the rest given back.

Every won moves by a transfer of the ledger, with an id that says what it is for: the same deed twice is one. A claim is shared
out among the sponsorships it counts for exactly once, by their money.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from dure.core.errors import Conflict, InputError, NotFound
from dure.core.events import Event
from dure.engines.records import audit, events
from dure.engines.records.audit import SYSTEM, By
from dure.services.carbon.companies import company_records, sponsor_records
from dure.services.carbon.companies.company_desk import refuse
from dure.services.carbon.companies.sponsor_records import Held, Result
from dure.services.carbon.companies.sponsoring import (
    Counted,
    Sponsorship,
    State,
    by_number,
    due_won,
    fits,
    objection,
    room_g,
    share_out,
)
from dure.services.carbon.companies.sponsoring_rules import SponsoringRules
from dure.services.carbon.governing.districts import Where
from dure.services.carbon.ledger import accounts, posting
from dure.services.carbon.ledger.model import Account, Transfer
from dure.services.carbon.model import CITY, Claim, Refused
from dure.services.carbon.programmes import Programme
from dure.services.carbon.transparency import staging
from dure.services.carbon.transparency.entry import Entry

PAY_IN_MOST_WON = 100_000_000_000
SPONSOR = "sponsor"  # what the reasons of its transfers begin with
EVENT_TYPES = {
    "offered": "carbon.sponsorship.offered",
    "running": "carbon.sponsorship.running",
    "declined": "carbon.sponsorship.declined",
    "withdrawn": "carbon.sponsorship.withdrawn",
    "expired": "carbon.sponsorship.expired",
    "ended": "carbon.sponsorship.ended",
}


def pay_in(connection: Connection, company: str, won: int, receipt: str, by: By) -> None:
    """A company's money has arrived at the city; the same receipt twice is one."""
    company_records.get(connection, company)
    if not 0 < won <= PAY_IN_MOST_WON or not receipt.strip() or len(receipt) > 60:
        raise InputError("sponsor.amount", "Write the amount and the number of the receipt.")
    digest = hashlib.sha256(receipt.strip().encode()).hexdigest()[:20]
    one = Transfer(
        id=f"company/{company}/in/{digest}", debit=accounts.treasury().id, credit=accounts.company(company).id, amount=won,
        unit="KRW", why=f"{SPONSOR}.pay_in", ref=company,
    )  # fmt: skip
    _post(connection, [one], by.at, accounts.treasury(), accounts.company(company))
    audit.append(connection, by, "act", "company", company, {"paid_in_won": won, "receipt": receipt.strip()})


def offer(connection: Connection, one: Sponsorship, rules: SponsoringRules, by: By, known: Mapping[str, Programme]) -> Held:
    """A company offers: its money is reserved until somebody decides or the offer ends.

    Parameters
    ----------
    rules, known : rules and programmes as they are on the city's own day

    Raises
    ------
    InputError : ``sponsor.…``; ``sponsor.funds`` when the company has not paid in so much
    NotFound : ``company.unknown``, ``programme.unknown``
    """
    company_records.get(connection, one.company)
    why = objection(one, rules, by.at)
    if why is not None:
        raise refuse(why)
    for ident in (one.programme, one.target) if one.target_kind == "programme" else (one.programme,):
        if ident not in known:
            raise NotFound("programme.unknown", f"No programme {ident[:80]!r} is in force.")
    reserved = Transfer(
        id=f"{one.id}/escrow", debit=accounts.company(one.company).id, credit=accounts.escrow(one.id).id, amount=one.budget_won,
        unit="KRW", deed="pending", expires_at=by.at + timedelta(days=rules.offer_d), why=f"{SPONSOR}.offer", ref=one.id,
    )  # fmt: skip
    _post(connection, [reserved], by.at, accounts.company(one.company), accounts.escrow(one.id))
    sponsor_records.add(connection, one, by.at)
    _step(connection, one, "offered", by, {"budget_won": one.budget_won})
    return sponsor_records.get(connection, one.id)


def accept(connection: Connection, ident: str, by: By) -> Held:
    """The city says yes: the money is in escrow."""
    held = _in_state(connection, ident, "offered")
    one = held.sponsorship
    _post(connection, [_ending(one, "post", one.budget_won)], by.at, accounts.company(one.company), accounts.escrow(one.id))
    sponsor_records.move(connection, ident, {"state": "running"})
    _step(connection, one, "running", by, {"escrow_won": one.budget_won})
    return sponsor_records.get(connection, ident)


def turn_down(connection: Connection, ident: str, state: State, by: By) -> Held:
    """The city declines, the company withdraws its offer, or its time is over: the money is free again."""
    held = _in_state(connection, ident, "offered")
    one = held.sponsorship
    answers = posting.post(connection, [[_ending(one, "void", 0)]], by.at, {})
    if answers[0] is not None and answers[0].code not in {"ledger.pending_expired", "ledger.pending_ended"}:
        raise refuse(answers[0])
    sponsor_records.move(connection, ident, {"state": state})
    _step(connection, one, state, by, {})
    return sponsor_records.get(connection, ident)


def count(connection: Connection, claims: Iterable[Claim], places: Mapping[str, Where], at: datetime) -> list[str]:
    """Share claims out among running sponsorships, and release what has become due; ids of those that were paid for.

    Each claim is shared once: by the money of the sponsorships it counts for at that moment, never beyond what their money pays
    for. `places`: where each was measured, by its id.
    """
    running = [held.sponsorship for held in sponsor_records.listing(connection, states=("running",))]
    so_far = {one.id: sponsor_records.counted(connection, one.id) for one in running}
    touched: dict[str, list[Result]] = {}
    for claim in claims:
        place = places.get(claim.id, Where())
        open_ = [one for one in running if fits(one, claim, place.district, place.source) and room_g(one, so_far[one.id]) != 0]
        rows = _rows(claim, open_, so_far, at)
        if rows and sponsor_records.share(connection, claim.id, rows, at):
            for row in rows:
                before = so_far[row.sponsorship]
                so_far[row.sponsorship] = Counted(before.grams + row.grams, before.claims + row.claims)
                touched.setdefault(row.sponsorship, []).append(row)
    return [ident for ident in sorted(touched) if _settle(connection, ident, touched[ident], at)]


def _rows(claim: Claim, open_: Sequence[Sponsorship], so_far: Mapping[str, Counted], at: datetime) -> list[Result]:
    """What each of these sponsorships gets of a claim; those that get nothing have no row."""
    if not open_:
        return []
    weights = {one.id: one.budget_won for one in open_}
    parts = share_out(claim.grams, weights)
    first = by_number(weights, {key: value.claims for key, value in so_far.items()})
    rows = []
    for one in open_:
        left = room_g(one, so_far[one.id])
        grams = parts[one.id] if left is None else min(parts[one.id], left)
        number = int(one.id == first)
        if grams or number:
            row = Result(
                claim=claim.id, sponsorship=one.id, company=one.company, tier=claim.tier, grams=grams, claims=number, booked_at=at
            )  # fmt: skip
            rows.append(row)
    return rows


def take_back(connection: Connection, claim: str, at: datetime) -> list[str]:
    """A claim was withdrawn: it counts no longer, and grams that were transferred for it go back where they can."""
    gone = sponsor_records.end_claim(connection, claim, at)
    for row in gone:
        held = sponsor_records.get(connection, row.sponsorship, locked=True)
        sponsor_records.move(connection, row.sponsorship, {"counted_g": held.counted_g - row.grams})
        why = _grams_back(connection, held.sponsorship, row, at) if held.sponsorship.transfers and row.grams else None
        facts = {"claim": claim, "grams": -row.grams} | ({"not_returned": why.code} if why else {})
        _step(connection, held.sponsorship, held.state, By(SYSTEM, at), facts)
    return [row.sponsorship for row in gone]


def close(connection: Connection, ident: str, at: datetime) -> Held:
    """It is over: what results did not earn goes back to the company, too much that was released as far as it is still there."""
    held = _in_state(connection, ident, "running")
    one = held.sponsorship
    _settle(connection, ident, [], at)
    held = sponsor_records.get(connection, ident)
    due = due_won(one, sponsor_records.counted(connection, ident))
    facts: dict[str, Any] = {"due_won": due}
    over = held.released_won - due
    if over > 0:
        facts |= _won_back(connection, one, over, at)
    left = posting.balance(connection, accounts.escrow(ident).id).available
    if left:
        back = Transfer(
            id=f"{ident}/rest", debit=accounts.escrow(ident).id, credit=accounts.company(one.company).id, amount=left,
            unit="KRW", why=f"{SPONSOR}.rest", ref=ident,
        )  # fmt: skip
        _post(connection, [back], at, accounts.escrow(ident), accounts.company(one.company))
    returned = facts.get("returned_won", 0)
    sponsor_records.move(connection, ident, {"state": "ended", "released_won": held.released_won - returned})
    _step(connection, one, "ended", By(SYSTEM, at), facts | {"rest_won": left})
    return sponsor_records.get(connection, ident)


def _settle(connection: Connection, ident: str, rows: Sequence[Result], at: datetime) -> bool:
    """Release what is due beyond what was released, with the grams of these results where they are transferred."""
    held = sponsor_records.get(connection, ident, locked=True)
    one = held.sponsorship
    found = sponsor_records.counted(connection, ident)
    due = max(0, due_won(one, found) - held.released_won)
    group = [] if not due else [_release(one, held, due)]
    group += [_grams_over(one, row) for row in rows if one.transfers and row.grams]
    if group:
        _post(connection, group, at, *_accounts(one))
    if rows or due:
        values = {"released_won": held.released_won + due, "counted_g": found.grams}
        sponsor_records.move(connection, ident, values)
        facts = {"released_won": due, "counted_g": found.grams, "claims": [row.claim for row in rows][:100]}
        _step(connection, one, "running", By(SYSTEM, at), facts)
    return due > 0


def _release(one: Sponsorship, held: Held, due: int) -> Transfer:
    """Named by what was released before it: the same amount is never released twice."""
    return Transfer(
        id=f"{one.id}/release/{held.released_won}", debit=accounts.escrow(one.id).id,
        credit=accounts.budget(one.programme).id, amount=due, unit="KRW", why=f"{SPONSOR}.release", ref=one.id,
    )  # fmt: skip


def _grams_over(one: Sponsorship, row: Result) -> Transfer:
    return Transfer(
        id=f"{one.id}/grams/{row.claim}", debit=accounts.held(CITY).id, credit=accounts.held(f"company/{one.company}").id,
        amount=row.grams, unit="gCO2e", why=f"{SPONSOR}.transfer", ref=row.claim,
    )  # fmt: skip


def _grams_back(connection: Connection, one: Sponsorship, row: Result, at: datetime) -> Refused | None:
    over = _grams_over(one, row)
    back = msgspec.structs.replace(
        over, id=f"{over.id}/back", debit=over.credit, credit=over.debit, corrects=over.id, why="correction"
    )
    return posting.post(connection, [[back]], at, _named(_accounts(one)))[0]


def _won_back(connection: Connection, one: Sponsorship, over: int, at: datetime) -> dict[str, Any]:
    """Correcting transfers of the last releases, as far as the programme still has the money."""
    releases = [
        step.facts["released_won"] for step in sponsor_records.steps_of(connection, one.id) if step.facts.get("released_won")
    ]
    starts = [sum(releases[:i]) for i in range(len(releases))]
    returned = 0
    for start, amount in zip(reversed(starts), reversed(releases), strict=True):
        part = min(amount, over - returned)
        if part <= 0:
            break
        wrong = f"{one.id}/release/{start}"
        back = Transfer(
            id=f"{wrong}/back", debit=accounts.budget(one.programme).id, credit=accounts.escrow(one.id).id, amount=part,
            unit="KRW", corrects=wrong, why="correction", ref=one.id,
        )  # fmt: skip
        why = posting.post(connection, [[back]], at, _named(_accounts(one)))[0]
        if why is not None:
            return {"over_won": over, "returned_won": returned, "not_returned": why.code}
        returned += part
    return {"over_won": over, "returned_won": returned}


def _ending(one: Sponsorship, deed: Any, amount: int) -> Transfer:
    return Transfer(
        id=f"{one.id}/escrow/{deed}", debit=accounts.company(one.company).id, credit=accounts.escrow(one.id).id, amount=amount,
        unit="KRW", deed=deed, of=f"{one.id}/escrow", why=f"{SPONSOR}.{deed}", ref=one.id,
    )  # fmt: skip


def _in_state(connection: Connection, ident: str, state: State) -> Held:
    held = sponsor_records.get(connection, ident, locked=True)
    if held.state != state:
        raise Conflict("sponsor.state", f"The sponsorship is {held.state}, not {state}.")
    return held


def _step(connection: Connection, one: Sponsorship, state: State, by: By, facts: Mapping[str, Any]) -> None:
    """What happened, for people, the bus, the log and the audit alike."""
    n = sponsor_records.add_step(connection, one.id, by.actor, state, facts, by.at)
    body = {"sponsorship": one.id, "company": one.company, "state": state, **facts}
    staging.stage(connection, [Entry(kind="decision", id=f"{one.id}/{n}", at=by.at, body=body)])
    told = Event(id=f"{one.id}/{n}", type=EVENT_TYPES[state], source="dure/carbon", time=by.at, subject=one.id, data=body)
    events.announce(connection, [told], by.at)
    if by.actor != SYSTEM:
        audit.append(connection, by, "act", "company", one.company, {"sponsorship": one.id, "state": state})


def _post(connection: Connection, group: Sequence[Transfer], at: datetime, *known: Account) -> None:
    why = posting.post(connection, [group], at, _named(known))[0]
    if why is None:
        return
    if why.code == "ledger.overdrawn":
        raise Conflict("sponsor.funds", f"There is not enough money or grams for this: {why.reason.en}", reason=why.reason)
    raise refuse(why)


def _accounts(one: Sponsorship) -> tuple[Account, ...]:
    return (
        accounts.escrow(one.id), accounts.company(one.company), accounts.budget(one.programme), accounts.held(CITY),
        accounts.held(f"company/{one.company}"),
    )  # fmt: skip


def _named(known: Iterable[Account]) -> dict[str, Account]:
    return posting.named(*known)
