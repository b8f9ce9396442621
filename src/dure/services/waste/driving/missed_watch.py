"""Every hour: visits of plans in force that were due half a day ago and that nothing shows to have been made."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import structlog

from dure.core.events import Event
from dure.core.observations import Flag
from dure.core.time import day_interval, day_of, from_us, to_us
from dure.engines.records import events
from dure.services.waste.belief.belief_rules import belief_rules
from dure.services.waste.belief.emptying import HOUR_US
from dure.services.waste.driving import tap_records
from dure.services.waste.driving.missed import Levels, missed_visit, visits_of
from dure.services.waste.faults.fault_rules import fault_rules
from dure.services.waste.planning import plan_records
from dure.services.waste.tickets import ticket_desk

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Connection

    from dure.core.observations import SeriesKey
    from dure.services.waste.belief.belief_rules import BeliefRules
    from dure.services.waste.driving.missed import Due, Missed
    from dure.services.waste.model import Sighting
    from dure.spine.house import House

log = structlog.get_logger("dure.waste")
SOURCE = "dure/waste"
MISSED = "waste.pickup.missed"
BACK = timedelta(days=1)  # after a restart visits are judged that became due so long ago
USABLE = (Flag.GOOD, Flag.SUSPECT)


class MissedWatch:
    """A visit is judged once, when its time is over."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._until_us: int | None = None

    async def look(self) -> int:
        """One round; how many missed visits were told."""
        return await asyncio.to_thread(self._look)

    def _look(self) -> int:
        house, now = self._house, self._house.clock.now()
        today = day_of(now, house.city.zone)
        rules = belief_rules(today, house.city.folder)
        reach_us = int(rules.emptying.missed_h * HOUR_US)
        until_us = to_us(now) - reach_us
        since_us = until_us - round(BACK.total_seconds() * 1e6) if self._until_us is None else self._until_us
        found: list[Event] = []
        with house.records.read() as connection:
            doubted = ticket_desk.untrusted(connection, fault_rules(today, house.city.folder))
            for day in (today - timedelta(days=back) for back in (2, 1, 0)):
                found += self._missed_on(connection, day, (since_us, until_us), set(doubted), rules)
        self._until_us = until_us
        if not found:
            return 0
        with house.records.begin() as connection:
            told = events.announce(connection, found, now)
        log.info("pickups.missed", city=house.city.id, visits=told)
        return told

    def _missed_on(
        self, connection: Connection, day: date, span_us: tuple[int, int], doubted: set[str], rules: BeliefRules
    ) -> list[Event]:
        head = plan_records.newest(connection, day, states=("published",))
        if head is None:
            return []
        whole = day_interval(day, self._house.city.zone)
        visits = visits_of(plan_records.get(connection, head.id).plan, to_us(whole.start))
        due = [one for one in visits if span_us[0] < one.at_us <= span_us[1] and one.bin not in doubted]
        reach = timedelta(hours=rules.emptying.missed_h)
        taps = tap_records.between(connection, whole.start - reach, whole.end + reach) if due else []
        found = [self._judged(one, taps, rules) for one in due]
        return [missed_event(one, head.id, self._house.clock.now()) for one in found if one is not None]

    def _judged(self, due: Due, taps: list[Sighting], rules: BeliefRules) -> Missed | None:
        own = [one for one in taps if one.bin == due.bin]
        if any(one.kind in ("blocked", "broken") for one in own) or self._house.live.get(due.bin, "fill_fraction") is None:
            return None
        reach_us = int(rules.emptying.missed_h * HOUR_US)
        span_us = due.at_us - 2 * reach_us, due.at_us + reach_us + 1
        time_us, level = self._series((due.bin, "fill_fraction"), span_us)
        counted_us, total = self._series((due.bin, "emptyings_total"), span_us)
        emptied_us = [to_us(one.seen_at) for one in own if one.kind == "emptied"]
        return missed_visit(due, Levels(time_us, level, emptied_us, counted_us[1:][np.diff(total) > 0].tolist()), rules)

    def _series(self, key: SeriesKey, span_us: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        if self._house.live.get(*key) is None:
            return np.empty(0, np.int64), np.empty(0)
        past = self._house.telemetry.series(key, *span_us)
        fit = np.isin(past.flag, USABLE) & np.isfinite(past.value)
        return past.time_us[fit], past.value[fit]


def missed_event(one: Missed, plan: str, at: datetime) -> Event:
    """Told once for each visit of a plan."""
    data = {
        "plan": plan,
        "truck": one.due.truck,
        "planned_at": from_us(one.due.at_us).isoformat(),
        "before": round(one.before, 2),
        "level": round(one.since, 2),
    }
    return Event(id=f"missed-{plan}-{one.due.bin}", type=MISSED, source=SOURCE, time=at, subject=one.due.bin, data=data)
