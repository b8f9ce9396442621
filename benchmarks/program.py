"""The program under measurement: its parts in processes of their own, seen from outside as a user sees them."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec

from dure.core.assets import Asset
from dure.core.text import Text
from dure.engines.bus.client import Bus
from dure.engines.identity.secrets import Secrets
from dure.engines.records import assets, devices
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.running.bus_part import Address, bus_secrets
from dure.spine.remote import RemoteTelemetry

CITY = "bench"
GATEWAY = "gateway"
UP_S = 60.0
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def free_ports(n: int) -> list[int]:
    """Ports free now; all are held until the last is found, so that they differ."""
    held = [socket.socket() for _ in range(n)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def cpu_s(pid: int) -> float:
    """Seconds of processor a process has used, its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mb(pid: int) -> float:
    """Memory of a process that is in use now [MiB]."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * PAGE / 2**20


def write_city(folder: Path) -> None:
    """A city with one zone and no assets of its own: they are registered in numbers."""
    folder.mkdir(parents=True)
    (folder / "city.toml").write_text(
        f'id = "{CITY}"\nname = {{ ko = "측정", en = "Bench" }}\ntime_zone = "Asia/Seoul"\ncenter = [126.9, 37.2]\n', "utf-8"
    )
    ring = [[126.8, 37.1], [127.0, 37.1], [127.0, 37.3], [126.8, 37.3], [126.8, 37.1]]
    zone = {
        "type": "Feature",
        "id": "all",
        "properties": {"name_ko": "전체", "name_en": "All"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    (folder / "zones.geojson").write_bytes(msgspec.json.encode({"type": "FeatureCollection", "features": [zone]}))


def register(data: Path, stations: Sequence[str], lone: Sequence[str]) -> str:
    """Stations behind one gateway, and stations that are their own device; the gateway's secret."""
    data.mkdir(parents=True)
    records = Records(f"sqlite:///{data / 'records.sqlite'}")
    records.migrate()
    by = By("bench", datetime.now(UTC))
    name = Text("측정", "Bench")
    listed = [Asset(id=GATEWAY, city=CITY, kind="gateway", name=name, state="live")]
    listed += [Asset(id=one, city=CITY, kind="station", name=name, parent=GATEWAY, state="live") for one in stations]
    listed += [Asset(id=one, city=CITY, kind="station", name=name, state="live") for one in lone]
    with records.begin() as connection:
        assets.import_many(connection, listed, by)
        secret = devices.add(connection, devices.Device(id=GATEWAY, asset=GATEWAY, city=CITY, state="live"), by)
        for one in lone:
            devices.add(connection, devices.Device(id=one, asset=one, city=CITY, state="live"), by)
    records.close()
    return secret


class Program:
    """`dure run PART` for each part asked for, or `dure up` for the part ``program``."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self.http_port, self.nats_port, self.mqtt_port = free_ports(3)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        write_city(folder / "city")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def nats_url(self) -> str:
        return f"nats://127.0.0.1:{self.nats_port}"

    def start(self, part: str) -> None:
        environ = os.environ | {
            "DURE_DATA_DIR": str(self.data),
            "DURE_CITY_DIR": str(self.folder / "city"),
            "DURE_HTTP_PORT": str(self.http_port),
            "DURE_NATS_PORT": str(self.nats_port),
            "DURE_MQTT_PORT": str(self.mqtt_port),
            "DURE_OCPP_PORT": "0",
            "DURE_READINGS_PER_MINUTE": str(10**9),
            "DURE_LOG_LEVEL": "warning",
        }
        words = ["up"] if part == "program" else ["run", part]
        with (self.folder / f"{part}.log").open("ab") as lines:
            self._processes[part] = subprocess.Popen(
                [sys.executable, "-m", "dure", *words], env=environ, stdout=lines, stderr=lines
            )

    def pid(self, part: str) -> int:
        """Process id of a part, or of ``nats-server``."""
        if part == "nats-server":
            return int((self.data / "bus" / "nats.pid").read_text("ascii"))
        return self._processes[part].pid

    async def up(self, part: str, asked: Callable[[], Awaitable[bool]]) -> None:
        """Wait until `asked` says yes."""
        deadline = time.monotonic() + UP_S
        while not await asked():
            if self._processes[part].poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{part} is not up:\n{(self.folder / f'{part}.log').read_text('utf-8')[-2_000:]}")
            await asyncio.sleep(0.05)

    async def start_bus(self) -> Bus:
        """The bus, and a connection to it as Dure itself."""
        self.start("bus")
        ready = b"runs"
        await self.up("bus", lambda: _said(self.folder / "bus.log", ready))
        keys = bus_secrets(Secrets.load(self.data))
        return await Bus.connect(self.nats_url, keys.user, keys.password, name="bench")

    async def start_recorder(self, telemetry: RemoteTelemetry) -> None:
        """The recorder; returns when it answers."""

        async def answers() -> bool:
            try:
                await asyncio.to_thread(telemetry.cursor, "OBS")
            except Exception:  # noqa: BLE001  # whatever it is, it is not up
                return False
            return True

        self.start("recorder")
        await self.up("recorder", answers)

    async def start_web(self, part: str = "web") -> None:
        """The web face, or the whole program; returns when it says that all is well."""
        async with httpx.AsyncClient(trust_env=False, timeout=5) as http:

            async def well() -> bool:
                try:
                    return (await http.get(f"{self.url}/api/v1/health")).json()["status"] == "ok"
                except (httpx.HTTPError, ValueError, KeyError):
                    return False

            self.start(part)
            await self.up(part, well)

    def bus_login(self) -> tuple[str, str]:
        """User and password of Dure itself at its bus."""
        keys = bus_secrets(Secrets.load(self.data))
        return keys.user, keys.password

    def address(self) -> Address:
        return msgspec.json.decode((self.data / "address.json").read_bytes(), type=Address)

    def stop(self) -> None:
        """End every part, the bus last."""
        for process in reversed(self._processes.values()):
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


async def _said(file: Path, words: bytes) -> bool:
    return words in file.read_bytes()
