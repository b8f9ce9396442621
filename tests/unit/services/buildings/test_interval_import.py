"""Interval files of advanced meters, and Green Button series, to deltas."""

import gzip
import os
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dure.core.errors import InputError
from dure.emissions.conversion import Refused
from dure.protocols.green_button import Block, Reading, Series, read_feed
from dure.services.buildings.importing.feeds import deltas_of
from dure.services.buildings.importing.interval_files import Ground, read_intervals
from dure.services.buildings.reads.interval_series import series_of
from dure.services.buildings.reads.model import Quality, Register

SEOUL = ZoneInfo("Asia/Seoul")
GROUND = Ground(fuel="electricity", zone=SEOUL, stamp="start", unit="kWh", meter="M1")
SAMPLES = Path(os.environ.get("DURE_TEST_DATA", Path(__file__).parents[5] / "shared" / "data")) / "buildings" / "greenbutton"
HOURS = ",".join(f"{n}시" for n in range(1, 25))


def refusal(text: str, ground: Ground = GROUND) -> str:
    with pytest.raises(InputError) as caught:
        read_intervals(text.encode(), ground)
    return caught.value.code


def test_a_file_without_time_or_amount_is_refused():
    assert refusal("a,b\n1,2\n") == "bill.no_columns"


def test_a_file_whose_unit_nobody_knows_is_refused():
    assert refusal("일시,사용량\n2026-10-01 00:00,1\n", Ground(fuel="electricity", zone=SEOUL, stamp="start")) == "interval.unit"


def test_a_unit_that_does_not_fit_the_fuel_is_refused():
    assert refusal("일시,사용량(㎥)\n2026-10-01 00:00,1\n") == "bill.unit_wrong"


def test_one_row_does_not_say_how_long_an_interval_is():
    assert refusal("일시,사용량\n2026-10-01 00:00,1\n") == "interval.no_period"


def test_labels_that_could_be_begins_or_ends_are_refused():
    labels = ",".join(f"{n}시" for n in range(1, 24))
    assert refusal(f"일자,{labels}\n2026-10-01{',1' * 23}\n") == "interval.labels"


def test_rows_that_cannot_be_read_are_named():
    found = read_intervals(
        "일시,사용량\n2026-10-01 00:00,1\n어제,1\n2026-10-01 02:00,x\n2026-10-01 03:00,-1\n2026-10-01 01:00,2\n".encode(), GROUND
    )
    assert [(one.row, one.code) for one in found.rejected] == [(3, "interval.time"), (4, "bill.number"), (5, "bill.negative")]
    assert len(found.deltas["M1"]) == 2


def test_local_times_become_utc_and_kwh_become_whole_wh():
    found = read_intervals(
        "일시,사용량(kWh)\n2026-10-01 00:00,0.3333\n2026-10-01 00:15,0.3333\n2026-10-01 00:30,0.3335\n".encode(), GROUND
    )
    rows = found.deltas["M1"]
    assert rows[0].start == datetime(2026, 9, 30, 15, tzinfo=UTC)
    assert [delta.end - delta.start for delta in rows] == [timedelta(minutes=15)] * 3
    assert sum(delta.amount for delta in rows) == 1_000
    assert found.book == "Wh"


def test_times_that_stamp_the_end_are_moved_to_the_begin():
    ground = Ground(fuel="electricity", zone=SEOUL, stamp="end", unit="kWh", meter="M1")
    found = read_intervals("일시,사용량\n2026-10-01 23:00,1\n2026-10-01 24:00,2\n".encode(), ground)
    assert [delta.start for delta in found.deltas["M1"]] == [
        datetime(2026, 10, 1, 13, tzinfo=UTC),
        datetime(2026, 10, 1, 14, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    "time", ["2026.10.01 0:15", "20261001001500", "202610010015", "2026/10/1 00:15", "2026-10-01T00:15:00+09:00"]
)
def test_times_are_read_as_files_write_them(time):
    found = read_intervals(f"일시,사용량\n{time},1\n{time.replace('15', '30', 1)},1\n".encode(), GROUND)
    assert found.deltas["M1"][0].start == datetime(2026, 9, 30, 15, 15, tzinfo=UTC)


def test_a_row_a_day_with_hours_that_end_at_24_is_read():
    found = read_intervals(f"계량기,일자,{HOURS}\nM7,2026-10-01{',1.5' * 24}\n".encode("cp949"), GROUND)
    rows = found.deltas["M7"]
    assert len(rows) == 24
    assert (rows[0].start, rows[-1].end) == (datetime(2026, 9, 30, 15, tzinfo=UTC), datetime(2026, 10, 1, 15, tzinfo=UTC))
    assert sum(delta.amount for delta in rows) == 36_000


def test_a_row_a_day_with_quarters_from_midnight_is_read_and_blanks_are_missing():
    labels = ",".join(f"{n // 4:02d}:{n % 4 * 15:02d}" for n in range(96))
    found = read_intervals(f"date,{labels}\n2026-10-01,{',1' * 95}\n".encode(), GROUND)
    assert len(found.deltas["M1"]) == 95
    assert found.deltas["M1"][0].start == datetime(2026, 9, 30, 15, 15, tzinfo=UTC)


def test_a_row_of_a_day_without_a_day_is_rejected():
    found = read_intervals(f"일자,{HOURS}\n어제{',1' * 24}\n2026-10-01{',1' * 24}\n".encode(), GROUND)
    assert [(one.row, one.code) for one in found.rejected] == [(2, "bill.date")]


def test_the_hour_that_autumn_repeats_is_two_intervals_and_the_one_that_spring_skips_is_rejected():
    berlin = Ground(fuel="electricity", zone=ZoneInfo("Europe/Berlin"), stamp="start", unit="kWh", meter="M1")
    autumn = read_intervals(
        b"time,usage\n2026-10-25 01:00,1\n2026-10-25 02:00,2\n2026-10-25 02:00,3\n2026-10-25 03:00,4\n", berlin
    )
    assert [delta.start.hour for delta in autumn.deltas["M1"]] == [23, 0, 1, 2]
    spring = read_intervals(b"time,usage\n2026-03-29 01:00,1\n2026-03-29 02:00,2\n2026-03-29 03:00,3\n", berlin)
    assert [(one.row, one.code) for one in spring.rejected] == [(3, "interval.no_such_hour")]


def test_gas_is_booked_in_litres():
    found = read_intervals(
        b"time,usage\n2026-10-01 00:00,1.2345\n2026-10-01 01:00,0.0005\n",
        Ground(fuel="city_gas", zone=SEOUL, stamp="start", unit="m3", meter="G"),
    )
    assert found.book == "L"
    assert sum(delta.amount for delta in found.deltas["G"]) == 1_235


def test_a_start_and_an_end_say_how_long_each_interval_is():
    text = "start,end,usage\n2026-10-01 00:00,2026-10-01 01:00,1\n2026-10-01 01:00,2026-10-01 01:30,2\n"
    found = read_intervals(text.encode(), GROUND)
    assert [delta.end - delta.start for delta in found.deltas["M1"]] == [timedelta(hours=1), timedelta(minutes=30)]


def test_a_start_and_an_end_of_which_one_has_no_offset_is_rejected():
    text = "start,end,usage\n2026-10-01 00:00,2026-10-01 01:00+09:00,1\n2026-10-01 01:00,2026-10-01 02:00,2\n"
    assert [(one.row, one.code) for one in read_intervals(text.encode(), GROUND).rejected] == [(2, "interval.time")]


def test_days_on_which_clocks_change_are_23_and_25_hours_long():
    berlin = Ground(fuel="electricity", zone=ZoneInfo("Europe/Berlin"), stamp="start", unit="kWh", meter="M1")
    text = "start,end,usage\n2026-03-29,2026-03-30,1\n2026-03-30,2026-03-31,1\n2026-10-25,2026-10-26,1\n"
    found = read_intervals(text.encode(), berlin)
    assert [(delta.end - delta.start) // timedelta(hours=1) for delta in found.deltas["M1"]] == [23, 24, 25]


@pytest.mark.parametrize(("name", "repeated"), [("sample-1", 15), ("sample-2", 24)])
def test_half_hourly_samples_with_repeats_and_holes_become_clean_series(name, repeated):
    """Their README counts 15 and 24 repeated time stamps and holes of up to 29 days."""
    file = SAMPLES.parent / "eemeter_samples" / f"uk-electricity-hdd-only-hourly-{name}.csv.gz"
    if not file.is_file():
        pytest.skip(f"the shared test data is not at {file}; set DURE_TEST_DATA")
    read = read_intervals(gzip.decompress(file.read_bytes()), GROUND)
    rows = read.deltas["M1"]
    clean = series_of(rows, Register(rate_max_per_h=10**9))
    assert rows[0].end - rows[0].start == timedelta(minutes=30)
    assert len(clean.set_aside) == repeated
    assert len(clean.deltas) + repeated == len(rows)
    assert all(before.end <= after.start for before, after in pairwise(clean.deltas))
    assert max(gap.end - gap.start for gap in clean.gaps) < timedelta(days=30)


# Green Button


def series(kind: dict[str, int], *readings: Reading, trusted: bool = True) -> Series:
    return Series(reading_type=kind, blocks=(Block(None, None, readings),), starts_trusted=trusted)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (series({"uom": 72}, Reading(0, 900, 5), trusted=False), "green_button.start_repeated"),
        (series({}, Reading(0, 900, 5)), "green_button.unit"),
        (series({"uom": 72, "powerOfTenMultiplier": 99}, Reading(0, 900, 5)), "green_button.unit"),
        (series({"uom": 72, "accumulationBehaviour": 3}, Reading(0, 900, 5)), "green_button.not_deltas"),
    ],
)
def test_a_series_that_cannot_be_booked_is_refused(one, expected):
    found = deltas_of(one)
    assert isinstance(found, Refused)
    assert found.code == expected


def test_the_quality_of_a_reading_becomes_that_of_its_delta():
    found = deltas_of(
        series({"uom": 72}, Reading(0, 900, 5, (8,)), Reading(900_000_000, 900, 5, (0,)), Reading(1_800_000_000, 900, 5))
    )
    assert not isinstance(found, Refused)
    assert [delta.quality for delta in found] == [Quality.ESTIMATED, Quality.MEASURED, Quality.MEASURED]


def test_thousandths_of_a_wh_are_not_lost():
    readings = [Reading(n * 900_000_000, 900, 333) for n in range(9)]
    found = deltas_of(series({"uom": 72, "powerOfTenMultiplier": -3}, *readings))
    assert not isinstance(found, Refused)
    assert sum(delta.amount for delta in found) == 3


def test_a_year_of_the_samples_is_booked_whole():
    if not SAMPLES.is_dir():
        pytest.skip(f"the shared test data is not at {SAMPLES}; set DURE_TEST_DATA")
    feed = read_feed((SAMPLES / "Inland_Single_Family_Jan_1_2011_to_Jan_1_2012_RetailCustomer_9.xml").read_bytes())
    found = deltas_of(feed.series[0])
    assert not isinstance(found, Refused)
    assert sum(delta.amount for delta in found) == 8_343_306
    assert sum((delta.end - delta.start for delta in found), timedelta()) == timedelta(days=365)
