"""The level-dependent count model: how a bin that stands at one level stands a day later, counted and shrunken.

``p[i, l] = (n[i, l] f[i, l] + kappa f[l]) / (n[i, l] + kappa)``: what bin i did at level l, and what its class does there, which
weighs as much as kappa days of its own. Levels only rise here; emptyings are seen elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dure.services.waste.model import FloatArray

DAYS_MAX = 60  # after so many waste days nothing new happens to a distribution


def grid_of(levels: FloatArray, steps_max: int) -> FloatArray:
    """(k,) the steps a sensor tells apart; of a continuous one twentieths. Empty and full are always among them."""
    seen = np.unique(np.round(np.clip(levels, 0.0, 1.0), 3))
    return np.union1d(seen, [0.0, 1.0]) if len(seen) <= steps_max else np.linspace(0.0, 1.0, 21)


def nearest_step(level: FloatArray, grid: FloatArray) -> NDArray[np.int64]:
    """(n,) number of the step nearest to each level."""
    return np.searchsorted((grid[1:] + grid[:-1]) / 2, level).astype(np.int64)


def counted(row: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64], shape: tuple[int, int]) -> FloatArray:
    """(n, k, k) how often each of n rows went from one of k steps to another within a day."""
    n, k = shape
    found = np.bincount((row * k + start) * k + end, minlength=n * k * k)
    return found.reshape(n, k, k).astype(np.float64)


def shrunken(counts: FloatArray, prior: FloatArray, kappa: float) -> FloatArray:
    """(..., k, k) transition probabilities: own counts, and a prior that weighs as much as `kappa` days at each level."""
    total = counts.sum(axis=-1, keepdims=True)
    found: FloatArray = (counts + kappa * prior) / (total + kappa)
    return found


def distribution(level: FloatArray, sd: FloatArray, grid: FloatArray) -> FloatArray:
    """(n, k) probability of each step, of levels known to within `sd`."""
    edges = (grid[1:] + grid[:-1]) / 2
    below = ndtr((edges[None, :] - level[:, None]) / np.maximum(sd, 1e-6)[:, None])
    full = np.ones((len(level), 1))
    return np.diff(np.concatenate([np.zeros_like(full), below, full], axis=1), axis=1)


def after(spread: FloatArray, transitions: FloatArray, days: FloatArray) -> FloatArray:
    """(n, k) distributions so many waste days later.

    Whole days by the transitions of a day; a part of a day mixes staying and a day's change, which keeps the mean rise even.

    Parameters
    ----------
    spread : (n, k) probabilities
    transitions : (n, k, k) of one day
    days : (n,) waste days, >= 0
    """
    left = np.clip(days, 0.0, DAYS_MAX)
    found = spread
    while len(left) and (part := np.minimum(left, 1.0)).max() > 0:
        moved = np.matmul(found[:, None, :], transitions)[:, 0, :]
        found = found + part[:, None] * (moved - found)
        left = left - part
    return found


def rise(transitions: FloatArray, grid: FloatArray) -> FloatArray:
    """(..., k) mean rise of a day from each step [1]."""
    found: FloatArray = transitions @ grid - grid
    return found


def at_least(spread: FloatArray, grid: FloatArray, level: float) -> FloatArray:
    """(n,) probability to stand at a level or above."""
    found: FloatArray = np.clip(spread[:, grid >= level - 1e-9].sum(axis=1), 0.0, 1.0)
    return found


def quantile(spread: FloatArray, grid: FloatArray, share: float) -> FloatArray:
    """(n,) level not passed with that probability, each step taken as the even span it stands for."""
    edges = _edges(grid)
    below = np.concatenate([np.zeros((len(spread), 1)), np.cumsum(spread, axis=1)], axis=1)
    step = np.clip((below <= share).sum(axis=1) - 1, 0, len(grid) - 1)
    rows = np.arange(len(spread))
    part = (share - below[rows, step]) / np.maximum(spread[rows, step], 1e-12)
    found: FloatArray = np.clip(edges[step] + np.clip(part, 0, 1) * (edges[step + 1] - edges[step]), 0.0, None)
    return found


def _edges(grid: FloatArray) -> FloatArray:
    middle = (grid[1:] + grid[:-1]) / 2
    return np.concatenate([[2 * grid[0] - middle[0]], middle, [2 * grid[-1] - middle[-1]]])
