"""What was saved, with an interval that holds: paired by day, in whole weeks, by block bootstrap.

Every day of the pilot is paired with what the frozen baseline would have driven on the same day's waste. Days of a week hang
together (a bin skipped on Monday is full on Tuesday) and so do weeks (a holiday, a crew on leave), so:

* the blocks drawn with replacement are whole weeks;
* with few weeks a percentile interval is too narrow: it is taken at the wider levels that make it hold for the mean of n
  normal values (expanded percentile interval: Hesterberg 2015, The American Statistician 69, 371,
  doi 10.1080/00031305.2015.1089789);
* weeks that follow one another alike count for fewer: the interval is widened by sqrt((1 + r) / (1 - r)), r their correlation;
* where the before period is known, the baseline's own error there is measured the same way and is part of the interval.

A saving is *shown* when the whole interval is above 0. With no true effect that happens in at most one pilot of twenty.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from dure.services.waste.accounting.factors import Judging
    from dure.services.waste.model import FloatArray

WEEK_D = 7
Verdict = Literal["saving", "none_shown", "more", "too_short"]


class Saving(msgspec.Struct, frozen=True, kw_only=True):
    """Mean of a day, baseline less actual, with its interval.

    Attributes
    ----------
    verdict : ``saving`` the interval is above 0, ``more`` it is below 0, ``none_shown`` it includes 0, ``too_short``
    mean, low, high : of a day, in the unit of what was given; nan bounds when it is too short
    share : mean saving as a share of the baseline [1]; `share_low`, `share_high` its interval
    days, weeks : days compared, whole weeks among them
    ratio : actual over baseline in the before period, by which the baseline was corrected; 1: none known
    """

    verdict: Verdict
    mean: float
    low: float
    high: float
    share: float
    share_low: float
    share_high: float
    days: int
    weeks: int
    ratio: float = 1.0


@dataclass(frozen=True, eq=False)
class Paired:
    """(t,) what was driven and (t,) what the baseline would have been, on the same days in order; nan: a day without account."""

    actual: FloatArray
    baseline: FloatArray


def saving_of(pilot: Paired, judging: Judging, seed: int, before: Paired | None = None) -> Saving:
    """What a pilot saved.

    Parameters
    ----------
    pilot : days of the pilot
    judging : numbers of the method
    seed : of the draws
    before : days before the start, where the city still drove as ever; None: nothing is known of them

    Returns
    -------
    The saving; ``too_short`` below `weeks_min` whole weeks of either period.
    """
    actual, baseline = _weeks(pilot)
    weeks, days = len(actual), int(np.isfinite(pilot.actual + pilot.baseline).sum())
    ratio, old = 1.0, None
    if before is not None:
        old = _weeks(before)
        ratio = float(old[0].sum() / old[1].sum()) if len(old[0]) and old[1].sum() > 0 else 1.0
    mean_baseline = ratio * float(baseline.mean()) if weeks else math.nan
    mean = mean_baseline - float(actual.mean()) if weeks else math.nan
    if weeks < judging.weeks_min or (old is not None and len(old[0]) < judging.weeks_min):
        return _told("too_short", (mean, math.nan, math.nan), mean_baseline, (days, weeks, ratio))
    low, high = _interval((actual, baseline), old, mean, judging, seed)
    verdict: Verdict = "saving" if low > 0 else "more" if high < 0 else "none_shown"
    return _told(verdict, (mean, low, high), mean_baseline, (days, weeks, ratio))


def _interval(
    pilot: tuple[FloatArray, FloatArray], before: tuple[FloatArray, FloatArray] | None, mean: float, judging: Judging, seed: int
) -> tuple[float, float]:
    """Ends of the interval around the mean."""
    rng = np.random.default_rng(seed)
    n = len(pilot[0])
    rows = rng.integers(0, n, (judging.draws, n))
    ratio, m = np.ones(judging.draws), n
    wide = _widened(pilot[1] - pilot[0], judging)
    if before is not None:
        m = len(before[0])
        old = rng.integers(0, m, (judging.draws, m))
        ratio = before[0][old].sum(1) / np.maximum(before[1][old].sum(1), 1e-9)
        centre = before[0].sum() / before[1].sum()
        wide = max(wide, _widened(before[0] - centre * before[1], judging))
    drawn = ratio * pilot[1][rows].mean(1) - pilot[0][rows].mean(1)
    tail = _expanded_tail((1 - judging.confidence) / 2, min(n, m))
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return mean + wide * float(low - mean), mean + wide * float(high - mean)


def _expanded_tail(tail: float, n: int) -> float:
    """The tail of the bootstrap at which a percentile interval of n values is as wide as Student's."""
    return float(stats.norm.cdf(-math.sqrt(n / (n - 1)) * stats.t.ppf(1 - tail, n - 1)))


def _widened(difference: FloatArray, judging: Judging) -> float:
    """Factor for weeks that resemble the week before; their correlation is estimated too low by about 1/n, which is added."""
    centred = difference - difference.mean()
    spread = float((centred**2).sum())
    if spread <= 0:
        return 1.0
    correlation = float((centred[1:] * centred[:-1]).sum()) / spread + 1 / len(difference)
    bounded = min(max(correlation, 0.0), judging.block_share)
    return math.sqrt((1 + bounded) / (1 - bounded))


def _weeks(paired: Paired) -> tuple[FloatArray, FloatArray]:
    """Means of a day in each whole week from the first day on; a week with less than half of its days is left out."""
    n = paired.actual.size // WEEK_D
    both = np.isfinite(paired.actual) & np.isfinite(paired.baseline)
    actual, baseline = (np.where(both, one, 0.0)[: n * WEEK_D].reshape(n, WEEK_D) for one in (paired.actual, paired.baseline))
    days = both[: n * WEEK_D].reshape(n, WEEK_D).sum(1)
    enough = days * 2 > WEEK_D
    return actual[enough].sum(1) / days[enough], baseline[enough].sum(1) / days[enough]


def _told(verdict: Verdict, bounds: tuple[float, float, float], baseline: float, counts: tuple[int, int, float]) -> Saving:
    mean, low, high = bounds
    share = 1 / baseline if baseline and math.isfinite(baseline) else math.nan
    return Saving(
        verdict=verdict,
        mean=mean,
        low=low,
        high=high,
        share=mean * share,
        share_low=low * share,
        share_high=high * share,
        days=counts[0],
        weeks=counts[1],
        ratio=counts[2],
    )
