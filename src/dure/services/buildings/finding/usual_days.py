"""What whole days should use by a regression on alike days, and how hours of one day vary together. Pure.

The expected use of an hour is a local linear regression on its temperature, weighted by how like the hour and the 24 hours before
it were, over days of one kind that are not near in time (Fan and Gijbels 1996). Unlike a median of alike hours it also holds at
the edge of the weather that was seen.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dure.services.buildings.finding.day_grid import DAY_H, Bools, DayGrid, Floats, Ints
from dure.services.buildings.finding.finding_rules import UsualRow

NORMAL_MEAN_ABS = 0.7979  # of a normal distribution of deviation 1
Singles = NDArray[np.float32]


class Usual(NamedTuple):
    """Of some days (k, 24) [book unit / h], NaN where too little is alike.

    Attributes
    ----------
    above : use less what is expected
    size : deviation of it that is usual in such weather; NaN too where the days are not their own reference
    """

    above: Floats
    size: Floats


def usual(grid: DayGrid, rows: Ints, past: Bools, how: UsualRow, *, kind: int | None = None) -> Usual:
    """Days of a grid beside earlier ones.

    Parameters
    ----------
    rows : (k,) rows that are compared, in order
    past : (days,) rows they are compared with
    kind : of day to compare with; None: each with its own
    how : rule
    """
    reference = np.flatnonzero(past if kind is None else past & (grid.kind == kind))
    reference = reference[np.isin(grid.kind[reference], grid.kind[rows])] if kind is None else reference
    above, size = np.full((2, len(rows), DAY_H), np.nan)
    if not len(reference) or np.isnan(grid.use[reference]).all():
        return Usual(above, size)
    apart = np.abs(rows[:, None] - reference[None])
    near = apart > how.apart_days
    if kind is None:
        near &= grid.kind[rows][:, None] == grid.kind[reference][None]
    air, warmth = filled(grid.temperature), filled(grid.warmth)
    if air is None or warmth is None:
        air = warmth = np.zeros((grid.days, DAY_H))
        near &= apart <= how.days_without_weather
    mask, own = near.astype(np.float32), np.isin(rows, reference)
    for hour in range(DAY_H):
        place = np.stack([air[:, hour] / how.temperature_k, warmth[:, hour] / how.warmth_k], 1)
        place -= place.mean(0)
        alike = _likeness(place[rows].astype(np.float32), place[reference].astype(np.float32)) * mask
        expected = _expected(alike, (place[rows, 0], place[reference, 0]), grid.use[reference, hour], how)
        above[:, hour] = grid.use[rows, hour] - expected
        if own.sum() == len(reference):
            size[:, hour] = _size(alike, np.abs(above[own, hour]), how)
    return Usual(above, size)


def filled(value: Floats) -> Floats | None:
    """(days, 24) with the day's mean, else that of all, where nothing is known; None where nothing at all is."""
    known = ~np.isnan(value)
    if not known.any():
        return None
    n = known.sum(1)
    mean = np.where(n > 0, np.where(known, value, 0.0).sum(1) / np.maximum(n, 1), value[known].mean())
    return np.asarray(np.where(known, value, mean[:, None]))


def precision_together(away: Floats, shrink: float) -> Floats:
    """(24, 24) inverse of the correlation of the hours of days (n, 24) in deviations, drawn to none by a share."""
    found = away.T @ away
    size = np.sqrt(np.maximum(np.diag(found), 1e-9))
    found = found / size[:, None] / size[None]
    np.fill_diagonal(found, 1.0)
    return np.asarray(np.linalg.inv((1 - shrink) * found + shrink * np.eye(DAY_H)))


def _likeness(place: Singles, reference: Singles) -> Singles:
    """(k, m) 1 for the same weather, less the less alike; places (., 2) in units of likeness."""
    found = place @ reference.T
    found -= (place**2).sum(1)[:, None] / 2
    found -= (reference**2).sum(1)[None] / 2
    return np.asarray(np.exp(found, out=found))


def _expected(alike: Singles, air: tuple[Floats, Floats], use: Floats, how: UsualRow) -> Floats:
    """(k,) the local linear regression of use (m,) on air (k,) and (m,) in units of likeness."""
    known = ~np.isnan(use)
    if not known.any():
        return np.full(len(alike), np.nan)
    middle = float(use[known].mean())
    scale = max(float(np.abs(use[known] - middle).max()), 1e-9)
    at, x = air
    y = np.where(known, (use - middle) / scale, 0.0)
    columns = np.stack([np.ones(len(x)), x, x * x, y, x * y], 1) * known[:, None]
    s0, s1, s2, y0, y1 = (alike @ columns.astype(np.float32)).astype(float).T
    y1, s2, s1 = y1 - at * y0, s2 - 2 * at * s1 + at**2 * s0 + how.ridge * s0, s1 - at * s0
    enough = s0 >= how.weight_least
    below = np.where(enough, s0 * s2 - s1**2, 1.0)
    return np.asarray(np.where(enough, (s2 * y0 - s1 * y1) / below * scale + middle, np.nan))


def _size(alike: Singles, away: Floats, how: UsualRow) -> Floats:
    """(k,) the usual deviation in such weather from those of the references (m,)."""
    known = ~np.isnan(away)
    mass, total = (alike @ np.stack([known, np.where(known, away, 0.0)], 1).astype(np.float32)).astype(float).T
    enough = mass >= how.weight_least
    return np.asarray(np.where(enough, total / np.where(enough, mass, 1.0) / NORMAL_MEAN_ABS, np.nan))
