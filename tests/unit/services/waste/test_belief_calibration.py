"""Measures of probabilities and intervals: vectors computed by hand."""

import numpy as np
import pytest

from dure.services.waste.belief.calibration import (
    absolute_error,
    brier,
    interval_coverage,
    reliability,
    reliability_error,
    step_coverage,
)


def test_brier_and_reliability_of_a_table_by_hand():
    said = np.array([0.05, 0.05, 0.95, 0.95])
    came = np.array([False, True, True, True])
    assert brier(said, came) == pytest.approx((0.0025 + 0.9025 + 0.0025 + 0.0025) / 4)
    assert reliability_error(said, came) == pytest.approx(0.5 * 0.45 + 0.5 * 0.05)
    assert reliability(said, came) == [(0.05, 0.5, 2), (0.95, 1.0, 2)]


def test_a_certain_truth_belongs_to_the_last_class():
    assert reliability_error(np.array([1.0]), np.array([True])) == 0.0


def test_nothing_measured_is_no_number():
    none = np.array([])
    assert all(np.isnan(one) for one in (brier(none, none), reliability_error(none, none), absolute_error(none, none)))
    assert np.isnan(interval_coverage(none, none, none))
    assert np.isnan(step_coverage(np.empty((0, 3)), none, 0.8))


def test_coverage_counts_the_ends():
    assert interval_coverage(np.array([0.0, 0.0]), np.array([0.5, 0.5]), np.array([0.5, 0.6])) == 0.5


def test_a_step_counts_by_its_part_inside():
    spread = np.array([[0.5, 0.5]])
    assert step_coverage(spread, np.array([0]), 0.8) == pytest.approx(0.8)  # of 0..0.5 the part above 0.1
    assert step_coverage(np.array([[0.05, 0.95]]), np.array([0]), 0.8) == 0.0
    assert step_coverage(np.array([[1.0, 0.0]]), np.array([0]), 0.8) == pytest.approx(0.8)


def test_steps_drawn_from_what_was_said_are_covered_as_often_as_promised():
    rng = np.random.default_rng(4)
    spread = rng.dirichlet([1, 1, 1, 1], 4_000)
    came = np.array([rng.choice(4, p=row) for row in spread])
    assert step_coverage(spread, came, 0.8) == pytest.approx(0.8, abs=0.02)
