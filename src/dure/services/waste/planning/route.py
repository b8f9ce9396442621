"""The heavy part of a day's plan: what is impossible is set aside, the rest is routed; bins that must be emptied go first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from dure.routing.balance import spread
from dure.routing.check import check
from dure.routing.model import Budget, Plan, Problem, Route, Violation
from dure.routing.solve import solve
from dure.routing.stability import resolve
from dure.services.waste.planning.homeward import homeward
from dure.services.waste.planning.obstacles import obstacles, without
from dure.services.waste.planning.policy import Policy

BOUND_SHARE = 2 / 3  # of the spread lies above the mean, the rest below: routes crowd at a bound
FULL_DAY = 0.97  # of a shift is worked when it is full: the last stop seldom ends at its end

FEW_SHARE = 0.7  # of the search for hours alike goes to the smaller fleet, which is nearly always the answer

LOOKED_AT_AGAIN = 200  # optional stops that were out and may come in when a plan is changed


@dataclass(frozen=True)
class Routed:
    """A routed day.

    Attributes
    ----------
    problem : what was asked, without the impossible
    plan : the answer, every route of which keeps every rule
    impossible : stops set aside, each with its reason
    unserved : stops that must be served and are not, for want of time or room
    """

    problem: Problem
    plan: Plan
    impossible: Mapping[str, str]
    unserved: frozenset[str]

    def violations(self) -> tuple[Violation, ...]:
        """What the checker finds, apart from the stops that are known to be unserved."""
        skipped = tuple(one for one in self.plan.skipped if one not in self.unserved)
        return check(without(self.problem, self.unserved), msgspec.structs.replace(self.plan, skipped=skipped))


def route_day(problem: Problem, policy: Policy, budget: Budget, before: Plan | None = None, *, keep: bool = False) -> Routed:
    """Route a day.

    Parameters
    ----------
    problem : with matrices
    policy : the city's numbers
    budget : for the search
    before : an earlier plan of the day to start from
    keep : whether stops should stay with the vehicle they have in `before`

    Returns
    -------
    A plan that keeps every hard rule for what it serves, and serves as much as it can of what must be served.
    """
    impossible = obstacles(problem)
    possible = without(problem, impossible)
    plan = homeward(possible, _solved(possible, budget, before, policy, keep=keep))
    musts = {one.id for one in possible.stops if one.prize_m is None}
    return Routed(possible, plan, impossible, frozenset(musts.intersection(plan.skipped)))


def _solved(problem: Problem, budget: Budget, before: Plan | None, policy: Policy, *, keep: bool) -> Plan:
    if not problem.stops or not problem.vehicles:
        cost = sum(one.prize_m or 0 for one in problem.stops)
        return Plan(routes=(), skipped=tuple(one.id for one in problem.stops), cost_m=cost)
    if keep and before is not None:
        return _kept(problem, before, budget, policy)
    if not policy.balance_extra:
        return solve(problem, budget=budget, start=before)
    half = part(budget, 0.5)
    return _fairer(problem, solve(problem, budget=half, start=before), policy, half)


def _kept(problem: Problem, before: Plan, budget: Budget, policy: Policy) -> Plan:
    """The plan before changed as little as can be. Of the stops it left out only the most wanted are looked at again."""
    known = {stop for route in before.routes for stop in route.stops}
    out = sorted(
        (one for one in problem.stops if one.prize_m is not None and one.id not in known), key=lambda one: -(one.prize_m or 0)
    )
    passed = out[LOOKED_AT_AGAIN:]
    found = resolve(without(problem, {one.id for one in passed}), before, budget, keep=policy.moved_share_max)
    skipped = {*found.skipped, *(one.id for one in passed)}
    return msgspec.structs.replace(
        found,
        skipped=tuple(one.id for one in problem.stops if one.id in skipped),
        cost_m=found.cost_m + sum(one.prize_m or 0 for one in passed),
    )


def _fairer(problem: Problem, plan: Plan, policy: Policy, budget: Budget) -> Plan:
    """The plan, or one with hours more alike: of as few trucks as can do the work in full days, else of all that are out."""
    busy = sorted((one for one in plan.routes if one.stops), key=lambda one: -one.duration_s)
    best, few = plan, _full_days(problem, busy)
    fleets = [(few, FEW_SHARE), (busy, 1 - FEW_SHARE)] if len(few) < len(busy) else [(busy, 1.0)]
    for fleet, share in fleets:
        if len(busy) < 2 or _spread(best) <= policy.spread_max:
            break
        fair = _bounded(problem, plan, fleet, policy, part(budget, share))
        affordable = fair.cost_m <= plan.cost_m + policy.balance_extra * plan.distance_m
        if fair.feasible >= plan.feasible and affordable and _spread(fair) < _spread(best):
            best = fair
    return best


def _spread(plan: Plan) -> float:
    return spread(Plan(routes=tuple(one for one in plan.routes if one.stops)))


def _bounded(problem: Problem, plan: Plan, routes: Sequence[Route], policy: Policy, budget: Budget) -> Plan:
    """A plan by the vehicles of these routes, each bound to a little more than the mean of all work."""
    worked_s = sum(one.duration_s for one in plan.routes if one.stops)
    bound_s = round(worked_s / len(routes) * (1 + BOUND_SHARE * policy.spread_max))
    sent = {one.vehicle for one in routes}
    vehicles = tuple(
        msgspec.structs.replace(one, duration_s_max=min(bound_s, one.duration_s_max or bound_s))
        for one in problem.vehicles
        if one.id in sent
    )
    return solve(replace(problem, vehicles=vehicles), budget=budget, start=plan)


def _full_days(problem: Problem, busy: Sequence[Route]) -> list[Route]:
    """Those of the routes, longest first, whose trucks could do the work of all in full days, and whose like is needed."""
    vehicles = {one.id: one for one in problem.vehicles}
    skills = {one.id: one.skills for one in problem.stops}
    worked_s, kept_s = sum(one.duration_s for one in busy), 0.0
    kept: list[Route] = []
    for route in busy:
        able = [vehicles[one.vehicle].skills for one in kept]
        needed = any(not any(skills[stop] <= has for has in able) for stop in route.stops)
        if kept_s < worked_s or needed:
            kept.append(route)
            shift = vehicles[route.vehicle].shift
            kept_s += FULL_DAY * (shift.latest_s - shift.earliest_s)
    return kept


def part(budget: Budget, share: float) -> Budget:
    """A share of a budget."""
    return Budget(
        cpu_s=None if budget.cpu_s is None else budget.cpu_s * share,
        iterations=None if budget.iterations is None else int(budget.iterations * share),
        seed=budget.seed,
    )
