"""The weather of each station's days that are over, told once each; what was missed while the program stood is told later."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import select

from dure.core.time import day_interval, day_of, to_us
from dure.engines.records import events, tables
from dure.services.environment.grades.hours import HOUR_S, HOUR_US
from dure.services.environment.grades.weather_day import DayRules, Hours, day_rules, day_weather, weather_event, weather_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from dure.core.assets import Asset
    from dure.core.events import Event
    from dure.core.time import Interval
    from dure.services.environment.watches.station_register import StationRegister
    from dure.spine.house import House

TEMPERATURE, SUN = "air_temperature", "solar_irradiance"


class DayWatch:
    """Weather of the days of all stations."""

    def __init__(self, house: House, stations: StationRegister) -> None:
        self._house, self._stations = house, stations

    async def look(self) -> int:
        """One round; how many days were told."""
        return await asyncio.to_thread(self._tell, await self._stations.live())

    def _tell(self, stations: Mapping[str, Asset]) -> int:
        house = self._house
        now, zone = house.clock.now(), house.city.zone
        today = day_of(now, zone)
        rules = day_rules(today, house.city.folder)
        days = [today - timedelta(days=back) for back in range(rules.look_back_d, 0, -1)]
        over = [day for day in days if day_interval(day, zone).end + timedelta(hours=rules.settle_h) <= now]
        told = 0
        for day in over:
            wanted = self._untold(sorted(stations), day)
            found = self._events(wanted, day, rules, now) if wanted else []
            if found:
                with house.records.begin() as connection:
                    told += events.announce(connection, found, now)
        return told

    def _untold(self, stations: list[str], day: date) -> list[str]:
        ids = {weather_id(one, day): one for one in stations}
        with self._house.records.read() as connection:
            known = set(connection.execute(select(tables.events.c.id).where(tables.events.c.id.in_(ids))).scalars())
        return [one for ident, one in ids.items() if ident not in known]

    def _events(self, stations: list[str], day: date, rules: DayRules, now: datetime) -> list[Event]:
        span = day_interval(day, self._house.city.zone)
        temperature, sun = (self._hours(name, span, rules) for name in (TEMPERATURE, SUN))
        nothing = np.full(round(span.duration.total_seconds() / HOUR_S), np.nan)
        found = []
        for station in stations:
            if station not in temperature:
                continue
            weather = day_weather(Hours(temperature[station], sun.get(station, nothing)), rules)
            if weather is not None:
                found.append(weather_event(station, day, span, weather, rules, now))
        return found

    def _hours(self, name: str, span: Interval, rules: DayRules) -> dict[str, NDArray[np.float64]]:
        """Mean of each hour of a day by station; NaN where it does not count."""
        start_us, end_us = to_us(span.start), to_us(span.end)
        rolled = self._house.telemetry.rollup(name, "hour", start_us, end_us)
        promised = max(1.0, HOUR_S / self._house.properties[name].period_s)
        counts = (rolled.n_good / promised >= rules.share_least) & (rolled.n_suspect == 0)
        hours = (end_us - start_us) // HOUR_US
        place = (rolled.start_us - start_us) // HOUR_US
        found: dict[str, NDArray[np.float64]] = {}
        for row in np.flatnonzero(counts & (place >= 0) & (place < hours)).tolist():
            found.setdefault(rolled.asset[row], np.full(hours, np.nan))[place[row]] = rolled.mean[row]
        return found
