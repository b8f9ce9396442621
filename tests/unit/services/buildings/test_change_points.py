from __future__ import annotations

import csv
import gzip
import json
import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.services.buildings.modelling.change_points import (
    BILLING,
    CALTRACK_F,
    KOREAN_C,
    Bills,
    ChangePoint,
    Grid,
    Qualification,
    fit_billing,
    fit_daily,
    fit_daily_many,
)
from dure.services.buildings.modelling.compiling import bypassed
from dure.services.buildings.modelling.outcome import Refused

SAMPLES = Path(os.environ.get("DURE_TEST_DATA", Path(__file__).parents[5] / "shared" / "data")) / "buildings" / "eemeter_samples"
GOLDEN = json.loads((Path(__file__).parent / "mv_golden_eemeter.json").read_text("utf-8"))
COARSE = Grid(40.0, 80.0, 5.0)
FIELDS = ("intercept", "beta_hdd", "beta_cdd", "heating_balance_point", "cooling_balance_point")


def a_year(seed: int = 1, noise: float = 3.0, n: int = 365):
    chance = np.random.default_rng(seed)
    temperature = 55 - 30 * np.cos(2 * np.pi * np.arange(n) / 365) + 6 * chance.standard_normal(n)
    usage = 100 + 2 * np.maximum(0, 55 - temperature) + 3 * np.maximum(0, temperature - 66) + noise * chance.standard_normal(n)
    return temperature, usage


def series(name: str):
    if not SAMPLES.exists():
        pytest.skip(f"no samples at {SAMPLES}; set DURE_TEST_DATA")
    with gzip.open(SAMPLES / name, "rt") as file:
        rows = list(csv.reader(file))[1:]
    at = np.array([datetime.fromisoformat(when).timestamp() for when, _ in rows]) / 3600
    return np.round(at).astype(int), np.array([float(value) if value else np.nan for _, value in rows])


def sample(name: str):
    """Mean temperature of each day of a baseline, and its bills in days from the first, of one of eemeter's samples.

    Days of the daily series are local: two of them have 23 or 25 hours, and their use is scaled to 24.
    """
    told = GOLDEN["models"][name]
    start, usage = series(told["meter"])
    hour, temperature = series(told["temperature"])
    first, last = (round(datetime.fromisoformat(told[key]).timestamp() / 3600) for key in ("first", "last"))
    kept = (start >= first) & (start <= last)
    start, usage = start[kept], usage[kept]
    inside = (hour >= first) & (hour < last)
    if name.endswith("daily"):
        day, hours = np.arange(len(start)), np.diff(start)
        days, usage[:-1] = np.searchsorted(start, hour[inside], "right") - 1, usage[:-1] * 24 / hours
        inside[inside] = hour[inside] - start[days] < 24  # of a day of 25 hours eemeter takes the temperature of the first 24
        days = np.searchsorted(start, hour[inside], "right") - 1
    else:
        day, days = (start - first) // 24, (hour[inside] - first) // 24
    mean = np.bincount(days, temperature[inside]) / np.bincount(days)
    return told, mean, Bills(day[:-1], day[1:], usage[:-1])


def brute_force(temperature, usage, grid: Grid, rules: Qualification):
    """The best candidate by plain least squares, one after the other."""
    best, least = 0.0, ((usage - usage.mean()) ** 2).sum()
    points = [None, *grid.points.tolist()]
    spread, n = ((usage - usage.mean()) ** 2).sum(), len(usage)
    for cool in points:
        for heat in points:
            if (heat is None and cool is None) or (heat is not None and cool is not None and heat > cool):
                continue
            hinges = [np.maximum(0, heat - temperature)] if heat is not None else []
            hinges += [np.maximum(0, temperature - cool)] if cool is not None else []
            if any((h > 0).sum() < rules.non_zero_min or h.sum() < rules.total_min for h in hinges):
                continue
            design = np.column_stack([np.ones(n), *hinges])
            answer, *_ = np.linalg.lstsq(design, usage, rcond=None)
            if (answer < 0).any():
                continue
            sse = ((usage - design @ answer) ** 2).sum()
            adjusted = 1 - sse / spread * (n - 1) / (n - 1 - len(hinges))
            if adjusted > best:
                best, least = adjusted, sse
    return best, least


@pytest.mark.parametrize("name", sorted(name for name in GOLDEN["models"] if name.endswith("daily")))
def test_daily_models_are_those_of_eemeter(name):
    told, temperature, bills = sample(name)
    found = fit_daily(temperature, bills.usage)
    assert isinstance(found, ChangePoint)
    assert found.kind == told["kind"]
    for field in FIELDS:
        if told[field] is not None:
            assert getattr(found, field) == pytest.approx(told[field], rel=1e-5)
    assert found.r_squared_adj == pytest.approx(told["r_squared_adj"], abs=1e-9)


@pytest.mark.parametrize("name", sorted(name for name in GOLDEN["models"] if "billing" in name))
def test_billing_models_are_those_of_eemeter(name):
    told, temperature, bills = sample(name)
    found = fit_billing(temperature, bills, rules=Qualification(non_zero_min=0, rows_min=1))
    assert isinstance(found, ChangePoint)
    assert found.kind == told["kind"]
    for field in FIELDS:
        if told[field] is not None:
            assert getattr(found, field) == pytest.approx(told[field], rel=1e-5)
    assert found.r_squared_adj == pytest.approx(told["r_squared_adj"], abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.0, 60.0), st.integers(40, 120))
def test_the_grid_finds_what_trying_every_pair_by_least_squares_finds(seed, noise, n):
    temperature, usage = a_year(seed, noise, n)
    usage = np.abs(usage)
    rules = Qualification()
    found = fit_daily(temperature, usage, COARSE, rules)
    best, sse = brute_force(temperature, usage, COARSE, rules)
    assert isinstance(found, ChangePoint)
    assert found.r_squared_adj == pytest.approx(best, abs=1e-9)
    assert found.sse == pytest.approx(sse, rel=1e-7, abs=1e-7)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_the_order_of_days_changes_nothing(seed):
    temperature, usage = a_year(seed)
    order = np.random.default_rng(seed).permutation(len(usage))
    one, other = fit_daily(temperature, usage), fit_daily(temperature[order], usage[order])
    assert one.predict(temperature) == pytest.approx(other.predict(temperature), rel=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1e-6, 1e-3, 3.6, 1e6]))
def test_another_unit_of_use_scales_the_model(seed, factor):
    temperature, usage = a_year(seed)
    one, other = fit_daily(temperature, usage), fit_daily(temperature, factor * usage)
    assert other.heating_balance_point == one.heating_balance_point
    assert other.predict(temperature) == pytest.approx(factor * one.predict(temperature), rel=1e-9)


def test_degrees_celsius_find_the_half_degree_the_data_was_made_with():
    temperature, _ = a_year()
    celsius = (temperature - 32) / 1.8
    usage = 50 + 4 * np.maximum(0, 12.5 - celsius) + 5 * np.maximum(0, celsius - 19.5)
    found = fit_daily(celsius, usage, KOREAN_C)
    assert (found.heating_balance_point, found.cooling_balance_point) == (12.5, 19.5)
    assert (found.intercept, found.beta_hdd, found.beta_cdd) == pytest.approx((50, 4, 5))
    assert found.parameters == 5


def test_one_balance_point_for_both_is_a_model_of_four_parameters():
    temperature, _ = a_year()
    usage = 50 + 4 * np.maximum(0, 60 - temperature) + 5 * np.maximum(0, temperature - 60)
    assert fit_daily(temperature, usage).parameters == 4


def test_meters_of_one_station_are_fitted_as_each_alone_and_gaps_are_their_own():
    temperature, usage = a_year()
    second = 0.5 * usage
    second[40:60] = np.nan
    dead = np.zeros_like(usage)
    found = fit_daily_many(temperature, np.array([usage, second, dead]))
    assert found[0] == fit_daily(temperature, usage)
    assert found[1] == fit_daily(temperature, second)
    assert found[1].n == 345
    assert found[2].code == "zero_use"


def test_a_missing_temperature_leaves_its_day_out():
    temperature, usage = a_year()
    without = np.delete(temperature, 7), np.delete(usage, 7)
    temperature[7] = np.nan
    assert fit_daily(temperature, usage) == fit_daily(*without)
    assert np.isnan(fit_daily(temperature, usage).predict(temperature)[7])


def test_the_interpreted_loops_give_the_same_model():
    temperature, usage = a_year()
    compiled = fit_daily(temperature, usage)
    with bypassed():
        assert fit_daily(temperature, usage).predict(temperature) == pytest.approx(compiled.predict(temperature))


@pytest.mark.parametrize(
    ("temperature", "usage", "code"),
    [
        (np.full(365, np.nan), np.ones(365), "no_data"),
        (np.arange(10.0), np.ones(10), "too_few"),
        (np.full(365, 60.0), np.ones(365), "constant_temperature"),
        (np.arange(365.0), np.zeros(365), "zero_use"),
        (np.arange(365.0), np.linspace(-5, 5, 365), "negative_use"),
        (np.arange(365.0), np.full(365, np.inf), "infinite_value"),
        (np.arange(365.0), np.ones(364), "lengths_differ"),
        (np.array([]), np.array([]), "no_data"),
    ],
)
def test_bad_days_are_refused_with_a_code(temperature, usage, code):
    assert fit_daily(temperature, usage) == Refused(code, fit_daily(temperature, usage).numbers)


def test_a_meter_behind_pv_may_use_less_than_nothing_where_the_rules_say_so():
    temperature, usage = a_year()
    found = fit_daily(temperature, usage - 120, rules=Qualification(net=True))
    assert found.intercept == pytest.approx(-20, abs=2)
    assert fit_daily(temperature, usage - 120).code == "negative_use"


def test_use_that_never_changes_is_a_base_alone():
    temperature, _ = a_year()
    found = fit_daily(temperature, np.full(365, 7.0))
    assert (found.kind, found.intercept, found.r_squared_adj) == ("intercept_only", 7.0, 0.0)


def months(shift: int = 0, n: int = 12):
    first = 30 * np.arange(n)
    return Bills(first, first + 30 + shift, np.full(n, 300.0))


def test_bills_without_degree_days_are_a_base_alone_per_day():
    temperature, _ = a_year()
    assert fit_billing(temperature, months()).intercept == pytest.approx(10.0)


def test_overlapping_bills_are_refused():
    assert fit_billing(a_year()[0], months(shift=1)).code == "overlapping_periods"


def test_a_bill_given_twice_is_refused():
    bills = months()
    bills.first[1] = 0
    assert fit_billing(a_year()[0], bills).code == "duplicate_periods"


def test_a_bill_of_no_days_or_beyond_the_temperatures_is_refused():
    bills = months()
    bills.end[3] = bills.first[3]
    assert fit_billing(a_year()[0], bills).code == "empty_periods"
    assert fit_billing(a_year(n=200)[0], months()).code == "empty_periods"


def test_too_few_bills_are_refused():
    assert fit_billing(a_year()[0], months(n=6)).code == "too_few"


def test_a_bill_most_of_whose_days_have_no_temperature_does_not_count():
    temperature, _ = a_year()
    temperature[0:5] = np.nan
    assert fit_billing(temperature, months(), rules=BILLING).n == 11


def test_the_grid_of_caltrack_has_61_points():
    assert CALTRACK_F.points.tolist() == [float(b) for b in range(30, 91)]
