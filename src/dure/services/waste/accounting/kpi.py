"""The figures of collection, each defined once: for a rehearsal, for a day's account and for the baseline (waste.md 3.7).

"Fewer trips" alone is never a figure: kilometres, hours and fuel are told per cubic metre collected too, beside what spilt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from dure.routing.model import IntArray
    from dure.services.waste.model import BoolArray, FloatArray

WASTED_BELOW = 0.30  # a visit to a bin less full than this is wasted (reference waste.md, 3.7)
DAY_MIN = 1440


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Of some days and bins.

    Attributes
    ----------
    km_day, hours_day, visits_day : means of a day
    fill_at_visit : mean level of emptied bins [1]
    overflow : bin-days that end over the brim, per 1,000 bin-days
    wasted : share of visits to bins less than 30 % full [1]
    km_m3, hours_m3 : per cubic metre collected
    m3_day : collected, mean of a day
    missed : visits planned that were not made, sum
    trucks_max : most trucks on one day
    """

    km_day: float
    hours_day: float
    visits_day: float
    fill_at_visit: float
    overflow: float
    wasted: float
    km_m3: float
    hours_m3: float
    m3_day: float
    missed: int = 0
    trucks_max: int = 0


def overflow_per_1000(evening: FloatArray) -> float:
    """Bin-days over the brim per 1,000 bin-days, of (t, n) levels at the end of days."""
    return 1000 * float(np.mean(evening > 1)) if evening.size else 0.0


def overflow_minutes(morning: FloatArray, evening: FloatArray) -> FloatArray:
    """(t, n) minutes of a day a bin stood over the brim, when its day's waste comes evenly between morning and evening.

    Parameters
    ----------
    morning : (t, n) level after the emptying of that day, or in the morning when there was none [1]
    evening : (t, n) level at the end of the day [1], at least `morning`
    """
    rise = np.maximum(evening - morning, 0)
    over = np.where(rise > 0, (evening - np.maximum(morning, 1)) / np.where(rise > 0, rise, 1), evening > 1)
    return np.asarray(DAY_MIN * np.clip(over, 0, 1))


def share_wasted(level: FloatArray, below: float = WASTED_BELOW) -> float:
    """Share of visits to bins below that level, of (k,) levels at visits [1]; 0 without visits."""
    return float(np.mean(level < below)) if level.size else 0.0


def collected_m3(level: FloatArray, capacity_l: FloatArray) -> float:
    """Cubic metres in (k,) bins of those levels and capacities; what lies beside a bin counts with it."""
    return float((level * capacity_l).sum()) / 1000


class Driven(msgspec.Struct, frozen=True, eq=False):
    """What was driven on t days, and the (t, n) visits and levels: the morning's before any emptying, the evening's."""

    distance_m: FloatArray | IntArray
    duration_s: FloatArray | IntArray
    visited: BoolArray
    level: FloatArray
    evening: FloatArray
    capacity_l: FloatArray
    missed: int = 0
    trucks_max: int = 0


def figures(driven: Driven) -> Figures:
    """All figures of some days."""
    days = max(1, driven.visited.shape[0])
    at_visit = driven.level[driven.visited]
    capacity_l = np.broadcast_to(driven.capacity_l, driven.visited.shape)[driven.visited]
    m3 = collected_m3(at_visit, capacity_l)
    km, hours = float(driven.distance_m.sum()) / 1000, float(driven.duration_s.sum()) / 3600
    return Figures(
        km_day=km / days,
        hours_day=hours / days,
        visits_day=float(driven.visited.sum()) / days,
        fill_at_visit=float(at_visit.mean()) if at_visit.size else 0.0,
        overflow=overflow_per_1000(driven.evening),
        wasted=share_wasted(at_visit),
        km_m3=km / m3 if m3 else 0.0,
        hours_m3=hours / m3 if m3 else 0.0,
        m3_day=m3 / days,
        missed=driven.missed,
        trucks_max=driven.trucks_max,
    )
