"""Each deliberate difference to ioos_qc: its answer and ours side by side."""

from __future__ import annotations

import inspect
import sys

import numpy as np
import pytest
from ioos_oracle import qartod

from dure.services.environment.checks.quality import TESTS, Limits, qualify_series
from dure.services.environment.checks.quality_differences import DIFFERENCES

NAN = float("nan")
US = 1_000_000
DAY_2024_US = 1_704_067_200 * US  # 2024-01-01
RATE = Limits(rate_suspect=0.01)


def at(*seconds: float) -> np.ndarray:
    return DAY_2024_US + np.array([round(s * US) for s in seconds], np.int64)


def ns(time_us: np.ndarray) -> np.ndarray:
    return time_us.astype("datetime64[us]").astype("datetime64[ns]")


def ours(test: str, time_us: np.ndarray, value: list[float], limits: Limits) -> list[int]:
    return qualify_series(time_us, np.array(value), limits).tests[:, TESTS.index(test)].tolist()


def flat(time_us: np.ndarray, value: list[float], limits: Limits) -> tuple[list[int], list[int]]:
    theirs = qartod.flat_line_test(value, ns(time_us), limits.flat_suspect_s, limits.flat_fail_s, limits.flat_tolerance)
    return np.ma.getdata(theirs).tolist(), ours("flat_line", time_us, value, limits)


def rate(time_us: np.ndarray, value: list[float]) -> tuple[list[int], list[int]]:
    theirs = qartod.rate_of_change_test(value, ns(time_us), RATE.rate_suspect)
    return np.ma.getdata(theirs).tolist(), ours("rate_of_change", time_us, value, RATE)


def test_climatology_of_a_missing_value_is_missing_not_good():
    time_us, value = at(0, 3600, 7200), [5, NAN, 50]
    config = [{"tspan": (1, 1), "period": "month", "vspan": (0, 10)}]
    theirs = qartod.climatology_test(config, value, ns(time_us), [NAN] * 3)
    assert np.ma.getdata(theirs).tolist() == [1, 1, 3]
    assert ours("climatology", time_us, value, Limits(climate_suspect={1: (0, 10)})) == [1, 9, 3]


def test_rate_of_change_after_a_missing_value_is_not_evaluated():
    assert rate(at(0, 60, 120, 180), [1, 1, NAN, 100]) == ([1, 1, 9, 1], [1, 1, 9, 2])


def test_flat_line_by_elapsed_time_does_not_fail_a_sensor_for_sending_seldom():
    limits = Limits(flat_suspect_s=3600, flat_fail_s=7200, flat_tolerance=0.01)
    theirs, found = flat(at(*(9000 * i for i in range(5))), [4.2] * 5, limits)
    assert theirs == [4, 4, 4, 4, 4]
    assert found == [1, 1, 4, 4, 4]


def test_flat_line_by_elapsed_time_takes_a_slower_rhythm_as_it_is():
    limits = Limits(flat_suspect_s=600, flat_fail_s=1200, flat_tolerance=0.01)
    seconds = [*range(0, 1200, 60), *range(2000, 8000, 600)]
    value = [float(i) for i in range(20)] + [7.0] * 10
    theirs, found = flat(at(*seconds), value, limits)
    assert theirs[20:] == [1] * 10  # ten minutes became ten rows, which last 100 minutes here
    assert found[20:] == [1, 1] + [4] * 8


def test_flat_line_across_missing_values_needs_more_than_a_lone_value():
    limits = Limits(flat_suspect_s=180, flat_fail_s=300, flat_tolerance=0.01)
    theirs, found = flat(at(*range(0, 600, 60)), [1, 2, 3, 4, NAN, NAN, NAN, NAN, NAN, 9], limits)
    assert theirs[-1] == 4
    assert found[-1] == 1


def test_flat_line_of_two_values_is_missing_where_one_is():
    limits = Limits(flat_suspect_s=60, flat_fail_s=120, flat_tolerance=0.01)
    assert flat(at(0, 60), [1, NAN], limits) == ([1, 1], [1, 9])


def test_rate_of_change_within_a_second_uses_the_exact_step():
    assert rate(at(0, 1.9), [0, 0.015]) == ([1, 3], [1, 1])
    assert rate(at(0, 0.5), [0, 0.008]) == ([1, 1], [1, 3])


def test_equal_or_backward_times_are_judged_by_themselves():
    assert rate(at(0, 60, 60, 30, 120), [1, 1, 5, 9, 1]) == ([1, 1, 3, 3, 3], [1, 1, 2, 2, 1])
    with pytest.raises(ValueError, match="monotonic"):
        qartod.attenuated_signal_test([1, 2, 3], ns(at(0, 60, 30)), 1, 0.5, 60)
    window = Limits(window_s=3600, spread_suspect=1, spread_fail=0.3)
    assert ours("attenuated", at(0, 60, 30), [1, 2, 3], window) == [4, 3, 2]


def test_tests_without_limits_are_not_evaluated():
    assert np.ma.getdata(qartod.spike_test([1, 2, 3])).tolist() == [2, 1, 2]
    assert ours("spike", at(0, 60, 120), [1, 2, 3], Limits()) == [2, 2, 2]
    assert ours("spike", at(0, 60, 120), [1, 9, 3], Limits(spike_suspect=0, spike_fail=0)) == [2, 2, 2]


def test_a_value_that_cannot_be_true_is_no_neighbour_of_good_ones():
    value = [1.0, 1.0, 99.0, 1.0, 1.0]
    theirs = np.ma.getdata(qartod.spike_test(value, 5, 10)).tolist()
    assert theirs == [2, 4, 4, 4, 2]
    limits = {"gross_fail": (0, 50), "spike_suspect": 5, "spike_fail": 10}
    time_us = at(*range(0, 300, 60))
    assert ours("spike", time_us, value, Limits(**limits)) == [2, 2, 2, 2, 2]
    assert ours("spike", time_us, value, Limits(**limits, failed_feed=True)) == theirs


def test_gaps_and_calm_end_neighbourhood_and_flat_runs_only_where_they_are_set():
    time_us = at(0, 60, 120, 90_000, 90_060, 90_120)
    value = [1.0, 1.0, 1.0, 9.0, 1.0, 1.0]
    spikes = Limits(spike_suspect=3, spike_fail=5)
    theirs = np.ma.getdata(qartod.spike_test(value, 3, 5)).tolist()
    assert theirs == [2, 1, 3, 4, 3, 2]
    assert ours("spike", time_us, value, spikes) == theirs
    assert ours("spike", time_us, value, Limits(spike_suspect=3, spike_fail=5, gap_s=3600)) == [2, 1, 2, 2, 3, 2]
    calm = Limits(flat_suspect_s=60, flat_fail_s=120, flat_tolerance=0.1, calm_below=0.2)
    assert ours("flat_line", at(0, 60, 120, 180), [0.1, 0.1, 0.2, 0.1], calm) == [1, 1, 1, 1]
    cover = Limits(window_s=300, window_n_min=2, window_cover_s=120, spread_suspect=1, spread_fail=0.5)
    assert ours("attenuated", at(0, 60, 120), [1, 1, 1], cover) == [2, 2, 4]


def test_every_written_difference_has_a_test_of_its_name():
    names = [name for name, _ in inspect.getmembers(sys.modules[__name__], inspect.isfunction) if name.startswith("test_")]
    without = [one.name for one in DIFFERENCES if not any(name.startswith(f"test_{one.name}") for name in names)]
    assert not without
