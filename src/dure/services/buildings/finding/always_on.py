"""A surplus that is on all day, told from all hours of the day by what varies together in the building itself. Pure.

Deviations of one day go together (a fan that starts early runs all day), so that their mean is a poor estimate of what is always
on. The best linear unbiased one weighs them by the inverse of their covariance (generalised least squares; Aitken 1935). The
days of a week are summed by their precision, each bounded, and the sum is measured by the same sum in the meter's own weeks of
like weather: what it shows by itself is no finding.
"""

from __future__ import annotations

import numpy as np

from dure.services.buildings.finding.day_grid import Bools, DayGrid, Floats
from dure.services.buildings.finding.finding_rules import SteadyRow
from dure.services.buildings.finding.usual_days import filled, precision_together, usual

NIGHT_H = slice(0, 5)


def steady(grid: DayGrid, days: int, earlier: Bools, unit: float, how: SteadyRow) -> float | None:
    """How far the last days of a grid lie above alike ones all day.

    Parameters
    ----------
    grid : whole days up to now
    days : how many of the last ones are judged
    earlier : (days,) rows that may be compared with; those that are judged never are
    unit : of levels [book unit / h]
    how : rule

    Returns
    -------
    In deviations of the same figure in the meter's own past; None where that tells too little
    """
    row = np.arange(grid.days)
    past = earlier & (row < grid.days - days)
    found = usual(grid, row, past, how)
    scale = _scales(grid, past, unit, how)
    known = ~np.isnan(found.above) & ~np.isnan(found.size)
    sure = np.hypot(np.where(known, found.size / scale, 1.0), how.spread_added)
    away = np.clip(np.where(known, found.above / scale, 0.0) / sure, -how.clip, how.clip)
    wanted = np.where(known, 1 / sure, 0.0)
    weight = wanted @ precision_together(away[past], how.shrink)
    precision = np.maximum((weight * wanted).sum(1), 0.0)
    level = (weight * away).sum(1) / np.maximum(precision, 1e-9)
    precision = np.where(precision > 0, 1 / (1 / np.maximum(precision, 1e-9) + how.day_variance), 0.0)
    bound = how.clip / np.sqrt(np.maximum(precision, 1e-9))
    total, weighed = _sums(np.clip(level, -bound, bound) * precision, days), _sums(precision, days)
    score = total / np.sqrt(np.maximum(weighed, 1e-9))
    own = _own(grid, score, past, days, how)
    if own is None or weighed[-1] <= 0:
        return None
    return float(score[-1] / own)


def _scales(grid: DayGrid, past: Bools, unit: float, how: SteadyRow) -> Floats:
    """(days, 1) the unit of each day: the same share of the night's use of the weeks before as `unit` is of that of the last."""
    night = grid.use[:, NIGHT_H].mean(1)
    whole = past & ~np.isnan(night)
    total, count = (np.concatenate([[0.0], np.cumsum(one)]) for one in (np.where(whole, night, 0.0), whole))
    row = np.arange(grid.days)
    begin, end = np.maximum(row - how.scale_days, 0), np.maximum(row, min(how.scale_days, grid.days))
    n = count[end] - count[begin]
    mean = np.where(n > 0, (total[end] - total[begin]) / np.maximum(n, 1), 0.0)
    last = float(mean[-1])
    return np.asarray(np.where(mean > 0, mean / last, 1.0)[:, None] * unit if last > 0 else np.full((grid.days, 1), unit))


def _sums(value: Floats, days: int) -> Floats:
    """(n,) sums of the last days up to each; the first ones of fewer."""
    total = np.concatenate([[0.0], np.cumsum(value)])
    end = np.arange(1, len(value) + 1)
    return np.asarray(total[end] - total[np.maximum(end - days, 0)])


def _own(grid: DayGrid, score: Floats, past: Bools, days: int, how: SteadyRow) -> float | None:
    """The usual size of the score in the meter's own windows of like weather; None where there are too few."""
    row = np.arange(grid.days)
    whole = (_sums(past.astype(float), days) == days) & (row < grid.days - days - how.apart_days)
    if whole.sum() < how.windows_least:
        return None
    size = np.abs(score[whole])
    size = np.minimum(size, np.quantile(size, how.winsorised))
    warmth, weight = filled(grid.warmth), np.ones(len(size))
    if warmth is not None:
        mean = _sums(warmth.mean(1), days) / days
        weight = np.exp(-0.5 * ((mean[whole] - mean[-1]) / how.week_k) ** 2)
    if weight.sum() < how.weight_least:
        weight = np.ones(len(size))
    return max(float(np.sqrt((weight * size**2).sum() / weight.sum())), how.own_least)
