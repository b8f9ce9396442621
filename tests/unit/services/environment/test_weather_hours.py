"""Quantities of the weather levels from hours: only whole local days count, and a gap hides nothing."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from dure.core.time import to_us
from dure.services.environment.grades.weather_hours import StationHours, quantities
from dure.services.environment.grades.weather_levels import level_rules, observed_levels
from dure.services.environment.rules import load_pack

SEOUL = ZoneInfo("Asia/Seoul")
RULES = level_rules(load_pack("weather_levels"), date(2026, 11, 25))
END_US = to_us(datetime(2026, 11, 25, 3, 0, tzinfo=UTC))  # noon in Seoul
N = 8 * 24


def station(**hours):
    nothing = np.full(N, np.nan)
    words = dict.fromkeys(("temperature", "temperature_low", "humidity", "rain", "snow", "pm10"), nothing)
    return StationHours(end_us=END_US, **(words | hours))


def test_rain_is_summed_over_the_last_hours_and_a_missing_hour_gives_no_sum():
    rain = np.zeros(N)
    rain[-3:] = (10, 20, 31)
    assert quantities(RULES, station(rain=rain), SEOUL)["rain_3h"] == [61.0]
    rain[-2] = np.nan
    assert quantities(RULES, station(rain=rain), SEOUL)["rain_3h"] == [None]


def test_only_whole_local_days_are_told_and_today_is_not():
    low = np.full(N, 5.0)
    low[-12:] = -30.0  # since midnight in Seoul: today
    low[-13] = -13.0  # the last hour of yesterday
    found = quantities(RULES, station(temperature_low=low), SEOUL)
    assert found["temperature_min"] == [5.0] * 6 + [-13.0]
    assert found["temperature_min_drop"] == [0.0] * 5 + [18.0]


def test_a_day_with_too_few_hours_says_nothing():
    low = np.full(N, 5.0)
    low[-12 - 24 : -12 - 10] = np.nan
    assert quantities(RULES, station(temperature_low=low), SEOUL)["temperature_min"][-1] is None


@pytest.mark.parametrize(("depths", "expected"), [([0] * 20 + [1, 2, 3, 5, 5], 5.0), ([5] * 24 + [4], 0.0)])
def test_fresh_snow_is_the_sum_of_rises(depths, expected):
    snow = np.concatenate([np.zeros(N - 25), np.array(depths, float)])
    assert quantities(RULES, station(snow=snow), SEOUL)["snow_24h"] == [expected]


def test_two_hot_days_are_observed_at_the_level_of_a_heat_advisory_and_claim_nothing_more():
    hot = np.full(N, 36.0)
    damp = np.full(N, 60.0)
    found = observed_levels(RULES, quantities(RULES, station(temperature=hot, humidity=damp), SEOUL))
    heat = next(one for one in found if one.phenomenon == "heat")
    assert heat.level is not None
    assert "특보가 아닙니다" in heat.text.ko


def test_wind_without_a_fresh_value_is_unknown_and_never_calm():
    found = observed_levels(RULES, quantities(RULES, station(), SEOUL))
    wind = next(one for one in found if one.phenomenon == "strong_wind")
    assert wind.level is None
    assert "wind_gust" in wind.unknown
