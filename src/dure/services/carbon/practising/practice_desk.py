"""Where practices are begun, proved and decided, each in the caller's transaction: act, claim, books and log move together.

A proof is judged at once. What holds is reserved and paid in one go; what is doubtful stays reserved until a person decides or
its time is over; what is refused moves nothing. Everybody who proves something waits for their turn on the books first, so that
limits, duplicates and the budget are counted by one after the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from dure.core.errors import Conflict, InputError, NotAllowed
from dure.core.time import day_of, format_instant
from dure.engines.records.audit import SYSTEM, By
from dure.engines.records.tables import canonical
from dure.services.carbon.claiming import claim_desk
from dure.services.carbon.claiming.assessing import claim_id
from dure.services.carbon.ledger.turn import take_turn
from dure.services.carbon.model import Claim, Stretch
from dure.services.carbon.practising import elsewhere_records, practice_records
from dure.services.carbon.practising.acts import Act, ActState, Proof
from dure.services.carbon.practising.catalogue import Catalogue, Practice, catalogue
from dure.services.carbon.practising.grams import grams_of, working_of
from dure.services.carbon.practising.proving import Judged, Known, judged, spans_of, stretch_of
from dure.services.carbon.practising.reasons import REASONS, SAID_NO
from dure.services.carbon.transparency import commitments

if TYPE_CHECKING:
    from dure.spine.house import House

TRIES_MAX = 5
NOTE_MAX = 500
BOOKED: dict[str, str] = {"ledger.overdrawn": "practice.budget_gone", "claim.overlap": "practice.claimed_before"}
MoreStretches = Callable[[Connection, Act, Stretch], tuple[Stretch, ...]]


class Setting(NamedTuple):
    """The rules of the day, and the time."""

    rules: Catalogue
    zone: ZoneInfo
    at: datetime
    folder: Path | None = None


def setting_of(house: House, at: datetime | None = None) -> Setting:
    """As the house has them now."""
    now = at or house.clock.now()
    return Setting(catalogue(day_of(now, house.city.zone), house.city.folder), house.city.zone, now, house.city.folder)


def join(connection: Connection, person: str, scheme: str, by: Setting) -> None:
    """Take part in a scheme.

    Raises
    ------
    NotFound : ``practice.scheme_unknown``
    Conflict : ``practice.not_offered``; ``practice.left_this_year`` for who had everything erased this year
    """
    row = by.rules.schemes.get(scheme)
    if row is None or not row.offered:
        raise Conflict("practice.not_offered", f"The scheme {scheme[:60]!r} is not offered here.")
    if elsewhere_records.has_left(connection, person, by.at):
        raise Conflict("practice.left_this_year", "You had your data erased this year; you may join again next year.")
    practice_records.put_member(connection, person, by.at)
    practice_records.join(connection, person, scheme, by.at)


def start(connection: Connection, person: str, practice: str, by: Setting) -> Act:
    """Begin something, so that it can be proved later; what is begun already is given back.

    Raises
    ------
    NotFound : ``practice.unknown``
    NotAllowed : ``practice.not_joined``
    Conflict : ``practice.begun_many``
    """
    one = _joined(connection, person, practice, by)
    since = by.at - timedelta(hours=by.rules.limits.begun_h)
    begun = [each for each in practice_records.begun(connection, person) if each.started_at >= since]
    same = next((each for each in begun if each.practice == one.id), None)
    if same is not None:
        return same
    if len(begun) >= by.rules.limits.begun_most:
        raise Conflict("practice.begun_many", "You have begun many things: prove some of them first.")
    act = _new(person, one, by.at)
    practice_records.add(connection, act)
    return act


def prove(
    connection: Connection, person: str, practice: str, proof: Proof, by: Setting, more: MoreStretches | None = None
) -> Act:
    """Prove something: it is decided at once, or waits for a person.

    Parameters
    ----------
    proof : read and its sender known; what was begun of the practice is what it proves, else it begins now
    more : further stretches its claim takes, for example of a challenge

    Raises
    ------
    NotFound, NotAllowed : as `start`
    """
    one = _joined(connection, person, practice, by)
    take_turn(connection)
    begun = next(iter(practice_records.begun(connection, person, one.id)), None)
    act = begun or _new(person, one, by.at)
    if begun is None:
        practice_records.add(connection, act)
    act = msgspec.structs.replace(
        act,
        proof=proof.kind, quantity=proof.quantity, place=proof.place, done_at=proof.done_at, end_at=proof.until,
        proved_at=by.at, facts=_facts(act, proof),
    )  # fmt: skip
    found = _judged(connection, act, one, proof, by)
    if found.outcome == "refused":
        return _refused(connection, act, found.code, by, again=begun is not None)
    return _claimed(connection, act, (one, proof, found), by, more)


def decide(connection: Connection, ident: str, code: str, by: By, note: str = "") -> Act:
    """A person says yes (no code) or no (a code of `SAID_NO`) to what is doubtful.

    Raises
    ------
    InputError : ``practice.reason``, ``practice.note``
    Conflict : ``practice.state`` when it is not doubtful; what `claim_desk` raises
    """
    if code and code not in SAID_NO:
        raise InputError("practice.reason", f"Say why, with one of {', '.join(SAID_NO)}.")
    if len(note) > NOTE_MAX:
        raise InputError("practice.note", f"A note has at most {NOTE_MAX} characters.")
    take_turn(connection)
    act = practice_records.get(connection, ident)
    if act.state != "doubtful" or act.claim is None:
        raise Conflict("practice.state", f"{ident} is {act.state}: nobody has to decide about it.")
    if act.person == by.actor:
        raise NotAllowed("verification.own_claim", "It is your own: somebody else has to decide about it.")
    if code:
        claim_desk.refuse(connection, act.claim, code, by.actor, by.at)
    else:
        claim_desk.award(connection, act.claim, by.actor, by.at)
    return practice_records.put(connection, followed(connection, msgspec.structs.replace(act, note=note.strip()), by.at))


def followed(connection: Connection, act: Act, at: datetime) -> Act:
    """The act as its claim stands, whoever moved that; the act itself when it has none or nothing moved."""
    if act.claim is None:
        return act
    claim = claim_desk.claim(connection, act.claim)
    states: dict[str, tuple[ActState, str]] = {
        "awarded": ("awarded", "practice.confirmed"),
        "cancelled": ("withdrawn", claim.reason if claim.reason in REASONS else "practice.undone"),
        "refused": ("refused", claim.reason if claim.reason in SAID_NO else "practice.rejected"),
    }
    if claim.state == "refused" and claim.reason == "claim.expired":
        states["refused"] = ("expired", "practice.undecided")
    state, code = states.get(claim.state, (act.state, act.code))
    return act if state == act.state else practice_records.move(act, state, code, at)


def give_up(connection: Connection, act: Act, code: str, at: datetime) -> Act:
    """Let go of something begun or reserved: its reservation is released. Decided ones stay."""
    if act.state == "doubtful" and act.claim is not None:
        claim_desk.withdraw(connection, act.claim, code, SYSTEM, at)  # by nobody: the audit log must not lead from REF to person
    elif act.state != "started":
        return act
    return practice_records.put(connection, practice_records.move(act, "withdrawn", code, at))


def _joined(connection: Connection, person: str, practice: str, by: Setting) -> Practice:
    one = by.rules.practice(practice)
    if one.scheme not in practice_records.schemes_of(connection, person):
        raise NotAllowed("practice.not_joined", f"Join the scheme {one.scheme!r} first.")
    return one


def _new(person: str, one: Practice, at: datetime) -> Act:
    return Act(
        id=practice_records.new_act_id(), person=person, practice=one.id, scheme=one.scheme, programme=one.programme,
        state="started", started_at=at,
    )  # fmt: skip


def _facts(act: Act, proof: Proof) -> dict[str, object]:
    where = {} if proof.lat is None or proof.lon is None else {"lat": proof.lat, "lon": proof.lon}
    return {"tries": act.facts.get("tries", 0), **proof.facts, **where}


def _judged(connection: Connection, act: Act, one: Practice, proof: Proof, by: Setting) -> Judged:
    if practice_records.used(connection, proof.once) is not None:
        return Judged("practice.photo_copied" if proof.kind == "photo" else "practice.replayed")
    spans = spans_of(proof.done_at, by.zone)
    known = Known(
        **practice_records.counts(connection, act.person, one, spans, proof.done_at)._asdict(),
        begun_at=act.started_at,
        elsewhere=elsewhere_records.paid_elsewhere(connection, act.person, one.deed, by.rules, proof.done_at),
    )
    return judged(one, proof, known, by.rules, by.at)


def _claimed(
    connection: Connection, act: Act, found: tuple[Practice, Proof, Judged], by: Setting, more: MoreStretches | None
) -> Act:
    """Reserve it; what is not doubtful is paid at once. Nothing is left of what the books refuse."""
    one, proof, verdict = found
    ref = commitments.commit(connection, act.person, by.at)
    stretch = stretch_of(one, proof, ref, by.zone)
    further = () if more is None else more(connection, act, stretch)
    tier, working = by.rules.tier(one), working_of(one, proof.quantity, by.rules)
    grams, point_grams = grams_of(working)
    wanted = Claim(
        id=claim_id(act.id, one.ref, one.programme, "practice"), event=act.id, stretches=(stretch, *further),
        programme=one.programme, holder=f"person/{ref}", tier=tier, quantity=proof.quantity, unit=one.base_unit, grams=grams,
        point_grams=point_grams, won=verdict.won, method=one.ref, factors=(), readings_sha256=_digest(act, proof),
        made_at=by.at,
    )  # fmt: skip
    made = claim_desk.make(connection, wanted, by.rules.programmes[one.programme], by.at, working=working)
    if made.state == "refused":
        code = BOOKED.get(made.reason, "practice.not_booked")
        return _refused(connection, act, code, by, again=False, claim=made)
    act = msgspec.structs.replace(act, claim=made.id, once=proof.once, won=made.won, grams=made.grams)
    if verdict.outcome == "doubtful":
        return practice_records.put(connection, msgspec.structs.replace(act, state="doubtful", code=verdict.code))
    if made.state == "reserved":
        claim_desk.award(connection, made.id, SYSTEM, by.at)
    return practice_records.put(connection, practice_records.move(act, "awarded", verdict.code, by.at))


def _refused(connection: Connection, act: Act, code: str, by: Setting, *, again: bool, claim: Claim | None = None) -> Act:
    """Keep why; what was begun may be proved again, a few times."""
    tries = int(act.facts.get("tries", 0)) + 1
    facts = act.facts | {"tries": tries} | ({"books": claim.reason} if claim else {})
    refused = practice_records.move(act, "refused", code, by.at, facts=facts, claim=claim.id if claim else None)
    practice_records.put(connection, refused)
    if again and tries < TRIES_MAX:
        fresh = _new(act.person, by.rules.practice(act.practice), act.started_at)
        practice_records.add(connection, msgspec.structs.replace(fresh, facts={"tries": tries}))
    return refused


def _digest(act: Act, proof: Proof) -> str:
    """Digest of the proof a claim rests on; the act's random id keeps it from being guessed."""
    words = {
        "act": act.id, "practice": act.practice, "proof": proof.kind, "done_at": format_instant(proof.done_at),
        "end_at": format_instant(proof.until), "quantity": proof.quantity, "facts": proof.facts,
    }  # fmt: skip
    return hashlib.sha256(canonical(words).encode()).hexdigest()
