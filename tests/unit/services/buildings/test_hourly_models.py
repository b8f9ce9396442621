from __future__ import annotations

import csv
import gzip
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.services.buildings.modelling.compiling import bypassed
from dure.services.buildings.modelling.goodness import goodness
from dure.services.buildings.modelling.towt import DEFAULT, HOUR_US, KNOTS_C, fit_hourly, local_hours

DATA = Path(os.environ.get("DURE_TEST_DATA", Path(__file__).parents[5] / "shared" / "data")) / "buildings"
START_US = int(np.datetime64("2025-01-01T00", "us").astype(np.int64))
AT = START_US + HOUR_US * np.arange(8760)
HOUR, MONTH = local_hours(AT, 9 * HOUR_US)


def a_building(seed: int = 1, noise: float = 1.0, n: int = 8760):
    chance = np.random.default_rng(seed)
    day = np.arange(n) / 24
    temperature = 55 - 28 * np.cos(2 * np.pi * day / 365) + 8 * np.sin(2 * np.pi * day) + 5 * chance.standard_normal(n)
    busy = ((HOUR[:n] % 24) >= 8) & ((HOUR[:n] % 24) < 19) & (HOUR[:n] < 120)
    load = 20 + 30 * busy + np.where(busy, 1.0, 0.3) * (np.maximum(0, 50 - temperature) + np.maximum(0, temperature - 68))
    return temperature, load + noise * chance.standard_normal(n)


def test_the_first_hour_of_the_week_is_monday_midnight_in_local_time():
    monday = int(np.datetime64("2025-06-01T15", "us").astype(np.int64))  # 2025-06-02 00:00 in Seoul
    hour, month = local_hours(np.array([monday, monday + 30 * HOUR_US]), 9 * HOUR_US)
    assert hour.tolist() == [0, 30]
    assert month.tolist() == [5, 5]


def test_days_of_23_and_25_hours_keep_the_hour_of_the_week_of_the_clock():
    zone = ZoneInfo("America/Chicago")
    at = int(np.datetime64("2025-03-09T05", "us").astype(np.int64)) + HOUR_US * np.arange(72)
    offset = np.array([int(datetime.fromtimestamp(one / 1e6, zone).utcoffset().total_seconds()) for one in at]) * 1_000_000
    hour, _ = local_hours(at, offset)
    clock = [datetime.fromtimestamp(one / 1e6, zone) for one in at]
    assert hour.tolist() == [24 * one.weekday() + one.hour for one in clock]
    assert len(set(hour[:25].tolist())) == 25


def test_the_model_tells_a_made_up_building_nearly_to_its_noise():
    temperature, usage = a_building()
    found = fit_hourly(temperature, usage, HOUR, MONTH)
    told = found.predict(temperature, HOUR, MONTH)
    assert np.std(usage - told) < 1.6
    assert told.sum() == pytest.approx(usage.sum(), rel=1e-3)


def test_occupied_hours_are_those_of_the_office():
    temperature, usage = a_building()
    occupied = fit_hourly(temperature, usage, HOUR, MONTH).occupied.reshape(7, 24)
    assert occupied[:5, 8:19].all()
    assert not occupied[5:].any()
    assert not occupied[:, 0:6].any()


def test_half_of_the_hours_missing_change_little():
    temperature, usage = a_building()
    gappy = np.where(np.random.default_rng(5).random(8760) < 0.5, np.nan, usage)
    found = fit_hourly(temperature, gappy, HOUR, MONTH)
    assert found.n == np.isfinite(gappy).sum()
    assert np.std(usage - found.predict(temperature, HOUR, MONTH)) < 1.9


def test_a_month_and_an_hour_without_data_are_told_by_the_year():
    temperature, usage = a_building()
    usage[MONTH == 6] = np.nan
    usage[(HOUR == 34) & np.isin(MONTH, [11, 0, 1])] = np.nan
    found = fit_hourly(temperature, usage, HOUR, MONTH)
    assert not found.seen[6]
    assert np.isfinite(found.predict(temperature, HOUR, MONTH)).all()


def test_an_hour_of_the_week_never_seen_is_not_told():
    temperature, usage = a_building()
    usage[HOUR == 34] = np.nan
    told = fit_hourly(temperature, usage, HOUR, MONTH).predict(temperature, HOUR, MONTH)
    assert np.array_equal(np.isnan(told), HOUR == 34)


def test_a_temperature_beyond_the_data_goes_straight_on():
    temperature, usage = a_building()
    found = fit_hourly(temperature, usage, HOUR, MONTH)
    hot = temperature.max() + np.array([0.0, 5.0, 10.0])
    told = found.predict(hot, np.full(3, 36), np.full(3, 6))
    assert np.diff(told)[0] == pytest.approx(np.diff(told)[1])
    assert told[2] > told[0]


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000))
def test_the_order_of_hours_changes_no_prediction(seed):
    temperature, usage = a_building(seed)
    order = np.random.default_rng(seed).permutation(8760)
    one = fit_hourly(temperature, usage, HOUR, MONTH).predict(temperature, HOUR, MONTH)
    other = fit_hourly(temperature[order], usage[order], HOUR[order], MONTH[order]).predict(temperature, HOUR, MONTH)
    assert other == pytest.approx(one, rel=1e-7)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([1e-3, 3.6e6]))
def test_another_unit_of_use_scales_the_hours(seed, factor):
    temperature, usage = a_building(seed)
    one = fit_hourly(temperature, usage, HOUR, MONTH).predict(temperature, HOUR, MONTH)
    other = fit_hourly(temperature, factor * usage, HOUR, MONTH).predict(temperature, HOUR, MONTH)
    assert other == pytest.approx(factor * one, rel=1e-7)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_another_unit_of_temperature_changes_no_prediction(seed):
    temperature, usage = a_building(seed)
    celsius = (temperature - 32) / 1.8
    knots = tuple((knot - 32) / 1.8 for knot in DEFAULT.knots)
    how = replace(DEFAULT, knots=knots, apart_min=DEFAULT.apart_min / 1.8)
    one = fit_hourly(temperature, usage, HOUR, MONTH).predict(temperature, HOUR, MONTH)
    other = fit_hourly(celsius, usage, HOUR, MONTH, how).predict(celsius, HOUR, MONTH)
    assert other == pytest.approx(one, rel=1e-6)


def test_knots_in_degrees_celsius_serve_as_well():
    temperature, usage = a_building()
    celsius = (temperature - 32) / 1.8
    found = fit_hourly(celsius, usage, HOUR, MONTH, replace(DEFAULT, knots=KNOTS_C))
    assert np.std(usage - found.predict(celsius, HOUR, MONTH)) < 1.6


def test_the_interpreted_loops_give_the_same_hours():
    temperature, usage = a_building(n=1000)
    hour, month = HOUR[:1000], MONTH[:1000]
    compiled = fit_hourly(temperature, usage, hour, month).predict(temperature, hour, month)
    with bypassed():
        assert fit_hourly(temperature, usage, hour, month).predict(temperature, hour, month) == pytest.approx(compiled)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda t, u: (t[:600], u[:600], HOUR[:600], MONTH[:600]), "too_few"),
        (lambda t, u: (0 * t, u, HOUR, MONTH), "constant_temperature"),
        (lambda t, u: (t, 0 * u, HOUR, MONTH), "zero_use"),
        (lambda t, u: (t, u - 60, HOUR, MONTH), "negative_use"),
        (lambda t, u: (t, u, HOUR + 1, MONTH), "cell_unknown"),
        (lambda t, u: (t, u, HOUR[:-1], MONTH), "cell_unknown"),
        (lambda t, u: (t, u, HOUR, MONTH + 1), "cell_unknown"),
        (lambda t, u: (t[:-1], u, HOUR, MONTH), "lengths_differ"),
        (lambda t, u: (t + np.inf, u, HOUR, MONTH), "infinite_value"),
    ],
)
def test_bad_hours_are_refused_with_a_code(change, code):
    assert fit_hourly(*change(*a_building())).code == code


def test_a_real_year_of_the_sample_of_lbnl_is_told_within_guideline_14():
    file = DATA / "rmv2" / "Data_pre_1_2.csv.gz"
    if not file.exists():
        pytest.skip(f"no {file}; set DURE_TEST_DATA")
    with gzip.open(file, "rt") as lines:
        rows = [row for row in list(csv.reader(lines))[1:] if row[0] != "NA"]
    at = np.array([datetime.strptime(row[0], "%m/%d/%y %H:%M").replace(tzinfo=ZoneInfo("UTC")).timestamp() for row in rows])
    usage, temperature = (np.array([float(row[column]) for row in rows]) for column in (1, 2))
    hour, month = local_hours((at * 1e6).astype(np.int64), 0)
    found = fit_hourly(temperature, usage, hour, month, replace(DEFAULT, knots=KNOTS_C))
    fit = goodness(usage, found.predict(temperature, hour, month), found.coefficients)
    assert fit.cv_rmse < 0.17
    assert abs(fit.nmbe) < 0.005
