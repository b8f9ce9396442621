"""Gains of a gamma process with a rate that is not quite known, and of counted deposits: laws, and vectors of other means."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from dure.services.waste.belief.gains import deposits_overflow, gain, overflow_probability, passes_from

LAWS = settings(max_examples=40, deadline=None)
levels = st.floats(0.0, 1.2)
rates = st.floats(0.01, 0.8)
variations = st.floats(0.3, 1.6)
days = st.floats(0.0, 20.0)
SURE = 1e5


def one(value):
    return np.array([value], np.float64)


@LAWS
@given(levels, rates, variations, days)
def test_a_risk_is_a_probability(level, rate, cv, d):
    known = one(rate * 20)
    found = gain(one(d), one(rate), one(cv), known, known).passes(1 - one(level))
    assert 0 <= found[0] <= 1
    assert 0 <= overflow_probability(one(level), one(rate), one(cv), one(d))[0] <= 1


@LAWS
@given(st.floats(0.0, 0.99), rates, variations, st.floats(0.0, 15.0), st.floats(0.01, 5.0))
def test_more_time_never_means_less_risk(level, rate, cv, d, more):
    known = one(rate * 20)
    sooner, later = (gain(one(x), one(rate), one(cv), known, known).passes(1 - one(level))[0] for x in (d, d + more))
    assert later >= sooner - 1e-12


@LAWS
@given(st.floats(0.0, 0.9), rates, variations, days, st.floats(0.0, 0.09))
def test_a_fuller_bin_never_has_less_risk(level, rate, cv, d, more):
    known = one(rate * 20)
    gained = gain(one(d), one(rate), one(cv), known, known)
    assert gained.passes(1 - one(level + more))[0] >= gained.passes(1 - one(level))[0] - 1e-12


@LAWS
@given(st.floats(0.0, 0.95), rates, variations, st.floats(0.1, 10.0))
def test_a_rate_that_is_as_good_as_known_gives_the_plain_gamma(level, rate, cv, d):
    known = one(rate * SURE)
    found = gain(one(d), one(rate), one(cv), known, known).passes(1 - one(level))
    assert found[0] == pytest.approx(overflow_probability(one(level), one(rate), one(cv), one(d))[0], abs=2e-3)


def test_the_plain_gamma_is_the_formula_of_the_reference():
    # P = 1 - F(1 - x; shape h/c^2, scale mu c^2) with x = 0.6, mu = 0.117, c = 0.5, h = 2
    found = overflow_probability(one(0.6), one(0.117), one(0.5), one(2.0))[0]
    assert found == pytest.approx(stats.gamma.sf(0.4, 2 / 0.25, scale=0.117 * 0.25), rel=1e-12)


def test_the_uncertain_rate_is_a_mixture_of_plain_gammas():
    # The rate parameter of the process is itself Gamma(sure, scale): integrated by another means.
    gained = gain(one(3.0), one(0.15), one(0.8), one(1.2), one(1.5))
    shape, sure, scale = (float(part[0]) for part in gained)
    mixed, _ = integrate.quad(
        lambda beta: stats.gamma.sf(0.5, shape, scale=1 / beta) * stats.gamma.pdf(beta, sure, scale=1 / scale), 0, 200
    )
    assert gained.passes(one(0.5))[0] == pytest.approx(mixed, rel=1e-6)
    assert gained.mean()[0] == pytest.approx(3.0 * 0.15 * 1.2 / 1.5, rel=1e-9)


def test_a_rate_seen_twice_as_fast_as_learnt_doubles_the_mean():
    slow, fast = (gain(one(1.0), one(0.1), one(0.7), one(x), one(2.0)).mean()[0] for x in (2.0, 4.0))
    assert fast == pytest.approx(2 * slow)


def test_quantiles_and_chances_agree():
    gained = gain(one(2.0), one(0.12), one(0.9), one(2.0), one(2.4))
    assert 1 - gained.passes(gained.quantile(0.8))[0] == pytest.approx(0.8, abs=1e-6)


def test_a_full_bin_overflows_and_without_time_nothing_falls_in():
    gained = gain(np.array([1.0, 0.0]), np.full(2, 0.1), np.full(2, 0.5), np.full(2, 2.0), np.full(2, 2.0))
    assert gained.passes(np.array([0.0, 0.3])).tolist() == [1.0, 0.0]


def test_an_uncertain_level_is_weighed_over_its_span():
    gained = gain(one(1.0), one(0.1), one(0.5), one(5.0), one(5.0))
    nodes = np.random.default_rng(1).normal(0.85, 0.05, 200_000)
    many = gain(
        np.ones(len(nodes)),
        np.full(len(nodes), 0.1),
        np.full(len(nodes), 0.5),
        np.full(len(nodes), 5.0),
        np.full(len(nodes), 5.0),
    )
    assert passes_from(one(0.85), one(0.05), gained, 1.0)[0] == pytest.approx(many.passes(1 - nodes).mean(), abs=0.01)


def test_counted_deposits_agree_with_a_simulation_of_poisson_and_triangles():
    rng = np.random.default_rng(3)
    free_l, expected = 200.0, 5.0
    volumes = [rng.triangular(12.5, 33.0, 57.0, n).sum() for n in rng.poisson(expected, 40_000)]
    mean = (12.5 + 33 + 57) / 3
    found = deposits_overflow(one(free_l), one(expected), one(1e9), one(mean), 0.267)[0]
    assert found == pytest.approx(np.mean(np.array(volumes) > free_l), abs=0.01)


@LAWS
@given(st.floats(-20.0, 800.0), st.floats(0.0, 40.0), st.floats(1.0, 1e7))
def test_counted_deposits_give_a_probability(free_l, expected, sure):
    assert 0 <= deposits_overflow(one(free_l), one(expected), one(sure), one(33.4), 0.27)[0] <= 1


def test_fewer_deposits_to_rest_on_make_both_ends_likelier():
    sure, unsure = (deposits_overflow(one(300.0), one(4.0), one(k), one(33.4), 0.27)[0] for k in (1e9, 3.0))
    assert unsure > sure
