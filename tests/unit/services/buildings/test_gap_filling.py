from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.services.buildings.modelling.filling import DEFAULT, fill_gaps
from dure.services.buildings.modelling.rows import HourlyRows
from dure.services.buildings.modelling.towt import HOUR_US, local_hours

N = 24 * 210
NUMBER = np.arange(N)
HOUR, MONTH = local_hours(HOUR_US * NUMBER + int(np.datetime64("2025-01-06", "us").astype(np.int64)), 0)


def a_meter(seed: int = 1, gaps: tuple[tuple[int, int], ...] = ()):
    chance = np.random.default_rng(seed)
    temperature = (
        50 - 20 * np.cos(2 * np.pi * NUMBER / 8760) + 8 * np.sin(2 * np.pi * NUMBER / 24) + 3 * chance.standard_normal(N)
    )
    usage = 20 + 15 * ((HOUR % 24 > 7) & (HOUR % 24 < 19)) + np.maximum(0, 50 - temperature) + 2 * chance.standard_normal(N)
    truth = usage.copy()
    for first, end in gaps:
        usage[first:end] = np.nan
    return HourlyRows(temperature, usage, HOUR, MONTH, NUMBER // 168), truth


def test_what_was_measured_is_never_touched():
    rows, _ = a_meter(gaps=((100, 130),))
    found = fill_gaps(rows)
    measured = ~np.isnan(rows.usage)
    assert np.array_equal(found.usage[measured], rows.usage[measured])
    assert np.array_equal(found.filled, ~measured)
    assert np.array_equal(found.low[measured], found.high[measured])


def test_a_gap_is_told_with_its_total_and_an_interval_that_holds_it():
    rows, truth = a_meter(gaps=((1000, 1048), (2000, 2001)))
    found = fill_gaps(rows)
    assert [(gap.first, gap.end, gap.why) for gap in found.gaps] == [(1000, 1048, "filled"), (2000, 2001, "filled")]
    assert all(gap.low <= truth[gap.first : gap.end].sum() <= gap.high for gap in found.gaps)
    assert found.measured_share == pytest.approx(1 - 49 / N)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_intervals_of_hours_hold_about_nine_in_ten(seed):
    missing = tuple((first, first + 24) for first in range(400, N - 400, 400))
    rows, truth = a_meter(seed, missing)
    found = fill_gaps(rows)
    held = (found.low <= truth) & (truth <= found.high)
    assert 0.8 < held[found.filled].mean() < 0.98


def test_a_gap_longer_than_the_limit_stays_a_gap():
    rows, _ = a_meter(gaps=((500, 900), (1500, 1510)))
    found = fill_gaps(rows, replace(DEFAULT, gap_h_max=336))
    assert [gap.why for gap in found.gaps] == ["too_long", "filled"]
    assert np.isnan(found.usage[500:900]).all()
    assert np.isnan(found.gaps[0].total)


def test_a_gap_without_temperature_stays_a_gap():
    rows, _ = a_meter(gaps=((500, 510),))
    rows.temperature[505] = np.nan
    found = fill_gaps(rows)
    assert found.gaps[0].why == "no_temperature"
    assert not found.filled.any()


def test_nothing_is_filled_below_zero():
    rows, _ = a_meter(gaps=((500, 550),))
    rows = replace(rows, usage=np.maximum(0.0, rows.usage - 28))
    found = fill_gaps(rows)
    assert (found.low[found.filled] >= 0).all()
    assert (found.usage[found.filled] >= 0).all()


def test_gaps_at_both_ends_are_found():
    found = fill_gaps(a_meter(gaps=((0, 3), (N - 2, N)))[0])
    assert [(gap.first, gap.end) for gap in found.gaps] == [(0, 3), (N - 2, N)]


def test_a_series_without_gaps_comes_back_as_it_is():
    rows, truth = a_meter()
    found = fill_gaps(rows)
    assert np.array_equal(found.usage, truth)
    assert found.gaps == ()


@pytest.mark.parametrize(("keep", "code"), [(0, "no_data"), (300, "too_few")])
def test_a_meter_with_hardly_any_data_is_refused_not_filled(keep, code):
    rows, _ = a_meter(gaps=((keep, N),))
    assert fill_gaps(rows).code == code
