"""The plan of a day: its routes, the verdict on every bin, and the figures the dispatcher judges it by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import msgspec

from dure.routing.balance import spread
from dure.routing.model import Budget, Plan, Problem, Route, Violation, Visit
from dure.services.waste.planning.day import Day, Idle, Prepared, at_dial, prepare, with_travel
from dure.services.waste.planning.frontier import FrontierPoint, frontier
from dure.services.waste.planning.marginal import Marginal, marginals
from dure.services.waste.planning.rests import rests_missing
from dure.services.waste.planning.route import Routed, route_day
from dure.services.waste.planning.verdicts import Verdict, verdicts

GONE = -1  # row of a place that belongs to the part of the day that is over


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan comes to.

    Attributes
    ----------
    bins_n, served_n : bins of the day, and those the routes empty
    distance_m, duration_s : of all routes, what was driven before a re-plan included
    trucks_n, trips_n : trucks sent out, and times one unloads
    load_l : litres of loose waste expected
    overflow : bins expected to overflow before the next chance, of those left
    unserved_n : bins that must be emptied and are not
    spread : (longest - shortest) / mean of the hours of the routes
    moved_share : share of the untouched stops that changed their truck; None: no plan before
    """

    bins_n: int
    served_n: int
    distance_m: int
    duration_s: int
    trucks_n: int
    trips_n: int
    load_l: int
    overflow: float
    unserved_n: int
    spread: float
    moved_share: float | None = None


class DayPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A day's plan as it is kept.

    Attributes
    ----------
    routes : whole days of trucks; `place` of a visit is a row of `rows`, or `GONE`
    rows : what stands in each row: asset id, or a truck's where it was re-planned under way
    verdicts : one for each bin of the day
    violations : what the independent checker found; none: it may be published
    estimated : distances are crow-fly estimates; `graph_version`: the road graph they are from otherwise
    rules : version of the rule pack; `provisional`: its rows "to be confirmed"
    lines : way of each truck on the map, (lon, lat); empty where there are no roads
    frontier : what other dials would come to
    cut_short : the search was ended by its safety net, so that another machine might have found another plan
    unsearched : the search hung and was ended: this is the plan before made drivable, or each truck to the nearest
    """

    on: date
    routes: tuple[Route, ...]
    rows: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    idle: tuple[Idle, ...]
    figures: Figures
    violations: tuple[Violation, ...]
    cost_m: int
    dial_m: int
    estimated: bool
    graph_version: str
    rules: str
    provisional: tuple[str, ...] = ()
    lines: Mapping[str, tuple[tuple[float, float], ...]] = {}  # msgspec copies an empty default for every instance
    frontier: tuple[FrontierPoint, ...] = ()
    cut_short: bool = False
    unsearched: bool = False

    @property
    def served(self) -> dict[str, str]:
        """Truck of each bin on its route."""
        return {stop: route.vehicle for route in self.routes for stop in route.stops}


def plan_day(
    day: Day, budget: Budget, before: DayPlan | None = None, *, keep: bool = False, each: Budget | None = None
) -> DayPlan:
    """Plan a day: select, route, check, and say why.

    Parameters
    ----------
    day : what it is made from
    budget : for the search
    before : an earlier plan of the same day, to start from and to compare with
    keep : whether stops should keep the truck they have in `before`
    each : for the search of each point of the frontier; None: no frontier
    """
    prepared = prepare(as_weighed(day, before) if keep and before is not None else day)
    problem = with_travel(prepared.problem, prepared.profiles, day.travel)
    start = None if before is None else renumbered(before, prepared.rows)
    routed = route_day(problem, day.policy, budget, start, keep=keep)
    plan = conclude(day, prepared, routed, marginals(routed.problem, routed.plan), before)
    if each is None:
        return plan
    prizes_m = {dial_m: at_dial(day, dial_m) for dial_m in day.policy.dials_m}
    return msgspec.structs.replace(plan, frontier=frontier(routed, prepared.candidates, prizes_m, each))


def conclude(
    day: Day, prepared: Prepared, routed: Routed, marginal: Mapping[str, Marginal], before: DayPlan | None = None
) -> DayPlan:
    """The plan with its verdicts and figures, checked; what trucks under way have done stands before the rest of their routes.

    Of a truck under way the rests it has had count with those it is still to have.
    """
    said = verdicts(prepared.candidates, routed.plan, marginal, routed.impossible)
    routes = routed.plan.routes if before is None else _whole_days(day, routed.plan, before)
    rests = tuple(one for route in routes for one in rests_missing(route, day.rests) if route.vehicle not in day.broken)
    matrices = routed.problem.matrices.values()
    moved = None if before is None else moved_share(before, routed.plan, day)
    return DayPlan(
        on=day.on,
        routes=routes,
        rows=prepared.rows,
        verdicts=said,
        idle=prepared.idle,
        figures=_figures(routed.problem, routes, said, moved),
        violations=(*routed.violations(), *rests),
        cost_m=routed.plan.cost_m,
        dial_m=day.policy.dial_m,
        estimated=any(one.estimated for one in matrices),
        graph_version=next((one.graph_version for one in matrices if one.graph_version), ""),
        rules=day.policy.version,
        provisional=day.policy.provisional,
    )


def as_weighed(day: Day, before: DayPlan) -> Day:
    """The day with its bins worth what the plan before found beyond today's risk, so that an edit changes nothing else."""
    return replace(day, weighed_m={one.bin: float(one.later_m) for one in before.verdicts})


def renumbered(before: DayPlan, rows: tuple[str, ...]) -> Plan:
    """The routes of an earlier plan with the rows of another matrix; visits of places it does not know are left out."""
    row = {name: at for at, name in enumerate(rows)}
    names = [*before.rows, ""]  # the last is `GONE`
    routes = []
    for route in before.routes:
        visits = tuple(
            msgspec.structs.replace(one, place=row[names[one.place]]) for one in route.visits if names[one.place] in row
        )
        routes.append(msgspec.structs.replace(route, visits=visits))
    return Plan(routes=tuple(routes), cost_m=before.cost_m)


def moved_share(before: DayPlan, after: Plan, day: Day) -> float:
    """Share of the stops nobody touched that another truck serves now, or none: those of trucks that still work."""
    now = {stop: route.vehicle for route in after.routes for stop in route.stops}
    touched = day.wishes.done | day.wishes.banned | day.wishes.moved.keys()
    kept = {stop: truck for stop, truck in before.served.items() if truck not in day.broken and stop not in touched}
    return sum(now.get(stop) != truck for stop, truck in kept.items()) / len(kept) if kept else 0.0


def _whole_days(day: Day, plan: Plan, before: DayPlan) -> tuple[Route, ...]:
    """Routes of trucks under way with what they did first; a truck that broke keeps what it did."""
    out = {one.truck: one for one in day.underway}
    rest = {one.vehicle: one for one in plan.routes}
    earlier = {one.vehicle: one for one in before.routes}
    found = [one for one in plan.routes if one.vehicle not in out or one.vehicle not in earlier]
    for truck in sorted(out.keys() & earlier.keys()):
        visits = driven(earlier[truck], frozenset(out[truck].done))
        left = rest.get(truck)
        whole = Route(
            vehicle=truck,
            visits=tuple(msgspec.structs.replace(one, place=GONE) for one in visits) + (left.visits[1:] if left else ()),
            distance_m=out[truck].metres + (left.distance_m if left else 0),
        )
        if len(whole.visits) > 1:
            found.append(whole)
    return tuple(found)


def driven(route: Route, done: frozenset[str]) -> tuple[Visit, ...]:
    """The visits of a route up to the last stop that is done, without those passed over."""
    last = max((at for at, one in enumerate(route.visits) if one.kind == "stop" and one.id in done), default=0)
    return tuple(one for one in route.visits[: last + 1] if one.kind != "stop" or one.id in done)


def _figures(problem: Problem, routes: tuple[Route, ...], said: tuple[Verdict, ...], moved: float | None) -> Figures:
    served = {stop for route in routes for stop in route.stops}
    out = [one for one in said if not one.served and one.code != "done"]
    return Figures(
        bins_n=len(said),
        served_n=len(served),
        distance_m=sum(one.distance_m for one in routes),
        duration_s=sum(one.duration_s for one in routes if one.stops),
        trucks_n=sum(bool(one.stops) for one in routes),
        trips_n=sum(visit.kind == "dump" for route in routes for visit in route.visits),
        load_l=sum(one.load[0] for one in problem.stops if one.id in served and one.load),
        overflow=round(sum(one.risk for one in out), 4),
        unserved_n=sum(one.must and one.code != "banned" for one in out),
        spread=round(spread(Plan(routes=tuple(one for one in routes if one.stops))), 4),
        moved_share=None if moved is None else round(moved, 4),
    )
