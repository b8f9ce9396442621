"""A half-year of a home: the weather taken out, what is surely saved, and every case in which nothing can be said."""

from __future__ import annotations

import math
from datetime import date, timedelta
from fractions import Fraction

import household_cases
import msgspec
import numpy as np
import pytest
from household_cases import HOME, MEAN_C, ON, PERIOD, bills_of, changed, judged, temperatures
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dure.services.carbon.households.bands import Band, band_of, bill_average_cut, decided
from dure.services.carbon.households.degree_days import Bases, StationWeather, Weather
from dure.services.carbon.households.energy_rules import judging_rules
from dure.services.carbon.households.fitting import Row, fit, inverted
from dure.services.carbon.households.model import People
from dure.services.carbon.households.placebo import place_of, times_of
from dure.services.carbon.households.saving import student

BANDS = tuple(Band(cut=Fraction(one, 100), won=1_000 * one) for one in (5, 10, 15))


def test_a_home_that_changes_nothing_gets_nothing():
    found = judged(bills_of())

    assert (found.code, found.won, found.sure_milli) == ("household.not_shown", 0, 0)


def test_a_home_that_cuts_a_third_reaches_the_highest_band():
    found = judged(bills_of(cut=0.33))

    assert (found.code, found.won) == ("household.band", 15_000)
    assert 0.15 < found.bound_share < found.share < 0.36


def test_a_mild_winter_is_no_saving_of_the_home():
    mild = temperatures(warmer=4.0)
    found = judged(bills_of(mean_c=mild, heat=0.8), mean_c=mild)

    assert found.average_cut > 0.05  # the published rule would pay
    assert found.code == "household.not_shown"


def test_a_hard_winter_does_not_hide_a_saving():
    hard = temperatures(warmer=-4.0)
    found = judged(bills_of(mean_c=hard, heat=0.8, cut=0.25), mean_c=hard)

    assert found.average_cut < 0.15
    assert found.code == "household.band"


def test_a_small_saving_is_shown_and_told_but_reaches_no_band():
    found = judged(bills_of(cut=0.1))

    assert found.code == "household.below_band"
    assert found.won == 0
    assert found.sure_milli > 0


def test_use_at_what_would_reach_a_band_reaches_it_and_one_more_does_not():
    found = judged(bills_of(cut=0.2))
    rules = judging_rules("electricity", ON)
    for reach, band in zip(found.reach, rules.bands, strict=True):
        at = [Fraction(found.expected_milli - reach.use_milli - more - found.half_milli, found.expected_milli) for more in (0, 1)]
        assert band_of(at[0], (band,)) == band
        assert band_of(at[1], (band,)) is None


@pytest.mark.parametrize(
    ("home", "code"),
    [
        (msgspec.structs.replace(HOME, since=date(2025, 6, 1)), "household.moved"),
        (msgspec.structs.replace(HOME, since=date(2026, 2, 1)), "household.moved"),
        (msgspec.structs.replace(HOME, until=date(2026, 5, 1)), "household.moved"),
        (msgspec.structs.replace(HOME, people=(*HOME.people, People(date(2026, 3, 1), 2))), "household.people_changed"),
        (msgspec.structs.replace(HOME, people=(*HOME.people, People(date(2025, 9, 1), 2))), "household.people_changed"),
        (msgspec.structs.replace(HOME, solar_since=date(2026, 3, 1)), "household.solar"),
        (msgspec.structs.replace(HOME, solar_since=date(2025, 8, 1)), "household.solar"),
    ],
)
def test_a_home_that_is_no_longer_the_same_is_not_judged(home, code):
    found = judged(bills_of(cut=0.3), home)

    assert (found.code, found.won, found.judged) == (code, 0, False)
    assert found.reason.ko
    assert found.reason.en


def test_panels_that_were_there_all_along_and_those_of_gas_do_not_matter():
    long_ago = msgspec.structs.replace(HOME, solar_since=date(2020, 1, 1))
    new = msgspec.structs.replace(HOME, solar_since=date(2026, 3, 1))

    assert judged(bills_of(cut=0.33), long_ago).code == "household.band"
    assert judged(bills_of("gas", cut=0.33), new, utility="gas").code == "household.band"


def test_people_alike_for_a_year_are_enough():
    home = msgspec.structs.replace(HOME, people=(*HOME.people, People(date(2025, 1, 1), 2)))

    assert judged(bills_of(cut=0.33), home).code == "household.band"


def without(bills, *places):
    gone = {place % len(bills) for place in places}
    return [one for at, one in enumerate(bills) if at not in gone]


def vacant(bills, *places):
    for place in places:
        bills = changed(bills, place, vacant=True)
    return bills


def empty(bills, *places):
    for place in places:
        bills = changed(bills, place, milli=5_000)
    return bills


BASE = bills_of(cut=0.33)


@pytest.mark.parametrize(
    ("bills", "code"),
    [
        (without(BASE, -1), "household.band"),
        (without(BASE, -1, -2), "household.months_missing"),
        (BASE[:-6], "household.months_missing"),
        ([], "household.history_short"),
        (BASE[-6:], "household.history_short"),
        (BASE[13:], "household.history_short"),
        (BASE[12:], "household.band"),
        (without(BASE, *(at for at in range(24) if at % 12 in (0, 1, 2))), "household.season_unseen"),
        (changed(BASE, -1, read="estimated"), "household.band"),
        (changed(changed(BASE, -1, read="estimated"), -2, read="estimated"), "household.estimated"),
        (changed(changed(BASE, -2, read="estimated"), -3, read="estimated"), "household.band"),
        (changed(changed(BASE, -3, exchanged=True), -4, exchanged=True), "household.meter_exchanged"),
        (vacant(BASE, -1), "household.band"),
        (vacant(BASE, -1, -2), "household.vacant"),
        (empty(BASE, -1, -2), "household.vacant"),
        (empty(BASE, *range(24)), "household.not_shown"),
        ([msgspec.structs.replace(one, milli=0) for one in BASE], "household.no_use"),
    ],
)
def test_what_is_missing_or_cannot_be_trusted_is_said(bills, code):
    found = judged(bills)

    assert found.code == code
    assert (found.won > 0) == (code == "household.band")


def test_an_estimated_bill_counts_together_with_the_reading_after_it():
    plain = judged(BASE)
    estimated = changed(BASE, -3, read="estimated", milli=BASE[-3].milli - 50_000)
    joined = judged(changed(estimated, -2, milli=BASE[-2].milli + 50_000))

    assert joined.used_milli == plain.used_milli
    assert joined.months[-2].months == (BASE[-3].month, BASE[-2].month)


def test_months_whose_weather_is_not_known_do_not_count():
    first = PERIOD.months[4].first
    dark = {day: one for day, one in MEAN_C.items() if not first <= day < PERIOD.end}

    assert judged(BASE, mean_c=dark).code == "household.weather_missing"
    assert judged(BASE, mean_c={}).code == "household.weather_missing"


def test_the_same_is_judged_alike_to_the_last_bit():
    assert judged(BASE) == judged(list(reversed(BASE)))


@given(cut=st.floats(0, 0.6), more=st.floats(0, 0.3))
@settings(max_examples=15, deadline=None)
def test_who_uses_less_is_never_judged_worse(cut, more):
    some, less = judged(bills_of(cut=cut)), judged(bills_of(cut=cut + more * (0.6 - cut)))

    assert less.won >= some.won
    assert less.sure_milli >= some.sure_milli
    assert some.half_milli == less.half_milli


def test_the_model_finds_the_base_and_slopes_of_a_home():
    bases = Bases((12.0, 14.0, 16.0, 18.0), (20.0, 24.0))
    weather = StationWeather(MEAN_C, bases, 0.9)
    rows = []
    for place in range(PERIOD.first.place - 24, PERIOD.first.place):
        month = household_cases.Month(place)
        told = weather.of(month.first, month.end)
        rows.append(Row(place, 30, 5 + 0.4 * told.heating[2] + 0.7 * told.cooling[1], told))
    found = fit(rows, bases, 0.4)

    assert (found.heating_at, found.cooling_at) == (2, 1)
    assert found.coefficients == pytest.approx((5, 0.4, 0.7), rel=1e-6)


def test_a_home_without_weather_gets_no_slope():
    flat = Weather(30, (1.0,), (0.0,))
    rows = [Row(at, 30, 5.0 + 0.1 * (at % 2), msgspec.structs.replace(flat, heating=(float(at % 5),))) for at in range(20)]

    assert fit(rows, Bases((18.0,), (24.0,)), 0.4).heating_at == -1


@given(st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_the_inverse_is_that_of_linear_algebra(size, seed):
    root = np.random.default_rng(seed).normal(size=(size + 2, size))
    matrix = (root.T @ root + 0.1 * np.eye(size)).tolist()

    np.testing.assert_allclose(inverted(matrix), np.linalg.inv(matrix), rtol=1e-6)


def test_rows_that_say_the_same_twice_have_no_inverse():
    assert inverted([[1.0, 2.0], [2.0, 4.0]]) is None


@pytest.mark.parametrize("freedom", [5, 7, 11, 23])
def test_the_quantile_of_students_t_is_that_of_the_tables(freedom):
    assert student(0.9, freedom) == pytest.approx(stats.t.ppf(0.9, freedom), rel=2e-4)


def test_one_in_ten_of_the_homes_that_changed_nothing_passes_what_was_measured():
    scores = np.random.default_rng(3).normal(size=999).tolist()
    times = times_of([scores, scores[:500]], Fraction(9, 10), 100)

    assert sum(one > times for one in scores) <= 100
    assert times_of([scores[:99]], Fraction(9, 10), 100) is None
    assert times_of([scores, scores[:99]], Fraction(9, 10), 100) is None  # a summer alone says nothing of a winter
    assert times_of([], Fraction(9, 10), 100) is None
    assert times_of([[-5.0] * 200], Fraction(9, 10), 100) == 0.0


@pytest.mark.parametrize(("n", "place"), [(100, 96), (200, 188), (1_000, 917), (100_000, 90_158)])
def test_so_high_a_score_is_taken_that_with_19_in_20_no_more_than_a_tenth_of_all_homes_pass(n, place):
    found = place_of(n, Fraction(9, 10), Fraction(19, 20))
    assert found == place
    assert stats.beta.cdf(0.9, found, n + 1 - found) <= 0.05  # that the share below it is less than nine tenths
    assert place_of(n, Fraction(9, 10), Fraction(1, 2)) == math.ceil((n + 1) * Fraction(9, 10))


@pytest.mark.parametrize(
    ("share", "bound", "on", "percent"),
    [
        (0.12, 0.04, "bound", 0), (0.12, 0.05, "bound", 5), (0.3, 0.15, "bound", 15), (0.12, 0.001, "estimate", 10),
        (0.12, 0.0, "estimate", 0), (0.04, 0.01, "estimate", 0), (-0.2, -0.4, "estimate", 0),
    ],
)  # fmt: skip
def test_bands_are_awarded_as_the_rule_says(share, bound, on, percent):
    found = decided(Fraction(str(share)), Fraction(str(bound)), BANDS, on)

    assert (found.cut * 100 if found else 0) == percent


def test_the_published_rule_compares_with_the_mean_of_the_same_months():
    assert bill_average_cut([[100, 200], [50]], [90, 50]) == pytest.approx(1 - 140 / 200)
    assert bill_average_cut([[100], []], [90, 50]) is None
    assert bill_average_cut([[0]], [90]) is None


def test_a_day_of_unknown_temperature_is_left_out_and_too_many_are_refused():
    first = date(2026, 1, 1)
    known = {first + timedelta(one): 0.0 for one in range(28)}
    weather = StationWeather(known, Bases((18.0,), (24.0,)), 0.9)

    assert weather.of(first, date(2026, 2, 1)).heating == (18.0,)
    assert weather.of(first, date(2026, 2, 5)) is None
    assert weather.of(first, date(2026, 2, 1)).days == 28
