"""Households whose period is over are judged; weather days are kept; what need not be remembered is forgotten."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from dure.core.errors import DureError
from dure.core.time import day_interval
from dure.services.carbon.households import household_records, judgement_records, judging_desk, judging_words
from dure.services.carbon.households.energy_rules import UTILITIES, Utility, choice
from dure.services.carbon.households.weather_keeping import keep_weather

if TYPE_CHECKING:
    from dure.services.carbon.households.periods import Period
    from dure.spine.house import House

log = structlog.get_logger("dure.carbon")
AT_ONCE = 100  # households and utilities of one round
RECENT = timedelta(hours=2)  # before the last look: between an event's time and when it is on the books
HALF_YEAR_D = 183


class HouseholdWatch:
    """Households whose period is over are judged."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._looked: datetime | None = None

    async def look(self) -> int:
        """One round; how many half-years were judged."""
        return await asyncio.to_thread(self.look_once)

    def look_once(self) -> int:
        """One round. Blocks."""
        house, now = self._house, self._house.clock.now()
        with house.records.begin() as connection:
            keep_weather(connection, self._looked - RECENT if self._looked else None)
            today = now.astimezone(house.city.zone).date()
            kept_d = choice("remember_periods", today, house.city.folder) * HALF_YEAR_D
            household_records.forget_spent(connection, now - timedelta(kept_d))
        self._looked = now
        period = judging_desk.period_over(house, now)
        return 0 if period is None else self._judge(period, now)

    def _judge(self, period: Period, now: datetime) -> int:
        house = self._house
        for utility in UTILITIES:
            self._measure(period, utility, now)
        today = now.astimezone(house.city.zone).date()
        open_still = today < period.end + timedelta(choice("give_up_d", today, house.city.folder))
        joined = day_interval(period.start + timedelta(choice("join_within_d", period.start, house.city.folder)), house.city.zone)
        before = now - timedelta(hours=choice("retry_h", today, house.city.folder))
        codes = judging_words.OPEN if open_still else ()
        with house.records.read() as connection:
            due = judgement_records.due(connection, str(period), joined.start, (codes, before), AT_ONCE)
        return sum(self._judge_one(household, utility, period) for household, utility in due)

    def _judge_one(self, household: str, utility: Utility, period: Period) -> bool:
        """One household in one transaction; one that fails holds up no other."""
        try:
            with self._house.records.begin() as connection:
                return judging_desk.judge_home(self._house, connection, household, utility, period) is not None
        except DureError as error:
            log.warning("household.not_judged", household=household, code=error.code, why=error.message)
            return False

    def _measure(self, period: Period, utility: Utility, now: datetime) -> None:
        """What chance looks like in this city, once for a half-year and before anybody is judged."""
        with self._house.records.read() as connection:
            if judgement_records.has_times(connection, str(period), utility):
                return
        told = judging_desk.measure_times(self._house, period, utility)
        with self._house.records.begin() as connection:
            judgement_records.put_times(connection, str(period), utility, told, now)
