"""Faults that one series shows by itself, each on the virtual city's own faulty stations and on made ones."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest

from dure.city import read_city
from dure.core.observations import Check
from dure.core.time import to_us
from dure.services.environment.faults.diagnosis import Series, diagnose_station, diagnosis_rules_on
from dure.services.environment.faults.diagnosis_device import alternation, by_checks, clock_off, doubled, gaps
from dure.services.environment.simulate import stations_of
from dure.services.environment.virtual_city import stamped, values

RULES = diagnosis_rules_on(date(2026, 11, 25))
CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
STATIONS = [one.station for one in stations_of(CITY)]
BY_FAULT = {one.fault: one for one in STATIONS if one.fault}
START = datetime(2026, 11, 18, tzinfo=UTC)
US = 1_000_000
MINUTE_US, HOUR_US = 60 * US, 3600 * US


def series(value, time_us=None, lag_us=10 * US, check=None, period_s=60.0):
    """A series of one-minute readings from 1970 on, as it arrives `lag_us` later."""
    value = np.asarray(value, np.float64)
    time_us = np.arange(len(value)) * MINUTE_US if time_us is None else np.asarray(time_us, np.int64)
    check = np.zeros(len(value), np.uint8) if check is None else np.asarray(check, np.uint8)
    return Series("s1", "pm10", time_us, time_us + lag_us, value, check, period_s)


def sent(station, hours):
    """(property, series) of what a virtual station sends in some hours."""
    columns: dict[str, list[tuple[int, int, float]]] = {}
    for step in range(int(hours * 3600 / station.period_s)):
        at = START + timedelta(seconds=step * station.period_s)
        for name, value in values(41590, station, at).items():
            row = (to_us(stamped(station, at)), to_us(at) + 7 * US, np.nan if value is None else value)
            columns.setdefault(name, []).append(row)
    for name, rows in columns.items():
        time_us, arrival_us, value = (np.array(one) for one in zip(*rows, strict=True))
        yield name, Series(station.asset, name, time_us, arrival_us, value, np.zeros(len(value), np.uint8), station.period_s)


def kinds(station, hours):
    """(kind, property) of all findings on a virtual station's own series."""
    span = (to_us(START), to_us(START + timedelta(hours=hours)))
    return {(found.kind, name) for name, one in sent(station, hours) for found in diagnose_station(one, *span, RULES)}


def test_no_faultless_station_of_the_virtual_city_has_a_finding():
    faultless = [one for one in STATIONS if not one.fault]
    assert len(faultless) == 50
    assert {(one.asset, *found) for one in faultless for found in kinds(one, 24)} == set()


def test_a_second_device_under_one_id_is_found_within_an_hour():
    found = kinds(BY_FAULT["doubled"], 1)
    assert {("doubled", "pm10"), ("doubled", "pm2_5"), ("doubled", "noise_leq")} == found


@pytest.mark.parametrize(("fault", "hours"), [("clock", 2), ("hour", -1)])
def test_a_clock_off_by_hours_is_found_within_an_hour_and_makes_no_gaps(fault, hours):
    station = BY_FAULT[fault]
    assert {kind for kind, _ in kinds(station, 1)} == {"clock_off"}
    _, one = next(sent(station, 1))
    assert clock_off(one, RULES.clock).evidence["hours"] == hours


def test_a_station_that_is_silent_every_other_half_hour_has_gaps_within_two_hours():
    assert {kind for kind, _ in kinds(BY_FAULT["silent"], 2)} == {"gaps"}


@pytest.mark.parametrize("hours", [-9, 9, 1, -14])
def test_a_clock_on_utc_instead_of_korean_time_is_found_in_both_directions(hours):
    found = clock_off(series(np.ones(60), lag_us=-hours * HOUR_US + 20 * US), RULES.clock)
    assert found.evidence["hours"] == hours
    assert found.evidence["ahead_s"] == hours * 3600 - 20


@pytest.mark.parametrize(
    "lag_us",
    [
        pytest.param(30 * US, id="in time"),
        pytest.param(np.arange(60)[::-1] * 10 * MINUTE_US, id="a backlog sent at once"),
        pytest.param(np.arange(60)[::-1] * MINUTE_US, id="a bundle every hour"),
        pytest.param(25 * MINUTE_US, id="a slow network"),
        pytest.param(20 * HOUR_US, id="beyond any time zone"),
    ],
)
def test_late_readings_are_no_wrong_clock(lag_us):
    assert clock_off(series(np.ones(60), lag_us=lag_us), RULES.clock) is None


def test_two_different_values_at_one_instant_are_two_devices():
    time_us = np.repeat(np.arange(30) * MINUTE_US, 2)
    found = doubled(series(np.tile([20.0, 21.0], 30), time_us), RULES.doubled)
    assert found.evidence["sign"] == "two_values_at_one_instant"
    assert doubled(series(np.repeat(np.arange(30.0), 2), time_us), RULES.doubled) is None


def test_two_devices_that_agree_are_told_by_their_rhythms():
    rng = np.random.default_rng(0)
    time_us = np.sort(np.concatenate((np.arange(60) * MINUTE_US, np.arange(60) * MINUTE_US + 11 * US)))
    found = doubled(series(np.cumsum(rng.normal(0, 1, 120)), time_us), RULES.doubled)
    assert found.evidence["sign"] == "rhythms_in_turn"
    assert found.evidence["gaps_s"] == [11.0, 49.0]
    assert found.evidence["readings_per_period"] == pytest.approx(2, rel=0.02)


def test_the_two_levels_of_two_devices_are_told():
    rng = np.random.default_rng(1)
    found = doubled(series(np.tile([20.0, 35.0], 40) + rng.normal(0, 1, 80)), RULES.doubled)
    assert found.evidence["low"] == pytest.approx(20, abs=1)
    assert found.evidence["high"] == pytest.approx(35, abs=1)


@pytest.mark.parametrize("seed", range(20))
def test_one_device_that_is_noisy_fast_or_still_is_not_two(seed):
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 1, 200)
    half = np.arange(200) * MINUTE_US // 2  # it was told to send twice as often
    assert doubled(series(noise), RULES.doubled) is None
    assert doubled(series(np.cumsum(noise), half), RULES.doubled) is None
    assert doubled(series(np.full(200, 3.0)), RULES.doubled) is None
    assert doubled(series(noise[:10]), RULES.doubled) is None


def test_a_pump_that_goes_on_and_off_at_random_is_not_two_devices():
    rng = np.random.default_rng(3)
    on = np.cumsum(rng.random(400) < 0.75) % 2
    assert alternation(20.0 + 15 * on).step <= RULES.doubled.step_share
    assert doubled(series(20.0 + 15 * on), RULES.doubled) is None


def test_a_still_series_does_not_alternate():
    assert alternation(np.ones(50)).step == 1.0


def test_gaps_name_their_share_and_the_longest_one():
    time_us = np.concatenate((np.arange(60), np.arange(200, 240))) * MINUTE_US
    found = gaps(series(np.ones(100), time_us), 0, 240 * MINUTE_US, RULES.gaps)
    assert found.evidence == {
        "expected": 240,
        "came": 100,
        "missing_share": pytest.approx(1 - 100 / 240, abs=1e-4),
        "longest_gap_s": 141 * 60.0,
        "longest_gap_from_us": 59 * MINUTE_US,
    }


def test_a_station_that_sends_nothing_is_one_long_gap():
    found = gaps(series([]), 0, 240 * MINUTE_US, RULES.gaps)
    assert found.evidence["missing_share"] == 1.0
    assert found.evidence["longest_gap_s"] == 240 * 60.0


def test_a_few_lost_readings_are_no_finding():
    kept = np.arange(240)[np.arange(240) % 10 != 0]
    assert gaps(series(np.ones(len(kept)), kept * MINUTE_US), 0, 240 * MINUTE_US, RULES.gaps) is None


def test_stuck_and_spiking_are_told_from_the_checks_of_the_values():
    check = np.zeros(100, np.uint8)
    check[50:90] = Check.FLAT_LINE
    check[:5] = Check.SPIKE
    found = {one.kind: one for one in by_checks(series(np.ones(100), check=check), RULES.checks)}
    assert found["stuck"].evidence == {"share": 0.4, "readings": 100, "checks": {"flat_line": 40}}
    assert found["stuck"].since_us == 50 * MINUTE_US
    assert found["spiking"].evidence["checks"] == {"spike": 5}
    assert by_checks(series(np.ones(100), check=np.where(np.arange(100) < 3, Check.SPIKE, 0)), RULES.checks) == []


def test_a_finding_goes_over_wires():
    found = clock_off(series(np.ones(60), lag_us=9 * HOUR_US), RULES.clock)
    assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found
