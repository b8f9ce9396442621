"""Planned visits that no emptying followed, at bins whose sensor would have shown one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dure.services.waste.belief.emptying import HOUR_US, emptyings, missed_pickups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dure.services.waste.belief.belief_rules import BeliefRules
    from dure.services.waste.model import FloatArray
    from dure.services.waste.planning.plan import DayPlan


class Due(NamedTuple):
    """One visit of a plan. `at_us`: when the truck was to arrive [µs since 1970 UTC]."""

    bin: str
    truck: str
    at_us: int


class Levels(NamedTuple):
    """What a bin's sensor showed around its visit, in order of time, and what else shows an emptying [µs]."""

    time_us: NDArray[np.int64]
    level: FloatArray
    taps_us: Sequence[int] = ()
    counter_us: Sequence[int] = ()


class Missed(NamedTuple):
    """A visit that was not made: the level before it was due, and the newest since."""

    due: Due
    before: float
    since: float


def visits_of(plan: DayPlan, day_start_us: int) -> list[Due]:
    """When each bin of a plan was to be emptied."""
    found = [(one, route.vehicle) for route in plan.routes for one in route.visits if one.kind == "stop"]
    return [Due(one.id, truck, day_start_us + one.arrive_s * 1_000_000) for one, truck in found]


def missed_visit(due: Due, seen: Levels, rules: BeliefRules) -> Missed | None:
    """The visit as a missed one; None when the bin was emptied, or when its sensor cannot tell.

    It cannot tell without a level in the day before, so low that a fall would not be seen, or without one late enough after.
    """
    reach_us = int(rules.emptying.missed_h * HOUR_US)
    before = int(np.searchsorted(seen.time_us, due.at_us, side="right")) - 1
    if before < 0 or due.at_us - seen.time_us[before] > 2 * reach_us:
        return None
    last = len(seen.time_us) - 1
    fall_min = max(rules.emptying.drop_min, rules.emptying.drop_sd * rules.seeing.sensor_sd)
    if seen.level[before] <= 2 * fall_min or seen.time_us[last] < due.at_us + reach_us // 2:
        return None
    found = emptyings(seen.time_us, seen.level, rules, taps_us=seen.taps_us, counter_us=seen.counter_us)
    if not missed_pickups([due.at_us], found, rules.emptying.missed_h):
        return None
    return Missed(due, float(seen.level[before]), float(seen.level[last]))
