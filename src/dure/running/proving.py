"""`dure prove`: publish over every way in, kill -9 at random, restart, and count what was acknowledged and what is kept."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import msgspec
from rich.progress import Progress
from rich.table import Table

from dure.core.errors import Unavailable
from dure.engines.bus import subjects
from dure.engines.bus.client import Bus
from dure.engines.identity.secrets import Secrets
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.running.bus_part import bus_secrets
from dure.running.proving_senders import CITY, PROPERTY, STEP_US, WAYS, Senders, Tally

if TYPE_CHECKING:
    from rich.console import Console

BETWEEN_KILLS_S = (0.8, 2.5)
UP_S = 90.0
LOG_LINES = 20
LOST_NAMED_MAX = 50


class Outcome(msgspec.Struct, frozen=True):
    """One row of the proof."""

    way: str
    sent: int
    acknowledged: int
    stored: int
    lost: int
    doubled: int
    lost_first: tuple[int, ...] = ()


class House:
    """The program under test, as processes that can be killed."""

    def __init__(self, folder: Path, *, apart: bool) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.ports = dict(zip(("http", "nats", "mqtt"), _free_ports(3), strict=True))
        self._commands = {part: ["run", part] for part in ("bus", "recorder", "web")} if apart else {"program": ["up"]}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.kills: dict[str, int] = {}
        _write_city(folder / "city")

    def start(self, part: str) -> None:
        """Start a part; its lines go to a file."""
        environ = os.environ | {
            "DURE_DATA_DIR": str(self.data),
            "DURE_CITY_DIR": str(self.folder / "city"),
            "DURE_HTTP_PORT": str(self.ports["http"]),
            "DURE_NATS_PORT": str(self.ports["nats"]),
            "DURE_MQTT_PORT": str(self.ports["mqtt"]),
            "DURE_OCPP_PORT": "0",
            "DURE_LOG_LEVEL": "warning",
        }
        with (self.folder / f"{part}.log").open("ab") as lines:
            self._processes[part] = subprocess.Popen(  # noqa: S603  # our own program
                [sys.executable, "-m", "dure", *self._commands[part]], env=environ, stdout=lines, stderr=lines
            )

    async def start_all(self) -> None:
        """Start every part and wait until a reading can be sent."""
        for part in self._commands:
            self.start(part)
            if part == "bus":
                await self._until((self.data / "address.json").exists, part)
        await self.until_up()

    async def until_up(self) -> None:
        """Wait until the web face answers that all is well."""
        async with httpx.AsyncClient(trust_env=False) as http:

            async def is_up() -> bool:
                with contextlib.suppress(httpx.HTTPError, ValueError, KeyError):
                    answer = await http.get(f"{self.url}/api/v1/health", timeout=5)
                    return bool(answer.json()["status"] == "ok")
                return False

            await self._until(is_up, "web" if "web" in self._commands else "program")

    @property
    def url(self) -> str:
        """Address of the web face."""
        return f"http://127.0.0.1:{self.ports['http']}"

    async def kill_one(self, chance: random.Random) -> str:
        """Kill -9 a part, or the bus's own server, and start it again."""
        victim = chance.choice([*self._commands, "nats-server"])
        self.kills[victim] = self.kills.get(victim, 0) + 1
        if victim == "nats-server":
            with contextlib.suppress(FileNotFoundError, ValueError, ProcessLookupError):
                os.kill(int((self.data / "bus" / "nats.pid").read_text()), signal.SIGKILL)
            return victim
        process = self._processes[victim]
        process.kill()
        await asyncio.to_thread(process.wait)
        self.start(victim)
        return victim

    async def end(self) -> None:
        """End every part cleanly, the bus last; one that does not is killed."""
        for part in reversed(self._commands):
            process = self._processes.get(part)
            if process is None or process.poll() is not None:
                continue
            process.terminate()
            try:
                await asyncio.to_thread(process.wait, 60)
            except subprocess.TimeoutExpired:
                process.kill()

    async def _until(self, is_so: Callable[[], bool | Awaitable[bool]], part: str) -> None:
        deadline = time.monotonic() + UP_S
        while time.monotonic() < deadline:
            answer = is_so()
            if await answer if isinstance(answer, Awaitable) else answer:
                return
            if (code := self._processes[part].poll()) is not None:
                raise Unavailable("proof.died", f"{part} ended with {code}:\n{self.last_lines(part)}")
            await asyncio.sleep(0.1)
        raise Unavailable("proof.not_up", f"{part} was not up within {UP_S:.0f} s:\n{self.last_lines(part)}")

    def last_lines(self, part: str) -> str:
        """What a part said last."""
        file = self.folder / f"{part}.log"
        return "\n".join(file.read_text("utf-8", "replace").splitlines()[-LOG_LINES:]) if file.exists() else ""


def prove(kills: int, seed: int, folder: Path | None, out: Console, *, apart: bool = True) -> int:
    """Run the proof and print it; 0 when nothing acknowledged was lost and nothing is there twice."""
    with contextlib.ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dure-prove-")))
        place.mkdir(parents=True, exist_ok=True)
        outcomes, killed = asyncio.run(run_proof(place, kills, seed, apart=apart))
    tell(outcomes, killed, out)
    return int(any(one.lost or one.doubled for one in outcomes))


async def run_proof(folder: Path, kills: int, seed: int, *, apart: bool = True) -> tuple[list[Outcome], dict[str, int]]:
    """Publish under `kills` kills, then count; also what was killed how often."""
    chance = random.Random(seed)  # noqa: S311  # reproducible chance is the point
    house = House(folder, apart=apart)
    try:
        await house.start_all()
        senders = Senders(house, datetime.now(UTC) - timedelta(days=1))
        async with _sending(senders):
            with Progress(transient=True) as bar:
                task = bar.add_task("kill -9", total=kills)
                for _ in range(kills):
                    await asyncio.sleep(chance.uniform(*BETWEEN_KILLS_S))
                    bar.update(task, advance=1, description=f"kill -9 {await house.kill_one(chance)}")
            await house.until_up()
            await asyncio.sleep(1)
            senders.stop()
        await _until_recorded(house)
    finally:
        await house.end()
    return [_count(house, tally, senders.base_us) for tally in senders.tallies.values()], house.kills


@contextlib.asynccontextmanager
async def _sending(senders: Senders) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(way()) for way in (senders.mqtt, senders.http, senders.bus)]
    try:
        yield
    finally:
        senders.stop()
        await asyncio.gather(*tasks)


async def _until_recorded(house: House) -> None:
    """Wait until the recorder has come to the end of the stream."""
    keys = bus_secrets(Secrets.load(house.data))
    bus = await Bus.connect(f"nats://127.0.0.1:{house.ports['nats']}", keys.user, keys.password)
    try:
        deadline = time.monotonic() + UP_S
        steady, last = 0, -1
        while steady < 5 and time.monotonic() < deadline:  # a restarted server takes in what MQTT left only after seconds
            await asyncio.sleep(1)
            seq = (await bus.state()).last_seq
            waiting = (await bus.client.jetstream().stream_info(subjects.MQTT_STREAM)).state.messages
            steady, last = (steady + 1, last) if seq == last and not waiting else (0, seq)
    finally:
        await bus.close()
    await asyncio.sleep(2)


def _count(house: House, tally: Tally, base_us: int) -> Outcome:
    """Compare what was acknowledged with the file itself, the program being gone."""
    telemetry = DuckTelemetry(house.data / "telemetry.duckdb")
    try:
        found = telemetry.series((f"{tally.way}-1", PROPERTY), 0, 2**62)
    finally:
        telemetry.close()
    times = found.time_us.tolist()
    numbers = {
        (at - base_us) // STEP_US for at, value in zip(times, found.value.tolist(), strict=True) if value == _value(at, base_us)
    }
    lost = sorted(tally.acknowledged - numbers)
    return Outcome(
        tally.way,
        tally.sent,
        len(tally.acknowledged),
        len(times),
        len(lost),
        len(times) - len(set(times)),
        tuple(lost[:LOST_NAMED_MAX]),
    )


def _value(at_us: int, base_us: int) -> int:
    """The value a reading of this instant was sent with: a changed one counts as lost."""
    return (at_us - base_us) // STEP_US % 40


def tell(outcomes: list[Outcome], killed: dict[str, int], out: Console) -> None:
    """The proof as a table."""
    table = Table("way", "sent", "acknowledged", "stored", "lost", "doubled", title="Acknowledged means kept")
    for one in outcomes:
        table.add_row(one.way, f"{one.sent:,}", f"{one.acknowledged:,}", f"{one.stored:,}", str(one.lost), str(one.doubled))
    out.print(table)
    out.print("killed -9: " + ", ".join(f"{part} {n}x" for part, n in sorted(killed.items())))


def _write_city(folder: Path) -> None:
    """The smallest city with a station and a device for each way in."""
    (folder / "assets").mkdir(parents=True, exist_ok=True)
    (folder / "city.toml").write_text(
        f'id = "{CITY}"\nname = {{ ko = "증명", en = "Proof" }}\ntime_zone = "Asia/Seoul"\ncenter = [126.9, 37.2]\n', "utf-8"
    )
    ring = [[126.8, 37.1], [127.0, 37.1], [127.0, 37.3], [126.8, 37.3], [126.8, 37.1]]
    zone = {
        "type": "Feature",
        "id": "all",
        "properties": {"name_ko": "전체", "name_en": "All"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    (folder / "zones.geojson").write_bytes(msgspec.json.encode({"type": "FeatureCollection", "features": [zone]}))
    lines = [f"{way}-1,station,{way} 측정점,{way} station,126.9,37.2,live,{way}-1" for way in WAYS]
    (folder / "assets" / "stations.csv").write_text(
        "id,kind,name_ko,name_en,lon,lat,state,device\n" + "\n".join(lines) + "\n", "utf-8"
    )


def _free_ports(n: int) -> list[int]:
    """Ports free now; all are held until the last is found, so that they differ."""
    held = [socket.socket() for _ in range(n)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()
