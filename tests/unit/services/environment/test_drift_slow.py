"""Zero and span month by month, and two channels of one sensor."""

from datetime import date

import numpy as np
import pytest

from dure.services.environment.calibrating.calibration_rehearsal import HOUR_US, START_US, beside_neighbours
from dure.services.environment.calibrating.calibration_rules import calibration_rules
from dure.services.environment.faults.drift_slow import channel_split, monthly_drift, months

RULES = calibration_rules(date(2026, 11, 24))
YEAR_H = 300 * 24


def sensor(seed=1):
    one = beside_neighbours(seed, 300)
    return one.time_us, one.value, one.estimate


def test_a_steady_sensor_has_moved_nowhere():
    found = months(*sensor(), RULES.monthly)

    assert len(found) >= 9
    assert monthly_drift(found, RULES.monthly) == []


def test_a_zero_that_rises_is_told_once_with_its_amount():
    time_us, value, estimate = sensor()
    creeping = value + np.maximum(np.arange(YEAR_H) / 24 - 60, 0) * 0.1

    moved = monthly_drift(months(time_us, creeping, estimate, RULES.monthly), RULES.monthly)

    assert [one.kind for one in moved] == ["zero"]
    assert moved[0].amount > moved[0].allowed > 0


def test_a_span_that_shrinks_slowly_is_told_though_no_cusum_would():
    time_us, value, estimate = sensor(2)
    tired = value * (1 - 0.001 * np.arange(YEAR_H) / 24)

    moved = monthly_drift(months(time_us, tired, estimate, RULES.monthly), RULES.monthly)

    assert "span" in [one.kind for one in moved]
    assert next(one for one in moved if one.kind == "span").amount < 0


def test_a_month_with_few_hours_or_without_change_is_left_out():
    time_us = START_US + np.arange(24 * 31, dtype=np.int64) * HOUR_US
    value = np.full(24 * 31, np.nan)
    value[:200] = 5.0

    assert months(time_us, value, value, RULES.monthly) == []
    assert months(time_us, np.arange(24.0 * 31), np.full(24 * 31, 7.0), RULES.monthly) == []
    assert monthly_drift([], RULES.monthly) == []


def test_channels_that_agree_are_not_apart():
    a = np.random.default_rng(1).uniform(5, 80, 500)

    found = channel_split(a, a * 1.1 + 1, RULES.channels)

    assert found.apart is False
    assert found.share == 0
    assert found.ratio == pytest.approx(1 / 1.1, abs=0.05)
    assert found.doubtful == ""


def test_the_channel_further_from_the_neighbours_is_the_doubtful_one():
    near = np.random.default_rng(2).uniform(10, 60, 500)

    found = channel_split(near * 1.05, near * 0.2, RULES.channels, near)

    assert found.apart
    assert found.doubtful == "b"
    assert channel_split(near * 0.2, near * 1.05, RULES.channels, near).doubtful == "a"
    assert channel_split(near * 0.2, near * 1.05, RULES.channels).doubtful == ""


def test_a_large_fraction_of_little_is_not_apart():
    found = channel_split(np.full(100, 1.0), np.full(100, 4.0), RULES.channels)

    assert found.share == 0


def test_channels_without_a_common_hour_say_nothing():
    assert channel_split(np.array([1.0, np.nan]), np.array([np.nan, 1.0]), RULES.channels) is None
