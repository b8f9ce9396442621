"""The solver at its promise: a plan keeps every rule, says what it could not do, is repeatable and no worse than its start."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from routing_days import H, day, drawn, matrix_of, truck, without_lost_musts

from dure.routing.check import check
from dure.routing.greedy import greedy
from dure.routing.model import Break, Budget, Dump, Plan, Problem, Span, Stop
from dure.routing.possible import impossible
from dure.routing.solve import solve

FEW = Budget(iterations=60)
LINE = [(0, 0), (1_000, 0), (2_000, 0), (3_000, 0), (4_000, 0), (0, 9_000)]


def kinds(plan: Plan, at: int = 0) -> list[str]:
    return [visit.kind for visit in plan.routes[at].visits]


def rank(problem: Problem, plan: Plan) -> tuple[int, int]:
    """Stops that must be served and are not; then the cost."""
    musts = {stop.id for stop in problem.stops if stop.prize_m is None}
    return len(musts & set(plan.skipped)), plan.cost_m


@given(st.integers(0, 1_000_000))
@settings(max_examples=35, deadline=None)
def test_every_plan_of_a_drawn_day_passes_the_checker(seed):
    problem = drawn(seed)
    plan = solve(problem, budget=FEW)
    assert check(*without_lost_musts(problem, plan)) == ()
    assert plan.feasible == all(stop.prize_m is not None or stop.id not in plan.skipped for stop in problem.stops)


@given(st.integers(0, 1_000_000))
@settings(max_examples=35, deadline=None)
def test_the_greedy_plan_of_a_drawn_day_passes_the_checker(seed):
    problem = drawn(seed, 20)
    assert check(*without_lost_musts(problem, greedy(problem))) == ()


@given(st.integers(0, 1_000_000))
@settings(max_examples=20, deadline=None)
def test_a_plan_is_never_worse_than_the_one_it_starts_from(seed):
    problem = drawn(seed)
    start = solve(problem, budget=Budget(iterations=150, seed=2))
    found = solve(problem, budget=Budget(iterations=5), start=start)
    assert rank(problem, found) <= rank(problem, start)


def test_iterations_and_a_seed_make_the_same_plan_again():
    problem = drawn(7, 25)
    budget = Budget(iterations=300, seed=4)
    assert solve(problem, budget=budget) == solve(problem, budget=budget)


def test_a_full_truck_unloads_on_the_way():
    stops = [Stop(id=str(at), place=at, load=(60,)) for at in (1, 2, 3)]
    problem = day(LINE, stops, [truck(dumps=("d",))], [Dump(id="d", place=4, service_s=60)])
    plan = solve(problem, budget=FEW)
    assert plan.feasible
    assert kinds(plan).count("dump") == 2
    assert check(problem, plan) == ()


def test_a_truck_that_must_end_empty_goes_by_the_dump_and_the_best_plan_is_found():
    stops = [Stop(id=str(at), place=at, load=(10,)) for at in (1, 2, 3)]
    dumps = [Dump(id="east", place=4, service_s=60), Dump(id="north", place=5)]
    plan = solve(day(LINE, stops, [truck(dumps=("east", "north"), ends_empty=True)], dumps), budget=FEW)
    assert kinds(plan) == ["start", "stop", "stop", "stop", "dump", "end"]
    assert plan.routes[0].visits[-2].id == "east"
    assert plan.distance_m == 8_000


def test_the_last_dump_is_the_one_still_open():
    stops = [Stop(id="1", place=1, load=(10,), windows=(Span(10 * H, 11 * H),))]
    dumps = [Dump(id="east", place=4, windows=(Span(0, 9 * H),)), Dump(id="north", place=5)]
    problem = day(LINE, stops, [truck(dumps=("east", "north"), ends_empty=True)], dumps)
    plan = solve(problem, budget=FEW)
    assert plan.routes[0].visits[-2].id == "north"
    assert check(problem, plan) == ()


def test_streams_are_never_mixed_and_stay_with_trucks_that_take_them():
    general, food = frozenset({"general"}), frozenset({"food"})
    stops = [
        Stop(id=f"{word}{at}", place=at, load=(5,), skills=frozenset({word})) for at in (1, 2, 3) for word in ("general", "food")
    ]
    dumps = [Dump(id="g", place=4, accepts=general), Dump(id="f", place=5, accepts=food)]
    fleet = [truck(f"t{at}", skills=general | food, dumps=("g", "f"), ends_empty=True) for at in (1, 2)]
    problem = day(LINE, stops, fleet, dumps)
    plan = solve(problem, budget=FEW)
    assert plan.feasible
    assert {frozenset(ident[:-1] for ident in route.stops) for route in plan.routes} == {general, food}
    assert check(problem, plan) == ()


def test_a_stop_with_two_windows_is_served_in_one_of_them_and_once():
    windows = (Span(6 * H, 6 * H + 30), Span(9 * H, 9 * H + 600))
    stops = [Stop(id=str(at), place=at, load=(1,), service_s=1200, windows=windows) for at in (1, 2)]
    problem = day(LINE, stops, [truck()])
    plan = solve(problem, budget=FEW)
    assert not plan.feasible
    assert len(plan.skipped) == 1
    assert check(*without_lost_musts(problem, plan)) == ()
    assert solve(day(LINE, stops, [truck(), truck("two")]), budget=FEW).feasible


def test_every_long_route_has_its_break():
    stops = [Stop(id=str(at), place=1 + at % 4, load=(1,), service_s=2400) for at in range(24)]
    rest = Break(span=Span(10 * H, 11 * H), duration_s=H, source="law")
    problem = day(LINE, stops, [truck(f"t{at}", breaks=(rest,)) for at in range(3)])
    plan = solve(problem, budget=FEW)
    assert plan.feasible
    long = [route for route in plan.routes if route.visits[0].leave_s < 11 * H < route.visits[-1].arrive_s]
    assert long
    assert all(sum(visit.kind == "break" for visit in route.visits) == 1 for route in long)
    assert check(problem, plan) == ()


def test_crews_with_unlike_breaks_share_a_day_with_windows():
    windows = [(Span(at * H, at * H + H),) for at in (7, 8, 9, 10, 11, 12)]
    stops = [Stop(id=str(at), place=1 + at % 4, load=(1,), service_s=900, windows=windows[at % 6]) for at in range(18)]
    early, late = (Break(span=Span(at * H, (at + 1) * H), duration_s=1800) for at in (8, 10))
    problem = day(LINE, stops, [truck("a", breaks=(early,)), truck("b", breaks=(late,)), truck("c", breaks=(early, late))])
    plan = solve(problem, budget=FEW)
    assert plan.feasible
    assert check(problem, plan) == ()


def test_a_prize_says_how_far_a_truck_may_drive():
    far = Stop(id="far", place=5, load=(1,), prize_m=17_999)
    problem = day(LINE, [Stop(id="1", place=1, load=(1,)), far], [truck()])
    plan = solve(problem, budget=FEW)
    assert plan.skipped == ("far",)
    assert plan.cost_m == 2_000 + 17_999
    dearer = replace(problem, stops=(problem.stops[0], msgspec.structs.replace(far, prize_m=18_001)))
    assert solve(dearer, budget=FEW).skipped == ()


def test_each_truck_goes_by_the_streets_of_its_profile():
    places = np.array(LINE)
    slow = matrix_of(places)
    alley = matrix_of(places, "mini")
    blocked = replace(slow, distance_m=np.where(np.arange(6)[None, :] == 3, 50_000, slow.distance_m))
    stops = tuple(Stop(id=str(at), place=at, load=(1,)) for at in (1, 3))
    fleet = (truck("big", profile=""), truck("small", profile="mini", fixed_m=500))
    problem = Problem(places.astype(float), stops, fleet, {"": blocked, "mini": alley}, (), ("d",))
    plan = solve(problem, budget=FEW)
    assert [route.vehicle for route in plan.routes] == ["small"]
    assert check(problem, plan) == ()


def test_a_truck_re_planned_laden_unloads_before_it_goes_on():
    stops = [Stop(id=str(at), place=at, load=(40,)) for at in (1, 2)]
    laden = truck(aboard=(90,), dumps=("d",), ends_empty=True, start=3)
    problem = day(LINE, stops, [laden], [Dump(id="d", place=4, service_s=60)])
    plan = solve(problem, budget=FEW)
    assert plan.feasible
    assert kinds(plan)[1] == "dump"
    assert check(problem, plan) == ()


def test_a_daily_limit_holds_for_all_trips_together():
    stops = [Stop(id=str(at), place=1 + at % 4, load=(30,)) for at in range(10)]
    fleet = [truck(f"t{at}", dumps=("d",), ends_empty=True, day_capacity=(160,)) for at in range(3)]
    problem = day(LINE, stops, fleet, [Dump(id="d", place=4)])
    plan = solve(problem, budget=FEW)
    assert plan.feasible
    assert max(len(route.stops) for route in plan.routes) <= 5
    assert check(problem, plan) == ()


def test_when_not_all_can_be_served_as_many_as_can_be_are_and_the_plan_says_so():
    stops = [Stop(id=str(at), place=1 + at % 4, load=(30,)) for at in range(10)]
    plan = solve(day(LINE, stops, [truck()]), budget=Budget(iterations=200))
    assert not plan.feasible
    assert len(plan.skipped) == 7
    assert len(plan.routes[0].stops) == 3


def test_stops_of_yesterday_are_forgotten_and_new_ones_found_a_place():
    stops = [Stop(id=str(at), place=at, load=(1,)) for at in (1, 2, 3, 4)]
    yesterday = solve(day(LINE, stops[:3], [truck(), truck("gone")]), budget=FEW)
    today = day(LINE, stops[1:], [truck()])
    plan = solve(today, budget=FEW, start=yesterday)
    assert sorted(plan.routes[0].stops) == ["2", "3", "4"]
    assert check(today, plan) == ()


CLOSED = [Dump(id="d", place=4, windows=(Span(0, H),))]
STOP = Stop(id="a", place=1, load=(10,))
HOPELESS = [
    ("stop.no_vehicle", STOP, [], None),
    ("stop.no_vehicle", msgspec.structs.replace(STOP, skills=frozenset({"lift"})), [truck()], None),
    ("stop.too_big", msgspec.structs.replace(STOP, load=(101,)), [truck()], None),
    ("stop.window_missed", msgspec.structs.replace(STOP, windows=(Span(0, H),)), [truck()], None),
    ("stop.dump_closed", STOP, [truck(dumps=("d",), ends_empty=True)], CLOSED),
    ("stop.no_dump", STOP, [truck(ends_empty=True)], CLOSED),
    ("stop.too_far", msgspec.structs.replace(STOP, place=5), [truck(distance_m_max=17_000)], None),
    ("stop.too_far", msgspec.structs.replace(STOP, place=5), [truck(shift=Span(6 * H, 6 * H + 600))], None),
]


@pytest.mark.parametrize(("code", "stop", "fleet", "dumps"), HOPELESS)
def test_an_infeasible_day_is_answered_with_reasons_and_a_plan_of_the_rest(code, stop, fleet, dumps):
    problem = day(LINE, [stop], fleet, dumps)
    plan = solve(problem, budget=FEW)
    assert [(one.code, one.subject) for one in impossible(problem)] == [(code, "a")]
    assert not plan.feasible
    assert plan.skipped == ("a",)
    assert plan.routes == ()


def test_a_stop_without_a_road_is_skipped_and_its_prize_counted():
    problem = day(LINE, [msgspec.structs.replace(STOP, place=2, prize_m=700), STOP], [truck()])
    metres = problem.matrices[""].distance_m.copy()
    metres[:, 2] = metres[2, :] = 1 << 40
    lost = msgspec.structs.replace(STOP, id="lost", place=2, prize_m=700)
    cut = replace(problem, stops=(lost, STOP), matrices={"": replace(problem.matrices[""], distance_m=metres)})
    plan = solve(cut, budget=FEW)
    assert [(one.code, one.subject) for one in impossible(cut)] == [("stop.unreachable", "lost")]
    assert plan.feasible
    assert plan.cost_m == 2_000 + 700


def test_an_empty_day_is_an_empty_plan():
    assert solve(day(LINE, [], [truck()]), budget=FEW) == Plan(routes=())
    assert solve(day(LINE, [], []), budget=FEW) == Plan(routes=())


def test_a_budget_that_says_nothing_still_gives_a_plan():
    assert solve(day(LINE, [STOP], [truck()]), budget=Budget()).feasible


def test_processor_seconds_end_a_search():
    plan = solve(drawn(3, 40), budget=Budget(cpu_s=0.2))
    assert check(*without_lost_musts(drawn(3, 40), plan)) == ()


def test_routing_loads_no_plotting_library():
    code = "import sys, dure.routing.solve; sys.exit(any(name.startswith('matplotlib') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
