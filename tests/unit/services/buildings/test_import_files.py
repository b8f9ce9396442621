"""What a file is, by its content, and whom its rows belong to."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from dure.core.errors import InputError
from dure.core.text import Text
from dure.services.buildings.intervals.booking import Booking
from dure.services.buildings.intervals.import_files import Asked, Names, Surroundings, digest_of, kind_of, parse
from dure.services.buildings.intervals.interval_books import GRID_US
from dure.services.buildings.model import Building, Meter
from dure.services.buildings.sites import Sites

HALL = Building(id="hall", lon=127.0, lat=37.2, name=Text("시청", "City hall"))
METERS = {
    "e": Meter(id="e", building="hall", fuel="electricity", number="0100-1"),
    "g": Meter(id="g", building="hall", fuel="city_gas"),
    "sum": Meter(id="sum", building="hall", fuel="electricity", formula={"e": 1}),
}
SITES = Sites({"hall": HALL}, METERS, [])
BOOKING = Booking(75 * 60_000_000, 20 * GRID_US)
AROUND = Surroundings(SITES, ZoneInfo("Asia/Seoul"), BOOKING, None, datetime(2026, 5, 10, tzinfo=UTC))
WIDE = "날짜," + ",".join(f"{n}시" for n in range(24)) + "\n2026-05-01," + ",".join("1" for _ in range(24)) + "\n"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("고객번호,사용량(kWh),사용월\n1,2,2026-05\n", "bills"),
        ("meter,usage (kWh),start,end\n1,2,2026-05-01,2026-06-01\n", "bills"),
        ("meter,usage (kWh),cost,start,end\n1,2,3,2026-05-01 00:00,2026-06-01 00:00\n", "bills"),
        ("일시,사용량(kWh)\n2026-05-01 00:00,1\n", "intervals"),
        ("meter,usage (kWh),start,end\n1,2,2026-05-01 00:00,2026-05-01 01:00\n", "intervals"),
        (WIDE, "intervals"),
        ('<?xml version="1.0"?>\n<feed xmlns="http://www.w3.org/2005/Atom"/>', "green_button"),
        ("<response><body><items/></body></response>", "parcels"),
    ],
)
def test_a_file_is_known_by_its_content(body, kind):
    assert kind_of(body.encode(), Asked()) == kind
    assert kind_of(body.encode(), Asked(kind="bills")) == "bills"


def test_a_row_goes_by_number_id_or_the_one_main_meter_of_its_building():
    names = Names(SITES)
    assert names.meter("0100-1").id == "e"
    assert names.meter("E").id == "e"
    assert names.meter("시청", "city_gas").id == "g"
    assert names.meter("시청") is None  # two fuels: which is not said
    assert names.meter("sum") is None  # a formula has no bills


def test_a_file_read_by_days_is_days_and_not_hours():
    body = "일시,사용량(kWh)\n" + "".join(f"2026-04-{n:02} 00:00,{n}\n" for n in range(1, 11))
    found = parse(body.encode(), Asked(meter="e"), AROUND)
    assert (len(found.bills), dict(found.hours)) == (10, {})
    assert (found.bills[0].start_day, found.bills[0].end_day, found.bills[0].amount) == ("2026-04-01", "2026-04-02", 1_000)


def test_a_stretch_that_looks_shifted_is_told_and_taken_as_it_is():
    hours = [*range(6), *range(7, 12), *range(11, 16)]
    body = "시작,종료,사용량(kWh)\n" + "".join(f"2026-04-01 {n:02}:00,2026-04-01 {n + 1:02}:00,1\n" for n in hours)
    found = parse(body.encode(), Asked(meter="e"), AROUND)
    assert [code for code, _ in found.notices] == ["interval.shifted"]
    assert [one.code for one in found.rejected] == ["read.duplicate"]


def test_the_wrong_unit_for_a_meter_is_named_and_nothing_of_it_taken():
    found = parse("일시,사용량(㎥)\n2026-05-01 00:00,1\n2026-05-01 01:00,1\n".encode(), Asked(meter="g"), AROUND)
    assert ([one.code for one in found.rejected], found.accepted_n) == (["import.unit_of_meter"], 0)


def test_what_nobody_said_is_asked_for():
    with pytest.raises(InputError) as caught:
        parse("일시,사용량(kWh)\n2026-05-01 00:00,1\n".encode(), Asked(meter="nowhere"), AROUND)
    assert caught.value.code == "import.meter_unknown"
    with pytest.raises(InputError) as caught:
        parse("일시,사용량\n2026-05-01 00:00,1\n".encode(), Asked(meter="e"), AROUND)
    assert caught.value.code == "interval.unit"


def test_the_same_bytes_read_another_way_are_another_import():
    assert digest_of(b"x", Asked(name="a")) == digest_of(b"x", Asked(name="b"))
    assert digest_of(b"x", Asked(meter="a")) != digest_of(b"x", Asked(meter="b"))
