"""Indices and grades of every station from its hours, by the rules in force on the day. Pure but for reading the rule packs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec

from dure.core.observations import Flag
from dure.core.time import day_of, from_us, to_us
from dure.services.environment.grades.air_index import CaiResult, CaiRules, cai_of_hours, cai_rules
from dure.services.environment.grades.averages import mean_of_hours
from dure.services.environment.grades.hours import HOUR_US
from dure.services.environment.grades.noise import Levels, NoiseResult, NoiseRules, assess_noise, noise_rules, period_interval
from dure.services.environment.grades.water_grade import GradeResult, GradeRules, grade_rules, water_grade
from dure.services.environment.grades.water_index import RtwqiResult, RtwqiRules, rtwqi, rtwqi_rules
from dure.services.environment.rules import load_pack

if TYPE_CHECKING:
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from dure.city import City
    from dure.core.assets import Asset
    from dure.engines.telemetry.port import SeriesColumns
    from dure.services.environment.grades.hours import Hours

AIR_H = 12  # hours an air index looks back
WATER_H = 24  # hours of water whose mean is graded
NOISE_AREA = "noise_area"  # the attribute of a station that names its kind of area
TYPES: Mapping[str, Any] = {
    "cai": CaiResult,
    "river_grade": GradeResult,
    "lake_grade": GradeResult,
    "rtwqi": RtwqiResult,
    "noise_day": NoiseResult,
    "noise_night": NoiseResult,
}
Latest = Mapping[tuple[str, str], float]  # (asset, property) -> newest value fit for use, of what is sampled by hand


class Result(msgspec.Struct, frozen=True):
    """One index or grade of one station; `content` is the result struct as plain values, `at_us` the end of its hours."""

    asset: str
    name: str
    at_us: int
    content: dict[str, Any]


class RulesOfDay(msgspec.Struct, frozen=True):
    """Every rule pack of the gradings as in force on one day."""

    cai: CaiRules
    river: GradeRules
    lake: GradeRules
    rtwqi: RtwqiRules
    noise: NoiseRules

    @property
    def share_min(self) -> float:
        """Good readings an hour needs, as a share of those promised [1]."""
        return float(self.cai.choices["coverage_min"].value)

    @property
    def measured(self) -> set[str]:
        """Properties whose hours are wanted."""
        return {*self.cai.items, *self.river.items, *self.lake.items, *self.rtwqi.items}


def rules_of_day(folder: Path | None, day: date) -> RulesOfDay:
    """The packs of a city, or Dure's own, on a day."""
    return RulesOfDay(
        cai=cai_rules(load_pack("cai", folder), day),
        river=grade_rules(load_pack("river_grade", folder), day),
        lake=grade_rules(load_pack("lake_grade", folder), day),
        rtwqi=rtwqi_rules(load_pack("rtwqi", folder), day),
        noise=noise_rules(load_pack("noise", folder), day),
    )


class Grading:
    """The rules of the city, kept for the day they were asked for."""

    def __init__(self, city: City) -> None:
        self._folder, self._zone = city.folder, city.zone
        self._rules: tuple[date, RulesOfDay] | None = None

    def rules(self, end_us: int) -> RulesOfDay:
        """The rules of the local day that the hour before `end_us` belongs to."""
        day = day_of(from_us(end_us - 1), self._zone)
        if self._rules is None or self._rules[0] != day:
            self._rules = (day, rules_of_day(self._folder, day))
        return self._rules[1]

    def results(self, hours: Hours, stations: Mapping[str, Asset], latest: Latest) -> list[Result]:
        """What can be said of every station at the end of the hours."""
        rules = self.rules(hours.end_us)
        return [*air_results(rules, hours, stations), *water_results(rules, hours, stations, latest)]

    def numbers(self, name: str, hours: Hours, stations: Mapping[str, Asset], end_us: int) -> dict[str, float]:
        """The index `name` (``cai`` or ``rtwqi``) of each station that has one, at the end of an earlier hour."""
        rules = self.rules(end_us)
        until = hours.n - (hours.end_us - end_us) // HOUR_US
        if name == "cai":
            results: Iterator[tuple[str, float | None]] = (
                (asset, cai_result(rules, hours, asset, until).index) for asset in hours.assets(rules.cai.items)
            )
        else:
            river = [asset for asset in hours.assets(rules.rtwqi.items) if asset in stations]
            results = ((asset, rtwqi_result(rules, hours, asset, until).index) for asset in river)
        return {asset: float(number) for asset, number in results if number is not None and asset in stations}

    def noise(self, asset: Asset, levels: Levels, at_us: int) -> list[Result]:
        """The last complete day and night of a noise point, where its kind of area is known."""
        rules = self.rules(at_us).noise
        area = str(asset.attributes.get(NOISE_AREA, ""))
        if area not in rules.areas:
            return []
        return list(_noise_results(rules, asset.id, area, levels, (at_us, self._zone)))


def cai_result(rules: RulesOfDay, hours: Hours, asset: str, until: int) -> CaiResult:
    """The index of one station at the end of hour number `until`."""
    back = max(0, until - AIR_H)
    return cai_of_hours(rules.cai, {item: hours.of(asset, item)[back:until] for item in rules.cai.items})


def rtwqi_result(rules: RulesOfDay, hours: Hours, asset: str, until: int) -> RtwqiResult:
    """The water index of one station at the end of hour number `until`."""
    back = max(0, until - int(rules.rtwqi.number("hours")))
    return rtwqi(rules.rtwqi, {item: hours.of(asset, item)[back:until] for item in rules.rtwqi.items})


def air_results(rules: RulesOfDay, hours: Hours, stations: Mapping[str, Asset]) -> Iterator[Result]:
    """The air index of every station that measures any of its items; without the required ones it says what is missing."""
    for asset in hours.assets(rules.cai.items):
        if asset in stations:
            yield _kept(asset, "cai", hours.end_us, cai_result(rules, hours, asset, hours.n))


def water_results(rules: RulesOfDay, hours: Hours, stations: Mapping[str, Asset], latest: Latest) -> Iterator[Result]:
    """Grade and index of every river and lake point."""
    for asset, one in stations.items():
        name = {"river_point": "river_grade", "lake_point": "lake_grade"}.get(one.kind)
        if name is None:
            continue
        table = rules.river if name == "river_grade" else rules.lake
        values = {item: mean_of_last_hours(hours, asset, item) for item in table.items}
        values |= {item: latest[asset, item] for item in table.items if values[item] is None and (asset, item) in latest}
        if any(value is not None for value in values.values()):
            yield _kept(asset, name, hours.end_us, water_grade(table, values))
            yield _kept(asset, "rtwqi", hours.end_us, rtwqi_result(rules, hours, asset, hours.n))


def mean_of_last_hours(hours: Hours, asset: str, item: str) -> float | None:
    """Mean of the hours of the last day that have one; None when none has."""
    found = hours.means.get((asset, item))
    return None if found is None else mean_of_hours(found[-WATER_H:], coverage_min=1 / WATER_H).value


def _noise_results(rules: NoiseRules, asset: str, area: str, levels: Levels, now: tuple[int, ZoneInfo]) -> Iterator[Result]:
    at_us, zone = now
    today = day_of(from_us(at_us), zone)
    for period in ("day", "night"):
        days = (date.fromordinal(today.toordinal() - back) for back in range(3))
        ended = [one for day in days if (one := period_interval(rules, period, day, zone)).end <= from_us(at_us)]
        if ended:
            result = assess_noise(rules, area, period, levels, ended[0])
            yield _kept(asset, f"noise_{period}", to_us(ended[0].end), result)


def _kept(asset: str, name: str, at_us: int, result: msgspec.Struct) -> Result:
    return Result(asset, name, at_us, msgspec.json.decode(msgspec.json.encode(result)))


def restored(name: str, content: Mapping[str, Any]) -> Any:
    """The result struct of what was kept."""
    return msgspec.convert(dict(content), TYPES[name], strict=False)


def good_levels(past: SeriesColumns, period_s: float) -> Levels:
    """Levels of the readings that are good."""
    good = past.flag == Flag.GOOD
    return Levels(past.time_us[good], past.value[good], period_s)
