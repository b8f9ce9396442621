"""Events of the services become claims, each once: late ones, doubled ones, and ones that take the place of others.

An event and what it causes are one transaction. One that lacks a method, a factor or a sound clock is parked with a code and
looked at again. One that replaces another withdraws that one's claims by correcting transfers, and claims anew.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from dure.core.errors import Conflict, DureError
from dure.core.text import Text
from dure.core.time import Interval, day_of
from dure.engines.records.audit import SYSTEM
from dure.services.carbon.claiming import claim_desk, claim_records, intake_records, methods
from dure.services.carbon.claiming.assessing import Asking, Assessed, Parked, assessed, skewed
from dure.services.carbon.claiming.event_words import Unread, interval_at
from dure.services.carbon.claiming.intake_records import Looked
from dure.services.carbon.programmes import programme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from dure.core.events import Event
    from dure.spine.house import House

log = structlog.get_logger("dure.carbon")
AT_ONCE = 200  # events of one round
RECENT = timedelta(days=3)  # looked through every second; everything else once a minute
WHOLE = timedelta(minutes=1)
CHAIN_MAX = 100  # events that replace one another
UNDOING = {"carbon.weighing.undone": "undoes"}  # types of events that only take back, and the word that says which


class EventWatch:
    """Events of the services become claims, each once."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._whole_at: datetime | None = None
        self._failed: set[str] = set()

    async def look(self) -> int:
        """One round; how many events were settled."""
        return await asyncio.to_thread(self.look_once)

    def look_once(self) -> int:
        """One round. Blocks."""
        house = self._house
        now = house.clock.now()
        whole = self._whole_at is None or now >= self._whole_at + WHOLE or now < self._whole_at
        types = (*methods.event_types(house.city.folder), *UNDOING)
        with house.records.read() as connection:
            found = intake_records.unseen(connection, types, None if whole else now - RECENT, AT_ONCE)
            if whole:
                found += intake_records.due(connection, now, AT_ONCE)
            overdue = claim_records.overdue(connection, now) if whole else []
        for ident in overdue:
            self._expire(ident, now)
        if whole and len(found) < AT_ONCE:
            self._whole_at = now
        return sum(self._settle(event, now) for event in found)

    def _settle(self, event: Event, now: datetime) -> bool:
        """One event in one transaction; one that fails holds up no other."""
        try:
            with self._house.records.begin() as connection:
                done = settle(self._house, connection, event, now)
        except DureError as error:
            if event.id not in self._failed:
                log.warning("event.not_settled", event_id=event.id, code=error.code, why=error.message)
            self._failed.add(event.id)
            with self._house.records.begin() as connection:
                intake_records.park(connection, event, (error.code, Text(error.message, error.message)), now)
            return False
        self._failed.discard(event.id)
        return done

    def _expire(self, ident: str, now: datetime) -> None:
        try:
            with self._house.records.begin() as connection:
                claim_desk.refuse(connection, ident, "claim.expired", SYSTEM, now)
        except Conflict:
            return  # somebody decided meanwhile


def settle(house: House, connection: Connection, event: Event, now: datetime) -> bool:
    """Take an event, or park it; in the caller's transaction. Whether it is settled."""
    before = intake_records.find(connection, event.id)
    if before is not None and before.state != "parked":
        return False
    if event.type in UNDOING:
        _replace(connection, str(event.data.get(UNDOING[event.type], "")), now)
        return intake_records.put(connection, _taken(event, now))
    answers = judged(house, event, now)
    waits = next((one for one in answers if isinstance(one, Parked)), None)
    if waits is not None:
        intake_records.park(connection, event, waits, now)
    elif not intake_records.put(connection, _taken(event, now)):
        return False  # another process was first
    made = [one for one in answers if isinstance(one, Assessed)]
    replaced = event.data.get("replaces")
    if made and isinstance(replaced, str) and replaced:
        _replace(connection, replaced, now)
    today = day_of(now, house.city.zone)
    for one in made:
        row = programme(one.claim.programme, today, house.city.folder)
        claim_desk.make(connection, one.claim, row, now, working=one.working, against=one.against)
    return waits is None


def judged(house: House, event: Event, now: datetime) -> Sequence[Assessed | Parked]:
    """What each method makes of an event: one that lacks something does not hold up the others."""
    span = _span(house, event)
    if isinstance(span, Parked):
        return [span]
    folder, today = house.city.folder, day_of(now, house.city.zone)
    clocks = (
        timedelta(seconds=methods.clock_number("ahead_s", today, folder)),
        timedelta(days=methods.clock_number("old_d", today, folder)),
    )
    wrong = skewed(event, span, now, clocks)
    if wrong is not None:
        return [wrong]
    on = last_day(house, span)
    rows = methods.methods_for(event.type, on, folder)
    if not rows:
        words = Text(f"{on}에 {event.type}을(를) 세는 방법이 없습니다.", f"No method counts {event.type} on {on}.")
        return [Parked("claim.method_missing", words)]
    return [assessed(event, Asking(row, programme(row.programme, today, folder), folder, today, now), on) for row in rows]


def last_day(house: House, span: Interval) -> date:
    """The local day an interval ends on; an end at midnight is of the day before."""
    return day_of(max(span.start, span.end - timedelta(microseconds=1)), house.city.zone)


def _span(house: House, event: Event) -> Interval | Parked:
    rows = methods.methods_for(event.type, day_of(event.time, house.city.zone), house.city.folder) or [
        one for one in methods.all_methods(house.city.folder) if one.event == event.type
    ]
    try:
        return interval_at(event, rows[0].interval_of)
    except Unread as error:
        words = Text(f"사건의 {error.path}을(를) 읽을 수 없습니다.", f"{error.path} of the event cannot be read.")
        return Parked("claim.evidence_missing" if error.kind == "missing" else "claim.evidence_unreadable", words)


def _replace(connection: Connection, event: str, now: datetime) -> None:
    """Withdraw what rests on an event and on those it replaced; none of them is taken any more."""
    ident, seen = event, 0
    while ident and seen < CHAIN_MAX:
        kept = intake_records.event_of(connection, ident)
        type_, at = (kept.type, kept.time) if kept else ("", datetime.fromtimestamp(0, UTC))
        looked = Looked(event=ident, type=type_, event_at=at, state="replaced", seen_at=now)
        intake_records.put(connection, looked)  # first: it waits for who takes that event just now, and then sees their claims
        for one in claim_records.of_event(connection, ident):
            claim_desk.withdraw(connection, one.id, "claim.replaced", SYSTEM, now)
        before = kept.data.get("replaces") if kept else ""
        ident, seen = before if isinstance(before, str) else "", seen + 1


def _taken(event: Event, now: datetime) -> Looked:
    return Looked(event=event.id, type=event.type, event_at=event.time, state="taken", seen_at=now)
