"""A million mutated frames: ``make bench NAME=ocpp-fuzz``. No crash, every question answered once, the right CALLERROR.

The frames go through the real path of the central system in memory: frame, schema, who answers, journal on SQLite. An oracle made
of `json` and `jsonschema` works out anew what every fiftieth must be told. A part of them goes over a real socket too.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import tempfile
import time
import zlib
from collections import Counter
from pathlib import Path
from typing import get_args

import websockets
from ocpp_mutants import VERSIONS, Mutants
from ocpp_oracle import Expected, expected
from ocpp_serving import write_city
from report import Row, tell, write

from dure.city import read_city
from dure.config import Settings
from dure.protocols.ocpp import schemas
from dure.protocols.ocpp.actions import station_asks
from dure.protocols.ocpp.errors import ErrorCode
from dure.running.parts import open_house
from dure.services.charging.central import central
from dure.services.charging.central.link import Link
from dure.spine.seeding import read_secrets

CHUNK = 600
ONE_IN = 50
CODES = frozenset(get_args(ErrorCode))
MAY_ASK = {v: frozenset(a for a in schemas.validators(v) if station_asks(v, a)) for v in VERSIONS}


class Wire:
    """A socket in memory: what is sent to the station, and whether it was closed."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = 0

    def send(self, message: bytes) -> None:
        self.sent.append(message)

    def close(self, code: int, why: str) -> None:  # noqa: ARG002  # a socket's signature
        self.closed = code

    def hold_reading(self) -> None: ...

    def go_on_reading(self) -> None: ...


class Fuzz:
    def __init__(self, found: central.Central, seed: int) -> None:
        self.central, self.mutants = found, Mutants(seed)
        self.tally: Counter[str] = Counter()
        self.wrong: list[tuple[object, ...]] = []
        self.frames_n = 0

    def link(self, version) -> tuple[Link, Wire]:
        charger = self.central.register.find(f"cp-{VERSIONS.index(version)}").charger
        link, wire = Link(self.central.desk, charger, version), Wire()
        link.opened(wire)
        return link, wire

    async def chunk(self, version, n: int) -> None:
        """Frames of one station, then what came back, in order."""
        link, wire = self.link(version)
        asked: list[tuple[bytes, int]] = []  # the frame, and how often the connection was to be closed until then
        for _ in range(n):
            self.frames_n += 1
            message = self.mutants.next(self.frames_n, version)
            link.heard(message)
            asked.append((message, wire.closed))
            if wire.closed:
                await self.check(version, wire, asked)
                link.closed("closed")
                link, wire = self.link(version)
                asked = []
        await self.check(version, wire, asked)
        link.closed("done")

    async def check(self, version, wire: Wire, asked: list[tuple[bytes, int]]) -> None:
        await self.central.desk.journal.flush()
        answers = [json.loads(one) for one in wire.sent]
        by_id = Counter(one[1] for one in answers)
        for answer in answers:
            self.tally[answer[2] if answer[0] == 4 else "answered"] += 1
            if answer[0] not in {3, 4} or (answer[0] == 4 and (answer[2] not in CODES or answer[2] == "InternalError")):
                self.wrong.append((version, "no such answer", answer))
        self.wrong += [(version, "answered twice", name) for name, times in by_id.items() if times > 1 and "." in name]
        first = {one[1]: one for one in answers if one[1] != "-1"}
        for message, closed in asked:
            if zlib.crc32(message) % ONE_IN == 0:
                self.compare(version, message, first, closed)

    def compare(self, version, message: bytes, answers: dict[str, list], closed: int) -> None:
        want = expected(message, version, MAY_ASK[version])
        self.tally["compared"] += 1
        if want.kind == "closed":
            ok = closed == 1007
        elif want.kind == "nothing" or "." not in want.id:
            ok = True  # its answer carries no id of its own, or that of another spoiled frame: compared by itself in `single`
            self.single(version, message, want)
        else:
            ok = told(answers.get(want.id), want)
        if not ok:
            self.wrong.append((version, want, answers.get(want.id), message[:300]))

    def single(self, version, message: bytes, want: Expected) -> None:
        """One frame on a connection of its own."""
        charger = self.central.register.find("cp-0").charger
        link, wire = Link(self.central.desk, charger, version), Wire()
        link._socket = wire  # noqa: SLF001  # without the words of coming and going
        link.heard(message)
        got = json.loads(wire.sent[0]) if wire.sent else None
        if not (got is None if want.kind == "nothing" else told(got, want)):
            self.wrong.append((version, want, got, message[:300]))


def told(got: list | None, want: Expected) -> bool:
    """Whether a station was told what it must be. A valid question may still be refused by who answers, by its meaning."""
    if got is None or got[1] != want.id:
        return False
    if want.kind == "answer":
        return got[0] == 3 or got[2] in {"NotSupported", "SecurityError", "PropertyConstraintViolation", "GenericError"}
    return got[0] == 4 and got[2] == want.code


async def over_sockets(found: central.Central, secrets: dict[str, str], n: int) -> tuple[int, int]:
    """Frames over a real socket: how many were compared, how many were told something else."""
    mutants, wrong, compared = Mutants(99), 0, 0
    version = "ocpp2.0.1"
    basic = base64.b64encode(f"cp-1:{secrets['cp-1']}".encode()).decode()

    async def connect():
        return await websockets.connect(
            f"ws://127.0.0.1:{found.port}/ocpp/cp-1", subprotocols=[version], proxy=None, compression=None,
            additional_headers={"Authorization": f"Basic {basic}"},
        )  # fmt: skip

    station = await connect()
    for number in range(1, n + 1):
        message = mutants.next(number, version)
        want = expected(message, version, MAY_ASK[version])
        if want.kind in {"nothing", "closed"}:
            continue
        await station.send(message, text=True)
        got = json.loads(await asyncio.wait_for(station.recv(), 10))
        compared += 1
        wrong += not told(got, want)
    await station.close()
    return compared, wrong


async def run(frames: int, sockets: int) -> tuple[Fuzz, float, tuple[int, int]]:
    folder = Path(tempfile.mkdtemp(prefix="dure-fuzz-"))
    write_city(folder / "city", 4)
    settings = Settings(data_dir=str(folder / "data"), city_dir=str(folder / "city"), nats_port=0, mqtt_port=0, ocpp_port=0)
    async with (
        open_house(settings, read_city(folder / "city"), parts=frozenset({"bus"})) as house,
        central.opened(house) as found,
    ):
        fuzz, began = Fuzz(found, 1), time.process_time()
        while fuzz.frames_n < frames:
            await fuzz.chunk(VERSIONS[(fuzz.frames_n // CHUNK) % 3], CHUNK)
        cpu_s = time.process_time() - began
        return fuzz, cpu_s, await over_sockets(found, read_secrets(settings.data), sockets)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    fuzz, cpu_s, (compared, wrong) = asyncio.run(run(15_000 if quick else 1_000_000, 300 if quick else 3_000))
    for one in fuzz.wrong[:20]:
        print(one)
    print(dict(fuzz.tally.most_common()))
    rows = [
        Row(figure="mutated frames through the central system", ours=fuzz.frames_n, unit="", better="higher", bar=1_000_000),
        Row(figure="crashes, internal errors, questions answered twice", ours=len(fuzz.wrong), unit="", better="lower", bar=0),
        Row(figure="frames compared with the oracle", ours=fuzz.tally["compared"], unit="", better="higher"),
        Row(figure="frames over a real socket compared with the oracle", ours=compared, unit="", better="higher"),
        Row(figure="of these told something else", ours=wrong, unit="", better="lower", bar=0),
        Row(figure="different error codes seen", ours=len(CODES & fuzz.tally.keys()), unit="", better="higher"),
        Row(figure="frames a CPU-second, making them included", ours=fuzz.frames_n / cpu_s, unit="1/CPU-s", better="higher"),
    ]
    (tell if quick else write)("ocpp-fuzz", rows)


if __name__ == "__main__":
    main()
