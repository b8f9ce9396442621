"""The weather of each station's days that are over, told once each.

What was missed while the program stood is told later, and so is what was brought in afterwards, as the hourly history of a
weather service: whoever depends on the weather of past years finds it.
"""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import select

from dure.core.time import Interval, day_interval, day_of, to_us
from dure.engines.records import events, tables
from dure.services.environment.grades.hours import HOUR_S, HOUR_US
from dure.services.environment.grades.weather_day import DayRules, Hours, day_rules, day_weather, weather_event, weather_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from dure.core.assets import Asset
    from dure.services.environment.watches.station_register import StationRegister
    from dure.spine.house import House

TEMPERATURE, SUN = "air_temperature", "solar_irradiance"
MONTH_D = 31


class DayWatch:
    """Weather of the days of all stations: of the last days, and of older ones whose readings came in later."""

    def __init__(self, house: House, stations: StationRegister) -> None:
        self._house, self._stations = house, stations
        self._back_d = 0  # days before today up to which older days were looked through; 0: begin anew

    async def look(self) -> int:
        """One round; how many days were told."""
        return await asyncio.to_thread(self._tell, await self._stations.live())

    def _tell(self, stations: Mapping[str, Asset]) -> int:
        house = self._house
        now, zone = house.clock.now(), house.city.zone
        today = day_of(now, zone)
        rules = day_rules(today, house.city.folder)
        recent = [today - timedelta(days=back) for back in range(rules.look_back_d, 0, -1)]
        over = [day for day in recent if day_interval(day, zone).end + timedelta(hours=rules.settle_h) <= now]
        told = self._tell_days(stations, over, rules, now)
        while True:
            found = self._tell_days(stations, self._older(today, rules), rules, now)
            told += found
            if not found or not self._back_d:
                return told

    def _older(self, today: date, rules: DayRules) -> list[date]:
        """The next month of older days, backwards, round after round; a month that tells nothing ends a round."""
        begin = self._back_d or rules.look_back_d
        end = min(begin + MONTH_D, rules.history_d)
        self._back_d = end if end < rules.history_d else 0
        return [today - timedelta(days=back) for back in range(end, begin, -1)]

    def _tell_days(self, stations: Mapping[str, Asset], days: Sequence[date], rules: DayRules, now: datetime) -> int:
        """Tell days that follow one another, as far as they are not told; how many."""
        wanted = self._untold(sorted(stations), days)
        if not wanted:
            return 0
        zone = self._house.city.zone
        whole = Interval(day_interval(days[0], zone).start, day_interval(days[-1], zone).end)
        temperature = self._hours(TEMPERATURE, whole, rules.temperature_readings_least)
        sun = self._hours(SUN, whole, rules.share_least * HOUR_S / self._house.properties[SUN].period_s)
        found = []
        for station, day in wanted:
            if station not in temperature:
                continue
            span = day_interval(day, zone)
            part = slice(*((to_us(at) - to_us(whole.start)) // HOUR_US for at in (span.start, span.end)))
            hours = temperature[station][part]
            weather = day_weather(Hours(hours, sun[station][part] if station in sun else np.full(len(hours), np.nan)), rules)
            if weather is not None:
                found.append(weather_event(station, day, span, weather, rules, now))
        if not found:
            return 0
        with self._house.records.begin() as connection:
            return events.announce(connection, found, now)

    def _untold(self, stations: list[str], days: Sequence[date]) -> list[tuple[str, date]]:
        ids = {weather_id(one, day): (one, day) for day in days for one in stations}
        with self._house.records.read() as connection:
            known = set(connection.execute(select(tables.events.c.id).where(tables.events.c.id.in_(ids))).scalars())
        return [one for ident, one in ids.items() if ident not in known]

    def _hours(self, name: str, span: Interval, least: float) -> dict[str, NDArray[np.float64]]:
        """Mean of each hour of a span by station; NaN where it does not count: below `least` good readings, or a doubtful one."""
        start_us, end_us = to_us(span.start), to_us(span.end)
        rolled = self._house.telemetry.rollup(name, "hour", start_us, end_us)
        counts = (rolled.n_good >= max(1.0, least)) & (rolled.n_suspect == 0)
        hours = (end_us - start_us) // HOUR_US
        place = (rolled.start_us - start_us) // HOUR_US
        found: dict[str, NDArray[np.float64]] = {}
        for row in np.flatnonzero(counts & (place >= 0) & (place < hours)).tolist():
            found.setdefault(rolled.asset[row], np.full(hours, np.nan))[place[row]] = rolled.mean[row]
        return found
