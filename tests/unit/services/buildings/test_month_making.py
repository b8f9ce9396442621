"""Local months of intervals and bills: nothing is lost at their borders, and what is an estimate says so."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.text import Text
from dure.core.time import Interval, from_us
from dure.emissions.conversion import Refused
from dure.services.buildings.baselines.series import span_of
from dure.services.buildings.intervals.interval_books import GRID_US, QUALITIES, Intervals, hourly
from dure.services.buildings.model import Building, Meter
from dure.services.buildings.months.bill_records import KeptBill
from dure.services.buildings.months.derived_months import ParcelMonth, balances, parcel_months, physical_of, virtual_month
from dure.services.buildings.months.month_filling import gaps_filled, kept_gaps
from dure.services.buildings.months.month_making import FilledGap, Grounds, month_span, months_made
from dure.services.buildings.months.month_use import MonthUse
from dure.services.buildings.months.touched_records import months_between, months_of
from dure.services.buildings.reads.model import Quality

SEOUL, KOLKATA = ZoneInfo("Asia/Seoul"), ZoneInfo("Asia/Kolkata")
NOW = datetime(2026, 9, 1, tzinfo=UTC)
METER = Meter(id="m", building="hall", fuel="electricity")
LATER_US = int(NOW.timestamp()) * 1_000_000


def rows(start_us, amounts, quality=0, step_us=GRID_US):
    n = len(amounts)
    start = np.arange(n, dtype=np.int64) * step_us + start_us
    qualities = np.full(n, quality, np.uint8) if isinstance(quality, int) else np.array(quality, np.uint8)
    return Intervals(start, np.array(amounts, np.int64), qualities, np.ones(n, np.int64), np.zeros(n, np.int64))


NOTHING = rows(0, [])


def bill(start, end, amount, won=None, **more):
    usual = {"id": f"{start}-{amount}", "meter": "m", "book": "Wh", "known_at": NOW} | more
    return KeptBill(start_day=start, end_day=end, amount=amount, won=won, **usual)


def made(months, hours=NOTHING, bills=(), zone=SEOUL, until_us=LATER_US, filled=()):
    return months_made(
        Grounds(meter=METER, zone=zone, known_at=NOW, known_until_us=until_us, hours=hours, bills=bills, filled=filled), months
    )


def test_hours_of_a_month_are_its_amount_and_its_coverage():
    span = month_span("2026-05", SEOUL)
    hours = rows(span.start_us - GRID_US, [5] + [10] * 372)
    (month,) = made(["2026-05"], hours)
    assert (month.amount, month.measured, month.coverage, month.source) == (3_720, 3_720, 0.5, "intervals")


@pytest.mark.parametrize("zone", [SEOUL, KOLKATA, ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")])
def test_the_months_of_a_year_sum_to_its_hours_in_every_zone(zone):
    first = month_span("2026-01", zone).start_us // GRID_US * GRID_US
    last = month_span("2026-12", zone).end_us
    hours = rows(first, [7 + n % 3 for n in range((last - first + GRID_US - 1) // GRID_US)])
    found = made(months_between(date(2025, 12, 1), date(2027, 1, 1)), hours, zone=zone, until_us=2**62)
    assert sum(month.amount for month in found) == hours.amount.sum()
    assert {month.coverage for month in found[1:-1]} == {1.0}


def test_an_hour_that_the_border_of_a_month_cuts_is_an_estimate_of_both():
    border = month_span("2026-05", KOLKATA).start_us
    found = made(["2026-04", "2026-05"], rows(border - GRID_US // 2, [101]), zone=KOLKATA)
    assert [month.amount for month in found] == [50, 51]
    assert [month.estimated for month in found] == [50, 51]


def test_qualities_are_kept_apart_and_disputed_hours_are_not_known():
    hours = rows(month_span("2026-05", SEOUL).start_us, [10, 20, 30, 40], [0, 1, 2, 3])
    (month,) = made(["2026-05"], hours)
    assert (month.measured, month.estimated, month.substituted, month.amount) == (10, 20, 30, 60)
    assert month.coverage == pytest.approx(3 / 744, abs=1e-6)


def test_quarters_sent_by_a_meter_are_hours_of_the_least_quality():
    found = hourly(rows(0, [1, 2, 3, 4, 5, 6, 7, 8, 9], [0, 0, 1, 0, 0, 0, 0, 0, 0], step_us=GRID_US // 4))
    assert found.amount.tolist() == [10, 26, 9]
    # the last hour has one quarter of the usual four
    assert [QUALITIES[one] for one in found.quality] == [Quality.ESTIMATED, Quality.MEASURED, Quality.ESTIMATED]


def test_a_bill_of_one_month_is_measured_and_one_across_two_an_estimate():
    (may,) = made(["2026-05"], bills=[bill("2026-05-01", "2026-06-01", 900, won=120)])
    assert (may.measured, may.won, may.coverage, may.source) == (900, 120, 1.0, "bills")
    april, may = made(["2026-04", "2026-05"], bills=[bill("2026-04-16", "2026-05-16", 3_000, won=-31)])
    assert (april.estimated, may.estimated) == (1_500, 1_500)
    assert (april.won, may.won) == (-16, -15)
    assert (april.coverage, may.coverage) == (0.5, pytest.approx(15 / 31, abs=1e-6))


def test_an_estimated_bill_stays_an_estimate():
    (may,) = made(["2026-05"], bills=[bill("2026-05-01", "2026-06-01", 900, quality="estimated")])
    assert (may.measured, may.estimated) == (0, 900)


def test_intervals_win_over_a_bill_and_the_rest_lies_where_none_are():
    span = month_span("2026-05", SEOUL)
    hours = rows(span.start_us, [10] * 24 * 15)  # 3,600 in the first half
    (may,) = made(["2026-05"], hours, [bill("2026-05-01", "2026-06-01", 9_000)])
    assert (may.amount, may.coverage, may.source) == (9_000, 1.0, "both")
    (may,) = made(["2026-05"], hours, [bill("2026-05-01", "2026-06-01", 3_000)])
    assert (may.amount, may.facts["bill_below"]) == (3_600, 600)
    full = rows(span.start_us, [10] * 744)
    (may,) = made(["2026-05"], full, [bill("2026-05-01", "2026-06-01", 9_999, won=5)])
    assert (may.amount, may.won, may.source) == (7_440, 5, "intervals")


def test_a_month_that_runs_ends_before_today_and_says_so():
    span = month_span("2026-05", SEOUL)
    (may,) = made(["2026-05"], rows(span.start_us, [1] * 100), until_us=span.start_us + 48 * GRID_US)
    assert (may.amount, may.facts["running"]) == (48, True)


def test_what_a_model_fills_stands_apart_with_its_half_width():
    span = month_span("2026-05", SEOUL)
    hours = rows(span.start_us, [10] * 700)
    gap = FilledGap(np.arange(700, 744) * GRID_US + span.start_us, np.full(44, 11.0), 60.0)
    (may,) = made(["2026-05"], hours, filled=[gap])
    assert (may.amount, may.measured, may.filled, may.half_width) == (7_484, 7_000, 484, 60)
    assert may.coverage == pytest.approx(700 / 744, abs=1e-6)


def test_a_gap_is_filled_by_the_meters_own_model_and_the_month_is_made_again_without_it():
    span = span_of(date(2025, 5, 1), date(2026, 6, 1), SEOUL)
    hour = np.arange(span.hours)
    temperature = 12 + 12 * np.sin(hour / 8766 * 2 * np.pi) + 4 * np.sin(hour / 24 * 2 * np.pi)
    use = np.rint(5_000 + 200 * np.maximum(temperature - 18, 0) + 1_000 * (hour % 24 > 8)).astype(np.int64)
    known = np.ones(span.hours, bool)
    known[-400:-360] = False
    held = rows(span.start_us, use)
    held = Intervals(*(getattr(held, name)[known] for name in ("start_us", "amount", "quality", "entries", "result_us")))
    gaps = gaps_filled(held, temperature, span, SEOUL)
    (may,) = made(["2026-05"], held, filled=gaps)
    truth = int(use[-400:-360].sum())
    assert may.filled == pytest.approx(truth, rel=0.05)
    assert abs(may.filled - truth) <= 3 * may.half_width
    assert may.coverage == pytest.approx(1 - 40 / 744, abs=1e-6)
    assert len(may.facts["filled"]) == 1
    assert made(["2026-05"], held, filled=kept_gaps([may])) == [may]
    unknown = np.full(span.hours, np.nan)
    assert gaps_filled(held, unknown, span, SEOUL) == []


def test_nothing_known_is_said_as_such():
    (may,) = made(["2026-05"])
    assert (may.source, may.amount, may.coverage) == ("none", 0, 0.0)


def test_the_digest_changes_with_every_reading_and_not_with_the_day_it_is_made():
    start = month_span("2026-05", SEOUL).start_us
    one, same, other = (made(["2026-05"], rows(start, amounts))[0].sha256 for amounts in ([1, 2], [1, 2], [2, 1]))
    assert one == same != other


@given(
    st.lists(st.tuples(st.integers(1, 70), st.integers(0, 10**9)), min_size=1, max_size=8),
    st.integers(0, 40),
    st.sampled_from([SEOUL, KOLKATA]),
)
def test_months_sum_to_the_bills_that_make_them(steps, begin, zone):
    bills, day = [], date(2026, 1, 1) + timedelta(days=begin)
    for days, amount in steps:
        end = day + timedelta(days=days)
        bills.append(bill(day.isoformat(), end.isoformat(), amount, won=amount // 3))
        day = end
    found = made(months_between(date(2026, 1, 1), day), bills=bills, zone=zone, until_us=2**62)
    assert sum(month.amount for month in found) == sum(amount for _, amount in steps)
    assert sum(month.won or 0 for month in found) == sum(amount // 3 for _, amount in steps)


def test_the_months_that_entries_touch():
    border = month_span("2026-05", SEOUL).start_us
    assert months_of([border - GRID_US, border + 3], SEOUL) == {"2026-04": border - GRID_US, "2026-05": border + 3}
    assert set(months_of([month_span("2026-05", KOLKATA).start_us - GRID_US // 2], KOLKATA)) == {"2026-04", "2026-05"}


def month_use(meter, amount, part="main", **more):
    usual = {"month": "2026-05", "known_at": NOW, "building": "hall", "fuel": "electricity", "book": "Wh"}
    return MonthUse(meter=meter, part=part, amount=amount, measured=amount, **usual | more)


def test_a_formula_sums_its_meters_and_needs_all_of_them():
    meters = {
        "a": Meter(id="a", building="hall", fuel="electricity"),
        "b": Meter(id="b", building="hall", fuel="electricity"),
        "rest": Meter(id="rest", building="hall", fuel="electricity", formula={"a": 1, "b": -2}),
        "loop": Meter(id="loop", building="hall", fuel="electricity", formula={"loop": 1}),
    }
    counts, refused = physical_of({name: meters[name] for name in ("a", "b", "rest")})
    assert (counts, refused) == ({"rest": {"a": 1, "b": -2}}, {})
    found = virtual_month(
        meters["rest"], counts["rest"], {"a": month_use("a", 100), "b": month_use("b", 30, coverage=0.5)}, "2026-05", NOW
    )
    assert (found.amount, found.coverage, found.source) == (40, 0.5, "formula")
    assert virtual_month(meters["rest"], counts["rest"], {"a": month_use("a", 100)}, "2026-05", NOW) is None
    assert physical_of(meters)[1]["loop"].code == "virtual.cycle"


def test_main_less_subs_is_told_with_what_to_make_of_it():
    limits = Fraction(2, 100), Fraction(1, 10)
    (plausible,) = balances([month_use("a", 100), month_use("b", 95, "sub")], *limits)
    assert (plausible.residual, plausible.code) == (5, "")
    (over,) = balances([month_use("a", 100), month_use("b", 120, "sub")], *limits)
    assert (over.residual, over.code) == (-20, "balance.over")
    (under,) = balances([month_use("a", 100), month_use("b", 20, "sub")], *limits)
    assert under.code == "balance.under"
    (unknown,) = balances([month_use("a", 100, coverage=0.9), month_use("b", 20, "sub")], *limits)
    assert (unknown.residual, unknown.code) == (None, "balance.unknown")


@given(st.integers(0, 10**12), st.lists(st.integers(1, 9_999), min_size=1, max_size=6))
def test_a_parcel_is_shared_out_without_losing_a_unit(amount, areas):
    there = [Building(id=f"b{n}", lon=127, lat=37, name=Text("a", "b"), area_m2=area / 7) for n, area in enumerate(areas)]
    span = month_span("2026-05", SEOUL)
    row = ParcelMonth(parcel="p", month="2026-05", fuel="electricity", amount=amount, book="Wh", known_at=NOW)
    found = parcel_months(row, there, Interval(from_us(span.start_us), from_us(span.end_us)), NOW)
    assert sum(one.amount for one in found) == amount
    assert {one.source for one in found} == {"parcel"}
    empty = parcel_months(row, [], Interval(from_us(span.start_us), from_us(span.end_us)), NOW)
    assert isinstance(empty, Refused)
