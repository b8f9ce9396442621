"""How virtual devices reach the house: each signs in with its own credential, keeps what it cannot send, and comes back.

MQTT 3.1.1 by a client nobody here wrote (paho), and HTTP posts. What they say is a service's own simulator's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import msgspec
import structlog
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

log = structlog.get_logger("dure.simulator")

WAITING_MAX = 1_000  # readings a device keeps while it cannot send; then the oldest go, as in a real one
RETRY_S_MAX = 30.0
TIMEOUT_S = 20.0
JSON = {"content-type": "application/json"}


Obey = Callable[[bytes], bytes]
"""What a device does with a command it hears, and what it says became of it. Called in the client's thread."""


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """Where the devices reach the house, and their secrets by device id."""

    mqtt_host: str
    mqtt_port: int
    http_url: str
    secrets: Mapping[str, str]


class Outage:
    """Says once that a way is lost and once that it is back, however many devices use it."""

    def __init__(self, way: str) -> None:
        self._way = way
        self._lost: set[str] = set()

    def lost(self, device: str, why: str) -> None:
        """A device cannot send."""
        if not self._lost:
            log.warning("simulator.lost", way=self._way, why=why)
        self._lost.add(device)

    def back(self, device: str) -> None:
        """A device can send again."""
        if device in self._lost:
            self._lost.discard(device)
            if not self._lost:
                log.info("simulator.back", way=self._way)


class MqttDevice:
    """One device with its own MQTT 3.1.1 session; it reconnects by itself and keeps QoS 1 readings meanwhile.

    With `obey` it hears its commands too.
    """

    def __init__(  # who it is, where it goes, whom it tells
        self, city: str, device: str, qos: int, connection: Connection, outage: Outage, obey: Obey | None = None
    ) -> None:
        self._topic, self._qos, self._device, self._outage = f"up/{city}/{device}", qos, device, outage
        self._commands, self._answers, self._obey = f"cmd/{city}/{device}", f"ack/{city}/{device}", obey
        self._loop = asyncio.get_running_loop()
        self._client = client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=device, protocol=mqtt.MQTTv311)
        client.username_pw_set(device, connection.secrets[device])
        client.reconnect_delay_set(min_delay=1, max_delay=int(RETRY_S_MAX))
        client.max_queued_messages_set(WAITING_MAX)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_connect_fail = self._on_connect_fail
        client.on_message = self._on_message
        client.connect_async(connection.mqtt_host, connection.mqtt_port, keepalive=60)
        client.loop_start()

    def send(self, body: bytes) -> None:
        """Publish now; QoS 1 waits in the client while the bus is away, QoS 0 is lost then, as it says."""
        if self._qos or self._client.is_connected():
            self._client.publish(self._topic, body, qos=self._qos)

    async def close(self) -> None:
        """Say goodbye and let the client's thread end."""
        self._client.on_disconnect = None
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    # paho calls these in its own thread: they only hand over to the event loop.
    def _on_connect(self, _client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._tell(self._outage.lost, self._device, f"{self._device}: {reason}")
        else:
            self._tell(self._outage.back, self._device)
            if self._obey is not None:
                self._client.subscribe(self._commands, 1)

    def _on_message(self, client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if self._obey is not None:
            client.publish(self._answers, self._obey(bytes(message.payload)), qos=1)

    def _on_disconnect(self, _client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._tell(self._outage.lost, self._device, str(reason))

    def _on_connect_fail(self, _client: mqtt.Client, _data: Any) -> None:
        self._tell(self._outage.lost, self._device, "no connection")

    def _tell(self, hear: Callable[..., None], *words: str) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(hear, *words)


class HttpDevice:
    """One device that posts; what could not be sent waits and goes with the next post, oldest first."""

    def __init__(self, path: str, auth: tuple[str, str], http: httpx.AsyncClient, outage: Outage) -> None:
        self._path, self._auth, self._http, self._outage = path, auth, http, outage
        self._waiting: deque[bytes] = deque(maxlen=WAITING_MAX)

    async def send(self, body: bytes) -> None:
        """Post all that waits."""
        self._waiting.append(body)
        while self._waiting:
            try:
                answer = await self._http.post(self._path, content=self._waiting[0], auth=self._auth, headers=JSON)
            except httpx.HTTPError as error:
                self._outage.lost(self._auth[0], type(error).__name__)
                return
            if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error:
                self._outage.lost(self._auth[0], f"HTTP {answer.status_code}")
                return
            self._waiting.popleft()
            if answer.is_client_error:  # it will not be taken next time either
                log.warning("simulator.refused", device=self._auth[0], status=answer.status_code, answer=answer.text[:200])
            self._outage.back(self._auth[0])


async def post_history(http: httpx.AsyncClient, device: str, secret: str, body: bytes) -> int:
    """Post one batch of readings, again while the house is not ready or says to slow down; how many were accepted."""
    wait_s = 0.5
    while True:
        try:
            answer = await http.post("/api/v1/readings", content=body, auth=(device, secret), headers=JSON)
        except httpx.TransportError:
            answer = None
        if answer is not None and answer.status_code != httpx.codes.TOO_MANY_REQUESTS and not answer.is_server_error:
            if answer.is_client_error:
                log.warning("simulator.refused", device=device, status=answer.status_code, answer=answer.text[:200])
                return 0
            return int(answer.json()["accepted"])
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, RETRY_S_MAX)
