"""The senders of `dure prove`: each way in, sending until told to stop, and what it had acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import numpy as np
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from dure.core.errors import DureError
from dure.core.time import format_instant, from_us, to_us
from dure.engines.bus import subjects
from dure.engines.bus.client import Bus
from dure.engines.identity.secrets import Secrets
from dure.running.bus_part import bus_secrets
from dure.spine import rows
from dure.spine.seeding import read_secrets

if TYPE_CHECKING:
    from dure.running.proving import House

CITY = "proof"
PROPERTY = "air_temperature"
WAYS = ("mqtt", "http", "bus")
BATCH = {"mqtt": 1, "http": 20, "bus": 50}
MQTT_IN_FLIGHT = 50
PAUSE_S = {"mqtt": 0.002, "http": 0.02, "bus": 0.02}
STEP_US = 1_000  # readings of one way are a millisecond apart


class Tally(msgspec.Struct):
    """What one way sent and had acknowledged: readings by number, which is also their value and their millisecond."""

    way: str
    sent: int = 0
    acknowledged: set[int] = msgspec.field(default_factory=set)


class Senders:
    """The three ways in, each with a device of its own, sending until told to stop."""

    def __init__(self, house: House, base: datetime) -> None:
        self._house = house
        self.base_us = to_us(base) // STEP_US * STEP_US
        self._secrets = read_secrets(house.data)
        self._stop = asyncio.Event()
        self.tallies = {way: Tally(way) for way in WAYS}

    def stop(self) -> None:
        """Send no more; what is under way is waited for."""
        self._stop.set()

    def _next(self, way: str) -> range:
        tally = self.tallies[way]
        numbers = range(tally.sent, tally.sent + BATCH[way])
        tally.sent = numbers.stop
        return numbers

    def _reading(self, number: int) -> dict[str, object]:
        return {"property": PROPERTY, "time": format_instant(from_us(self.base_us + number * STEP_US)), "value": number % 40}

    async def http(self) -> None:
        """Batches by HTTP; one that got no answer is sent again, as a careful client does."""
        auth = ("http-1", self._secrets["http-1"])
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            while not self._stop.is_set():
                numbers = self._next("http")
                body = msgspec.json.encode({"readings": [self._reading(n) for n in numbers]})
                if await self._insist(lambda body=body: self._post(client, auth, body)):  # type: ignore[misc]  # bound now
                    self.tallies["http"].acknowledged.update(numbers)
                await asyncio.sleep(PAUSE_S["http"])

    async def _post(self, client: httpx.AsyncClient, auth: tuple[str, str], body: bytes) -> bool:
        headers = {"content-type": "application/json"}
        try:
            answer = await client.post(f"{self._house.url}/api/v1/readings", content=body, auth=auth, headers=headers)
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.ACCEPTED

    async def bus(self) -> None:
        """Rows straight onto the bus, acknowledged by JetStream."""
        keys = bus_secrets(Secrets.load(self._house.data))
        bus = await Bus.connect(f"nats://127.0.0.1:{self._house.ports['nats']}", keys.user, keys.password)
        try:
            while not self._stop.is_set():
                numbers = self._next("bus")
                values = np.arange(numbers.start, numbers.stop)
                columns = rows.Columns(
                    [("bus-1", PROPERTY)],
                    np.zeros(len(values), np.int32),
                    self.base_us + values * STEP_US,
                    (values % 40).astype(np.float64),
                )
                payload = rows.encode(rows.Rows("import", self.base_us, columns))
                if await self._insist(lambda payload=payload: self._publish(bus, payload)):  # type: ignore[misc]  # bound now
                    self.tallies["bus"].acknowledged.update(numbers)
                await asyncio.sleep(PAUSE_S["bus"])
        finally:
            await bus.close()

    async def _publish(self, bus: Bus, payload: bytes) -> bool:
        try:
            await bus.publish(subjects.rows(CITY, "bus-1"), payload)
        except DureError:
            return False
        return True

    async def _insist(self, send: Callable[[], Awaitable[bool]]) -> bool:
        """Try until it is acknowledged, or sending stops; a last try that failed is not counted as acknowledged."""
        while not await send():
            if self._stop.is_set():
                return False
            await asyncio.sleep(0.1)
        return True

    async def mqtt(self) -> None:
        """One reading a message with QoS 1; acknowledged is what the broker sent a PUBACK for."""
        tally = self.tallies["mqtt"]
        pending: dict[int, int] = {}
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="mqtt-1", protocol=mqtt.MQTTv311)
        client.username_pw_set("mqtt-1", self._secrets["mqtt-1"])
        client.max_inflight_messages_set(MQTT_IN_FLIGHT)
        client.reconnect_delay_set(1, 2)

        def acknowledged(_client: mqtt.Client, _data: Any, mid: int, _reason: Any, _properties: Any) -> None:
            number = pending.pop(mid, None)
            if number is not None:
                tally.acknowledged.add(number)

        client.on_publish = acknowledged
        client.connect_async("127.0.0.1", self._house.ports["mqtt"], keepalive=10)
        client.loop_start()
        try:
            while not self._stop.is_set():
                if len(pending) < MQTT_IN_FLIGHT and client.is_connected():
                    (number,) = self._next("mqtt")
                    info = client.publish(
                        subjects.topic(subjects.up(CITY, "mqtt-1")), msgspec.json.encode(self._reading(number)), 1
                    )
                    pending[info.mid] = number
                await asyncio.sleep(PAUSE_S["mqtt"])
            for _ in range(100):
                if not pending:
                    break
                await asyncio.sleep(0.1)
        finally:
            client.disconnect()
            await asyncio.to_thread(client.loop_stop)
