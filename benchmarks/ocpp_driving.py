"""Stations on picows in a process of their own: ``python ocpp_driving.py FOLDER MODE …``; prints one JSON line.

``closed STATIONS SECONDS``: each sends its next TransactionEvent as soon as the last one is answered.
``paced STATIONS SECONDS PER_SECOND``: together so many a second, whatever comes back; how long each answer took.
``rush STATIONS``: all connect, all are cut off, all connect again; then all send a Heartbeat. Waits for a line between the steps.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import sys
import time
from pathlib import Path

import numpy as np
from picows import WSListener, WSMsgType, ws_connect

AT_ONCE = 400  # handshakes under way: a site's power comes back, and they all try
SAMPLES = [
    {"value": 230.1, "measurand": "Voltage", "phase": "L1-N", "unitOfMeasure": {"unit": "V"}},
    {"value": 229.8, "measurand": "Voltage", "phase": "L2-N", "unitOfMeasure": {"unit": "V"}},
    {"value": 231.0, "measurand": "Voltage", "phase": "L3-N", "unitOfMeasure": {"unit": "V"}},
    {"value": 15.9, "measurand": "Current.Import", "phase": "L1", "unitOfMeasure": {"unit": "A"}},
    {"value": 15.8, "measurand": "Current.Import", "phase": "L2", "unitOfMeasure": {"unit": "A"}},
    {"value": 16.0, "measurand": "Current.Import", "phase": "L3", "unitOfMeasure": {"unit": "A"}},
    {"value": 10_980.0, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "W"}},
]


def event(station: int, seq_no: int, stamp: str) -> bytes:
    """A TransactionEvent with eight samples, 1.3 kB."""
    register = {"value": 1_000.0 + seq_no, "measurand": "Energy.Active.Import.Register", "unitOfMeasure": {"unit": "Wh"}}
    payload = {
        "eventType": "Started" if seq_no == 0 else "Updated",
        "timestamp": stamp,
        "triggerReason": "Authorized" if seq_no == 0 else "MeterValuePeriodic",
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": f"tx-{station}", "chargingState": "Charging"},
        "evse": {"id": 1, "connectorId": 1},
        "meterValue": [{"timestamp": stamp, "sampledValue": [register, *SAMPLES]}],
    }
    return json.dumps([2, f"{station}-{seq_no}", "TransactionEvent", payload]).encode()


class Station(WSListener):
    def __init__(self, drive: Drive, number: int) -> None:
        self.drive, self.number, self.seq, self.transport = drive, number, itertools.count(), None
        self.sent_at: dict[str, float] = {}

    def on_ws_connected(self, transport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport, frame) -> None:  # noqa: ARG002  # picows' signature
        if frame.msg_type == WSMsgType.TEXT:
            self.drive.answered(self, frame.get_payload_as_bytes())

    def on_ws_disconnected(self, transport) -> None:  # noqa: ARG002  # the same
        self.transport = None

    def say(self) -> None:
        seq_no = next(self.seq)
        message = event(self.number, seq_no, self.drive.stamp)
        self.sent_at[f"{self.number}-{seq_no}"] = time.perf_counter()
        self.transport.send(WSMsgType.TEXT, message)


class Drive:
    def __init__(self, folder: Path, stations: int) -> None:
        self.said = json.loads((folder / "said.json").read_text())
        self.stations = [Station(self, number) for number in range(stations)]
        self.stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.answers_n = self.errors_n = 0
        self.took: list[float] = []
        self.closed = False
        self.wanted_n, self.all = 0, asyncio.Event()

    def answered(self, station: Station, message: bytes) -> None:
        self.answers_n += 1
        if not message.startswith(b"[3,"):
            self.errors_n += 1
            self.first_error = message.decode()
        key = message[3:40].split(b'"')[1].decode()
        self.took.append(time.perf_counter() - station.sent_at.pop(key, time.perf_counter()))
        if self.answers_n == self.wanted_n:
            self.all.set()
        if self.closed:
            station.say()

    async def connect(self) -> float:
        began = time.perf_counter()
        turn = asyncio.Semaphore(AT_ONCE)

        async def one(station: Station) -> None:
            name = f"cp-{station.number}"
            basic = base64.b64encode(f"{name}:{self.said['secrets'][name]}".encode()).decode()
            async with turn:
                await ws_connect(
                    lambda: station,
                    f"ws://127.0.0.1:{self.said['port']}/ocpp/{name}",
                    extra_headers={"Authorization": f"Basic {basic}", "Sec-WebSocket-Protocol": "ocpp2.0.1"},
                    websocket_handshake_timeout=30,
                    read_buffer_init_size=2048,
                )

        await asyncio.gather(*(one(station) for station in self.stations))
        return time.perf_counter() - began

    async def all_answered(self, seconds: float) -> None:
        """Wait until every station has an answer, at most so long."""
        self.wanted_n, self.all = len(self.stations), asyncio.Event()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.all.wait(), seconds)

    def cpu_s(self) -> float:
        """CPU seconds of the server process, all its threads."""
        fields = Path(f"/proc/{self.said['pid']}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def rss_mb(self) -> float:
        lines = Path(f"/proc/{self.said['pid']}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024

    def figures(self, wall_s: float, cpu_s: float) -> dict:
        took = np.array(self.took) * 1e3
        return {
            "answers": self.answers_n, "errors": self.errors_n, "first_error": getattr(self, "first_error", ""),
            "wall_s": wall_s, "cpu_s": cpu_s, "rss_mb": self.rss_mb(),
            "p50_ms": float(np.percentile(took, 50)), "p99_ms": float(np.percentile(took, 99)),
        }  # fmt: skip


async def closed(drive: Drive, seconds: float) -> dict:
    await drive.connect()
    drive.closed = True
    for station in drive.stations:
        station.say()
    await asyncio.sleep(1.0)
    drive.answers_n, drive.took = 0, []
    cpu, began = drive.cpu_s(), time.perf_counter()
    await asyncio.sleep(seconds)
    return drive.figures(time.perf_counter() - began, drive.cpu_s() - cpu)


async def paced(drive: Drive, seconds: float, per_second: float) -> dict:
    await drive.connect()
    for station in drive.stations:
        station.say()
    await asyncio.sleep(1.0)
    drive.answers_n, drive.took = 0, []
    turn = itertools.cycle(drive.stations)
    cpu, began, sent = drive.cpu_s(), time.perf_counter(), 0
    while (now := time.perf_counter() - began) < seconds:
        while sent < now * per_second:
            next(turn).say()
            sent += 1
        await asyncio.sleep(0.002)
    cpu_s, wall_s = drive.cpu_s() - cpu, time.perf_counter() - began
    await asyncio.sleep(1.0)
    return drive.figures(wall_s, cpu_s) | {"sent": sent}


async def rush(drive: Drive) -> dict:
    before_mb = drive.rss_mb()
    first_s = await drive.connect()
    await asyncio.sleep(2.0)
    idle_mb = drive.rss_mb()
    for station in drive.stations:
        station.transport.disconnect(graceful=False)
    await asyncio.sleep(0.5)
    cpu = drive.cpu_s()
    again_s = await drive.connect()
    cpu_s = drive.cpu_s() - cpu
    for station in drive.stations:
        station.say()
    began = time.perf_counter()
    await drive.all_answered(60)
    return {
        "before_mb": before_mb, "first_s": first_s, "idle_mb": idle_mb, "again_s": again_s, "again_cpu_s": cpu_s,
        "answers": drive.answers_n, "answers_s": time.perf_counter() - began,
        "talked_mb": drive.rss_mb(), "errors": drive.errors_n,
    }  # fmt: skip


async def main() -> None:
    folder, mode, stations, *more = sys.argv[1:]
    drive = Drive(Path(folder), int(stations))
    work = {"closed": closed, "paced": paced, "rush": rush}[mode]
    print(json.dumps(await work(drive, *map(float, more))), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
