"""CSV of readings in the make that offices send: encodings, delimiters, long and wide."""

from datetime import UTC, datetime

import pytest

from dure.core.errors import InputError
from dure.core.observations import Reading
from dure.protocols.readings import parse
from dure.protocols.readings_csv import parse_csv
from dure.protocols.tables import read_table

AT = datetime(2026, 11, 24, tzinfo=UTC)


def codes(parsed):
    return [(one.row, one.code) for one in parsed.rejected]


def test_long_csv_is_read_and_an_empty_value_is_missing():
    body = "time,asset,property,value,unit\n2026-11-24T00:00:00Z,st-1,pm10,35,ug/m3\n1795478400,st-1,o3,,\n"
    assert parse(body.encode(), "text/csv").readings == [
        Reading("pm10", 35.0, AT, "st-1", "ug/m3"),
        Reading("o3", None, AT, "st-1"),
    ]


def test_wide_csv_is_read_and_an_empty_cell_is_no_reading():
    body = "Time;asset;pm10;o3\n2026-11-24T09:00:00+09:00;st-1;35;NaN\n2026-11-24T00:00:00Z;st-2;;0.03\n"
    parsed = parse_csv(body.encode())
    assert parsed.readings == [
        Reading("pm10", 35.0, AT, "st-1"),
        Reading("o3", None, AT, "st-1"),
        Reading("o3", 0.03, AT, "st-2"),
    ]
    assert parsed.rejected == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encoding_and_delimiter_are_found(encoding, delimiter):
    table = read_table(f'지점{delimiter}"기온, 최고"\r\n홍성(예){delimiter}21.3\r\n'.encode(encoding))
    assert table.header == ("지점", "기온, 최고")
    assert list(table.dicts()) == [(2, {"지점": "홍성(예)", "기온, 최고": "21.3"}, 2)]


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("inf", "reading.value_not_finite"),
        ("1e400", "reading.value_not_finite"),
        ("12,3", "reading.value_not_a_number"),
        ("1_000", "reading.value_not_a_number"),
        ("١٢", "reading.value_not_a_number"),
        ("true", "reading.value_not_a_number"),
    ],
)
def test_a_cell_that_is_no_number_is_rejected_by_its_row(cell, code):
    parsed = parse_csv(f"property\tvalue\npm10\t1\npm10\t{cell}\npm10\t3\n".encode())
    assert codes(parsed) == [(3, code)]
    assert [one.value for one in parsed.readings] == [1.0, 3.0]


def test_a_row_of_another_width_is_rejected_by_its_number():
    parsed = parse_csv(b"property,value\npm10,1\npm10,1,2\npm10\n\npm10,4\n")
    assert codes(parsed) == [(3, "table.row_width"), (4, "table.row_width")]
    assert len(parsed.readings) == 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\xff\xff\xff,\n1,2\n", "reading.utf8_broken"),
        (b"", "table.header_missing"),
        (b"\n\n\n", "table.header_missing"),
        (b"a,a\n1,2\n", "table.column_twice"),
        (b",".join(b"c%d" % n for n in range(1001)) + b"\n1\n", "table.too_wide"),
        (b"property,value\npm10,1\n" + b"x" * 200_000 + b",1\n", "table.broken"),
    ],
)
def test_a_broken_file_is_refused_with_its_reason(body, code):
    assert parse_csv(body).rejected[-1].code == code


def test_an_encoding_that_does_not_exist_is_refused():
    with pytest.raises(InputError, match="klingon"):
        read_table(b"a\n", encoding="klingon")
