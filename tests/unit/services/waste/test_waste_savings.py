"""Savings: figures each defined once, fill histories, baselines, and intervals that hold."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.core.errors import InputError
from dure.services.waste.accounting.accounts import Done, Leg, Waste, per_m3, side_of
from dure.services.waste.accounting.baseline import Baseline, Due, checked, digest, due_from_log
from dure.services.waste.accounting.factors import Judging, energy_of, factors_on, judging_on
from dure.services.waste.accounting.fills import DAY_US, Look, fills_of, spill
from dure.services.waste.accounting.kpi import Driven, figures, overflow_minutes, share_wasted
from dure.services.waste.accounting.pilots import Habits, judged
from dure.services.waste.accounting.savings import Paired, saving_of
from dure.services.waste.accounting.savings_words import headline, sentence
from dure.services.waste.bins import Truck

ON = date(2026, 11, 25)
MONDAY = date(2026, 11, 2)
HOUR_US = DAY_US // 24


def days(n, first=MONDAY):
    return [first + timedelta(days=one) for one in range(n)]


# --- Factors.


@given(st.floats(0, 1e6), st.floats(0.1, 150))
def test_litres_are_kilometres_times_the_trucks_own_use(metres, use):
    found = energy_of(metres, factors_on(ON), own=(use, 0.0))
    assert found.fuel_l == pytest.approx(metres / 1000 * use / 100)
    assert found.co2e_g == pytest.approx(found.fuel_l * 2615.73)
    assert found.energy_wh == 0


def test_the_carbon_of_a_litre_is_its_heat_times_its_carbon():
    # carbon reference 3.1: 35.3 MJ/L and 74,100 kgCO2/TJ
    assert factors_on(ON).diesel_kg_l == pytest.approx(35.3e-6 * 74_100)


@pytest.mark.parametrize(
    ("day", "kg_kwh"), [(date(2024, 5, 1), 0.45941), (date(2025, 6, 1), 0.4541), (date(2025, 12, 17), 0.4173)]
)
def test_electricity_counts_with_the_factor_of_its_day(day, kg_kwh):
    found = energy_of(100_000, factors_on(day), profile="electric-truck")
    assert found.energy_wh == pytest.approx(180_000)
    assert found.co2e_g == pytest.approx(180 * kg_kwh * 1000)


def test_a_class_nobody_knows_counts_as_a_truck_and_what_is_unsure_is_told():
    factors = factors_on(ON)
    assert energy_of(1000, factors, profile="hovercraft") == energy_of(1000, factors, profile="truck")
    assert "factors@2026-11/use/truck" in factors.provisional


# --- Figures.


def test_minutes_over_the_brim_are_those_after_it_was_passed():
    found = overflow_minutes(np.array([0.5, 0.9, 1.2, 0.2]), np.array([0.9, 1.1, 1.2, 0.4]))
    assert found == pytest.approx([0, 720, 1440, 0])


def test_a_wasted_visit_is_one_to_a_bin_less_than_thirty_percent_full():
    assert share_wasted(np.array([0.1, 0.29, 0.3, 0.9])) == 0.5
    assert share_wasted(np.array([])) == 0


def test_kilometres_are_told_per_cubic_metre_collected():
    visited = np.array([[True, False], [False, True]])
    level = np.array([[0.5, 0.2], [0.1, 0.5]])
    found = figures(
        Driven(
            distance_m=np.array([4000, 6000]),
            duration_s=np.array([3600, 3600]),
            visited=visited,
            level=level,
            evening=np.array([[0.1, 0.2], [1.1, 0.3]]),
            capacity_l=np.array([1000.0, 2000.0]),
        )
    )
    assert found.m3_day == pytest.approx(0.75)
    assert found.km_m3 == pytest.approx(10 / 1.5)
    assert found.overflow == 250
    assert found.visits_day == 1


# --- Fill histories.


def test_a_rise_between_two_looks_is_spread_over_the_days_between():
    looks = {"a": [Look(0, 0.0), Look(4 * DAY_US, 0.8)]}
    found = fills_of(looks, ["a"], np.arange(5) * DAY_US, 0.15)
    assert found.rise[:, 0] == pytest.approx([0.2] * 4)
    assert found.watched.all()


def test_waste_after_an_emptying_counts_from_empty():
    looks = {"a": [Look(0, 0.6), Look(DAY_US // 2, 0.7, emptied=True), Look(2 * DAY_US, 0.3)]}
    found = fills_of(looks, ["a"], np.arange(3) * DAY_US, 0.15)
    assert found.rise[:, 0].sum() == pytest.approx(0.4)
    assert found.emptied[:, 0].tolist() == [True, False]


def test_a_fall_nobody_told_of_is_an_emptying():
    looks = {"a": [Look(0, 0.2), Look(DAY_US, 0.9), Look(2 * DAY_US, 0.1)]}
    found = fills_of(looks, ["a"], np.arange(3) * DAY_US, 0.15)
    assert found.emptied[:, 0].tolist() == [False, True]
    assert found.rise[:, 0].sum() == pytest.approx(0.8)


def test_an_emptying_of_which_no_level_is_told_still_empties():
    looks = {"a": [Look(0, 0.5), Look(DAY_US, None, emptied=True), Look(2 * DAY_US, 0.1)]}
    found = fills_of(looks, ["a"], np.arange(3) * DAY_US, 0.15)
    assert found.emptied[:, 0].tolist() == [False, True]
    assert found.rise[:, 0].sum() == pytest.approx(0.1)


def test_looks_out_of_order_make_the_same_history():
    looks = [Look(0, 0.1), Look(DAY_US, 0.4), Look(2 * DAY_US, 0.5, emptied=True), Look(3 * DAY_US, 0.2)]
    edges = np.arange(4) * DAY_US
    forwards, backwards = (fills_of({"a": one}, ["a"], edges, 0.15) for one in (looks, looks[::-1]))
    assert forwards.rise == pytest.approx(backwards.rise)


def test_noise_of_a_sensor_is_not_counted_as_waste():
    chance = np.random.default_rng(1)
    looks = [Look(one * HOUR_US, 0.4 + 0.03 * chance.standard_normal()) for one in range(24 * 10)]
    found = fills_of({"a": looks}, ["a"], np.arange(11) * DAY_US, 0.25)
    assert 0 <= found.rise.sum() < 0.15


def test_a_bin_nobody_looked_into_does_not_fill():
    found = fills_of({}, ["a"], np.arange(3) * DAY_US, 0.15)
    assert not found.rise.any()
    assert not found.watched.any()


@given(st.lists(st.lists(st.floats(0, 0.5), min_size=3, max_size=3), min_size=1, max_size=12), st.integers(0, 2**12 - 1))
def test_what_is_collected_and_left_is_what_was_thrown_in(rise, pattern):
    waste = np.array(rise)
    visited = (pattern >> np.arange(len(rise)) & 1).astype(bool)[:, None].repeat(3, 1)
    morning, evening = spill(waste, visited, np.zeros(3))
    assert (morning * visited).sum(0) + evening[-1] == pytest.approx(waste.sum(0))


# --- One side of a day.


def a_waste(rise, capacity_l=100.0):
    n = len(rise)
    return Waste(tuple("abcdefgh"[:n]), np.array(rise), np.ones(n, bool), np.full(n, capacity_l), "0" * 64)


def test_a_side_tells_visits_fuel_and_overflow():
    waste = a_waste([0.2, 0.2, 0.6])
    done = Done(np.array([True, True, False]), np.array([0.1, 0.9, 0.8]), [Leg(truck="t", distance_m=10_000, duration_s=3600)])
    truck = Truck(id="t", depot="d", capacity_l=1000, fuel_l_100km=50.0)
    found = side_of(done, waste, {"t": truck}, factors_on(ON), 0.3)
    assert (found.visits_n, found.wasted_n, found.overflow_n, found.trucks_n) == (2, 1, 1, 1)
    assert found.fuel_l == pytest.approx(5.0)
    assert found.collected_m3 == pytest.approx(0.1)
    assert found.overflow_min == pytest.approx(1440 * 0.4 / 0.6)
    assert per_m3(found)["km"] == pytest.approx(100)


def test_a_day_on_which_nothing_was_collected_has_no_figures_per_cubic_metre():
    done = Done(np.zeros(1, bool), np.zeros(1), [])
    assert per_m3(side_of(done, a_waste([0.1]), {}, factors_on(ON), 0.3)) == {}


# --- Baselines.


def test_a_calendar_of_weekdays_is_read_from_the_log():
    log = {"a": [day for day in days(56) if day.weekday() in (0, 3)]}
    assert due_from_log(log, (MONDAY, MONDAY + timedelta(56)), 0.8) == (Due(bin="a", weekdays=(0, 3)),)


def test_an_interval_is_read_from_the_log_with_its_phase():
    log = {"a": [day for day in days(56) if (day - MONDAY).days % 5 == 2]}
    (found,) = due_from_log(log, (MONDAY, MONDAY + timedelta(56)), 0.8)
    assert found.interval_d == 5
    assert [found.on(day) for day in days(8)] == [day in log["a"] for day in days(8)]


def test_an_interval_that_is_not_whole_visits_as_often_as_the_log():
    log = {"a": [day for day in days(56) if (day - MONDAY).days % 3 != 2]}
    (found,) = due_from_log(log, (MONDAY, MONDAY + timedelta(56)), 0.8)
    assert found.interval_d == pytest.approx(56 / 38, abs=0.001)
    assert abs(sum(found.on(day) for day in days(56)) - 38) <= 1


@given(st.lists(st.integers(0, 55), min_size=1, max_size=56, unique=True))
def test_a_calendar_read_from_a_log_is_about_as_busy_as_the_log(visited):
    log = {"a": [MONDAY + timedelta(one) for one in visited]}
    (found,) = due_from_log(log, (MONDAY, MONDAY + timedelta(56)), 0.8)
    assert abs(sum(found.on(day) for day in days(56)) - len(visited)) <= 1 + 0.25 * len(visited)


def test_a_log_in_which_nothing_was_emptied_is_refused():
    with pytest.raises(InputError) as refused:
        due_from_log({"a": [date(2020, 1, 1)]}, (MONDAY, MONDAY + timedelta(56)), 0.8)
    assert refused.value.code == "baseline.log_short"


@pytest.mark.parametrize(
    ("due", "code"),
    [
        ((), "baseline.empty"),
        ((Due(bin="nobody"),), "baseline.bin"),
        ((Due(bin="a"), Due(bin="a")), "baseline.bin"),
        ((Due(bin="a", interval_d=0),), "baseline.calendar"),
        ((Due(bin="a", interval_d=91),), "baseline.calendar"),
        ((Due(bin="a", weekdays=(7,)),), "baseline.calendar"),
    ],
)
def test_a_baseline_that_cannot_be_replayed_is_refused(due, code):
    baseline = Baseline(id="b", starts_on=ON, origin="declared", due=due)
    with pytest.raises(InputError) as refused:
        checked(baseline, frozenset({"a"}))
    assert refused.value.code == code


def test_a_baseline_keeps_its_digest_through_the_records():
    baseline = Baseline(id="b", starts_on=ON, origin="declared", due=(Due(bin="a", weekdays=(1,)),), note="매주 화요일")
    again = msgspec.convert(msgspec.to_builtins(baseline), Baseline)
    assert digest(again) == digest(baseline)


# --- Intervals.


def paired(saved, n=70, seed=1, sd=5.0):
    chance = np.random.default_rng(seed)
    baseline = 100 + 10 * chance.standard_normal(n)
    return Paired(baseline - saved + sd * chance.standard_normal(n), baseline)


def test_the_baseline_against_itself_saves_nothing():
    same = paired(0, sd=0)
    found = saving_of(same, Judging(), 1)
    assert (found.mean, found.low, found.high) == (0, 0, 0)
    assert found.verdict == "none_shown"


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(4, 20))
def test_an_interval_holds_its_mean(seed, weeks):
    found = saving_of(paired(3, 7 * weeks, seed), Judging(draws=200), seed)
    assert found.low <= found.mean <= found.high
    assert found.weeks == weeks


def test_a_saving_that_is_there_is_seen_with_about_its_size():
    found = saving_of(paired(30), Judging(), 1)
    assert found.verdict == "saving"
    assert found.low < 30 < found.high
    assert found.share == pytest.approx(0.3, abs=0.03)


def test_a_pilot_that_drives_more_is_told_so():
    assert saving_of(paired(-30), Judging(), 1).verdict == "more"


def test_three_weeks_are_too_few_to_judge():
    found = saving_of(paired(30, 21), Judging(), 1)
    assert found.verdict == "too_short"
    assert np.isnan(found.low)
    assert "too few" in sentence("km", found)("en")


def test_days_without_account_are_left_out_of_both_sides():
    gaps = paired(30)
    gaps.actual[3] = np.nan
    gaps.baseline[50] = np.nan
    found = saving_of(gaps, Judging(), 1)
    assert found.days == 68
    assert found.verdict == "saving"


def test_the_same_seed_gives_the_same_interval():
    assert saving_of(paired(5), Judging(), 7) == saving_of(paired(5), Judging(), 7)


def test_weeks_that_resemble_each_other_widen_the_interval():
    chance = np.random.default_rng(3)
    wave = np.repeat(np.cumsum(chance.standard_normal(20)), 7)
    mixed = wave.reshape(20, 7)[chance.permutation(20)].ravel()
    base = np.full(140, 100.0)
    smooth, rough = (saving_of(Paired(base - one, base), Judging(), 1) for one in (wave, mixed))
    assert smooth.high - smooth.low > rough.high - rough.low


def test_a_tracker_that_tells_more_than_the_plan_is_no_saving_and_no_loss():
    chance = np.random.default_rng(5)
    plan = 100 + 5 * chance.standard_normal(126)
    driven = 1.15 * plan * np.exp(0.02 * chance.standard_normal(126))
    found = saving_of(Paired(driven[56:], plan[56:]), Judging(), 1, Paired(driven[:56], plan[:56]))
    assert found.verdict == "none_shown"
    assert found.ratio == pytest.approx(1.15, abs=0.01)


def test_no_saving_shown_is_said_in_both_languages():
    said = sentence("km", saving_of(paired(0.2), Judging(), 1))
    assert "no saving shown" in said("en")
    assert "절감이 확인되지 않았습니다" in said.ko


def test_a_saving_bought_with_overflow_is_told_so():
    more = saving_of(Paired(np.full(70, 9.0) + np.arange(70) % 3, np.full(70, 2.0)), Judging(), 1)
    said = headline(saving_of(paired(30), Judging(), 1), more)
    assert "bought with overflow" in said("en")
    assert "넘침과 바꾼" in said.ko


def test_pilots_without_effect_claim_a_saving_seldom_and_those_with_one_nearly_always():
    judging = judging_on(ON)
    none = judged(Habits(n=40), judging, range(100))
    some = judged(Habits(n=40, effect=0.25), judging, range(20))
    assert sum(one.verdict == "saving" for one in none) <= 5
    assert sum(one.verdict == "saving" for one in some) >= 19
