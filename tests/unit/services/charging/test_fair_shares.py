"""Shares when there is not enough: checked against every share there can be, and told with the limit that holds them back."""

from __future__ import annotations

import itertools

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_problems import day_of_site, need, problem

from dure.services.charging.planning.fairness import fair, fair_unmet_wh, is_short, served
from dure.services.charging.planning.lp_model import NONE
from dure.services.charging.planning.problem import Need, Problem
from dure.services.charging.planning.repair import repaired, small
from dure.services.charging.planning.site_lp import SiteSolver

QUANTUM_WH = 1_000.0


def every_share(of: Problem) -> list[tuple[float, ...]]:
    """Sorted fractions of every way to give whole kWh to the vehicles of a site that has only its contract."""
    room = round(of.contract_w * of.step_h / QUANTUM_WH)
    ways: set[tuple[int, ...]] = {(0,) * len(of.needs)}
    for t in range(of.n):
        here = [
            range(round(one.max_w * of.step_h / QUANTUM_WH) + 1) if one.arrive <= t < one.depart else range(1) for one in of.needs
        ]
        given_now = [way for way in itertools.product(*here) if sum(way) <= room]
        ways = {
            tuple(a + b for a, b in zip(got, way, strict=True))
            for got in ways
            for way in given_now
            if all((a + b) * QUANTUM_WH <= one.need_wh for a, b, one in zip(got, way, of.needs, strict=True))
        }
    wholes = [one.need_wh + one.given_wh for one in of.needs]
    return [
        tuple(sorted((one.given_wh + got * QUANTUM_WH) / whole for one, got, whole in zip(of.needs, way, wholes, strict=True)))
        for way in ways
    ]


@st.composite
def crowds(draw: st.DrawFn) -> Problem:
    n = draw(st.integers(1, 3))
    needs = []
    for i in range(draw(st.integers(2, 3))):
        arrive = draw(st.integers(0, n - 1))
        needs.append(
            Need(
                id=f"v{i}",
                arrive=arrive,
                depart=draw(st.integers(arrive + 1, n)),
                need_wh=draw(st.integers(1, 6)) * QUANTUM_WH,
                given_wh=draw(st.integers(0, 2)) * QUANTUM_WH,
                max_w=draw(st.sampled_from([4_000.0, 8_000.0, 12_000.0])),
            )
        )
    return problem(n, needs=tuple(needs), contract_w=draw(st.sampled_from([4_000.0, 8_000.0, 12_000.0])))


@settings(max_examples=60, deadline=None)
@given(crowds())
def test_no_share_that_there_can_be_is_fairer(of: Problem) -> None:
    unmet, _ = fair_unmet_wh(of)
    plan = SiteSolver().solve(of)
    shared, _ = fair(SiteSolver(), of, plan, NONE)
    ours = sorted(served(of, shared))
    assert np.all(shared.unmet_wh <= unmet + 1)
    for other in every_share(of):
        first = next((k for k in range(len(ours)) if abs(ours[k] - other[k]) > 1e-4), None)
        assert first is None or ours[first] > other[first]


def test_two_who_share_a_contract_get_the_same_fraction() -> None:
    of = problem(4, needs=(need("a", depart=4, need_wh=6_000), need("b", depart=4, need_wh=3_000)), contract_w=6_000.0)
    plan, _ = fair(SiteSolver(), of, SiteSolver().solve(of), NONE)
    np.testing.assert_allclose(served(of, plan), [2 / 3, 2 / 3], atol=1e-3)
    assert plan.reasons == ("shared",)
    assert plan.bindings[0].limit == "contract"
    assert plan.bindings[0].won_kwh > 1_000


def test_what_a_vehicle_got_before_counts() -> None:
    of = problem(
        4, needs=(need("a", depart=4, need_wh=4_000, given_wh=4_000), need("b", depart=4, need_wh=8_000, max_w=8_000)),
        contract_w=8_000.0,
    )  # fmt: skip
    plan, _ = fair(SiteSolver(), of, SiteSolver().solve(of), NONE)
    np.testing.assert_allclose(served(of, plan), [0.75, 0.75], atol=1e-3)


def test_who_is_only_expected_takes_nothing_from_those_who_are_there() -> None:
    of = problem(
        4, needs=(need("a", depart=4, need_wh=6_000), need("f", depart=4, need_wh=6_000, expected=True)), contract_w=6_000.0
    )
    plan, _ = fair(SiteSolver(), of, SiteSolver().solve(of), NONE)
    assert served(of, plan)[0] == pytest.approx(1, abs=1e-3)


def test_few_programs_settle_a_crowded_site() -> None:
    of = day_of_site(7, 30, contract_w=12_000.0, storage=None, stored_wh=0.0, pv_w=np.zeros(96))
    plan = SiteSolver().solve(of)
    assert is_short(of, plan)
    _, rounds = fair_unmet_wh(of)
    assert rounds <= 8


def test_nobody_is_cut_where_there_is_enough() -> None:
    of = day_of_site(7)
    plan = SiteSolver().solve(of)
    assert fair(SiteSolver(), of, plan, NONE) == (plan, NONE)


def test_fair_shares_can_be_carried_out_too() -> None:
    of = day_of_site(7, 30, contract_w=12_000.0)
    solver = SiteSolver()
    shared, wishes = fair(solver, of, solver.solve(of), NONE)
    done = repaired(solver, of, shared, wishes)
    assert not small(of, done.ev_w).any()
    assert done.over_w.max() <= 1
    step_wh = np.array([one.min_w for one in of.needs]) * of.step_h
    assert np.all(done.unmet_wh <= shared.unmet_wh + step_wh + 1)


def test_a_cut_that_only_saves_money_is_no_shortage() -> None:
    of = problem(1, needs=(need("a", depart=1, need_wh=1_500),), demand_won_kw=5_000.0)
    plan = SiteSolver().solve(of)
    assert plan.unmet_wh[0] > 1
    shared, _ = fair(SiteSolver(), of, plan, NONE)
    assert shared.unmet_wh[0] == pytest.approx(0, abs=1)


def test_fractions_of_who_needs_nothing_are_whole() -> None:
    of = problem(2, needs=(need("a", depart=2, need_wh=0.0),))
    assert served(of, SiteSolver().solve(of))[0] == 1
    assert fair_unmet_wh(msgspec.structs.replace(of))[0][0] == 0
