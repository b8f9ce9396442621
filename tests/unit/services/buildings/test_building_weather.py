"""The weather of a building: its own station first, then the nearest, completed by others, and every hour accounted for."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.core.geo import Point
from dure.core.text import Text
from dure.engines.telemetry.port import RollUpColumns
from dure.services.buildings.baselines.baseline_rules import baseline_rules, bases, degree_day_bases, limits
from dure.services.buildings.baselines.weather import Weather, sky_of, weather_at
from dure.services.buildings.model import Building

HOUR_US = 3_600_000_000
RULES = baseline_rules(date(2026, 1, 1))
SCHOOL = Building(id="school", lon=127.0, lat=37.2, name=Text("학교"))
N = 1000


def place(km: float) -> Point:
    return Point(127.0 + km / 88.6, 37.2)


def sky(stations: dict[str, tuple[float, np.ndarray]]):
    """Stations by name: their distance east of the school [km], and what they observed each hour."""
    names, starts, means = [], [], []
    for name, (_, values) in stations.items():
        known = np.flatnonzero(np.isfinite(values))
        names += [name] * len(known)
        starts.append(known * HOUR_US)
        means.append(values[known])
    start_us, mean = np.concatenate(starts).astype(np.int64), np.concatenate(means)
    none = np.zeros(len(mean), np.int64)
    rows = RollUpColumns(names, start_us, none, none, none, none, none, mean, mean, mean, mean)
    return sky_of(rows, {name: place(km) for name, (km, _) in stations.items()}, (0, N * HOUR_US))


def known(share: float, level: float = 10.0) -> np.ndarray:
    values = np.full(N, np.nan)
    values[: round(N * share)] = level
    return values


def test_the_nearest_station_that_is_whole_serves():
    found = weather_at(SCHOOL, sky({"near": (1, known(0.5, 1)), "whole": (5, known(1, 2)), "far": (9, known(1, 3))}), RULES)
    assert [(one.asset, one.share) for one in found.sources] == [("whole", 1.0)]
    assert found.sources[0].distance_m == pytest.approx(5000, rel=0.01)


def test_its_own_station_comes_first_and_others_complete_it_less_their_difference():
    own = msg_station("own")
    found = weather_at(own, sky({"own": (30, known(0.6, 10.0)), "near": (1, known(1, 12.5))}), RULES)
    assert [(one.asset, one.share, one.offset_c) for one in found.sources] == [("own", 0.6, 0.0), ("near", 0.4, 2.5)]
    assert (found.temperature_c == 10.0).all()


def msg_station(name: str) -> Building:
    return Building(id="school", lon=127.0, lat=37.2, name=Text("학교"), station=name)


def test_too_few_hours_of_all_stations_together_are_refused():
    found = weather_at(SCHOOL, sky({"a": (1, known(0.5)), "b": (2, known(0.7))}), RULES)
    assert found.code == "weather.coverage"
    assert isinstance(weather_at(SCHOOL, sky({"a": (1, known(0.5))}), RULES, share_min=0.0), Weather)


def test_a_station_too_far_away_is_not_the_weather_of_a_building():
    assert weather_at(SCHOOL, sky({"a": (200, known(1))}), RULES).code == "weather.none"


def test_a_part_of_the_weather_is_nan_outside_of_it():
    weather = Weather(10 * HOUR_US, np.arange(5.0), ())
    told = weather.part(8 * HOUR_US, 17 * HOUR_US)
    assert np.isnan(told[[0, 1, 7, 8]]).all()
    assert told[2:7].tolist() == [0, 1, 2, 3, 4]
    assert np.isnan(weather.part(100 * HOUR_US, 103 * HOUR_US)).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 60), st.floats(0, 1)), min_size=1, max_size=5))
def test_shares_of_stations_sum_to_the_coverage(stations):
    found = weather_at(SCHOOL, sky({f"s{n}": (km, known(share)) for n, (km, share) in enumerate(stations)}), RULES, share_min=0.0)
    if isinstance(found, Weather):
        assert sum(one.share for one in found.sources) == pytest.approx(found.coverage)
        assert len(found.sources) <= RULES.stations_max


def test_every_number_of_the_rules_has_a_source_and_a_mark():
    told = bases(date(2026, 1, 1))
    assert all(one.source and one.mark for one in told)
    assert {"hourly", "daily", "billing"} == set(limits(date(2026, 1, 1)))
    assert (degree_day_bases(date(2026, 1, 1)).heating_c, degree_day_bases(date(2026, 1, 1)).cooling_c) == (18, 24)
