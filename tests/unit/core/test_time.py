"""Instants, intervals and local days."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import InputError
from dure.core.time import Interval, day_interval, day_of, format_instant, from_us, parse_instant, to_us

SEOUL, BERLIN = ZoneInfo("Asia/Seoul"), ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 24, 3, tzinfo=UTC)
instants = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001  # the zone is beside it


@given(instants)
def test_microseconds_hold_an_instant_exactly(at):
    assert from_us(to_us(at)) == at
    assert parse_instant(format_instant(at)) == at


@given(instants, instants)
def test_microseconds_keep_the_order(a, b):
    assert (to_us(a) < to_us(b)) == (a < b)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24T12:00:00+09:00", NOON),
        ("2026-11-24T03:00:00Z", NOON),
        ("2026-11-24T03:00:00.000001Z", NOON + timedelta(microseconds=1)),
        ("2026-11-24T03:00Z", NOON),
    ],
)
def test_rfc_3339_texts_are_read(text, expected):
    assert parse_instant(text) == expected


def test_a_text_without_an_offset_needs_a_zone():
    assert parse_instant("2026-11-24T12:00:00", SEOUL) == NOON
    with pytest.raises(InputError) as refused:
        parse_instant("2026-11-24T12:00:00")
    assert refused.value.code == "time.naive"


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(InputError) as refused:
        parse_instant(text)
    assert refused.value.code == "time.unreadable"


def test_an_interval_holds_its_start_and_not_its_end():
    hour = Interval(NOON, NOON + timedelta(hours=1))
    assert NOON in hour
    assert hour.end not in hour
    assert hour.duration == timedelta(hours=1)


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        (NOON, NOON - timedelta(microseconds=1), "time.interval_reversed"),
        (NOON.replace(tzinfo=None), NOON, "time.naive"),
        (NOON, NOON.replace(tzinfo=None), "time.naive"),
    ],
)
def test_an_interval_that_cannot_be_is_refused(start, end, code):
    with pytest.raises(InputError) as refused:
        Interval(start, end)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [(date(2026, 11, 24), SEOUL, 24), (date(2026, 3, 29), BERLIN, 23), (date(2026, 10, 25), BERLIN, 25)],
)
def test_a_local_day_is_as_long_as_its_clock_says(day, zone, hours):
    found = day_interval(day, zone)
    assert found.duration == timedelta(hours=hours)
    assert day_of(found.start, zone) == day
    assert day_of(found.end - timedelta(microseconds=1), zone) == day
    assert found.end == day_interval(day + timedelta(days=1), zone).start


def test_a_naive_instant_has_no_microseconds():
    with pytest.raises(InputError):
        to_us(NOON.replace(tzinfo=None))
