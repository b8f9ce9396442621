"""관측값이 특보 수준: whether observed weather reaches the level of an advisory or a warning. Never an advisory itself.

How to use it::

    rules = level_rules(load_pack("weather_levels"), day)
    found = observed_levels(rules, {"wind_gust": [21.3], "rain_3h": [12.0]}, terrain="flat")
    found[0].level      # 'advisory'
    found[0].text.ko    # "순간풍속 21.3 m/s: 관측값이 강풍주의보 수준입니다. 기상청의 특보가 아닙니다."

`observed` holds the newest values of each quantity of the rules, the newest last: one value for what is now, hours for hourly and
days for daily quantities. What a condition needs and nobody measured is named in `unknown`; a level is then not reached, and not
ruled out. Criteria of the weather service are forecasts ("is expected to"); here they are held against what was measured.

Sources: as the rows of rules/weather_levels.toml name them, most of them secondary.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import msgspec

from dure.core.errors import ConfigError
from dure.core.text import Text
from dure.services.environment.rules import UNIT_WORDS, Basis, Choice, Pack, Rule, provisional

Terrain = Literal["flat", "mountain"]


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `last` newest values of a quantity are all at least, or all at most, a value [unit of the quantity]."""

    quantity: str
    at_least: float | None = None
    at_most: float | None = None
    last: int = 1


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Conditions that must all hold."""

    all: tuple[Condition, ...]


class Level(Rule, frozen=True, kw_only=True):
    """One level of one phenomenon; `announced` ones are not in force yet and only looked at when asked for."""

    phenomenon: str
    level: str
    any: tuple[Group, ...]
    terrain: Terrain | None = None
    announced: bool = False


class Quantity(Rule, frozen=True, kw_only=True):
    """What a condition looks at."""

    name: Text
    per: Literal["now", "hour", "day"]
    decimals: int


class Rank(Rule, frozen=True, kw_only=True):
    """Advisory, warning, grave warning: the higher rank is the graver one."""

    name: Text
    rank: int
    tone: str
    shape: str


class Phenomenon(Rule, frozen=True, kw_only=True):
    """What the level is of."""

    name: Text


class Formula(Rule, frozen=True, kw_only=True):
    """The numbers of a formula, in the order its function names them."""

    coefficients: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class LevelRules:
    """The rules in force on a day. Made by `level_rules`."""

    pack: Pack
    day: date
    levels: tuple[Level, ...]
    quantities: Mapping[str, Quantity]
    ranks: Mapping[str, Rank]
    phenomena: Mapping[str, Phenomenon]
    formulas: Mapping[str, Formula]
    choices: Mapping[str, Choice]


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """A condition that holds, with the value that shows it: the one nearest to the limit."""

    quantity: str
    value: float
    limit: float
    last: int


class ObservedLevel(msgspec.Struct, frozen=True, kw_only=True):
    """What was observed of one phenomenon.

    `level` is the gravest level reached, None when none is. `unknown` are quantities without a value that could have reached a
    graver one. `text` says it in words and that it is no advisory of the weather service.
    """

    phenomenon: str
    level: str | None
    reasons: tuple[Reached, ...]
    unknown: tuple[str, ...]
    announced: bool
    text: Text
    as_of: date
    basis: tuple[Basis, ...]
    provisional: tuple[str, ...]


def level_rules(pack: Pack, day: date) -> LevelRules:
    """The levels in force on a day.

    Raises
    ------
    ConfigError
        ``rules.not_in_force`` for a day before the rules, ``rules.invalid`` when a row names what no table has
    """
    levels = pack.rows("levels", Level, day)
    quantities = {one.id: one for one in pack.rows("quantities", Quantity, day)}
    ranks = {one.id: one for one in pack.rows("ranks", Rank, day)}
    phenomena = {one.id: one for one in pack.rows("phenomena", Phenomenon, day)}
    for one in levels:
        conditions = [condition for group in one.any for condition in group.all]
        known = one.level in ranks and one.phenomenon in phenomena and all(c.quantity in quantities for c in conditions)
        if not known or any((c.at_least is None) == (c.at_most is None) or c.last < 1 for c in conditions):
            raise ConfigError(
                "rules.invalid", f"{pack.file}, {one.id}: a condition names what no table has, or has no single limit."
            )
    formulas = {one.id: one for one in pack.rows("formulas", Formula, day)}
    return LevelRules(
        pack, day, levels, quantities, ranks, phenomena, formulas, {one.id: one for one in pack.rows("choices", Choice, day)}
    )


def observed_levels(
    rules: LevelRules,
    observed: Mapping[str, Sequence[float | None]],
    *,
    terrain: Terrain = "flat",
    announced: bool = False,
) -> tuple[ObservedLevel, ...]:
    """The gravest observed level of every phenomenon, and of each what could not be told.

    Parameters
    ----------
    rules : of the day
    observed : newest values by quantity, the newest last; None or not finite where missing
    terrain : which variant of a level counts at this place
    announced : look at levels that are announced and not in force, too
    """
    found = []
    for phenomenon in rules.phenomena:
        rows = [one for one in rules.levels if one.phenomenon == phenomenon and one.terrain in {None, terrain}]
        rows = [one for one in rows if announced or not one.announced]
        rows.sort(key=lambda one: -rules.ranks[one.level].rank)
        if rows:
            found.append(_observed(rules, phenomenon, rows, observed))
    return tuple(found)


def feels_like_summer(rules: LevelRules, temperature: float, humidity: float) -> float:
    """여름철 체감온도 from air temperature [Cel] and relative humidity [%]: [Cel].

    ``k0 + k1 Tw + k2 Ta + k3 Tw^2 + k4 Tw Ta + k5`` with the wet-bulb temperature Tw of Stull (2011).
    """
    k0, k1, k2, k3, k4, k5 = rules.formulas["feels_like_summer"].coefficients
    wet = wet_bulb(rules, temperature, humidity)
    return k0 + k1 * wet + k2 * temperature + k3 * wet * wet + k4 * wet * temperature + k5


def wet_bulb(rules: LevelRules, temperature: float, humidity: float) -> float:
    """Wet-bulb temperature [Cel] at sea level from air temperature [Cel] and relative humidity [%].

    Stull (2011), doi 10.1175/JAMC-D-11-0143.1.
    """
    k0, k1, k2, k3, k4, k5 = rules.formulas["wet_bulb"].coefficients
    return (
        temperature * math.atan(k0 * math.sqrt(humidity + k1))
        + math.atan(temperature + humidity)
        - math.atan(humidity - k2)
        + k3 * math.pow(humidity, 1.5) * math.atan(k4 * humidity)
        - k5
    )


def feels_like_winter(rules: LevelRules, temperature: float, wind_speed: float) -> float | None:
    """겨울철 체감온도 [Cel] from air temperature [Cel] and wind [m/s]; None where the formula does not hold (warm, or calm)."""
    if temperature > float(rules.choices["winter_temperature_max"].value):
        return None
    if wind_speed < float(rules.choices["winter_wind_min"].value):
        return None
    k0, k1, k2, k3, power = rules.formulas["feels_like_winter"].coefficients
    chill = math.pow(wind_speed * 3.6, power)
    return k0 + k1 * temperature + k2 * chill + k3 * chill * temperature


def effective_humidity(rules: LevelRules, daily: Sequence[float | None]) -> float | None:
    """실효습도 [%] from daily means of relative humidity [%], the newest last; None when a day is missing.

    ``(1 - r) sum(r^n H_n)`` over the days n = 0 (the newest) to 4.
    """
    days = int(rules.choices["humidity_days"].value)
    ratio = float(rules.choices["humidity_ratio"].value)
    last = [one for one in daily[-days:] if one is not None and math.isfinite(one)]
    if len(last) < days:
        return None
    weights = [(1 - ratio) * ratio**age for age in range(days)]
    total = sum(weight * value for weight, value in zip(weights, reversed(last), strict=True))
    return total / sum(weights) if rules.choices["humidity_normalised"].value else total


def _observed(
    rules: LevelRules, phenomenon: str, rows: Sequence[Level], observed: Mapping[str, Sequence[float | None]]
) -> ObservedLevel:
    unknown: dict[str, None] = {}
    for row in rows:
        answers = [(group, [_holds(one, observed) for one in group.all]) for group in row.any]
        reached = tuple(one for _, found in answers if None not in found and False not in found for one in found if one)
        if reached:
            return _said(rules, row, reached, tuple(unknown))
        for group, found in answers:
            if False not in found:
                unknown |= {one.quantity: None for one, answer in zip(group.all, found, strict=True) if answer is None}
    name = rules.phenomena[phenomenon].name
    text = Text(f"{name.ko}: 특보 수준의 관측값이 없습니다.", f"{name.en}: nothing observed at advisory level.")
    if unknown:
        names = [rules.quantities[one].name for one in unknown]
        text = Text(
            f"{name.ko}: 알 수 없습니다. 값이 없는 항목: {', '.join(one.ko for one in names)}.",
            f"{name.en}: unknown. No value of: {', '.join(one.en for one in names)}.",
        )
    return ObservedLevel(
        phenomenon=phenomenon,
        level=None,
        reasons=(),
        unknown=tuple(unknown),
        announced=False,
        text=text,
        as_of=rules.day,
        basis=(),
        provisional=(),
    )


def _holds(condition: Condition, observed: Mapping[str, Sequence[float | None]]) -> Reached | Literal[False] | None:
    """The condition with its value when it holds, False when it does not, None when that cannot be told."""
    last = list(observed.get(condition.quantity, ()))[-condition.last :]
    values = [one for one in last if one is not None and math.isfinite(one)]
    low = condition.at_least
    limit = low if low is not None else (condition.at_most or 0.0)
    if any(value < limit if low is not None else value > limit for value in values):
        return False
    if len(values) < condition.last:
        return None
    nearest = min(values) if low is not None else max(values)
    return Reached(quantity=condition.quantity, value=nearest, limit=limit, last=condition.last)


def _said(rules: LevelRules, row: Level, reached: tuple[Reached, ...], unknown: tuple[str, ...]) -> ObservedLevel:
    phenomenon, rank = rules.phenomena[row.phenomenon].name, rules.ranks[row.level].name
    first = reached[0]
    quantity = rules.quantities[first.quantity]
    value = f"{first.value:.{quantity.decimals}f} {UNIT_WORDS.get(quantity.unit, quantity.unit)}"
    text = Text(
        f"{quantity.name.ko} {value}: 관측값이 {phenomenon.ko}{rank.ko} 수준입니다. 기상청의 특보가 아닙니다.",
        f"{quantity.name.en} {value}: observed at the level of a {phenomenon.en.lower()} {rank.en}."
        " This is not an advisory of the weather service.",
    )
    bases = (rules.pack.basis("levels", row),)
    return ObservedLevel(
        phenomenon=row.phenomenon,
        level=row.level,
        reasons=reached,
        unknown=unknown,
        announced=row.announced,
        text=text,
        as_of=rules.day,
        basis=bases,
        provisional=provisional(bases),
    )
