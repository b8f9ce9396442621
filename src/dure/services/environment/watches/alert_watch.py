"""What is handed to the alerts every round: hours of air over the city, observed weather, river grades, noise, findings."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.core.time import US_PER_S, to_us
from dure.services.environment.alerting import alert_records, alert_rounds
from dure.services.environment.alerting.alerts import MEAN, Measured
from dure.services.environment.faults import findings
from dure.services.environment.grades.hours import HOUR_US
from dure.services.environment.grades.weather_levels import ObservedLevel, Rank
from dure.services.environment.rules import load_pack
from dure.services.environment.watches.index_watch import SETTLE
from dure.services.environment.watches.weather_watch import WeatherResult

if TYPE_CHECKING:
    from dure.core.assets import Asset
    from dure.services.environment.alerting.alerts import Transition
    from dure.services.environment.grades.grading import Result
    from dure.services.environment.grades.hours import Hours
    from dure.spine.house import House

AIR: Mapping[str, str] = {"air-warning-pm10": "pm10", "air-warning-pm2-5": "pm2_5", "air-warning-o3": "o3"}
WEATHER: Mapping[str, str] = {
    "weather-wind": "strong_wind",
    "weather-rain": "heavy_rain",
    "weather-heat": "heat",
    "weather-cold": "cold",
    "weather-snow": "heavy_snow",
    "weather-dry": "dry",
}
FINDING = "network-finding"
BAD_WATER = frozenset({"V", "VI"})
HOURS_BACK = 6  # hours that may come late, after a pause of the program
Levels = tuple[str, str, Mapping[str, float | None]]  # rule, scope, value of each source


class AlertWatch:
    """Gathers what the rules ask for and lets the alerts take it in; a period handed in before changes nothing."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self, hours: Hours | None, results: Sequence[Result], stations: Mapping[str, Asset]) -> list[Transition]:
        """One round; the changes of level."""
        return await asyncio.to_thread(self._look, hours, results, stations)

    async def escalate(self) -> None:
        """Tell the next role what nobody has acknowledged."""
        await asyncio.to_thread(alert_rounds.escalate, self._house, self._house.clock.now())

    def _look(self, hours: Hours | None, results: Sequence[Result], stations: Mapping[str, Asset]) -> list[Transition]:
        now, city = self._house.clock.now(), self._house.city
        readings = [] if hours is None else list(air_readings(hours, stations, city.id, to_us(now - SETTLE)))
        day = now.astimezone(city.zone).date()
        ranks = {one.id: one.rank for one in load_pack("weather_levels", city.folder).rows("ranks", Rank, day)}
        levels = [*weather_levels(results, city.id, ranks), *water_levels(results), *noise_levels(results)]
        with self._house.records.read() as connection:
            open_ = {one.asset for one in findings.unsettled(connection)}
            wanted = alert_records.Wanted(state="open", rule=FINDING)
            told = {one.scope for one in alert_records.listing(connection, wanted, limit=1_000).items}
        levels += [(FINDING, asset, {asset: float(asset in open_)}) for asset in sorted(open_ | told)]
        rules = alert_rounds.rules_now(self._house, now)
        for rule, scope, values in levels:
            if rule in rules:
                period_us = rules[rule].row.period_s * US_PER_S
                readings.append(Measured(rule=rule, scope=scope, start_us=to_us(now) // period_us * period_us, values=values))
        return alert_rounds.advance(self._house, readings, now)


def air_readings(hours: Hours, stations: Mapping[str, Asset], city: str, settled_us: int) -> Iterator[Measured]:
    """The last settled hours of each warned pollutant over the city: every station, and their mean."""
    for rule, name in AIR.items():
        series = {asset: found for (asset, one), found in hours.means.items() if one == name and asset in stations}
        if not series:
            continue
        for number in range(max(0, hours.n - HOURS_BACK), hours.n):
            start_us = hours.start_us + number * HOUR_US
            if start_us + HOUR_US > settled_us:
                continue
            values: dict[str, float | None] = {
                asset: None if np.isnan(found[number]) else float(found[number]) for asset, found in sorted(series.items())
            }
            there = [one for one in values.values() if one is not None]
            values[MEAN] = float(np.mean(there)) if there else None
            yield Measured(rule=rule, scope=city, start_us=start_us, values=values)


def weather_levels(results: Sequence[Result], city: str, ranks: Mapping[str, int]) -> Iterator[Levels]:
    """The observed level of each phenomenon at every station, 0 for none; None where it could not be told."""
    seen = [(one.asset, restored_weather(one)) for one in results if one.name == "weather"]
    for rule, phenomenon in WEATHER.items():
        found = {asset: level for asset, result in seen for level in result.levels if level.phenomenon == phenomenon}
        if found:
            yield rule, city, {asset: rank_of(one, ranks) for asset, one in found.items()}


def rank_of(level: ObservedLevel, ranks: Mapping[str, int]) -> float | None:
    """The rank of an observed level; None where nothing was reached and something was not measured."""
    if level.level is None:
        return None if level.unknown else 0.0
    return float(ranks[level.level])


def water_levels(results: Sequence[Result]) -> Iterator[Levels]:
    """1 for each water whose measured items are bad or worse."""
    for one in results:
        if one.name in ("river_grade", "lake_grade"):
            yield "river-grade", one.asset, {one.asset: float(one.content["grade_of_measured"] in BAD_WATER)}


def noise_levels(results: Sequence[Result]) -> Iterator[Levels]:
    """1 for each noise point whose last day or night was over the standard; None where it was not measured long enough."""
    points: dict[str, list[bool | None]] = {}
    for one in results:
        if one.name in ("noise_day", "noise_night"):
            points.setdefault(one.asset, []).append(one.content["meets"])
    for asset, meets in points.items():
        known = [one for one in meets if one is not None]
        yield "noise-limit", asset, {asset: float(not all(known)) if known else None}


def restored_weather(result: Result) -> WeatherResult:
    """The weather of a station from what was kept."""
    return msgspec.convert(result.content, WeatherResult)
