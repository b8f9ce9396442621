"""A LoRaWAN network server's own broker is listened to: what it says is stored, and waits there while Dure is away."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import signal
import socket
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from dure.city import Integration, read_city
from dure.config import Settings
from dure.engines.bus.server import find_binary
from dure.engines.records import commands, parked
from dure.engines.records.audit import By
from dure.protocols.chirpstack import SentUp, write_up
from dure.protocols.downlinks import Down
from dure.running.parts import open_house
from dure.services.environment.virtual_payloads import chirpstack_uplink
from dure.services.waste.devices import command_desk
from dure.spine.bridge import Bridge
from dure.spine.downlinks import forward_downlinks

EXAMPLES = Path(__file__).parents[3] / "examples" / "hwaseong"
EUI, ASSET = "d0e5a10000000035", "air-yamok-maesong-myeon"
TOPIC = f"application/1/device/{EUI}/event/up"
BIN_EUI = "d00d702000000001"
WAIT_S = 20


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
async def broker(tmp_path):
    """An open MQTT broker, as one that stands beside ChirpStack in a closed network."""
    port, nats = free_port(), free_port()
    config = {
        "server_name": "chirpstack",
        "listen": f"127.0.0.1:{nats}",
        "jetstream": {"store_dir": str(tmp_path / "broker")},
        "mqtt": {"listen": f"127.0.0.1:{port}"},
    }
    file = tmp_path / "broker.conf"
    file.write_text(json.dumps(config))
    process = await asyncio.create_subprocess_exec(find_binary(), "-c", str(file), "-l", str(tmp_path / "broker.log"))
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            break
        except OSError:
            await asyncio.sleep(0.05)
    yield port
    process.send_signal(signal.SIGTERM)
    await process.wait()


@pytest.fixture
async def house(tmp_path):
    shutil.copytree(EXAMPLES, tmp_path / "city")
    settings = Settings(data_dir=str(tmp_path / "data"), nats_port=0, mqtt_port=0)
    async with open_house(settings, read_city(tmp_path / "city"), parts=frozenset({"bus", "recorder"})) as one:
        yield one


def say(port: int, *bodies: tuple[str, bytes]) -> None:
    """What the network server publishes, with QoS 1."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="chirpstack", protocol=mqtt.MQTTv311)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for topic, body in bodies:
        client.publish(topic, body, 1).wait_for_publish(WAIT_S)
    client.disconnect()
    client.loop_stop()


def uplink(at: datetime, temperature: float, count: int) -> bytes:
    values = {"pm10": 30.0, "pm2_5": 12.0, "air_temperature": temperature, "relative_humidity": 40.0, "air_pressure": 1010.0}
    return chirpstack_uplink(EUI, "decentlab-dl-pm", {**values, "battery_voltage": 3.0}, at, count)


async def until(is_so) -> None:
    async with asyncio.timeout(WAIT_S):
        while not is_so():  # noqa: ASYNC110  # the store tells nobody what it holds
            await asyncio.sleep(0.05)


def temperatures(house) -> list[float]:
    found = house.telemetry.series((ASSET, "air_temperature"), 0, 2**62)
    return [round(value, 1) for value in found.value.tolist()]


async def test_what_a_network_server_says_is_stored_once_and_waits_while_nobody_listens(house, broker):
    integration = Integration(
        id="chirpstack", server="chirpstack", url=f"mqtt://127.0.0.1:{broker}", topics=("application/+/device/+/event/up",)
    )
    first, second = datetime(2026, 11, 24, 1, tzinfo=UTC), datetime(2026, 11, 24, 2, tzinfo=UTC)
    task = asyncio.create_task(Bridge(integration, house.intake, {}).run())
    try:
        await asyncio.sleep(0)
        await until_listening(task, broker, house, first)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    await asyncio.to_thread(say, broker, (TOPIC, uplink(second, 9.5, 2)), (TOPIC, b"{broken"))
    task = asyncio.create_task(Bridge(integration, house.intake, {}).run())
    try:
        await until(lambda: temperatures(house) == [8.5, 9.5])
        await until(lambda: "lorawan.json_broken" in codes(house))
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until_listening(task, broker, house, at) -> None:
    """Say the first uplink until it is stored: the same one again is recognised."""
    async with asyncio.timeout(WAIT_S):
        while not temperatures(house):
            assert not task.done()
            await asyncio.to_thread(say, broker, (TOPIC, uplink(at, 8.5, 1)))
            await asyncio.sleep(0.5)
    assert temperatures(house) == [8.5]


def codes(house) -> dict[str, int]:
    with house.records.read() as connection:
        return parked.counts(connection)


async def test_a_setting_goes_down_by_the_network_server_that_the_device_is_heard_by(house, broker):
    integration = Integration(
        id="chirpstack", server="chirpstack", url=f"mqtt://127.0.0.1:{broker}", topics=("application/+/device/+/event/up",)
    )
    bridge = Bridge(integration, house.intake, {})
    task = asyncio.create_task(bridge.run())
    stop = await forward_downlinks(house.bus, house.city.id, house.directory, bridge)
    heard: list[tuple[str, dict]] = []
    server = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="server", protocol=mqtt.MQTTv311)
    server.on_message = lambda _client, _data, message: heard.append((message.topic, json.loads(message.payload)))
    server.connect("127.0.0.1", broker)
    server.subscribe("application/+/device/+/command/down", 1)
    server.loop_start()
    by, said = By("test", datetime.now(UTC)), datetime.now(UTC)
    body = write_up(SentUp(BIN_EUI, 3, bytes.fromhex("800001011107d000190000000000000081"), 1, "7"), said)
    try:
        assert not bridge.send_down(BIN_EUI, Down(3, b"80029999010481"))  # it was not heard yet
        while not house.telemetry.series(("bin-001", "distance"), 0, 2**62).value.size:
            await asyncio.to_thread(say, broker, (f"application/7/device/{BIN_EUI}/event/up", body))
        command = await command_desk.ask(house, "bin-001", "configure", "k-1", by, {"setting": "upload_interval_h", "value": 4})
        await until(lambda: heard)
        await until(lambda: outcome_of(house, command.id) == "accepted")
    finally:
        await stop()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        server.disconnect()
        server.loop_stop()
    down = {"devEui": BIN_EUI, "confirmed": False, "fPort": 3, "data": base64.b64encode(b"80029999010481").decode()}
    assert heard == [(f"application/7/device/{BIN_EUI}/command/down", down)]


def outcome_of(house, command: str) -> str:
    with house.records.read() as connection:
        return commands.get(connection, command).outcome
