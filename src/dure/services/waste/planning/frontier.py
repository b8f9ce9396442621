"""The dial as a frontier: kilometres against expected overflow for several worths of an avoided overflow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import msgspec

from dure.routing.model import Budget, Plan, Problem
from dure.routing.solve import solve
from dure.services.waste.planning.route import Routed
from dure.services.waste.planning.selection import Candidate


class FrontierPoint(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan would come to with another dial; `overflow` in bins expected to overflow before the next chance."""

    dial_m: int
    distance_m: int
    duration_s: int
    served_n: int
    trucks_n: int
    overflow: float


def frontier(
    routed: Routed, candidates: Iterable[Candidate], prizes_m: Mapping[int, Mapping[str, int]], budget: Budget
) -> tuple[FrontierPoint, ...]:
    """A point for each dial, in their order; each search starts from the plan of the one before.

    Parameters
    ----------
    routed : today's plan
    candidates : every bin of the day; those dropped before routing stay out at every dial, and their risk counts
    prizes_m : what each bin is worth at each dial, the dials ascending
    budget : for each of the searches: small, since neighbours on the frontier differ little
    """
    risk = {one.bin: one.risk for one in candidates if one.dropped != "done"}
    start, found = routed.plan, []
    for dial_m, prize_m in prizes_m.items():
        start = solve(priced(routed.problem, prize_m), budget=budget, start=start)
        found.append(point(dial_m, start, risk))
    return tuple(found)


def priced(problem: Problem, prize_m: Mapping[str, int]) -> Problem:
    """The problem with the prizes of another dial; what must be served still must."""
    stops = (
        one if one.prize_m is None else msgspec.structs.replace(one, prize_m=prize_m.get(one.id, 0)) for one in problem.stops
    )
    return replace(problem, stops=tuple(stops))


def point(dial_m: int, plan: Plan, risk: dict[str, float]) -> FrontierPoint:
    """What a plan comes to."""
    served = {stop for route in plan.routes for stop in route.stops}
    return FrontierPoint(
        dial_m=dial_m,
        distance_m=plan.distance_m,
        duration_s=sum(one.duration_s for one in plan.routes if one.stops),
        served_n=len(served),
        trucks_n=sum(bool(one.stops) for one in plan.routes),
        overflow=round(sum(value for name, value in risk.items() if name not in served), 4),
    )
