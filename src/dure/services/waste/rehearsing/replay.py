"""A policy replayed day by day on a world: what it drove, what it emptied, what spilt over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.routing.model import Budget, Plan
from dure.services.waste.rehearsing.fleet import problem_of
from dure.services.waste.rehearsing.policies import Choice, Morning, Outcome

if TYPE_CHECKING:
    from dure.routing.model import IntArray
    from dure.services.waste.model import BoolArray, FloatArray
    from dure.services.waste.rehearsing.fleet import Ground, Router
    from dure.services.waste.rehearsing.policies import Policy
    from dure.services.waste.rehearsing.world import World

SEEN_MAX = 1.25  # a tap's "overflow"


@dataclass(frozen=True, eq=False)
class Trace:
    """What happened on t days to n bins.

    Attributes
    ----------
    visited : (t, n) emptied that morning
    level : (t, n) fill before any emptying that morning [1], above 1 when it has spilt over
    evening : (t, n) fill at the end of the day [1]
    distance_m, duration_s, trucks : (t,) driven by all, on the way and at bins, and how many trucks went out
    missed : (t,) bins that should have been emptied and could not be: no truck had the room or the time
    """

    policy: str
    visited: BoolArray
    level: FloatArray
    evening: FloatArray
    distance_m: IntArray
    duration_s: IntArray
    trucks: IntArray
    missed: IntArray
    capacity_l: FloatArray
    warm_up_d: int = 0


class Effort(msgspec.Struct, frozen=True, kw_only=True):
    """How long each day's routes are searched. Days of the warm-up are routed only where the policy needs it."""

    iterations: int = 600
    seed: int = 1


def replay(world: World, policy: Policy, land: Ground, router: Router, effort: Effort) -> Trace:
    """Run a policy over all days of a world."""
    t, n = world.rise.shape
    fill, since_d = np.zeros(n), np.zeros(n, np.int64)
    trace = _empty(world, policy.name)
    for day in range(t):
        reading = np.where(world.sensing[day], np.clip(fill + world.noise[day], 0, 1), np.nan)
        morning = Morning(day, world.weekday[day], reading, since_d.copy())
        choice = policy.choose(morning)
        counted = day >= world.warm_up_d or bool((choice.prize_m > 0).any())
        if counted:
            plan = _routed(trace, (day, choice, fill * world.capacity_l), (land, router, effort))
            bins = np.array([int(stop) for route in plan.routes for stop in route.stops], np.int64)
            detour_m = detours(land.matrix.distance_m, [route.stops for route in plan.routes])
        else:
            bins, detour_m = np.flatnonzero(choice.must), np.full(n, np.nan)
        trace.level[day] = fill
        trace.visited[day, bins] = True
        policy.seen(morning, Outcome(bins, np.minimum(np.round(fill[bins] * 4) / 4, SEEN_MAX), detour_m))
        fill[bins], since_d[bins] = 0.0, 0
        fill = fill + world.rise[day]
        since_d += 1
        trace.evening[day] = fill
    return trace


def detours(distance_m: IntArray, tours: Sequence[Sequence[str]]) -> FloatArray:
    """(n,) metres that leaving out a visited bin saves, or that taking in another at the cheapest place adds.

    `distance_m` (n + 1, n + 1) with the depot in row 0; tours hold numbers of bins, which stand in the row after.
    """
    rows = [np.array([0, *(int(one) + 1 for one in tour), 0]) for tour in tours if tour] or [np.array([0, 0])]
    start = np.concatenate([one[:-1] for one in rows])
    end = np.concatenate([one[1:] for one in rows])
    legs = distance_m[start, end]
    added = (distance_m[start, 1:] + distance_m[1:, end].T - legs[:, None]).min(0).astype(float)
    for one in rows:
        before, own, after = one[:-2], one[1:-1], one[2:]
        added[own - 1] = distance_m[before, own] + distance_m[own, after] - distance_m[before, after]
    return np.asarray(np.maximum(added, 0.0))


def _routed(trace: Trace, asked: tuple[int, Choice, FloatArray], how: tuple[Ground, Router, Effort]) -> Plan:
    """Route a day. Loads are the true ones under every policy: trucks are seldom full."""
    (day, choice, load_l), (land, router, effort) = asked, how
    problem = problem_of(land, choice, load_l)
    if not problem.stops:
        return Plan(routes=())
    plan = router(problem, budget=Budget(iterations=effort.iterations, seed=effort.seed + day))
    served = [int(stop) for route in plan.routes for stop in route.stops]
    trace.distance_m[day] = plan.distance_m
    trace.duration_s[day] = sum(route.duration_s for route in plan.routes)
    trace.trucks[day] = sum(1 for route in plan.routes if route.stops)
    trace.missed[day] = int(choice.must.sum()) - int(choice.must[served].sum())
    return plan


def _empty(world: World, name: str) -> Trace:
    t, n = world.rise.shape
    days = [np.zeros(t, np.int64) for _ in range(4)]
    return Trace(
        name,
        np.zeros((t, n), bool),
        np.zeros((t, n)),
        np.zeros((t, n)),
        days[0],
        days[1],
        days[2],
        days[3],
        world.capacity_l,
        world.warm_up_d,
    )
