from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.services.buildings.modelling.change_points import fit_daily
from dure.services.buildings.modelling.compiling import bypassed
from dure.services.buildings.modelling.seasons import COVERS, DEFAULT, MEMBERS, Calendar, block_name, fit_seasonal

DATES = np.arange(np.datetime64("2025-01-01"), np.datetime64("2026-01-01"))
CELL = Calendar().cells(DATES)
PLAIN = replace(DEFAULT, smooth=False, robust=False)
WHOLE = replace(PLAIN, multiplier=2.0)  # no split pays


def a_year(seed: int = 1, noise: float = 3.0, weekend: float = 1.0):
    chance = np.random.default_rng(seed)
    temperature = 55 - 30 * np.cos(2 * np.pi * np.arange(365) / 365) + 6 * chance.standard_normal(365)
    usage = 100 + 2 * np.maximum(0, 55 - temperature) + 3 * np.maximum(0, temperature - 66)
    return temperature, usage * np.where(CELL % 2, weekend, 1.0) + noise * chance.standard_normal(365)


def test_every_cover_holds_each_cell_once():
    assert len(COVERS) == 48
    held = [sum(MEMBERS[block] for block in cover if block >= 0).tolist() for cover in COVERS]
    assert held == [[1] * 6] * 48


def test_blocks_have_the_names_of_opendsm():
    assert [block_name(block) for block in (0, 6, 13, 18)] == ["fw-su", "fw-su_sh_wi", "wd-su_sh_wi", "we-su_wi"]


def test_a_saturday_in_july_is_a_summer_weekend_and_a_holiday_too():
    days = np.array(["2025-07-05", "2025-07-07", "2025-12-25"], "datetime64[D]")
    assert Calendar().cells(days).tolist() == [1, 0, 4]
    assert Calendar().cells(days, np.array([False, False, True])).tolist() == [1, 0, 5]


def test_where_no_split_pays_it_is_the_grids_least_squares_model():
    temperature, usage = a_year(noise=8)
    found = fit_seasonal(temperature, usage, CELL, WHOLE)
    plain = fit_daily(temperature, usage)
    assert found.split == "fw-su_sh_wi"
    assert found.sse <= plain.sse * (1 + 1e-9)


def test_a_building_that_rests_at_weekends_is_split_by_weekday_alone():
    temperature, usage = a_year(weekend=0.5)
    found = fit_seasonal(temperature, usage, CELL)
    assert found.split == "wd-su_sh_wi__we-su_sh_wi"
    assert np.abs(found.predict(temperature, CELL) / usage - 1).mean() < 0.04


def test_a_building_that_does_not_is_not_split():
    temperature, usage = a_year(noise=6)
    assert fit_seasonal(temperature, usage, CELL, replace(PLAIN, multiplier=0.24)).split == "fw-su_sh_wi"


def test_a_season_with_another_level_has_a_block_of_its_own():
    temperature, usage = a_year()
    closed = CELL // 2 == 0
    found = fit_seasonal(temperature, np.where(closed, 20.0 + 0.1 * usage, usage), CELL)
    assert found.model_of_cell[0] not in found.model_of_cell[2:].tolist()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_splits_and_the_refinement_only_lower_what_is_left_over(seed):
    temperature, usage = a_year(seed, noise=10, weekend=0.8)
    one = fit_seasonal(temperature, usage, CELL, WHOLE)
    grid = fit_seasonal(temperature, usage, CELL, replace(PLAIN, multiplier=0.0))
    smooth = fit_seasonal(temperature, usage, CELL, replace(PLAIN, multiplier=0.0, smooth=True))
    assert smooth.sse <= grid.sse * (1 + 1e-9)
    assert grid.sse <= one.sse * (1 + 1e-9)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_the_order_of_days_changes_no_prediction(seed):
    temperature, usage = a_year(seed, weekend=0.7)
    order = np.random.default_rng(seed).permutation(365)
    one = fit_seasonal(temperature, usage, CELL)
    other = fit_seasonal(temperature[order], usage[order], CELL[order])
    assert one.predict(temperature, CELL) == pytest.approx(other.predict(temperature, CELL), rel=1e-6)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([1e-3, 3.6, 1e6]))
def test_another_unit_of_use_scales_the_prediction(seed, factor):
    temperature, usage = a_year(seed, weekend=0.7)
    one = fit_seasonal(temperature, usage, CELL).predict(temperature, CELL)
    other = fit_seasonal(temperature, factor * usage, CELL).predict(temperature, CELL)
    assert other == pytest.approx(factor * one, rel=1e-5)


def test_predictions_sum_to_what_was_used_although_the_loss_is_robust():
    temperature, usage = a_year(noise=5)
    usage[::17] *= 2
    found = fit_seasonal(temperature, usage, CELL)
    assert found.predict(temperature, CELL).sum() == pytest.approx(usage.sum(), rel=1e-9)


def test_strange_days_bend_a_robust_model_less():
    temperature, usage = a_year(noise=2)
    strange = usage.copy()
    strange[np.argsort(temperature)[-24::2]] *= 0.2  # so many that least squares sees no cooling at all
    how = replace(WHOLE, robust=True)
    true = fit_seasonal(temperature, usage, CELL, how).shapes[0, 2]
    robust = fit_seasonal(temperature, strange, CELL, how).shapes[0, 2]
    plain = fit_seasonal(temperature, strange, CELL, WHOLE).shapes[0, 2]
    assert abs(robust - true) < 0.5 * abs(plain - true)


def test_a_rounded_bend_is_found_where_the_data_has_one():
    chance, temperature = np.random.default_rng(3), a_year()[0]
    x = temperature - 62
    usage = 100 + 1.5 * (x + np.sqrt(x**2 + 15**2)) + 0.5 * chance.standard_normal(365)
    found = fit_seasonal(temperature, usage, CELL, replace(WHOLE, multiplier=0.3, smooth=True))
    assert found.shapes[0, 6] == pytest.approx(15, abs=4)
    assert found.sse < 365 * 0.5**2 * 1.2


def test_the_interpreted_loops_give_the_same_seasonal_model():
    temperature, usage = a_year(weekend=0.6)
    compiled = fit_seasonal(temperature, usage, CELL)
    with bypassed():
        found = fit_seasonal(temperature, usage, CELL)
    assert found.split == compiled.split
    assert found.shapes == pytest.approx(compiled.shapes, rel=1e-6, abs=1e-6)


def test_days_without_data_are_left_out_and_told_as_missing():
    temperature, usage = a_year()
    temperature[5], usage[9] = np.nan, np.nan
    found = fit_seasonal(temperature, usage, CELL)
    assert found.n == 363
    assert np.flatnonzero(np.isnan(found.predict(temperature, CELL))).tolist() == [5]


def test_a_series_of_only_one_season_still_has_a_model():
    temperature, usage = a_year()
    summer = CELL // 2 == 0
    found = fit_seasonal(temperature[summer], usage[summer], CELL[summer])
    assert np.isfinite(found.predict(temperature, CELL)).all()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda t, u, c: (t[:5], u[:5], c[:5]), "too_few"),
        (lambda t, u, c: (0 * t, u, c), "constant_temperature"),
        (lambda t, u, c: (t, 0 * u, c), "zero_use"),
        (lambda t, u, c: (t, u - 150, c), "negative_use"),
        (lambda t, u, c: (t, u, c + 1), "cell_unknown"),
        (lambda t, u, c: (t, u, c[:-1]), "cell_unknown"),
        (lambda t, u, c: (t, u[:-1], c), "lengths_differ"),
        (lambda t, u, c: (t, np.nan * u, c), "no_data"),
    ],
)
def test_bad_days_are_refused_by_the_seasonal_model(change, code):
    assert fit_seasonal(*change(*a_year(), CELL)).code == code


def test_a_net_meter_may_be_below_zero_where_the_rules_say_so():
    temperature, usage = a_year()
    found = fit_seasonal(temperature, usage - 150, CELL, replace(DEFAULT, net=True))
    assert found.predict(temperature, CELL).sum() == pytest.approx((usage - 150).sum())


def test_use_that_never_changes_is_one_base_compiled_or_not():
    temperature, _ = a_year()
    found = fit_seasonal(temperature, np.full(365, 7.0), CELL)
    with bypassed():
        plain = fit_seasonal(temperature, np.full(365, 7.0), CELL)
    for one in (found, plain):
        assert (one.split, one.coefficients) == ("fw-su_sh_wi", 1)
        assert one.predict(temperature, CELL) == pytest.approx(np.full(365, 7.0))
