"""Deltas on the interval books: hours that sum exactly, differences instead of changes, seldom reads by days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.observations import Batch, Flag, Revisions
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.services.buildings.intervals import interval_books
from dure.services.buildings.intervals.booking import Booking, Hours, days_of, entries_of, hours_of, is_coarse, withdrawn
from dure.services.buildings.intervals.interval_books import GRID_US, MARKS, QUALITIES, Intervals
from dure.services.buildings.reads.model import Delta, Quality

START = datetime(2026, 5, 1, tzinfo=UTC)
BOOKING = Booking(75 * 60_000_000, 20 * GRID_US)
SEOUL = ZoneInfo("Asia/Seoul")
NONE = np.empty(0, np.int64)
NOTHING = Intervals(NONE, NONE, np.empty(0, np.uint8), NONE, NONE)


def delta(begin_min, end_min, amount, quality=Quality.MEASURED):
    return Delta(START + timedelta(minutes=begin_min), START + timedelta(minutes=end_min), amount, quality)


def hours(*rows):
    start, amount, quality = zip(*rows, strict=True) if rows else ((), (), ())
    return Hours(
        np.array([n * GRID_US for n in start], np.int64), np.array(amount, np.int64), np.array(quality, np.uint8)
    )  # fmt: skip


class Books:
    """The interval books of one meter, in a real telemetry store."""

    def __init__(self, file):
        self.telemetry = DuckTelemetry(file)
        self.known_us = 0

    def held(self):
        return interval_books.read(self.telemetry, "m", "electricity_use", (0, 2**62))

    def write(self, entries):
        self.known_us += 1
        n, m = len(entries.time_us), len(entries.flagged_us)
        keys = [("m", "electricity_use")]
        batch = Batch(
            keys, np.zeros(n, np.int32), entries.time_us, np.full(n, self.known_us), entries.value.astype(float),
            np.full(n, Flag.GOOD, np.uint8), np.zeros(n, np.uint8), np.full(n, self.known_us),
        )  # fmt: skip
        marks = [MARKS[QUALITIES[one]] for one in entries.quality]
        flags, checks = (np.array([mark[k] for mark in marks], np.uint8) for k in (0, 1))
        self.telemetry.append(batch, {}, Revisions(keys, np.zeros(m, np.int32), entries.flagged_us, flags, checks))


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    one = Books(tmp_path_factory.mktemp("books") / "telemetry.duckdb")
    yield one
    one.telemetry.close()


def test_quarters_sum_up_to_hours_with_the_worst_quality():
    rows = [delta(15 * n, 15 * n + 15, n + 1, Quality.ESTIMATED if n == 5 else Quality.MEASURED) for n in range(8)]
    found = hours_of(rows, BOOKING)
    assert found.amount.tolist() == [10, 26]
    assert [QUALITIES[one] for one in found.quality] == [Quality.MEASURED, Quality.ESTIMATED]


def test_a_read_some_minutes_past_the_hour_still_measures_its_hours():
    found = hours_of([delta(3, 64, 1_000), delta(64, 125, 2_000)], BOOKING)
    assert found.amount.sum() == 3_000
    assert found.quality[1] == 0  # the hour that is known wholly
    assert found.quality[0] == 1  # three minutes of it are not known


def test_an_outage_of_some_hours_is_an_estimate_of_each_of_them():
    found = hours_of([delta(0, 60, 10), delta(60, 300, 10)], BOOKING)
    assert found.amount.sum() == 20
    assert found.quality.tolist() == [0, 1, 1, 1, 1]


def test_an_hour_that_is_not_over_waits():
    open_from_us = int((START + timedelta(minutes=90)).timestamp()) * 1_000_000
    assert hours_of([delta(0, 90, 900)], BOOKING, open_from_us=open_from_us).amount.tolist() == [600]


def test_a_meter_read_once_a_day_is_days_and_not_hours():
    rows = [Delta(START + timedelta(days=n, minutes=5), START + timedelta(days=n + 1, minutes=5), 100 + n) for n in range(3)]
    assert is_coarse(rows, BOOKING)
    found = days_of(rows, SEOUL)
    assert [(one.start, one.end, one.amount) for one in found] == [
        (date(2026, 5, 1), date(2026, 5, 2), 100),
        (date(2026, 5, 2), date(2026, 5, 3), 101),
        (date(2026, 5, 3), date(2026, 5, 4), 102),
    ]


def test_two_reads_of_one_day_are_joined_until_the_day_is_over():
    rows = [delta(0, 60, 1), delta(60, 1_500, 2), delta(1_500, 1_560, 4)]
    found = days_of(rows, ZoneInfo("UTC"))
    assert [(one.amount, one.end) for one in found] == [(3, date(2026, 5, 2))]


def test_what_is_booked_already_is_not_booked_again(books):
    first = hours((0, 10, 0), (1, 20, 1))
    books.write(entries_of(first, books.held()))
    assert len(entries_of(first, books.held())) == 0
    books.write(entries_of(hours((0, 13, 0), (1, 20, 0)), books.held()))
    now = books.held()
    assert now.amount.tolist()[:2] == [13, 20]
    assert now.quality.tolist()[:2] == [0, 0]
    assert now.entries.tolist()[:2] == [2, 1]


def test_a_measured_hour_does_not_yield_to_an_estimate_of_a_file():
    held = Intervals(
        *(np.array([one], np.int64) for one in (0, 10)), np.zeros(1, np.uint8), np.ones(1, np.int64), np.ones(1, np.int64)
    )
    assert len(entries_of(hours((0, 99, 1)), held, yields=True)) == 0
    assert len(entries_of(hours((0, 99, 1)), held)) == 2
    assert len(entries_of(hours((0, 99, 0)), held, yields=True)) == 1


def test_an_hour_no_longer_believed_becomes_nothing_and_disputed(books):
    books.write(entries_of(hours((100, 500, 0)), books.held()))
    span = (100 * GRID_US, 101 * GRID_US)
    books.write(entries_of(withdrawn(hours(), books.held(), span), books.held()))
    now = books.held()
    row = now.start_us == 100 * GRID_US
    assert now.amount[row].tolist() == [0]
    assert [QUALITIES[one] for one in now.quality[row]] == [Quality.DISPUTED]
    assert len(withdrawn(hours(), now, span)) == 0


def test_an_interval_corrected_too_often_is_named_and_left_alone():
    full = Intervals(NONE[:0].copy(), NONE, np.empty(0, np.uint8), NONE, NONE)
    full = Intervals(
        np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1, np.uint8), np.full(1, 1_000), np.zeros(1, np.int64)
    )
    found = entries_of(hours((0, 1, 1)), full)
    assert (len(found), found.full.tolist()) == (0, [0])


@given(
    st.lists(st.tuples(st.integers(1, 400), st.integers(0, 10**9)), min_size=1, max_size=40),
    st.integers(0, 59),
)
def test_hours_sum_to_the_deltas_exactly(steps, begin):
    rows, at = [], begin
    for minutes, amount in steps:
        rows.append(delta(at, at + minutes, amount))
        at += minutes
    found = hours_of(rows, BOOKING)
    assert found.amount.sum() == sum(amount for _, amount in steps)
    assert (found.amount >= 0).all()


@given(st.lists(st.lists(st.tuples(st.integers(200, 212), st.integers(0, 10**9), st.integers(0, 3)), max_size=8), max_size=5))
def test_after_any_bookings_the_entries_sum_to_the_newest_amounts(bookings):
    newest, held = {}, NOTHING
    for rows in bookings:
        once = {start: (start, amount, quality) for start, amount, quality in rows}
        newest |= once
        entries = entries_of(hours(*(once[one] for one in sorted(once))), held)
        held = _after(held, entries)
    assert {start // GRID_US: (amount, quality) for start, amount, quality in zip(
        held.start_us.tolist(), held.amount.tolist(), held.quality.tolist(), strict=True
    )} == {start: (amount, quality) for start, amount, quality in newest.values()}  # fmt: skip


def _after(held, entries):
    """What the books say after entries, by the rule of `interval_books`."""
    found = {
        start: [amount, quality, count]
        for start, amount, quality, count in zip(
            held.start_us.tolist(), held.amount.tolist(), held.quality.tolist(), held.entries.tolist(), strict=True
        )
    }
    for at, value in zip(entries.time_us.tolist(), entries.value.tolist(), strict=True):
        start, number = at - at % 1_000, at % 1_000
        row = found.setdefault(start, [0, 0, 0])
        assert row[2] == number
        row[0], row[1], row[2] = row[0] + value, 0, number + 1
    for at, quality in zip(entries.flagged_us.tolist(), entries.quality.tolist(), strict=True):
        assert found[at - at % 1_000][2] == at % 1_000 + 1
        found[at - at % 1_000][1] = quality
    starts = sorted(found)
    columns = [np.array([found[one][k] for one in starts], np.int64) for k in range(3)]
    return Intervals(np.array(starts, np.int64), columns[0], columns[1].astype(np.uint8), columns[2], columns[2])
