"""Targets, the line to them, and what a year will come to."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from compared_city import RULES, YEAR, building, row, year
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import InputError
from dure.services.buildings.comparing.comparison_desk import months_of, subjects
from dure.services.buildings.comparing.spans import months_between
from dure.services.buildings.comparing.targets import Forecast, Month, Target, checked, forecast, planned, trajectory

AT = datetime(2026, 1, 5, tzinfo=UTC)


def target(**changes):
    given = {
        "id": "t1", "subject": "portfolio", "kind": "emissions_g", "year": 2030, "value": 50.0, "base": 100.0, "base_from": 2007,
        "base_to": 2009, "programme": "NGMS", "person": "p", "made_at": AT,
    }  # fmt: skip
    return Target(**given | changes)


def months(year, values):
    return {f"{year}-{index:02d}": Month(float(value)) for index, value in enumerate(values, 1)}


def test_the_line_runs_from_the_base_to_the_goal_and_stays_there():
    half = target()

    assert half.share == -0.5
    assert [planned(half, year) for year in (2000, 2009, 2030, 2040)] == [100, 100, 50, 50]
    assert planned(half, 2023) == pytest.approx(100 - 50 * 14 / 21)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"year": 2009}, "target.years"),
        ({"base_from": 2010}, "target.years"),
        ({"year": 2101}, "target.years"),
        ({"base": 0.0}, "target.value"),
        ({"value": -1.0}, "target.value"),
        ({"value": float("nan")}, "target.value"),
        ({"subject": "district:1"}, "target.subject"),
        ({"subject": "body:"}, "target.subject"),
    ],
)
def test_a_target_that_cannot_be_one_is_refused_with_a_code(changes, code):
    with pytest.raises(InputError) as refused:
        checked(target(**changes))

    assert refused.value.code == code


def test_a_trajectory_tells_years_known_in_full_and_where_we_are():
    known = months(2024, [10] * 12) | months(2025, [6] * 6)

    found = trajectory(target(base=200.0, value=100.0), known, "2025-06", RULES)

    by_year = {one.year: one for one in found.years}
    assert (by_year[2024].actual, by_year[2025].actual, by_year[2025].months_n) == (120, None, 6)
    assert by_year[2010].actual is None
    assert found.rolling == 96
    assert found.on_path is True
    assert found.planned_now == pytest.approx((planned(found.target, 2024) + planned(found.target, 2025)) / 2)


def test_a_month_that_does_not_count_leaves_the_rolling_year_unsaid():
    known = months(2025, [6] * 12) | {"2025-03": Month(6.0, counts=False)}

    found = trajectory(target(), known, "2025-12", RULES)

    assert found.rolling is None
    assert found.on_path is None


def test_a_year_that_runs_like_the_last_ends_like_it_without_doubt():
    before = [30, 28, 20, 12, 10, 15, 25, 26, 14, 10, 16, 27]
    known = months(2024, before) | months(2025, [value * 0.9 for value in before[:5]])

    found = forecast(known, 2025, RULES)

    assert found.value == pytest.approx(sum(before) * 0.9)
    assert found.high - found.low == pytest.approx(0, abs=1e-6)


def test_the_rest_is_scaled_by_weather_where_a_model_says_how():
    known = months(2024, [10] * 12) | months(2025, [10] * 6)
    weather = {f"2025-{month:02d}": 1.2 for month in range(7, 13)}

    assert forecast(known, 2025, RULES, weather).value == pytest.approx(60 + 72)
    assert forecast(known, 2025, RULES, weather).weather
    assert not forecast(known, 2025, RULES).weather


def test_the_interval_covers_what_comes_as_often_as_it_says():
    chance = np.random.default_rng(5)
    inside = 0
    for _ in range(400):
        before = chance.uniform(8, 12, 12)
        this = 0.95 * before + chance.normal(0, 0.5, 12)
        found = forecast(months(2024, before) | months(2025, this[:6]), 2025, RULES)
        inside += found.low <= this.sum() <= found.high

    assert 0.87 <= inside / 400 <= 0.97


@pytest.mark.parametrize(
    ("known", "code"),
    [
        (months(2024, [1] * 12) | months(2025, [1] * 2), "forecast.too_few"),
        (months(2024, [1] * 11) | months(2025, [1] * 6), "forecast.no_year_before"),
        (months(2024, [0] * 12) | months(2025, [1] * 6), "forecast.no_year_before"),
        ({}, "forecast.too_few"),
    ],
)
def test_without_enough_months_nothing_is_said_of_the_year_end(known, code):
    assert forecast(known, 2025, RULES).code == code


@given(st.lists(st.floats(1, 1e9), min_size=12, max_size=12), st.lists(st.floats(0, 1e9), min_size=3, max_size=12))
def test_a_forecast_lies_in_its_interval_and_never_below_what_is_known(before, this):
    found = forecast(months(2024, before) | months(2025, this), 2025, RULES)

    assert isinstance(found, Forecast)
    assert found.low <= found.value * (1 + 1e-9) + 1e-6
    assert found.value <= found.high * (1 + 1e-9) + 1e-6
    assert found.low >= sum(this) * (1 - 1e-9)


def test_months_of_a_body_are_those_of_its_buildings_and_count_when_all_do():
    ours, theirs = building("a", body="city"), building("b", body="district")
    rows = [*year("a", co2e_g=5), *year("b", co2e_g=7), *year("a", fuel="heat", co2e_g=2)[1:]]

    found = months_of(target(subject="body:city"), rows, (ours, theirs), RULES)

    assert found["2025-01"] == Month(5.0, counts=False)
    assert found["2025-02"] == Month(7.0, counts=True)
    assert sum(one.value for one in months_of(target(), rows, (ours, theirs), RULES).values()) == 12 * 12 + 11 * 2


def test_a_month_without_a_factor_does_not_count():
    found = months_of(target(), [row(co2e_g=None)], (building(),), RULES)

    assert not found["2025-01"].counts


def test_intensity_of_several_buildings_is_their_energy_over_their_area():
    both = (building("a", area_m2=1_000), building("b", area_m2=3_000))

    found = months_of(target(kind="eui_wh_m2"), [*year("a", 4), *year("b", 4)], both, RULES)

    assert found["2025-05"] == Month(2.0)


def test_subjects_are_the_portfolio_a_body_or_a_building():
    both = (building("a", body="city"), building("b", body="district"))

    assert subjects("portfolio", both) == list(both)
    assert subjects("body:district", both) == [both[1]]
    assert subjects("building:a", both) == [both[0]]
    assert subjects("building:c", both) == []
    assert months_between("2025-01", "2025-12") == YEAR
