"""The limits as rows of data, a city's own rows, and what they find in the demo city."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from dure.city import read_city
from dure.core.errors import ConfigError
from dure.core.time import to_us
from dure.services.environment.checks.quality import TESTS, Limits, qualify_series
from dure.services.environment.checks.quality_reasons import why
from dure.services.environment.checks.quality_rules import DEFAULT, KINDS, quality_rules, with_ranges
from dure.services.environment.model import PROPERTIES
from dure.services.environment.rules import load_pack
from dure.services.environment.simulate import stations_of
from dure.services.environment.virtual_city import values

DAY = date(2026, 11, 25)
KST_S = 32_400
HWASEONG = Path(__file__).parents[4] / "examples" / "hwaseong"
HEAD = 'id = "quality"\nversion = "1"\nname = { ko = "우리 한계", en = "Our limits" }\n'
SPIKE = """
[[spike]]
id = "air_temperature"
suspect = 1.5
fail = 6
effective_from = 2024-01-01
source = "our own instruments"
mark = "own choice"
"""


def city_with(folder: Path, rows: str) -> Path:
    (folder / "rules").mkdir()
    (folder / "rules" / "quality.toml").write_text(HEAD + rows, "utf-8")
    return folder


def test_every_row_is_of_a_property_we_know_in_its_own_unit():
    units = {one.id: one.unit for one in PROPERTIES} | {DEFAULT: "s"}
    rows = [(table, row) for table, found in load_pack("quality").tables.items() for row in found]
    assert {table for table, _ in rows} == set(KINDS)
    assert [(table, row["id"]) for table, row in rows if units.get(row["id"]) != row["unit"]] == []


@pytest.mark.parametrize("property_id", ["precipitation", "precipitation_total", "water_level", "battery_voltage", "occupied"])
def test_what_may_stay_constant_for_days_is_never_called_flat(property_id):
    limits = quality_rules(DAY).limits.get(property_id, Limits())
    assert limits.flat_fail_s is None
    assert limits.spread_fail is None


def test_the_step_limits_are_those_of_the_weather_service():
    limits, basis = quality_rules(DAY).limits, quality_rules(DAY).basis
    steps = {
        one: round(limits[one].rate_suspect * 60, 6)
        for one in ("air_temperature", "air_pressure", "relative_humidity", "wind_speed")
    }
    assert steps == {"air_temperature": 0.7, "air_pressure": 0.4, "relative_humidity": 5.9, "wind_speed": 4.6}
    assert "10.14191/Atmos.2014.24.3.445" in basis["air_temperature", "rate_of_change"].source


def test_a_city_replaces_one_row_and_keeps_the_others(tmp_path):
    rules = quality_rules(DAY, city_with(tmp_path, SPIKE))
    assert rules.limits["air_temperature"].spike_suspect == 1.5
    assert rules.limits["air_temperature"].flat_fail_s == quality_rules(DAY).limits["air_temperature"].flat_fail_s
    assert rules.basis["air_temperature", "spike"].source == "our own instruments"


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ('source = ""', 'source = "our own instruments"'),
        ("suspect = 9", "suspect = 1.5"),
        ("suspect = -1", "suspect = 1.5"),
        ("[[spikes]]", "[[spike]]"),
        ("limit = 6", "fail = 6"),
    ],
)
def test_a_wrong_row_of_a_city_is_refused_with_its_file(tmp_path, wrong, right):
    with pytest.raises(ConfigError, match=r"quality\.toml") as refused:
        quality_rules(DAY, city_with(tmp_path, SPIKE.replace(right, wrong)))
    assert refused.value.code == "rules.invalid"


@pytest.mark.parametrize(
    "row",
    [
        "[[climatology]]\nsuspect = [[0, 1]]",
        "[[climatology]]\nsuspect = [" + "[1, 1], " * 12 + "]",
        "[[climatology]]\nsuspect = [" + "[0, 9], " * 12 + "]\nfail = [" + "[1, 8], " * 12 + "]",
        "[[rate_of_change]]\nsuspect = 1\nfail = 2\nper_s = 0",
        "[[flat_line]]\nsuspect_s = 60\nfail_s = 30\ntolerance = 0.1\nn_min = 3",
        "[[attenuated]]\nwindow_s = 60\ncover_s = 90\nn_min = 3\nsuspect = 2\nfail = 1",
        "[[gap]]\ngap_s = 0",
    ],
)
def test_limits_that_contradict_themselves_are_refused(tmp_path, row):
    rest = '\nid = "air_temperature"\neffective_from = 2024-01-01\nsource = "x"\nmark = "own choice"\n'
    with pytest.raises(ConfigError) as refused:
        quality_rules(DAY, city_with(tmp_path, row + rest))
    assert refused.value.code == "rules.invalid"


def judged(station, step_s: int, days: int, seed: int) -> dict[str, np.ndarray]:
    """Flags by property of what a station says from 11 November on."""
    start = datetime(2026, 11, 11, tzinfo=UTC)
    times = [start + timedelta(seconds=step_s * i) for i in range(days * 86_400 // step_s)]
    said = [values(seed, station, at, step_s) for at in times]
    time_us = np.array([to_us(at) for at in times], np.int64)
    limits = quality_rules(DAY, utc_offset_s=KST_S).limits
    return {
        one: qualify_series(time_us, np.array([row[one] for row in said], float), limits.get(one, Limits())).tests
        for one in station.properties
    }


def share_bad(flags: list[np.ndarray]) -> float:
    bad = np.concatenate([np.isin(one, (3, 4)).any(axis=1) for one in flags])
    return float(bad.mean())


@pytest.mark.parametrize(("step_s", "per_kind"), [(3600, 9), pytest.param(60, 1, marks=pytest.mark.slow)])
def test_two_weeks_of_faultless_demo_stations_are_hardly_ever_doubted(step_s, per_kind):
    city = read_city(HWASEONG)
    kinds: dict[object, list] = {}
    for one in stations_of(city):
        if not one.station.fault:
            kinds.setdefault((one.station.profile, one.station.properties), []).append(one.station)
    flags = [
        found
        for same in kinds.values()
        for station in same[:per_kind]
        for found in judged(station, step_s, 14, city.seed).values()
    ]
    assert share_bad(flags) < 0.005


@pytest.mark.parametrize("step_s", [3600, 60])
def test_the_stuck_demo_station_is_found_in_every_property_within_two_days(step_s):
    city = read_city(HWASEONG)
    stuck = next(one.station for one in stations_of(city) if one.station.fault == "stuck")
    found = {one: bool((tests[-1, [4, 5]] == 4).any()) for one, tests in judged(stuck, step_s, 3, city.seed).items()}
    assert found == dict.fromkeys(stuck.properties, True)


def test_reasons_of_a_property_tell_its_range_too():
    one = next(one for one in PROPERTIES if one.id == "air_temperature")
    limits = with_ranges(quality_rules(DAY, utc_offset_s=KST_S).limits["air_temperature"], one)
    told = why(np.array([to_us(datetime(2026, 1, 1, tzinfo=UTC))]), np.array([44.0]), limits, 0)
    assert [(told[i].test, told[i].flag, told[i].statistic, told[i].suspect, told[i].fail) for i in (0, 1)] == [
        ("gross_range", 3, 44.0, (-30, 42), (-50, 50)),
        ("climatology", 4, 44.0, (-24, 18), (-33, 25)),
    ]


def test_the_tests_are_named_as_the_tables_are():
    assert set(TESTS) - {"gross_range"} | {"gap"} == set(KINDS)
