"""Every second: the steps of alarms that are due, and the messages that go with them."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from dure.core.time import day_of
from dure.services.waste.safety import alarm_records
from dure.services.waste.safety.alarm_post import AlarmPost
from dure.services.waste.safety.escalation import Policy, due_steps, escalation_policy

if TYPE_CHECKING:
    from dure.services.waste.safety.alarms import Alarm
    from dure.spine.house import House

log = structlog.get_logger("dure.waste")

PAUSE_S = 1.0


class EscalationWatch:
    """Watches over the alarms of one house."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._post = AlarmPost(house)

    async def look(self) -> int:
        """One round of steps; how many were taken."""
        now = self._house.clock.now()
        return await asyncio.to_thread(self._step, self._policy(now), now)

    async def tell(self) -> int:
        """One round of messages, apart from the steps: a slow mail server delays nobody else; how many were sent."""
        now = self._house.clock.now()
        return await self._post.deliver(await asyncio.to_thread(self._unsettled), self._policy(now), now)

    def _policy(self, now: datetime) -> Policy:
        return escalation_policy(day_of(now, self._house.city.zone), self._house.city.folder)

    def _unsettled(self) -> list[Alarm]:
        with self._house.records.read() as connection:
            return alarm_records.unsettled(connection)

    def _step(self, policy: Policy, now: datetime) -> int:
        """Take what is due; looked up before writing, so that the disk is left in peace."""
        taken = 0
        for due in due_steps(self._unsettled(), now, policy):
            with self._house.records.begin() as connection:
                alarm = alarm_records.escalate(connection, due, now)
            if alarm is not None:
                taken += 1
                city = self._house.city.id
                log.warning("alarm.told", city=city, asset=alarm.bin, id=alarm.id, step=due.step, roles=list(due.roles))
        return taken
