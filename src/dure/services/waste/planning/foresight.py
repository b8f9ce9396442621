"""What emptying a bin today is worth: the overflow it avoids now, and the special trip it saves later.

A bin that is half full costs nearly nothing when a truck passes its street today, and a trip of its own in three days. A prize
of rho times the risk of today does not see that. Here each bin is a stopping problem of its own: its level x rises by a gamma
gain g a day; each day offers a detour d, learnt from the routes driven::

    A(x) = rho P(x + g > 1) + f E[V(x + g)]          left alone, having been left alone before
    B    = rho P(g > 1)     + f E[W(g)]              emptied today
    V(x) = E[min(d + B, A(x))],  d of days after one it was left alone
    W(x) = E[min(d + B, A(x))],  d of the day after it was emptied: its street has just been served, so detours are longer
    prize(x) = A(x) - B                              the longest detour at which emptying pays

with f a little below 1. With d always the same and long this is the renewal rule of one bin; with d often near zero bins are
taken along early. Where no sensor tells the level nobody knows more tomorrow than today: there x is the number of days since
the last known level, and P(x + g > 1) what can be said for that day. The routes are then chosen for all bins together by the
prize-collecting model. The decomposition by bins is that of price-directed inventory routing (Adelman 2004, Operations
Research 52, 499, doi 10.1287/opre.1040.0114).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from scipy.special import gammainc, gammaincc

if TYPE_CHECKING:
    from dure.services.waste.model import BoolArray, FloatArray

STEP = 0.05
GRID = np.arange(0, 1.05 + STEP / 2, STEP)  # the last stands for every level over the brim
BRIM = round(1 / STEP)
FUTURE = 0.98  # weight of a metre tomorrow, so that sums stay finite
BLIND_D = 35  # days a bin nobody sees is thought ahead
NEWTON = 8


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """How values are found: weight of a metre tomorrow, and rounds of value iteration."""

    future: float = FUTURE
    rounds: int = 30


@dataclass(frozen=True, eq=False)
class Expected:
    """What is expected of n bins this morning.

    Attributes
    ----------
    level, level_sd : (n,) fill and how unsure it is [1]; of the blind: when it was last known
    since_d : (n,) days since then, of mean weekdays; of those that are seen 0
    rate, rate_sd : (n,) mean rise and how unsure it is [1/d]
    day_cv : (n,) coefficient of variation of a day's rise
    seeing : (n,) whether tomorrow's level will be known too
    day : what today brings against the mean day [1]
    risk : (n,) probability to be over the brim by tomorrow; None: as these numbers make it
    """

    level: FloatArray
    level_sd: FloatArray
    since_d: FloatArray
    rate: FloatArray
    rate_sd: FloatArray
    day_cv: FloatArray
    seeing: BoolArray
    day: float = 1.0
    risk: FloatArray | None = None

    def of(self, rows: BoolArray) -> Expected:
        """Of some bins."""
        return Expected(
            level=self.level[rows],
            level_sd=self.level_sd[rows],
            since_d=self.since_d[rows],
            rate=self.rate[rows],
            rate_sd=self.rate_sd[rows],
            day_cv=self.day_cv[rows],
            seeing=self.seeing[rows],
            day=self.day,
            risk=None if self.risk is None else self.risk[rows],
        )


@dataclass(frozen=True, eq=False)
class Detours:
    """Equally likely metres a visit costs, (n, q) each: on the day after one, and on other days."""

    after: FloatArray
    other: FloatArray

    def of(self, rows: BoolArray) -> Detours:
        """Of some bins."""
        return Detours(self.after[rows], self.other[rows])


def worth(expected: Expected, detours: Detours, dial_m: float, search: Search | None = None) -> FloatArray:
    """(n,) metres that emptying each bin today is worth, what it avoids today included; never below 0.

    Parameters
    ----------
    expected : of n bins
    detours : of the same bins
    dial_m : metres one bin-day of overflow is worth
    """
    how = search or Search()
    found = np.zeros(len(expected.level))
    for rows, prizes in ((expected.seeing, _seen), (~expected.seeing, _blind)):
        if rows.any():
            found[rows] = prizes(expected.of(rows), detours.of(rows), dial_m, how)
    return found


def gain_shares(mean: FloatArray, variance: FloatArray) -> FloatArray:
    """(n, k) probability of each rise on the grid, of gamma rises with (n,) mean and variance; the last holds the rest."""
    mean, variance = np.maximum(mean, 1e-6), np.maximum(variance, 1e-10)
    edges = np.append(GRID[:-1] + STEP / 2, np.inf)
    below = gammainc((mean**2 / variance)[:, None], edges * (mean / variance)[:, None])
    return np.asarray(np.diff(below, axis=1, prepend=0.0))


def left_alone(value: FloatArray, gain: FloatArray, rho_m: float, future: float = FUTURE) -> FloatArray:
    """(n, k) A(x) of every level of the grid, given (n, k) V and the shares of a day's gain."""
    now = future * value
    now[:, BRIM + 1 :] += rho_m
    k = GRID.size
    found = np.empty_like(now)
    rest = np.cumsum(gain[:, ::-1], axis=1)[:, ::-1]
    for x in range(k):
        kept = k - 1 - x  # rises that stay below the last level
        found[:, x] = (gain[:, :kept] * now[:, x : x + kept]).sum(1) + rest[:, kept] * now[:, -1]
    return found


def value(
    gain: FloatArray, detour_m: FloatArray, rho_m: float, start: FloatArray | None = None, search: Search | None = None
) -> FloatArray:
    """(n, k) V(x) by value iteration, where detours are alike on all days.

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
        """(n, k) mean of min(detour, worth): what a bin costs that is emptied whenever its detour is worth it.

        A worth below 0 is a bin that had better wait even where a truck stands beside it.
        """
        return self.taken(worth_m)[0]

    def taken(self, worth_m: FloatArray) -> tuple[FloatArray, FloatArray]:
        """`cost`, and the (n, k) share of days on which the bin is emptied."""
        q = self._ordered.shape[1]
        taken = np.zeros(worth_m.shape, np.int64)
        for one in range(q):
            taken += self._ordered[:, one, None] < worth_m
        cost = np.take_along_axis(self._before, taken, 1)
        return np.asarray((cost + (q - taken) * worth_m) / q), taken / q


def _seen(expected: Expected, detours: Detours, dial_m: float, how: Search) -> FloatArray:
    """(n,) prizes where tomorrow's level will be known."""
    variance = (expected.rate * expected.day_cv) ** 2 + expected.rate_sd**2
    daily = gain_shares(expected.rate, variance)
    after, other = Offered(detours.after), Offered(detours.other)
    later = np.zeros((len(daily), GRID.size))
    soon = later
    for _ in range(how.rounds):
        alone = left_alone(later, daily, dial_m, how.future)
        emptied = _at_zero(soon, daily, dial_m, how.future)[:, None]
        extra = alone - emptied
        later, soon = emptied + other.cost(extra), emptied + after.cost(extra)
    mean = expected.rate * expected.day
    today = gain_shares(mean, mean**2 * expected.day_cv**2 + expected.rate_sd**2)
    level = gain_shares(expected.level, expected.level_sd**2)
    emptied = _at_zero(soon, today, dial_m, how.future)
    if expected.risk is None:
        alone = left_alone(later, today, dial_m, how.future)
    else:  # who knows more of today's risk is heard
        alone = left_alone(later, today, 0.0, how.future) + dial_m * expected.risk[:, None]
    return np.asarray(np.maximum(((alone - emptied[:, None]) * level).sum(1), 0.0))


def _at_zero(value_: FloatArray, gain: FloatArray, rho_m: float, future: float) -> FloatArray:
    """(n,) what follows an emptying, given (n, k) W and the shares of a day's gain."""
    return np.asarray(rho_m * gain[:, BRIM + 1 :].sum(1) + future * (gain * value_).sum(1))


def _blind(expected: Expected, detours: Detours, dial_m: float, how: Search) -> FloatArray:
    """(n,) prizes where only the days since the last known level tell."""
    days = np.arange(float(BLIND_D))
    nothing = np.zeros_like(expected.level)
    renewed = _over(nothing, nothing, expected, np.broadcast_to(days + 1, (nothing.size, BLIND_D)))
    first = _over(expected.level, expected.level_sd, expected, days + expected.day + expected.since_d[:, None])
    if expected.risk is not None:
        first = np.maximum(first, expected.risk[:, None])
        first[:, 0] = expected.risk
    after, other = Offered(detours.after), Offered(detours.other)
    last = detours.other.mean(1)
    emptied = dial_m * renewed[:, 0]
    for _ in range(NEWTON):  # emptied = found(emptied), concave with a slope below 1
        found, slope = _backwards(renewed, emptied, (after, other, last), (dial_m, how.future))
        emptied = emptied + (found - emptied) / (1 - slope)
    alone, _ = _backwards(first, emptied, (other, other, last), (dial_m, how.future))
    return np.asarray(np.maximum(alone - emptied, 0.0))


def _over(level: FloatArray, level_sd: FloatArray, expected: Expected, days: FloatArray) -> FloatArray:
    """(n, d) probability to be over the brim after (n, d) days when left alone."""
    noise = (expected.rate * expected.day_cv)[:, None] ** 2 * days + (expected.rate_sd[:, None] * days) ** 2
    return exceeding(1 - level[:, None], expected.rate[:, None] * days, noise + level_sd[:, None] ** 2)


def _backwards(
    over: FloatArray, emptied: FloatArray, offers: tuple[Offered, Offered, FloatArray], prices: tuple[float, float]
) -> tuple[FloatArray, FloatArray]:
    """(n,) cost of leaving alone on the first day, and its derivative by the cost that follows an emptying."""
    (after, other, last), (dial_m, future) = offers, prices
    tomorrow, slope = emptied + last, np.ones_like(emptied)
    alone = tomorrow
    for day in range(over.shape[1] - 1, -1, -1):
        alone, slope = dial_m * over[:, day] + future * tomorrow, future * slope
        if day:
            cost, taken = (after if day == 1 else other).taken((alone - emptied)[:, None])
            tomorrow, slope = emptied + cost[:, 0], taken[:, 0] + (1 - taken[:, 0]) * slope
    return alone, slope


def exceeding(room: FloatArray, mean: FloatArray, variance: FloatArray) -> FloatArray:
    """P(gain > room) of a gamma gain with these moments, arrays of one shape; 1 where there is no room left."""
    mean, variance = np.maximum(mean, 1e-9), np.maximum(variance, 1e-12)
    tail = gammaincc(mean**2 / variance, np.maximum(room, 0) * mean / variance)
    return np.where(room > 0, tail, 1.0)
