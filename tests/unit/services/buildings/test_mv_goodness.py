from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from dure.services.buildings.modelling.goodness import autocorrelation, goodness, savings_uncertainty

USED = np.array([10.0, 12.0, 8.0, 11.0, 9.0])
TOLD = np.array([11.0, 11.0, 9.0, 10.0, 9.0])  # residuals -1, 1, -1, 1, 0


def test_the_figures_are_those_of_a_calculation_by_hand():
    found = goodness(USED, TOLD, 2)
    assert found.cv_rmse == pytest.approx(math.sqrt(4 / 3) / 10)
    assert found.cv_rmse_plain == pytest.approx(math.sqrt(4 / 5) / 10)
    assert found.nmbe == pytest.approx(0.0)
    assert found.r_squared == pytest.approx(0.6)
    assert found.r_squared_adj == pytest.approx(1 - 0.4 * 4 / 3)
    assert found.autocorrelation == pytest.approx(-0.75)


def test_a_model_that_tells_too_much_has_a_positive_bias():
    assert goodness(USED, USED + 1, 1).nmbe == pytest.approx(5 / 4 / 10)


def test_the_savings_uncertainty_is_the_guidelines_formula():
    fit = goodness(USED, TOLD, 1)
    effective = 5 * 1.75 / 0.25
    t = student.ppf(0.95, effective - 1)
    expected = 1.26 * t * 30 / (3 * 10) * math.sqrt(1.0 * (5 / effective) * (1 + 2 / effective) * 3)
    assert savings_uncertainty(fit, 30.0, 3) == pytest.approx(expected)


def test_a_period_without_rows_has_no_uncertainty():
    assert savings_uncertainty(goodness(USED, TOLD, 1), 0.0, 0) == 0.0


def test_residuals_that_last_widen_the_interval():
    chance = np.random.default_rng(1)
    white = chance.standard_normal(365)
    slow = np.convolve(white, np.ones(5) / math.sqrt(5), "same")
    narrow, wide = (savings_uncertainty(goodness(100 + noise, np.full(365, 100.0), 1), 36_500.0, 365) for noise in (white, slow))
    assert wide > 1.8 * narrow


def test_rows_that_miss_either_do_not_count():
    used = np.append(USED, [np.nan, 5.0])
    told = np.append(TOLD, [7.0, np.nan])
    assert goodness(used, told, 2) == goodness(USED, TOLD, 2)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(1e-3, 1e6))
def test_the_unit_of_use_changes_no_ratio(seed, factor):
    used = 5 + np.random.default_rng(seed).random(50)
    told = used + np.random.default_rng(seed + 1).normal(0, 0.1, 50)
    one, other = goodness(used, told, 3), goodness(factor * used, factor * told, 3)
    assert (one.cv_rmse, one.nmbe, one.r_squared) == pytest.approx((other.cv_rmse, other.nmbe, other.r_squared))
    assert savings_uncertainty(other, 100 * factor, 50) == pytest.approx(factor * savings_uncertainty(one, 100, 50))


def test_residuals_that_do_not_vary_are_not_correlated():
    assert autocorrelation(np.ones(10)) == 0.0


@pytest.mark.parametrize(("used", "told", "code"), [(USED[:2], TOLD[:2], "too_few"), (USED - 10, TOLD - 10, "zero_use")])
def test_rows_that_tell_nothing_are_refused(used, told, code):
    assert goodness(used, told, 2).code == code
