"""Models as JSON and back, the local calendar of hours, and fits that are refused with a reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest

from dure.core.time import day_interval, to_us
from dure.services.buildings.baselines.baseline_rules import baseline_rules
from dure.services.buildings.baselines.expected import expected_of_days, known_sum, next_year, years_before
from dure.services.buildings.baselines.fits import Frame, fit_rows
from dure.services.buildings.baselines.models import kept, model_of, words_of
from dure.services.buildings.baselines.normal_year import Year, expected_of_year, known_years, normal_use
from dure.services.buildings.baselines.series import Bill, Series, billed, clockwork, span_of, usage_of
from dure.services.buildings.intervals.interval_books import Intervals

SEOUL, BERLIN = ZoneInfo("Asia/Seoul"), ZoneInfo("Europe/Berlin")
RULES = baseline_rules(date(2026, 1, 1))
FIRST = date(2025, 1, 1)


def year(zone: ZoneInfo = SEOUL, days: int = 365) -> Series:
    span = span_of(FIRST, FIRST + timedelta(days=days), zone)
    clock = clockwork(span, zone)
    hour = np.arange(span.hours)
    temperature = 12 - 14 * np.cos(2 * np.pi * hour / 8766) + 3 * np.sin(2 * np.pi * hour / 24)
    at_work = (clock.hour_of_week % 24 > 8) & (clock.hour_of_week < 120)
    usage = 1000 + 800 * at_work + 90 * np.maximum(0, 15 - temperature)
    return Series(span, usage * np.random.default_rng(3).normal(1, 0.03, span.hours), temperature, clock)


def rows_of(kind: str):
    series = year()
    if kind == "hourly":
        return series.hourly()
    if kind == "daily":
        return series.daily(RULES)
    bills = [
        Bill(FIRST + timedelta(days=30 * n), FIRST + timedelta(days=30 * n + 30), 100_000 + 9_000 * abs(6 - n)) for n in range(12)
    ]
    return billed(bills, series.daily(RULES).temperature, FIRST)


@pytest.mark.parametrize("kind", ["hourly", "daily", "billing"])
def test_a_model_read_from_json_tells_what_it_told(kind):
    rows = rows_of(kind)
    model = rows.fit()
    words = msgspec.json.decode(msgspec.json.encode(words_of(model)))
    assert words["kind"] == kind
    assert model_of(words).of_rows(rows) == pytest.approx(model.of_rows(rows), rel=1e-6)
    assert words_of(kept(model)) == words_of(model)


@pytest.mark.parametrize(("zone", "hours"), [(SEOUL, (24, 24)), (BERLIN, (23, 25))])
def test_days_of_23_and_25_hours_are_days_like_others(zone, hours):
    span = span_of(date(2026, 3, 1), date(2026, 11, 1), zone)
    clock = clockwork(span, zone)
    counted = np.bincount(clock.day - clock.day[0])
    spring, autumn = ((date(2026, 3, 29) - span.first).days, (date(2026, 10, 25) - span.first).days)
    assert (counted[spring], counted[autumn]) == hours
    assert set(np.delete(counted, [spring, autumn])) == {24}
    assert clock.hour_of_week[0] == 6 * 24  # 2026-03-01 is a Sunday


def test_only_what_was_measured_counts():
    span = span_of(FIRST, FIRST + timedelta(days=1), SEOUL)
    start = np.arange(4) * 3_600_000_000 + span.start_us
    intervals = Intervals(start, np.array([5, 6, 7, 8]), np.array([0, 1, 2, 3], np.uint8), np.ones(4, int), start)
    assert usage_of(intervals, span)[:4].tolist()[0] == 5
    assert np.isfinite(usage_of(intervals, span)).sum() == 1


def test_a_fit_of_less_than_a_year_is_short_and_one_of_days_is_refused():
    frame = Frame(kind="daily", start_day="2025-01-01", end_day="2026-01-01", days=365, sha256="x")
    assert not fit_rows(year().daily(RULES), frame, RULES).short
    half = msgspec.structs.replace(frame, days=180)
    assert fit_rows(year(days=180).daily(RULES), half, RULES).short
    few = fit_rows(year(days=20).daily(RULES), msgspec.structs.replace(frame, days=20), RULES)
    assert (few.code, few.fitted, few.numbers["days_min"]) == ("too_few", False, 28.0)
    nothing = year()
    empty = Series(nothing.span, np.full(nothing.span.hours, np.nan), nothing.temperature, nothing.clock)
    assert fit_rows(empty.hourly(), msgspec.structs.replace(frame, kind="hourly"), RULES).code == "no_data"


@pytest.mark.parametrize("kind", ["hourly", "daily", "billing"])
def test_the_days_of_a_year_sum_to_about_what_was_used(kind):
    series = year()
    model = rows_of(kind).fit()
    days = expected_of_days(model, series.temperature, (series.span, series.clock), RULES)
    used = series.usage.sum() if kind != "billing" else rows_of(kind).usage.sum() * 365 / 360
    assert expected_of_year(model, Year(series.span, series.clock, series.temperature), RULES) == pytest.approx(days)
    assert known_sum(days, 0.9) == pytest.approx(used, rel=0.03)


def test_a_normal_year_is_the_mean_of_the_years_that_are_known():
    series = year()
    model = series.daily(RULES).fit()
    same = Year(series.span, series.clock, series.temperature)
    warmer = replace(same, temperature=series.temperature + 4)
    gone = replace(same, temperature=np.full(series.span.hours, np.nan))
    assert known_years([same, gone], RULES) == [same]
    told = [normal_use(model, years, RULES) for years in ([same], [warmer], [same, warmer], [])]
    assert told[1] < told[0]
    assert told[2] == pytest.approx((told[0] + told[1]) / 2)
    assert told[3] is None


def test_years_before_a_leap_day_end_on_the_day_before():
    assert [end for _, end in years_before(date(2024, 2, 29), 10, 3)] == [date(2024, 2, 29), date(2023, 2, 28), date(2022, 2, 28)]
    assert next_year(date(2025, 12, 1)) == date(2026, 12, 1)


def test_a_span_of_local_days_begins_at_local_midnight():
    span = span_of(FIRST, FIRST + timedelta(days=2), SEOUL)
    assert span.start_us == to_us(day_interval(FIRST, SEOUL).start)
    assert (span.hours, span.days) == (48, 2)
