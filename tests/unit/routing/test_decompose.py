"""Plans improved in parts: every route in one group, every part a problem of its own, and never worse than before."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from pyvrp import Solution
from routing_days import H, matrix_of, truck

from dure.routing.build import model_of, solution_of
from dure.routing.check import check
from dure.routing.decompose import Group, groups_by_angle, improved_in_parts, part_of, unserved_by_group
from dure.routing.greedy import nearest_first
from dure.routing.indexed import indexed
from dure.routing.model import Budget, Dump, Problem, Span, Stop
from dure.routing.search import Search, cost_of
from dure.routing.solve import HOURS_SHARE, solve, windowed
from dure.routing.stopping import watch


@pytest.fixture(scope="module")
def city() -> Problem:
    """A day with everything a part has to take along: groups of windows, prizes, reloads, two kinds of trucks."""
    chance = np.random.default_rng(2)
    places = chance.integers(0, 10_000, (122, 2))
    places[0] = (5_000, 5_000)
    windows = (Span(6 * H, 8 * H), Span(10 * H, 13 * H))
    stops = tuple(
        Stop(
            id=str(at),
            place=at + 2,
            load=(10,),
            service_s=60,
            prize_m=2_000 if at % 3 else None,
            windows=windows if at % 5 == 0 else (),
        )
        for at in range(120)
    )
    fleet = tuple(
        truck(f"t{at}", capacity=(100 + 50 * (at % 2),), dumps=("d",), ends_empty=True, reloads_max=1) for at in range(8)
    )
    return Problem(
        places.astype(float), stops, fleet, {"": matrix_of(places)}, (Dump(id="d", place=1, service_s=300),), ("litre",)
    )


@pytest.fixture(scope="module")
def begun(city):
    model = model_of(indexed(city))
    search = Search(model.data, 1)
    return search, search.first(solution_of(model, list(nearest_first(model.one).routes.values())))


@pytest.mark.parametrize("turn", [0.0, 0.1, 0.6])
def test_every_route_is_in_one_group(begun, turn):
    search, whole = begun
    groups = groups_by_angle(search.data, whole, 3, turn)
    assert sorted(at for group in groups for at in group) == list(range(whole.num_routes()))


def test_a_part_starts_with_the_routes_it_was_cut_from(begun):
    search, whole = begun
    group = groups_by_angle(search.data, whole, 2, 0.0)[0]
    part = part_of(search.data, whole, Group(group, [], 0, 2))
    assert part.start.num_routes() == len(group)
    assert part.start.distance() == sum(whole.routes()[at].distance() for at in group)
    assert part.start.is_feasible() == all(whole.routes()[at].is_feasible() for at in group)


def test_a_stop_nobody_serves_waits_where_its_nearest_neighbour_is_served(city):
    model = model_of(indexed(city))
    routes = solution_of(model, list(nearest_first(model.one, fill=False).routes.values())).routes()
    whole = Solution(model.data, routes[: len(routes) - 1])
    groups = groups_by_angle(model.data, whole, 2, 0.0)
    waiting = unserved_by_group(model.data, whole, groups)
    left = {each.idx for each in whole.unplanned() if each.is_client()}
    assert left
    assert {each for group in waiting for each in group} <= left

    clients, places = model.data.clients(), [(one.x, one.y) for one in model.data.locations()]
    here = [places[one.location] for one in clients]
    for number, group in enumerate(waiting):
        for client in group:
            apart = [
                (np.hypot(*np.subtract(here[client], here[each.idx])), at)
                for at, mine in enumerate(groups)
                for route in mine
                for each in whole.routes()[route]
                if each.is_client()
            ]
            assert min(apart)[0] == min(metres for metres, at in apart if at == number)


def test_a_round_in_parts_is_never_worse(begun):
    search, whole = begun
    assert whole.is_feasible()
    found = improved_in_parts(search, whole, watch(Budget(iterations=600)), 3, 0.3)
    assert found.is_feasible()
    assert cost_of(found) <= cost_of(whole)


def test_a_plan_made_in_parts_keeps_every_rule(city, monkeypatch):
    monkeypatch.setattr("dure.routing.solve.PARTS_FROM", 50)
    monkeypatch.setattr("dure.routing.solve.STOPS_IN_PART", 40)
    plan = solve(city, budget=Budget(iterations=600))
    assert plan.feasible
    assert check(city, plan) == ()


def test_hours_of_their_own_are_told_from_windows_of_half_a_day(city):
    narrow = replace(city, stops=tuple(msgspec.structs.replace(one, windows=(Span(8 * H, 9 * H),)) for one in city.stops))
    shares = [windowed(model_of(indexed(one)).data) for one in (city, narrow)]
    assert shares[0] < HOURS_SHARE < shares[1]
