"""Counted levels: transitions are probabilities, only rise, and draw towards the class as far as nothing is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.services.waste.belief import levels

LAWS = settings(max_examples=40, deadline=None)
GRID = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])


def rising(seed, n=3):
    """(n, 6, 6) transitions of the kind that is learnt."""
    rng = np.random.default_rng(seed)
    counts = np.triu(rng.integers(0, 20, (n, 6, 6)).astype(float))
    return levels.shrunken(counts, np.eye(6), 1.0)


seeds = st.integers(0, 1_000)
waste_days = st.floats(0.0, 12.0)


@LAWS
@given(seeds, waste_days)
def test_distributions_stay_distributions(seed, days):
    spread = levels.distribution(np.array([0.1, 0.5, 0.9]), np.array([0.01, 0.1, 0.3]), GRID)
    then = levels.after(spread, rising(seed), np.full(3, days))
    assert np.allclose(then.sum(axis=1), 1)
    assert (then >= -1e-12).all()


@LAWS
@given(seeds, waste_days, st.floats(0.0, 4.0))
def test_more_time_never_means_less_risk_of_any_level(seed, days, more):
    spread = levels.distribution(np.array([0.0, 0.2, 0.6]), np.full(3, 0.05), GRID)
    sooner, later = (levels.after(spread, rising(seed), np.full(3, one)) for one in (days, days + more))
    for level in GRID:
        assert (levels.at_least(later, GRID, level) >= levels.at_least(sooner, GRID, level) - 1e-9).all()


@LAWS
@given(seeds, st.integers(0, 4), st.integers(0, 4))
def test_whole_days_one_after_another_are_those_days_at_once(seed, first, second):
    moves = rising(seed)
    spread = levels.distribution(np.zeros(3), np.full(3, 0.01), GRID)
    twice = levels.after(levels.after(spread, moves, np.full(3, float(first))), moves, np.full(3, float(second)))
    assert np.allclose(twice, levels.after(spread, moves, np.full(3, float(first + second))))


def test_half_a_day_brings_half_the_mean_rise():
    moves, spread = rising(1), levels.distribution(np.full(3, 0.2), np.full(3, 0.01), GRID)
    day, half = (levels.after(spread, moves, np.full(3, one)) @ GRID - spread @ GRID for one in (1.0, 0.5))
    assert half == pytest.approx(day / 2)


def test_the_share_is_that_of_the_reference():
    # p = (n f + kappa f_class) / (n + kappa) with n = 4, f = 0.75, kappa = 12, f_class = 0.25: (3 + 3) / 16
    counts = np.array([[1.0, 3.0], [0.0, 0.0]])
    prior = np.array([[0.75, 0.25], [0.0, 1.0]])
    assert levels.shrunken(counts, prior, 12.0)[0, 1] == pytest.approx(6 / 16)
    assert levels.shrunken(counts, prior, 12.0)[1].tolist() == [0.0, 1.0]


def test_counts_go_to_their_bin_and_step():
    found = levels.counted(np.array([0, 0, 1]), np.array([0, 0, 2]), np.array([1, 1, 2]), (2, 3))
    assert found[0, 0, 1] == 2
    assert found[1, 2, 2] == 1
    assert found.sum() == 3


def test_a_sensor_of_few_steps_keeps_them_and_another_is_told_by_twentieths():
    assert levels.grid_of(np.array([0.0, 0.4, 0.2, 0.4]), 12).tolist() == [0.0, 0.2, 0.4, 1.0]
    assert len(levels.grid_of(np.linspace(0, 1, 300), 12)) == 21


def test_quantiles_cut_steps_evenly():
    spread = np.array([[0.5, 0.5, 0.0, 0.0, 0.0, 0.0]])
    assert levels.quantile(spread, GRID, 0.75)[0] == pytest.approx(0.2)
    assert levels.quantile(spread, GRID, 0.5)[0] == pytest.approx(0.1)
    assert levels.quantile(spread, GRID, 0.01)[0] == 0.0
