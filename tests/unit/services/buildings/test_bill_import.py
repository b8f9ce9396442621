"""Bills as people send them: what is refused as a whole, every rejected row by its number and code, what is accepted."""

from datetime import date
from fractions import Fraction
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.core.errors import InputError, TooLarge
from dure.protocols.sheets.archives import unpacked_xml
from dure.protocols.sheets.cells import BadCell, decimal_sign, read_day, read_month, read_number, read_span
from dure.protocols.sheets.rows import SERIAL_ZERO
from dure.services.buildings.importing.bills import Bills, Ground, read_bills

GROUND = Ground(burnt="GCV")
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def read(text: str, ground: Ground = GROUND) -> Bills:
    return read_bills(text.encode(), ground)


def rejected(bills: Bills) -> list[tuple[int, str]]:
    return [(one.row, one.code) for one in bills.rejected]


def refusal(body: bytes, sheet: str = "") -> str:
    with pytest.raises(InputError) as caught:
        read_bills(body, GROUND, sheet)
    return caught.value.code


def workbook(rows: str, merged: str = "", shared: str = "", settings_: str = "", head: str = "") -> bytes:
    """A workbook with the XML of the rows of one sheet."""
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        sheets = '<sheet name="청구" sheetId="1" r:id="rId7"/>'
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{MAIN}" xmlns:r="{REL}">{settings_}<sheets>{sheets}</sheets></workbook>'
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels", '<Relationships><Relationship Id="rId7" Target="worksheets/s.xml"/></Relationships>'
        )
        archive.writestr(
            "xl/worksheets/s.xml", f'{head}<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData>{merged}</worksheet>'
        )
        archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{MAIN}">{shared}</sst>')
    return out.getvalue()


def row(number: int, *cells: str | float) -> str:
    written = []
    for column, cell in zip("ABCDEFGHIJ", cells, strict=False):
        place = f'r="{column}{number}"'
        text = isinstance(cell, str)
        written.append(f'<c {place} t="inlineStr"><is><t>{cell}</t></is></c>' if text else f"<c {place}><v>{cell}</v></c>")
    return f'<row r="{number}">{"".join(written)}</row>'


# Refused as a whole


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "bill.no_columns"),
        (b"meter;name\n1;2\n", "bill.no_columns"),
        ("계량기,사용량\n".encode(), "bill.empty"),
        ("계량기,사용량,usage\n1,2,3\n".encode(), "table.column_twice"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "sheet.old_excel"),
        (b"PK\x03\x04 and then nothing", "archive.broken"),
        (b"\xff\xff\xff", "table.encoding"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_a_code(body, expected):
    assert refusal(body) == expected


def test_an_archive_that_is_no_workbook_is_refused():
    out = BytesIO()
    with ZipFile(out, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert refusal(out.getvalue()) == "workbook.broken"


def test_a_zip_bomb_is_refused_before_it_is_unpacked():
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"\0" * (51 * 1024 * 1024))
    assert len(out.getvalue()) < 100_000
    assert refusal(out.getvalue()) == "archive.too_large"


def test_a_packed_feed_that_unpacks_beyond_the_limit_is_refused():
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        archive.writestr("a.xml", b" " * (51 * 1024 * 1024))
    with pytest.raises(TooLarge) as caught:
        unpacked_xml(out.getvalue())
    assert caught.value.code == "archive.too_large"


def test_a_packed_feed_holds_one_file_and_a_plain_one_stays_as_it_is():
    out = BytesIO()
    with ZipFile(out, "w") as archive:
        archive.writestr("a.xml", "<feed/>")
    assert unpacked_xml(out.getvalue()) == b"<feed/>"
    assert unpacked_xml(b"<feed/>") == b"<feed/>"


def test_an_entity_in_a_workbook_is_refused():
    head = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    assert refusal(workbook(row(1, "계량기", "사용량"), head=head)) == "xml.doctype"


def test_a_sheet_that_is_not_there_is_refused():
    assert refusal(workbook(row(1, "a")), sheet="other") == "workbook.no_sheet"


def test_a_cell_that_names_a_text_that_is_not_there_is_refused():
    assert refusal(workbook('<row r="1"><c r="A1" t="s"><v>9</v></c></row>')) == "workbook.broken"


def test_a_sheet_with_millions_of_merged_cells_is_refused():
    merged = '<mergeCells><mergeCell ref="A1:ZZ200000"/></mergeCells>'
    assert refusal(workbook(row(1, "x") + row(200_000, "y"), merged)) == "sheet.too_large"


# Rejected row by row


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (",전기,2026-10,100,kWh", "bill.cell_empty"),
        ("M1,,2026-10,100,kWh", "bill.cell_empty"),
        ("M1,전기,,100,kWh", "bill.cell_empty"),
        ("M1,전기,2026-10,,kWh", "bill.cell_empty"),
        ("M1,전기,2026-10,100,", "bill.cell_empty"),
        ("M1,장작,2026-10,100,kg", "bill.fuel"),
        ("M1,전기,2026-10,100,㎥", "bill.unit_wrong"),
        ("M1,전기,2026-10,100,MJ", "bill.unit_wrong"),
        ("M1,도시가스,2026-10,100,kg", "bill.unit_wrong"),
        ("M1,전기,2026-10,100,furlong", "unit.unknown"),
        ("M1,전기,2026-13,100,kWh", "bill.date"),
        ("M1,전기,2026.1,100,kWh", "bill.month_ambiguous"),
        ("M1,전기,2026-10,백,kWh", "bill.number"),
        ("M1,전기,2026-10,-100,kWh", "bill.negative"),
        ("M1,전기,2026-10,△100,kWh", "bill.negative"),
        ("M1,전기,2026-10,1,100,kWh,x,y", "table.row_width"),
        ("합계,전기,2026-10,100,kWh", "bill.total"),
    ],
)
def test_a_row_that_cannot_be_taken_in_is_named_with_its_number(line, expected):
    found = read(f"계량기,에너지원,사용월,사용량,단위\nM0,전기,2026-10,50,kWh\n{line}\n")
    assert rejected(found) == [(3, expected)]
    assert [bill.meter for bill in found.accepted] == ["M0"]
    assert found.rejected[0].why.ko
    assert found.rejected[0].why.en


def test_a_period_that_ends_before_it_begins_is_rejected():
    assert rejected(read("meter,fuel,start,end,usage (kWh)\nM,electricity,2026-10-15,2026-10-01,5\n")) == [
        (2, "bill.period_reversed")
    ]


def test_the_same_or_an_overlapping_period_is_rejected_and_names_the_row_before():
    found = read(
        "meter,fuel,start,end,usage (kWh)\n"
        "M,electricity,2026-10-01,2026-11-01,5\n"
        "M,electricity,2026-10-01,2026-11-01,5\n"
        "M,electricity,2026-10-20,2026-11-20,5\n"
        "M,electricity,2026-11-01,2026-12-01,5\n"
    )
    assert rejected(found) == [(3, "bill.twice"), (4, "bill.overlap")]
    assert "row 2" in found.rejected[0].why.en


def test_an_unknown_meter_and_another_fuel_of_a_known_one_are_rejected():
    ground = Ground(burnt="", meters={"M1": "electricity"})
    found = read("meter,fuel,month,usage (kWh)\nM9,electricity,2026-10,5\nM1,heat,2026-10,5\nM1,,2026-11,7\n", ground)
    assert rejected(found) == [(2, "bill.meter_unknown"), (3, "bill.fuel_differs")]
    assert found.accepted[0].fuel == "electricity"


def test_a_word_that_is_neither_measured_nor_estimated_is_rejected():
    found = read("meter,fuel,month,usage (kWh),검침구분\nM,전기,2026-10,5,추정\nM,전기,2026-11,5,실측\nM,전기,2026-12,5,글쎄\n")
    assert rejected(found) == [(4, "bill.reading")]
    assert [bill.estimated for bill in found.accepted] == [True, False]


def test_a_column_that_writes_commas_both_ways_rejects_what_can_be_read_two_ways():
    lines = ['"1.234,5"', '"1,234.5"', '"1,234"', "12"]
    text = "meter,fuel,month,usage (kWh)\n" + "".join(f"M{n},전기,2026-10,{line}\n" for n, line in enumerate(lines))
    found = read(text)
    assert rejected(found) == [(4, "bill.number_ambiguous")]
    assert [float(bill.amount.value) for bill in found.accepted] == [1234.5, 1234.5, 12]


# Accepted


def test_columns_in_any_order_and_korean_headings_under_a_title():
    found = read(
        "2026년 공공건물 에너지 사용량,,,,\n"
        "회계과,,,,\n"
        '사용량(kWh),청구금액(원),건물명,에너지원,사용기간\n"1,234.5","345,600원",시청,전기,2026.10.15~2026.11.14\n'
    )
    assert rejected(found) == []
    bill = found.accepted[0]
    assert (bill.building, bill.fuel, bill.row, bill.won) == ("시청", "electricity", 4, 345_600)
    assert (bill.start, bill.end) == (date(2026, 10, 15), date(2026, 11, 15))
    assert (bill.amount.value, bill.amount.unit) == (Fraction("1234.5"), "kWh")
    assert found.columns["청구금액(원)"] == "won"


def test_a_file_in_cp949_is_read():
    found = read_bills("계량기;에너지원;사용년월;사용량;단위\nM1;도시가스;202610;120;㎥\n".encode("cp949"), GROUND)
    assert found.encoding == "cp949"
    assert (found.accepted[0].fuel, found.accepted[0].amount.unit) == ("city_gas", "m3")


def test_comma_decimals_are_found_from_the_column():
    found = read("meter;fuel;month;usage (kWh)\nM1;electricity;2026-10;1.234,5\nM2;electricity;2026-10;2.000\n")
    assert found.decimal_sign == ","
    assert [bill.amount.value for bill in found.accepted] == [Fraction("1234.5"), Fraction(2000)]


def test_billed_gas_energy_carries_the_basis_of_the_contract():
    found = read("meter,fuel,month,usage,unit\nM1,도시가스,2026-10,5000,MJ\nM2,지역난방,2026-10,3,Gcal\n")
    assert [(bill.amount.unit, bill.amount.basis) for bill in found.accepted] == [("MJ", "GCV"), ("Gcal", "")]


def test_merged_cells_of_a_workbook_fill_every_row_they_cover():
    rows = (
        row(1, "건물", "에너지원", "사용월", "사용량(kWh)")
        + row(2, "도서관", "전기", "2026-09", 100.0)
        + row(3, "", "", "2026-10", 0.1 + 0.2)
    )
    found = read_bills(workbook(rows, '<mergeCells><mergeCell ref="A2:A3"/><mergeCell ref="B2:B3"/></mergeCells>'), GROUND)
    assert [(bill.building, bill.amount.value) for bill in found.accepted] == [("도서관", 100), ("도서관", Fraction("0.3"))]


def test_shared_texts_and_day_numbers_of_a_workbook_are_read():
    shared = "<si><t>계량기</t></si><si><r><t>사용</t></r><r><t>량(kWh)</t></r><rPh><t>ignored</t></rPh></si>"
    head = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c>'
    head += '<c r="C1" t="str"><v>시작일</v></c><c r="D1" t="str"><v>종료일</v></c><c r="E1" t="str"><v>에너지원</v></c></row>'
    found = read_bills(workbook(head + row(2, "M1", 12, 46_296, 46_327, "전기"), shared=shared), GROUND)
    assert [(bill.start, bill.end) for bill in found.accepted] == [(date(2026, 10, 1), date(2026, 11, 1))]


def test_a_workbook_that_counts_days_from_1904_is_read():
    rows = row(1, "계량기", "사용량(kWh)", "사용월", "에너지원") + row(2, "M1", 12, 46_296 - 1_462, "전기")
    found = read_bills(workbook(rows, settings_='<workbookPr date1904="1"/>'), GROUND)
    assert found.accepted[0].start == date(2026, 10, 1)


# Cells


@pytest.mark.parametrize("text", ["", "abc", "1.2.3", "--5", "1,2,3", "½", "1e5", "NaN", "٣"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(BadCell):
        read_number(text, ".")


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,234.5", "1234.5"), ("1 234.5", "1234.5"), ("−5", "-5"), ("(5)", "-5"), ("+7", "7"), (".5", "0.5"), ("１２", "12")],
)
def test_numbers_are_read_as_people_write_them(text, value):
    assert read_number(text, ".") == Fraction(value)


@pytest.mark.parametrize(
    ("cells", "sign"), [(["1,234"], "."), (["12,5"], ","), (["1.234,5", "2.000"], ","), (["0.5", "0,5"], "?"), ([], ".")]
)
def test_the_decimal_sign_is_that_of_the_cells_that_can_be_read_one_way(cells, sign):
    assert decimal_sign(cells) == sign


@pytest.mark.parametrize(
    "text", ["2026-11-24", "2026.11.24.", "2026/11/24", "20261124", "2026년 11월 24일", "46350", "2026-11-24 00:00:00"]
)
def test_days_are_read_as_people_write_them(text):
    assert read_day(text, SERIAL_ZERO) == date(2026, 11, 24)


@pytest.mark.parametrize("text", ["", "2026-02-30", "24.11.2026", "11/24/26", "2026112"])
def test_what_is_no_day_is_refused(text):
    with pytest.raises(BadCell):
        read_day(text, SERIAL_ZERO)


@pytest.mark.parametrize("text", ["2026-12", "202612", "2026년 12월", "2026년12월분", "2026.12.", "2026-12-24"])
def test_months_are_read_as_people_write_them(text):
    assert read_month(text, SERIAL_ZERO) == (date(2026, 12, 1), date(2027, 1, 1))


def test_a_span_of_one_day_is_refused():
    with pytest.raises(BadCell):
        read_span("2026-10-15", SERIAL_ZERO)


@settings(max_examples=200, deadline=None)
@given(lines=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=60), max_size=8))
def test_every_row_is_accepted_or_rejected_whatever_stands_in_it(lines):
    body = "meter,fuel,month,usage,unit\n" + "\n".join(
        ['"M","전기","2026-10","5","kWh"', *(line.replace('"', "") for line in lines)]
    )
    found = read(body)
    rows = [number for number, line in enumerate(lines, 3) if line.replace('"', "").replace(",", "").strip()]
    assert sorted([bill.row for bill in found.accepted] + [one.row for one in found.rejected]) == [2, *rows]


@settings(max_examples=150, deadline=None)
@given(value=st.fractions(0, 10**9, max_denominator=1).map(lambda f: f / 100), sign=st.sampled_from([".", ","]))
def test_a_written_number_is_read_back(value, sign):
    text = f"{float(value):,.2f}"
    text = text if sign == "." else text.translate(str.maketrans(",.", ".,"))
    assert read_number(text, sign) == value
