"""Working days of like length: a longest day is set for all and lowered, and the plan is searched again from where it was."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np

from dure.routing.draft import draft_of
from dure.routing.indexed import indexed, steps_of
from dure.routing.model import Budget, Plan, Problem, Vehicle
from dure.routing.solve import solve
from dure.routing.stopping import watch
from dure.routing.streams import one_stream_each

# How far between the longest day there is and the one asked for each search goes.
STEPS = (0.5, 0.8, 1.0)


def spread(plan: Plan) -> float:
    """How unlike the routes are: longest less shortest, in parts of their mean; 0 for fewer than two."""
    lasts_s = np.array([route.duration_s for route in plan.routes])
    return float((lasts_s.max() - lasts_s.min()) / lasts_s.mean()) if len(lasts_s) > 1 and lasts_s.any() else 0.0


def balanced(problem: Problem, plan: Plan, *, budget: Budget, spread_max: float, extra_m_max: float) -> Plan:
    """The plan with its routes made more alike, every rule kept.

    Parameters
    ----------
    problem, plan : the day, and a plan of it; only the vehicles the plan uses are used
    budget : for all of it
    spread_max : how unlike routes may stay (see `spread`), in [0, 1]
    extra_m_max : what it may cost [m]

    Returns
    -------
    The most alike of the plans found that cost no more than allowed; the plan itself when it is alike enough, or none is.
    """
    best, begun, stop = plan, plan, watch(budget)
    lasts_s = np.array([route.duration_s for route in plan.routes])
    used = {route.vehicle for route in plan.routes}
    for number, step in enumerate(STEPS):
        if spread(best) <= spread_max or stop.over():
            break
        longest_s, asked_s = float(lasts_s.max()), float(lasts_s.mean()) * (1 + spread_max / 2)
        most_s = round(longest_s - step * max(longest_s - asked_s, 0.0))
        fleet = tuple(_shorter(one, most_s) for one in problem.vehicles if one.id in used)
        share = stop.share(1 / (len(STEPS) - number))
        limits = Budget(cpu_s=share.cpu_s, iterations=share.iterations, seed=budget.seed)
        begun = solve(replace(problem, vehicles=fleet), budget=limits, start=begun)
        stop.done += share.iterations or 0
        found = _as_asked(problem, begun)
        fair = (found.feasible or not plan.feasible) and found.cost_m <= plan.cost_m + extra_m_max
        if fair and spread(found) < spread(best):
            best = found
    return best


def _shorter(vehicle: Vehicle, most_s: int) -> Vehicle:
    """The vehicle with a longest day."""
    limit = most_s if vehicle.duration_s_max is None else min(most_s, vehicle.duration_s_max)
    return msgspec.structs.replace(vehicle, duration_s_max=limit)


def _as_asked(problem: Problem, plan: Plan) -> Plan:
    """The plan of shorter days as one of the problem itself, costs counted by its own rules."""
    one = indexed(one_stream_each(problem, plan))
    return draft_of(one, steps_of(one, plan), fill=False).plan()
