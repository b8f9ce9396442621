"""Bills that cannot be, files of them, half-years, households as people say them, customer numbers."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest

from dure.core.errors import InputError
from dure.services.carbon.households.bill_checking import WRONG, Grounds, checked_bill
from dure.services.carbon.households.bill_file import read_bills
from dure.services.carbon.households.customer_digests import digest_of
from dure.services.carbon.households.energy_rules import UTILITIES, judging_rules, limits
from dure.services.carbon.households.household import Household, checked, with_people
from dure.services.carbon.households.judging_words import FINAL, OPEN, REASONS
from dure.services.carbon.households.model import Bill, Home, People
from dure.services.carbon.households.periods import Month, month_at, month_of, period_of
from dure.services.carbon.model import Refused

TODAY = date(2026, 3, 10)
JANUARY = month_of("2026-01")
BILL = Bill(
    utility="electricity", month=JANUARY.place, first=JANUARY.first, end=JANUARY.end, milli=300_000, unit="kWh"
)  # fmt: skip
DECEMBER = msgspec.structs.replace(BILL, month=JANUARY.place - 1, first=date(2025, 12, 1), end=date(2026, 1, 1))
GROUNDS = Grounds(
    limits=limits("electricity", TODAY), unit="kWh", kept=(DECEMBER,), judged=frozenset({JANUARY.place - 12}), today=TODAY,
    months_most=36,
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"milli": -1}, "household.negative"),
        ({"milli": 10**10}, "household.absurd"),
        ({"unit": "MJ"}, "household.unit_mixed"),
        ({"unit": "m3"}, "household.unit_mixed"),
        ({"end": date(2026, 1, 3)}, "household.bill_days"),
        ({"end": date(2026, 6, 1)}, "household.bill_days"),
        ({"first": date(2026, 3, 1), "end": date(2026, 4, 1), "month": JANUARY.place + 2}, "household.bill_days"),
        ({"first": date(2020, 1, 1), "end": date(2020, 2, 1), "month": JANUARY.place - 72}, "household.bill_days"),
        ({"first": date(2025, 12, 20)}, "household.bill_overlaps"),
        ({"month": DECEMBER.month, "first": DECEMBER.first, "end": DECEMBER.end}, "household.month_taken"),
        ({"month": JANUARY.place - 12, "first": date(2025, 1, 1), "end": date(2025, 2, 1)}, "household.judged_already"),
    ],
)
def test_a_bill_that_cannot_be_is_refused_with_a_code_and_a_reason(change, code):
    found = checked_bill(msgspec.structs.replace(BILL, **change), GROUNDS)

    assert isinstance(found, Refused)
    assert found.code == code
    assert found.reason.ko != found.reason.en


def test_a_good_bill_is_taken_and_one_is_replaced_when_asked_for():
    assert checked_bill(BILL, GROUNDS) == BILL
    assert checked_bill(msgspec.structs.replace(DECEMBER, milli=1), GROUNDS, replace=True).milli == 1


def test_a_list_of_bills_is_read_in_korean_with_what_is_wrong_named_by_row():
    lines = ["구분,사용월,사용량(kWh),검침,비움", '전기,2026-01,"1,234.5",추정,', "전기,2026-02,300,,예"]
    text = "\n".join([*lines, "물고기,2026-03,1,,", "전기,13월,1,,", "전기,2026-04,많이,,"])
    found = read_bills(text.encode("cp949"), None)

    assert [(row, one.milli, one.read, one.vacant) for row, one in found.bills] == [
        (2, 1_234_500, "estimated", False),
        (3, 300_000, "actual", True),
    ]
    assert [(one.row, one.code.split(".")[0]) for one in found.refused] == [(4, "household"), (5, "bill"), (6, "bill")]


def test_cubic_metres_of_a_gas_bill_are_corrected_already_and_other_units_are_known_by_their_code():
    gas = read_bills("month,usage,unit\n2026-01,50,㎥\n2026-02,2000,MJ\n2026-03,1,barrel".encode(), "gas")

    assert [one.unit for _, one in gas.bills] == ["Nm3", "MJ"]
    assert [one.code for one in gas.refused] == ["unit.unknown"]


@pytest.mark.parametrize("body", [b"", b"a,b\n1,2", b"month,usage\n"])
def test_a_file_that_holds_no_bills_is_refused(body):
    with pytest.raises(InputError):
        read_bills(body, "water")


@pytest.mark.parametrize("text", ["2026H3", "2026", "26H1", "2026H1x", ""])
def test_what_names_no_half_year_is_refused(text):
    with pytest.raises(InputError, match="half-year"):
        period_of(text)


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "x", "0000-01"])
def test_what_names_no_month_is_refused(text):
    with pytest.raises(InputError, match="month"):
        month_of(text)


def test_half_years_follow_one_another_without_a_gap():
    first, second = period_of("2026H1"), period_of("2026H2")

    assert (first.start, first.end, second.end) == (date(2026, 1, 1), date(2026, 7, 1), date(2027, 1, 1))
    assert second.before == first
    assert str(second) == "2026H2"
    assert [str(one) for one in first.months][::5] == ["2026-01", "2026-06"]
    assert month_at(date(2026, 12, 31)) == Month(2026 * 12 + 11)


HOME = Home(since=date(2020, 1, 1), people=(People(date(2020, 1, 1), 2),))
HOUSEHOLD = Household(id="hh-1", person="p", ref="r", station="st-1", home=HOME, area_m2=84.5)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"station": "elsewhere"}, "household.station"),
        ({"area_m2": 0.0}, "household.area"),
        ({"area_m2": 1e9}, "household.area"),
        ({"area_m2": float("nan")}, "household.area"),
        ({"place": "x" * 81}, "household.place"),
        ({"home": msgspec.structs.replace(HOME, people=())}, "household.people"),
        ({"home": msgspec.structs.replace(HOME, people=(People(date(2020, 1, 1), 0),))}, "household.people"),
        ({"home": msgspec.structs.replace(HOME, since=TODAY + timedelta(1))}, "household.days"),
        ({"home": msgspec.structs.replace(HOME, until=date(2019, 1, 1))}, "household.days"),
    ],
)
def test_a_household_that_cannot_be_is_refused(change, code):
    found = checked(msgspec.structs.replace(HOUSEHOLD, **change), ["st-1"], TODAY)

    assert isinstance(found, Refused)
    assert found.code == code


def test_people_are_counted_from_a_day_on():
    home = with_people(with_people(HOME, 3, date(2025, 5, 1)), 3, date(2026, 1, 1))

    assert [home.people_on(day) for day in (date(2019, 1, 1), date(2025, 4, 30), date(2025, 5, 1), TODAY)] == [2, 2, 3, 3]
    assert len(home.people) == 2
    assert Home(since=TODAY).people_on(TODAY) == 0


def test_a_customer_number_is_one_however_it_is_written_and_tells_nothing_without_the_key():
    key = bytes(range(32))

    assert digest_of(key, "gas", "01-2345 6789") == digest_of(key, "gas", "0123456789")
    assert digest_of(key, "gas", "0123456789") != digest_of(key, "water", "0123456789")
    assert digest_of(bytes(32), "gas", "0123456789") != digest_of(key, "gas", "0123456789")
    assert [digest_of(key, "gas", one) for one in ("", "1", "x" * 40, "12;34")] == [""] * 4


def test_rules_hold_for_every_utility_and_say_what_is_to_be_confirmed():
    found = [judging_rules(one, TODAY) for one in UTILITIES]

    assert [[band.won for band in one.bands] for one in found] == [
        [5_000, 10_000, 15_000],
        [3_000, 6_000, 8_000],
        [750, 1_500, 2_000],
    ]
    assert all("households@2026-11/spreads" in one.provisional[0] for one in found)


def test_every_reason_stands_in_both_languages():
    assert all(one.ko and one.en and one.ko != one.en for one in (*REASONS.values(), *WRONG.values()))
    assert set(OPEN) < set(REASONS)
    assert not FINAL & set(OPEN)
