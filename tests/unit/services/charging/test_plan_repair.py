"""Plans that chargers can carry out: nothing between 0 and the least power, inside every window and limit, at hardly any cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from made_problems import day_of_site, imbalance_w, need, problem, problems

from dure.services.charging.planning.limits import phase_import_w
from dure.services.charging.planning.problem import Problem
from dure.services.charging.planning.repair import repaired, small
from dure.services.charging.planning.site_lp import SiteSolver

SITES = 12


@settings(max_examples=60, deadline=None)
@given(problems())
def test_a_repaired_plan_has_no_power_a_vehicle_cannot_take(of: Problem) -> None:
    solver = SiteSolver()
    plan = solver.solve(of)
    done = repaired(solver, of, plan)
    if done.policy == "lp":
        assert not small(of, done.ev_w).any()
        assert imbalance_w(of, done) < 1
        assert np.all(done.import_w <= of.contract_w + np.maximum(done.over_w, 0) + 1)
        if of.phase_w and plan.over_w.max() == 0 and phase_import_w(of, plan).max() <= of.phase_w + 1:
            assert phase_import_w(of, done).max() <= of.phase_w + 1


def test_twelve_site_days_cost_no_more_than_half_a_percent_after_repair() -> None:
    before = after = 0.0
    for seed in range(SITES):
        of, solver = day_of_site(seed), SiteSolver()
        plan = solver.solve(of)
        done = repaired(solver, of, plan)
        before, after = before + plan.won, after + done.won
        assert done.unmet_wh.sum() <= plan.unmet_wh.sum() + 1
        assert done.over_w.max() == 0
    assert before <= after <= before * 1.005


def test_energy_too_small_for_one_step_is_one_step() -> None:
    of = problem(8, needs=(need("v", need_wh=100.0),))
    solver = SiteSolver()
    done = repaired(solver, of, solver.solve(of))
    assert sorted(done.ev_w[0])[-2:] == pytest.approx([0, 1_320], abs=1)


def test_a_plan_that_can_be_carried_out_is_left_alone() -> None:
    of = problem(8, needs=(need("v", need_wh=3_500.0),))
    solver = SiteSolver()
    plan = solver.solve(of)
    assert repaired(solver, of, plan) is plan


def test_energy_moves_only_inside_the_window() -> None:
    of = problem(8, needs=(need("v", arrive=2, depart=5, need_wh=3_600.0),), pv_w=500.0)
    solver = SiteSolver()
    done = repaired(solver, of, solver.solve(of))
    assert not done.ev_w[0, :2].any()
    assert not done.ev_w[0, 5:].any()
    assert done.ev_w[0].sum() * of.step_h == pytest.approx(3_600, abs=1)


def test_a_search_goes_on_to_vehicles_that_the_first_one_left_with_too_little() -> None:
    of, solver = day_of_site(48), SiteSolver(safety_s=120.0)  # the nodes end it, also on a busy machine
    plan = solver.solve(of)
    done = repaired(solver, of, plan)
    assert not small(of, done.ev_w).any()
    assert done.won - plan.won <= 0.005 * abs(plan.won)
