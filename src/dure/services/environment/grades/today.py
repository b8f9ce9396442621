"""What a citizen is told today: the air of a place with the answer and its reasons, water, noise and weather. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from dure.core.text import Text
from dure.services.environment.grades.advice import (
    Advice,
    AdviceRules,
    Audience,
    advice_rules,
    air_advice,
    noise_advice,
    water_advice,
    weather_advice,
)
from dure.services.environment.grades.grading import RulesOfDay, restored, rules_of_day
from dure.services.environment.rules import load_pack
from dure.services.environment.watches.weather_watch import WeatherResult

if TYPE_CHECKING:
    from pathlib import Path

    from dure.core.assets import Asset
    from dure.core.geo import Point
    from dure.services.environment.grades.air_index import CaiResult
    from dure.services.environment.grades.noise import NoiseResult
    from dure.services.environment.grades.water_grade import GradeResult
    from dure.services.environment.grades.water_index import RtwqiResult
    from dure.services.environment.watches.index_watch import Kept

AUDIENCES: tuple[Audience, ...] = ("sensitive", "everyone", "exercise", "ventilation")
KM_PER_DEGREE = 111.2


class Sign(msgspec.Struct, frozen=True):
    """A grade as a screen shows it: its name, a tone, and a shape of its own, so that colour is never alone."""

    name: Text
    tone: str
    mark: str


class AirHere(msgspec.Struct, frozen=True):
    """The air index of one station with how it is shown, and how far away it is [km]."""

    asset: Asset
    at: datetime
    result: CaiResult
    word: Sign | None
    distance_km: float | None


class WaterHere(msgspec.Struct, frozen=True):
    """The grade of one water, its index, and what it means."""

    asset: Asset
    at: datetime
    grade: GradeResult
    grade_word: Sign | None
    index: RtwqiResult | None
    index_word: Sign | None
    advice: Advice


class NoiseHere(msgspec.Struct, frozen=True):
    """The last day or night of one noise point."""

    asset: Asset
    result: NoiseResult
    area: str
    advice: Advice


class Today(msgspec.Struct, frozen=True):
    """Everything the page says. `air` is nearest first where a place was named, else worst first."""

    air: list[AirHere]
    chosen: AirHere | None
    answers: dict[Audience, Advice]
    water: list[WaterHere]
    noise: list[NoiseHere]
    weather: list[Advice]


class Rules(msgspec.Struct, frozen=True):
    """The packs the page needs, as in force on a day."""

    grades: RulesOfDay
    advice: AdviceRules


def rules_for(folder: Path | None, day: date) -> Rules:
    """The packs of a city on a day."""
    return Rules(rules_of_day(folder, day), advice_rules(load_pack("advice", folder), day))


def today(rules: Rules, kept: Sequence[Kept], stations: Mapping[str, Asset], near: Point | None) -> Today:
    """What may be told from the results that are kept; stations that are not public are left out by the caller."""
    found: dict[str, list[Kept]] = {}
    for one in kept:
        if one.asset in stations:
            found.setdefault(one.name, []).append(one)
    air = sorted((_air(rules, one, stations, near) for one in found.get("cai", ())), key=_order(near))
    chosen = next((one for one in air if one.result.index is not None), air[0] if air else None)
    if near is None:
        chosen = _middle(air) or chosen
    answers = {} if chosen is None else {who: air_advice(rules.advice, chosen.result, who) for who in AUDIENCES}
    indices = {one.asset: one for one in found.get("rtwqi", ())}
    return Today(
        air=air,
        chosen=chosen,
        answers=answers,
        water=[_water(rules, one, stations, indices) for name in ("river_grade", "lake_grade") for one in found.get(name, ())],
        noise=_noises(rules, [*found.get("noise_day", ()), *found.get("noise_night", ())], stations),
        weather=_weather(rules, found.get("weather", ())),
    )


def _air(rules: Rules, kept: Kept, stations: Mapping[str, Asset], near: Point | None) -> AirHere:
    result: CaiResult = restored("cai", kept.result)
    word = None
    if result.index is not None:
        grade = rules.grades.cai.grade_of(result.index)
        word = Sign(grade.name, grade.tone, grade.shape)
    asset = stations[kept.asset]
    return AirHere(asset, kept.at, result, word, distance_km(asset, near))


def distance_km(asset: Asset, near: Point | None) -> float | None:
    """From a place to a station [km], on a plane; None where either is unknown."""
    if near is None or asset.place is None:
        return None
    here = asset.place.point
    east = (here.lon - near.lon) * math.cos(math.radians(near.lat))
    return math.hypot(east, here.lat - near.lat) * KM_PER_DEGREE


def _order(near: Point | None) -> Any:
    if near is None:
        return lambda one: (one.result.index is None, -(one.result.index or 0), one.asset.id)
    return lambda one: (one.distance_km is None, one.distance_km or 0.0)


def _middle(air: Sequence[AirHere]) -> AirHere | None:
    """The station in the middle of the city's order: it speaks for the city, neither its best nor its worst corner."""
    known = [one for one in air if one.result.index is not None]
    return known[len(known) // 2] if known else None


def _water(rules: Rules, kept: Kept, stations: Mapping[str, Asset], indices: Mapping[str, Kept]) -> WaterHere:
    table = rules.grades.river if kept.name == "river_grade" else rules.grades.lake
    grade: GradeResult = restored(kept.name, kept.result)
    row = next((one for one in table.grades if one.id == grade.grade_of_measured), None)
    index: RtwqiResult | None = restored("rtwqi", indices[kept.asset].result) if kept.asset in indices else None
    level = next((one for one in rules.grades.rtwqi.grades if index and one.id == index.grade), None)
    return WaterHere(
        asset=stations[kept.asset],
        at=kept.at,
        grade=grade,
        grade_word=None if row is None else Sign(row.name, row.tone, row.shape),
        index=index,
        index_word=None if level is None else Sign(level.name, level.tone, level.shape),
        advice=water_advice(rules.advice, grade),
    )


def _noises(rules: Rules, kept: Sequence[Kept], stations: Mapping[str, Asset]) -> list[NoiseHere]:
    """Each noise point's worse half of its last day, the loudest over its limit first."""
    worst: dict[str, NoiseHere] = {}
    for one in kept:
        result: NoiseResult = restored(one.name, one.result)
        here = NoiseHere(stations[one.asset], result, result.area, noise_advice(rules.advice, result))
        known = worst.get(one.asset)
        if known is None or (result.exceedance_db or 0) > (known.result.exceedance_db or 0):
            worst[one.asset] = here
    return sorted(worst.values(), key=lambda one: (-(one.result.exceedance_db or 0), one.asset.id))


def _weather(rules: Rules, kept: Sequence[Kept]) -> list[Advice]:
    """Advice for each phenomenon at a level anywhere, once, by the gravest station."""
    levels: dict[str, Any] = {}
    for one in kept:
        for level in msgspec.convert(one.result, WeatherResult).levels:
            if level.level is not None:
                known = levels.get(level.phenomenon)
                if known is None or (known.level == "advisory" and level.level != "advisory"):
                    levels[level.phenomenon] = level
    return list(weather_advice(rules.advice, list(levels.values())))
