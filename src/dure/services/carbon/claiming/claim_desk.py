"""Where claims are made, awarded, refused, withdrawn and retired.

Each deed is one: books, log, event and claim move together, in the caller's transaction. A claim of tier A, and one that is
paid for, is *reserved* until somebody decides; others are *awarded* as they are made. What is refused when it is made takes
nothing and moves nothing. A claim made twice is the one that is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from dure.core.errors import Conflict, NotAllowed, NotFound
from dure.core.text import Text
from dure.engines.records import audit, decisions, events
from dure.engines.records.audit import SYSTEM, By
from dure.services.carbon.claiming import bookings, claim_records, claim_words
from dure.services.carbon.claiming.claim_records import Deed, Kept, Wanted
from dure.services.carbon.claiming.judging import booked_at_most, first_against
from dure.services.carbon.claiming.working import Working
from dure.services.carbon.ledger import accounts, posting, taken
from dure.services.carbon.ledger.model import Transfer
from dure.services.carbon.ledger.turn import take_turn
from dure.services.carbon.model import Claim, Refused, State, Tier
from dure.services.carbon.programmes import Programme
from dure.services.carbon.transparency import commitments, staging

ENDED = "ledger.pending_ended"  # the reservation has run out by itself: what was to be released is


class Word(NamedTuple):
    """What a person says about a claim: a sentence, and what they point to (documents, photos)."""

    note: str = ""
    links: tuple[str, ...] = ()


NOTHING_SAID = Word()


def make(
    connection: Connection,
    claim: Claim,
    row: Programme,
    at: datetime,
    *,
    working: Working | None = None,
    against: Refused | None = None,
) -> Claim:
    """Make a claim: judge it, take its stretches, move grams and won, tell the log and the bus.

    Parameters
    ----------
    row : its programme, as it is on the city's own day of the claim
    working : how its grams were worked out, so that anybody can do it again
    against : why it is refused already, by who asks

    Returns
    -------
    The claim as it stands: ``reserved``, ``awarded``, or ``refused`` with the code in `reason`; one made before as it is
    """
    take_turn(connection)  # before its row: two that make the same claims in another order never wait for each other in a ring
    before = claim_records.find(connection, claim.id)
    if before is not None:
        return before.claim
    wanted = msgspec.structs.replace(
        claim, made_at=at, state="awarded" if bookings.decided_at_once(claim) else "reserved", reason=""
    )
    why = against or first_against(wanted, row)
    wanted = booked_at_most(wanted)
    expires_at = at + timedelta(days=row.pending_d) if wanted.state == "reserved" and why is None else None
    kept = Kept(claim=_told(wanted, why), working=working, why=_words(why), decided_at=None, expires_at=expires_at)
    if not claim_records.insert(connection, kept):
        return claim_records.get(connection, claim.id).claim  # another process was first
    if why is None:
        why = _book(connection, wanted, expires_at, at)
        if why is not None:
            kept = msgspec.structs.replace(kept, claim=_told(wanted, why), why=why.reason, expires_at=None)
            claim_records.move(connection, claim.id, "refused", why.code, at, why.reason)
    _tell_made(connection, kept, row, at)
    return kept.claim


def award(connection: Connection, claim_id: str, by: str, at: datetime, word: Word = NOTHING_SAID) -> Claim:
    """Say yes to a reserved claim.

    Raises
    ------
    NotFound : ``claim.unknown``
    NotAllowed : ``verification.person`` (tier A needs a person), ``verification.own_claim``
    Conflict : ``claim.state`` when it is not reserved, ``claim.expired``
    """
    kept = claim_records.get(connection, claim_id)
    _demand(kept, ("reserved",))
    _check_person(connection, kept.claim, by)
    if kept.expires_at is not None and kept.expires_at <= at:
        raise Conflict("claim.expired", f"The time to decide about {claim_id} is over; its reservation has been released.")
    for refusal in _post(connection, [bookings.awarding(kept.claim)], kept.claim, at):
        raise Conflict("claim.not_booked", f"{claim_id} cannot be awarded: {refusal.reason.en}")
    return _move(connection, kept, "awarded", ("", word), (by, at))


def refuse(connection: Connection, claim_id: str, reason: str, by: str, at: datetime, word: Word = NOTHING_SAID) -> Claim:
    """Say no to a reserved claim, with the code of a reason: what it took is free again. Raises as `award`."""
    kept = claim_records.get(connection, claim_id)
    _demand(kept, ("reserved",))
    if by != SYSTEM:
        _check_person(connection, kept.claim, by)
    groups = [[one] for one in bookings.refusing(kept.claim)]
    for refusal in _post(connection, groups, kept.claim, at):
        if refusal.code != ENDED:
            raise Conflict("claim.not_booked", f"{claim_id} cannot be refused: {refusal.reason.en}")
    taken.free(connection, claim_id, at)
    return _move(connection, kept, "refused", (reason, word), (by, at))


def withdraw(connection: Connection, claim_id: str, reason: str, by: str, at: datetime, word: Word = NOTHING_SAID) -> Claim:
    """Take a claim back by correcting transfers, with the code of a reason; what it took is free again.

    What was paid out of the wallet stays paid. Raises ``claim.unknown``, ``claim.state``, ``claim.not_booked``.
    """
    kept = claim_records.get(connection, claim_id)
    _demand(kept, ("reserved", "awarded", "retired"))
    if kept.claim.state == "reserved":
        groups = [[one] for one in bookings.refusing(kept.claim)]
    else:
        groups = [bookings.cancelling(kept.claim, _in_wallet(connection, kept.claim))]
    for refusal in _post(connection, groups, kept.claim, at):
        if refusal.code != ENDED:
            raise Conflict("claim.not_booked", f"{claim_id} cannot be withdrawn: {refusal.reason.en}")
    taken.free(connection, claim_id, at)
    return _move(connection, kept, "cancelled", (reason, word), (by, at))


def retire(connection: Connection, claim_id: str, by: str, at: datetime, word: Word = NOTHING_SAID) -> Claim:
    """Use the grams of an awarded claim of tier A up for a statement of its holder; nobody can use them again.

    Raises ``claim.unknown``, ``claim.state``, ``claim.not_retirable`` (tiers B and C are statistics), ``claim.not_booked``.
    """
    kept = claim_records.get(connection, claim_id)
    _demand(kept, ("awarded",))
    if kept.claim.tier != "A":
        raise Conflict("claim.not_retirable", f"{claim_id} is of tier {kept.claim.tier}: only verified tonnes may be retired.")
    for refusal in _post(connection, [bookings.retiring(kept.claim)], kept.claim, at):
        raise Conflict("claim.not_booked", f"{claim_id} cannot be retired: {refusal.reason.en}")
    return _move(connection, kept, "retired", ("", word), (by, at))


def claim(connection: Connection, claim_id: str) -> Claim:
    """A claim; NotFound ``claim.unknown``."""
    return claim_records.get(connection, claim_id).claim


def claims(  # noqa: PLR0913  # each is one filter, and all may be left out
    connection: Connection,
    *,
    programme: str = "",
    holder: str = "",
    start: datetime | None = None,
    end: datetime | None = None,
    tier: Tier | None = None,
    states: tuple[State, ...] = (),
) -> Iterator[Claim]:
    """Claims by begin of what they claim, which is in ``[start, end)``."""
    wanted = Wanted(programme=programme, holder=holder, start=start, end=end, tier=tier, states=states)
    return claim_records.each(connection, wanted)


def _book(connection: Connection, claim: Claim, expires_at: datetime | None, at: datetime) -> Refused | None:
    """Take and move, or say why not; nothing is left of what was refused."""
    why = taken.take(connection, claim.id, claim.stretches, at)
    if why is not None:
        return why
    for refusal in _post(connection, [bookings.making(claim, expires_at)], claim, at):
        taken.free(connection, claim.id, at)
        return refusal
    return None


def _post(connection: Connection, groups: list[list[Transfer]], claim: Claim, at: datetime) -> list[Refused]:
    wanted = [one for one in groups if one]
    answers = posting.post(connection, wanted, at, bookings.accounts_of(claim)) if wanted else []
    return [one for one in answers if one is not None]


def _in_wallet(connection: Connection, claim: Claim) -> int:
    if not claim.won:
        return 0
    try:
        return max(0, posting.balance(connection, accounts.wallet(bookings.wallet_of(claim)).id).available)
    except NotFound:
        return 0


def _check_person(connection: Connection, claim: Claim, by: str) -> None:
    if by == SYSTEM:
        if claim.tier == "A":
            raise NotAllowed("verification.person", f"{claim.id} is of tier A: a person has to verify it.")
        return
    ref = commitments.ref_of(connection, by)
    if ref is not None and claim.holder == f"{bookings.PERSON}{ref}":
        raise NotAllowed("verification.own_claim", f"{claim.id} is your own: somebody else has to decide about it.")


def _demand(kept: Kept, states: tuple[State, ...]) -> None:
    if kept.claim.state not in states:
        raise Conflict("claim.state", f"{kept.claim.id} is {kept.claim.state}, not {' or '.join(states)}.")


def _move(connection: Connection, kept: Kept, state: State, said: tuple[str, Word], by: tuple[str, datetime]) -> Claim:
    (reason, word), (actor, at) = said, by
    moved = msgspec.structs.replace(kept.claim, state=state, reason=reason)
    person = actor != SYSTEM
    claim_records.move(connection, moved.id, state, reason, at)
    claim_records.add_deed(
        connection,
        Deed(claim=moved.id, n=0, state=state, at=at, reason=reason, note=word.note, links=word.links, by_person=person),
    )
    if person:
        detail = {"claim": {"state": state, "reason": reason, "grams": moved.grams}}
        audit.append(connection, By(actor, at), "act", "verification", moved.id, detail)
    staging.stage(connection, [claim_words.moved_entry(moved, at, by_person=person)])
    events.announce(connection, [claim_words.event_of(moved, at)], at)
    return moved


def _tell_made(connection: Connection, kept: Kept, row: Programme, at: datetime) -> None:
    made = kept.claim
    claim_records.add_deed(connection, Deed(claim=made.id, n=0, state=made.state, at=at, reason=made.reason))
    decisions.add(connection, claim_words.decision_of(made, kept.working, _reasons(kept, row)))
    staging.stage(connection, [claim_words.made_entry(made, kept.working)])
    events.announce(connection, [claim_words.event_of(made, at)], at)


def _reasons(kept: Kept, row: Programme) -> tuple[str, ...]:
    made = kept.claim
    told = [f"{made.quantity:,} {made.unit} by {made.method}, in {row.name.en} (tier {made.tier})."]
    if made.state == "refused":
        return (*told, f"Refused: {kept.why.en or made.reason}")
    told.append(f"Best estimate {made.point_grams:,} gCO2e, credited {made.grams:,} gCO2e.")
    if made.state == "reserved":
        told.append("It is reserved until somebody decides.")
    if kept.working is not None and kept.working.provisional:
        told.append(f"To be confirmed: {', '.join(kept.working.provisional)}.")
    return tuple(told)


def _told(claim: Claim, why: Refused | None) -> Claim:
    return claim if why is None else msgspec.structs.replace(claim, state="refused", reason=why.code)


def _words(why: Refused | None) -> Text:
    return Text("") if why is None else why.reason
