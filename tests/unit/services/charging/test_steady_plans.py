"""Set points stay where nothing changed; the baseline keeps a shared line."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from made_problems import day_of_site, need, problem

from dure.services.charging.planning.edf import edf
from dure.services.charging.planning.lp_model import Wishes
from dure.services.charging.planning.planned import planned
from dure.services.charging.planning.site_lp import SiteSolver

NEAR_W = 1.0


@pytest.mark.parametrize("seed", [3, 21, 22])
def test_the_same_question_again_moves_no_set_point(seed: int) -> None:
    of, solver = day_of_site(seed), SiteSolver()
    first, _ = planned(solver, of)
    again, _ = planned(solver, of, Wishes(kept=first.ev_w))
    assert again.policy == "lp"
    np.testing.assert_allclose(again.ev_w, first.ev_w, atol=NEAR_W)
    np.testing.assert_allclose(again.charge_w - again.discharge_w, first.charge_w - first.discharge_w, atol=NEAR_W)


def test_powers_of_the_plan_before_stay_while_they_cost_hardly_more_and_go_when_they_do() -> None:
    of = problem(8, needs=(need("v", need_wh=3_500.0),))
    kept = np.zeros((1, 8))
    kept[0, 3:5] = 7_000.0
    stays, _ = planned(SiteSolver(), of, Wishes(kept=kept))
    np.testing.assert_allclose(stays.ev_w, kept, atol=NEAR_W)
    dear = msgspec.structs.replace(of, price_won_kwh=np.array([100.0] * 3 + [300.0] * 5))
    goes, _ = planned(SiteSolver(), dear, Wishes(kept=kept))
    assert not goes.ev_w[0, 3:].any()


def test_powers_that_no_longer_fit_are_not_kept() -> None:
    of = problem(8, needs=(need("v", need_wh=3_500.0),), load_w=46_000.0)
    kept = np.zeros((1, 8))
    kept[0, :2] = 7_000.0  # with the load of now more than the contract
    made, _ = planned(SiteSolver(), of, Wishes(kept=kept))
    assert made.over_w.max() < NEAR_W
    assert made.import_w.max() <= of.contract_w + NEAR_W
    assert made.ev_w.sum() * of.step_h == pytest.approx(3_500, abs=1)


def test_the_baseline_draws_no_more_than_the_line_leaves() -> None:
    share = np.full(8, 5_000.0)
    of = problem(8, needs=(need("a", need_wh=20_000.0), need("b", need_wh=20_000.0)), line_w=share)
    plan = edf(of)
    assert plan.ev_w.any()
    assert plan.import_w.max() <= 5_000.0 + NEAR_W
    asked = msgspec.structs.replace(of, line_w=None)
    _, baseline = planned(SiteSolver(), asked, Wishes(import_w=share))
    assert baseline.import_w.max() <= 5_000.0 + NEAR_W
