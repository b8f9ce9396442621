import math
from datetime import date
from itertools import pairwise

import msgspec
import pytest

from dure.core.errors import ConfigError
from dure.services.environment.grades.averages import running_sums
from dure.services.environment.grades.weather_levels import (
    ObservedLevel,
    effective_humidity,
    feels_like_summer,
    feels_like_winter,
    level_rules,
    observed_levels,
    wet_bulb,
)
from dure.services.environment.rules import load_pack, parse_pack

DAY = date(2026, 11, 25)
RULES = level_rules(load_pack("weather_levels"), DAY)


def level(phenomenon, observed, **more):
    return next(one for one in observed_levels(RULES, observed, **more) if one.phenomenon == phenomenon)


@pytest.mark.parametrize(
    ("phenomenon", "observed", "expected"),
    [
        ("strong_wind", {"wind_speed": [13.9], "wind_gust": [19.9]}, None),
        ("strong_wind", {"wind_speed": [14.0], "wind_gust": [15.0]}, "advisory"),
        ("strong_wind", {"wind_speed": [3.0], "wind_gust": [20.0]}, "advisory"),
        ("strong_wind", {"wind_speed": [21.0], "wind_gust": [22.0]}, "warning"),
        ("strong_wind", {"wind_speed": [3.0], "wind_gust": [26.0]}, "warning"),
        ("heavy_rain", {"rain_3h": [59.9], "rain_12h": [109.9]}, None),
        ("heavy_rain", {"rain_3h": [60.0], "rain_12h": [60.0]}, "advisory"),
        ("heavy_rain", {"rain_3h": [10.0], "rain_12h": [180.0]}, "warning"),
        ("heat", {"feels_like_max": [33.0, 32.9]}, None),
        ("heat", {"feels_like_max": [33.0, 33.0]}, "advisory"),
        ("heat", {"feels_like_max": [30.0, 35.0, 36.0]}, "warning"),
        ("heat", {"feels_like_max": [36.0, 33.5]}, "advisory"),
        ("cold", {"temperature_min": [-12.0, -13.0], "temperature_min_drop": [1.0]}, "advisory"),
        ("cold", {"temperature_min": [-15.0, -15.0], "temperature_min_drop": [0.0]}, "warning"),
        (
            "cold",
            {"temperature_min": [13.0, 3.0], "temperature_min_drop": [10.0], "temperature_min_departure": [3.0]},
            "advisory",
        ),
        ("cold", {"temperature_min": [14.0, 4.0], "temperature_min_drop": [10.0], "temperature_min_departure": [3.0]}, None),
        ("heavy_snow", {"snow_24h": [4.9]}, None),
        ("heavy_snow", {"snow_24h": [5.0]}, "advisory"),
        ("heavy_snow", {"snow_24h": [20.0]}, "warning"),
        ("dry", {"effective_humidity": [36.0, 35.0]}, None),
        ("dry", {"effective_humidity": [35.0, 34.0]}, "advisory"),
        ("dry", {"effective_humidity": [25.0, 24.0]}, "warning"),
        ("yellow_dust", {"pm10": [800.0, 799.0]}, None),
        ("yellow_dust", {"pm10": [800.0, 900.0]}, "warning"),
    ],
)
def test_an_observed_level_is_that_of_the_table(phenomenon, observed, expected):
    assert level(phenomenon, observed).level == expected


@pytest.mark.parametrize(
    ("phenomenon", "observed", "flat", "mountain"),
    [
        ("strong_wind", {"wind_speed": [16.9], "wind_gust": [24.9]}, "advisory", None),
        ("strong_wind", {"wind_speed": [17.0], "wind_gust": [27.0]}, "warning", "advisory"),
        ("strong_wind", {"wind_speed": [24.0], "wind_gust": [0.0]}, "warning", "warning"),
        ("heavy_snow", {"snow_24h": [29.0]}, "warning", "advisory"),
    ],
)
def test_mountains_have_their_own_rows(phenomenon, observed, flat, mountain):
    assert level(phenomenon, observed).level == flat
    assert level(phenomenon, observed, terrain="mountain").level == mountain


def test_no_text_claims_that_an_advisory_was_issued():
    gust = level("strong_wind", {"wind_speed": [3.0], "wind_gust": [21.3]})
    assert gust.text.ko == "순간풍속 21.3 m/s: 관측값이 강풍주의보 수준입니다. 기상청의 특보가 아닙니다."
    assert "not an advisory of the weather service" in gust.text.en
    values = {name: [1000.0] * 3 for name in RULES.quantities} | {"temperature_min": [-30.0] * 3, "effective_humidity": [1.0] * 3}
    reached = [one for one in observed_levels(RULES, values, announced=True) if one.level]
    assert len(reached) == len(RULES.phenomena)
    assert all("수준입니다. 기상청의 특보가 아닙니다." in one.text.ko for one in reached)
    assert not any(word in one.text.ko for one in reached for word in ("발효", "발령", "발표"))


def test_what_nobody_measured_is_unknown_and_neither_reached_nor_ruled_out():
    calm = level("strong_wind", {"wind_speed": [3.0]})
    assert (calm.level, calm.unknown) == (None, ("wind_gust",))
    assert "알 수 없습니다" in calm.text.ko
    assert level("strong_wind", {}).unknown == ("wind_speed", "wind_gust")
    assert level("strong_wind", {"wind_speed": [3.0], "wind_gust": [5.0]}).unknown == ()


def test_a_reached_advisory_names_what_could_have_made_it_a_warning():
    windy = level("strong_wind", {"wind_speed": [15.0], "wind_gust": [math.nan]})
    assert (windy.level, windy.unknown) == ("advisory", ("wind_gust",))
    assert windy.reasons[0].limit == 14


def test_one_missing_day_of_two_is_unknown_unless_the_other_already_fails():
    assert level("heat", {"feels_like_max": [None, 34.0]}).unknown == ("feels_like_max",)
    assert level("heat", {"feels_like_max": [None, 31.0]}).unknown == ()
    assert level("heat", {"feels_like_max": [34.0]}).level is None


def test_what_is_only_announced_counts_when_asked_for_and_is_to_be_confirmed():
    hot = {"feels_like_max": [38.5, 38.5]}
    assert level("heat", hot).level == "warning"
    grave = level("heat", hot, announced=True)
    assert (grave.level, grave.announced) == ("grave_warning", True)
    assert len(grave.provisional) == 1
    assert not [one for one in observed_levels(RULES, hot) if one.phenomenon == "tropical_night"]


def test_rain_levels_come_from_running_sums():
    hours = [0.0] * 9 + [20.0, 20.0, 20.0]
    observed = {"rain_3h": running_sums(hours, 3).tolist(), "rain_12h": running_sums(hours, 12).tolist()}
    assert level("heavy_rain", observed).level == "advisory"
    assert [one.quantity for one in level("heavy_rain", observed).reasons] == ["rain_3h"]


def test_the_wet_bulb_temperature_is_the_worked_example_of_stull():
    assert wet_bulb(RULES, 20.0, 50.0) == pytest.approx(13.7, abs=0.05)


def test_summer_feels_hotter_the_more_humid_it_is_by_about_a_degree_in_ten_percent():
    felt = [feels_like_summer(RULES, 33.0, humidity) for humidity in (40, 50, 60, 70, 80)]
    assert felt == sorted(felt)
    assert felt[1] == pytest.approx(32.5, abs=0.5)
    assert all(0.6 < after - before < 1.4 for before, after in pairwise(felt))


def test_winter_feels_colder_in_the_wind_and_the_formula_holds_only_when_cold_and_windy():
    assert feels_like_winter(RULES, -10.0, 15 / 3.6) == pytest.approx(-16.7, abs=0.1)
    assert feels_like_winter(RULES, 10.1, 5.0) is None
    assert feels_like_winter(RULES, -10.0, 1.2) is None


def test_effective_humidity_weighs_the_newest_day_most_and_needs_five_days():
    assert effective_humidity(RULES, [50.0] * 5) == pytest.approx(50 * (1 - 0.7**5))
    assert effective_humidity(RULES, [0.0] * 4 + [100.0]) == pytest.approx(30.0)
    assert effective_humidity(RULES, [99.0] + [50.0] * 4 + [100.0]) > effective_humidity(RULES, [99.0, 100.0] + [50.0] * 4)
    assert effective_humidity(RULES, [50.0, None, 50.0, 50.0, 50.0]) is None
    assert effective_humidity(RULES, [50.0] * 4) is None


def test_a_result_survives_json():
    found = level("strong_wind", {"wind_speed": [22.0]})
    assert msgspec.json.decode(msgspec.json.encode(found), type=ObservedLevel) == found


@pytest.mark.parametrize(
    "condition",
    [{"quantity": "luck", "at_least": 1}, {"quantity": "pm10"}, {"quantity": "pm10", "at_least": 1, "at_most": 2}],
)
def test_a_condition_that_makes_no_sense_is_refused(condition):
    words = {table: [dict(row) for row in rows] for table, rows in load_pack("weather_levels").tables.items()}
    words["levels"][0]["any"] = [{"all": [condition]}]
    with pytest.raises(ConfigError):
        level_rules(parse_pack({"id": "weather_levels", "version": "t", "name": {"ko": "가"}, **words}, "weather_levels"), DAY)
