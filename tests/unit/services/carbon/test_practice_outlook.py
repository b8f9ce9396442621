"""How long a budget lasts."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from dure.services.carbon.practising.outlook import outlook

TODAY = date(2026, 11, 24)


def test_a_steady_budget_is_gone_on_the_day_arithmetic_says():
    found = outlook(10_000, [1_000] * 28, TODAY)
    assert (found.gone_on, found.early_on, found.late_on) == (TODAY + timedelta(days=9),) * 3


def test_busy_weekends_stay_on_weekends():
    week = [0, 0, 0, 0, 0, 7_000, 0]  # only the sixth day from today on spends
    found = outlook(7_000, week * 4, TODAY)
    assert found.gone_on == TODAY + timedelta(days=5)


def test_a_budget_that_is_spent_is_gone_today():
    assert outlook(0, [100] * 28, TODAY).gone_on == TODAY


def test_less_than_a_week_of_days_tells_no_day():
    found = outlook(1_000, [100] * 6, TODAY)
    assert (found.gone_on, found.days) == (None, 6)


def test_days_on_which_nothing_could_be_spent_are_left_out():
    spent = [1_000] * 14 + [None] * 7 + [1_000] * 7
    found = outlook(10_000, spent, TODAY)
    assert (found.gone_on, found.per_day_won, found.days) == (TODAY + timedelta(days=9), 1_000, 21)
    assert outlook(10_000, [None] * 28, TODAY).gone_on is None


def test_nobody_who_spends_tells_no_day():
    assert outlook(1_000, [0] * 28, TODAY).gone_on is None


def test_a_budget_for_years_tells_no_day():
    assert outlook(10**9, [100] * 28, TODAY).gone_on is None


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 10_000), min_size=7, max_size=28), st.integers(1, 10**6))
def test_early_is_not_after_the_median_nor_that_after_late(spent, left):
    found = outlook(left, spent, TODAY, seed=7)
    days = [one or date.max for one in (found.early_on, found.gone_on, found.late_on)]
    assert days == sorted(days)
    assert found == outlook(left, spent, TODAY, seed=7)
