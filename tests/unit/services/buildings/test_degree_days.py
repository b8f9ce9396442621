from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.services.buildings.modelling.degree_days import from_days, from_hours

TWO_DAYS = np.repeat([0, 1], 24)


def test_korean_bases_are_18_and_24_degrees():
    found = from_days(np.array([10.0, 18.0, 21.0, 24.0, 30.0]))
    assert found.heating.tolist() == [8.0, 0.0, 0.0, 0.0, 0.0]
    assert found.cooling.tolist() == [0.0, 0.0, 0.0, 0.0, 6.0]


def test_a_mild_day_with_a_cold_night_has_heating_degree_days_only_by_the_hour():
    temperature = np.tile(np.repeat([8.0, 28.0], 12), 2)
    assert from_hours(temperature, TWO_DAYS).heating.tolist() == [0.0, 0.0]
    by_hour = from_hours(temperature, TWO_DAYS, integrate=True)
    assert by_hour.heating.tolist() == [5.0, 5.0]
    assert by_hour.cooling.tolist() == [2.0, 2.0]


@pytest.mark.parametrize(("missing", "counts"), [(11, True), (12, False), (24, False)])
def test_a_day_counts_where_more_than_half_of_its_hours_are_known(missing, counts):
    temperature = np.full(48, 10.0)
    temperature[:missing] = np.nan
    found = from_hours(temperature, TWO_DAYS)
    assert np.isfinite(found.heating[0]) == counts
    assert found.heating[1] == 8.0


def test_hours_that_have_no_row_are_missing_too():
    found = from_hours(np.full(34, 10.0), np.repeat([0, 1], [24, 10]))
    assert found.coverage.tolist() == pytest.approx([1.0, 10 / 24])
    assert np.isnan(found.heating[1])
    assert found.totals == (8.0, 0.0, 0.5)


def test_days_of_23_and_25_hours_are_whole():
    found = from_hours(np.full(48, 10.0), np.repeat([0, 1], [23, 25]))
    assert found.coverage.tolist() == [1.0, 1.0]
    assert found.heating.tolist() == [8.0, 8.0]


def test_a_day_of_the_middle_without_rows_is_missing():
    found = from_hours(np.full(48, 10.0), np.repeat([0, 2], 24))
    assert np.isnan(found.mean).tolist() == [False, True, False]


@given(st.lists(st.floats(-40, 45), min_size=1, max_size=50))
def test_heating_less_cooling_is_base_less_mean_where_both_bases_are_one(means):
    mean = np.array(means)
    found = from_days(mean, 20.0, 20.0)
    assert found.heating - found.cooling == pytest.approx(20.0 - mean)
    assert (found.heating * found.cooling == 0).all()


@given(st.lists(st.floats(-40, 45), min_size=24, max_size=24))
def test_by_the_hour_there_is_never_less_than_by_the_day(hours):
    temperature, day = np.array(hours), np.zeros(24, int)
    by_day, by_hour = from_hours(temperature, day), from_hours(temperature, day, integrate=True)
    assert by_hour.heating[0] >= by_day.heating[0] - 1e-9
    assert by_hour.cooling[0] >= by_day.cooling[0] - 1e-9


@pytest.mark.parametrize(
    ("temperature", "day", "code"),
    [
        (np.array([]), np.array([], int), "no_data"),
        (np.full(24, np.nan), np.zeros(24, int), "no_data"),
        (np.full(24, np.inf), np.zeros(24, int), "infinite_value"),
        (np.ones(24), np.zeros(23, int), "lengths_differ"),
    ],
)
def test_temperatures_that_tell_nothing_are_refused(temperature, day, code):
    assert from_hours(temperature, day).code == code
