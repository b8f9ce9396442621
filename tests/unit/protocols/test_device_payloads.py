"""The JSON and NDJSON a device sends."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from dure.core.observations import Reading
from dure.protocols.readings import parse, parse_json, parse_ndjson, write_json

NINE = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
KST = "2026-11-24T09:00:00+09:00"


def codes(parsed):
    return [(one.row, one.code) for one in parsed.rejected]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"property": "air_temperature", "value": 21.3, "time": KST, "unit": "Cel", "asset": "st-1"},
            [Reading("air_temperature", 21.3, NINE, "st-1", "Cel")],
        ),
        ({"property": "pm10", "value": 35}, [Reading("pm10", 35.0)]),
        ({"property": "pm10", "value": None}, [Reading("pm10", None)]),
        ({"time": KST, "values": {"pm10": 35, "o3": 0.03}}, [Reading("pm10", 35.0, NINE), Reading("o3", 0.03, NINE)]),
        ({"pm10": 35, "o3": None, "asset": "st-1"}, [Reading("pm10", 35.0, None, "st-1"), Reading("o3", None, None, "st-1")]),
        (
            {"readings": [{"property": "pm10", "value": 1}, {"values": {"o3": 2}}, {"no2": 3}]},
            [Reading("pm10", 1.0), Reading("o3", 2.0), Reading("no2", 3.0)],
        ),
        ([{"property": "pm10", "value": 1, "time": KST}], [Reading("pm10", 1.0, NINE)]),
        ({"readings": []}, []),
        ([], []),
    ],
)
def test_every_documented_form_is_read(body, expected):
    parsed = parse_json(json.dumps(body).encode())
    assert (parsed.readings, parsed.rejected) == (expected, [])


def test_what_is_written_is_read_again():
    readings = [Reading("pm10", index / 3, NINE + timedelta(seconds=index), "st-1", "ug/m3") for index in range(50)]
    assert parse_json(write_json(readings)).readings == readings


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("NaN", "reading.value_not_finite"),
        ("-Infinity", "reading.value_not_finite"),
        ("1e400", "reading.value_not_finite"),
        ("1" + "0" * 400, "reading.value_not_finite"),
        ("9" * 5000, "reading.value_not_finite"),
        ('"NaN"', "reading.value_not_a_number"),
        ('"inf"', "reading.value_not_a_number"),
        ('"12.3"', "reading.value_not_a_number"),
        ("true", "reading.value_not_a_number"),
        ('{"a":[1]}', "reading.value_not_a_number"),
    ],
)
def test_a_value_that_is_no_number_is_rejected_and_its_neighbour_kept(value, code):
    parsed = parse_json(b'{"readings":[{"property":"pm10","value":%s},{"property":"o3","value":1}]}' % value.encode())
    assert codes(parsed) == [(1, code)]
    assert parsed.readings == [Reading("o3", 1.0)]


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2026-11-24T00:00:00Z", NINE),
        ("2026-11-24T00:00:00.123456Z", NINE.replace(microsecond=123456)),
        (1795478400, NINE),
        (1795478400.5, NINE.replace(microsecond=500000)),
        (1795478400123, NINE.replace(microsecond=123000)),
        (99_999_999_999, datetime(5138, 11, 16, 9, 46, 39, tzinfo=UTC)),
        (100_000_000_000, datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)),
    ],
)
def test_a_time_is_rfc_3339_or_epoch_seconds_or_milliseconds(time, expected):
    (reading,) = parse_json(json.dumps({"property": "pm10", "value": 1, "time": time}).encode()).readings
    assert reading.time == expected
    assert reading.time.tzinfo is UTC


@pytest.mark.parametrize(
    ("time", "code"),
    [
        ("2026-11-24T09:00:00", "reading.time_naive"),
        ("yesterday", "reading.time_unreadable"),
        ("1795478400", "reading.time_unreadable"),
        ("0001-01-01T00:00:00+09:00", "reading.time_unreadable"),
        (-5, "reading.time_unreadable"),
        (10**14, "reading.time_unreadable"),
        (10**30, "reading.time_unreadable"),
        (True, "reading.time_unreadable"),
        ([], "reading.time_unreadable"),
    ],
)
def test_a_time_that_cannot_be_read_is_rejected(time, code):
    parsed = parse_json(json.dumps({"property": "pm10", "value": 1, "time": time}).encode())
    assert (parsed.readings, codes(parsed)) == ([], [(1, code)])


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"property": "Air Temp", "value": 1}, "reading.property_malformed"),
        ({"property": 5, "value": 1}, "reading.property_malformed"),
        ({"property": "pm10", "value": 1, "asset": "대전"}, "reading.asset_malformed"),
        ({"property": "pm10", "value": 1, "unit": "x" * 40}, "reading.unit_malformed"),
        ({"property": "pm10", "value": 1, "unit": 5}, "reading.unit_malformed"),
        ({"property": "pm10"}, "reading.value_missing"),
        ({"value": 1}, "reading.property_missing"),
        ({}, "reading.property_missing"),
        ({"values": []}, "reading.property_missing"),
        (5, "reading.not_an_object"),
        (None, "reading.not_an_object"),
    ],
)
def test_a_malformed_row_says_what_is_wrong(row, code):
    parsed = parse_json(json.dumps([row, {"property": "o3", "value": 1}]).encode())
    assert codes(parsed) == [(1, code)]
    assert parsed.readings == [Reading("o3", 1.0)]


@pytest.mark.parametrize(
    ("body", "code", "where"),
    [
        (b"", "reading.json_broken", "column 1"),
        (b'{"pm10": 1', "reading.json_broken", "column 11"),
        (b'{"pm10": 1}\n{"pm10": 2}', "reading.json_broken", "line 2"),
        (b"[" * 100_000, "reading.json_broken", "deeply"),
        (b'{"pm10": 1, "x": "\xff"}', "reading.utf8_broken", "Byte 19"),
        (b"\x00\x01", "reading.json_broken", "column 1"),
    ],
)
def test_a_broken_payload_is_one_rejection_that_says_where(body, code, where):
    parsed = parse_json(body)
    assert parsed.readings == []
    (rejected,) = parsed.rejected
    assert (rejected.row, rejected.code) == (0, code)
    assert where in rejected.why


def test_a_byte_order_mark_is_no_reason_to_refuse():
    assert parse_json(b'\xef\xbb\xbf{"pm10": 1}').readings == [Reading("pm10", 1.0)]


def test_ndjson_names_the_line_that_is_wrong_and_keeps_the_others():
    body = b'{"property":"pm10","value":1}\n\n{"pm10":2}\n{broken\n{"property":"pm10","value":"x"}\n'
    parsed = parse(body, "application/x-ndjson; charset=utf-8")
    assert parsed.readings == [Reading("pm10", 1.0), Reading("pm10", 2.0)]
    assert codes(parsed) == [(4, "reading.json_broken"), (5, "reading.value_not_a_number")]


def test_well_formed_ndjson_is_read():
    line = json.dumps({"property": "pm10", "value": 1, "time": KST}).encode()
    assert parse_ndjson(b"\n".join([line] * 3)).readings == [Reading("pm10", 1.0, NINE)] * 3


def test_rejected_content_is_short_and_can_be_stored():
    parsed = parse_json(b'{"x": "' + b"a" * 10_000 + b'", "\\ud800": 1}')
    for rejected in parsed.rejected:
        assert len(rejected.content) <= 200
        (rejected.content + rejected.why).encode()
