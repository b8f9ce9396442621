"""What a bin costs in kilometres, with a sensor and without, from its rate and the detours that routes offer it.

Each bin is a stopping problem of its own (see `planning.foresight`): with a sensor its level is known each morning; without
one only the days since it was emptied are, so it must be emptied earlier to be as safe. The difference is what its sensor is
worth. Routes couple bins, so what comes out ranks bins and is then tried out on all bins together (`trying`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammainc

from dure.services.waste.planning import foresight
from dure.services.waste.planning.foresight import BRIM, GRID, Offered, Search

if TYPE_CHECKING:
    from dure.services.waste.model import FloatArray

BLIND_D = 90
LONG = Search(future=0.99, rounds=500)
YEAR_D = 365


@dataclass(frozen=True, eq=False)
class Habit:
    """How n bins fill and what emptying them costs on the way.

    Attributes
    ----------
    rate : (n,) mean rise [1/d]; `day_cv` of a day; `rate_cv` how unsure the rates are [1]
    detour_m : (n, q) equally likely metres a visit adds to a day's routes
    rho_m : metres one bin-day of overflow is worth
    """

    rate: FloatArray
    detour_m: FloatArray
    rho_m: float
    day_cv: float = 0.5
    rate_cv: float = 0.1


@dataclass(frozen=True, eq=False)
class Tables:
    """Longest detour at which emptying pays: (n, k) by level on the grid, (n, d) by days since emptied, for the blind.

    `seen_m`, `blind_m` : (n,) metres a day costs on the average, detours and overflow together
    """

    by_level: FloatArray
    by_day: FloatArray
    seen_m: FloatArray
    blind_m: FloatArray


def tables(habit: Habit) -> Tables:
    """Both rules of every bin, and what they cost."""
    gain = foresight.gain_shares(habit.rate, (habit.rate * habit.day_cv) ** 2)
    value = foresight.value(gain, habit.detour_m, habit.rho_m, None, LONG)
    seen = foresight.left_alone(value, gain, habit.rho_m, LONG.future)
    blind_value, blind = _blind(habit)
    return Tables(
        by_level=seen - seen[:, :1],
        by_day=blind - blind[:, :1],
        seen_m=(1 - LONG.future) * value[:, 0],
        blind_m=(1 - LONG.future) * blind_value[:, 0],
    )


def sensor_m_year(found: Tables) -> FloatArray:
    """(n,) metres a year the sensor of each bin is worth, never below 0: what it tells can be ignored."""
    return np.asarray(YEAR_D * np.maximum(found.blind_m - found.seen_m, 0.0))


def _blind(habit: Habit) -> tuple[FloatArray, FloatArray]:
    """(n, d) V and A by days since emptied."""
    days = np.arange(1, BLIND_D + 1)
    mean = habit.rate[:, None] * days
    variance = (habit.rate * habit.day_cv)[:, None] ** 2 * days + (habit.rate * habit.rate_cv)[:, None] ** 2 * days**2
    over = 1 - gammainc(mean**2 / variance, mean / variance)
    offered = Offered(habit.detour_m)
    value = np.zeros((habit.rate.size, BLIND_D))
    alone = value
    for _ in range(LONG.rounds):
        later = np.concatenate([value[:, 1:], value[:, -1:]], axis=1)
        alone = habit.rho_m * over + LONG.future * later
        value = alone[:, :1] + offered.cost(np.maximum(alone - alone[:, :1], 0.0))
    return value, alone


__all__ = ["BLIND_D", "BRIM", "GRID", "Habit", "Tables", "sensor_m_year", "tables"]
