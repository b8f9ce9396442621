"""A load that is on all the time: how much the nights of some days use above alike hours. Pure.

Every hour has a difference to the hours it is like, and a deviation of its own (`likeness`). If a constant surplus was added,
the differences lie around that surplus, else around nothing. Each difference is tried as the surplus: twice the logarithm of the
likelihood ratio of the two is summed, each hour's misfit bounded, so that an hour in which something else happened speaks for
neither. Hours that always come to the same speak loudest; in a cold snap none says anything, and nothing is found: a surplus
of a tenth cannot be told from electric heating there, whoever looks (README, figures measured).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from dure.services.buildings.finding.day_grid import Bools, DayGrid, Floats
from dure.services.buildings.finding.finding_rules import BaseRow, FindingRules
from dure.services.buildings.finding.likeness import Alike, alike


class Surplus(NamedTuple):
    """Of the nights of some days.

    Attributes
    ----------
    level : the surplus that fits best, in units
    evidence : twice its log likelihood ratio against none
    by_day : (k,) each day's part of it
    hours : that could be compared
    """

    level: float
    evidence: float
    by_day: Floats
    hours: int


def surplus(seen: Alike, unit: float, how: BaseRow) -> Surplus:
    """The constant surplus of the days, in units of `unit` [book unit / h]."""
    difference = seen.difference / unit
    told = ~np.isnan(difference)
    spread = np.where(told, np.hypot(seen.spread / unit, how.spread_added), 1.0)
    away = np.where(told, difference, 0.0) / spread
    most = how.clip**2
    levels = np.unique(difference[told & (difference >= how.level_least)])
    if not len(levels):
        return Surplus(0.0, 0.0, np.zeros(len(difference)), int(told.sum()))
    with_it = np.minimum((away[None] - levels[:, None, None] / spread[None]) ** 2, most)
    gain = np.where(told[None], np.minimum(away**2, most)[None] - with_it, 0.0)
    by_day = gain.sum(2)
    best = int(by_day.sum(1).argmax())
    near = told & (with_it[best] < most)
    weight = np.where(near, spread**-2.0, 0.0)
    level = float((weight * np.where(near, difference, 0.0)).sum() / weight.sum()) if near.any() else 0.0
    return Surplus(level, float(by_day[best].sum()), by_day[best], int(told.sum()))


class Standing(NamedTuple):
    """What the last days use all the time above what they should: `unit` in book units per hour, sums of the judged hours."""

    surplus: Surplus
    unit: float
    expected: float
    actual: float

    @property
    def per_h(self) -> float:
        """Book units per hour."""
        return self.surplus.level * self.unit


def standing(grid: DayGrid, days: int, earlier: Bools, rules: FindingRules) -> Standing | None:
    """The surplus of the last days of a grid over the rows `earlier` (days,) before them; None where nothing can be told."""
    how, first = rules.base, grid.days - days
    reference = earlier & (np.arange(grid.days) < first)
    if first < 1 or reference.sum() < how.history_days:
        return None
    unit = how.share * night_use(grid, reference, how)
    if not unit > 0:  # NaN too
        return None
    seen = alike(grid, np.arange(first, grid.days), reference, rules.likeness, hours=how.hours)
    judged = ~np.isnan(seen.difference)
    if not judged.any():
        return None
    return Standing(surplus(seen, unit, how), unit, float(seen.expected[judged].sum()), float(seen.use[judged].sum()))


def usual_evidence(grid: DayGrid, days: int, earlier: Bools, rules: FindingRules) -> float:
    """The most evidence that windows of the meter's own past showed when nothing was the matter.

    Each is compared with all days before the last ones but its own week and the weeks beside it. What a meter shows by itself
    (a school that opens for a holiday, the first frost) is no finding the next time.
    """
    how = rules.base
    row = np.arange(grid.days)
    past = earlier & (row < grid.days - how.window_days)
    most = 0.0
    for number in range(1, how.usual_windows + 1):
        end = grid.days - how.window_days * (number + 1) + days
        window = row[max(end - days, 0) : max(end, 0)]
        if len(window) < days:
            break
        near = (row > window[0] - 2 * how.window_days) & (row < window[-1] + 2 * how.window_days)
        unit = how.share * night_use(grid, past & (row < window[0]) if window[0] >= how.night_days else past & ~near, how)
        if past[window].all() and unit > 0:
            seen = alike(grid, window, past & ~near, rules.likeness, hours=how.hours)
            most = max(most, surplus(seen, unit, how).evidence)
    return most


def night_use(grid: DayGrid, reference: Bools, how: BaseRow) -> float:
    """Mean use of the night hours of the last weeks among the rows [book unit / h]; NaN where there is none."""
    rows = np.flatnonzero(reference)[-how.night_days :]
    night = grid.use[rows, how.night_from : how.night_to]
    return float(np.nanmean(night)) if night.size and not np.isnan(night).all() else math.nan


def begin_of(grid: DayGrid, days: int, earlier: Bools, rules: FindingRules) -> int:
    """The row on which a surplus of the last days began: the one from which all that speaks for it sums to most."""
    how = rules.base
    far = min(how.look_days, grid.days - how.history_days)
    before = standing(grid, far, earlier, rules) if far > days else None
    if before is None or before.surplus.evidence <= 0:
        return grid.days - days
    after = np.cumsum(before.surplus.by_day[::-1])[::-1]
    return grid.days - far + int(np.argmax(after[: far - 1]))
