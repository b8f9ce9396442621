"""The demo's meters against a running city: a past, a present in every protocol, bills by the import desk, months that agree."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

import numpy as np
import pytest
from city_running import CityRunning, settings_of, until, write_city

from dure.core.time import to_us
from dure.running.parts import ALL
from dure.services.buildings import simulate
from dure.services.buildings.explaining.explain import explain
from dure.services.buildings.explaining.sources import books_of
from dure.services.buildings.intervals import interval_books
from dure.services.buildings.intervals.read_watch import ReadWatch
from dure.services.buildings.months.month_watch import MonthWatch
from dure.services.buildings.simulating.demo_began import began
from dure.services.buildings.simulating.demo_office import DemoOffice
from dure.services.buildings.simulating.virtual_buildings import HOUR_US, uses
from dure.spine.virtual_devices import Connection

HEAD = (
    "id,kind,name_ko,name_en,lon,lat,parent,state,device,dev_eui,codec,use,area_m2,body,fuel,part,supplier,branch,number,"
    "rate_max_per_h,resolution,formula,speaks,fault"
)
BUILDINGS = [
    HEAD,
    "hall,building,청사,Hall,126.9,37.2,,live,,,,office,4000,시험시,,,,,,,,,,",
    "m-el,meter,전기,Power,126.9,37.2,hall,live,dev-m-el,,,,,,electricity,main,,,1001,400000,1,,register,exchanged",
    "m-use,meter,전기2,Power 2,126.9,37.2,hall,live,dev-m-use,,,,,,electricity,sub,,,1002,400000,1,,use,",
    "m-water,meter,수도,Water,126.9,37.2,hall,live,dev-m-water,d00e300000000009,milesight-em300-di,,,,water,main,,,4001,9000,10,,em300,",
    "m-gas,meter,가스,Gas,126.9,37.2,hall,live,,,,,,,city_gas,main,,,2001,,,,bills,",
]
CODEC = "examples/hwaseong/codecs/milesight-em300-di.toml"
PAST = timedelta(days=40)
FAST = 3_000.0


def climate(_station, hours):
    return 12 + 10 * np.sin(2 * np.pi * hours / 24)


@pytest.fixture(scope="module")
def demo(tmp_path_factory, pytestconfig):
    folder = tmp_path_factory.mktemp("demo")
    write_city(folder / "city", [])
    (folder / "city" / "assets" / "buildings.csv").write_text("\n".join(BUILDINGS) + "\n", "utf-8")
    (folder / "city" / "codecs").mkdir()
    (folder / "city" / "codecs" / "milesight-em300-di.toml").write_bytes((pytestconfig.rootpath / CODEC).read_bytes())
    settings = settings_of(folder)
    one = CityRunning(settings)
    one.parts = ALL - {"waste", "environment", "buildings"}
    one.start()
    one.connection = Connection(mqtt_host="127.0.0.1", mqtt_port=one.mqtt_port, http_url=one.url, secrets=one.secrets)
    house = one.house
    one.meters = simulate.meters_simulated(house.city, began(settings.data, house.clock.now()).began_at)
    one.known = {each.meter.id: each for each in one.meters}
    one.filled = one.call(simulate.backfill(house.city, one.connection, one.meters, climate, PAST))
    one.recorded()
    one.bills = one.call(DemoOffice(house, one.meters, climate).begin())
    one.call(ReadWatch(house).look())
    one.recorded()
    one.call(MonthWatch(house).look())
    yield one
    one.stop()


def booked(demo, meter):
    one = demo.known[meter].meter
    return interval_books.read(demo.house.telemetry, meter, one.supply.use, (0, 2**62))


def test_the_past_is_on_the_books_hour_by_hour_and_nothing_is_lost_on_the_way(demo):
    for name in ("m-el", "m-use", "m-water"):
        found, one = booked(demo, name), demo.known[name]
        hours = found.start_us // HOUR_US
        assert np.array_equal(np.diff(hours), np.ones(len(hours) - 1))
        assert len(hours) >= PAST.days * 24 - 2
        made = uses(demo.house.city.seed, one, int(hours[0]), len(hours), climate("", hours))
        assert abs(found.amount.sum() - made.sum()) < 2 * one.meter.resolution  # over an exchange and the steps of a counter


def test_bills_came_in_by_the_import_desk_with_their_files(demo):
    assert demo.bills >= 3 * 25  # of gas, water and the main electricity; a sub-meter has none
    with demo.operator() as client:
        listed = client.get("/buildings/imports").json()["items"]
    assert {one["name"] for one in listed} == {"전기 고지서.csv", "도시가스 고지서.csv", "수도 고지서.csv"}
    assert all(one["rejected_n"] == 0 for one in listed)


def test_what_the_city_shows_of_it_agrees_with_what_it_is_made_of(demo):
    last = demo.known["m-el"].began_at - timedelta(days=32)
    month = f"{last.astimezone(demo.house.city.zone):%Y-%m}"
    for figure in (f"building/hall/energy/{month}..{month}", f"building/hall/won/{month}..{month}", f"meter/m-use/month/{month}"):
        found = explain(books_of(demo.house), figure)
        assert found.agrees, figure
        assert found.step.value > 0


def test_a_past_played_again_adds_nothing(demo):
    before = [len(booked(demo, name)) for name in ("m-el", "m-use", "m-water")]
    demo.call(simulate.backfill(demo.house.city, demo.connection, demo.meters, climate, timedelta(days=15)))
    demo.recorded()
    assert demo.call(DemoOffice(demo.house, demo.meters, climate).begin()) == 0
    assert [len(booked(demo, name)) for name in ("m-el", "m-use", "m-water")] == before


def test_the_meters_speak_their_protocols_and_registers_count_on(demo):
    rows = {name: len(demo.rows(name, prop)) for name, prop in REGISTERS.items()}

    async def play():
        return asyncio.create_task(
            simulate.simulate(demo.house.city, demo.connection, demo.house.clock, demo.meters, climate, speed=FAST)
        )

    task = demo.call(play())
    try:
        until(lambda: all(len(demo.rows(name, prop)) > rows[name] for name, prop in REGISTERS.items()))
    finally:
        demo.call(_ended(task))
    values = [value for value, _ in demo.rows("m-water", "water_register")]
    assert values == sorted(values)
    assert all(value % 10 == 0 for value in values)
    assert demo.house.live.get("m-use", "electricity_use").time_us >= to_us(demo.house.clock.now()) - 2 * HOUR_US


REGISTERS = {"m-el": "electricity_register", "m-water": "water_register"}


async def _ended(task):
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
