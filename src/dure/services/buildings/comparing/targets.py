"""What was promised, and where we are: a straight line from the base to the goal, the years that passed, this year's end.

Pure: `trajectory` is made of a target and monthly figures of one vintage of factors; `explain` runs it again. A base that was
settled with factors of its own time is told as such (`Target.base_note`); it is a figure somebody entered, not one of ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec
from scipy.stats import t as student

from dure.core.errors import InputError
from dure.core.text import Text
from dure.emissions.conversion import Refused
from dure.services.buildings.comparing.compare_rules import CompareRules
from dure.services.buildings.comparing.spans import months_between, months_ending

Kind = Literal["emissions_g", "energy_wh", "eui_wh_m2"]
KINDS: tuple[Kind, ...] = ("emissions_g", "energy_wh", "eui_wh_m2")
PORTFOLIO = "portfolio"
YEARS = (1990, 2100)
VALUE_MAX = 1e18


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A goal of a body, a building or the whole portfolio.

    Attributes
    ----------
    subject : ``portfolio``, ``body:NAME`` or ``building:ID``
    kind : what falls: emissions [gCO2e/year], final energy [Wh/year], intensity [Wh/m2 a year]
    year, value : the goal; base : mean of the years ``base_from <= year <= base_to``
    programme : of the factors, where emissions fall
    base_note : where the base comes from, in words
    """

    id: str
    subject: str
    kind: Kind
    year: int
    value: float
    base: float
    base_from: int
    base_to: int
    programme: str
    person: str
    made_at: datetime
    base_note: str = ""
    replaced_at: datetime | None = None

    @property
    def share(self) -> float:
        """Change against the base [1]; -0.5 is half."""
        return self.value / self.base - 1


def checked(target: Target) -> Target:
    """The target when it can be one; refused with ``target.years``, ``target.value`` or ``target.subject``."""
    years = (target.base_from, target.base_to, target.year)
    if not YEARS[0] <= target.base_from <= target.base_to < target.year <= YEARS[1]:
        raise InputError("target.years", f"The years must follow one another, from {YEARS[0]} to {YEARS[1]}: {years}.")
    if not (0 < target.base <= VALUE_MAX and 0 <= target.value <= VALUE_MAX):
        raise InputError("target.value", "The base must be above 0 and the goal 0 or more.")
    kind, _, name = target.subject.partition(":")
    if not (target.subject == PORTFOLIO or (kind in {"body", "building"} and name)):
        raise InputError("target.subject", "A target is of portfolio, body:NAME or building:ID.")
    return target


def planned(target: Target, year: int) -> float:
    """The straight line from the base to the goal, in a year; level before the base's end and after the goal."""
    part = (year - target.base_to) / (target.year - target.base_to)
    return target.base + (target.value - target.base) * min(max(part, 0.0), 1.0)


class Month(msgspec.Struct, frozen=True):
    """What a month came to [of the target's kind], and whether it counts."""

    value: float
    counts: bool = True


class YearPoint(msgspec.Struct, frozen=True):
    """A year: what the line says, what it came to (None: not known in full), months that count."""

    year: int
    planned: float
    actual: float | None
    months_n: int


class Forecast(msgspec.Struct, frozen=True):
    """What a year will come to, with its interval."""

    value: float
    low: float
    high: float
    months_n: int
    weather: bool


class Trajectory(msgspec.Struct, frozen=True, kw_only=True):
    """A target and where we are.

    Attributes
    ----------
    rolling : of the twelve months that end with `last`; None: a month does not count
    planned_now : the line at the end of `last`
    forecast : of the year of `last`; refused with its reason
    """

    target: Target
    years: tuple[YearPoint, ...]
    last: str
    rolling: float | None
    planned_now: float
    forecast: Forecast | Refused

    @property
    def on_path(self) -> bool | None:
        """Whether the last twelve months are on or below the line; None: not known."""
        return None if self.rolling is None else self.rolling <= self.planned_now


def trajectory(
    target: Target, months: Mapping[str, Month], last: str, rules: CompareRules, weather: Mapping[str, float] | None = None
) -> Trajectory:
    """Where a target stands at the end of the month `last`.

    Parameters
    ----------
    months : by month, of the target's kind; months after `last` are left out
    weather : use expected in a normal month over that expected in last year's, by month [1]; None: not corrected for weather
    """
    known = {month: one for month, one in months.items() if month <= last}
    first = min([target.base_to, *(int(month[:4]) for month in known)])
    years = []
    for year in range(first, max(target.year, int(last[:4])) + 1):
        values = [known[month].value for month in _months_of(year) if month in known and known[month].counts]
        actual = math.fsum(values) if len(values) == 12 else None
        years.append(YearPoint(year, planned(target, year), actual, len(values)))
    rolling = [known.get(month) for month in months_ending(last, 12)]
    whole = [one.value for one in rolling if one is not None and one.counts]
    year = int(last[:4])
    part = int(last[5:]) / 12
    return Trajectory(
        target=target,
        years=tuple(years),
        last=last,
        rolling=math.fsum(whole) if len(whole) == 12 else None,
        planned_now=planned(target, year - 1) + (planned(target, year) - planned(target, year - 1)) * part,
        forecast=forecast(known, year, rules, weather),
    )


def forecast(
    months: Mapping[str, Month], year: int, rules: CompareRules, weather: Mapping[str, float] | None = None
) -> Forecast | Refused:
    """A year's end: the months so far, and last year's rest scaled by how this year's months compare with last year's.

    With r = sum(this) / sum(before) over the n months known, the rest is r * sum(before * weather). Months deviate from
    r * before with variance s2 (n - 1 degrees of freedom); the rest of m months has variance
    s2 * (m + n * (rest / known)**2), the second term being that of r. The interval is Student's at ``forecast_level``.
    """
    this = {month: months[month].value for month in _months_of(year) if month in months and months[month].counts}
    before = {month: months[_year_before(month)] for month in _months_of(year) if _year_before(month) in months}
    if len(this) < rules.forecast_months_min:
        return _refused("forecast.too_few", f"{len(this)}", f"{len(this)}")
    if len(before) < 12 or not all(one.counts for one in before.values()):
        return _refused("forecast.no_year_before", f"{year - 1}", f"{year - 1}")
    sofar = math.fsum(this.values())
    base = math.fsum(before[month].value for month in this)
    if base <= 0:
        return _refused("forecast.no_year_before", f"{year - 1}", f"{year - 1}")
    rest = math.fsum(before[month].value * (weather or {}).get(month, 1.0) for month in before if month not in this)
    ratio, known_n, rest_n = sofar / base, len(this), 12 - len(this)
    spread = math.fsum((value - ratio * before[month].value) ** 2 for month, value in this.items()) / (known_n - 1)
    error = math.sqrt(spread * (rest_n + known_n * (rest / base) ** 2)) if rest_n else 0.0
    half = float(student.ppf((1 + rules.forecast_level) / 2, known_n - 1)) * error
    value = sofar + ratio * rest
    return Forecast(value, max(sofar, value - half), value + half, known_n, weather is not None)


def _months_of(year: int) -> tuple[str, ...]:
    return months_between(f"{year:04d}-01", f"{year:04d}-12")


def _year_before(month: str) -> str:
    return f"{int(month[:4]) - 1:04d}{month[4:]}"


_WHY: dict[str, tuple[str, str]] = {
    "forecast.too_few": (
        "올해 아는 달이 {}개뿐이라 연말을 말하지 않습니다.",
        "Only {} months of this year are known: nothing is said of its end.",
    ),
    "forecast.no_year_before": (
        "{}년의 열두 달을 다 알지 못해 연말을 말하지 않습니다.",
        "Not all months of {} are known: nothing is said of this year's end.",
    ),
}


def _refused(code: str, ko: str, en: str) -> Refused:
    words = _WHY[code]
    return Refused(code, Text(words[0].format(ko), words[1].format(en)))
