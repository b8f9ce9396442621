"""Drift of a sensor against its neighbours: one robust value a day, a two-sided CUSUM, and a reference that follows the seasons.

Hour by hour the residual to the neighbours' estimate is taken (`residuals`); a day's value is the median of its hours less
the residual's usual course over the day. Four quiet weeks teach the reference. The noise is learned from the steps between
days, which a drift does not widen. After the quiet weeks the day's value, in sd from the reference, feeds Page's two sums
(Page 1954, Biometrika 41, 100, doi 10.1093/biomet/41.1-2.100)::

    up   = max(0, up + z - allowance)      down = max(0, down - z - allowance)      alarm: a sum above the threshold

The reference follows slowly, so that a season is no drift; a drift as slow as a season is for `drift_slow.monthly_drift`.
After an alarm both sums begin again from zero and the reference goes on: a drift that goes on is told again every few days.
The state is a small value of bounded size: stream (`Finder.advance`) and batch (`find_drift`) give the same alarms.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from dure.core.time import US_PER_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dure.services.environment.calibrating.calibration_rules import DriftRules, Scale

HOUR_US = 3600 * US_PER_S
DAY_US = 24 * HOUR_US
Direction = Literal["up", "down"]
_STEP = 2 / math.sqrt(math.pi)  # mean absolute difference of two normal values of sd 1


class Sum(msgspec.Struct, frozen=True):
    """One of Page's sums, since the last day it was zero, with what a straight line through those days needs."""

    value: float = 0.0
    since_day: int = 0
    n: int = 0
    t: float = 0.0
    x: float = 0.0
    tt: float = 0.0
    tx: float = 0.0


class DriftState(msgspec.Struct, frozen=True):
    """What is remembered of one sensor: of bounded size, to be kept as JSON.

    Attributes
    ----------
    day : the UTC day that is being collected [d since 1970], -1 before the first
    hours : (hour of day, residual) of that day
    profile, seen : (24,) usual course of the residual over the day, and days it was learned from
    quiet : daily values of the quiet period, until it is over
    reference : level of the daily value, NaN in the quiet period
    step, steps : mean absolute step from one day's value to the next, and how many it was learned from
    last_day, last : the last day that counted, and its value
    """

    day: int = -1
    hours: tuple[tuple[int, float], ...] = ()
    profile: tuple[float, ...] = (0.0,) * 24
    seen: tuple[int, ...] = (0,) * 24
    quiet: tuple[float, ...] = ()
    reference: float = math.nan
    step: float = math.nan
    steps: int = 0
    up: Sum = Sum()
    down: Sum = Sum()
    last_day: int = -1
    last: float = math.nan

    @property
    def learned(self) -> bool:
        """Whether the quiet period is over."""
        return not math.isnan(self.reference)


class Alarm(msgspec.Struct, frozen=True):
    """A drift that was found, with its evidence.

    `rate_per_day` is in %/d for ratios, in unit/d for differences. `since_us`: about when it began (the day the sum left
    zero). `level`, `reference`, `noise` belong to the day's value as `residuals` makes it.
    """

    at_us: int
    direction: Direction
    rate_per_day: float
    since_us: int
    days: int
    sum: float
    threshold: float
    level: float
    reference: float
    noise: float


def residuals(value: NDArray[np.float64], estimate: NDArray[np.float64], scale: Scale) -> NDArray[np.float64]:
    """Residual of a sensor to its neighbours' estimate.

    Parameters
    ----------
    value : (n,) usable values of the sensor [unit of the property], NaN where there is none
    estimate : (n,) what its neighbours let expect [unit of the property], NaN where they say nothing
    scale : ln(value / estimate), or value - estimate

    Returns
    -------
    (n,) residual, [1] or [unit]; NaN where either is missing or the estimate is below the floor
    """
    told = np.isfinite(value) & np.isfinite(estimate) & (estimate >= scale.floor)
    found = np.full(len(value), np.nan)
    if scale.kind == "ratio":
        least = scale.floor / 10  # a sensor that says zero is low, not infinitely low
        found[told] = np.log(np.maximum(value[told], least) / np.maximum(estimate[told], least))
    else:
        found[told] = value[told] - estimate[told]
    return found


class Finder(msgspec.Struct, frozen=True):
    """The drift finder of one property: its scale and the rules in force."""

    scale: Scale
    rules: DriftRules

    def advance(self, state: DriftState, time_us: int, residual: float) -> tuple[DriftState, Alarm | None]:
        """The state after one hourly residual, and the alarm it closes a day with, if any.

        A residual of a day already closed changes nothing; NaN only moves the time on.
        """
        day, hour = divmod(time_us // HOUR_US, 24)
        if day < state.day:
            return state, None
        alarm = None
        if day > state.day:
            state, alarm = self.close_day(state)
            state = msgspec.structs.replace(state, day=day, hours=())
        if not math.isnan(residual) and all(hour != known for known, _ in state.hours):
            state = msgspec.structs.replace(state, hours=(*state.hours, (hour, residual)))
        return state, alarm

    def close_day(self, state: DriftState) -> tuple[DriftState, Alarm | None]:
        """The state with the day that is being collected counted in, as when the next one begins."""
        if len(state.hours) < self.rules.hours_min:
            return msgspec.structs.replace(state, hours=()), None
        if state.last_day >= 0 and state.day - state.last_day > self.rules.gap_days_max:
            state = DriftState(day=state.day, hours=state.hours)
        x = _median([residual - state.profile[hour] for hour, residual in state.hours])
        profile, seen = list(state.profile), list(state.seen)
        for hour, residual in state.hours:
            share = max(1 / (seen[hour] + 1), 1 / self.rules.profile_days)
            profile[hour] += share * (residual - x - profile[hour])
            seen[hour] += 1
        step, steps = self._step(state, x)
        state = msgspec.structs.replace(
            state, hours=(), profile=tuple(profile), seen=tuple(seen), step=step, steps=steps, last_day=state.day, last=x
        )
        return self._judge(state, x) if state.learned else (self._learn(state, x), None)

    def _step(self, state: DriftState, x: float) -> tuple[float, int]:
        """The mean absolute step with this day's; it begins as the usual one, and one strange day counts little."""
        rules = self.rules
        mean = self.scale.noise * _STEP if state.steps == 0 else state.step
        if math.isnan(state.last):
            return mean, 0
        share = max(1 / (rules.noise_days + state.steps + 1), 1 / rules.noise_memory_days)
        return mean + share * (min(abs(x - state.last), rules.clip * mean) - mean), state.steps + 1

    def noise(self, state: DriftState) -> float:
        """Sd of the daily value, as learned so far."""
        return self.scale.noise if state.steps == 0 else max(state.step / _STEP, self.scale.noise_min)

    def _learn(self, state: DriftState, x: float) -> DriftState:
        quiet = (*state.quiet, x)
        if len(quiet) < self.rules.quiet_days:
            return msgspec.structs.replace(state, quiet=quiet)
        later = quiet[len(quiet) // 4 :]  # the first days were taken with a course of the day hardly known
        return msgspec.structs.replace(state, quiet=(), reference=_median(later))

    def _judge(self, state: DriftState, x: float) -> tuple[DriftState, Alarm | None]:
        rules, day, noise = self.rules, state.last_day, self.noise(state)
        z = max(-rules.clip, min(rules.clip, (x - state.reference) / noise))
        up, down = _added(state.up, z - rules.allowance, day, x), _added(state.down, -z - rules.allowance, day, x)
        reference = state.reference + z * noise / rules.reference_days
        higher = up if up.value > down.value else down
        if higher.value > rules.threshold:
            alarm = self._alarm(state, "up" if higher is up else "down", higher, x)
            return msgspec.structs.replace(state, up=Sum(), down=Sum(), reference=reference), alarm
        return msgspec.structs.replace(state, up=up, down=down, reference=reference), None

    def _alarm(self, state: DriftState, direction: Direction, found: Sum, x: float) -> Alarm:
        slope = _slope(found)
        rate = 100 * math.expm1(slope) if self.scale.kind == "ratio" else slope
        return Alarm(
            at_us=(state.last_day + 1) * DAY_US,
            direction=direction,
            rate_per_day=rate,
            since_us=found.since_day * DAY_US,
            days=found.n,
            sum=found.value,
            threshold=self.rules.threshold,
            level=x,
            reference=state.reference,
            noise=self.noise(state),
        )


def find_drift(finder: Finder, time_us: NDArray[np.int64], residual: NDArray[np.float64]) -> tuple[DriftState, list[Alarm]]:
    """All alarms of a series, as `Finder.advance` would give them one by one, the last day counted in.

    Parameters
    ----------
    time_us : (n,) hours in ascending order [us since 1970 UTC]
    residual : (n,) as `residuals` makes them

    Returns
    -------
    The state after the last day, and the alarms in order
    """
    state, alarms = DriftState(), []
    told = np.flatnonzero(np.isfinite(residual))
    hour_of = time_us[told] // HOUR_US
    day_of, hour = np.divmod(hour_of, 24)
    first = np.ones(len(told), bool)
    first[1:] = hour_of[1:] != hour_of[:-1]
    told, day_of, hour = told[first], day_of[first], hour[first]
    starts = np.flatnonzero(np.diff(day_of, prepend=-1))
    for start, end in pairwise([*starts.tolist(), len(told)]):
        pairs = tuple(zip(hour[start:end].tolist(), residual[told[start:end]].tolist(), strict=True))
        state = msgspec.structs.replace(state, day=int(day_of[start]), hours=pairs)
        state, alarm = finder.close_day(state)
        if alarm is not None:
            alarms.append(alarm)
    return state, alarms


def _added(before: Sum, step: float, day: int, x: float) -> Sum:
    value = before.value + step
    if value <= 0:
        return Sum()
    since = before.since_day if before.n else day
    t = float(day - since)
    return Sum(value, since, before.n + 1, before.t + t, before.x + x, before.tt + t * t, before.tx + t * x)


def _slope(found: Sum) -> float:
    """Least-squares slope of the daily values since the sum left zero [1/d]."""
    spread = found.tt - found.t**2 / found.n
    return (found.tx - found.t * found.x / found.n) / spread if spread > 0 else 0.0


def _median(values: Sequence[float]) -> float:
    ordered, n = sorted(values), len(values)
    return (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
