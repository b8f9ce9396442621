"""The route of a truck as it stands, and its files."""

from __future__ import annotations

from datetime import UTC, date, datetime
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest

from dure.core.text import Text
from dure.services.waste.driving.route_files import geojson, gpx
from dure.services.waste.driving.shift import Place, PlanRoute, instant_of, shift_of
from dure.services.waste.model import Sighting

SEOUL = ZoneInfo("Asia/Seoul")
DAY = date(2026, 11, 25)
VISITS = [
    {"kind": "start", "id": "truck-1", "begin_s": 21_600, "leave_s": 21_600},
    {"kind": "stop", "id": "bin-1", "begin_s": 22_000, "leave_s": 22_120},
    {"kind": "stop", "id": "bin-2", "begin_s": 23_000, "leave_s": 23_120},
    {"kind": "dump", "id": "dump-1", "begin_s": 30_000, "leave_s": 30_900},
    {"kind": "stop", "id": "bin-3", "begin_s": 33_000, "leave_s": 33_120},
    {"kind": "end", "id": "truck-1", "begin_s": 50_000, "leave_s": 50_000},
]
PLACES = {f"bin-{n}": Place(name=Text(f"{n}번 통", f"Bin {n} <&>"), lon=127.0 + n / 100, lat=37.2) for n in (1, 2)}
GPX = "{http://www.topografix.com/GPX/1/1}"


def seen(bin_id, kind, minute, **more):
    return Sighting(
        id=f"{bin_id}-{kind}-{minute}", bin=bin_id, kind=kind, seen_at=datetime(2026, 11, 24, 22, minute, tzinfo=UTC), **more
    )


def shift(*sightings, **more):
    route = PlanRoute(plan="plan-1", version=2, day=DAY, truck="truck-1", visits=VISITS, distance_m=31_400, **more)
    return shift_of(route, PLACES, sightings, SEOUL, Text("1호차", "Truck 1"))


def test_the_bins_are_counted_in_order_and_the_first_unseen_is_next():
    found = shift(seen("bin-1", "emptied", 5, level=0.75))
    assert [one.number for one in found.stops] == [None, 1, 2, None, 3, None]
    assert (found.done_n, found.next.id) == (1, "bin-2")
    assert found.stops[1].level == 0.75
    assert found.next.due_at == datetime(2026, 11, 24, 21, 23, 20, tzinfo=UTC)


def test_a_level_that_was_only_looked_at_does_not_settle_a_stop():
    assert shift(seen("bin-1", "level", 5, level=0.5)).next.id == "bin-1"


def test_the_newest_of_two_sightings_counts_whatever_their_order():
    pair = [seen("bin-1", "blocked", 5), seen("bin-1", "emptied", 40)]
    assert shift(*pair).stops[1].state == shift(*pair[::-1]).stops[1].state == "emptied"


def test_a_shift_whose_bins_are_all_dealt_with_has_no_next():
    found = shift(*(seen(f"bin-{n}", "emptied", n) for n in (1, 2, 3)))
    assert found.next is None
    assert found.done_n == 3


def test_a_bin_the_register_has_lost_is_shown_by_its_id():
    assert shift().stops[4].name.ko == "bin-3"


@pytest.mark.parametrize(("second", "said"), [(0, "2026-11-25 00:00"), (86_400 + 3_600, "2026-11-26 01:00")])
def test_seconds_count_from_local_midnight_and_may_pass_the_next(second, said):
    assert f"{instant_of(DAY, second, SEOUL):%Y-%m-%d %H:%M}" == said


def test_a_clock_change_does_not_move_the_plan_on_the_wall():
    berlin = ZoneInfo("Europe/Berlin")
    assert f"{instant_of(date(2026, 3, 29), 9 * 3_600, berlin):%H:%M}" == "09:00"


def test_the_gpx_file_holds_the_stops_in_order_and_the_way_along_the_streets():
    root = ET.fromstring(gpx(shift(geometry=((127.0, 37.2), (127.01, 37.21))), "en"))  # noqa: S314  # our own file
    assert [one.text for one in root.iter(f"{GPX}name")][2:4] == ["1. Bin 1 <&>", "2. Bin 2 <&>"]
    assert len(list(root.iter(f"{GPX}rtept"))) == 2
    assert [one.get("lon") for one in root.iter(f"{GPX}trkpt")] == ["127.000000", "127.010000"]


def test_the_geojson_holds_points_and_one_line():
    found = geojson(shift(), "ko")
    assert [one["geometry"]["type"] for one in found["features"]] == ["Point", "Point", "LineString"]
    assert found["features"][2]["properties"]["streets"] is False
