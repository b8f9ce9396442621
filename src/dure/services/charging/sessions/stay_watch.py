"""Vehicles that stay after charging, and those that stay too long: when each left is kept for its price, overstaying is told."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import structlog

from dure.core.events import Event
from dure.core.time import day_of, from_us, to_us
from dure.engines.records import events
from dure.services.charging import sites
from dure.services.charging.model import SERVICE
from dure.services.charging.sessions import live_states, stay_records
from dure.services.charging.sessions.place_rules import PlaceRules, is_past, overstays, place_rules
from dure.services.charging.sessions.stay_records import Stay

if TYPE_CHECKING:
    from dure.services.charging.sessions.live_states import EvseState, Link
    from dure.services.charging.sessions.model import Session
    from dure.spine.house import House

log = structlog.get_logger("dure.charging")
SYSTEM = f"dure/{SERVICE}"
OVERSTAYS = "charging.vehicle.overstays"
BACK = timedelta(hours=1)  # a session that ended so lately, or whose stay is open, is looked at


class StayWatch:
    """Follows the vehicles of one house until their EVSE is free."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> int:
        """One round; how many stays changed."""
        return await asyncio.to_thread(self._look)

    def _look(self) -> int:
        house, now = self._house, self._house.clock.now()
        rules = place_rules(day_of(now, house.city.zone), house.city.folder)
        with house.records.read() as connection:
            known = stay_records.present(connection)
            found = stay_records.looked_at(connection, now - BACK, set(known))
            if not found:
                return 0
            states, links = live_states.of_chargers(connection, {one.charger for one in found})
            power_w = {one.id: one.power_w for site in sites.registered(connection).sites.values() for one in site.evses}
        following = {one.evse: one for one in found}
        changed, told = [], []
        for one in found:
            before = known.get(one.id)
            after = _next(following, found, one)
            stay = stay_of(one, before, (states.get(one.evse), links.get(one.charger)), after)
            if stay is None:
                continue
            if (
                stay.left_at is None
                and stay.told_at is None
                and not (one.state == "running" and is_past(one, rules.asking.late_s))
                and overstays(now - one.started_at, power_w.get(one.evse, 0.0), rules)
            ):
                stay = msgspec.structs.replace(stay, told_at=now)
                told.append(_event(one, rules, now))
            if stay != before and (before is not None or stay.ended_at is not None or stay.told_at is not None):
                changed.append(stay)
        if changed:
            with house.records.begin() as connection:
                stay_records.put(connection, changed)
                events.announce(connection, told, now)
        return len(changed)


def _next(newest: dict[str, Session], found: list[Session], one: Session) -> datetime | None:
    """When the session after this one began at its EVSE."""
    if newest[one.evse].id == one.id:
        return None
    return next((each.started_at for each in found if each.evse == one.evse and each.started_at > one.started_at), None)


def stay_of(
    session: Session, before: Stay | None, seen: tuple[EvseState | None, Link | None], following: datetime | None
) -> Stay | None:
    """The stay of a session's vehicle as it is known now; None where there is nothing to keep. Pure.

    It has left when its EVSE was said to be free after the end, or another session began there. Where nobody can know (the
    station is away, or the EVSE is out of order) it counts as gone since then: what is not known is not charged.
    """
    state, link = seen
    stay = before or Stay(session=session.id, evse=session.evse)
    if session.state == "running" or session.ended_at is None:
        return stay
    ended_us = to_us(session.ended_at)
    stay = msgspec.structs.replace(stay, ended_at=session.ended_at)
    gone = [] if following is None else [to_us(following)]
    if state is None or state.status not in {"occupied", "available", "reserved"}:
        gone.append(ended_us if state is None else to_us(state.since_at))
    elif state.available_us >= ended_us or state.status != "occupied":
        gone.append(max(state.available_us, ended_us) if state.available_us >= ended_us else ended_us)
    if link is not None and not link.linked:
        gone.append(link.linked_us)
    if not gone:
        return stay
    if before is None:
        return None  # it left before it was seen to stay
    return msgspec.structs.replace(stay, left_at=max(from_us(min(gone)), session.ended_at))


def _event(session: Session, rules: PlaceRules, now: datetime) -> Event:
    minutes = round((now - session.started_at).total_seconds() / 60)
    data = {
        "session": session.id, "charger": session.charger, "site": session.site, "started_at": session.started_at,
        "minutes": minutes, "charging": session.state == "running", "rules": rules.version,
    }  # fmt: skip
    log.info("session.overstays", id=session.id, asset=session.evse, minutes=minutes)
    return Event(id=f"{session.id}-overstays", type=OVERSTAYS, source=SYSTEM, time=now, subject=session.evse, data=data)
