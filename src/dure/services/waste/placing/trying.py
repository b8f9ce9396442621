"""Bins tried out together: years of days with one truck, in a loop quick enough to try every change of every bin.

Each morning the bins worth more than their detour are taken into one round: the one that gains most first, at the cheapest
place, as long as any gains; then what no longer pays is left out. It is no route for a driver, but it couples bins as routes
do, and it is the same for every change tried.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import numpy as np

from dure.services.waste.placing.worth import BLIND_D, GRID

if TYPE_CHECKING:
    from dure.services.waste.model import BoolArray, FloatArray
    from dure.services.waste.placing.worth import Tables

F = TypeVar("F", bound=Callable[..., Any])
STEP = float(GRID[1])
QUANTILES = np.linspace(0.05, 0.95, 10)


def compiled(function: F) -> F:
    """The function compiled by numba and cached on disk; without a cache where no folder can be written."""
    import numba  # noqa: PLC0415  # 0.4 s that only who tries something out should wait for

    njit = cast("Any", numba.njit)
    try:
        return cast("F", njit(cache=True)(function))
    except RuntimeError:  # numba found no folder for its cache
        return cast("F", njit(function))


class Tried(NamedTuple):
    """What some days came to: metres driven and bin-days over the brim, of all; (n, q) detours offered on the last days."""

    distance_m: float
    overflow: int
    detour_m: FloatArray


def tried(rise: FloatArray, sensing: BoolArray, distance_m: FloatArray, rules: Tables, kept: int = 90) -> Tried:
    """Run the days.

    Parameters
    ----------
    rise : (t, n) waste of each day, as a share of the bin [1]
    sensing : (n,) whether the level is known each morning
    distance_m : (n + 1, n + 1) with the depot in row 0
    rules : what emptying is worth, by level where it is sensed, by days where not
    kept : of how many of the last days the detours are told, as quantiles
    """
    detour_m = np.zeros((kept, rise.shape[1]))
    run = _run or _made()
    metres, over = run(
        np.ascontiguousarray(rise), sensing, np.ascontiguousarray(distance_m, np.float64), rules.by_level, rules.by_day, detour_m
    )
    return Tried(float(metres), int(over), np.quantile(detour_m, QUANTILES, axis=0).T)


_run: Callable[..., tuple[float, int]] | None = None


def _made() -> Callable[..., tuple[float, int]]:
    """The loop, compiled when first needed."""
    global _run  # noqa: PLW0603  # compiled once in a process
    insert, drop, offer = compiled(_insert), compiled(_drop), compiled(_offer)
    worth = compiled(_worth)

    def loop(
        rise: FloatArray, sensing: BoolArray, metres: FloatArray, by_level: FloatArray, by_day: FloatArray, detour: FloatArray
    ) -> tuple[float, int]:
        t, n = rise.shape
        level, since = np.zeros(n), np.zeros(n, np.int64)
        tour, total, over = np.zeros(n + 2, np.int64), 0.0, 0
        for day in range(t):
            prize = worth(level, since, sensing, by_level, by_day)
            length = drop(tour, insert(tour, prize, metres), prize, metres)
            if day >= t - detour.shape[0]:
                offer(tour, length, metres, detour[day - t + detour.shape[0]])
            for at in range(length + 1):
                total += metres[tour[at], tour[at + 1]]
            for at in range(1, length + 1):
                level[tour[at] - 1] = 0.0
                since[tour[at] - 1] = 0
            for one in range(n):
                level[one] += rise[day, one]
                since[one] += 1
                over += level[one] > 1.0
        return total, over

    _run = compiled(loop)
    return _run


def _worth(level: FloatArray, since: Any, sensing: BoolArray, by_level: FloatArray, by_day: FloatArray) -> FloatArray:
    """(n,) metres emptying each bin is worth."""
    prize = np.zeros(level.size)
    for one in range(level.size):
        if sensing[one]:
            row = min(int(level[one] / STEP), by_level.shape[1] - 2)
            part = min(level[one] / STEP - row, 1.0)
            prize[one] = (1 - part) * by_level[one, row] + part * by_level[one, row + 1]
        elif since[one] > 0:
            prize[one] = by_day[one, min(since[one], BLIND_D) - 1]
    return prize


def _insert(tour: Any, prize: FloatArray, metres: FloatArray) -> int:
    """Fill the tour greedily; how many bins it holds. It begins and ends at 0."""
    n = prize.size
    inside = np.zeros(n, np.bool_)
    tour[:] = 0
    length = 0
    while length < n:
        best, bin_, place = 0.0, -1, -1
        for one in range(n):
            if inside[one] or prize[one] <= best:
                continue
            for at in range(length + 1):
                a, b = tour[at], tour[at + 1]
                gain = prize[one] - (metres[a, one + 1] + metres[one + 1, b] - metres[a, b])
                if gain > best:
                    best, bin_, place = gain, one, at
        if bin_ < 0:
            break
        for at in range(length + 1, place + 1, -1):
            tour[at] = tour[at - 1]
        tour[place + 1] = bin_ + 1
        length += 1
        tour[length + 1] = 0
        inside[bin_] = True
    return length


def _drop(tour: Any, length: int, prize: FloatArray, metres: FloatArray) -> int:
    """Leave out what no longer pays, the worst first; how many bins stay."""
    while length > 0:
        worst, place = 0.0, -1
        for at in range(1, length + 1):
            a, one, b = tour[at - 1], tour[at], tour[at + 1]
            loss = metres[a, one] + metres[one, b] - metres[a, b] - prize[one - 1]
            if loss > worst:
                worst, place = loss, at
        if place < 0:
            break
        for at in range(place, length + 1):
            tour[at] = tour[at + 1]
        length -= 1
    return length


def _offer(tour: Any, length: int, metres: FloatArray, detour: FloatArray) -> None:
    """(n,) metres each bin adds to the tour, or would."""
    for one in range(1, metres.shape[0]):
        least = np.inf
        for at in range(length + 1):
            a, b = tour[at], tour[at + 1]
            if one in (a, b):
                continue
            least = min(least, metres[a, one] + metres[one, b] - metres[a, b])
        detour[one - 1] = least
    for at in range(1, length + 1):
        a, one, b = tour[at - 1], tour[at], tour[at + 1]
        detour[one - 1] = metres[a, one] + metres[one, b] - metres[a, b]
