"""How fast readings become queryable, durably: ``make bench NAME=ingest``.

A real nats-server (every acknowledgement after its fsync), the real recorder, gateway and web face in processes of their own,
publishers in others. Each reading is validated, judged (range, quarantine, unit, time), deduplicated, kept, and its series'
newest value told. Counted is what can be queried: rows in the telemetry file, each exactly once. The limit is the bare pipe
in the same run: the same messages published, read, decoded and appended, with nothing judged.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from program import Program, cpu_s, register
from report import Row, tell, write
from senders import LONE, SERIES, STATIONS, Crowd, Door, Sent, Way, Work, by_bus, by_http, by_mqtt, midnight, shared

from dure.core.observations import Batch
from dure.core.time import to_us
from dure.engines.bus.client import Bus
from dure.engines.bus.packing import unpack
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.spine.recorder import stream_name
from dure.spine.remote import RemoteTelemetry

POLL_S = 0.02
STALLED_S = 15.0
BACKLOG_S = 120.0
PARTS = ("recorder", "bus", "nats-server", "web")
DAY_US = 86_400 * 1_000_000
ROWS = 200


@dataclass(frozen=True)
class Sizes:
    """Messages of each phase."""

    batches: int = 15_000
    paced_s: int = 30
    mqtt_batches: int = 4_000
    qos1: int = 15_000
    qos0: int = 400_000
    requests: int = 600


QUICK = Sizes(batches=2_500, paced_s=6, mqtt_batches=600, qos1=3_000, qos0=60_000, requests=80)


@dataclass(frozen=True)
class Phase:
    """What came of some work."""

    rows: int
    stored: int
    send_s: float
    store_s: float
    delays_s: np.ndarray[Any, np.dtype[np.float64]]
    cores: dict[str, float]

    @property
    def rate(self) -> float:
        """Rows per second from the first publish until the last could be queried."""
        return self.stored / self.store_s


class Stand:
    """The program and what asks it."""

    def __init__(self, program: Program, bus: Bus, secret: str) -> None:
        self.program, self.bus, self._secret = program, bus, secret
        self.telemetry = RemoteTelemetry(bus, "bench", asyncio.get_running_loop())
        self._cursor = ""

    def door(self, way: Way) -> Door:
        if way is by_http:
            return Door("127.0.0.1", self.program.http_port, "gateway", self._secret)
        port = self.program.nats_port if way is by_bus else self.program.mqtt_port
        return Door("127.0.0.1", port, *self.program.bus_login())

    def cpu(self, parts: Sequence[str]) -> dict[str, float]:
        return {part: cpu_s(self.program.pid(part)) for part in parts}

    async def cursor(self) -> int:
        if not self._cursor:
            self._cursor = stream_name(await self.bus.state())
        return await asyncio.to_thread(self.telemetry.cursor, self._cursor)

    async def count(self, start: datetime) -> int:
        return await asyncio.to_thread(self.telemetry.count, to_us(start), to_us(start) + DAY_US)

    async def run(self, way: Way, work: Work, senders: int = 1, parts: Sequence[str] = PARTS[:3]) -> Phase:
        """Send, and wait until all of it can be queried."""
        works = shared(work, senders)
        expected = sum(one.messages * one.rows for one in works)
        crowd = await asyncio.to_thread(Crowd, way, self.door(way), works)
        sending = asyncio.create_task(asyncio.to_thread(crowd.go))
        before, at = self.cpu(parts), time.time()
        samples = await self._watch(sending, work.start, expected)
        after, sent = self.cpu(parts), sending.result()
        began = min(one.began for one in sent)
        stored_at = next(t for t, seq in samples if seq >= samples[-1][1])
        wall = time.time() - max(at, began)
        return Phase(
            expected,
            await self.count(work.start),
            max(one.ended for one in sent) - began,
            stored_at - began,
            _delays(sent, samples),
            {part: (after[part] - before[part]) / wall for part in parts},
        )

    async def _watch(self, sending: asyncio.Task[list[Sent]], start: datetime, expected: int) -> list[tuple[float, int]]:
        """The recorder's cursor at each look, until all is there, or nothing has come for long."""
        samples = [(time.time(), await self.cursor())]
        moved = time.monotonic()
        while True:
            await asyncio.sleep(POLL_S)
            seq = await self.cursor()
            if seq != samples[-1][1]:
                moved = time.monotonic()
            samples.append((time.time(), seq))
            if not sending.done() or seq != (await self.bus.state()).last_seq:
                continue
            if await self.count(start) >= expected or time.monotonic() - moved > STALLED_S:
                return samples


def _delays(sent: list[Sent], samples: list[tuple[float, int]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Seconds from sending each message until a look found it queryable; empty where sequences are not told."""
    seqs = np.array([seq for one in sent for seq in one.seqs], np.int64)
    at = np.array([when for one in sent for when in one.at[: len(one.seqs)]])
    if not len(seqs):
        return np.empty(0)
    looked, cursor = (np.array(column) for column in zip(*samples, strict=True))
    return looked[np.searchsorted(cursor, seqs)] - at


# The bare pipe


class _BareReading(msgspec.Struct):
    asset: str
    property: str
    time: datetime
    value: float


class _BareBody(msgspec.Struct):
    readings: list[_BareReading]


def _bare(door: Door, file: Path, expected: int, gate: Any, answer: Any) -> None:
    """Read, decode, append: what a recorder without judgement does."""
    answer.send(asyncio.run(_read_bare(door, DuckTelemetry(file), expected, gate)))


async def _read_bare(door: Door, telemetry: DuckTelemetry, expected: int, gate: Any) -> float:
    bus = await Bus.connect(f"nats://{door.host}:{door.port}", door.user, door.password, name="bench-bare")
    number = {key: i for i, key in enumerate(SERIES)}
    decode = msgspec.json.Decoder(_BareBody).decode
    stored = 0
    gate.wait()
    async for messages in bus.read(0, wait_s=0.25):
        found = [r for one in messages for p in unpack(one.payload) for r in decode(p.payload).readings]
        if not found:
            continue
        n = len(found)
        time_us = np.array([r.time.timestamp() for r in found]) * 1e6
        ones = np.ones(n, np.uint8)
        columns = (time_us.astype(np.int64), np.full(n, messages[-1].time_us), np.array([r.value for r in found]), ones, ones)
        series = np.array([number[r.asset, r.property] for r in found], np.int32)
        some = Batch(SERIES, series, *columns, np.full(n, messages[-1].seq))
        stored += int((await asyncio.to_thread(telemetry.append, some, {"OBS": messages[-1].seq})).fresh.sum())
        if stored >= expected:
            break
    at = time.time()
    await bus.close()
    telemetry.close()
    return at


async def bare_pipe(stand: Stand, sizes: Sizes) -> tuple[float, int]:
    """Rows per second through the bare pipe, and the rows."""
    work = Work(start=midnight(3), messages=sizes.batches, rows=ROWS)
    expected = work.messages * work.rows
    context = multiprocessing.get_context("spawn")
    gate, (answers, answer) = context.Barrier(2), context.Pipe(duplex=False)
    file = stand.program.folder / "bare.duckdb"
    process = context.Process(target=_bare, args=(stand.door(by_bus), file, expected, gate, answer))
    process.start()
    await asyncio.to_thread(gate.wait)
    crowd = await asyncio.to_thread(Crowd, by_bus, stand.door(by_bus), [work])
    (sent,) = await asyncio.to_thread(crowd.go)
    ended = await asyncio.to_thread(answers.recv)
    await asyncio.to_thread(process.join)
    return expected / (ended - sent.began), expected


def fsyncs_per_s(folder: Path, seconds: float = 2.0) -> float:
    """How often this disk takes 150 bytes for good, one after the other."""
    n, until = 0, time.monotonic() + seconds
    with (folder / "fsync").open("wb", buffering=0) as file:
        while time.monotonic() < until:
            file.write(bytes(150))
            os.fsync(file.fileno())
            n += 1
    return n / seconds


# The figures


async def backlog(stand: Stand, rows: int) -> Row:
    """The recorder starts and finds what the bare pipe left on the bus."""
    last = (await stand.bus.state()).last_seq
    await stand.program.start_recorder(stand.telemetry)
    began = time.time()
    while await stand.cursor() < last and time.time() - began < BACKLOG_S:  # noqa: ASYNC110  # another process: it can only be asked
        await asyncio.sleep(POLL_S)
    took = time.time() - began
    kept = await stand.count(midnight(3))
    assert kept == rows, f"{kept} of {rows}"
    return Row(figure="a backlog of 200-reading messages, recorded", ours=rows / took, unit="rows/s", better="higher")


async def batches(stand: Stand, sizes: Sizes, limit: float) -> list[Row]:
    """As fast as possible, and paced."""
    fast = await stand.run(by_bus, Work(start=midnight(4), messages=sizes.batches, rows=ROWS))
    _exact(fast)
    paced = await stand.run(by_bus, Work(start=midnight(5), messages=sizes.paced_s * 250, rows=ROWS, per_s=250))
    _exact(paced)
    mqtt = await stand.run(by_mqtt, Work(start=midnight(6), messages=sizes.mqtt_batches, rows=ROWS), senders=4)
    _exact(mqtt)
    p50, p99 = np.percentile(paced.delays_s, (50, 99))
    slow = "50,000 readings/s"
    return [
        Row(
            figure="published -> queryable, 200 readings a message",
            ours=fast.rate,
            unit="rows/s",
            better="higher",
            bar=200_000,
            limit=limit,
        ),
        Row(figure="the same, recorder's cores", ours=fast.cores["recorder"], unit="cores", better="lower"),
        Row(figure=f"{slow}: recorder's cores", ours=paced.cores["recorder"], unit="cores", better="lower", bar=1),
        Row(figure=f"{slow}: nats-server's cores", ours=paced.cores["nats-server"], unit="cores", better="lower"),
        Row(figure=f"{slow}: published -> queryable, p50", ours=float(p50), unit="s", better="lower"),
        Row(figure=f"{slow}: published -> queryable, p99", ours=float(p99), unit="s", better="lower", bar=1),
        Row(figure="MQTT QoS 1, 200 readings a message, 4 clients", ours=mqtt.rate, unit="rows/s", better="higher"),
    ]


async def singles(stand: Stand, sizes: Sizes) -> list[Row]:
    """One reading a message."""
    limit = fsyncs_per_s(stand.program.folder)
    one = await stand.run(by_mqtt, Work(start=midnight(7), messages=sizes.qos1 // 4, rows=1))
    four = await stand.run(by_mqtt, Work(start=midnight(8), messages=sizes.qos1, rows=1), senders=4)
    _exact(one)
    _exact(four)
    loose = await stand.run(by_mqtt, Work(start=midnight(9), messages=sizes.qos0, rows=1, qos=0), senders=2)
    figure = "one reading, MQTT QoS 1"
    return [
        Row(figure=f"{figure}, 1 client: PUBACK", ours=one.rows / one.send_s, unit="/s", better="higher", limit=limit),
        Row(
            figure=f"{figure}, 4 clients: PUBACK",
            ours=four.rows / four.send_s,
            unit="/s",
            better="higher",
            bar=1_200,
            limit=limit,
        ),
        Row(figure=f"{figure}, 4 clients: queryable", ours=four.rate, unit="/s", better="higher", limit=limit),
        Row(figure="one reading, MQTT QoS 0, gateway: sent", ours=loose.rows / loose.send_s, unit="/s", better="higher"),
        Row(figure="one reading, MQTT QoS 0, gateway: queryable", ours=loose.rate, unit="/s", better="higher", bar=50_000),
        Row(figure="one reading, MQTT QoS 0, gateway: dropped", ours=loose.rows - loose.stored, unit="", better="lower", bar=0),
    ]


async def requests(stand: Stand, sizes: Sizes) -> list[Row]:
    """By HTTP, two clients with one connection each."""
    found = []
    await stand.program.start_web()
    for day, rows in ((10, 100), (11, 1_000)):
        phase = await stand.run(by_http, Work(start=midnight(day), messages=sizes.requests, rows=rows), senders=2, parts=PARTS)
        _exact(phase)
        figure = f"HTTP, {rows:,} readings a request, 2 clients"
        found.append(Row(figure=f"{figure}: accepted", ours=phase.rows / phase.send_s, unit="rows/s", better="higher"))
        found.append(Row(figure=f"{figure}: queryable", ours=phase.rate, unit="rows/s", better="higher"))
    return found


def _exact(phase: Phase) -> None:
    """Nothing is missing and nothing is there twice, else there is no figure."""
    assert phase.stored == phase.rows, f"{phase.stored} rows of {phase.rows}"


async def measure(sizes: Sizes, only: Sequence[str]) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="dure-ingest-") as name:
        program = Program(Path(name))
        secret = register(program.data, STATIONS, LONE)
        bus = None
        try:
            bus = await program.start_bus()
            stand = Stand(program, bus, secret)
            limit, rows = await bare_pipe(stand, sizes)
            found = [await backlog(stand, rows)]
            if "batches" in only:
                found = [*await batches(stand, sizes, limit), *found]
            if "singles" in only:
                found += await singles(stand, sizes)
            if "requests" in only:
                found += await requests(stand, sizes)
            return found
        finally:
            if bus is not None:
                await bus.close()
            program.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes, nothing kept")
    parser.add_argument("--only", nargs="*", choices=(kinds := ("batches", "singles", "requests")), default=kinds)
    options = parser.parse_args()
    rows = asyncio.run(measure(QUICK if options.quick else Sizes(), options.only))
    if options.quick or options.only != kinds:
        tell("ingest", rows)
    else:
        write("ingest", rows)


if __name__ == "__main__":
    main()
