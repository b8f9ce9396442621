"""A real server, a real cluster, real MQTT clients."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import paho.mqtt.client as mqtt
import pytest

from dure.engines.bus.client import Bus, StreamPolicy
from dure.engines.bus.server import NatsServer
from dure.engines.bus.settings import BusSecrets, ClusterPlace, ServerOptions


@pytest.fixture
async def server(tmp_path):
    server = NatsServer(ServerOptions(data_dir=tmp_path), BusSecrets.generate())
    await server.start()
    watch = asyncio.create_task(server.supervise())
    yield server
    await server.stop()
    watch.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watch


@pytest.fixture
async def bus(server):
    bus = await Bus.connect(server.url, server.secrets.user, server.secrets.password)
    await bus.ensure_streams(StreamPolicy())
    yield bus
    await bus.close()


@pytest.fixture
async def cluster(tmp_path):
    """Three servers that know each other."""
    places = [socket.socket() for _ in range(3)]
    for place in places:
        place.bind(("127.0.0.1", 0))
    ports = [place.getsockname()[1] for place in places]
    for place in places:
        place.close()
    secrets = BusSecrets.generate()
    servers = [
        NatsServer(
            ServerOptions(
                data_dir=tmp_path / f"node{n}",
                name=f"node{n}",
                cluster=ClusterPlace(port, tuple(other for other in ports if other != port)),
            ),
            secrets,
        )
        for n, port in enumerate(ports)
    ]
    await asyncio.gather(*(each.start() for each in servers))
    yield servers
    await asyncio.gather(*(each.stop() for each in servers))


class Device:
    """A paho client whose calls can be awaited; it keeps what happened to it."""

    def __init__(self, port: int, user: str, password: str, client_id: str = "", **options: object) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._port = port
        self.connected: list[str] = []
        self.disconnected: list[str] = []
        self.granted: list[bool] = []
        self.heard: list[tuple[str, bytes]] = []
        self.acked: set[int] = set()
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id=client_id or user, protocol=mqtt.MQTTv311, **options
        )
        self.client.max_inflight_messages_set(100)
        self.client.reconnect_delay_set(0.1, 0.5)
        self.client.username_pw_set(user, password)
        self.client.on_connect = lambda _c, _d, _f, code, _p: self._note(self.connected.append, str(code))
        self.client.on_disconnect = lambda _c, _d, _f, code, _p: self._note(self.disconnected.append, str(code))
        self.client.on_subscribe = lambda _c, _d, _m, codes, _p: self._note(self.granted.append, not codes[0].is_failure)
        self.client.on_message = lambda _c, _d, message: self._note(self.heard.append, (message.topic, message.payload))
        self.client.on_publish = lambda _c, _d, mid, _code, _p: self._note(self.acked.add, mid)

    def _note(self, where, what) -> None:
        def noted() -> None:
            where(what)
            self._changed.set()

        self._loop.call_soon_threadsafe(noted)

    async def until(self, happened, timeout_s: float = 20) -> None:
        """Wait until something is so."""

        async def wait() -> None:
            while not happened():
                self._changed.clear()
                await self._changed.wait()

        await asyncio.wait_for(wait(), timeout_s)

    async def connect(self) -> str:
        """The server's answer."""
        await asyncio.to_thread(self.client.connect, "127.0.0.1", self._port)
        self.client.loop_start()
        await self.until(lambda: self.connected or self.disconnected)
        return self.connected[-1] if self.connected else "closed"

    async def subscribe(self, topic: str) -> bool:
        """Whether the server granted it."""
        before = len(self.granted)
        self.client.subscribe(topic, 1)
        await self.until(lambda: len(self.granted) > before)
        return self.granted[-1]

    async def publish(self, topic: str, payload: bytes, qos: int = 1) -> None:
        """Publish; at QoS 1 until acknowledged."""
        mid = self.client.publish(topic, payload, qos).mid
        await self.until(lambda: mid in self.acked)

    async def close(self) -> None:
        """Leave."""
        self.client.disconnect()
        await asyncio.to_thread(self.client.loop_stop)


@pytest.fixture
async def device(server):
    """Makes devices; all leave at the end."""
    made = []

    def make(user: str = "", password: str = "", **options: object) -> Device:
        one = Device(
            server.ports.mqtt, user or server.secrets.user, password or server.secrets.password, **{"client_id": user, **options}
        )
        made.append(one)
        return one

    yield make
    for one in made:
        await one.close()


async def _collect(bus: Bus, n: int, *, after: int = 0, timeout_s: float = 30, distinct: bool = False, **options: object) -> list:
    found: list = []

    async def gather() -> None:
        async for messages in bus.read(after, wait_s=0.2, **options):
            found.extend(messages)
            if len({m.payload for m in found} if distinct else found) >= n:
                return

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(gather(), timeout_s)
    return found


@pytest.fixture
def collect():
    """Reads at least so many messages of the stream (`distinct`: of different payloads), or what came in time."""
    return _collect
