"""The checker finds every broken rule: a good plan passes, and each small change of it is found by its own code."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest

from dure.routing.check import check
from dure.routing.model import Break, Dump, Matrix, Plan, Problem, Route, Span, Stop, Vehicle, Violation, Visit

PLACES_M = np.array([[0, 0], [1000, 0], [2000, 0], [3000, 0], [0, 1000], [0, 2000], [3000, 1000]])
"""0 the depot, 1-3 bins to the east, 4-5 bins to the north, 6 the dump."""
H = 3600


def matrix() -> Matrix:
    metres = np.abs(PLACES_M[:, None] - PLACES_M[None]).sum(axis=2)
    return Matrix("truck", metres, metres // 10)  # 10 m/s


def problem() -> Problem:
    general, food = frozenset({"general"}), frozenset({"food"})
    stops = (
        Stop(id="a", place=1, load=(100, 10), service_s=60, skills=general),
        Stop(id="b", place=2, load=(150, 10), service_s=60, prize_m=5_000, skills=general, windows=(Span(6 * H, 9 * H),)),
        Stop(id="c", place=3, load=(180, 10), service_s=60, prize_m=5_000, skills=general, release_s=6 * H),
        Stop(id="d", place=4, load=(50, 10), service_s=60, prize_m=5_000, skills=food),
        Stop(id="e", place=5, load=(50, 10), service_s=60, prize_m=100, skills=food),
    )
    day = Span(6 * H, 13 * H)
    lunch = Break(span=Span(8 * H, 10 * H), duration_s=1800, source="law")
    one = Vehicle(
        id="one", start=0, end=0, capacity=(300, 100), shift=day, profile="truck", skills=general, dumps=("dump",),
        ends_empty=True, reloads_max=1, breaks=(lunch,), distance_m_max=20_000, duration_s_max=6 * H, stops_max=4, fixed_m=500,
    )  # fmt: skip
    two = Vehicle(
        id="two", start=0, end=0, capacity=(300, 100), shift=day, profile="truck", skills=food, dumps=("dump",), ends_empty=True
    )
    dump = Dump(id="dump", place=6, service_s=300, windows=(Span(6 * H, 12 * H),), accepts=general | food)
    return Problem(PLACES_M.astype(float), stops, (one, two), {"truck": matrix()}, (dump,), ("litre", "kg"))


STAYS_S = {"stop": 60, "dump": 300, "break": 1800, "start": 0, "end": 0}


def timed(*visits: tuple[str, str, int, int]) -> tuple[Visit, ...]:
    """Visits (kind, id, place, earliest begin) driven one after another."""
    found: list[Visit] = []
    at_s, last = 0, visits[0][2]
    for kind, ident, place, earliest_s in visits:
        arrive_s = at_s + int(matrix().duration_s[last, place])
        begin_s = max(arrive_s, earliest_s)
        arrive_s = begin_s if kind == "start" else arrive_s
        at_s, last = begin_s + STAYS_S[kind], place
        found.append(Visit(kind=kind, id=ident, place=place, arrive_s=arrive_s, begin_s=begin_s, leave_s=at_s))  # type: ignore[arg-type]
    return tuple(found)


def route(vehicle: str, *visits: tuple[str, str, int, int]) -> Route:
    walked = timed(*visits)
    return Route(vehicle=vehicle, visits=walked, distance_m=metres(walked))


def metres(visits: tuple[Visit, ...]) -> int:
    return sum(int(matrix().distance_m[a.place, b.place]) for a, b in pairwise(visits))


FIRST = (
    ("start", "one", 0, 7 * H), ("stop", "a", 1, 0), ("stop", "b", 2, 0), ("dump", "dump", 6, 0), ("break", "one", 6, 8 * H),
    ("stop", "c", 3, 10 * H + 600), ("dump", "dump", 6, 0), ("end", "one", 0, 0),
)  # fmt: skip
SECOND = (("start", "two", 0, 7 * H), ("stop", "d", 4, 0), ("dump", "dump", 6, 0), ("end", "two", 0, 0))


def plan(first: tuple[Any, ...] = FIRST, second: tuple[Any, ...] = SECOND, skipped: tuple[str, ...] = ("e",)) -> Plan:
    routes = (route("one", *first), route("two", *second))
    unserved = {"a": 0, "b": 5_000, "c": 5_000, "d": 5_000, "e": 100}
    for one in routes:
        for ident in one.stops:
            unserved.pop(ident, None)
    cost = sum(one.distance_m for one in routes) + 500 + sum(unserved.values())
    return Plan(routes=routes, skipped=skipped, cost_m=cost)


def codes(found: tuple[Violation, ...]) -> set[str]:
    return {one.code for one in found}


def test_a_plan_that_obeys_every_rule_passes() -> None:
    assert check(problem(), plan()) == ()


def test_a_day_without_routes_passes_when_everything_may_be_skipped() -> None:
    asked = problem()
    optional = tuple(msgspec.structs.replace(one, prize_m=10) for one in asked.stops)
    nothing = Plan(routes=(), skipped=tuple("abcde"), cost_m=50)
    assert check(Problem(asked.lon_lat, optional, asked.vehicles, asked.matrices, asked.dumps, asked.dimensions), nothing) == ()


def changed(position: int, **fields: object) -> Plan:
    """The good plan with one visit of the first route changed."""
    good = plan()
    visits = list(good.routes[0].visits)
    visits[position] = msgspec.structs.replace(visits[position], **fields)
    first = msgspec.structs.replace(good.routes[0], visits=tuple(visits))
    return msgspec.structs.replace(good, routes=(first, good.routes[1]))


def with_first(**fields: object) -> Plan:
    good = plan()
    return msgspec.structs.replace(good, routes=(msgspec.structs.replace(good.routes[0], **fields), good.routes[1]))


def later(plan_: Plan, by_s: int) -> Plan:
    """Everything of the first route later."""
    first = plan_.routes[0]
    visits = tuple(
        msgspec.structs.replace(one, arrive_s=one.arrive_s + by_s, begin_s=one.begin_s + by_s, leave_s=one.leave_s + by_s)
        for one in first.visits
    )
    return msgspec.structs.replace(plan_, routes=(msgspec.structs.replace(first, visits=visits), plan_.routes[1]))


def without(position: int) -> tuple[Any, ...]:
    return FIRST[:position] + FIRST[position + 1 :]


LAW = Break(span=Span(8 * H, 10 * H), duration_s=1800, source="law")
BROKEN: dict[str, tuple[str, Callable[[], Plan]]] = {
    "a vehicle nobody has": ("plan.vehicle_unknown", lambda: with_first(vehicle="three")),
    "two routes of one vehicle": ("plan.vehicle_twice", lambda: with_first(vehicle="two")),
    "a route without an end": ("route.malformed", lambda: with_first(visits=plan().routes[0].visits[:-1])),
    "no visits at all": ("route.malformed", lambda: with_first(visits=())),
    "a start in the middle": ("route.malformed", lambda: changed(1, kind="start")),
    "a stop nobody knows": ("plan.stop_unknown", lambda: changed(1, id="zz")),
    "a stop elsewhere": ("route.place", lambda: changed(1, place=2)),
    "a break outside the map": ("route.place", lambda: changed(4, place=99)),
    "an end elsewhere": ("route.place", lambda: changed(-1, place=4)),
    "a dump nobody knows": ("route.dump_unknown", lambda: changed(3, id="sea")),
    "quicker than the road allows": ("route.travel_time", lambda: changed(1, arrive_s=7 * H + 99)),
    "begins before it arrives": ("route.service_time", lambda: changed(1, begin_s=7 * H + 90)),
    "leaves before it is done": ("route.service_time", lambda: changed(1, leave_s=7 * H + 150)),
    "a bin before its window": ("route.window", lambda: changed(2, arrive_s=5 * H, begin_s=5 * H)),
    "a closed dump": ("route.dump_hours", lambda: later(plan(), 5 * H)),
    "back after the shift": ("route.shift", lambda: later(plan(), 6 * H)),
    "out before the shift": ("route.shift", lambda: later(plan(), -2 * H)),
    "a trip before the release": ("route.release", lambda: later(plan(), -3 * H)),
    "fewer metres than the road has": ("route.distance", lambda: with_first(distance_m=7_000)),
    "too little room": ("route.capacity", lambda: plan(without(3))),
    "no last dump": ("route.not_empty", lambda: plan(without(6))),
    "too many reloads": (
        "route.reloads", lambda: plan((*FIRST[:2], ("dump", "dump", 6, 0), FIRST[2], *FIRST[3:])),
    ),
    "no break": ("route.break_missing", lambda: plan(without(4))),
    "a break too early": ("route.break_missing", lambda: later(plan(), -60 * 10)),
    "a short break": ("route.break_missing", lambda: changed(4, leave_s=8 * H + 1700)),
    "a truck that may not take it": (
        "route.skill", lambda: plan((*FIRST[:2], ("stop", "e", 5, 0), *FIRST[2:]), skipped=()),
    ),
    "two streams on one trip": (
        "route.streams_mixed", lambda: plan((*FIRST[:2], ("stop", "e", 5, 0), *FIRST[2:]), skipped=()),
    ),
    "a stop twice": ("plan.stop_twice", lambda: plan((*FIRST[:2], *FIRST[1:]))),
    "served and skipped": ("plan.stop_twice", lambda: plan(skipped=("e", "a"))),
    "a stop that must be served is not": ("plan.must_missing", lambda: plan(without(1), skipped=("e", "a"))),
    "a stop nobody speaks of": ("plan.stop_lost", lambda: plan(skipped=())),
    "a skipped stop nobody knows": ("plan.stop_unknown", lambda: plan(skipped=("e", "zz"))),
    "a cost made up": ("plan.cost", lambda: msgspec.structs.replace(plan(), cost_m=plan().cost_m - 100)),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_each_broken_rule_is_found(name: str) -> None:
    code, broken = BROKEN[name]

    assert code in codes(check(problem(), broken()))


@pytest.mark.parametrize(
    ("field", "most", "code"),
    [
        ("distance_m_max", 8_000, "route.distance_max"),
        ("duration_s_max", 3_000, "route.duration_max"),
        ("stops_max", 2, "route.stops_max"),
        ("day_capacity", (400, 100), "route.day_capacity"),
        ("aboard", (100, 0), "route.capacity"),
    ],
)
def test_a_route_over_its_vehicles_limit_is_found(field: str, most: int, code: str) -> None:
    asked = problem()
    tight = msgspec.structs.replace(asked.vehicles[0], **{field: most})
    other = Problem(
        asked.lon_lat, asked.stops, (tight, asked.vehicles[1]), asked.matrices, asked.dumps, asked.dimensions
    )  # fmt: skip

    found = check(other, plan())

    assert codes(found) == {code}
    assert found[0].amount > 0


def test_a_dump_that_does_not_take_the_stream_is_found() -> None:
    asked = problem()
    picky = msgspec.structs.replace(asked.dumps[0], accepts=frozenset({"general"}))
    both = Problem(
        asked.lon_lat, asked.stops, asked.vehicles, asked.matrices,
        (picky, msgspec.structs.replace(picky, id="compost", accepts=frozenset({"food"}))), asked.dimensions,
    )  # fmt: skip

    assert codes(check(both, plan())) == {"route.dump_stream"}


def test_a_profile_without_a_matrix_is_found() -> None:
    asked = problem()
    lost = Problem(asked.lon_lat, asked.stops, asked.vehicles, {}, asked.dumps, asked.dimensions)

    assert codes(check(lost, plan())) == {"plan.profile_unknown"}


def test_a_short_day_owes_no_break() -> None:
    early = (("start", "one", 0, 6 * H), *FIRST[1:4], ("end", "one", 0, 0))

    assert check(problem(), plan(early, skipped=("c", "e"))) == ()


def test_one_rest_does_not_count_for_two_breaks() -> None:
    asked = problem()
    twice = msgspec.structs.replace(asked.vehicles[0], breaks=(LAW, LAW))
    strict = Problem(asked.lon_lat, asked.stops, (twice, asked.vehicles[1]), asked.matrices, asked.dumps, asked.dimensions)

    assert codes(check(strict, plan())) == {"route.break_missing"}


def test_a_vehicle_that_set_out_laden_has_to_unload_even_when_it_serves_nobody() -> None:
    asked = problem()
    laden = msgspec.structs.replace(asked.vehicles[1], aboard=(50, 0))
    other = Problem(asked.lon_lat, asked.stops, (asked.vehicles[0], laden), asked.matrices, asked.dumps, asked.dimensions)
    home = (("start", "two", 0, 7 * H), ("end", "two", 0, 0))

    assert codes(check(other, plan(second=home, skipped=("d", "e")))) == {"route.not_empty"}
