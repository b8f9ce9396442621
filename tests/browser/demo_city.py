"""The demo city with a month of seeded values behind a real HTTP server: SQLite, DuckDB, nats-server, recorder, web."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import random
import re
import shutil
import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvicorn

from dure.city import read_city
from dure.config import Settings
from dure.core.assets import Asset, AssetKinds
from dure.core.observations import Batch, Check, Flag
from dure.core.properties import Properties
from dure.core.time import to_us
from dure.engines.bus import packing
from dure.engines.bus.client import Bus
from dure.engines.bus.server import NatsServer
from dure.engines.bus.settings import BusSecrets, ServerOptions
from dure.engines.bus.streams import StreamPolicy
from dure.engines.clock import FixedClock
from dure.engines.identity.people import People
from dure.engines.records import assets, devices, parked
from dure.engines.records.audit import By
from dure.engines.records.devices import Device
from dure.engines.records.store import Records
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.running.parts import SERVICES, codecs_of
from dure.services.waste.rules import SHIPPED
from dure.spine.directory import Directory
from dure.spine.house import House
from dure.spine.intake import Intake
from dure.spine.judge import Judge
from dure.spine.live import Live, LiveValue
from dure.spine.recorder import Recorder
from dure.web.app import create_app

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SEED = 41_590
PASSWORD = "a long and well kept secret"
# What each station of the test city measures: property -> (middle, daily swing, noise).
WAVES = {
    "air_temperature": (7.0, 5.0, 0.4),
    "relative_humidity": (62.0, -18.0, 2.0),
    "wind_speed": (2.4, 1.0, 0.6),
    "pm2_5": (28.0, 9.0, 3.0),
    "pm10": (46.0, 14.0, 5.0),
    "o3": (0.031, 0.014, 0.002),
    "no2": (0.022, -0.006, 0.002),
    "noise_leq": (58.0, 7.0, 2.0),
}
STEP_US = 600_000_000


def _unpack(payload: bytes) -> list[tuple[str, int, bytes]]:
    return [(one.device, one.received_us, one.payload) for one in packing.unpack(payload)]


def values_of(asset: str, days: float, step_us: int, until_us: int) -> Batch:
    """A seeded series of every wave at one asset: mostly good, some suspect, failed and missing, with a gap."""
    chance = random.Random(f"{SEED}{asset}")  # noqa: S311  # a seeded city, no secret
    keys = [(asset, name) for name in WAVES]
    rows: list[tuple[int, int, float, int, int]] = []
    for series, (middle, swing, noise) in enumerate(WAVES.values()):
        shift = chance.uniform(0.8, 1.2)
        for back in range(int(days * 86_400_000_000 / step_us), -1, -1):
            time_us = until_us - back * step_us
            if 40 <= back <= 52 and step_us == STEP_US:
                continue
            hour = (time_us / 3.6e9 + 9) % 24
            value = shift * middle + swing * math.sin((hour - 9) / 24 * 2 * math.pi) + chance.gauss(0, noise)
            dice = chance.random()
            flag, check = (Flag.SUSPECT, Check.ABOVE_LIKELY) if dice < 0.02 else (Flag.GOOD, Check.NONE)
            if dice > 0.992:
                flag, check, value = Flag.FAIL, Check.ABOVE_POSSIBLE, middle * 9
            if 0.985 < dice <= 0.992:
                flag, check, value = Flag.MISSING, Check.MISSING_VALUE, math.nan
            rows.append((series, time_us, value, flag, check))
    columns = list(zip(*rows, strict=True))
    time = np.array(columns[1], np.int64)
    return Batch(
        keys, np.array(columns[0], np.int32), time, time + 1_000_000, np.array(columns[2], np.float64),
        np.array(columns[3], np.uint8), np.array(columns[4], np.uint8), np.zeros(len(rows), np.int64),
    )  # fmt: skip


def quick_planner(city: Path, copy: Path) -> Path:
    """A copy of the city whose planner searches briefly, as its own rules say."""
    shutil.copytree(city, copy)
    own = copy / "rules" / "waste" / "planning.toml"
    own.parent.mkdir(parents=True)
    words = re.sub(
        r'(id = "search_iterations".*?value = )[\d_]+',
        r"\g<1>60",
        (SHIPPED / "planning.toml").read_text("utf-8"),
        flags=re.DOTALL,
    )
    own.write_text(words, "utf-8")
    return copy


class RunningCity:
    """A house and its server on an event loop of their own; `call` runs a coroutine there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FixedClock(NOW)
        self.secrets: dict[str, str] = {}
        self.made: dict[str, str] = {}  # addresses of what the environment was furnished with
        self._ready = threading.Event()
        self._trouble: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="city")

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(300), "the city did not start"
        if self._trouble is not None:
            raise self._trouble

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(30)

    def call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(600)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            self._trouble = error
            self._ready.set()
            raise

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with contextlib.AsyncExitStack() as stack:
            self.house = await self._build(stack)
            assert self.house.recorder is not None
            recording = asyncio.create_task(self.house.recorder.run())
            listener = socket.socket()
            listener.bind(("127.0.0.1", 0))
            options = uvicorn.Config(
                create_app(self.house), log_level="warning", lifespan="off", timeout_graceful_shutdown=1, ws="none"
            )
            server = uvicorn.Server(options)
            serving = asyncio.create_task(server.serve([listener]))
            while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
                await asyncio.sleep(0.01)
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            self._ready.set()
            await self._stop.wait()
            server.should_exit = True
            await serving
            recording.cancel()
            await asyncio.gather(recording, return_exceptions=True)

    async def _build(self, stack: contextlib.AsyncExitStack) -> House:
        city = read_city(quick_planner(ROOT / "examples/hwaseong", self.folder / "city"))
        keys = BusSecrets.generate()
        nats = NatsServer(ServerOptions(data_dir=self.folder), keys)
        await nats.start()
        stack.push_async_callback(nats.stop)
        bus = await Bus.connect(nats.url, keys.user, keys.password)
        stack.push_async_callback(bus.close)
        await bus.ensure_streams(StreamPolicy(retention_d=1))
        records = Records(f"sqlite:///{self.folder}/records.db")
        stack.callback(records.close)
        records.migrate()
        telemetry = DuckTelemetry(self.folder / "telemetry.duckdb")
        stack.callback(telemetry.close)
        live, properties, kinds = (
            Live(),
            Properties(one for each in SERVICES for one in each.properties()),
            AssetKinds(kind for one in SERVICES for kind in one.kinds()),
        )
        shown = self._register(records, city.assets(), city.id)
        self._fill(telemetry, live, shown)
        directory = Directory(records, city.id)
        await asyncio.to_thread(directory.refresh)
        judge = Judge(directory, properties, _unpack)
        recorder = Recorder(bus, telemetry, records, directory, judge, live, self.clock, quarantine_good_n=1_000_000)
        people = People(records, self.clock)
        self._people(people)
        return House(
            settings=Settings(data_dir=str(self.folder), ocpp_port=0), city=city, clock=self.clock, properties=properties,
            kinds=kinds,
            bus=bus, records=records, telemetry=telemetry, archive=None, people=people, live=live, directory=directory,
            intake=Intake(bus, records, directory, properties, {}, self.clock, city.id), codecs=codecs_of(city),
            services=SERVICES, recorder=recorder,
        )  # fmt: skip

    def _people(self, people: People) -> None:
        self.admin = people.add("admin", "관리자", PASSWORD, ["admin", "operator", "auditor"], By("test", NOW)).id

    def _register(self, records: Records, known: list[Asset], city: str) -> list[str]:
        by = By("test", NOW - timedelta(days=40))
        with records.begin() as connection:
            for number, asset in enumerate(known):
                state = "quarantined" if number in (5, 17) else "live"
                assets.add(connection, Asset(**{**{f: getattr(asset, f) for f in asset.__struct_fields__}, "state": state}), by)
                device = Device(id=f"dev-{asset.id}", asset=asset.id, city=city, state=state)
                self.secrets[asset.id] = devices.add(connection, device, by)
            devices.seen(connection, {f"dev-{asset.id}": NOW - timedelta(seconds=40) for asset in known[:20]})
            parked.park(
                connection,
                [
                    parked.Parked(
                        id=parked.key(n), received_at=NOW - timedelta(minutes=n), way="mqtt", device=f"dev-{n}",
                        code=code, why=why, content=content,
                    )
                    for n, (code, why, content) in enumerate(
                        (
                            ("device.unknown", "There is no device 'dev-0'.", b'{"air_temperature": 12.1}'),
                            ("property.unknown", "The property 'temp' is not registered.", b'{"temp": 12.1}'),
                            ("json.broken", "Not JSON: unexpected end at byte 9.", b'{"pm2_5":'),
                        )
                    )
                ],
            )  # fmt: skip
        return [asset.id for asset in known if asset.kind == "station"]

    def _fill(self, telemetry: DuckTelemetry, live: Live, shown: list[str]) -> None:
        now_us = to_us(NOW)
        for number, asset in enumerate(shown):
            late_us = 8 * 3_600_000_000 if number in (9, 23) else 0
            batch = values_of(asset, 1.0 if number < 3 else 0.02, STEP_US, now_us - late_us - STEP_US // 10)
            telemetry.append(batch, {})
            if number == 0:
                telemetry.append(values_of(asset, 30.0, 3_600_000_000, now_us - 86_400_000_000), {})
            newest: dict[str, LiveValue] = {}
            for series, time_us, value, flag, check in zip(
                batch.series.tolist(), batch.time_us.tolist(), batch.value.tolist(), batch.flag.tolist(), batch.check.tolist(),
                strict=True,
            ):  # fmt: skip
                name = batch.keys[series][1]
                shown_value = None if math.isnan(value) else value
                newest[name] = LiveValue(asset, name, time_us, time_us + 1_000_000, shown_value, flag, check)
            live.load(newest.values())


def post(running: RunningCity, asset: str, readings: list[dict[str, Any]], *, wait: str = "acknowledged") -> int:
    """Send readings as the asset's device does; the HTTP status."""
    answer = httpx.post(
        f"{running.url}/api/v1/readings",
        params={"wait": wait},
        content=json.dumps({"readings": readings}),
        headers={"Authorization": f"Bearer dev-{asset}:{running.secrets[asset]}", "Content-Type": "application/json"},
    )
    return answer.status_code
