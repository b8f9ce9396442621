"""What emptying a bin today is worth: the overflow it avoids now, and the special trip it saves later.

A bin that is half full costs nearly nothing when a truck passes its street today, and a trip of its own in three days. The
myopic prize, rho times the risk of today, does not see that. Here each bin is a stopping problem of its own: its level x
rises by a gamma gain g a day; on each day a detour d of a known distribution is offered, learnt from the routes driven::

    A(x) = rho P(x + g > 1) + f E[V(x + g)]          left alone
    V(x) = E_d[min(d + A(0), A(x))]                  before the day's detour is known
    prize(x) = A(x) - A(0)                           the longest detour at which emptying pays

with f a little below 1. With d always the same and long this is the renewal rule of one bin; with d often near zero bins are
taken along early. The routes are then chosen for all bins together by the prize-collecting model. The decomposition by bins
is that of price-directed inventory routing (Adelman 2004, Operations Research 52, 499, doi 10.1287/opre.1040.0114).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
from scipy.special import gammainc

if TYPE_CHECKING:
    from dure.services.waste.model import FloatArray

STEP = 0.05
GRID = np.arange(0, 1.5 + STEP / 2, STEP)
BRIM = round(1 / STEP)
FUTURE = 0.98  # weight of a metre tomorrow, so that sums stay finite


def gain_shares(mean: FloatArray, variance: FloatArray) -> FloatArray:
    """(n, k) probability of each rise on the grid, of gamma rises with (n,) mean and variance; the last holds the rest."""
    mean, variance = np.maximum(mean, 1e-6), np.maximum(variance, 1e-10)
    edges = np.append(GRID[:-1] + STEP / 2, np.inf)
    below = gammainc((mean**2 / variance)[:, None], edges * (mean / variance)[:, None])
    return np.asarray(np.diff(below, axis=1, prepend=0.0))


def left_alone(value: FloatArray, gain: FloatArray, rho_m: float, future: float = FUTURE) -> FloatArray:
    """(n, k) A(x) of every level of the grid, given (n, k) V and the shares of a day's gain."""
    k = GRID.size
    after = np.minimum(np.arange(k)[:, None] + np.arange(k), k - 1)
    over = np.array(after > BRIM, float)
    return np.asarray(rho_m * gain @ over.T + future * np.einsum("nj,nkj->nk", gain, value[:, after]))


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """How values are found: weight of a metre tomorrow, and rounds of value iteration."""

    future: float = FUTURE
    rounds: int = 60


def value(
    gain: FloatArray, detour_m: FloatArray, rho_m: float, start: FloatArray | None = None, search: Search | None = None
) -> FloatArray:
    """(n, k) V(x) by value iteration.

    Parameters
    ----------
    gain : (n, k) shares of a day's gain
    detour_m : (n, q) equally likely detours of each bin [m]
    rho_m : metres one bin-day of overflow is worth
    start : (n, k) where to begin, such as yesterday's
    """
    how = search or Search()
    found = np.zeros((gain.shape[0], GRID.size)) if start is None else start
    offered = Offered(detour_m)
    for _ in range(how.rounds):
        alone = left_alone(found, gain, rho_m, how.future)
        found = alone[:, :1] + offered.cost(alone - alone[:, :1])
    return found


class Offered:
    """Equally likely detours of n bins, (n, q) metres."""

    def __init__(self, detour_m: FloatArray) -> None:
        self._ordered = np.sort(detour_m, axis=1)
        self._before = np.concatenate([np.zeros((len(detour_m), 1)), np.cumsum(self._ordered, axis=1)], axis=1)

    def cost(self, worth_m: FloatArray) -> FloatArray:
        """(n, k) mean of min(detour, worth): what a bin costs that is emptied whenever its detour is worth it."""
        q = self._ordered.shape[1]
        taken = (self._ordered[:, None, :] < worth_m[:, :, None]).sum(2)
        cost = np.take_along_axis(self._before, taken, 1)
        return np.asarray((cost + (q - taken) * worth_m) / q)


def prizes(alone: FloatArray, level: FloatArray) -> FloatArray:
    """(n,) metres emptying today is worth, given (n, k) A(x) and (n, k) probabilities of today's level."""
    return np.asarray(np.maximum(((alone - alone[:, :1]) * level).sum(1), 0.0))
