"""The linear program of a site: its laws, its limits, and its answers to prices and contracts nobody wishes for."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from made_problems import (
    STORAGE,
    day_of_site,
    imbalance_w,
    need,
    need_gap_wh,
    problem,
    problems,
    storage_gap_wh,
)

from dure.services.charging.model import Storage
from dure.services.charging.planning.cost import kept_won_kwh, priced_won
from dure.services.charging.planning.edf import edf
from dure.services.charging.planning.limits import phase_import_w
from dure.services.charging.planning.lp_model import Wishes
from dure.services.charging.planning.planned import planned
from dure.services.charging.planning.problem import Plan, Problem
from dure.services.charging.planning.rehearsing.foresight import NO_TIES
from dure.services.charging.planning.site_lp import SiteSolver

WATT = 1.0


def total_won(of: Problem, plan: Plan) -> float:
    return priced_won(of, plan)


@settings(max_examples=60, deadline=None)
@given(problems())
def test_every_plan_adds_up_and_keeps_its_limits(of: Problem) -> None:
    for plan in (SiteSolver().solve(of), edf(of)):
        assert imbalance_w(of, plan) < WATT
        assert storage_gap_wh(of, plan) < WATT
        assert need_gap_wh(of, plan) < WATT
        assert np.all(plan.import_w <= of.contract_w + plan.over_w + WATT)
        assert np.minimum(plan.charge_w, plan.discharge_w).max() == 0
        assert np.minimum(plan.import_w, plan.export_w).max() < WATT
        if of.storage is not None:
            assert plan.stored_wh.min() >= -WATT
            assert plan.stored_wh.max() <= of.storage.capacity_wh + WATT
        for i, one in enumerate(of.needs):
            outside = np.ones(of.n, dtype=bool)
            outside[one.arrive : one.depart] = False
            assert not plan.ev_w[i][outside].any()
            assert plan.ev_w[i].max() <= one.max_w + WATT


@settings(max_examples=60, deadline=None)
@given(problems())
def test_no_plan_costs_more_than_earliest_departure_first(of: Problem) -> None:
    ties_won = 0.06 * of.n * 140 + 1.0  # the most that rewards may have moved: a full storage and every vehicle through all steps
    assert total_won(of, SiteSolver().solve(of)) <= total_won(of, edf(of)) + ties_won


@settings(max_examples=30, deadline=None)
@given(problems())
def test_the_same_problem_has_the_same_plan_whatever_was_solved_before(of: Problem) -> None:
    solver = SiteSolver()
    first = solver.solve(of)
    solver.solve(msgspec.structs.replace(of, load_w=of.load_w + 1_000))
    again, other = solver.solve(of), SiteSolver().solve(of)
    np.testing.assert_allclose(again.ev_w, first.ev_w, atol=WATT)
    np.testing.assert_allclose(other.ev_w, first.ev_w, atol=WATT)
    assert again.won == pytest.approx(first.won, abs=0.01)


@settings(max_examples=30, deadline=None)
@given(problems())
def test_the_contract_is_kept_whenever_the_other_load_leaves_it(of: Problem) -> None:
    plan = SiteSolver().solve(of)
    if np.all(of.load_w <= of.contract_w) and of.phase_w == 0:
        assert plan.over_w.max() == 0


@pytest.mark.parametrize("factor", [0.1, 10.0])
def test_a_site_ten_times_as_large_has_a_plan_ten_times_as_large(factor: float) -> None:
    of = day_of_site(3)
    scaled = msgspec.structs.replace(
        of,
        pv_w=of.pv_w * factor,
        load_w=of.load_w * factor,
        contract_w=of.contract_w * factor,
        stored_wh=of.stored_wh * factor,
        storage=msgspec.structs.replace(
            STORAGE, capacity_wh=100_000 * factor, charge_w=40_000 * factor, discharge_w=40_000 * factor
        ),
        needs=tuple(msgspec.structs.replace(one, need_wh=one.need_wh * factor, max_w=one.max_w * factor) for one in of.needs),
    )
    small, large = SiteSolver().solve(of), SiteSolver().solve(scaled)
    assert large.won == pytest.approx(small.won * factor, rel=1e-6)
    np.testing.assert_allclose(large.ev_w, small.ev_w * factor, atol=WATT * max(1.0, factor))


def test_needs_go_short_only_when_the_contract_holds_them_back() -> None:
    of = problem(4, needs=(need("a", depart=4, need_wh=7_000), need("b", depart=4, need_wh=7_000)), contract_w=10_000.0)
    plan = SiteSolver().solve(of)
    assert plan.unmet_wh.sum() == pytest.approx(4_000, abs=1)
    assert plan.over_w.max() == 0
    assert {one.limit for one in plan.bindings} == {"contract"}
    assert plan.bindings[0].won_kwh == pytest.approx(of.unmet_won_kwh - 100, rel=0.01)


def test_a_load_above_the_contract_is_told_and_not_refused() -> None:
    plan = SiteSolver().solve(problem(4, load_w=60_000))
    np.testing.assert_allclose(plan.over_w, 10_000, atol=1)
    assert plan.policy == "lp"


def test_the_grid_never_fills_a_storage_that_may_only_hold_sun() -> None:
    of = day_of_site(1, grid_to_ess=False)
    plan = SiteSolver().solve(of)
    assert np.all(plan.charge_w <= of.pv_w + WATT)
    free = SiteSolver().solve(day_of_site(1, grid_to_ess=True))
    assert free.won <= plan.won
    assert any(one.limit == "grid_to_ess" and one.won_kwh > 0 for one in plan.bindings)


def test_a_price_below_zero_is_taken_without_going_in_circles() -> None:
    price = np.where(np.arange(96) < 20, -50.0, 100.0)
    of = day_of_site(1, price_won_kwh=price, grid_to_ess=False)
    plan = SiteSolver().solve(of)
    assert plan.policy == "lp"
    assert np.minimum(plan.import_w, plan.export_w).max() < WATT
    assert np.minimum(plan.charge_w, plan.discharge_w).max() == 0
    assert np.all(plan.charge_w <= of.pv_w - plan.curtail_w + WATT)
    assert imbalance_w(of, plan) < WATT


def test_export_dearer_than_import_is_no_way_to_earn_by_standing_still() -> None:
    of = problem(8, pv_w=5_000, load_w=5_000, export_won_kwh=np.full(8, 150.0))
    plan = SiteSolver().solve(of)
    assert plan.won == pytest.approx(0, abs=1)
    assert np.minimum(plan.import_w, plan.export_w).max() < WATT


def test_each_phase_is_kept_where_vehicles_stand_on_one() -> None:
    three = tuple(need(f"v{i}", depart=8, need_wh=12_000, phases=(1,)) for i in range(3))
    of = problem(8, needs=three, phase_w=10_000.0)
    plan = SiteSolver().solve(of)
    assert phase_import_w(of, plan).max() <= 10_000 + WATT
    assert plan.unmet_wh.sum() == pytest.approx(36_000 - 20_000, abs=1)
    assert plan.bindings[0].limit == "phase"
    spread = msgspec.structs.replace(
        of, needs=tuple(msgspec.structs.replace(one, phases=(i + 1,)) for i, one in enumerate(three))
    )
    assert SiteSolver().solve(spread).unmet_wh.sum() == pytest.approx(0, abs=1)


def test_a_vehicle_gives_back_only_what_it_may_and_has_all_it_needs_when_it_leaves() -> None:
    price = np.array([100.0] * 4 + [400.0] * 4 + [100.0] * 8)
    one = need("v", depart=16, need_wh=3_000, back_wh=2_000, min_w=0.0)
    of = problem(16, needs=(one,), load_w=3_000, price_won_kwh=price, back_won_kwh=60.0)
    plan = SiteSolver().solve(of)
    held = np.cumsum(plan.ev_w[0]) * of.step_h
    assert plan.ev_w.min() < -1_000
    assert held.min() >= -2_000 - 1
    assert held.max() <= 3_000 + 1
    assert held[-1] == pytest.approx(3_000, abs=1)
    kept = SiteSolver().solve(msgspec.structs.replace(of, needs=(msgspec.structs.replace(one, back_wh=0.0),)))
    assert kept.ev_w.min() == 0
    assert plan.won < kept.won


def test_equal_prices_charge_early_and_who_leaves_first_before_others() -> None:
    of = problem(8, needs=(need("late", depart=8, need_wh=1_750), need("soon", depart=4, need_wh=1_750)), contract_w=7_000.0)
    plan = SiteSolver().solve(of)
    np.testing.assert_allclose(plan.ev_w[1], [7_000] + [0] * 7, atol=1)
    np.testing.assert_allclose(plan.ev_w[0], [0, 7_000] + [0] * 6, atol=1)


def test_set_points_stay_when_nothing_but_the_time_changed() -> None:
    of = day_of_site(5)
    plan = SiteSolver().solve(of)
    k = 1
    later = msgspec.structs.replace(
        of,
        pv_w=of.pv_w[k:],
        load_w=of.load_w[k:],
        price_won_kwh=of.price_won_kwh[k:],
        export_won_kwh=of.export_won_kwh[k:],
        stored_wh=float(plan.stored_wh[k]),
        peak_w=float(plan.import_w[:k].max()),
        needs=tuple(
            msgspec.structs.replace(
                one, arrive=one.arrive - k, depart=one.depart - k, need_wh=one.need_wh - float(plan.ev_w[i, :k].sum()) * of.step_h
            )
            for i, one in enumerate(of.needs)
        ),
    )
    np.testing.assert_allclose(SiteSolver().solve(later, Wishes(kept=plan.ev_w[:, k:])).ev_w, plan.ev_w[:, k:], atol=WATT)


def test_a_plan_kept_before_settles_ties() -> None:
    of = problem(8, needs=(need("v", depart=8, need_wh=1_750),))
    kept = np.zeros((1, 8))
    kept[0, 1] = 7_000
    fresh, steady = SiteSolver().solve(of), SiteSolver().solve(of, Wishes(kept=kept))
    assert fresh.ev_w[0, 0] == pytest.approx(7_000)
    assert steady.ev_w[0, 1] == pytest.approx(7_000)
    assert steady.won == pytest.approx(fresh.won)


@pytest.mark.parametrize("stored_wh", [0.0, 120_000.0])
def test_a_storage_outside_its_bounds_is_planned_from_where_it_stands(stored_wh: float) -> None:
    storage = Storage(id="s", site="x", capacity_wh=100_000, charge_w=40_000, discharge_w=40_000, reserve_fraction=0.2)
    plan = SiteSolver().solve(problem(8, storage=storage, stored_wh=stored_wh, load_w=5_000))
    assert plan.policy == "lp"
    assert plan.stored_wh[0] == stored_wh


@pytest.mark.parametrize(("share", "left_wh"), [(0.0, 0.0), (1.0, 19_000.0), (2.0, 19_000.0)])
def test_what_is_worth_keeping_is_sun_kept_rather_than_sold_and_nothing_bought(share: float, left_wh: float) -> None:
    sun = np.r_[np.full(4, 20_000.0), np.zeros(4)]
    price = np.r_[np.full(4, 170.0), np.full(4, 85.0)]
    of = problem(8, storage=STORAGE, price_won_kwh=price, export_won_kwh=np.full(8, 80.0))
    of = msgspec.structs.replace(of, pv_w=sun)
    plan = SiteSolver(NO_TIES).solve(msgspec.structs.replace(of, end_won_kwh=kept_won_kwh(of, share)))
    assert plan.stored_wh[-1] == pytest.approx(left_wh, abs=WATT)
    assert not plan.import_w.any()


def test_a_plan_that_keeps_more_than_earliest_departure_first_is_not_taken_for_the_dearer_one() -> None:
    store = msgspec.structs.replace(STORAGE, capacity_wh=4_000.0)
    of = problem(8, storage=store, stored_wh=3_000.0, price_won_kwh=np.full(8, 85.0), load_w=4_000.0, end_won_kwh=79.0)
    made, baseline = planned(SiteSolver(), of)
    assert made.policy == "lp"
    assert made.won > baseline.won
    assert priced_won(of, made) < priced_won(of, baseline)


def test_nothing_is_worth_keeping_without_a_storage_or_where_nothing_is_paid_for_export() -> None:
    of = problem(8)
    assert kept_won_kwh(of, 1.0) == 0.0
    assert kept_won_kwh(msgspec.structs.replace(of, storage=STORAGE, export_won_kwh=np.zeros(8)), 1.0) == 0.0


def test_a_second_program_of_the_same_shape_keeps_its_basis() -> None:
    solver = SiteSolver()
    solver.solve(day_of_site(2))
    cold = solver.iterations
    solver.solve(day_of_site(2, load_w=np.full(96, 2_100.0)))
    assert solver.iterations < cold / 3
