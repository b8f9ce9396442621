"""What goes wrong at the doors is before the operator a moment later: a wrong profile, two with one name, a wrong clock."""

from __future__ import annotations

import json

import pytest
import websockets
from stations_city import running, until

from dure.services.charging.pages.desk_pages import WORTH_A_LOOK
from dure.services.charging.pages.desk_words import content_of
from dure.services.charging.stations import station_records


def at_desk(city, charger):
    """What the desk says of a charger."""
    with city.house.records.read() as connection:
        found = station_records.happenings(connection, charger=charger, topics=WORTH_A_LOOK).items
    return [content_of(one.topic, one.facts).en for one in found]


async def connect(city, identity, protocol="ocpp2.0.1"):
    return await websockets.connect(
        city.url(identity), subprotocols=[protocol], additional_headers=city.basic(identity), proxy=None
    )


async def test_a_station_that_comes_with_another_security_profile_is_told_to_the_operator(tmp_path):
    async with running(tmp_path, profile=2) as city:
        for _ in range(3):
            with pytest.raises(websockets.exceptions.InvalidStatus):
                await connect(city, "cp-201")
        (told,) = await until(lambda: at_desk(city, "cp-201"), "the refusal at the desk")
    assert told == "It came with another security profile than the one registered. 127.0.0.1"


async def test_two_stations_with_one_identity_and_a_clock_three_years_off_are_told_to_the_operator(tmp_path):
    async with running(tmp_path) as city:
        for _ in range(4):
            last = await connect(city, "cp-201")
        (told,) = await until(lambda: at_desk(city, "cp-201"), "the twins at the desk")
        assert told == "Two chargers use this identity in turn. Give one of them its own."
        status = {"timestamp": "2023-01-01T00:00:00Z", "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
        await last.send(json.dumps([2, "1", "StatusNotification", status]))
        assert json.loads(await last.recv())[:2] == [3, "1"]
        await until(lambda: any("behind" in one for one in at_desk(city, "cp-201")), "the clock at the desk")
