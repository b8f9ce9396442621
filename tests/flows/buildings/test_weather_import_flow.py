"""Weather somebody brings becomes observations of a station, once, and serves the buildings near it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from reads_running import METERS, BuildingsCity

NOON = datetime(2026, 5, 10, 3, 0, tzinfo=UTC)  # noon in Korea
FIRST = datetime(2026, 5, 1, tzinfo=UTC)  # written without it: the file is by the clock of the city
STATION = "aws-1,station,관측소,Station,126.92,37.2,live,,,,,,,,,,,,"


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    one = BuildingsCity(tmp_path_factory.mktemp("weather"), NOON, (*METERS, STATION)).begun()
    yield one
    one.stop()


def file_of(hours: int) -> bytes:
    rows = [f"{FIRST + timedelta(hours=n):%Y-%m-%d %H:%M},{10 + n % 24 / 2}" for n in range(hours)]
    return "\n".join(["일시,기온(°C)", *rows, "어제,3"]).encode("cp949")


def test_1_a_file_is_looked_at_and_nothing_is_kept(city):
    told = city.asked("operator", "POST", "/buildings/weather?station=aws-1&dry_run=true", content=file_of(216))
    assert (told["rows"], told["kept"], [one["code"] for one in told["rejected"]]) == (216, False, ["weather.time"])
    assert len(city.house.telemetry.series(("aws-1", "air_temperature"), 0, 2**62).value) == 0


def test_2_it_is_kept_once_however_often_it_is_brought(city):
    for known in (False, True):
        told = city.asked("operator", "POST", "/buildings/weather?station=aws-1&name=asos.csv", content=file_of(216))
        assert (told["kept"], told["known"]) == (True, known)
    listed = city.asked("operator", "GET", "/buildings/imports?kind=weather")["items"]
    assert [(one["kind"], one["name"], one["accepted_n"], one["booked"]) for one in listed] == [
        ("weather", "asos.csv", 216, True)
    ]
    city.until_rows("aws-1", 216, "air_temperature")
    city.recorded()
    assert len(city.house.telemetry.series(("aws-1", "air_temperature"), 0, 2**62).value) == 216


def test_3_it_is_the_weather_of_the_building_near_it(city):
    told = city.asked("operator", "GET", "/buildings/hall/weather?start=2026-05-01&end=2026-05-10")
    assert told["coverage"] == 1
    assert [one["asset"] for one in told["sources"]] == ["aws-1"]
    assert told["months"][0]["heating"] == pytest.approx(9 * (18 - 15.75), abs=0.1)


def test_4_nobody_without_the_right_may_bring_it(city):
    city.asked("citizen", "POST", "/buildings/weather?station=aws-1", status=403, content=file_of(3))
