"""What a rehearsed planner learns of rates, from taps alone too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.services.waste.rehearsing.forecaster import Forecaster
from dure.services.waste.rehearsing.policies import Morning
from dure.services.waste.rehearsing.rates import RATES, Rates, Spells, likelihood

SILENT = np.array([np.nan])


def spells(days, low, high, bins=None):
    days = np.atleast_1d(np.asarray(days, float))
    alike = np.ones_like(days)
    return Spells(np.zeros(days.size, np.int64) if bins is None else bins, days, low * alike, high * alike)


def mean_of(rates):
    return rates.shares() @ RATES


def test_before_anything_is_told_a_bin_fills_as_bins_do():
    assert 0.08 < mean_of(Rates(1))[0] < 0.3


@settings(max_examples=30)
@given(st.floats(0.5, 20), st.floats(0, 1), st.floats(0.05, 1))
def test_shares_are_probabilities_whatever_is_told(days, low, width):
    rates = Rates(2)
    rates.learn(spells(days, low, low + width))
    assert rates.shares().sum(1) == pytest.approx(1)
    assert (rates.shares() >= 0).all()


def test_an_overflow_tells_only_that_it_was_at_least_so_much():
    told = likelihood(spells(4, 1.125, 50), 0.5)[0]
    assert (np.diff(told) >= -1e-9).all()


def test_the_same_quarter_after_more_days_is_a_slower_bin():
    soon, late = Rates(1), Rates(1)
    soon.learn(spells([2] * 4, 0.375, 0.625))
    late.learn(spells([8] * 4, 0.375, 0.625))
    assert mean_of(soon)[0] == pytest.approx(0.25, rel=0.25)
    assert mean_of(late)[0] == pytest.approx(0.0625, rel=0.25)


def test_a_bin_nobody_emptied_yet_is_presumed_like_its_neighbours():
    places_m = np.vstack([100.0 * np.random.default_rng(1).standard_normal((40, 2)) + [side, 0] for side in (0, 30_000)])
    rates, apart = Rates(80, places_m), Rates(80)
    told = np.array([one for one in range(80) if one not in {0, 40}])
    low = np.where(told < 40, 0.05, 0.85)  # slow on the one side, fast on the other
    for _ in range(3):
        for one in (rates, apart):
            one.learn(Spells(told, np.full(told.size, 3.0), low, low + 0.2))
    near = mean_of(rates)
    assert near[40] > 2 * near[0]
    assert mean_of(apart)[40] == pytest.approx(mean_of(apart)[0], rel=1e-6)


@pytest.mark.parametrize("cv", [0.35, 0.8])
def test_how_much_days_differ_is_learnt_from_taps(cv):
    chance = np.random.default_rng(2)
    rates, bins = Rates(60), np.arange(60)
    rate = 0.12 * np.exp(0.5 * chance.standard_normal(60))
    for _ in range(40):
        gain = chance.gamma(4 / cv**2, rate * cv**2)
        low = np.round(gain * 4) / 4 - 0.125
        rates.learn(Spells(bins, np.full(60, 4.0), np.where(low <= 0, -1, low), np.where(low > 1, 50, low + 0.25)))
    assert rates.cv() == pytest.approx(cv, rel=0.2)
    assert np.corrcoef(np.log(mean_of(rates)), np.log(rate))[0, 1] > 0.95


def test_what_a_sensor_told_before_it_died_is_not_lost():
    learnt = Forecaster(1)
    for day in range(4):
        learnt.morning(Morning(day, day % 7, np.array([0.1 * day]), np.zeros(1, np.int64)))
        learnt.evening(day % 7)
    for day in range(4, 7):
        learnt.morning(Morning(day, day % 7, SILENT, np.zeros(1, np.int64)))
        learnt.evening(day % 7)
    assert not learnt.seeing[0]
    assert learnt.gain(0.0)[0][0] == pytest.approx(0.7, abs=0.15)
    known = learnt.rates()[1][0]
    learnt.emptied(np.array([0]), np.array([0.75]))
    assert learnt.gain(0.0)[0][0] == 0
    assert learnt.rates()[1][0] < known


def test_a_planner_is_told_who_sees_and_since_when_others_do_not():
    learnt = Forecaster(2)
    learnt.morning(Morning(0, 0, np.array([0.2, 0.3]), np.zeros(2, np.int64)))
    learnt.evening(0)
    learnt.morning(Morning(1, 1, np.array([0.4, np.nan]), np.zeros(2, np.int64)))
    told = learnt.expected(1)
    assert told.seeing.tolist() == [True, False]
    assert told.level.tolist() == [0.4, 0.3]
    assert told.since_d.tolist() == [0.0, 1.0]
