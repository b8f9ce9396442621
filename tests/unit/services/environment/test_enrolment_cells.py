"""What people write into the cells of a list of devices."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.text import Text
from dure.services.environment.enrolling.enrolment_cells import (
    FIELDS,
    BadCell,
    field_of,
    plain_heading,
    read_angle,
    read_date,
    read_eui,
    read_number,
    read_position,
    read_serial_day,
)

CITY = (126.7, 37.0, 127.2, 37.3)
TITLE = Text("칸", "Cell")


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("장치 이름", "device"), ("Device ID", "device"), ("DEV EUI", "dev_eui"), ("dev_eui", "dev_eui"), ("위도(°)", "lat"),
        ("경도", "lon"), ("X", "lon"), ("설치 높이 (m)", "height_m"), ("측정소명", "name"), ("name_ko", "name"), ("ID", "asset"),
        ("모델명", "codec"), ("차기 교정일", "calibration_due_on"), ("비고", None), ("", None),
    ],
)  # fmt: skip
def test_a_heading_is_known_in_both_languages_whatever_its_case_signs_and_unit(heading, field):
    assert field_of(heading) == field


def test_no_two_fields_share_a_heading():
    names = [
        (plain_heading(one), field.name) for field in FIELDS for one in (field.name, field.title.ko, field.title.en, *field.also)
    ]
    assert len({name for name, _ in names}) == len(set(names))


@pytest.mark.parametrize(
    "text", ["24e124136b502217", "24E124136B502217", "24:E1:24:13:6B:50:22:17", "24-e1-24-13-6b-50-22-17", "0x24E124136B502217",
     "24E1 2413 6B50 2217"]
)  # fmt: skip
def test_a_dev_eui_is_read_in_any_case_and_with_any_separator(text):
    assert read_eui(text) == "24e124136b502217"


@pytest.mark.parametrize("text", ["", "24e124136b50221", "24e124136b5022170", "0" * 16, "f" * 16, "24e124136b50221g"])
def test_what_is_no_dev_eui_is_refused(text):
    with pytest.raises(BadCell) as refused:
        read_eui(text)
    assert refused.value.code == "device.dev_eui"


@pytest.mark.parametrize("text", ["2.41E+15", "7.01e15", "24E+14"])
def test_a_dev_eui_that_a_spreadsheet_made_a_number_is_refused_with_the_remedy(text):
    with pytest.raises(BadCell) as refused:
        read_eui(text)
    assert "spreadsheet" in refused.value.why.en
    assert "텍스트" in refused.value.why.ko


@pytest.mark.parametrize(
    ("text", "degrees", "axis"),
    [
        ("126.83115", 126.83115, ""), ("126°49'52.14\"E", 126.83115, "lon"), ("N 37 11 58", 37.1994444, "lat"),
        ("126:49:52", 126.8311111, ""), ("동경 126도 49분 52초", 126.8311111, "lon"), ("37° 11.97'", 37.1995, ""),
        ("-33.5", -33.5, ""), ("33.5S", -33.5, "lat"), ("37º11′58″", 37.1994444, ""), ("−0.5", -0.5, ""), ("-0°30'", -0.5, ""),
    ],
)  # fmt: skip
def test_degrees_are_read_as_decimals_and_as_minutes_and_seconds(text, degrees, axis):
    found = read_angle(text)
    assert (pytest.approx(found.degrees, abs=1e-7), found.axis) == (degrees, axis)


@pytest.mark.parametrize("text", ["", "abc", "200000.5", "12 61 3", "37.5 30", "37 30 61", "181", "1e2"])
def test_what_are_no_degrees_is_refused(text):
    with pytest.raises(BadCell) as refused:
        read_angle(text)
    assert refused.value.code == "enrolment.position"


@given(st.floats(-179.9, 179.9))
def test_degrees_written_as_minutes_and_seconds_are_the_same_degrees(degrees):
    whole, minutes = divmod(abs(degrees) * 60, 60)
    sign = "-" if degrees < 0 else ""
    text = f"{sign}{int(whole)}°{int(minutes)}'{(minutes % 1) * 60:.4f}\""
    if "'60.0000" not in text:
        assert read_angle(text).degrees == pytest.approx(degrees, abs=1e-6)


@pytest.mark.parametrize(
    ("cells", "swapped"),
    [
        (("126.8", "37.2", ""), False), (("37.2", "126.8", ""), True), (("", "", "37.2, 126.8"), False),
        (("", "", "126.8,37.2"), False),
        (("37.2, 126.8", "", ""), False), (("", "", "37.2 126.8"), False), (("", "", "(37.2; 126.8)"), False),
        (("37.2N", "126.8E", ""), True),
    ],
)  # fmt: skip
def test_a_position_is_found_in_two_cells_or_one_and_turned_round_when_swapped(cells, swapped):
    found = read_position(*cells, CITY)
    assert (found.point.lon, found.point.lat, found.swapped) == (126.8, 37.2, swapped)


def test_swapped_numbers_that_are_both_latitudes_are_told_by_the_city():
    west_africa = (10.0, 5.0, 11.0, 6.0)
    assert read_position("5.5", "10.5", "", west_africa).swapped
    assert not read_position("10.5", "5.5", "", west_africa).swapped


@pytest.mark.parametrize(
    "cells", [("126.8", "", ""), ("", "37.2", ""), ("", "", "37.2"), ("126.8", "x", ""), ("126.8", "127.9", "")]
)
def test_half_a_position_is_refused(cells):
    with pytest.raises(BadCell) as refused:
        read_position(*cells, CITY)
    assert refused.value.code == "enrolment.position"


def test_no_position_is_none():
    assert read_position("", "", "", CITY) is None


@pytest.mark.parametrize(
    "text", ["2026-11-04", "2026.11.04.", "2026. 11. 4.", "2026/11/4", "20261104", "2026년 11월 4일", "2026-11-04 00:00:00"]
)
def test_a_day_is_read_as_people_write_it(text):
    assert read_date(text, TITLE) == date(2026, 11, 4)


@pytest.mark.parametrize("text", ["26-11-04", "2026-13-01", "2026-02-30", "46330", "어제", "2026110"])
def test_what_is_no_day_is_refused(text):
    with pytest.raises(BadCell) as refused:
        read_date(text, TITLE)
    assert refused.value.code == "enrolment.date"


def test_a_number_may_carry_its_unit_and_must_lie_in_its_span():
    assert read_number("3.5 m", TITLE, 0, 600) == 3.5
    for text in ("700", "-1", "3,5", "삼", "nan"):
        with pytest.raises(BadCell):
            read_number(text, TITLE, 0, 600)


@pytest.mark.parametrize(
    ("text", "day"),
    [("46350", date(2026, 11, 24)), (" 46350.0 ", date(2026, 11, 24)), ("30000", date(1982, 2, 18)), ("29999", None),
     ("60001", None), ("20261124", None), ("2026-11-24", None), ("", None)],
)  # fmt: skip
def test_a_spreadsheets_number_of_a_day_is_that_day_and_nothing_else_is(text, day):
    assert read_serial_day(text) == day
