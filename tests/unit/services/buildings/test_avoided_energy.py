from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.services.buildings.modelling.rows import DailyRows, HourlyRows, weeks_of
from dure.services.buildings.modelling.savings import (
    DEFAULT,
    HeldOut,
    avoided_energy,
    held_out,
    normalised_annual,
    normalised_saving,
)
from dure.services.buildings.modelling.seasons import Calendar
from dure.services.buildings.modelling.towt import HOUR_US, local_hours

FIRST = np.datetime64("2024-01-01")
QUICK = replace(DEFAULT, deals=2)


def days(year: int, *, seed: int = 1, factor: float = 1.0, noise: float = 6.0, warmer: float = 0.0, n: int = 364):
    chance = np.random.default_rng([seed, year])
    number = np.arange(n) + 364 * year
    temperature = 55 + warmer - 30 * np.cos(2 * np.pi * number / 365) + 6 * chance.standard_normal(n)
    usage = 100 + 2 * np.maximum(0, 55 - temperature) + 3 * np.maximum(0, temperature - 66)
    restless = np.repeat(chance.standard_normal(n // 7 + 1), 7)[:n] * noise / 2  # what lasts for a week
    cell = Calendar().cells(FIRST + number)
    return DailyRows(temperature, factor * usage + restless + noise * chance.standard_normal(n), cell, weeks_of(number))


def test_a_saving_of_ten_percent_is_seen_and_lies_within_its_interval():
    found = avoided_energy(days(0), days(1, factor=0.9), QUICK)
    truth = 0.1 * days(1, noise=0).usage.sum()
    assert found.low < truth < found.high
    assert found.certain
    assert found.avoided == pytest.approx(found.predicted - found.measured)


def test_weather_alone_is_no_saving():
    found = avoided_energy(days(0), days(1, warmer=4.0), QUICK)
    assert found.low < 0 < found.high
    assert not found.certain


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    held = [avoided_energy(days(0, seed=seed), days(1, seed=seed), QUICK) for seed in range(60)]
    assert 0.8 <= np.mean([one.low <= 0 <= one.high for one in held]) <= 1.0


def test_more_confidence_is_a_wider_interval():
    narrow, wide = (avoided_energy(days(0), days(1), replace(QUICK, confidence=level)).half_width for level in (0.8, 0.95))
    assert wide > 1.3 * narrow


def test_days_without_measurement_are_in_neither_sum_and_told():
    after = days(1, factor=0.9)
    after.usage[:91] = np.nan
    found = avoided_energy(days(0), after, QUICK)
    assert found.coverage == pytest.approx(0.75)
    assert found.measured == pytest.approx(np.nansum(after.usage))


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([1e-3, 3.6]))
def test_the_unit_of_use_scales_a_saving_and_its_interval(seed, factor):
    before, after = days(0, seed=seed), days(1, seed=seed)
    one = avoided_energy(before, after, QUICK)
    scaled = [replace(rows, usage=factor * rows.usage) for rows in (before, after)]
    other = avoided_energy(*scaled, QUICK)
    assert (other.avoided, other.half_width) == pytest.approx((factor * one.avoided, factor * one.half_width), rel=1e-3)


def test_the_same_question_has_the_same_answer():
    assert avoided_energy(days(0), days(1), QUICK) == avoided_energy(days(0), days(1), QUICK)


def test_the_guidelines_half_width_stands_beside():
    assert avoided_energy(days(0), days(1), QUICK).g14_half_width > 0


def test_the_half_width_grows_with_weeks_and_with_a_short_baseline():
    assert HeldOut(4.0, 52).half_width(1, 0.9) == pytest.approx(2 * 1.675 * np.sqrt(1 + 1 / 52), rel=1e-3)
    assert HeldOut(4.0, 26).half_width(13, 0.9) > HeldOut(4.0, 52).half_width(13, 0.9)


def test_a_normal_year_by_either_model_tells_the_saving_without_the_weather():
    normal = days(3, noise=0)
    before, after = (normalised_annual(rows, normal, QUICK) for rows in (days(0), days(1, factor=0.85, warmer=5.0)))
    saved, low, high = normalised_saving(before, after)
    assert low < 0.15 * normal.usage.sum() < high
    assert saved == pytest.approx(before.use - after.use)


def test_a_normal_year_with_holes_is_none():
    normal = days(3)
    normal.temperature[3] = np.nan
    assert normalised_annual(days(0), normal, QUICK).code == "no_data"


def test_hours_are_judged_as_days_are():
    number = np.arange(24 * 364)
    hour, month = local_hours(HOUR_US * number + int(FIRST.astype("datetime64[us]").astype(np.int64)), 0)
    chance = np.random.default_rng(4)
    temperature = 55 - 30 * np.cos(2 * np.pi * number / 8760) + 6 * chance.standard_normal(len(number))
    usage = 10 + np.maximum(0, 55 - temperature) + chance.standard_normal(len(number))
    rows = HourlyRows(temperature, usage, hour, month, number // 168)
    found = avoided_energy(rows.of(rows.week % 4 > 0), rows.of(rows.week % 4 == 0), QUICK)
    assert found.low < 0 < found.high
    assert found.coverage == 1.0


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (days(0, n=10), days(1), "too_few"),
        (days(0, n=70), days(1), "too_few"),
        (replace(days(0), usage=np.zeros(364)), days(1), "zero_use"),
        (replace(days(0), usage=days(0).usage - 200), days(1), "negative_use"),
        (replace(days(0), temperature=np.full(364, 50.0)), days(1), "constant_temperature"),
        (days(0), replace(days(1), usage=np.full(364, np.nan)), "no_data"),
    ],
)
def test_baselines_that_carry_nothing_are_refused(before, after, code):
    assert avoided_energy(before, after, QUICK).code == code


def test_ten_weeks_are_too_few_to_hold_some_out():
    assert held_out(days(0, n=70), QUICK).code == "too_few"
