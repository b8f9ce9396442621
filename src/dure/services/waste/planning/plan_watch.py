"""Every evening: the draft of tomorrow's plan; and at the start today's, when there is none and trucks are still at work."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select

from dure.core.time import day_of
from dure.engines.records.audit import SYSTEM, By
from dure.engines.records.tables_waste import waste_beliefs
from dure.services.waste.planning import plan_records, plan_source
from dure.services.waste.planning.plan_desk import PlanDesk
from dure.services.waste.planning.policy import policy_on

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from dure.spine.house import House

log = structlog.get_logger("dure.waste")
PATIENCE = timedelta(minutes=10)  # so long a city just started waits to hear of its bins


class PlanWatch:
    """Nobody has to ask for a draft."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._desk = PlanDesk(house)
        self._since: datetime | None = None

    async def look(self) -> int:
        """One round; how many drafts were made."""
        wanted = await asyncio.to_thread(self._wanted)
        for day in wanted:
            kept = await self._desk.draft(day, By(SYSTEM, self._house.clock.now()))
            figures = kept.plan.figures
            log.info("plan.drafted", plan=kept.head.id, bins=figures.served_n, metres=figures.distance_m)
        return len(wanted)

    def _wanted(self) -> list[date]:
        """Days that should have a plan by now and have none; none as long as there is nothing to plan with."""
        house, now = self._house, self._house.clock.now()
        today = day_of(now, house.city.zone)
        evening = now.astimezone(house.city.zone).hour >= policy_on(today, house.city.folder).begins_h
        tomorrow = today + timedelta(days=1)
        with house.records.read() as connection:
            known = plan_source.register(connection)
            if not known.bins or not known.fleet.trucks or not self._known_by_now(connection, now):
                return []
            now_s = plan_source.second_of(today, now, house.city.zone)
            at_work = any(truck.shift[1] > now_s for truck in known.fleet.trucks)
            days = [*([today] if at_work else []), *([tomorrow] if evening or not at_work else [])]
            return [day for day in days if not plan_records.versions(connection, day)]

    def _known_by_now(self, connection: Connection, now: datetime) -> bool:
        """Whether anything was heard of most bins that are believed in; after `PATIENCE` a plan is made without."""
        self._since = self._since or now
        if now - self._since >= PATIENCE:
            return True
        kept = [bool(one.get("last")) for one in connection.execute(select(waste_beliefs.c.belief)).scalars()]
        return 2 * sum(kept) > len(kept)
