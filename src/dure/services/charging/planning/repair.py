"""Plans that a charger can carry out: each vehicle stands still or charges with at least its least power.

A vehicle charges with 6 A per phase or not at all (IEC 61851-1), so what a plan gives it below that is moved to other steps of
its own window. Which steps those are is decided per vehicle; how much, by the same linear program with those steps' bounds, so
that every limit is looked at again and the rest of the site moves along.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.services.charging.planning.cost import priced_won
from dure.services.charging.planning.limits import breach_w
from dure.services.charging.planning.lp_model import Wishes
from dure.services.charging.planning.problem import Floats, Need, Plan, Problem
from dure.services.charging.planning.site_lp import SiteSolver

NEAR_W = 0.5
ROUNDS_MAX = 8
DEAR_FRACTION = 0.003  # of the plan's cost: from there on a search is worth its time
DEAR_WON = 1.0
FLIPS_MAX = 100
SEARCHES_MAX = 3
Onset = NDArray[np.bool_]


def small(problem: Problem, ev_w: Floats) -> Onset:
    """Where a vehicle would get something it cannot take: above 0 and below its least power (needs, n)."""
    if not problem.needs:
        return np.zeros((0, problem.n), dtype=bool)
    least = np.array([one.min_w for one in problem.needs])[:, None]
    return np.asarray((ev_w > NEAR_W) & (ev_w < least - NEAR_W))


def repaired(solver: SiteSolver, problem: Problem, plan: Plan, wishes: Wishes = Wishes()) -> Plan:  # noqa: B008  # frozen
    """The plan without powers between 0 and a vehicle's least; the same plan when it has none.

    A vehicle that needs less than its least power through one step gets one step of it, and stops by itself.
    """
    if not small(problem, plan.ev_w).any():
        return plan
    asked = at_least_a_step(problem)
    on = onset(asked, plan.ev_w)
    wishes = eased(asked, wishes)
    for _ in range(ROUNDS_MAX):
        made = solver.solve(asked, msgspec.structs.replace(wishes, on=on))
        crowded = np.flatnonzero(breach_w(asked, made) > breach_w(problem, plan) + NEAR_W)
        if made.policy != "lp" or not crowded.size:
            break
        on = _thinned(asked, on, made.ev_w, crowded)
    if _dear(asked, made, plan):
        on, made = _flipped(solver, asked, (on, made), plan, wishes)
    if _dear(asked, made, plan):
        made = _searched(SiteSolver(safety_s=solver.safety_s), asked, (made, plan), msgspec.structs.replace(wishes, on=on))
    return msgspec.structs.replace(made, bindings=plan.bindings, reasons=plan.reasons + made.reasons)


def eased(problem: Problem, wishes: Wishes) -> Wishes:
    """The wishes with fair shares taken less strictly: a step of the least power more or less is no unfair share."""
    if wishes.unmet_wh is None:
        return wishes
    step_wh = np.array([one.min_w for one in problem.needs]) * problem.step_h
    return msgspec.structs.replace(wishes, unmet_wh=wishes.unmet_wh + step_wh)


def _dear(problem: Problem, made: Plan, plan: Plan) -> bool:
    """Whether moving energy cost more than it should."""
    more = priced_won(problem, made) - priced_won(problem, plan)
    return more > max(DEAR_WON, DEAR_FRACTION * abs(plan.won))


def _flipped(solver: SiteSolver, problem: Problem, begun: tuple[Onset, Plan], plan: Plan, wishes: Wishes) -> tuple[Onset, Plan]:
    """The best found by turning one small step on or off, or two of a vehicle, each time keeping what is cheaper."""
    (on, made), tried, better = begun, 0, True
    steps = [(int(i), (int(t),)) for i, t in np.argwhere(small(problem, plan.ev_w))]
    pairs = [(i, (*a, *b)) for i, a in steps for k, b in steps if k == i and a < b]
    while better:
        better = False
        for i, turned in steps + pairs:
            other = on.copy()
            other[i, list(turned)] ^= True
            if tried >= FLIPS_MAX or not _fits(problem.needs[i], other[i], problem.step_h):
                continue
            tried += 1
            found = solver.solve(problem, msgspec.structs.replace(wishes, on=other))
            if found.policy == "lp" and priced_won(problem, found) < priced_won(problem, made) - DEAR_WON / 10:
                on, made, better = other, found, True
    return on, made


def _fits(need: Need, on: Onset, hours: float) -> bool:
    """Whether a vehicle can get what it needs, neither more nor less, in these steps."""
    return bool(on.sum() * need.min_w * hours <= need.need_wh + NEAR_W and on.sum() * need.max_w * hours >= need.need_wh - NEAR_W)


def _searched(solver: SiteSolver, problem: Problem, plans: tuple[Plan, Plan], wishes: Wishes) -> Plan:
    """The better of the repaired plan and of what a search over the steps of those vehicles finds that had small ones."""
    made, plan = plans
    whole = small(problem, plan.ev_w).any(axis=1)
    for _ in range(SEARCHES_MAX):  # what moves away from them may leave others with too little
        found = solver.solve(problem, msgspec.structs.replace(wishes, whole=whole))
        others = small(problem, found.ev_w).any(axis=1) & ~whole
        if found.policy != "lp" or not others.any():
            break
        whole |= others
    kept = np.all(breach_w(problem, found) <= breach_w(problem, plan) + NEAR_W)
    usable = found.policy == "lp" and kept and not small(problem, found.ev_w).any()
    if not usable or priced_won(problem, found) >= priced_won(problem, made):
        return made
    return found


def onset(problem: Problem, ev_w: Floats) -> Onset:
    """Where each vehicle charges (needs, n): wherever it got enough, and as many of its small steps as their energy fills."""
    on = np.zeros(ev_w.shape, dtype=bool)
    for i, one in enumerate(problem.needs):
        on[i] = _onset_of(one, np.maximum(ev_w[i], 0.0), problem.step_h)
    return on


def _onset_of(need: Need, row: Floats, hours: float) -> Onset:
    on = row >= need.min_w - NEAR_W if need.min_w > 0 else row > NEAR_W
    rest = np.flatnonzero((row > NEAR_W) & ~on)
    if not rest.size:
        return np.asarray(on & (row > NEAR_W))
    on &= row > NEAR_W
    energy, least = float(row.sum()) * hours, need.min_w * hours
    order = rest[np.argsort(-row[rest], kind="stable")]
    room = int(np.floor(energy / least + 1e-9)) - int(on.sum())  # more would get more than the vehicle needs
    wanted = round(float(row[rest].sum()) * hours / least)
    lacking = np.ceil((energy - on.sum() * need.max_w * hours) / (need.max_w * hours) - 1e-9)
    on[order[: max(0, min(room, max(wanted, int(lacking))))]] = True
    if not on.any() and energy > 0:
        on[order[0]] = True
    return np.asarray(on)


def at_least_a_step(problem: Problem) -> Problem:
    """The problem in which nobody who needs anything needs less than one step of its least power."""
    hours = problem.step_h
    needs = tuple(
        msgspec.structs.replace(one, need_wh=one.min_w * hours) if 0 < one.need_wh < one.min_w * hours else one
        for one in problem.needs
    )
    return msgspec.structs.replace(problem, needs=needs)


def _thinned(problem: Problem, on: Onset, ev_w: Floats, crowded: NDArray[np.int64]) -> Onset:
    """Fewer vehicles in the steps that would go above a limit: who leaves last waits there."""
    left = on.copy()
    for t in crowded:
        here = [i for i in np.flatnonzero(left[:, t]) if problem.needs[i].min_w > 0 and ev_w[i, t] > NEAR_W]
        if here:
            left[max(here, key=lambda i: (problem.needs[i].depart, problem.needs[i].id)), t] = False
    return left
