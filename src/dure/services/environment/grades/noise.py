"""소음환경기준: the equivalent level Leq of day and night beside the limit of the area.

How to use it::

    rules = noise_rules(load_pack("noise"), day)
    day_result, night_result = assess_day(rules, "roadside_a", Levels(time_us, leq_db, period_s=600), day, city.zone)
    level = energy_average(leq_db)            # [dB(A)]

Levels are averaged by energy, ``Leq = 10 log10(mean(10^(L/10)))``: one loud hour counts as the loud hour it is, a plain mean
would hide it. Day and night are hours of the city's own clock; the night belongs to the day on which it begins.

Source: 환경정책기본법 시행령 (noise standard) as the rows of rules/noise.toml name it. A level that equals the limit meets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from dure.core.errors import InputError
from dure.core.text import Text
from dure.core.time import Interval, to_us
from dure.services.environment.rules import Basis, Choice, Pack, Rule, provisional


class Area(Rule, frozen=True, kw_only=True):
    """A kind of area with its limits by day and night, Leq [dB(A)]."""

    name: Text
    kind: Literal["general", "roadside"]
    day: float
    night: float


class Period(Rule, frozen=True, kw_only=True):
    """Day or night: local hours ``[start_hour, end_hour)``, over midnight when the end is not after the start."""

    name: Text
    start_hour: int
    end_hour: int


@dataclass(frozen=True, eq=False)
class NoiseRules:
    """The rules in force on a day. Made by `noise_rules`."""

    pack: Pack
    day: date
    areas: Mapping[str, Area]
    periods: Mapping[str, Period]
    coverage_min: Choice
    decimals: Choice


@dataclass(frozen=True, eq=False)
class Levels:
    """Leq values of one point, one per period: `time_us` (n,) begin of each [us UTC], `leq_db` (n,) [dB(A)], NaN if missing."""

    time_us: ArrayLike
    leq_db: ArrayLike
    period_s: float


class NoiseResult(msgspec.Struct, frozen=True, kw_only=True):
    """Day or night at one point. `leq_db` is None without enough coverage; `exceedance_db` is 0 when the limit is met.

    `leq_of_measured_db` is the average of what there is, whatever the coverage: not the level of the period.
    """

    area: str
    period: str
    start: datetime
    end: datetime
    limit_db: float
    leq_db: float | None
    leq_of_measured_db: float | None
    exceedance_db: float | None
    meets: bool | None
    coverage: float
    count: int
    as_of: date
    basis: tuple[Basis, ...]
    provisional: tuple[str, ...]


def noise_rules(pack: Pack, day: date) -> NoiseRules:
    """The noise rules in force on a day; refused with ``rules.not_in_force`` or ``rules.invalid``."""
    return NoiseRules(
        pack,
        day,
        {one.id: one for one in pack.rows("areas", Area, day)},
        {one: pack.row("periods", one, Period, day) for one in ("day", "night")},
        pack.row("choices", "coverage_min", Choice, day),
        pack.row("choices", "decimals", Choice, day),
    )


def energy_average(leq_db: ArrayLike) -> float:
    """Energy average of sound levels of equal duration: (n,) [dB(A)], NaN left out; NaN when none is there."""
    levels = np.asarray(leq_db, dtype=np.float64)
    levels = levels[np.isfinite(levels)]
    if not len(levels):
        return float("nan")
    loudest = levels.max()
    return float(loudest + 10 * np.log10(np.mean(10 ** ((levels - loudest) / 10))))


def period_interval(rules: NoiseRules, period: str, day: date, zone: ZoneInfo) -> Interval:
    """The day or the night that begins on a local day, in UTC; an hour longer or shorter where clocks change."""
    row = rules.periods[period]
    last = day if row.end_hour > row.start_hour else day + timedelta(days=1)
    return Interval(_local(day, row.start_hour, zone), _local(last, row.end_hour, zone))


def period_of(rules: NoiseRules, at: datetime, zone: ZoneInfo) -> Literal["day", "night"]:
    """Whether an instant lies in the local day or night."""
    row = rules.periods["day"]
    return "day" if row.start_hour <= at.astimezone(zone).hour < row.end_hour else "night"


def assess_day(rules: NoiseRules, area: str, levels: Levels, day: date, zone: ZoneInfo) -> tuple[NoiseResult, NoiseResult]:
    """Day and night that begin on a local day. See `assess_noise`."""
    found = [assess_noise(rules, area, period, levels, period_interval(rules, period, day, zone)) for period in ("day", "night")]
    return found[0], found[1]


def assess_noise(rules: NoiseRules, area: str, period: str, levels: Levels, interval: Interval) -> NoiseResult:
    """The equivalent level of an interval beside the limit of the area.

    Parameters
    ----------
    rules : of the day
    area : id of the area, e.g. ``roadside_a``
    period : ``day`` or ``night``: which limit applies
    levels : values of the point; those that failed quality control are left out by the caller
    interval : what is assessed, ``[start, end)``
    """
    row = rules.areas.get(area)
    if row is None:
        raise InputError("environment.noise_area", f"There is no area {area[:40]!r}. Use one of {', '.join(rules.areas)}.")
    if levels.period_s <= 0:
        raise InputError("environment.period", "The period of a station must be positive.")
    limit = row.day if period == "day" else row.night
    inside = _inside(levels, interval)
    count = int(np.isfinite(inside).sum())
    coverage = min(1.0, count * levels.period_s / interval.duration.total_seconds())
    average = _rounded(energy_average(inside), int(rules.decimals.value)) if count else None
    leq = average if coverage >= float(rules.coverage_min.value) else None
    over = None if leq is None else _rounded(max(0.0, leq - limit), int(rules.decimals.value))
    bases = [rules.pack.basis("areas", row), rules.pack.basis("periods", rules.periods[period])]
    bases += [rules.pack.basis("choices", one) for one in (rules.coverage_min, rules.decimals)]
    return NoiseResult(
        area=area,
        period=period,
        start=interval.start,
        end=interval.end,
        limit_db=limit,
        leq_db=leq,
        leq_of_measured_db=average,
        exceedance_db=over,
        meets=None if leq is None else leq <= limit,
        coverage=coverage,
        count=count,
        as_of=rules.day,
        basis=tuple(bases),
        provisional=provisional(bases),
    )


def _inside(levels: Levels, interval: Interval) -> NDArray[np.float64]:
    times = np.asarray(levels.time_us, dtype=np.int64)
    values = np.asarray(levels.leq_db, dtype=np.float64)
    return values[(times >= to_us(interval.start)) & (times < to_us(interval.end))]


def _local(day: date, hour: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=zone).astimezone(UTC)


def _rounded(level: float, decimals: int) -> float:
    return float(Decimal(f"{level:.9f}").quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))
