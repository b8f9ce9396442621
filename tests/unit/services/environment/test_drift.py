"""Drift finding: one per cent a day within 14 days, seldom a false alarm, and the stream says what the batch says."""

from datetime import date

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.services.environment.calibrating.calibration_rehearsal import HOUR_US, beside_neighbours
from dure.services.environment.calibrating.calibration_rules import calibration_rules
from dure.services.environment.faults.drift import DAY_US, DriftState, Finder, find_drift, residuals

RULES = calibration_rules(date(2026, 11, 24))
PM = RULES.scale_of("pm2_5")
FINDER = Finder(PM, RULES.drift)
TEMPERATURE = RULES.scale_of("air_temperature")
START_US = 1_767_225_600_000_000


def rehearsed(seed, days, **more):
    one = beside_neighbours(seed, days, **more)
    return one.time_us, residuals(one.value, one.estimate, PM)


def streamed(finder, time_us, residual):
    state, alarms = DriftState(), []
    for at, value in zip(time_us.tolist(), residual.tolist(), strict=True):
        state, alarm = finder.advance(state, at, value)
        alarms += [alarm] if alarm else []
    state, alarm = finder.close_day(state)
    return state, alarms + ([alarm] if alarm else [])


@pytest.mark.parametrize("rate", [0.01, -0.01])
@pytest.mark.parametrize("seed", range(40))
def test_one_per_cent_a_day_is_found_within_a_fortnight(seed, rate):
    time_us, residual = rehearsed(seed, 90, drift_per_day=rate, drift_from_day=60, outages=False)

    _, alarms = find_drift(FINDER, time_us, residual)

    began_us = time_us[0] + 60 * DAY_US
    found = [one for one in alarms if one.at_us > began_us and one.direction == ("up" if rate > 0 else "down")]
    assert found
    assert (found[0].at_us - began_us) / DAY_US <= 14
    assert found[0].since_us <= found[0].at_us


def test_a_sensor_alarms_falsely_less_than_once_a_year():
    alarms = sum(len(find_drift(FINDER, *rehearsed(5_000 + seed, 365))[1]) for seed in range(30))

    assert alarms / 30 <= 1


def test_the_rate_is_told_about_right():
    rates = []
    for seed in range(20):
        time_us, residual = rehearsed(seed, 90, drift_per_day=0.01, drift_from_day=60, outages=False)
        found = [one for one in find_drift(FINDER, time_us, residual)[1] if one.at_us > time_us[0] + 60 * DAY_US]
        rates.append(found[0].rate_per_day)

    assert 0.5 < float(np.median(rates)) < 1.5


@pytest.mark.parametrize("seed", range(4))
def test_stream_and_batch_say_the_same(seed):
    time_us, residual = rehearsed(seed, 150, drift_per_day=0.01, drift_from_day=70)

    state, alarms = streamed(FINDER, time_us, residual)
    batch_state, batch_alarms = find_drift(FINDER, time_us, residual)

    assert alarms == batch_alarms
    assert alarms
    skipped = {"day", "hours"}
    assert {name: value for name, value in msgspec.structs.asdict(state).items() if name not in skipped} == {
        name: value for name, value in msgspec.structs.asdict(batch_state).items() if name not in skipped
    }


def test_a_stream_goes_on_after_a_restart_as_if_there_had_been_none():
    time_us, residual = rehearsed(3, 120, drift_per_day=-0.01, drift_from_day=60)
    whole = streamed(FINDER, time_us, residual)
    state, alarms = DriftState(), []
    for at, value in zip(time_us.tolist(), residual.tolist(), strict=True):
        state, alarm = FINDER.advance(msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=DriftState), at, value)
        alarms += [alarm] if alarm else []
    state, alarm = FINDER.close_day(state)

    assert (state, alarms + ([alarm] if alarm else [])) == whole


def test_the_state_does_not_grow():
    early, late = (len(msgspec.json.encode(find_drift(FINDER, *rehearsed(1, days))[0])) for days in (60, 720))

    assert late < 1.3 * early
    assert late < 3_000


def test_late_and_repeated_hours_change_nothing():
    state, _ = FINDER.advance(DriftState(), START_US, 0.1)
    state, _ = FINDER.advance(state, START_US + DAY_US, 0.2)

    assert FINDER.advance(state, START_US + 5 * HOUR_US, 9.0) == (state, None)
    assert FINDER.advance(state, START_US + DAY_US + 1, 9.0) == (state, None)
    assert FINDER.advance(state, START_US + DAY_US + HOUR_US, float("nan")) == (state, None)


def test_a_day_with_few_hours_says_nothing():
    time_us = START_US + np.arange(7, dtype=np.int64) * HOUR_US

    state, _ = find_drift(FINDER, time_us, np.full(7, 0.5))

    assert state.last_day == -1
    assert state.quiet == ()


def test_after_a_long_silence_the_sensor_is_learned_anew():
    time_us, residual = rehearsed(2, 60, outages=False)
    later = time_us[-1] + 100 * DAY_US + np.arange(24, dtype=np.int64) * HOUR_US

    state, alarms = find_drift(FINDER, np.concatenate([time_us, later]), np.concatenate([residual, np.full(24, 0.9)]))

    assert not state.learned
    assert len(state.quiet) == 1
    assert not alarms


def test_one_strange_day_does_not_alarm_by_itself():
    time_us, residual = rehearsed(11, 80, outages=False)
    alone = find_drift(FINDER, time_us, residual)[1]
    residual[70 * 24 : 71 * 24] += 2.0

    assert len(find_drift(FINDER, time_us, residual)[1]) == len(alone)


def test_a_jump_is_found_in_days():
    time_us, residual = rehearsed(12, 90, outages=False)
    residual[60 * 24 :] -= 0.25

    found = [one for one in find_drift(FINDER, time_us, residual)[1] if one.at_us > time_us[0] + 60 * DAY_US]

    assert found[0].direction == "down"
    assert (found[0].at_us - time_us[0]) / DAY_US - 60 <= 4


def test_a_temperature_is_judged_by_differences_in_its_own_unit():
    rng = np.random.default_rng(4)
    days = 80
    time_us = START_US + np.arange(days * 24, dtype=np.int64) * HOUR_US
    estimate = 5 + 4 * np.sin(np.arange(days * 24) / 24 * 2 * np.pi)
    drift = np.maximum(np.arange(days * 24) / 24 - 50, 0) * 0.1
    value = estimate + 0.4 + rng.normal(0, 0.3, days * 24) + drift

    _, alarms = find_drift(Finder(TEMPERATURE, RULES.drift), time_us, residuals(value, estimate, TEMPERATURE))

    assert alarms[0].direction == "up"
    assert (alarms[0].at_us - time_us[0]) / DAY_US - 50 <= 14
    assert alarms[0].rate_per_day == pytest.approx(0.1, abs=0.06)


def test_hours_with_too_little_to_compare_are_left_out():
    value, estimate = np.array([2.0, 20.0, np.nan, 20.0, 0.0]), np.array([1.0, 10.0, 10.0, np.nan, 10.0])

    found = residuals(value, estimate, PM)

    assert np.isfinite(found).tolist() == [False, True, False, False, True]
    assert found[1] == pytest.approx(np.log(2))
    assert found[4] == pytest.approx(np.log(0.3 / 10))


@settings(max_examples=20, deadline=None)
@given(st.floats(-3, 3), st.integers(0, 50))
def test_a_constant_bias_changes_no_alarm(bias, seed):
    time_us, residual = rehearsed(seed, 100, drift_per_day=0.01, drift_from_day=60)

    plain, moved = find_drift(FINDER, time_us, residual)[1], find_drift(FINDER, time_us, residual + bias)[1]

    assert [(one.at_us, one.direction) for one in plain] == [(one.at_us, one.direction) for one in moved]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 50))
def test_up_and_down_are_mirror_images(seed):
    time_us, residual = rehearsed(seed, 100, drift_per_day=0.01, drift_from_day=60)

    up, down = find_drift(FINDER, time_us, residual)[1], find_drift(FINDER, time_us, -residual)[1]

    other = {"up": "down", "down": "up"}
    assert [(one.at_us, one.direction) for one in up] == [(one.at_us, other[one.direction]) for one in down]
