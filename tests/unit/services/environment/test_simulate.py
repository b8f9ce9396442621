import asyncio
import base64
import dataclasses
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from dure.city import read_city
from dure.core.errors import ConfigError
from dure.engines.clock import FixedClock
from dure.protocols.chirpstack import parse as parse_uplink
from dure.protocols.readings import parse
from dure.services.environment.simulate import Connection, backfill, simulate, stations_of
from dure.services.environment.virtual_city import values

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ALL = stations_of(CITY)
WAYS = ("mqtt1", "mqtt0", "http", "chirpstack")
ONE_OF_EACH = {kind: next(one for one in ALL if one.protocol == kind and not one.station.fault) for kind in WAYS}
FAST = 1_200.0  # a minute of the city in 50 ms
SOON = 15.0


def secrets_of(*kinds):
    return {ONE_OF_EACH[kind].device: f"secret of {kind}" for kind in kinds}


@asynccontextmanager
async def playing(bus, url, secrets, speed=FAST):
    connection = Connection(mqtt_host="127.0.0.1", mqtt_port=bus.mqtt_port if bus else 1, http_url=url, secrets=secrets)
    task = asyncio.create_task(simulate(CITY, connection, FixedClock(NOON), speed))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(queue, wanted):
    """The first item for which `wanted` holds."""
    async with asyncio.timeout(SOON):
        while True:
            item = await queue.get()
            if wanted(item):
                return item


@pytest.mark.parametrize("kind", ["mqtt1", "mqtt0"])
async def test_a_device_publishes_its_own_topic_with_its_own_credential(kind, bus_for):
    one, secrets = ONE_OF_EACH[kind], secrets_of(kind)
    bus = bus_for(CITY.id, secrets)
    await bus.start()
    async with bus.heard() as heard, playing(bus, "http://127.0.0.1:1", secrets):
        subject, body = await until(heard, lambda _: True)
    assert subject == f"up.hwaseong.{one.device}"
    found = parse(body, "application/json")
    assert found.rejected == []
    assert {reading.property: reading.value for reading in found.readings} == values(CITY.seed, one.station, NOON)
    assert {reading.time for reading in found.readings} == {NOON}


async def test_a_river_point_posts_its_readings_as_itself(http_house):
    one = ONE_OF_EACH["http"]
    async with playing(None, http_house.url, secrets_of("http")):
        post = await until(http_house.posts, lambda _: True)
    assert post.path == "/api/v1/readings"
    assert base64.b64decode(post.authorization.removeprefix("Basic ")).decode() == f"{one.device}:secret of http"
    assert {reading.property for reading in parse(post.body, "application/json").readings} == set(one.station.properties)


async def test_a_lorawan_station_comes_by_the_webhook_of_its_network_server(http_house):
    one = ONE_OF_EACH["chirpstack"]
    async with playing(None, http_house.url, secrets_of("chirpstack")):
        posts = [await until(http_house.posts, lambda _: True) for _ in range(2)]
    uplinks = [parse_uplink(post.body) for post in posts]
    assert posts[0].path == "/api/v1/hooks/chirpstack?event=up"
    assert [(up.dev_eui, up.f_cnt) for up in uplinks] == [(one.dev_eui, 0), (one.dev_eui, 1)]


async def test_devices_come_back_by_themselves_when_the_bus_was_killed_and_this_is_said_once(bus_for, told):
    secrets = {one.device: "s" for one in ALL if one.protocol == "mqtt1"}
    bus = bus_for(CITY.id, secrets)
    await bus.start()
    async with playing(bus, "http://127.0.0.1:1", secrets):
        async with bus.heard() as heard:
            await until(heard, lambda _: True)
        bus.kill()
        await told.until("simulator.lost")
        await bus.start()
        async with bus.heard() as heard:
            missing = set(secrets)
            while missing:
                subject, _ = await until(heard, lambda _: True)
                missing.discard(subject.rpartition(".")[2])
    assert told.events == ["simulator.started", "simulator.lost", "simulator.back"]


async def test_a_wrong_secret_is_said_once_with_the_reason(bus_for, told):
    (device,) = secrets_of("mqtt1")
    bus = bus_for(CITY.id, {device: "another secret"})
    await bus.start()
    async with playing(bus, "http://127.0.0.1:1", {device: "wrong"}):
        await told.until("simulator.lost")
    assert told.events == ["simulator.started", "simulator.lost"]
    assert device in told.lines[1]["why"]
    assert "uthoriz" in told.lines[1]["why"]


async def test_what_could_not_be_posted_goes_later_in_order(http_house, told):
    http_house.answers = [503, 503]
    async with playing(None, http_house.url, secrets_of("chirpstack")):
        counts = [parse_uplink((await until(http_house.posts, lambda _: True)).body).f_cnt for _ in range(4)]
    assert counts == [0, 1, 2, 3]
    assert told.events == ["simulator.started", "simulator.lost", "simulator.back"]


async def test_a_house_that_is_not_there_is_said_once_and_ends_nothing(told):
    async with playing(None, "http://127.0.0.1:1", secrets_of("http", "chirpstack")) as task:
        await told.until("simulator.lost")
        assert not task.done()
    assert told.events == ["simulator.started", "simulator.lost"]


ROWS = {"o3": 142 + 25 * 60 + 40, "toc": 142 + 25 * 12 + 8}  # hourly, and in the last 26 hours once a minute or in five


async def test_history_is_sent_as_batches_for_every_live_station_that_has_a_secret(http_house):
    secrets = {one.device: "s" for one in ALL}
    connection = Connection(mqtt_host="", mqtt_port=0, http_url=http_house.url, secrets=secrets)
    accepted = await backfill(CITY, connection, FixedClock(NOON + timedelta(minutes=40)), days=7)
    posts = [http_house.posts.get_nowait() for _ in range(http_house.posts.qsize())]
    rows = [row for post in posts for row in json.loads(post.body)["readings"]]
    senders = {base64.b64decode(post.authorization.removeprefix("Basic ")).decode().partition(":")[0] for post in posts}
    new = next(one for one in ALL if one.station.fault == "new")
    assert senders == set(secrets) - {new.device}
    assert (
        accepted
        == sum(len(row["values"]) for row in rows)
        == sum(
            next((n for name, n in ROWS.items() if name in one.station.properties), 168) * len(one.station.properties)
            for one in ALL
            if one is not new
        )
    )
    assert max(len(post.body) for post in posts) < 1_000_000
    assert all(parse(post.body, "application/json").rejected == [] for post in posts[:3])


async def test_history_waits_while_the_house_is_not_ready(http_house):
    http_house.answers = [503]
    connection = Connection(mqtt_host="", mqtt_port=0, http_url=http_house.url, secrets=secrets_of("http"))
    assert await backfill(CITY, connection, FixedClock(NOON), days=1) == 23 * 12 * 8


async def test_history_that_is_refused_is_said_and_not_sent_again(http_house, told):
    http_house.answers = [401, 401]
    connection = Connection(mqtt_host="", mqtt_port=0, http_url=http_house.url, secrets=secrets_of("http"))
    assert await backfill(CITY, connection, FixedClock(NOON), days=1) == 0
    assert [(one["event"], one["status"]) for one in told.lines] == [("simulator.refused", 401)] * 2


def test_the_demo_speaks_every_way_in():
    counts = {kind: sum(one.protocol == kind for one in ALL) for kind in ONE_OF_EACH}
    assert counts["mqtt1"] > counts["mqtt0"] > 0
    assert counts["http"] > 0
    assert counts["chirpstack"] > 0


@pytest.mark.parametrize(
    ("word", "value"),
    [("protocol", "pigeon"), ("profile", "moon"), ("fault", "lazy"), ("properties", ["fill_fraction"])],
)
def test_a_row_that_no_virtual_station_can_play_is_refused_by_name(word, value):
    asset = next(one for one in CITY.asset_list if one.kind == "station")
    odd = msgspec.structs.replace(asset, attributes={**asset.attributes, word: value})
    city = dataclasses.replace(
        CITY, asset_list=(odd,), device_list=tuple(one for one in CITY.device_list if one.asset == asset.id)
    )
    with pytest.raises(ConfigError) as caught:
        stations_of(city)
    assert caught.value.code == "simulator.row"
    assert f"{asset.id}: its {word}" in caught.value.message
