"""The weather of a day, for what depends on it: means of hours that count, degree days, sunshine, and one telling."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.time import day_interval
from dure.services.environment.grades.weather_day import OBSERVED, Hours, day_rules, day_weather, weather_event

DAY = date(2026, 1, 15)
RULES = day_rules(DAY)
AT = datetime(2026, 1, 15, 19, 0, tzinfo=UTC)


def hours(temperature, sun=None):
    filled = np.full(24, np.nan) if sun is None else np.asarray(sun, np.float64)
    return Hours(np.asarray(temperature, np.float64), filled)


def test_a_cold_day_has_heating_degrees_and_a_hot_one_cooling_degrees():
    cold, hot = day_weather(hours([-2.0] * 24), RULES), day_weather(hours([29.0] * 24), RULES)
    assert (cold.mean_c, cold.heating_kd, cold.cooling_kd) == (-2.0, 20.0, 0.0)
    assert (hot.mean_c, hot.heating_kd, hot.cooling_kd) == (29.0, 0.0, 5.0)


def test_sunshine_is_the_energy_of_the_whole_day_and_unknown_where_it_was_not_measured():
    sun = [0.0] * 8 + [300.0] * 8 + [0.0] * 8
    assert day_weather(hours([10.0] * 24, sun), RULES).sun_wh_m2 == 2_400.0
    assert day_weather(hours([10.0] * 24), RULES).sun_wh_m2 is None


@pytest.mark.parametrize(("known", "told"), [(24, True), (20, True), (19, False), (0, False)])
def test_a_day_with_too_few_hours_is_not_told(known, told):
    temperature = [5.0] * known + [np.nan] * (24 - known)
    assert (day_weather(hours(temperature), RULES) is not None) is told


@given(st.lists(st.floats(-40, 45), min_size=24, max_size=24))
def test_degree_days_are_never_both_and_the_mean_lies_between_the_ends(values):
    found = day_weather(hours(values), RULES)
    assert found.low_c - 1e-3 <= found.mean_c <= found.high_c + 1e-3
    assert found.heating_kd == 0 or found.cooling_kd == 0
    assert found.hours == 24


def test_another_hour_gives_another_digest():
    one, other = ([5.0] * 24, [5.0] * 23 + [5.1])
    assert day_weather(hours(one), RULES).readings_sha256 != day_weather(hours(other), RULES).readings_sha256


def test_the_event_names_station_day_bases_and_rules():
    span = day_interval(DAY, ZoneInfo("Asia/Seoul"))
    event = weather_event("air-1", DAY, span, day_weather(hours([0.0] * 24), RULES), RULES, AT)
    assert (event.id, event.type, event.subject) == ("weather-air-1-2026-01-15", OBSERVED, "air-1")
    assert event.data["interval"] == {"start": "2026-01-14T15:00:00Z", "end": "2026-01-15T15:00:00Z"}
    assert (event.data["heating_base_c"], event.data["cooling_base_c"], event.data["rules"]) == (
        18.0,
        24.0,
        "weather_day@2026-11",
    )
