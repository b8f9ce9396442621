"""How a search begins: what breaking a rule costs at first, and where that is lower than PyVRP's own."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from pyvrp import PenaltyParams
from routing_days import day, matrix_of, truck

from dure.routing.build import model_of, solution_of, steps_in
from dure.routing.draft import draft_of
from dure.routing.greedy import nearest_first
from dure.routing.indexed import indexed
from dure.routing.model import Budget, Dump, Problem, Stop
from dure.routing.search import CITY_FROM, Search, Tuning, chooses, first_penalties, tuning_for
from dure.routing.stopping import watch

LINE = [(0, 0), (1_000, 0), (2_000, 0)]


def two(prize_m: int | None = None, fixed_m: int = 0) -> Problem:
    return day(LINE, [Stop(id=str(at), place=at, load=(10,), prize_m=prize_m) for at in (1, 2)], [truck(fixed_m=fixed_m)])


def test_a_mean_load_beyond_the_capacity_costs_so_many_legs_and_a_second_what_is_driven_in_it():
    loads, second, metre = first_penalties(model_of(indexed(two())).data, 4.0)

    assert loads == [4.0 * 500 / 10]  # of each stop and its neighbour, 1,000 m apart, the mean leg is 500 m
    assert (second, metre) == (40.0, 4.0)


@pytest.mark.parametrize(("problem", "choosing"), [(two(), False), (two(prize_m=900), True), (two(fixed_m=50), True)])
def test_a_day_chooses_where_a_stop_or_a_truck_may_be_left_out(problem, choosing):
    assert chooses(model_of(indexed(problem)).data) == choosing


def test_only_a_citys_search_that_chooses_begins_with_low_penalties():
    assert tuning_for(CITY_FROM, choosing=True).strictness is not None
    assert tuning_for(CITY_FROM).strictness is None
    assert tuning_for(CITY_FROM - 1, choosing=True).strictness is None


def test_a_search_that_began_with_low_penalties_learns_and_gives_a_plan_that_keeps_every_rule():
    places = np.random.default_rng(4).integers(0, 9_000, (72, 2))
    stops = tuple(Stop(id=f"s{at}", place=at + 2, load=(10,), service_s=300, prize_m=2_500) for at in range(70))
    fleet = tuple(truck(f"t{at}", capacity=(120,), dumps=("d",), ends_empty=True) for at in range(3))
    problem = replace(
        Problem(places.astype(float), stops, fleet, {"": matrix_of(places)}, (Dump(id="d", place=1, service_s=300),), ("litre",)),
        stops=tuple(msgspec.structs.replace(one, prize_m=None) if at % 4 == 0 else one for at, one in enumerate(stops)),
    )
    one = indexed(problem)
    model = model_of(one)
    search = Search(model.data, 1, Tuning(strictness=4.0))
    start = search.first(solution_of(model, list(nearest_first(one).routes.values())))
    known = search.penalties

    found = search.run(start, watch(Budget(iterations=700)))

    assert found.is_feasible()
    assert draft_of(one, steps_in(model, found), fill=False).complete
    assert known is not None
    assert search.penalties != known
    assert max(search.penalties[0]) < PenaltyParams().midpoint_penalties(model.data)[1]
