import math

import numpy as np
import pytest

from dure.core.errors import InputError
from dure.services.environment.grades.averages import HOUR_US, Span, hourly_means, mean_of_hours, running_sums

MINUTE_US = 60_000_000


def ten_minutes(*values, hour=0):
    return [hour * HOUR_US + number * 10 * MINUTE_US for number in range(len(values))], list(values)


def test_an_hour_has_a_mean_from_three_quarters_of_its_values_on():
    times, values = ten_minutes(1.0, 2.0, 3.0, 4.0, 5.0, math.nan)
    found = hourly_means(times, values, Span(0, 2), period_s=600, coverage_min=0.75)
    assert found.values() == [3.0, None]
    assert found.coverage.tolist() == [5 / 6, 0.0]
    assert found.count.tolist() == [5, 0]
    few = hourly_means(times[:4], values[:4], Span(0, 1), period_s=600, coverage_min=0.75)
    assert few.values() == [None]
    assert few.count.tolist() == [4]


def test_exactly_the_coverage_asked_for_is_enough():
    quarters = [0, 15 * MINUTE_US, 30 * MINUTE_US]
    assert hourly_means(quarters, [1.0, 2.0, 3.0], Span(0, 1), period_s=900, coverage_min=0.75).values() == [2.0]


def test_an_hour_begins_with_its_first_instant_and_order_does_not_matter():
    times = [HOUR_US, HOUR_US - 1, 2 * HOUR_US, -1]
    found = hourly_means(times, [5.0, 1.0, 9.0, 7.0], Span(0, 2), period_s=3600, coverage_min=0.75)
    assert found.values() == [1.0, 5.0]
    assert found.start_us.tolist() == [0, HOUR_US]


def test_a_station_that_sends_more_than_expected_covers_its_hour_once():
    found = hourly_means([0, 1, 2], [1.0, 2.0, 3.0], Span(0, 1), period_s=3600, coverage_min=0.75)
    assert (found.values(), found.coverage.tolist()) == ([2.0], [1.0])


def test_rain_is_summed():
    times, values = ten_minutes(0.5, 0.0, 1.0, 0.0, 0.0, 0.5)
    assert hourly_means(times, values, Span(0, 1), period_s=600, coverage_min=0.75, total=True).values() == [2.0]


def test_a_period_that_is_not_positive_is_refused():
    with pytest.raises(InputError):
        hourly_means([], [], Span(0, 1), period_s=0, coverage_min=0.75)


@pytest.mark.parametrize(
    ("hours", "value", "coverage"),
    [([2.0] * 18 + [math.nan] * 6, 2.0, 0.75), ([2.0] * 17 + [math.nan] * 7, None, 17 / 24), ([], None, 0.0)],
)
def test_a_day_has_a_mean_from_eighteen_hours_on(hours, value, coverage):
    mean = mean_of_hours(hours, coverage_min=0.75)
    assert (mean.value, mean.coverage) == (value, coverage)


def test_a_running_sum_with_a_gap_is_unknown():
    assert np.array_equal(running_sums([1, 2, math.nan, 3, 4, 5], 3), [np.nan] * 5 + [12], equal_nan=True)
    assert np.isnan(running_sums([1, 2], 3)).all()
