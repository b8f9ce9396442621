"""Publishers in processes of their own: they make everything ready, wait at the gate, send, and tell when they sent what."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any

from mqtt_flood import _exactly, connect, publish_packet
from program import CITY, GATEWAY

from dure.engines.bus import packing, subjects
from dure.engines.bus.client import Bus

STATIONS = [f"station-{i:04d}" for i in range(2_000)]
LONE = [f"lone-{i:03d}" for i in range(400)]
PROPERTIES = ("air_temperature", "relative_humidity", "pm10", "pm2_5", "wind_speed")
SERIES = [(station, name) for station in STATIONS for name in PROPERTIES]
IN_FLIGHT = 400
MQTT_WINDOW = 1_000


@dataclass(frozen=True, kw_only=True)
class Work:
    """What to send: `messages` of `rows` readings, from number `first` on, of the phase that begins at `start`."""

    start: datetime
    messages: int
    rows: int
    first: int = 0
    per_s: float = 0.0  # messages per second; 0 is as fast as it goes
    qos: int = 1
    sender: int = 0


@dataclass(frozen=True)
class Door:
    """Where to send, and as whom."""

    host: str
    port: int
    user: str
    password: str


@dataclass(frozen=True)
class Sent:
    """When the first was sent and the last was acknowledged, and of each message its sequence and when it was sent."""

    began: float
    ended: float
    seqs: list[int]
    at: list[float]


def batch(work: Work, number: int) -> bytes:
    """The JSON of message `number`: readings of neighbouring series, each series once a second."""
    readings = []
    for k in range((work.first + number) * work.rows, (work.first + number + 1) * work.rows):
        asset, name = SERIES[k % len(SERIES)]
        at = work.start + timedelta(seconds=k // len(SERIES))
        readings.append({"asset": asset, "property": name, "time": at.isoformat(), "value": k % 350 / 10})
    return json.dumps({"readings": readings}, separators=(",", ":")).encode()


def single(work: Work, number: int) -> tuple[str, bytes]:
    """The device and JSON of one reading."""
    k = work.first + number
    at = work.start + timedelta(milliseconds=k // len(LONE))
    return LONE[k % len(LONE)], f'{{"property":"air_temperature","time":"{at.isoformat()}","value":{k % 350 / 10}}}'.encode()


# Ways in


def by_bus(door: Door, work: Work, gate: Any) -> Sent:
    """Onto the stream with JetStream's acknowledgement, as the gateway does it: one device payload a message."""
    payloads = [batch(work, number) for number in range(work.messages)]
    return asyncio.run(_by_bus(door, work, payloads, gate))


async def _by_bus(door: Door, work: Work, payloads: list[bytes], gate: Any) -> Sent:
    bus = await Bus.connect(f"nats://{door.host}:{door.port}", door.user, door.password, name="bench-publisher")
    subject = subjects.pack(CITY, 1)
    slots = asyncio.Semaphore(IN_FLIGHT)
    seqs, at = [0] * len(payloads), [0.0] * len(payloads)

    async def send(number: int) -> None:
        try:
            framed = packing.frame(GATEWAY.encode(), time.time_ns() // 1_000, payloads[number])
            seqs[number] = await bus.publish(subject, packing.join([framed]), timeout_s=60)
        finally:
            slots.release()

    gate.wait()
    began = time.time()
    tasks = []
    for number in range(len(payloads)):
        if work.per_s:
            await asyncio.sleep(max(0.0, began + number / work.per_s - time.time()))
        await slots.acquire()
        at[number] = time.time()
        tasks.append(asyncio.create_task(send(number)))
    await asyncio.gather(*tasks)
    ended = time.time()
    await bus.close()
    return Sent(began, ended, seqs, at)


def by_mqtt(door: Door, work: Work, gate: Any) -> Sent:
    """MQTT 3.1.1: at QoS 1 until every PUBACK is there, at QoS 0 until the server has taken all in."""
    packets = [_packet(work, number) for number in range(work.messages)]
    link, code = connect(door.host, door.port, f"bench-{work.sender}", door.user, door.password)
    assert code == 0, f"refused with {code}"
    gate.wait()
    began = time.time()
    acked = 0
    for at in range(0, len(packets), 100):
        if work.per_s:
            time.sleep(max(0.0, began + at / work.per_s - time.time()))
        link.sendall(b"".join(packets[at : at + 100]))
        while work.qos and at + 100 - acked > MQTT_WINDOW - 100:
            acked += len(_exactly(link, 4 * 50)) // 4
    if work.qos:
        _exactly(link, 4 * (len(packets) - acked))
    link.sendall(b"\xc0\x00")
    _exactly(link, 2)
    ended = time.time()
    link.sendall(b"\xe0\x00")
    link.close()
    return Sent(began, ended, [], [])


def _packet(work: Work, number: int) -> bytes:
    device, payload = (GATEWAY, batch(work, number)) if work.rows > 1 else single(work, number)
    return publish_packet(f"up/{CITY}/{device}", payload, work.qos, number % 60_000 + 1)


def by_http(door: Door, work: Work, gate: Any) -> Sent:
    """Requests one after the other on one kept connection, as a device sends them."""
    bodies = [batch(work, number) for number in range(work.messages)]
    login = base64.b64encode(f"{door.user}:{door.password}".encode()).decode()
    headers = {"content-type": "application/json", "authorization": f"Basic {login}"}
    link = http.client.HTTPConnection(door.host, door.port, timeout=60)
    gate.wait()
    began = time.time()
    at = []
    for body in bodies:
        at.append(time.time())
        link.request("POST", "/api/v1/readings", body, headers)
        answer = link.getresponse()
        said = answer.read()
        assert answer.status == http.client.ACCEPTED, said
    ended = time.time()
    link.close()
    return Sent(began, ended, [], at)


Way = Callable[[Door, Work, Any], Sent]


class Crowd:
    """Senders that are ready to go."""

    def __init__(self, way: Way, door: Door, works: Sequence[Work]) -> None:
        context = multiprocessing.get_context("spawn")
        self._gate = context.Barrier(len(works) + 1)
        pipes = [context.Pipe(duplex=False) for _ in works]
        self._answers = [answers for answers, _ in pipes]
        self._processes = [
            context.Process(target=_send, args=(way, door, work, self._gate, tell), daemon=True)
            for work, (_, tell) in zip(works, pipes, strict=True)
        ]
        for one in self._processes:
            one.start()

    def go(self) -> list[Sent]:
        """Open the gate and wait for all; blocks."""
        self._gate.wait(300)
        sent = [one.recv() for one in self._answers]
        for one in self._processes:
            one.join()
        return sent


def _send(way: Way, door: Door, work: Work, gate: Any, tell: Connection) -> None:
    tell.send(way(door, work, gate))


def shared(work: Work, senders: int) -> list[Work]:
    """The same work divided among senders, each with its own numbers."""
    each = work.messages // senders
    return [
        Work(
            start=work.start,
            messages=each,
            rows=work.rows,
            first=number * each,
            per_s=work.per_s / senders,
            qos=work.qos,
            sender=number,
        )
        for number in range(senders)
    ]


def midnight(days_ago: int) -> datetime:
    """A phase's own past: no phase writes the instants of another."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days_ago)
