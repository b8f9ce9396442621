"""From a problem to a plan: the one function other parts of the house call."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
from pyvrp import ProblemData, Solution

from dure.routing.build import Model, Options, model_of, solution_of, steps_in
from dure.routing.decompose import improved_in_parts
from dure.routing.draft import Draft, draft_of
from dure.routing.greedy import nearest_first
from dure.routing.indexed import UNLIMITED, Indexed, Steps, indexed, steps_of
from dure.routing.model import Budget, Plan, Problem
from dure.routing.possible import impossible_in
from dure.routing.search import Search, chooses, cost_of, tuning_for
from dure.routing.stopping import Stopwatch, watch
from dure.routing.streams import one_stream_each

# From this many stops on a plan is improved in parts between two looks at the whole.
PARTS_FROM = 600
# Not where so many of them have hours of their own.
HOURS_SHARE = 0.5
STOPS_IN_PART = 250
ROUNDS = 3
MUST_PRIZE_DETOURS = 20
# Of the budget, how much goes into finding out whether limits of a whole day matter.
TRIAL = 0.3
# Small problems are begun from several starts, each with so much of the budget; not where the budget is short.
STARTS, BEGIN = 3, 0.12
SHORT_CPU_S, SHORT_ITERATIONS = 4.0, 5_000


def solve(problem: Problem, *, budget: Budget, start: Plan | None = None) -> Plan:
    """A plan of the day, as good as the budget allows; never worse than `start` where that can be driven.

    Better is what serves more of the stops that must be served; of equals, what costs less.

    Parameters
    ----------
    problem : the day
    budget : how long to search; iterations make it the same on every machine
    start : a plan to begin with, such as yesterday's; what the problem no longer knows of it is left out

    Returns
    -------
    A plan whose every route keeps every rule. `feasible` is False when a stop that must be served could not be; it is among
    `skipped` then, and `possible.impossible` says why where no vehicle could ever serve it.
    """
    stop = watch(budget)
    problem = one_stream_each(problem, start)
    kept, lost = without_impossible(problem)
    one = indexed(kept)
    if not one.vehicles or one.n_stops == 0:
        return with_lost(problem, Draft(one).plan(), lost)
    first = _first(one, start, fill=budget.iterations == 0)
    if budget.iterations == 0:
        return with_lost(problem, first.plan(), lost)
    warm = start is not None or _short(budget)
    best = _searched(one, first, stop, Course(budget.seed, 1 if warm or one.n_stops >= PARTS_FROM else STARTS))
    return with_lost(problem, best.plan(), lost)


def _short(budget: Budget) -> bool:
    """Whether a budget is too small to be divided among several starts."""
    return (budget.cpu_s or 0.0) < SHORT_CPU_S and (budget.iterations or 0) < SHORT_ITERATIONS


def without_impossible(problem: Problem) -> tuple[Problem, set[str]]:
    """The problem without the stops no vehicle can serve, and those."""
    one = indexed(problem)
    lost = {problem.stops[stop].id for stop in (impossible_in(one) if one.vehicles else range(one.n_stops))}
    if not lost:
        return problem, lost
    return replace(problem, stops=tuple(stop for stop in problem.stops if stop.id not in lost)), lost


def with_lost(problem: Problem, plan: Plan, lost: set[str]) -> Plan:
    """The plan of the whole problem: the stops nobody can serve are skipped, and cost their prize."""
    if not lost:
        return plan
    gone = [stop for stop in problem.stops if stop.id in lost]
    skipped = set(plan.skipped) | lost
    return msgspec.structs.replace(
        plan,
        skipped=tuple(stop.id for stop in problem.stops if stop.id in skipped),
        cost_m=plan.cost_m + sum(stop.prize_m or 0 for stop in gone),
        feasible=plan.feasible and all(stop.prize_m is not None for stop in gone),
    )


def _first(one: Indexed, start: Plan | None, *, fill: bool) -> Draft:
    """What the search begins with: the better of the start made drivable and the nearest-first plan.

    `fill`: with optional stops in the latter too, which a search does better by itself.
    """
    if start is not None and (steps := steps_of(one, start)):
        warm = draft_of(one, steps)
        return warm if warm.complete else better_of(warm, nearest_first(one, fill=fill))
    return nearest_first(one, fill=fill)


@dataclass(frozen=True)
class Course:
    """How a search goes: its seed, and from how many starts."""

    seed: int
    starts_n: int


def _searched(one: Indexed, first: Draft, stop: Stopwatch, course: Course) -> Draft:
    """The best draft a search finds, or the first.

    Limits of a whole day are no concern of PyVRP. A first stretch leaves them out; where they turn out to matter, they are kept
    by smaller trips from there on.
    """
    best, options = first, Options(must_prize_m=None if first.complete else must_prize_m(one))
    if limited_by_day(one):
        share = stop.share(TRIAL)
        steps = _stretch_of(one, options, best, (share, course))
        stop.spend(share)
        best = better_of(best, draft_of(one, steps, fill=False))
        options = replace(options, confined_day=beyond_day(one, steps))
    return better_of(best, draft_of(one, _stretch_of(one, options, best, (stop, course)), fill=False))


def _stretch_of(one: Indexed, options: Options, begun: Draft, limits: tuple[Stopwatch, Course]) -> dict[int, Steps]:
    """Steps found by a search of one model."""
    stop, course = limits
    model = model_of(one, options)
    start = solution_of(model, list(begun.routes.values()))
    search, found = _best_begun(model, start, stop, course)
    return steps_in(model, _in_stretches(search, found, stop, one.n_stops), begun.steps())


def _best_begun(model: Model, start: Solution, stop: Stopwatch, course: Course) -> tuple[Search, Solution]:
    """The most promising of several searches: from the start, and for small problems from chance too, each a little way on.

    Where a search begins decides more than how long it goes on when vehicles are few and trips are many.
    """
    search = Search(model.data, course.seed, tuning_for(model.one.n_stops, choosing=chooses(model.data)))
    first = search.first(start)
    first = start if start.is_feasible() and not first.is_feasible() else first
    if course.starts_n == 1:
        return search, first
    others = [Search(model.data, course.seed + at, search.tuning) for at in range(1, course.starts_n)]
    begun = [(search, first), *[(other, other.first()) for other in others]]
    tried = [(each, _stretch(each, found, stop, BEGIN / (1 - at * BEGIN))) for at, (each, found) in enumerate(begun)]
    return min(tried, key=lambda pair: (not pair[1].is_feasible(), cost_of(pair[1])))


def limited_by_day(one: Indexed) -> bool:
    """Whether vehicles that unload on the way have limits for all their trips together."""
    return any(
        bool((one.day_capacity[vehicle] < UNLIMITED).any()) or subject.stops_max is not None
        for vehicle, subject in enumerate(one.vehicles)
        if one.dumps_of[vehicle] and subject.reloads_max > 0
    )


def beyond_day(one: Indexed, steps: dict[int, Steps]) -> bool:
    """Whether a vehicle collects more than its day allows."""
    for vehicle, route in steps.items():
        stops, most = [step for step in route if step >= 0], one.vehicles[vehicle].stops_max
        if (one.load[stops].sum(axis=0) > one.day_capacity[vehicle]).any() or (most is not None and len(stops) > most):
            return True
    return False


def must_prize_m(one: Indexed) -> int:
    """What leaving out a must stop costs when not all can be served: more than any detour."""
    longest = max(int(matrix.distance_m.max()) for matrix in one.problem.matrices.values())
    prizes = int(one.prize_m.max(initial=0))
    return MUST_PRIZE_DETOURS * longest + prizes


def windowed(data: ProblemData) -> float:
    """Share of the clients that may be served in less than half of the vehicles' day [1]."""
    fleet, clients = data.vehicle_types(), data.clients()
    day_s = max(one.tw_late for one in fleet) - min(one.tw_early for one in fleet)
    return sum(2 * (one.tw_late - one.tw_early) < day_s for one in clients) / max(len(clients), 1)


def _in_stretches(search: Search, found: Solution, stop: Stopwatch, stops_n: int) -> Solution:
    """The whole, then parts in turned cuts, then the whole again.

    As a whole only: small problems, and those whose stops mostly have their hours. There routes lie over one another and are no
    neighbours (RC2_10_5, 60 CPU s: 1.1 % above the best known as a whole, 1.7 % in parts; X-n1001 and a city: better in parts).
    """
    if stops_n < PARTS_FROM or windowed(search.data) > HOURS_SHARE:
        return search.run(found, stop)
    found = _stretch(search, found, stop, 0.25)
    parts_n = max(2, round(stops_n / STOPS_IN_PART))
    for round_ in range(ROUNDS):
        share = stop.share(0.8 / (ROUNDS - round_ * 0.8))
        found = improved_in_parts(search, found, share, parts_n, round_ / (ROUNDS * parts_n))
        stop.spend(share)
    return search.run(found, stop)


def _stretch(search: Search, found: Solution, stop: Stopwatch, part: float) -> Solution:
    share = stop.share(part)
    found = search.run(found, share)
    stop.spend(share)
    return found


def better_of(first: Draft, second: Draft) -> Draft:
    """The one that serves more of the stops that must be served; of equals, the cheaper one."""

    def rank(draft: Draft) -> tuple[int, float]:
        return sum(draft.one.is_must(stop) for stop in draft.left_out), draft.cost_m()

    return second if rank(second) < rank(first) else first
