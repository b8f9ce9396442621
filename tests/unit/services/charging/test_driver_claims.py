"""A phone that started a charge is known by its cookie, and by nothing else; what a driver types is checked field by field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.services.charging.driving.claim import CLAIMS_MAX, claim_of, made, opened, sealed, with_claim
from dure.services.charging.driving.wishes import Trouble, departure, wanted

KEY, NOW = b"k" * 32, datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SEOUL, TWO_DAYS = ZoneInfo("Asia/Seoul"), timedelta(days=2)
CLAIM = made("hall-e1", "d1", NOW)


def test_a_cookie_gives_back_what_was_put_in():
    assert opened(sealed([CLAIM], KEY), KEY, NOW + timedelta(hours=5), TWO_DAYS) == (CLAIM,)


def test_a_cookie_of_another_house_or_too_old_or_from_the_future_says_nothing():
    told = sealed([CLAIM], KEY)
    assert opened(told, b"x" * 32, NOW, TWO_DAYS) == ()
    assert opened(told, KEY, NOW + timedelta(days=3), TWO_DAYS) == ()
    assert opened(told, KEY, NOW - timedelta(hours=1), TWO_DAYS) == ()


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_altered_cookie_says_anything(place, change):
    told = bytearray(sealed([CLAIM], KEY).encode())
    told[place % len(told)] ^= change
    text = told.decode("latin-1")
    found = opened(text, KEY, NOW, TWO_DAYS)
    assert found in ((), (CLAIM,))  # the last character of a base64 text holds bits that mean nothing


@given(st.text(max_size=200))
def test_any_text_is_read_without_trouble(text):
    assert opened(text, KEY, NOW, TWO_DAYS) == ()


def test_a_new_claim_takes_the_place_of_the_old_one_and_only_the_newest_are_kept():
    again = made("hall-e1", "d2", NOW + timedelta(minutes=3))
    assert with_claim([CLAIM], again) == (again,)
    many = [made(f"e{n}", "d", NOW + timedelta(seconds=n)) for n in range(CLAIMS_MAX + 3)]
    kept = opened(sealed(many, KEY), KEY, NOW + timedelta(minutes=2), TWO_DAYS)
    assert [one.evse for one in kept] == [f"e{n}" for n in range(3, CLAIMS_MAX + 3)]
    assert claim_of(kept, "e0") is None


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"until": "energy", "kwh": ""}, "driver.energy"),
        ({"until": "energy", "kwh": "nan"}, "driver.energy"),
        ({"until": "energy", "kwh": "-3"}, "driver.energy"),
        ({"until": "energy", "kwh": "1e9"}, "driver.energy"),
        ({"until": "target", "target": "0"}, "driver.target"),
        ({"until": "target", "target": "101"}, "driver.target"),
        ({"departure": "25:00"}, "driver.departure"),
        ({"departure": "soon"}, "driver.departure"),
        ({"who": "member", "token": " "}, "driver.token"),
        ({"who": "member", "token": "카드"}, "driver.token"),
        ({"who": "member", "token": "1" * 65}, "driver.token"),
    ],
)
def test_a_field_that_cannot_be_read_is_named_with_its_code(fields, code):
    found = wanted(fields, NOW, SEOUL)
    assert isinstance(found, Trouble)
    assert found.code == code


def test_a_wish_is_read_with_local_times():
    found = wanted({"until": "energy", "kwh": "12,5", "departure": "18:30"}, NOW, SEOUL)
    assert (found.need_wh, found.departs_at, found.token) == (12_500, datetime(2026, 11, 24, 9, 30, tzinfo=UTC), "")
    assert wanted({"until": "target", "target": "80", "who": "guest", "token": "123"}, NOW, SEOUL).token == ""


def test_a_time_of_day_that_has_passed_is_tomorrows():
    assert departure("08:00", NOW, SEOUL) == datetime(2026, 11, 24, 23, 0, tzinfo=UTC)
    assert departure("12:00", NOW, SEOUL) == datetime(2026, 11, 25, 3, 0, tzinfo=UTC)  # it is 12:00 now
