"""From hours to indices and grades of stations: what is shown, what is missing, and that what is kept reads back the same."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from dure.city import read_city
from dure.core.assets import Asset
from dure.core.geo import Point, at
from dure.core.text import Text
from dure.core.time import to_us
from dure.services.environment.alerting.alerts import MEAN
from dure.services.environment.grades.grading import Grading, Result, restored
from dure.services.environment.grades.hours import HOUR_US, Hours
from dure.services.environment.grades.noise import Levels
from dure.services.environment.grades.today import rules_for, today
from dure.services.environment.watches.alert_watch import air_readings, noise_levels, water_levels, weather_levels
from dure.services.environment.watches.index_watch import Kept

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
END = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)
END_US = to_us(END)
N = 36
SEOUL = ZoneInfo("Asia/Seoul")
AIR = {"pm10": 40.0, "pm2_5": 20.0, "o3": 0.03, "no2": 0.02, "so2": 0.003, "co": 0.4}
WATER = {
    "ph": 7.5,
    "toc": 4.2,
    "dissolved_oxygen": 9.0,
    "tp": 0.11,
    "tn": 2.5,
    "water_temperature": 9,
    "electrical_conductivity": 300,
}


def station(name, kind="station", lon=126.9, lat=37.2, **attributes):
    return Asset(
        id=name, city="hwaseong", kind=kind, name=Text(name, name), place=at(lon, lat), state="live", attributes=attributes
    )


def hours(**series):
    """Hours of series named asset__property, each the same value all the time or a list of the last values."""
    means = {}
    for name, value in series.items():
        asset, _, property_id = name.partition("__")
        column = np.full(N, np.nan)
        values = value if isinstance(value, list) else [value] * N
        column[N - len(values) :] = values
        means[asset, property_id] = column
    return Hours(END_US - N * HOUR_US, N, means, {})


def air(name, **other):
    return {f"{name}__{item}": value for item, value in (AIR | other).items()}


def results(found, *stations, latest=None):
    return Grading(CITY).results(found, {one.id: one for one in stations}, latest or {})


def test_the_index_of_a_station_reads_back_from_what_is_kept():
    (one,) = results(hours(**air("a")), station("a"))
    assert (one.asset, one.name, one.at_us) == ("a", "cai", END_US)
    result = restored("cai", one.content)
    assert (result.index, result.grade, result.deciding, result.missing) == (61, "moderate", "pm2_5", ())  # 49/19*(20-16)+51


def test_without_a_required_item_there_is_no_index_and_it_is_named():
    found = hours(**{name: value for name, value in air("a").items() if name != "a__o3"})
    (one,) = results(found, station("a"))
    result = restored("cai", one.content)
    assert (result.index, result.grade, result.missing) == (None, None, ("o3",))


def test_a_station_that_is_not_live_has_no_index():
    assert results(hours(**air("a"))) == []


def test_earlier_hours_have_their_own_index():
    grading = Grading(CITY)
    found = hours(**air("a", pm10=[40.0] * 30 + [160.0] * 6))
    now = grading.numbers("cai", found, {"a": station("a")}, END_US)
    before = grading.numbers("cai", found, {"a": station("a")}, END_US - 8 * HOUR_US)
    assert before == {"a": 61.0}
    assert now["a"] > 100


def test_water_is_graded_of_what_was_measured_and_a_sample_by_hand_is_added():
    river = station("r", "river_point")
    found = hours(**{f"r__{item}": value for item, value in WATER.items()})
    by_name = {one.name: restored(one.name, one.content) for one in results(found, river)}
    assert by_name["river_grade"].grade is None
    assert by_name["river_grade"].grade_of_measured == "III"
    assert "bod" in by_name["river_grade"].missing
    assert by_name["rtwqi"].index is not None
    with_sample = results(found, river, latest={("r", "bod"): 12.0})
    worse = restored("river_grade", with_sample[0].content)
    assert worse.grade_of_measured == "VI"
    assert worse.deciding == ("bod",)


def test_noise_is_only_judged_where_the_kind_of_area_is_known():
    time_us = np.arange(to_us(END - timedelta(hours=60)), END_US, 60_000_000)
    levels = Levels(time_us, np.full(len(time_us), 62.0), 60.0)
    grading = Grading(CITY)
    assert grading.noise(station("n"), levels, END_US) == []
    day, night = grading.noise(station("n", noise_area="general_b"), levels, END_US)
    assert (day.name, night.name) == ("noise_day", "noise_night")
    assert restored("noise_day", day.content).exceedance_db == pytest.approx(7.0)
    assert restored("noise_night", night.content).meets is False


def test_the_public_page_answers_by_the_nearest_station_or_by_the_middle_of_the_city():
    stations = {
        "near": station("near", lon=126.9),
        "far": station("far", lon=127.1),
        "worst": station("worst", lon=127.2),
    }
    found = hours(**air("near"), **air("far", pm2_5=10.0, pm10=20.0), **air("worst", pm2_5=120.0))
    kept = [Kept(one.asset, one.name, END, one.content) for one in results(found, *stations.values())]
    rules = rules_for(CITY.folder, date(2026, 11, 25))
    here = today(rules, kept, stations, Point(126.9, 37.2))
    assert here.chosen.asset.id == "near"
    assert [one.asset.id for one in here.air] == ["near", "far", "worst"]
    assert here.answers["sensitive"].answer == "yes"
    city = today(rules, kept, stations, None)
    assert [one.asset.id for one in city.air] == ["worst", "near", "far"]
    assert city.chosen.asset.id == "near"


def test_a_place_whose_nearest_station_lacks_an_item_is_never_told_that_all_is_well():
    found = hours(**{name: value for name, value in air("a").items() if name != "a__pm2_5"})
    kept = [Kept(one.asset, one.name, END, one.content) for one in results(found, station("a"))]
    page = today(rules_for(CITY.folder, date(2026, 11, 25)), kept, {"a": station("a")}, Point(126.9, 37.2))
    assert page.answers["sensitive"].answer == "unknown"
    assert any("초미세먼지" in one.ko for one in page.answers["sensitive"].reasons)


def test_hidden_stations_are_not_on_the_public_page():
    kept = [Kept(one.asset, one.name, END, one.content) for one in results(hours(**air("a")), station("a"))]
    page = today(rules_for(CITY.folder, date(2026, 11, 25)), kept, {}, None)
    assert (page.air, page.chosen, page.answers) == ([], None, {})


def test_alerts_are_asked_about_settled_hours_of_every_station_and_their_mean():
    found = hours(a__pm2_5=[80.0, 90.0], b__pm2_5=[float("nan"), 30.0], gone__pm2_5=[500.0, 500.0])
    stations = {"a": station("a"), "b": station("b")}
    readings = list(air_readings(found, stations, "hwaseong", END_US))
    last = readings[-1]
    assert (last.rule, last.scope, last.start_us) == ("air-warning-pm2-5", "hwaseong", END_US - HOUR_US)
    assert last.values == {"a": 90.0, "b": 30.0, MEAN: 60.0}
    assert readings[-2].values == {"a": 80.0, "b": None, MEAN: 80.0}
    assert all(one.start_us + HOUR_US <= END_US - 1 for one in air_readings(found, stations, "hwaseong", END_US - 1))


def test_levels_of_weather_water_and_noise_tell_unknown_from_none():
    unknown = {"phenomenon": "strong_wind", "level": None, "unknown": ["wind_gust"]}
    calm = unknown | {"unknown": []}
    grave = unknown | {"level": "warning"}
    rest = {
        "reasons": [],
        "announced": False,
        "text": {"ko": "", "en": ""},
        "as_of": "2026-11-25",
        "basis": [],
        "provisional": [],
    }
    seen = [
        Result(name, "weather", END_US, {"levels": [level | rest]}) for name, level in (("a", unknown), ("b", calm), ("c", grave))
    ]
    ranks = {"advisory": 1, "warning": 2}
    assert list(weather_levels(seen, "hwaseong", ranks)) == [("weather-wind", "hwaseong", {"a": None, "b": 0.0, "c": 2.0})]
    water = [Result("r", "river_grade", END_US, {"grade_of_measured": "VI"})]
    assert list(water_levels(water)) == [("river-grade", "r", {"r": 1.0})]
    noise = [Result("n", "noise_day", END_US, {"meets": None}), Result("n", "noise_night", END_US, {"meets": False})]
    assert list(noise_levels(noise)) == [("noise-limit", "n", {"n": 1.0})]
    assert list(noise_levels(noise[:1])) == [("noise-limit", "n", {"n": None})]
