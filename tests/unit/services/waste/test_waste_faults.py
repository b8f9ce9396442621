"""Each kind of fault is found, and what looks like it and is none is left in peace."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.time import from_us, to_us
from dure.services.waste.faults.battery import low_battery
from dure.services.waste.faults.detecting import faults_of, faults_of_city, faults_seen
from dure.services.waste.faults.fault_rules import fault_rules
from dure.services.waste.faults.findings import HOUR_US, SENSOR_FAULTS, Series, Window
from dure.services.waste.model import Sighting

RULES = fault_rules(date(2026, 11, 25))
NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
NOW_US = to_us(NOW)
DAYS = 21
HOURS = np.arange(-DAYS * 24 + 1, 1)  # the hours until now
SLOW, SCATTER = 0.1, 0.02


def levels(seed=1, rate=SLOW, scatter=SCATTER):
    """A sound bin by the hour: filled by day, emptied every sixth morning, read with scatter."""
    hour = HOURS % 24
    come = np.where((hour >= 7) & (hour < 23), rate / 16, 0.0)
    level = np.zeros(len(HOURS))
    for n in range(1, len(HOURS)):
        level[n] = 0.0 if emptied_at(HOURS[n]) else level[n - 1] + come[n]
    return np.clip(level + np.random.default_rng(seed).normal(0, scatter, len(HOURS)), 0, 1.05).round(2)


def emptied_at(hour):
    return hour % 24 == 7 and (hour // 24) % 6 == 0


EMPTIED_US = tuple(NOW_US + int(one) * HOUR_US for one in HOURS if emptied_at(one))


def window(value, hours=HOURS, **more):
    taps = tuple(Sighting(id=f"tap-{one}", bin="bin-1", kind="emptied", seen_at=from_us(one), level=0.5) for one in EMPTIED_US)
    known = {"emptied_us": EMPTIED_US, "sightings": taps} | more
    return Window("bin-1", NOW_US, series(value, hours), **known)


def series(value, hours=HOURS):
    return Series(NOW_US + np.asarray(hours, np.int64) * HOUR_US, np.asarray(value, np.float64))


def kinds(one):
    return {found.fault for found in faults_of(one, RULES)}


def seen(kind, level, hours_ago):
    at = from_us(NOW_US - int(hours_ago * HOUR_US))
    return Sighting(id=f"{kind}-{hours_ago}", bin="bin-1", kind=kind, seen_at=at, level=level)


def without(value, since_h):
    """Without the readings of the hours since then."""
    kept = since_h >= HOURS
    return window(np.asarray(value)[kept], HOURS[kept])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("scatter", [0.005, 0.02, 0.05])
def test_a_sound_bin_has_no_fault(seed, scatter):
    assert kinds(window(levels(seed, scatter=scatter))) == set()


def test_a_bin_of_which_nothing_is_known_has_no_fault():
    assert kinds(Window("bin-1", NOW_US)) == set()


def test_a_level_that_repeats_itself_while_the_bin_should_fill_is_stuck():
    value = levels()
    value[-30:] = value[-31]
    (found,) = faults_of(window(value), RULES)
    assert found.fault == "stuck"
    assert found.numbers["readings"] >= 30
    assert found.evidence.ko != found.evidence.en


def test_a_level_that_stays_although_the_bin_was_emptied_is_stuck():
    value = levels(rate=0.3)
    value[-8:] = 0.7
    emptied = (*EMPTIED_US, NOW_US - 5 * HOUR_US)
    assert "stuck" in kinds(window(value, emptied_us=emptied))


def test_a_full_bin_at_its_brim_and_an_empty_one_at_its_floor_rest():
    for at in (1.05, 0.0):
        value = levels()
        value[:200] = at  # as it was before
        value[-20:] = at
        assert "stuck" not in kinds(window(value, emptied_us=()))


def test_a_quiet_night_is_no_stuck_level():
    value = levels(scatter=0.002)
    assert kinds(window(value[:-3], HOURS[:-3])) == set()


def test_a_sensor_that_says_nothing_for_longer_than_its_own_period_is_silent():
    assert kinds(without(levels(), -13)) == {"silent"}


def test_a_sensor_that_speaks_once_a_day_is_not_silent_after_thirteen_hours():
    value, hours = levels()[::24], HOURS[::24]
    assert kinds(window(value, hours)) == set()


def test_many_bins_silent_together_are_an_outage_until_it_lasts_too_long():
    silent = [named(without(levels(n), -13), n) for n in range(20)]
    found, lost = faults_of_city(silent + [named(window(levels(n)), n) for n in range(20, 60)], RULES)
    assert (found, len(lost), len(lost[0].bins)) == ([], 1, 20)
    longer = [named(without(levels(n), -40), n) for n in range(20)]
    found, _ = faults_of_city(longer + [named(window(levels(n)), n) for n in range(20, 60)], RULES)
    assert {one.fault for one in found} == {"silent"}


def named(one, n):
    return Window(f"bin-{n}", one.now_us, one.level, one.battery, one.compactions, one.emptied_us, one.sightings)


def test_a_level_that_leaps_anywhere_and_back_is_jumping():
    value, chance = levels(), np.random.default_rng(3)
    leaps = np.flatnonzero(chance.random(48) < 0.5)
    value[-48:][leaps] = chance.uniform(0, 1, len(leaps)).round(2)
    assert kinds(window(value)) == {"jumping"}


def test_a_busy_day_and_an_emptying_nobody_tapped_are_no_leaps():
    value = levels()
    value[-30:-10] = np.linspace(0.1, 0.9, 20)
    value[-10:] = 0.03
    assert "jumping" not in kinds(window(value))


def test_a_bin_of_large_steps_does_not_jump_by_making_them():
    """A sensor of six steps between which it swings, as Bigbelly's list has it."""
    chance = np.random.default_rng(5)
    value = np.floor(np.clip(levels(scatter=0.05) + chance.normal(0, 0.05, len(HOURS)), 0, 1) * 5 + 0.5) / 5
    assert "jumping" not in kinds(window(value))


def test_a_low_or_fast_falling_battery_is_told_with_its_day():
    low = window(levels(), battery=series(np.linspace(0.4, 0.15, len(HOURS))))
    assert kinds(low) == {"low_battery"}
    charge = np.full(len(HOURS), 0.8)
    charge[-48:] -= np.linspace(0, 0.4, 48)
    found = low_battery(window(levels(), battery=series(charge)), RULES.battery)
    assert found is not None
    assert found.numbers["empty_in_d"] == pytest.approx(2.0, abs=0.5)


def test_a_solar_battery_that_swings_by_day_is_not_low():
    charge = 0.75 + 0.1 * np.sin(2 * np.pi * HOURS / 24) + np.random.default_rng(2).normal(0, 0.005, len(HOURS))
    assert kinds(window(levels(), battery=series(charge))) == set()


def test_a_level_that_leapt_near_the_top_and_stays_there_without_scatter_is_blocked():
    value = levels()
    value[-30:] = 0.96 + np.random.default_rng(1).normal(0, 0.004, 30).round(3)
    assert kinds(window(value)) == {"blocked"}


def test_a_bin_that_became_full_and_goes_on_scattering_is_not_blocked():
    value = levels(rate=0.16, scatter=0.03)
    value[-100:] = np.clip(np.linspace(0.3, 0.99, 100) + np.random.default_rng(1).normal(0, 0.03, 100), 0, 1.05).round(2)
    assert "blocked" not in kinds(window(value, emptied_us=()))


def pressing(n=60, works=True, from_h=-30):
    """A compactor's level and counter: three presses a day that leave a fifth, without effect since an hour when it is broken."""
    level, counter, pressed, loose = [], [], 0.0, 0.0
    count = 0
    for hour in HOURS:
        if hour % 48 == 7:
            pressed = loose = 0.0
        loose = min(loose + (0.1 if 7 <= hour % 24 < 23 else 0.0), 1.3 - pressed)
        if pressed + loose >= 0.85:
            count += 1
            if works or hour < from_h:
                pressed, loose = pressed + loose / 5, 0.0
        level.append(pressed + loose)
        counter.append(count)
    noise = np.random.default_rng(n).normal(0, 0.02, len(HOURS))
    emptied = tuple(NOW_US + int(one) * HOUR_US for one in HOURS if one % 48 == 7)
    value = np.clip(np.array(level) + noise, 0, 1.05).round(2)
    return window(value, compactions=series(counter), emptied_us=emptied, sightings=())


def test_presses_that_leave_the_waste_above_the_brim_do_not_compact():
    assert kinds(pressing(works=False)) == {"not_compacting"}


def test_a_counter_that_rests_at_a_high_level_does_not_compact():
    sound = pressing()
    counter = sound.compactions.value.copy()
    counter[-30:] = counter[-31]
    value = sound.level.value.copy()
    value[-30:] = np.clip(np.linspace(0.5, 1.2, 30) + np.random.default_rng(1).normal(0, 0.02, 30), 0, 1.05)
    broken = Window("bin-1", NOW_US, series(value), compactions=series(counter), emptied_us=sound.emptied_us)
    assert "not_compacting" in kinds(broken)


@pytest.mark.parametrize("seed", range(4))
def test_a_compactor_that_works_is_left_in_peace(seed):
    assert kinds(pressing(seed)) == set()


def test_a_crew_that_finds_far_more_than_the_sensor_says_contradicts_it():
    one = window(levels(), sightings=(seen("emptied", 1.125, 3),))
    assert kinds(one) == {"contradicted"}


def test_one_citizen_is_not_enough_and_two_are():
    value = np.clip(levels() * 0 + 0.3 + np.random.default_rng(4).normal(0, 0.02, len(HOURS)), 0, 1)
    assert "contradicted" not in kinds(window(value, sightings=(seen("report", 1.1, 3),)))
    assert "contradicted" in kinds(window(value, sightings=(seen("report", 1.1, 9), seen("report", 1.1, 3))))


def test_a_crew_that_found_what_the_sensor_says_clears_what_citizens_said():
    value = np.clip(levels() * 0 + 0.3 + np.random.default_rng(4).normal(0, 0.02, len(HOURS)), 0, 1)
    said = (seen("report", 1.1, 9), seen("report", 1.1, 8), seen("level", 0.25, 5))
    assert "contradicted" not in kinds(window(value, sightings=said))


def test_a_stray_reading_before_a_tap_contradicts_nobody():
    value = levels()
    value[-4] = 0.0 if value[-4] > 0.45 else 0.95
    one = window(value, sightings=(seen("emptied", 0.25, 3.5),))
    assert "contradicted" not in kinds(one)


def test_what_a_crew_calls_broken_is_a_finding_with_its_own_source():
    broken = seen("broken", None, 2)
    undone = Sighting(id="x", bin="bin-1", kind="blocked", seen_at=NOW, facts={"undone_at": "2026-11-25T03:00:00Z"})
    (found,) = faults_seen([broken, undone, seen("emptied", 0.5, 1)])
    assert (found.fault, found.source) == ("broken", broken.id)


def test_a_level_that_says_nothing_of_presses_names_its_own_fault_alone():
    value = levels()
    value[-30:] = value[-31]
    one = window(value, sightings=(seen("emptied", 1.125, 3),))
    assert kinds(one) == {"stuck"}


@given(st.lists(st.floats(0, 1.25, allow_nan=False), max_size=60), st.integers(1, 12))
def test_any_readings_give_findings_of_known_kinds_with_finite_numbers(value, period):
    hours = -np.arange(len(value))[::-1] * period
    for found in faults_of(window(value, hours), RULES):
        assert found.fault in SENSOR_FAULTS
        assert np.isfinite(list(found.numbers.values())).all()
        assert found.since <= NOW
