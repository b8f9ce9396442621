"""Repeats within a batch, periods of the calendar, roll-ups made of parts."""

from __future__ import annotations

import numpy as np
import pytest

from dure.core.properties import Properties, Property
from dure.core.time import parse_instant, to_us
from dure.engines.telemetry.columns import first_rows, judge, overlapping, period_starts, roll_up, vectors_of


def us(text):
    return to_us(parse_instant(text))


def test_each_row_points_to_the_first_of_its_series_and_instant():
    series = np.array([1, 0, 1, 1, 0], np.int32)
    time_us = np.array([5, 5, 5, 4, 5])
    assert first_rows(series, time_us).tolist() == [0, 1, 0, 3, 1]
    assert first_rows(series[:0], time_us[:0]).tolist() == []


def test_a_row_unlike_the_kept_one_is_a_conflict_and_missing_equals_missing():
    value = np.array([1.0, 2.0, np.nan, np.nan])
    judged = judge(value, np.array([0, 0, 2, 2]), np.array([0]), np.array([2.0]))
    assert judged.fresh.tolist() == [False, False, True, False]
    assert judged.conflict.tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("period", "start", "end", "expected"),
    [
        ("hour", "2026-01-01T00:30Z", "2026-01-01T01:00Z", ("2026-01-01T00:00Z", "2026-01-01T01:00Z")),
        ("day", "2026-01-01T00:30Z", "2026-01-02T00:00:01Z", ("2026-01-01T00:00Z", "2026-01-03T00:00Z")),
        ("month", "2026-12-31T23:00Z", "2026-12-31T23:30Z", ("2026-12-01T00:00Z", "2027-01-01T00:00Z")),
        ("month", "2024-02-01T00:00Z", "2024-03-01T00:00Z", ("2024-02-01T00:00Z", "2024-03-01T00:00Z")),
    ],
)
def test_an_interval_widens_to_whole_periods(period, start, end, expected):
    assert overlapping(period, us(start), us(end)) == tuple(us(one) for one in expected)


def test_a_day_belongs_to_its_calendar_month():
    days = np.array(["2024-02-29", "2024-03-01"], "datetime64[D]").astype(np.int64)
    assert period_starts("month", days).tolist() == [us("2024-02-01T00:00Z"), us("2024-03-01T00:00Z")]


def test_parts_of_one_period_become_one_row_ordered_by_asset():
    nan = np.nan
    parts = {
        "series": np.array([0, 1, 0, 0]),
        "bucket": np.array([5, 5, 5, 6]),
        **{name: np.array([1, 2, 3, 0]) for name in ("n1", "n3")},
        **{name: np.array([0, 0, 0, 1]) for name in ("n2", "n4", "n9")},
        "total": np.array([1.0, 8.0, 6.0, nan]),
        "low": np.array([nan, 1.0, 0.5, nan]),
        "high": np.array([1.0, 3.0, 2.0, nan]),
    }
    found = roll_up(parts, "hour", ["b", "a"], vector=False)
    assert list(found.asset) == ["a", "b", "b"]
    assert found.n_good.tolist() == [2, 4, 0]
    assert found.n_missing.tolist() == [0, 0, 1]
    np.testing.assert_array_equal(found.total, [8.0, 7.0, nan])
    np.testing.assert_array_equal(found.mean, [2.0, 7 / 8, nan])
    np.testing.assert_array_equal(found.low, [1.0, 0.5, nan])


def test_directions_are_told_by_the_registry():
    text = {"ko": "풍향", "en": "Wind direction"}
    wind = Property(id="wind_dir", name=text, unit="deg", fail_min=0, fail_max=360, aggregate="vector")
    properties = Properties([wind])
    is_vector = vectors_of(properties)
    assert is_vector("wind_dir")
    assert not is_vector("unknown")
