"""What a driver's phone sees of a place to charge, and what it may do there: start, change the wish, stop.

====================  =======================================================
``driver.card``       the card is not known, is blocked, or is for elsewhere
====================  =======================================================
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

import msgspec

from dure.core.errors import NotAllowed, NotFound
from dure.core.text import Text
from dure.core.time import to_us
from dure.services.charging.driving.claim import Claim, claimed_at, made
from dure.services.charging.driving.wishes import Trouble, Wanted
from dure.services.charging.origin import split
from dure.services.charging.origin.split import Split
from dure.services.charging.publishing.public_rules import PublicRules
from dure.services.charging.publishing.standing import EvseStanding
from dure.services.charging.sessions import session_desk, session_records, wish_records
from dure.services.charging.sessions.model import Session
from dure.services.charging.stations import calls, remote_start
from dure.services.charging.stations.calls import Call
from dure.services.charging.tokens import token_records
from dure.services.charging.tokens.token_key import token_key
from dure.services.charging.tokens.tokens import digest, judged

if TYPE_CHECKING:
    from dure.engines.records.audit import By
    from dure.spine.house import House

Phase = Literal["start", "waiting", "refused", "mine", "ended", "taken", "closed"]
DRIVER = "driver"  # the actor of the audit log: a phone without an account


class Driving(msgspec.Struct, frozen=True, kw_only=True):
    """A place as one phone sees it.

    Attributes
    ----------
    phase : what the driver can do next
    running : the session that runs here; told in full only in the phase "mine"
    last : the ended session that this phone started
    call : of the start, while no session came of it
    won : what the session of this phone costs so far, or in all; None where no price fits
    split : where its energy came from, as far as it is booked
    receipt : digest of its newest receipt, which is its address; empty while it is not settled
    """

    phase: Phase
    running: Session | None = None
    last: Session | None = None
    call: Call | None = None
    won: int | None = None
    provisional: bool = False
    split: Split | None = None
    receipt: str = ""


def driving(house: House, place: EvseStanding, claim: Claim | None, rules: PublicRules) -> Driving:
    """How the place stands for this phone; blocks."""
    evse = place.evse.id
    with house.records.read() as connection:
        found = session_records.listing(connection, session_records.Asked(evse=evse, states=("running",)), limit=1).items
        own = (
            session_records.listing(connection, session_records.Asked(evse=evse, token=claim.token), limit=1).items
            if claim
            else []
        )
    running = found[0] if found else None
    mine = next((one for one in own if claim and one.started_at > claimed_at(claim) - rules.start_wait), None)
    if mine is not None and mine.state == "running":
        return _told(house, Driving(phase="mine", running=mine), mine)
    call = _call(house, claim) if claim and mine is None else None
    phase = phase_of(place, running=running is not None, ended=mine is not None)
    if call is not None and phase in {"start", "closed"}:
        phase = started_phase(call, house.clock.now() - call.asked_at, rules.start_wait) or phase
    found_ = Driving(phase=phase, running=running, last=mine, call=call)
    return _told(house, found_, mine) if mine is not None and phase == "ended" else found_


def _told(house: House, found: Driving, session: Session) -> Driving:
    """With what the session costs and where its energy came from."""
    told = session_desk.told(house, session.id)
    with house.records.read() as connection:
        parts = split.booked(connection, session.id)
    won = told.receipts[-1].won if told.receipts else told.cost.won if told.cost else None
    unsure = told.receipts[-1].provisional if told.receipts else bool(told.cost and told.cost.provisional)
    return msgspec.structs.replace(
        found, won=won, provisional=unsure, split=parts, receipt=told.digests[-1] if told.digests else ""
    )


def phase_of(place: EvseStanding, *, running: bool, ended: bool) -> Phase:
    """What a driver can do at a place, as its station tells it."""
    if running or place.state in {"charging", "reserved"}:
        return "taken"
    if ended:
        return "ended"
    return "start" if place.state in {"free", "held"} else "closed"


def started_phase(call: Call, age: timedelta, wait: timedelta) -> Phase | None:
    """What became of asking to start, while no session came of it; None once it is too long ago to tell."""
    if age > wait * 2:
        return None
    if call.outcome in {"rejected", "expired"}:
        return "refused"
    return "waiting" if age <= wait else "refused"


def _call(house: House, claim: Claim) -> Call | None:
    try:
        return calls.get(house, claim.call) if claim.call else None
    except NotFound:
        return None


def card_trouble(house: House, site: str, want: Wanted) -> Trouble | None:
    """Why a member's card cannot charge at a site, in words for its field; blocks. A guest needs none."""
    if not want.token:
        return None
    name = digest(want.token, token_key(house.settings.data))
    with house.records.read() as connection:
        card = token_records.find(connection, [name]).get(name)
    if judged(card, to_us(house.clock.now()), 0, site).allowed:
        return None
    return Trouble(
        "token",
        "driver.card",
        Text(
            "이 카드로는 이곳에서 충전할 수 없습니다. 번호를 다시 보거나 손님으로 시작하세요.",
            "This card cannot charge here. Check its number, or start as a guest.",
        ),
    )


async def begin(house: House, place: EvseStanding, want: Wanted, by: By) -> Claim:
    """Ask the station to start, and keep the wish; the claim for the phone's cookie."""
    call, token = await remote_start.start(house, place.evse.id, by, card=want.token, key=uuid4().hex)
    await asyncio.to_thread(keep_wish, house, want, by.at, evse=place.evse.id)
    return made(place.evse.id, token, by.at, call.id)


def keep_wish(house: House, want: Wanted, at: datetime, *, evse: str, session: str = "") -> None:
    """Keep what the driver asked for, of a session or of the one that begins next at the place; blocks."""
    if want.need_wh is None and want.departs_at is None and want.target_soc is None:
        return
    wish = wish_records.Wish(
        id=uuid4().hex,
        evse=evse,
        made_at=at,
        session=session,
        need_wh=want.need_wh,
        departs_at=want.departs_at,
        target_soc=want.target_soc,
        way="page",
    )
    with house.records.begin() as connection:
        wish_records.add(connection, wish)


def own_session(found: Driving) -> Session:
    """The running session of this phone; refused with ``driver.not_yours``."""
    if found.phase != "mine" or found.running is None:
        raise NotAllowed("driver.not_yours", "Only the phone that started this charge can change or stop it.")
    return found.running


async def end(house: House, session: Session, by: By) -> Call:
    """Ask the station to stop a session."""
    return await remote_start.stop(house, session.charger, session.transaction, by, uuid4().hex)
