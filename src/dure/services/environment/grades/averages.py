"""Hourly and longer means with their coverage: how much of the time a mean speaks for.

A mean is given only when enough of the values one expects are there (75 % unless a rule says otherwise): a mean of two values out
of sixty is not the mean of the hour. Whoever calls leaves out the values that failed quality control.

How to use it::

    hours = hourly_means(time_us, value, Span(start_us, 24), period_s=600, coverage_min=0.75)
    hours.mean      # (24,) NaN where too little was measured
    day = mean_of_hours(hours.mean, coverage_min=0.75)   # 24-hour mean of hourly means, with its coverage
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from dure.core.errors import InputError
from dure.core.time import US_PER_S

HOUR_US = 3600 * US_PER_S


@dataclass(frozen=True, eq=False)
class HourlyMeans:
    """Means of consecutive hours.

    `start_us` (n,) begin of each hour, `mean` (n,) in the unit of the values and NaN below the coverage asked for, `count` (n,)
    values used, `coverage` (n,) share of the expected values [1], at most 1.
    """

    start_us: NDArray[np.int64]
    mean: NDArray[np.float64]
    count: NDArray[np.int64]
    coverage: NDArray[np.float64]

    def values(self) -> list[float | None]:
        """The means as a list, None where there is none: what `cai_of_hours` takes."""
        return [None if np.isnan(one) else float(one) for one in self.mean]


class Mean(msgspec.Struct, frozen=True):
    """A mean, None below the coverage asked for; how many values it has and the share of those expected [1]."""

    value: float | None
    count: int
    coverage: float


@dataclass(frozen=True)
class Span:
    """Consecutive hours ``[start_us, start_us + hours)``."""

    start_us: int
    hours: int


def hourly_means(
    time_us: ArrayLike, value: ArrayLike, span: Span, *, period_s: float, coverage_min: float, total: bool = False
) -> HourlyMeans:
    """Mean of each hour of a span.

    Parameters
    ----------
    time_us : (m,) instants in any order [us since 1970 UTC]
    value : (m,) values, NaN where missing
    span : the hours asked for; an hour holds the instants in ``[start, start + 1 h)``
    period_s : time between two values of the station [s]
    coverage_min : share of the expected values an hour must have [1]
    total : give the sum of the hour instead of its mean (rain); gaps are not filled

    Raises
    ------
    InputError
        ``environment.period`` when the period is not positive
    """
    if period_s <= 0:
        raise InputError("environment.period", "The period of a station must be positive.")
    times, values = np.asarray(time_us, dtype=np.int64), np.asarray(value, dtype=np.float64)
    hour = (times - span.start_us) // HOUR_US
    inside = (hour >= 0) & (hour < span.hours) & np.isfinite(values)
    count = np.bincount(hour[inside], minlength=span.hours)
    sums = np.bincount(hour[inside], weights=values[inside], minlength=span.hours)
    expected = max(1.0, 3600 / period_s)
    coverage = np.minimum(count / expected, 1.0)
    enough = (count > 0) & (coverage >= coverage_min)
    mean = np.where(enough, sums if total else sums / np.maximum(count, 1), np.nan)
    starts = span.start_us + HOUR_US * np.arange(span.hours, dtype=np.int64)
    return HourlyMeans(starts, mean, count.astype(np.int64), coverage)


def mean_of_hours(hours: ArrayLike, *, coverage_min: float) -> Mean:
    """Mean of hourly means, e.g. of 24: (n,) with NaN where missing; the coverage is the share of the hours that have one."""
    values = np.asarray(hours, dtype=np.float64)
    there = values[np.isfinite(values)]
    coverage = len(there) / len(values) if len(values) else 0.0
    enough = len(there) > 0 and coverage >= coverage_min
    return Mean(float(there.mean()) if enough else None, len(there), coverage)


def running_sums(hours: ArrayLike, length: int) -> NDArray[np.float64]:
    """Sums over the last `length` hours at each hour.

    Parameters
    ----------
    hours : (n,) hourly amounts, NaN where missing
    length : hours in a sum

    Returns
    -------
    (n,) sums, NaN where fewer than `length` hours have passed or one of them is missing: a gap may hide rain
    """
    values = np.asarray(hours, dtype=np.float64)
    sums = np.full(len(values), np.nan)
    if len(values) >= length:
        sums[length - 1 :] = np.lib.stride_tricks.sliding_window_view(values, length).sum(axis=1)
    return sums
