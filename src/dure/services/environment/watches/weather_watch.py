"""Every ten minutes: whether the weather of each station is at the level of an advisory. Shell of `weather_levels`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.core.observations import Flag
from dure.core.time import US_PER_S, day_of, to_us
from dure.services.environment.grades.grading import Grading, Result
from dure.services.environment.grades.hours import HOUR_S, HOUR_US
from dure.services.environment.grades.weather_hours import StationHours, quantities
from dure.services.environment.grades.weather_levels import ObservedLevel, level_rules, observed_levels
from dure.services.environment.rules import load_pack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from dure.core.assets import Asset
    from dure.services.environment.grades.weather_levels import Terrain
    from dure.services.environment.watches.station_register import StationRegister
    from dure.spine.house import House

HOURS_N = 8 * 24
HOURLY = ("air_temperature", "relative_humidity", "precipitation", "snow_depth", "pm10")
FRESH_PERIODS = 3


class WeatherResult(msgspec.Struct, frozen=True):
    """What was observed of every phenomenon at one station."""

    levels: tuple[ObservedLevel, ...]


class WeatherWatch:
    """Observed levels of every weather station."""

    def __init__(self, house: House, stations: StationRegister) -> None:
        self._house, self._stations = house, stations
        self._grading = Grading(house.city)

    async def look(self) -> list[Result]:
        """One round: the result of every station that measures any of it."""
        return await asyncio.to_thread(self._results, await self._stations.live(), to_us(self._house.clock.now()))

    def _results(self, stations: Mapping[str, Asset], now_us: int) -> list[Result]:
        city = self._house.city
        rules = level_rules(load_pack("weather_levels", city.folder), day_of(self._house.clock.now(), city.zone))
        end_us = now_us // HOUR_US * HOUR_US
        share_min = self._grading.rules(now_us).share_min
        hours = {name: self._hours(name, end_us, share_min) for name in HOURLY}
        weather = {one.asset for name in ("wind_speed", "wind_gust") for one in self._house.live.of_property(name)}
        measured = {*weather, *hours["air_temperature"], *hours["precipitation"], *hours["snow_depth"]}
        found = []
        for asset in sorted(measured & set(stations)):
            past = self._past(asset, hours, (end_us, now_us))
            terrain: Terrain = "mountain" if stations[asset].attributes.get("terrain") == "mountain" else "flat"
            levels = observed_levels(rules, quantities(rules, past, city.zone), terrain=terrain)
            content = msgspec.json.decode(msgspec.json.encode(WeatherResult(levels)))
            found.append(Result(asset, "weather", end_us, content))
        return found

    def _hours(self, name: str, end_us: int, share_min: float) -> dict[str, dict[str, NDArray[np.float64]]]:
        """Of every asset: mean, lowest value and sum of each hour, NaN where the hour does not count."""
        start_us = end_us - HOURS_N * HOUR_US
        rolled = self._house.telemetry.rollup(name, "hour", start_us, end_us)
        promised = max(1.0, HOUR_S / self._house.properties[name].period_s)
        counts = (rolled.n_good / promised >= share_min) & (rolled.n_suspect == 0)
        hour = (rolled.start_us - start_us) // HOUR_US
        found: dict[str, dict[str, NDArray[np.float64]]] = {}
        for row in np.flatnonzero(counts & (hour >= 0) & (hour < HOURS_N)).tolist():
            own = found.setdefault(rolled.asset[row], {kind: np.full(HOURS_N, np.nan) for kind in ("mean", "low", "total")})
            own["mean"][hour[row]], own["low"][hour[row]] = rolled.mean[row], rolled.low[row]
            own["total"][hour[row]] = rolled.total[row]
        return found

    def _past(
        self, asset: str, hours: Mapping[str, Mapping[str, Mapping[str, NDArray[np.float64]]]], now: tuple[int, int]
    ) -> StationHours:
        end_us, now_us = now
        nothing = np.full(HOURS_N, np.nan)

        def of(name: str, kind: str = "mean") -> NDArray[np.float64]:
            return hours[name].get(asset, {}).get(kind, nothing)

        return StationHours(
            end_us=end_us,
            temperature=of("air_temperature"),
            temperature_low=of("air_temperature", "low"),
            humidity=of("relative_humidity"),
            rain=of("precipitation", "total"),
            snow=of("snow_depth"),
            pm10=of("pm10"),
            wind_speed=self._now(asset, "wind_speed", now_us),
            wind_gust=self._now(asset, "wind_gust", now_us),
        )

    def _now(self, asset: str, name: str, now_us: int) -> float:
        """The newest value, where it is good and fresh."""
        value = self._house.live.get(asset, name)
        if value is None or value.value is None or value.flag != Flag.GOOD:
            return np.nan
        fresh_us = FRESH_PERIODS * self._house.properties[name].period_s * US_PER_S
        return value.value if abs(now_us - value.time_us) <= fresh_us else np.nan
