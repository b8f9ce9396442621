"""Downloads hold exactly the rows asked for."""

from __future__ import annotations

import csv
import io

import duckdb
from archive_rows import D0, DAY, S, readings

from dure.core.observations import Batch
from dure.engines.archive import export
from dure.engines.archive.export import Selection, csv_chunks, write_parquet

UNITS = {"temp": "Cel", "rain": "mm"}


def test_csv_rows_have_units_times_and_empty_for_missing(telemetry):
    telemetry.append(readings(["b", "a"], D0, 11, 600 * S), {})
    text = b"".join(csv_chunks(telemetry, Selection([("b", "temp"), ("a", "temp")], D0, D0 + DAY), UNITS.__getitem__))
    rows = list(csv.DictReader(io.StringIO(text.decode())))
    assert len(rows) == 22
    assert [row["asset"] for row in rows] == ["a"] * 11 + ["b"] * 11
    assert rows[11]["value"] == ""
    assert rows[11]["flag"] == "9"
    assert rows[0] | {"value": ""} == {
        "asset": "a",
        "property": "temp",
        "phenomenon_time": "2026-03-01T00:00:00.000000Z",
        "result_time": "2026-03-01T00:00:01.000000Z",
        "value": "",
        "flag": "1",
        "check": "none",
        "unit": "Cel",
    }


def test_csv_for_excel_starts_with_a_byte_order_mark(telemetry):
    found = b"".join(csv_chunks(telemetry, Selection([], D0, D0 + DAY), UNITS.__getitem__, bom=True))
    assert found == b"\xef\xbb\xbfasset,property,phenomenon_time,result_time,value,flag,check,unit\r\n"


def test_parquet_holds_the_same_rows_as_csv(telemetry, tmp_path):
    telemetry.append(readings(["b", "a"], D0, 300, 600 * S), {})
    selection = Selection([("a", "temp"), ("b", "temp")], D0 + 600 * S, D0 + DAY, as_of_us=D0 + DAY // 2)
    assert write_parquet(telemetry, selection, UNITS.__getitem__, tmp_path / "x.parquet") == 142
    text = b"".join(csv_chunks(telemetry, selection, UNITS.__getitem__)).decode()
    found = duckdb.read_parquet(str(tmp_path / "x.parquet")).project('asset, value, flag, "check", unit').fetchall()
    from_csv = [
        (row["asset"], float(row["value"]) if row["value"] else None, int(row["flag"]), row["check"], row["unit"])
        for row in csv.DictReader(io.StringIO(text))
    ]
    assert found == from_csv


def test_a_long_series_is_streamed_in_chunks_without_gap_or_repeat(telemetry):
    n = export.CHUNK_ROWS + 5
    some = readings(["a"], D0, n, S)
    telemetry.append(some, {})
    assert isinstance(some, Batch)
    parts = list(csv_chunks(telemetry, Selection([("a", "temp")], D0, D0 + 9 * DAY), UNITS.__getitem__))
    assert len(parts) == 3
    assert b"".join(parts).count(b"\r\n") == n + 1
