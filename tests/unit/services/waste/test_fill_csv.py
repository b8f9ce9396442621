"""Fill levels of a CSV come in by the mapping every import uses: tenths, percent and fractions, by name or by number."""

import pytest

from dure.core.units import conversion
from dure.protocols.mapping import load_mapping, read_rows, rows_to_readings

WYNDHAM = """
time_format = "%d-%m-%Y"
time_zone = "Australia/Melbourne"
[columns]
time = "timestamp"
asset = "Bin ID"
[[measures]]
column = "Fullness"
property = "fill_fraction"
scale = 0.1
"""
PERCENT = """
time_zone = "Asia/Seoul"
[columns]
time = "시각"
asset = "수거함"
value = "적재율"
[constants]
property = "fill_fraction"
unit = "%"
"""


def levels(mapping, text, encoding="utf-8"):
    found = load_mapping(mapping)
    rows, rejected = read_rows(found, text.encode(encoding))
    parsed = rows_to_readings(found, rows, {})
    return [
        (one.asset, one.value if one.value is None else one.value * conversion(one.unit or "1", "1")[0])
        for one in parsed.readings
    ], [one.code for one in (*rejected, *parsed.rejected)]


def test_a_row_whose_level_is_no_number_is_named_and_the_others_are_kept():
    text = "Bin ID,Fullness,timestamp\nbin-1,full,01-07-2018\nbin-2,6,01-07-2018\n,6,01-07-2018\nbin-3,6,yesterday\n"
    found, rejected = levels(WYNDHAM, text)
    assert found == [("bin-2", pytest.approx(0.6))]
    assert len(rejected) == 3


def test_tenths_of_bigbelly_compactors_in_wyndham_become_fractions():
    text = "Bin ID,Fullness,timestamp\nbin-1,0,26-06-2018\nbin-1,10,27-06-2018\nbin-1,2,28-06-2018\n"
    assert levels(WYNDHAM, text) == ([("bin-1", 0.0), ("bin-1", pytest.approx(1.0)), ("bin-1", pytest.approx(0.2))], [])


def test_percent_in_a_korean_spreadsheet_becomes_a_fraction():
    text = "수거함,시각,적재율\nbin-1,2026-11-24 09:00,55\nbin-2,2026-11-24 09:00,120\n"
    assert levels(PERCENT, text, "cp949") == ([("bin-1", pytest.approx(0.55)), ("bin-2", pytest.approx(1.2))], [])
