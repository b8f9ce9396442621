"""Rules of the place are kept: a session that is to stop is stopped by its station, the decision kept before it is asked."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import structlog

from dure.core.errors import DureError
from dure.core.events import Decision, Event
from dure.core.time import day_of, to_us
from dure.engines.records import decisions, events
from dure.engines.records.audit import By
from dure.services.charging import sites
from dure.services.charging.model import SERVICE
from dure.services.charging.sessions import live_states, session_records, stop_records
from dure.services.charging.sessions.model import without_token
from dure.services.charging.sessions.place_rules import Due, PlaceRules, Stopped, place_rules, stop_due
from dure.services.charging.stations import calls

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.charging.model import Evse, Site
    from dure.services.charging.sessions.model import Session
    from dure.spine.house import House

log = structlog.get_logger("dure.charging")

SYSTEM = f"dure/{SERVICE}"
STOPPED = "charging.session.stopped"


class _Wanted(NamedTuple):
    """A session whose station is to be asked."""

    session: Session
    asked_n: int


class StopWatch:
    """Stops sessions by the rules of their places."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> int:
        """One round; how many stations were asked."""
        house = self._house
        now = house.clock.now()
        rules = place_rules(day_of(now, house.city.zone), house.city.folder)
        wanted = await asyncio.to_thread(self._decided, rules, now)
        for one in wanted:
            await self._ask(one, now)
        return len(wanted)

    def _decided(self, rules: PlaceRules, now: datetime) -> list[_Wanted]:
        """Decide, keep what was decided, and say whose station is to be asked now."""
        house = self._house
        with house.records.read() as connection:
            running = [one for one in session_records.running(connection) if one.evse]
            if not running:
                return []
            known = sites.registered(connection)
            kept = stop_records.of_sessions(connection, [one.id for one in running])
            before = self._held(connection, running)
            links = live_states.of_chargers(connection, {one.charger for one in running})[1]
        due = [
            (one, found)
            for one in running
            if one.id not in kept and (place := _place(one, known.sites)) is not None
            if (found := stop_due(one, place, rules, now, before.get(one.evse))) is not None
        ]
        if due:
            with house.records.begin() as connection:
                for session, found in due:
                    _keep(connection, session, found, rules, now)
        again = timedelta(seconds=rules.asking.again_s)
        waiting = [
            _Wanted(one, kept[one.id]["asked_n"])
            for one in running
            if one.id in kept
            and kept[one.id]["asked_n"] < rules.asking.most_n
            and (kept[one.id]["asked_at"] is None or now - kept[one.id]["asked_at"] >= again)
        ]
        wanted = [*waiting, *(_Wanted(session, 0) for session, _ in due)]
        # A station that is not connected is asked once it is: being away does not use up how often it is asked.
        return [one for one in wanted if (link := links.get(one.session.charger)) is not None and link.linked]

    def _held(self, connection: Connection, running: list[Session]) -> dict[str, Stopped]:
        """The last stop at each EVSE whose vehicle was not unplugged since."""
        last = stop_records.newest_of_evses(connection, sorted({one.evse for one in running}))
        states = live_states.of_chargers(connection, {one.charger for one in running})[0]
        return {
            evse: stopped
            for evse, stopped in last.items()
            if evse in states and states[evse].available_us < to_us(stopped.decided_at)
        }

    async def _ask(self, wanted: _Wanted, now: datetime) -> None:
        session = wanted.session
        await asyncio.to_thread(self._noted, session.id, now)
        key = f"stop-{session.id}-{wanted.asked_n}"
        try:
            await calls.do(self._house, session.charger, "stop", {"transaction": session.transaction}, By(SYSTEM, now), key)
        except DureError as error:  # offline, or it refuses: it is asked again, and its own limits hold meanwhile
            log.warning("session.not_stopped", id=session.id, asset=session.evse, code=error.code, why=error.message)

    def _noted(self, session: str, now: datetime) -> None:
        with self._house.records.begin() as connection:
            stop_records.note_asked(connection, session, now)


def _place(session: Session, known: Any) -> tuple[Site, Evse] | None:
    site = known.get(session.site)
    evse = next((one for one in site.evses if one.id == session.evse), None) if site else None
    return None if site is None or evse is None else (site, evse)


def _keep(connection: Connection, session: Session, due: Due, rules: PlaceRules, now: datetime) -> None:
    ident = f"stop-{session.id}"
    seen = {"seen": due.seen, "limit": due.limit, "rule": due.basis.rule}
    stopped = Stopped(session=session.id, evse=session.evse, reason=due.reason, decided_at=now)
    if not stop_records.insert(connection, stopped, ident, seen):
        return
    decisions.add(
        connection,
        Decision(
            id=ident,
            kind="charging.session.stop",
            decided_at=now,
            inputs=msgspec.to_builtins({"session": without_token(session), "basis": due.basis}),
            result={"reason": due.reason} | seen,
            reasons=(due.reason,),
            versions={"place": rules.version},
        ),
    )
    data = {"session": session.id, "charger": session.charger, "site": session.site, "reason": due.reason} | seen
    event = Event(id=ident, type=STOPPED, source=SYSTEM, time=now, subject=session.evse, data=data)
    events.announce(connection, [event], now)
