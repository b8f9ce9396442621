"""Faults that only the neighbours show: on the virtual city for a week, and on seeded fields with known faults."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import get_args

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.city import read_city
from dure.core.observations import Check, Flag
from dure.core.time import to_us
from dure.services.environment.faults.diagnosis import (
    EXPLANATIONS,
    Kind,
    Window,
    diagnose_channels,
    diagnose_network,
    diagnose_networks,
    diagnosis_rules_on,
    held_by,
    on_grid,
)
from dure.services.environment.faults.diagnosis_window import anomalies, began, median_where
from dure.services.environment.model import PROPERTIES
from dure.services.environment.neighbours.network import surround
from dure.services.environment.simulate import stations_of
from dure.services.environment.virtual_city import values

RULES = diagnosis_rules_on(date(2026, 11, 25))
CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
STATIONS = [one.station for one in stations_of(CITY)]
START = datetime(2026, 11, 18, tzinfo=UTC)
STEP = timedelta(minutes=30)
DAYS = 7
STEPS = DAYS * 48
STEP_US = 30 * 60 * 1_000_000
DAY_US = 48 * STEP_US


def city_windows(stations, names, seed=41590):
    """A week of the virtual city on a half-hourly grid, a window per property."""
    measured = [[values(seed, one, START + step * STEP) for step in range(STEPS)] for one in stations]
    for name in names:
        has = [i for i, one in enumerate(stations) if name in one.properties]
        table = np.array([[at.get(name) for at in measured[i]] for i in has], np.float64)
        lon, lat = (np.array([getattr(stations[i], axis) for i in has]) for axis in ("lon", "lat"))
        places = surround(lon, lat, radius_m=60_000, most=16)
        yield Window(name, [stations[i].asset for i in has], to_us(START), STEP_US, table, places)


def city_findings(stations, names, seed=41590):
    return diagnose_networks(list(city_windows(stations, names, seed)), RULES)


ALL = sorted({name for one in STATIONS for name in one.properties})


def test_no_faultless_station_of_the_virtual_city_has_a_finding_in_a_week():
    faultless = [msgspec.structs.replace(one, fault="") for one in STATIONS]
    assert [(found.kind, found.asset, found.property) for found in city_findings(faultless, ALL)] == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_station_at_the_edge_of_another_city_has_a_finding(seed):
    warm = [
        msgspec.structs.replace(one, fault="", properties=("air_temperature",))
        for one in STATIONS
        if "air_temperature" in one.properties
    ]
    assert [(found.kind, found.asset) for found in city_findings(warm, ["air_temperature"], seed)] == []


def test_in_the_faulty_city_the_unit_and_the_moved_station_are_found_and_nothing_else():
    found = city_findings(STATIONS, ALL)
    faults = {one.asset: one.fault for one in STATIONS}
    assert {(one.kind, faults[one.asset]) for one in found} == {("unit_mixed", "unit"), ("moved", "moved")}
    unit = next(one for one in found if one.kind == "unit_mixed")
    assert (unit.property, unit.evidence["sent_in"][0], unit.evidence["factor"]) == ("wind_speed", "km/h", 3.6)


class Field:
    """Weather that passes over n stations for a week: waves in space and time, each station with a level and noise of its own."""

    def __init__(self, seed, n=60, side_m=20_000.0, length_m=6_000.0):
        self.rng = np.random.default_rng(seed)
        self.x, self.y = self.rng.uniform(0, side_m, (2, n))
        east, north = self.rng.normal(0, 1 / length_m, (2, 80))
        pace, phase = self.rng.uniform(0.1, 0.6, 80), self.rng.uniform(0, 2 * np.pi, 80)
        where = np.outer(self.x, east) + np.outer(self.y, north) + phase
        passing = np.cos(where[:, None, :] + np.arange(STEPS)[None, :, None] * pace).sum(axis=2) * 1.5 * np.sqrt(2 / 80)
        day = 4 * np.cos(2 * np.pi * (np.arange(STEPS) - 30) / 48)
        self.truth = 15 + passing + day * self.rng.uniform(0.8, 1.2, (n, 1)) + self.rng.normal(0, 0.7, (n, 1))
        self.assets = [f"s{i}" for i in range(n)]

    def window(self, table, name="air_temperature"):
        lon, lat = 126.8 + self.x / 88_700, 37.2 + self.y / 111_320
        return Window(name, self.assets, 0, STEP_US, table, surround(lon, lat, radius_m=60_000, most=16))

    def measured(self, noise=0.2):
        return self.truth + self.rng.normal(0, noise, self.truth.shape)

    def inner(self, *, apart_m=9_000.0):
        """Two stations well inside the network and far from one another."""
        middle = np.flatnonzero((np.abs(self.x - 10_000) < 6_500) & (np.abs(self.y - 10_000) < 6_500))
        apart = np.hypot(self.x[middle, None] - self.x[middle], self.y[middle, None] - self.y[middle])
        i, j = np.unravel_index(np.argmax(apart), apart.shape)
        assert apart[i, j] >= apart_m
        return int(middle[i]), int(middle[j])


@pytest.mark.parametrize("seed", range(5))
def test_a_faultless_field_has_no_finding(seed):
    field = Field(seed)
    assert diagnose_network(field.window(field.measured()), RULES) == []


@pytest.mark.parametrize("seed", range(5))
def test_two_stations_exchanged_are_found_as_a_pair(seed):
    field = Field(seed)
    i, j = field.inner()
    table = field.measured()
    table[[i, j]] = table[[j, i]]
    found = {one.asset: one for one in diagnose_network(field.window(table), RULES)}
    assert set(found) == {f"s{i}", f"s{j}"}
    assert {one.kind for one in found.values()} == {"swapped"}
    assert found[f"s{i}"].evidence["place_of"] == f"s{j}"
    assert found[f"s{j}"].evidence["place_of"] == f"s{i}"


@pytest.mark.parametrize("seed", range(5))
def test_a_moved_station_is_found_within_five_days_with_its_new_place_and_the_moment(seed):
    field = Field(seed)
    i, j = field.inner()
    table = field.measured()
    moved = 2 * 48
    table[i, moved:] = field.truth[j, moved:] + field.rng.normal(0, 0.4, STEPS - moved)
    found = diagnose_network(field.window(table), RULES)
    assert [(one.kind, one.asset) for one in found] == [("moved", f"s{i}")]
    there = field.assets.index(found[0].evidence["place_of"])
    assert np.hypot(field.x[there] - field.x[j], field.y[there] - field.y[j]) < 5_000
    assert abs(found[0].since_us - moved * STEP_US) <= DAY_US


def test_a_station_whose_other_quantity_is_at_home_has_not_moved():
    warm, dust = Field(3), Field(3)
    i, j = warm.inner()
    table = warm.measured()
    table[[i, j]] = table[[j, i]]
    both = [warm.window(table), dust.window(dust.measured(), "pm2_5")]
    assert {one.kind for one in diagnose_network(both[0], RULES)} == {"swapped"}
    assert diagnose_networks(both, RULES) == []
    half = dust.measured()
    half[i] = dust.truth[j] + dust.rng.normal(0, 0.4, STEPS)
    found = diagnose_networks([both[0], dust.window(half, "pm2_5")], RULES)
    assert {(one.kind, one.asset) for one in found} == {("moved", f"s{i}")}


def test_of_too_few_days_or_stations_nothing_is_said():
    field = Field(0)
    i, j = field.inner()
    table = field.measured()
    table[[i, j]] = table[[j, i]]
    window = field.window(table)
    assert diagnose_network(msgspec.structs.replace(window, values=table[:, :96]), RULES) == []
    few = surround(126.8 + field.x[:8] / 88_700, 37.2 + field.y[:8] / 111_320, radius_m=60_000)
    assert diagnose_network(Window("air_temperature", field.assets[:8], 0, STEP_US, table[:8], few), RULES) == []


UNITS = [(one.property, one.sent) for one in RULES.conversions]
# What 15 in the field stands for, so that noise and differences are those of the property; pressure stands on 1,000 hPa.
LEVELS = {
    "air_temperature": 15, "dew_point": 15, "soil_temperature": 15, "water_temperature": 15, "air_pressure": 15,
    "relative_humidity": 60, "wind_speed": 6, "wind_gust": 9, "o3": 0.03, "no2": 0.03, "so2": 0.008, "h2s": 0.015, "co": 0.5,
    "nh3": 0.5, "pm1": 30, "pm2_5": 30, "pm10": 45, "dissolved_oxygen": 9, "toc": 4.5, "tn": 4.5, "tp": 0.15,
    "electrical_conductivity": 300, "water_level": 1.5,
}  # fmt: skip


@pytest.mark.parametrize(("name", "sent"), UNITS)
def test_every_unit_is_found_within_a_day_and_named_first(name, sent):
    conversion = next(one for one in RULES.conversions if (one.property, one.sent) == (name, sent))
    field = Field(3)
    table = field.measured()[:, -48:] * LEVELS[name] / 15 + 1000 * (name == "air_pressure")
    table[11] = conversion.factor * table[11] + conversion.offset
    found = diagnose_network(field.window(table, name), RULES)
    assert [(one.kind, one.asset, one.evidence["sent_in"][0]) for one in found] == [("unit_mixed", "s11", sent)]
    assert found[0].evidence["factor"] == conversion.factor


def test_the_moment_of_a_change_of_unit_is_told():
    field = Field(1)
    table = field.measured()
    table[5, 200:] = 1.8 * table[5, 200:] + 32
    found = diagnose_network(field.window(table), RULES)
    assert found == [] or abs(found[0].since_us - 200 * STEP_US) <= 2 * STEP_US
    recent = msgspec.structs.replace(field.window(table[:, 150:]), start_us=150 * STEP_US)
    assert [one.since_us for one in diagnose_network(recent, RULES)] == [200 * STEP_US]


def test_a_factor_that_no_unit_has_is_no_unit():
    field = Field(2)
    table = np.maximum(field.measured() / 6, 0.2)
    table[7] *= 6.0
    assert diagnose_network(field.window(table, "wind_speed"), RULES) == []


def test_a_windy_coast_among_sheltered_and_open_places_is_not_another_unit():
    field = Field(2)
    exposure = field.rng.uniform(0.5, 1.5, (60, 1))
    exposure[7] = 2.0
    table = np.maximum(field.measured() / 6, 0.2) * exposure
    assert diagnose_network(field.window(table, "wind_speed"), RULES) == []


def test_temperature_and_humidity_exchanged_are_found_on_both_channels():
    field = Field(4)
    warm = field.measured()
    humid = 60 - 2 * (field.truth - 15) + field.rng.normal(0, 1, field.truth.shape)
    warm[9], humid[9] = humid[9].copy(), warm[9].copy()
    windows = [field.window(warm, "air_temperature"), field.window(humid, "relative_humidity")]
    found = diagnose_channels(windows, RULES)
    assert {(one.kind, one.asset, one.property, one.evidence["with"]) for one in found} == {
        ("channels_swapped", "s9", "air_temperature", "relative_humidity"),
        ("channels_swapped", "s9", "relative_humidity", "air_temperature"),
    }


def test_channels_on_different_grids_are_refused():
    field = Field(4)
    one = field.window(field.measured())
    with pytest.raises(ValueError, match="same grid"):
        diagnose_channels([one, msgspec.structs.replace(one, start_us=7)], RULES)


def test_irregular_readings_stand_on_the_grid_as_means():
    time_us = np.array([5, 12, 18, 41, -3, 99], np.int64)
    value = np.array([1.0, 2.0, 4.0, np.nan, 7.0, 8.0])
    grid = on_grid(time_us, value, 0, 10, 5)
    assert grid[:2].tolist() == [1.0, 3.0]
    assert np.isnan(grid[2:]).all()


@given(st.lists(st.floats(-5, 5) | st.just(float("nan")), min_size=1, max_size=9))
def test_the_median_leaves_missing_values_out(row):
    found = median_where(np.array([row]), axis=1)[0]
    there = [one for one in row if one == one]  # noqa: PLR0124  # NaN is not itself
    assert np.isnan(found) if not there else found == pytest.approx(np.median(there))


def test_a_change_began_where_the_gain_turned():
    assert began(np.array([-1.0, -1.0, np.nan, 2.0, 2.0])) in {2, 3}
    assert began(np.array([1.0, 1.0])) == 0


def test_a_level_and_a_daily_course_are_no_anomaly():
    field = Field(6)
    table = field.measured()
    plain = anomalies(field.window(table))
    table[4] += 9 + 3 * np.cos(2 * np.pi * np.arange(STEPS) / 48)
    shifted = anomalies(field.window(table))
    assert np.corrcoef(plain[4], shifted[4])[0, 1] > 0.9


def test_every_kind_is_explained_in_both_languages():
    assert set(EXPLANATIONS) == set(get_args(Kind.__value__ if hasattr(Kind, "__value__") else Kind))
    texts = [text for one in EXPLANATIONS.values() for text in (one.title, one.meaning, one.first_step)]
    assert all(one.ko and one.en for one in texts)


def test_what_a_finding_holds_back():
    assert held_by(RULES) == {
        "unit_mixed": (Flag.FAIL, Check.UNIT_DOUBTFUL),
        "swapped": (Flag.FAIL, Check.STATION_DOUBTFUL),
        "channels_swapped": (Flag.FAIL, Check.STATION_DOUBTFUL),
        "moved": (Flag.SUSPECT, Check.STATION_DOUBTFUL),
        "doubled": (Flag.SUSPECT, Check.STATION_DOUBTFUL),
        "clock_off": (Flag.SUSPECT, Check.CLOCK_OFF),
        "drift": (Flag.SUSPECT, Check.DRIFTING),
    }


def test_every_conversion_is_of_a_property_of_ours_in_its_own_unit():
    units = {one.id: one.unit for one in PROPERTIES}
    assert {(one.property, one.unit) for one in RULES.conversions} <= set(units.items())
