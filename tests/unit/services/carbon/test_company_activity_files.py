"""Activity files of companies: what is taken, and every refused row with its code."""

from __future__ import annotations

import io
import time
from datetime import date, timedelta
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from dure.core.errors import InputError
from dure.core.text import Text
from dure.services.carbon.companies.activity import Activity, Periods, gaps, keys
from dure.services.carbon.companies.activity_file import Ground, decimal_text, read_activities
from dure.services.carbon.companies.activity_rules import activity_rules
from dure.services.carbon.companies.company import Company, Site

COMPANY = Company(
    id="acme", name=Text("에이크미", "Acme"), business_number="1248100998",
    sites=(Site(id="hq", name=Text("본사", "Head office"), address=""), Site(id="plant", name=Text("공장", "Plant"), address="")),
)  # fmt: skip
TODAY = date(2026, 11, 26)
GROUND = Ground(company=COMPANY, rules=activity_rules(TODAY), today=TODAY)
HEAD = "활동,사업장,고객번호,청구번호,사용기간,사용량,단위,금액\n"
BILL = '전기,본사,01-2345-6789,B 1,2026.01.01~2026.01.31,"1,234.5",kWh,"150,000원"\n'


def read(text, **more):
    return read_activities(text.encode(), msgspec.structs.replace(GROUND, **more))


def test_a_korean_bill_is_read_exactly():
    found = read(HEAD + BILL)

    assert found.rejected == ()
    (row,) = found.accepted
    assert row.activity == Activity(
        company="acme", kind="electricity", site="hq", start=date(2026, 1, 1), end=date(2026, 2, 1), value="1234.5", unit="kWh",
        meter="0123456789", number="B1", won=150_000,
    )  # fmt: skip


def test_an_english_file_with_other_columns_is_read_too():
    found = read(
        "Fuel;Start date;End date;Consumption (L)\nDiesel;2026-02-01;2026-03-01;812,75\nPetrol;2026-02-01;2026-03-01;40,5\n"
    )

    assert [(one.activity.kind, one.activity.value, one.activity.unit) for one in found.accepted] == [
        ("diesel", "812.75", "L"),
        ("gasoline", "40.5", "L"),
    ]


def test_a_workbook_is_read_as_the_csv_is(tmp_path):
    book = Workbook()
    sheet = book.active
    for row in (
        ["2026년 출장 내역"],
        ["일자", "이동수단", "거리(km)", "비고"],
        ["2026-03-02", "KTX", 412, "부산"],
        ["합계", "", 412],
    ):
        sheet.append(row)
    book.save(tmp_path / "travel.xlsx")

    found = read_activities((tmp_path / "travel.xlsx").read_bytes(), GROUND)

    assert [(one.row, one.activity.kind, one.activity.unit, one.activity.value) for one in found.accepted] == [
        (3, "travel_ktx", "pkm", "412")
    ]
    assert [(one.row, one.code) for one in found.rejected] == [(4, "activity.total")]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("전기,본사,01,B2,2026.01.01~2026.01.31,-5,kWh,", "activity.negative"),
        ("전기,본사,01,B2,2026.01.01~2026.01.31,900000000000,kWh,", "activity.absurd"),
        ("도시가스,본사,01,B2,2026.01.01~2026.01.31,900000000,Nm3,", "activity.absurd"),
        ("전기,본사,01,B2,2026.01.31~2026.01.01,5,kWh,", "activity.period_reversed"),
        ("전기,본사,01,B2,2024.01.01~2026.01.31,5,kWh,", "activity.period_long"),
        ("전기,본사,01,B2,2027.01.01~2027.01.31,5,kWh,", "activity.period_outside"),
        ("전기,본사,01,B2,1899.01.01~1899.01.31,5,kWh,", "activity.period_outside"),
        ("전기,본사,01,B2,언젠가,5,kWh,", "bill.date"),
        ("전기,본사,01,B2,,5,kWh,", "activity.cell_empty"),
        ("전기,본사,,B2,2026.01.01~2026.01.31,5,kWh,", "activity.cell_empty"),
        ("전기,본사,01,B2,2026.01.01~2026.01.31,,kWh,", "activity.cell_empty"),
        ("전기,본사,01,B2,2026.01.01~2026.01.31,5,,", "activity.cell_empty"),
        ("전기,본사,01,B2,2026.01.01~2026.01.31,5,parsec,", "unit.unknown"),
        ("전기,본사,01,B2,2026.01.01~2026.01.31,5,L,", "activity.unit"),
        ("도시가스,본사,01,B2,2026.01.01~2026.01.31,5,㎥,", "activity.unit"),
        ("전기,본사,01,B2,2026.01.01~2026.01.31,다섯,kWh,", "bill.number"),
        ("마법,본사,01,B2,2026.01.01~2026.01.31,5,kWh,", "activity.kind"),
        ("전기,지사,01,B2,2026.01.01~2026.01.31,5,kWh,", "activity.site"),
        ("합계,본사,01,B2,2026.01.01~2026.01.31,5,kWh,", "activity.total"),
        (BILL.strip(), "activity.overlap"),
    ],
)
def test_a_row_that_cannot_be_is_refused_with_its_number_and_code(row, code):
    found = read(HEAD + BILL + row + "\n")

    assert [(one.row, one.code) for one in found.rejected] == [(3, code)]
    assert len(found.accepted) == 1
    assert all(one.why.ko and one.why.en for one in found.rejected)


@pytest.mark.parametrize(
    ("text", "code"), [("", "bill.no_columns"), ("a,b\n1,2\n", "bill.no_columns"), ("활동,사용량\n", "activity.empty")]
)
def test_a_file_of_which_nothing_can_be_used_is_refused(text, code):
    with pytest.raises(InputError) as caught:
        read(text)

    assert caught.value.code == code


def test_gaps_between_bills_are_told():
    rows = [one.activity for one in read(HEAD + BILL + BILL.replace("2026.01", "2026.03")).accepted]

    assert gaps(rows) == [("electricity:0123456789", date(2026, 2, 1), date(2026, 3, 1))]


def test_a_bill_is_the_same_whoever_brings_it_and_a_trip_is_not():
    bill = read(HEAD + BILL).accepted[0].activity
    trip = read("일자,수단,거리(km)\n2026-03-02,KTX,412\n").accepted[0].activity
    others = [msgspec.structs.replace(one, company="other") for one in (bill, trip)]

    assert keys(bill) == keys(others[0])
    assert not set(keys(trip)) & set(keys(others[1]))
    assert not set(keys(trip, 0)) & set(keys(trip, 1))


def workbook(*rows, merges=()):
    book, out = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    for place in merges:
        book.active.merge_cells(place)
    book.save(out)
    return out.getvalue()


TITLES = ["활동", "고객번호", "사용기간", "사용량(kWh)", "금액"]
JANUARY, FEBRUARY = "2026.01.01~2026.01.31", "2026.02.01~2026.02.28"


def test_an_amount_that_is_merged_over_two_bills_is_not_counted_twice():
    rows = [TITLES, ["전기", "01", JANUARY, 900, 5], ["전기", "01", FEBRUARY, None, 5], ["전기", "02", JANUARY, 7, 5]]

    found = read_activities(workbook(*rows, merges=["D2:D3"]), GROUND)

    assert [(one.row, one.code) for one in found.rejected] == [(2, "activity.merged"), (3, "activity.merged")]
    assert [one.activity.meter for one in found.accepted] == ["02"]


def test_a_name_that_is_merged_over_its_bills_counts_for_each_and_a_title_above_for_none():
    rows = [["2026년 전기"], TITLES, ["전기", "01", JANUARY, 900, 5], [None, None, FEBRUARY, 800, 5]]

    found = read_activities(workbook(*rows, merges=["A1:E1", "A3:A4", "B3:B4"]), GROUND)

    assert found.rejected == ()
    assert [(one.activity.meter, one.activity.value) for one in found.accepted] == [("01", "900"), ("01", "800")]


def test_a_formula_nobody_has_worked_out_is_refused_and_not_read_as_blank():
    rows = [TITLES, ["전기", "01", JANUARY, "=450*2", 5], ["전기", "02", JANUARY, 7, "=D3*150"], ["전기", "03", JANUARY, 7, None]]

    found = read_activities(workbook(*rows), GROUND)

    assert [(one.row, one.code) for one in found.rejected] == [(2, "bill.number"), (3, "bill.number")]
    assert "=450*2" in found.rejected[0].content
    assert [one.activity.meter for one in found.accepted] == ["03"]


def test_a_file_of_windows_is_read_in_its_own_code_page():
    found = read_activities((HEAD + BILL).encode("cp949"), GROUND)

    assert (found.encoding, found.rejected) == ("cp949", ())
    assert found.accepted[0].activity.site == "hq"


def test_many_thousand_bills_are_held_against_one_another_and_every_row_is_answered():
    days = [date(2000, 1, 1) + timedelta(days=n) for n in range(2_000)]
    lines = [f"전기,본사,{n % 12},B{n},{days[n // 12]},{days[n // 12] + timedelta(1)},{n % 97},kWh" for n in range(19_000)]
    lines += [lines[5], lines[18_000], *(["전기,본사,1,X,2026-01-02,2026-01-01,5,kWh"] * 998)]
    text = "활동,사업장,고객번호,청구번호,시작일,종료일,사용량,단위\n" + "\n".join(lines)

    begun = time.process_time()
    found = read(text)
    told = gaps([one.activity for one in found.accepted])

    assert time.process_time() - begun < 20  # seconds of CPU, 1.5 on a quiet machine; every row against every other takes minutes
    assert len(found.accepted) == 19_000
    assert [one.row for one in found.rejected] == list(range(19_002, 20_002))
    assert [one.code for one in found.rejected[:3]] == ["activity.overlap", "activity.overlap", "activity.period_reversed"]
    assert told == []


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9), st.sampled_from(["1", "2", ""])), max_size=30))
def test_overlaps_are_found_as_by_holding_every_row_against_every_other(spans):
    first = date(2026, 1, 1)
    rows = [
        Activity(
            company="acme", kind="electricity", start=first + timedelta(start), end=first + timedelta(start + days), value="1",
            unit="kWh", meter=meter,
        )
        for start, days, meter in spans
    ]  # fmt: skip
    kept, periods = [], Periods()
    for one in rows:
        same = [other for other in kept if one.series and other.series == one.series]
        slow = [other for other in same if other.start < one.end and one.start < other.end]
        quick = periods.overlapping(one)
        assert (quick is None) == (not slow)
        assert quick is None or quick in slow
        if quick is None:
            kept.append(one)
            periods.add(one)


@given(st.integers(0, 10**12), st.integers(0, 6))
def test_an_amount_keeps_every_digit(number, decimals):
    value = Fraction(number, 10**decimals)

    assert Fraction(decimal_text(value)) == value
