"""The demo's bins against a running city: a past, a present in every protocol, a crew that taps, a compactor that obeys."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

import pytest
from city_running import CityRunning, settings_of, until, write_city

from dure.core.time import day_of
from dure.services.waste import simulate
from dure.services.waste.driving import tap_records
from dure.services.waste.model import Sighting
from dure.services.waste.simulating.demo_crew import DemoCrew
from dure.spine.virtual_devices import Connection

HEAD = "id,kind,name_ko,name_en,lon,lat,state,device,dev_eui,codec,stream,compaction,depth_m,full_m,serial,speaks,fault"
BINS = [
    HEAD,
    "b-df,bin,통,Bin,126.9,37.2,live,dev-b-df,d00d702000000001,dingtek-df702,general,,1.2,0.2,,df702,",
    "b-em,bin,통,Bin,126.9,37.2,live,dev-b-em,24e124e000000002,milesight-em400,general,,1.2,0.2,,em400,",
    "b-press,bin,통,Bin,126.9,37.2,live,dev-b-press,,,general,5,,,,compactor,",
    "b-list,bin,통,Bin,126.9,37.2,live,,,,general,,,,100001,bigbelly,",
    "b-none,bin,통,Bin,126.9,37.2,live,,,,general,,,,,none,",
    "yard,depot,차고지,Depot,126.9,37.2,live,hs-waste-lists,,,,,,,,,",
]
DAYS = 2
FAST = 3_000.0


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    write_city(folder / "city", ["st-01"])
    (folder / "city" / "assets" / "waste.csv").write_text("\n".join(BINS) + "\n", "utf-8")
    one = CityRunning(settings_of(folder)).start()
    one.connection = Connection(mqtt_host="127.0.0.1", mqtt_port=one.mqtt_port, http_url=one.url, secrets=one.secrets)
    house = one.house
    one.crew = DemoCrew(house, simulate.bins_simulated(house.city, house.clock.now()))
    one.kept = one.call(one.crew.begin(DAYS))
    one.filled = one.call(simulate.backfill(house.city, one.connection, house.clock, one.crew.emptied, days=DAYS))
    one.recorded()
    yield one
    one.stop()


def test_the_past_is_there_at_once_for_every_kind_of_device(demo):
    assert demo.kept >= DAYS
    assert len(demo.rows("b-df", "distance")) >= 24 * DAYS - 1
    assert len(demo.rows("b-em", "distance")) >= 24 * DAYS - 1
    assert len(demo.rows("b-press", "compactions_total")) >= 24 * DAYS - 1
    assert len(demo.rows("b-list", "fill_fraction")) >= 4 * DAYS - 1
    assert demo.filled > 0


def test_a_past_played_again_adds_nothing(demo):
    again = demo.call(DemoCrew(demo.house, simulate.bins_simulated(demo.house.city, demo.house.clock.now())).begin(DAYS))
    assert again == 0


def test_the_crew_taps_what_is_due_once(demo):
    demo.call(demo.crew.look())
    assert demo.call(demo.crew.look()) == 0
    now = demo.house.clock.now()
    with demo.house.records.read() as connection:
        seen = tap_records.between(connection, now - timedelta(days=DAYS + 6), now + timedelta(minutes=1))
    assert {one.kind for one in seen} == {"emptied"}
    seen = [one for one in seen if one.person == "demo-crew"]
    assert len({(one.bin, day_of(one.seen_at, demo.house.city.zone)) for one in seen}) == len(seen)


def test_a_bin_that_a_person_taps_is_empty_for_the_simulator_too(demo):
    now = demo.house.clock.now()
    tap = Sighting(id="by-hand-1", bin="b-df", kind="emptied", seen_at=now, level=0.5, received_at=now, person="somebody")
    with demo.house.records.begin() as connection:
        tap_records.add(connection, [tap])
    demo.call(demo.crew.look())
    assert now in demo.crew.emptied("b-df")


def test_the_bins_speak_their_protocols_and_the_compactor_obeys(demo):
    before = {name: len(demo.rows(name, prop)) for name, prop in (("b-df", "distance"), ("b-em", "distance"))}
    pressed = len(demo.rows("b-press", "fill_fraction"))
    listed = len(demo.rows("b-list", "fill_fraction"))

    async def play():
        return asyncio.create_task(
            simulate.simulate(demo.house.city, demo.connection, demo.house.clock, demo.crew.emptied, speed=FAST)
        )

    task = demo.call(play())
    try:
        until(lambda: len(demo.rows("b-df", "distance")) > before["b-df"] and len(demo.rows("b-em", "distance")) > before["b-em"])
        until(lambda: len(demo.rows("b-press", "fill_fraction")) > pressed and len(demo.rows("b-list", "fill_fraction")) > listed)
        with demo.operator() as client:
            body = {"asset": "b-press", "name": "lock_hopper", "key": "demo"}
            until(lambda: client.post("/commands", json=body).json()["outcome"] == "done")
        until(lambda: demo.rows("b-press", "hopper_locked")[-1] == (1.0, 1))
    finally:
        demo.call(_ended(task))


async def _ended(task):
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
