"""Sites on one line: nothing above the line, hardly dearer than one program over all."""

from __future__ import annotations

import numpy as np
import pytest
from made_problems import day_of_site, imbalance_w, need_gap_wh, problem

from dure.services.charging.planning.feeder import import_shares, net_w, priced_sum, share_line, together
from dure.services.charging.planning.lp_model import Wishes
from dure.services.charging.planning.problem import Problem
from dure.services.charging.planning.repair import repaired, small
from dure.services.charging.planning.site_lp import SiteSolver


def crowd(count: int) -> tuple[list[Problem], list[SiteSolver]]:
    """Sites whose basic charge is on the contract, so that each draws as much as it likes when it is cheap."""
    return [day_of_site(seed, 6, demand_won_kw=0.0) for seed in range(count)], [SiteSolver() for _ in range(count)]


@pytest.fixture(scope="module")
def line() -> tuple[list[Problem], list[SiteSolver], np.ndarray]:
    of, solvers = crowd(44)
    alone = sum(net_w(solver.solve(one)) for solver, one in zip(solvers, of, strict=True))
    return of, solvers, np.full(96, 0.6 * float(alone.max()))


def test_a_line_that_carries_all_changes_nothing() -> None:
    of, solvers = crowd(3)
    found = share_line(solvers, of, np.full(96, 1e6))
    assert found.groups == 0
    assert not found.price_won_kwh.any()


def test_the_line_is_kept_and_costs_within_half_a_percent_of_one_program(
    line: tuple[list[Problem], list[SiteSolver], np.ndarray],
) -> None:
    of, solvers, limit = line
    found = share_line(solvers, of, limit)
    least, _, _ = together(of, limit)
    assert found.over_w.max() == 0
    assert np.all(sum(net_w(one) for one in found.plans) <= limit + 1)
    assert priced_sum(of, found.plans) <= least + 0.005 * abs(least)
    assert found.groups == 2
    for one, plan in zip(of, found.plans, strict=True):
        assert imbalance_w(one, plan) < 1
        assert need_gap_wh(one, plan) < 1


def test_plans_that_chargers_can_carry_out_keep_the_line_too(
    line: tuple[list[Problem], list[SiteSolver], np.ndarray],
) -> None:
    of, solvers, limit = line
    found = share_line(solvers, of, limit)
    done = [repaired(a, b, c, d) for a, b, c, d in zip(solvers, of, found.plans, found.wishes, strict=True)]
    assert not any(small(one, plan.ev_w).any() for one, plan in zip(of, done, strict=True))
    assert np.all(sum(net_w(one) for one in done) <= limit + 44)


def test_a_line_worth_something_has_a_price() -> None:
    of, solvers = crowd(4)
    alone = sum(net_w(solver.solve(one)) for solver, one in zip(solvers, of, strict=True))
    _, _, price = together(of, np.full(96, 0.3 * float(alone.max())))
    assert price.max() > 1


def test_a_line_below_other_loads_is_told_and_not_refused() -> None:
    of = [problem(4, load_w=30_000) for _ in range(2)]
    found = share_line([SiteSolver(), SiteSolver()], of, np.full(4, 50_000.0))
    np.testing.assert_allclose(found.over_w, 10_000, atol=2)


def test_shares_of_import_keep_the_line_whoever_exports_less(line: tuple[list[Problem], list[SiteSolver], np.ndarray]) -> None:
    of, solvers, limit = line
    shares = import_shares(share_line(solvers, of, limit), limit)
    assert np.all(sum(shares) <= limit + 1)
    for solver, one, share in zip(solvers, of, shares, strict=True):
        plan = solver.solve(one, Wishes(import_w=share))
        assert np.all(plan.import_w - plan.over_w <= share + 1)
