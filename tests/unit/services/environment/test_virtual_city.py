from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dure.city import read_city
from dure.core.properties import Properties
from dure.services.environment.model import PROPERTIES
from dure.services.environment.simulate import payload, stations_of
from dure.services.environment.virtual_city import CLOCK_OFF, KMH, SPIKE, SPIKES_PER_READING, across, stamped, values

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
STATIONS = [one.station for one in stations_of(CITY)]
FAULTY = {one.fault: one for one in STATIONS if one.fault}
NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
instants = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # the zone is given


def registered():
    properties = Properties(PROPERTIES)
    CITY.apply_ranges(properties)
    return properties


def test_there_are_sixty_stations_and_one_of_each_fault():
    assert len(STATIONS) == 60
    assert sorted(FAULTY) == ["clock", "doubled", "drift", "hour", "moved", "new", "silent", "spike", "stuck", "unit"]


def test_the_same_seed_gives_the_same_values_whatever_was_asked_before():
    there = [values(41590, one, NOON) for one in STATIONS]
    values(41590, STATIONS[0], NOON + timedelta(days=1))
    assert [values(41590, one, NOON) for one in reversed(STATIONS)] == there[::-1]


def test_another_seed_gives_another_city():
    assert values(1, STATIONS[0], NOON) != values(2, STATIONS[0], NOON)


def test_a_known_reading_stays_as_it_is():
    assert values(41590, STATIONS[0], NOON) == GOLDEN


@given(instants)
def test_a_sound_station_only_measures_what_is_likely(at):
    properties = registered()
    sound = [one for one in STATIONS if one.fault in ("", "clock", "hour", "moved")]
    odd = [
        (one.asset, name, value)
        for one in sound
        for name, value in values(41590, one, at).items()
        if value is None or not properties[name].suspect_min <= value <= properties[name].suspect_max
    ]
    assert odd == []


@given(instants)
def test_a_station_reports_all_its_properties_and_no_other(at):
    assert all(set(values(41590, one, at)) == set(one.properties) for one in STATIONS if one.fault != "silent")


def test_afternoons_are_warmer_than_nights_and_summers_than_winters():
    station = next(one for one in STATIONS if one.asset == "air-namyang")
    year = [NOON + timedelta(hours=h) for h in range(0, 365 * 24, 3)]
    warm = {at: values(41590, station, at)["air_temperature"] for at in year}
    by_hour = {h: np.mean([t for at, t in warm.items() if at.hour == h]) for h in (6, 18)}  # 15 and 3 o'clock there
    by_month = {m: np.mean([t for at, t in warm.items() if at.month == m]) for m in (1, 8)}
    assert by_hour[6] - by_hour[18] > 5
    assert by_month[8] - by_month[1] > 20


def test_rain_falls_on_few_hours_and_sums_to_a_years_worth():
    station = next(one for one in STATIONS if "precipitation" in one.properties and not one.fault)
    hours = [values(41590, station, NOON + timedelta(hours=h), 3600)["precipitation"] for h in range(365 * 24)]
    assert 0.02 < np.mean([mm > 0 for mm in hours]) < 0.25
    assert 500 < sum(hours) < 3000


def test_rain_by_the_minute_sums_to_the_rain_by_the_hour():
    station = next(one for one in STATIONS if "precipitation" in one.properties and not one.fault)
    wet = max((NOON + timedelta(hours=h) for h in range(2000)), key=lambda at: values(41590, station, at, 3600)["precipitation"])
    minutes = sum(values(41590, station, wet + timedelta(minutes=m), 60)["precipitation"] for m in range(-30, 30))
    hour = values(41590, station, wet, 3600)["precipitation"]
    assert minutes == np.clip(minutes, 0.5 * hour, 1.5 * hour)


def test_the_stuck_station_repeats_itself_for_days():
    stuck = FAULTY["stuck"]
    readings = [values(41590, stuck, NOON + timedelta(minutes=m)) for m in range(0, 3 * 24 * 60, 30)]
    assert all(one == readings[0] for one in readings)


def test_the_spiking_station_sometimes_sends_what_cannot_be_true():
    properties = registered()
    wrong = [values(41590, FAULTY["spike"], NOON + timedelta(minutes=m)) for m in range(2000)]
    hit = [one for one in wrong if one["air_temperature"] == SPIKE["air_temperature"]]
    assert 0.5 * SPIKES_PER_READING < len(hit) / len(wrong) < 1.5 * SPIKES_PER_READING
    assert [name for name, value in SPIKE.items() if properties[name].fail_min <= value <= properties[name].fail_max] == []


def test_the_silent_station_says_nothing_in_the_second_half_of_an_hour():
    assert values(41590, FAULTY["silent"], NOON)
    assert values(41590, FAULTY["silent"], NOON + timedelta(minutes=30)) == {}


def test_the_station_with_the_wrong_clock_is_ahead_of_time():
    assert stamped(FAULTY["clock"], NOON) == NOON + CLOCK_OFF["clock"]
    assert b'"2026-11-24T05:00:00Z"' in payload(FAULTY["clock"], NOON, values(41590, FAULTY["clock"], NOON))


def test_the_station_with_the_wrong_unit_says_its_wind_in_kilometres_an_hour():
    wrong = FAULTY["unit"]
    right = values(41590, msgspec.structs.replace(wrong, fault=""), NOON)
    assert values(41590, wrong, NOON) == right | {"wind_speed": round(KMH * right["wind_speed"], 1)}


def test_the_drifting_station_reads_higher_day_by_day():
    wrong = FAULTY["drift"]
    sound = msgspec.structs.replace(wrong, fault="")
    start = datetime.fromtimestamp(int(NOON.timestamp() // (28 * 86400)) * 28 * 86400, UTC)
    late = start + timedelta(days=20)
    assert values(41590, wrong, start)["pm10"] == values(41590, sound, start)["pm10"]
    assert abs(values(41590, wrong, late)["pm10"] / values(41590, sound, late)["pm10"] - 1.4) < 0.01


def test_two_devices_under_one_id_take_turns():
    wrong = FAULTY["doubled"]
    sound = msgspec.structs.replace(wrong, fault="")
    ratios = [values(41590, wrong, at)["pm10"] / values(41590, sound, at)["pm10"] for at in (NOON, NOON + timedelta(minutes=1))]
    assert sorted(round(one, 1) for one in ratios) == [1.0, 1.8]


def test_the_moved_station_measures_another_place():
    wrong = FAULTY["moved"]
    assert values(41590, wrong, NOON) != values(41590, msgspec.structs.replace(wrong, fault=""), NOON)


@given(instants)
def test_neighbours_see_nearly_the_same_and_the_field_stays_within_its_span(at):
    here = across(1, "dust", 126.9, 37.2, at.timestamp())
    near = across(1, "dust", 126.901, 37.2, at.timestamp())
    assert -1 <= here <= 1
    assert abs(here - near) < 0.05


def test_the_new_station_is_in_quarantine_and_has_no_value_yet():
    states = {asset.id: asset.state for asset in CITY.assets()}
    assert states[FAULTY["new"].asset] == "quarantined"
    assert set(values(41590, FAULTY["new"], NOON).values()) == {None}


GOLDEN = {
    "pm10": 71.8,
    "pm2_5": 43.7,
    "o3": 0.029,
    "no2": 0.012,
    "so2": 0.002,
    "co": 0.47,
    "air_temperature": 7.6,
    "relative_humidity": 42.0,
}
