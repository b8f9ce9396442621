"""A small real city behind a real HTTP server: SQLite, DuckDB, nats-server and the recorder, in a thread of their own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest
import uvicorn
from fastapi import FastAPI

from dure.city import City, Zone
from dure.config import Settings
from dure.core.access import ROLES, Role
from dure.core.assets import Asset, AssetKind, AssetKinds
from dure.core.geo import Place, Point, at
from dure.core.properties import Properties
from dure.core.text import Text
from dure.engines.bus import packing
from dure.engines.bus.client import Bus, StreamPolicy
from dure.engines.bus.server import NatsServer
from dure.engines.bus.settings import BusSecrets, ServerOptions
from dure.engines.clock import FixedClock
from dure.engines.identity.people import People
from dure.engines.records import assets, devices
from dure.engines.records.audit import By
from dure.engines.records.devices import Device
from dure.engines.records.store import Records
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.services.environment.model import KINDS, PROPERTIES
from dure.spine.directory import Directory
from dure.spine.house import House
from dure.spine.intake import Intake
from dure.spine.judge import Judge
from dure.spine.live import Live
from dure.spine.recorder import Recorder
from dure.web.app import create_app

CITY = "testville"
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
PER_MINUTE = 5_000
BODY_MAX = 1_048_576
PASSWORD = "a rather long one 42"
AREA = [[[126.8, 37.1], [127.0, 37.1], [127.0, 37.3], [126.8, 37.3], [126.8, 37.1]]]


class RunningCity:
    """A house on its own event loop; `call` runs a coroutine there."""

    def __init__(self, folder: Path, roles: Iterable[Role] = ROLES) -> None:
        self.folder = folder
        self.roles = roles
        self.house: House
        self.url = ""
        self.secrets: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self.persons: dict[str, str] = {}
        self.clock = FixedClock(NOW)
        self._ready = threading.Event()
        self._trouble: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="city")

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(60), "the city did not start"
        if self._trouble is not None:
            raise self._trouble

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        assert not self._thread.is_alive()

    @property
    def app(self) -> FastAPI:
        return self.server.config.app

    def adopt(self, asset: str, parent: str | None) -> None:
        """Put an asset below another, or on its own."""
        with self.house.records.begin() as connection:
            moved = msgspec.structs.replace(assets.get(connection, asset), parent=parent)
            assets.update_one(connection, moved, By("test", self.clock.now()))
        self.clock.advance(timedelta(seconds=1))
        self.call(self.house.directory.changed())

    def call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

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
            house = await self._build(stack)
            self.house = house
            assert house.recorder is not None
            recording = asyncio.create_task(house.recorder.run())
            server, listener = _server(house)
            serving = asyncio.create_task(server.serve([listener]))
            while not server.started:  # noqa: ASYNC110  # uvicorn tells by a flag, not by an event
                await asyncio.sleep(0.01)
            self.server = server
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            self._ready.set()
            await self._stop.wait()
            server.should_exit = True
            await serving
            recording.cancel()
            await asyncio.gather(recording, return_exceptions=True)

    async def _build(self, stack: contextlib.AsyncExitStack) -> House:
        keys = BusSecrets.generate()
        self.nats = NatsServer(ServerOptions(data_dir=self.folder), keys)
        await self.nats.start()
        stack.push_async_callback(self.nats.stop)
        bus = await connect(self.nats, keys)
        stack.push_async_callback(bus.close)
        await bus.ensure_streams(StreamPolicy(retention_d=1))
        records = Records(f"sqlite:///{self.folder}/records.db")
        stack.callback(records.close)
        records.migrate()
        telemetry = DuckTelemetry(self.folder / "telemetry.duckdb")
        stack.callback(telemetry.close)
        properties, kinds, live = Properties(PROPERTIES), AssetKinds([*KINDS, HIDDEN_KIND]), Live()
        directory = Directory(records, CITY)
        await directory.follow(bus)
        intake = Intake(bus, records, directory, properties, {}, self.clock, CITY)
        judge = Judge(directory, properties, unpack)
        recorder = Recorder(bus, telemetry, records, directory, judge, live, self.clock, quarantine_good_n=1_000_000)
        self._register(records)
        return House(
            settings=Settings(data_dir=str(self.folder), readings_per_minute=PER_MINUTE, request_bytes_max=BODY_MAX),
            city=city(self.folder),
            clock=self.clock,
            properties=properties,
            kinds=kinds,
            bus=bus,
            records=records,
            telemetry=telemetry,
            archive=None,  # type: ignore[arg-type]  # the API does not ask the archive
            people=self._admit(records),
            live=live,
            directory=directory,
            intake=intake,
            codecs={},
            recorder=recorder,
        )

    def _admit(self, records: Records) -> People:
        """One person of each role, signed in."""
        people = People(records, self.clock)
        for role in self.roles:
            self.persons[role] = people.add(role, role, PASSWORD, [role], By("test", NOW)).id
            self.tokens[role] = people.sign_in(role, PASSWORD, NOW).token
        return people

    def _register(self, records: Records) -> None:
        by = By("test", NOW)
        with records.begin() as connection:
            for id_, kind, state, lon in ASSETS:
                place = at(lon, 37.2)
                attributes = {"zone": "z1", "serial": "SN-SECRET"}
                asset = Asset(id=id_, city=CITY, kind=kind, name=Text(f"관측소 {id_}", f"Station {id_}"), place=place,
                              state=state, attributes=attributes)  # fmt: skip
                assets.add(connection, asset, by)
                self.secrets[id_] = devices.add(
                    connection, Device(id=f"dev-{id_}", asset=id_, city=CITY, state=DEVICE_STATE[state]), by
                )


DEVICE_STATE = {"live": "live", "quarantined": "quarantined"}
HIDDEN_KIND = AssetKind("vault", Text("금고", "Vault"), "test", public=False)
KIND = next(iter(KINDS)).id
ASSETS = (
    *((f"st-{n:02}", KIND, "live", 126.81 + n / 100) for n in range(1, 13)),
    ("st-new", KIND, "quarantined", 126.9),
    ("st-hidden", "vault", "live", 126.9),
)


def unpack(payload: bytes) -> list[tuple[str, int, bytes]]:
    return [(one.device, one.received_us, one.payload) for one in packing.unpack(payload)]


async def connect(nats: NatsServer, keys: BusSecrets) -> Bus:
    return await Bus.connect(nats.url, keys.user, keys.password)


def city(folder: Path) -> City:
    zone = Zone("z1", Text("첫째 동", "First"), Place("Polygon", AREA), "4159000000")
    return City(
        id=CITY,
        name=Text("시험시", "Testville"),
        country="KR",
        zone=ZoneInfo("Asia/Seoul"),
        languages=("ko", "en"),
        zones=[zone],
        center=Point(126.9, 37.2),
        bounds=(126.8, 37.1, 127.0, 37.3),
        folder=folder,
        attributions=[Text("시험 자료", "Test data")],
        seed=1,
    )


def _server(house: House) -> tuple[uvicorn.Server, socket.socket]:
    # With its protocol named, asyncio sets TCP_NODELAY; without, every small answer would wait 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(house), log_level="warning", lifespan="off", timeout_graceful_shutdown=1, ws="none")
    return uvicorn.Server(config), listener


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """The running city."""
    one = RunningCity(tmp_path_factory.mktemp("city"))
    one.start()
    yield one
    one.stop()


def client(running: RunningCity, token: str = "") -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.Client(base_url=f"{running.url}/api/v1", headers=headers, timeout=20)


@pytest.fixture(scope="session")
def public(running):
    """A visitor."""
    with client(running) as one:
        yield one


@pytest.fixture(scope="session")
def operator(running):
    """An operator who is signed in."""
    with client(running, running.tokens["operator"]) as one:
        yield one


@pytest.fixture(scope="session")
def admin(running):
    """An admin who is signed in."""
    with client(running, running.tokens["admin"]) as one:
        yield one


@pytest.fixture
def send(running, public):
    """Post a body as the device of an asset."""

    def post(asset: str, body: Any, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer dev-{asset}:{running.secrets[asset]}"} | options.pop("headers", {})
        sent = {"content": body} if isinstance(body, bytes) else {"json": body}
        return public.post("/readings", headers=headers, **sent, **options)

    return post
