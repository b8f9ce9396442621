from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from planning_days import ON, POLICY, H, a_bin, a_day, a_fleet, a_truck, changed, place, scattered, travel

from dure.routing.balance import spread
from dure.routing.check import check
from dure.routing.model import Budget, Matrix, Route, Visit
from dure.routing.solve import solve
from dure.services.waste.planning.day import Day, Underway, prepare, with_travel
from dure.services.waste.planning.plan import DayPlan, plan_day
from dure.services.waste.planning.plan_words import IDLE, VERDICTS, summary, verdict_words
from dure.services.waste.planning.rests import breaks_of, rests_missing, rests_on
from dure.services.waste.planning.route import route_day
from dure.services.waste.planning.selection import Wishes
from dure.services.waste.planning.verdicts import Verdict

QUICK = Budget(iterations=60)


def verdict(plan: DayPlan, bin_id: str) -> Verdict:
    return next(one for one in plan.verdicts if one.bin == bin_id)


def code(plan: DayPlan, bin_id: str = "bin-1") -> str:
    return verdict(plan, bin_id).code


def test_every_bin_says_why_it_is_in_or_out_in_both_languages() -> None:
    plan = plan_day(a_day(*scattered(30, seed=1)), QUICK)

    assert len(plan.verdicts) == 30
    assert plan.violations == ()
    assert {one.bin for one in plan.verdicts if one.served} == set(plan.served)
    for one in plan.verdicts:
        words = verdict_words(one)
        assert words.ko != words.en
        assert f"{one.risk:.0%}" in words.ko


def test_a_bin_on_the_way_is_taken_for_a_smaller_risk_than_one_far_away() -> None:
    bins = [a_bin(1, 2_000, -2_000), a_bin(2, 1_000, -1_000), a_bin(3, -9_000, 9_000)]
    plan = plan_day(a_day(bins, [0.995, 0.2, 0.2]), QUICK)

    assert (code(plan, "bin-1"), code(plan, "bin-2"), code(plan, "bin-3")) == ("risk", "worth_it", "not_worth_it")
    far = verdict(plan, "bin-3")
    assert far.added_m is not None
    assert far.added_m > far.prize_m


def test_the_metres_of_a_bin_are_what_leaving_it_out_would_save() -> None:
    bins = [a_bin(1, 0, -4_000), a_bin(2, 3_000, 0)]
    whole = plan_day(a_day(bins, [1.0, 1.0]), QUICK)
    without = plan_day(a_day(bins, [1.0, 1.0], wishes=Wishes(banned=frozenset({"bin-2"}))), QUICK)

    assert verdict(whole, "bin-2").added_m == whole.figures.distance_m - without.figures.distance_m
    assert code(without, "bin-2") == "banned"
    assert verdict(without, "bin-2").demand == "risk"


def test_a_fuller_truck_unloads_and_comes_home_empty() -> None:
    bins = [a_bin(number, 400 * number, 300) for number in range(1, 21)]
    plan = plan_day(a_day(bins, [1.0] * 20, [1.0] * 20, fleet=a_fleet([a_truck(capacity_l=1_000.0)])), QUICK)

    kinds = [one.kind for one in plan.routes[0].visits]
    assert plan.violations == ()
    assert plan.figures.trips_n == 5  # 20 bins of 200 l, 900 l in each load
    assert kinds[-2:] == ["dump", "end"]


def test_a_shift_holds_the_rest_the_law_asks_for() -> None:
    bins = [a_bin(number, 300 * number, 300 * (number % 3), service_s=900) for number in range(1, 26)]
    plan = plan_day(a_day(bins, [1.0] * 25, fleet=a_fleet([a_truck(shift=(6 * H, 15 * H))])), QUICK)

    rests = [one for one in plan.routes[0].visits if one.kind == "break"]
    assert plan.violations == ()
    assert plan.routes[0].duration_s > 4 * H
    assert rests[0].leave_s - rests[0].begin_s >= 1800
    assert rests[0].begin_s <= 10 * H


@pytest.mark.parametrize(("shift_h", "rests_n"), [(3.9, 0), (4.0, 1), (8.0, 1), (8.5, 2), (9.0, 2)])
def test_the_law_asks_half_an_hour_for_four_hours_of_work_and_an_hour_for_eight(shift_h: float, rests_n: int) -> None:
    truck = a_truck(shift=(6 * H, int((6 + shift_h) * H)))

    assert len(breaks_of(truck, rests_on(ON))) == rests_n


def test_a_crews_own_break_counts_when_it_is_as_long_as_the_laws_and_no_later() -> None:
    long = a_truck(breaks=((9 * H, 10 * H, 3600),))
    short = a_truck(breaks=((9 * H, 10 * H, 600),))
    late = a_truck(breaks=((11 * H, 12 * H, 3600),))  # who is back at 11:59 has worked six hours without one

    assert [one.source for one in breaks_of(long, rests_on(ON))] == ["truck-1"]
    for one in (short, late):
        assert all("breaks@" in each.source for each in breaks_of(one, rests_on(ON)))


def test_a_route_without_its_lawful_rest_is_found() -> None:
    def visit(kind: str, begin_s: int, leave_s: int) -> Visit:
        return Visit(kind=kind, id="x", place=0, arrive_s=begin_s, begin_s=begin_s, leave_s=leave_s)  # type: ignore[arg-type]

    long = Route(vehicle="one", visits=(visit("start", 0, 0), visit("end", 5 * H, 5 * H)), distance_m=0)
    rested = Route(
        vehicle="one",
        visits=(visit("start", 0, 0), visit("break", 2 * H, 2 * H + 1800), visit("end", 5 * H, 5 * H)),
        distance_m=0,
    )

    assert [one.code for one in rests_missing(long, rests_on(ON))] == ["route.rest_missing"]
    assert rests_missing(rested, rests_on(ON)) == ()


def test_streams_are_never_mixed_and_each_goes_to_a_truck_that_takes_it() -> None:
    bins = [a_bin(number, 500 * number, 200, stream="food" if number % 2 else "general") for number in range(1, 11)]
    trucks = [a_truck(1, streams=frozenset({"general"})), a_truck(2, streams=frozenset({"food"}))]
    plan = plan_day(a_day(bins, [1.0] * 10, fleet=a_fleet(trucks)), QUICK)

    assert plan.violations == ()
    assert {truck for name, truck in plan.served.items() if int(name[4:]) % 2} == {"truck-2"}


def test_a_day_without_a_truck_has_no_route_and_says_so_of_every_bin() -> None:
    plan = plan_day(a_day([a_bin(1, 0, 500)], [1.0], fleet=replace_trucks([])), QUICK)

    assert (plan.routes, plan.violations, code(plan)) == ((), (), "no_truck")
    assert plan.figures.unserved_n == 1
    assert plan.figures.overflow == 1.0


def replace_trucks(trucks: list[object]) -> object:
    return a_fleet()._replace(trucks=trucks)


IMPOSSIBLE: dict[str, tuple[Day, str]] = {
    "the stream nobody takes": (a_day([a_bin(1, 0, 500, stream="glass"), a_bin(2, 0, 600)], [1.0, 1.0]), "no_truck_for"),
    "more than a truck holds": (a_day([a_bin(1, 0, 500, capacity_l=9_000.0), a_bin(2, 0, 600)], [1.0, 1.0]), "too_big"),
    "a window that is over": (
        a_day([a_bin(1, 0, 500, windows=((0, 5 * H),)), a_bin(2, 0, 600)], [1.0, 1.0]), "window_missed",
    ),
    "too far to be back": (a_day([a_bin(1, 145_000, 0), a_bin(2, 0, 600)], [1.0, 1.0]), "shift_short"),
}  # fmt: skip


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_bin_that_cannot_be_emptied_says_why_and_the_rest_of_the_day_is_planned(name: str) -> None:
    day, expected = IMPOSSIBLE[name]

    plan = plan_day(day, QUICK)

    assert code(plan) == expected
    assert verdict(plan, "bin-2").served
    assert plan.violations == ()
    assert plan.figures.unserved_n == 1


def test_a_closed_disposal_site_leaves_every_bin_with_that_reason() -> None:
    day = a_day([a_bin(1, 0, 500)], [1.0], fleet=a_fleet(windows=((2 * H, 3 * H),)))

    plan = plan_day(day, QUICK)

    assert code(plan) == "dump_closed"
    assert plan.routes == ()


def test_a_bin_no_road_leads_to_is_named_and_never_far_away() -> None:
    def with_island(profile: str, lon_lat: NDArray[np.float64]) -> Matrix:
        return replace(travel(profile, lon_lat), unreached=(len(lon_lat) - 1,))

    plan = plan_day(a_day([a_bin(2, 0, 600), a_bin(1, 0, 500)], [1.0, 1.0], travel=with_island), QUICK)

    assert (code(plan, "bin-1"), code(plan, "bin-2")) == ("unreachable", "risk")


def test_when_not_everything_that_must_be_emptied_can_be_as_much_as_possible_is() -> None:
    bins = [a_bin(number, 300 * number, 0, service_s=1_800) for number in range(1, 11)]
    plan = plan_day(a_day(bins, [1.0] * 10, fleet=a_fleet([a_truck(shift=(6 * H, 9 * H))])), QUICK)

    out = [one for one in plan.verdicts if not one.served]
    assert plan.violations == ()
    assert {one.code for one in out} == {"no_room"}
    assert 0 < len(out) < 10
    assert plan.figures.unserved_n == len(out)


def test_a_truck_without_a_disposal_site_or_a_known_profile_stays_at_home_and_says_why() -> None:
    trucks = [a_truck(1), a_truck(2, streams=frozenset({"food"})), a_truck(3, profile="boat")]
    day = a_day([a_bin(1, 0, 500)], [1.0], fleet=a_fleet(trucks, accepts=frozenset({"general"})), profiles=frozenset({"truck"}))

    plan = plan_day(day, QUICK)

    assert {one.truck: one.code for one in plan.idle} == {"truck-2": "no_dump", "truck-3": "no_profile"}
    assert {one.code for one in plan.idle} <= IDLE.keys()


def test_in_the_middle_of_a_day_no_truck_is_told_what_it_should_have_done_before() -> None:
    trucks = [a_truck(1, shift=(6 * H, 9 * H)), a_truck(2)]

    plan = plan_day(a_day([a_bin(1, 0, 500)], [1.0], fleet=a_fleet(trucks), now_s=10 * H), QUICK)

    assert {one.truck: one.code for one in plan.idle} == {"truck-1": "over"}
    assert plan.routes[0].visits[0].leave_s >= 10 * H
    assert plan.violations == ()


def test_a_slower_truck_has_times_of_its_own() -> None:
    bins = [a_bin(1, 0, 500)]
    quick, slow = (plan_day(a_day(bins, [1.0], fleet=a_fleet([a_truck(speed_factor=factor)])), QUICK) for factor in (1.0, 2.0))

    assert slow.figures.distance_m == quick.figures.distance_m
    assert slow.figures.duration_s > quick.figures.duration_s
    assert slow.violations == ()


def test_a_part_of_each_truck_is_kept_free() -> None:
    vehicle = prepare(a_day([a_bin(1, 0, 500)], [1.0])).problem.vehicles[0]

    assert vehicle.capacity[0] == 2_700


def test_a_bin_that_holds_more_than_its_brim_is_loaded_as_such() -> None:
    stop = prepare(a_day([a_bin(1, 0, 500)], [1.0], [1.2])).problem.stops[0]

    assert stop.load == (240, 24)


def test_a_level_nobody_knows_is_taken_for_full() -> None:
    stop = prepare(a_day([a_bin(1, 0, 500)], [1.0], [float("nan")])).problem.stops[0]

    assert stop.load == (200, 20)


def test_an_empty_city_has_an_empty_plan() -> None:
    plan = plan_day(a_day([], []), QUICK)

    assert (plan.routes, plan.verdicts, plan.violations, plan.figures.overflow) == ((), (), (), 0)


def test_estimated_travel_is_said_to_be() -> None:
    assert plan_day(a_day([a_bin(1, 0, 500)], [1.0]), QUICK).estimated


def test_the_frontier_trades_kilometres_for_overflow() -> None:
    plan = plan_day(a_day(*scattered(40, seed=3)), QUICK, each=Budget(iterations=40))

    assert [one.dial_m for one in plan.frontier] == list(POLICY.dials_m)
    assert plan.frontier[0].overflow > plan.frontier[-1].overflow
    assert plan.frontier[0].distance_m < plan.frontier[-1].distance_m


def test_hours_are_made_alike_where_the_city_lets_that_cost_something() -> None:
    bins, _, level = scattered(50, 12, service_s=600)
    fleet = a_fleet([a_truck(number, capacity_l=8_000.0) for number in range(3)])
    found = {}
    for extra in (0.0, 1.0):
        policy = msgspec.structs.replace(POLICY, balance_extra=extra)
        found[extra] = plan_day(a_day(bins, [0.9] * 50, level, fleet=fleet, policy=policy), Budget(iterations=100))

    assert found[0.0].figures.spread > POLICY.spread_max
    assert found[1.0].figures.spread < found[0.0].figures.spread
    assert found[1.0].violations == ()
    assert found[1.0].cost_m <= found[0.0].cost_m + found[0.0].figures.distance_m


def test_hours_alike_are_full_days_of_fewer_trucks() -> None:
    bins, _, level = scattered(60, 12, service_s=900)
    fleet = a_fleet([a_truck(number, capacity_l=8_000.0) for number in range(6)])
    policy = msgspec.structs.replace(POLICY, balance_extra=1.0, look_ahead=False)
    prepared = prepare(day := a_day(bins, [0.9] * 60, level, fleet=fleet, policy=policy))
    problem = with_travel(prepared.problem, prepared.profiles, day.travel)
    short = tuple(msgspec.structs.replace(one, stops_max=10 if at else 14) for at, one in enumerate(problem.vehicles))
    before = solve(replace(problem, vehicles=short), budget=Budget(iterations=50))

    after = route_day(problem, policy, Budget(iterations=60), before).plan

    assert len(after.routes) == 3 < len(before.routes)
    assert spread(after) <= POLICY.spread_max < spread(before)
    assert check(problem, after) == ()


def test_a_plan_survives_being_kept() -> None:
    plan = plan_day(a_day(*scattered(12, seed=5)), QUICK, each=Budget(iterations=5))

    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(plan)), DayPlan) == plan


def test_the_summary_names_figures_and_reasons() -> None:
    plan = plan_day(a_day(*scattered(12, seed=5)), QUICK)

    told = list(summary(plan))
    assert f"{plan.figures.served_n} of 12 bins" in told[0]
    assert any(VERDICTS["worth_it"].en in line for line in told)


def test_a_truck_with_nothing_left_to_empty_still_unloads_and_comes_home() -> None:
    lon, lat = place(0, 4_000)
    out = Underway(truck="truck-1", at_s=9 * H, lon=lon, lat=lat, aboard_l=500, done=("bin-1",), metres=4_000)
    morning = plan_day(a_day([a_bin(1, 0, 4_000)], [1.0]), QUICK)
    later = a_day([a_bin(1, 0, 4_000)], [0.0], underway=(out,), wishes=Wishes(done=frozenset({"bin-1"})))

    plan = plan_day(later, QUICK, before=replaced_truck(morning))

    assert plan.violations == ()
    assert [one.kind for one in plan.routes[0].visits] == ["start", "stop", "dump", "end"]


def replaced_truck(plan: DayPlan) -> DayPlan:
    """The morning's plan, whatever truck it chose, as truck-1's."""
    routes = tuple(msgspec.structs.replace(one, vehicle="truck-1") for one in plan.routes)
    return msgspec.structs.replace(plan, routes=routes)


SMALL = st.integers(0, 10_000)
LAWS = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@LAWS
@given(SMALL, st.integers(1, 14), st.integers(1, 3))
def test_every_plan_passes_the_checker_and_serves_each_bin_at_most_once(seed: int, n: int, trucks: int) -> None:
    bins, risk, level = scattered(n, seed)
    fleet = a_fleet([a_truck(number, capacity_l=600.0 + 100 * number) for number in range(trucks)])

    plan = plan_day(a_day(bins, risk, level, fleet=fleet), Budget(iterations=20))

    assert plan.violations == ()
    served = [stop for route in plan.routes for stop in route.stops]
    assert len(served) == len(set(served))
    assert {one.bin for one in plan.verdicts} == {one.id for one in bins}
    assert all((one.position > 0) == one.served for one in plan.verdicts)


@LAWS
@given(SMALL)
def test_the_same_day_gives_the_same_plan(seed: int) -> None:
    day = a_day(*scattered(10, seed))

    assert plan_day(day, Budget(iterations=20)) == plan_day(day, Budget(iterations=20))


def test_a_higher_dial_serves_no_less_risk() -> None:
    served = []
    for dial in (2_000, 20_000, 200_000):
        policy = msgspec.structs.replace(POLICY, dial_m=dial)
        plans = [plan_day(a_day(*scattered(25, seed), policy=policy), Budget(iterations=150)) for seed in range(4)]
        served.append(sum(one.risk for plan in plans for one in plan.verdicts if one.served))

    assert served == sorted(served)


def test_a_day_changed_by_nobody_keeps_its_plan() -> None:
    day = a_day(*scattered(20, seed=9))
    before = plan_day(day, QUICK)

    after = plan_day(changed(day), Budget(iterations=0), before, keep=True)

    assert after.served == before.served
    assert after.figures.moved_share == 0.0
