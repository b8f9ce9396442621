"""Puts a house together and runs it: all in one process (`dure up`), or one part in each (`dure run PART`)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import TYPE_CHECKING

import structlog

from dure.core.assets import AssetKinds
from dure.core.errors import ConfigError, Corrupt, Unavailable
from dure.core.properties import Properties
from dure.engines.archive.folder import Archive
from dure.engines.bus.client import Bus
from dure.engines.bus.packing import unpack
from dure.engines.clock import SystemClock
from dure.engines.identity.people import People
from dure.engines.identity.secrets import Secrets
from dure.engines.jobs.pool import PoolJobs
from dure.engines.records.store import Records
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.protocols.codec_model import load_codec
from dure.running.bus_part import open_bus, watch_devices
from dure.services.buildings.service import BuildingsService
from dure.services.carbon.service import CarbonService
from dure.services.charging.central import central
from dure.services.charging.service import ChargingService
from dure.services.environment.service import EnvironmentService
from dure.services.waste.service import WasteService
from dure.spine import changes
from dure.spine.assessing import Assessors
from dure.spine.bridge import Bridge
from dure.spine.directory import Directory
from dure.spine.downlinks import forward_downlinks
from dure.spine.house import House, Service
from dure.spine.intake import Intake
from dure.spine.judge import Judge
from dure.spine.live import Live
from dure.spine.rebuild import rebuild_if_empty
from dure.spine.recorder import Recorder
from dure.spine.remote import RemoteTelemetry, serve_telemetry
from dure.spine.repeating import keep_going
from dure.spine.room import Room
from dure.spine.seeding import seed
from dure.spine.upkeep import Upkeep

if TYPE_CHECKING:
    from dure.city import City
    from dure.config import Settings
    from dure.core.time import Clock
    from dure.engines.telemetry.port import Telemetry
    from dure.protocols.codec_model import Codec

log = structlog.get_logger("dure")
RECORDS_FILE = "records.sqlite"  # in the data folder, where no other engine is named

SERVICES: tuple[Service, ...] = (EnvironmentService(), WasteService(), BuildingsService(), ChargingService(), CarbonService())
SERVICE_NAMES = tuple(service.name for service in SERVICES)
PARTS = ("bus", "recorder", "csms", "web", *SERVICE_NAMES)
ALL = frozenset(PARTS)
CATCH_UP_S = 1.0


def properties_of(city: City, services: Sequence[Service] = SERVICES) -> Properties:
    """What the services measure, with the city's own ranges."""
    found = Properties(one for service in services for one in service.properties())
    city.apply_ranges(found)
    return found


def refuse_short_retention(properties: Properties, stream_retention_d: int) -> None:
    """Raw rows must outlive the stream: a message read again could otherwise not be recognised as one already kept."""
    for one in properties:
        if one.retention_d <= stream_retention_d:
            raise ConfigError(
                "config.retention",
                f"{one.id}: retention_d is {one.retention_d}; it must be above stream_retention_d, {stream_retention_d}.",
            )


def codecs_of(city: City) -> dict[str, Codec]:
    """Shipped payload codecs, and the city's own, which win."""
    shipped = (file for file in (resources.files("dure.protocols") / "codecs").iterdir() if file.name.endswith(".toml"))
    found = {file.name.removesuffix(".toml"): load_codec(file.read_text("utf-8"), file.name) for file in shipped}
    return found | {path.stem: load_codec(path.read_text("utf-8"), str(path)) for path in city.codecs}


def records_of(settings: Settings) -> Records:
    """The records a settings names."""
    return Records(settings.records_url or f"sqlite:///{settings.data / RECORDS_FILE}")


def open_telemetry(settings: Settings, properties: Properties) -> Telemetry:
    """The telemetry this process writes. A DuckDB file that cannot be read is moved aside, never deleted."""
    if settings.telemetry_url:
        from dure.engines.telemetry.clickhouse import ClickHouseTelemetry  # noqa: PLC0415  # loaded only where it is used

        return ClickHouseTelemetry(settings.telemetry_url, vectors=_vectors(properties))
    file = settings.data / "telemetry.duckdb"
    try:
        return DuckTelemetry(file, vectors=_vectors(properties))
    except Corrupt as error:
        aside = file.with_name(f"telemetry.broken-{datetime.now(UTC):%Y%m%dT%H%M%S}.duckdb")
        for suffix in ("", ".wal"):
            with suppress(FileNotFoundError):
                os.replace(f"{file}{suffix}", f"{aside}{suffix}")  # noqa: PTH105  # one name with a suffix, not a path
        log.error("telemetry.moved_aside", to=str(aside), why=error.message, hint="rebuilding from archive and stream")  # noqa: TRY400
        return DuckTelemetry(file, vectors=_vectors(properties))


def _vectors(properties: Properties) -> Callable[[str], bool]:
    def is_vector(property_id: str) -> bool:
        known = properties.get(property_id)
        return known is not None and known.aggregate == "vector"

    return is_vector


class Running:
    """The tasks of a house: one that fails is logged and started again, each time a little later."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def spawn(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Keep `work` going until the house closes. Work that returns is done."""
        self._tasks.append(asyncio.create_task(keep_going(name, work, log), name=name))

    async def close(self) -> None:
        """Cancel in reverse order of start, waiting for each."""
        for task in reversed(self._tasks):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def open_house(
    settings: Settings, city: City, *, parts: frozenset[str] = ALL, clock: Clock | None = None
) -> AsyncIterator[House]:
    """A running house with the parts asked for (all but the web's own server, which `web.serve` runs)."""
    async with AsyncExitStack() as stack:
        house = await _furnish(settings, city, parts, clock or SystemClock(), stack)
        running = Running()
        stack.push_async_callback(running.close)
        if "recorder" in parts and house.recorder is not None:
            await _start_recorder(house, house.recorder, running, stack)
        elif parts != {"bus"}:
            await _follow_recorder(house, parts, running)
        if "csms" in parts:
            await stack.enter_async_context(central.opened(house))
        for service in SERVICES:
            if service.name in parts:
                running.spawn(service.name, lambda service=service: service.run(house))  # type: ignore[misc]  # bound now
        if "web" in parts:
            for integration in city.integrations:
                bridge = Bridge(integration, house.intake)
                running.spawn(f"bridge {integration.id}", bridge.run)
                stack.push_async_callback(await forward_downlinks(house.bus, city.id, house.directory, bridge))
        yield house


async def _follow_recorder(house: House, parts: frozenset[str], running: Running) -> None:
    """Hear what another process records. A part starts without it, in any order; a command needs its answer now."""
    await changes.follow(house.bus, house.city.id, house.live)
    if parts:
        running.spawn("newest values", lambda: _catch_up(house))
    else:
        house.live.take(await changes.newest(house.telemetry))


async def _catch_up(house: House) -> None:
    waits = False
    while True:
        try:
            house.live.take(await changes.newest(house.telemetry))
        except Unavailable as error:
            if not waits:
                log.warning("recorder.not_there", code=error.code, hint="values come as soon as `dure run recorder` is up")
            waits = True
            await asyncio.sleep(CATCH_UP_S)
        else:
            return


async def _furnish(settings: Settings, city: City, parts: frozenset[str], clock: Clock, stack: AsyncExitStack) -> House:
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    secrets = Secrets.load(settings.data)
    properties = properties_of(city)
    refuse_short_retention(properties, settings.stream_retention_d)
    kinds = AssetKinds(kind for service in SERVICES for kind in service.kinds())
    records = records_of(settings)
    stack.callback(records.close)
    await asyncio.to_thread(records.migrate)
    await asyncio.to_thread(seed, records, city, settings.data, clock.now())
    bus = await open_bus(settings, city, secrets, records, clock, parts, stack)
    telemetry = await _open_telemetry(settings, city, properties, bus, parts, stack)
    directory = Directory(records, city.id)
    await asyncio.to_thread(directory.refresh)
    await directory.follow(bus)
    if "bus" in parts:
        await watch_devices(settings, city, secrets, records, directory, bus, clock, stack)
    codecs = codecs_of(city)
    live = Live()
    jobs = PoolJobs(settings.workers)  # its processes begin with the first job
    stack.push_async_callback(jobs.close)
    house = House(
        settings=settings,
        city=city,
        clock=clock,
        properties=properties,
        kinds=kinds,
        bus=bus,
        records=records,
        telemetry=telemetry,
        archive=Archive(settings.archive, city.id, kind_of=lambda asset: kind_of(directory, asset)),
        people=People(records, clock, timedelta(hours=settings.session_h)),
        live=live,
        directory=directory,
        intake=Intake(
            bus, records, directory, properties, codecs, clock, city.id, has_room=Room(settings.data, settings.disk_free_min_mb)
        ),
        codecs=codecs,
        services=SERVICES,
        jobs=jobs,
    )
    if "recorder" in parts:
        house.recorder = _recorder_of(house)
    return house


def kind_of(directory: Directory, asset: str) -> str:
    """Kind of an asset, empty when unknown."""
    entry = directory.asset(asset)
    return entry.kind if entry else ""


def _recorder_of(house: House) -> Recorder:
    judge = Judge(house.directory, house.properties, _unpacked)
    house.directory.on_change(judge.forget)
    return Recorder(
        house.bus,
        house.telemetry,
        house.records,
        house.directory,
        judge,
        house.live,
        house.clock,
        assessors=Assessors([one for service in house.services if (one := service.assessor(house)) is not None]),
        quarantine_good_n=house.settings.quarantine_good_n,
        on_change=changes.teller(house.bus, house.city.id),
    )


def _unpacked(payload: bytes) -> list[tuple[str, int, bytes]]:
    return [(one.device, one.received_us, one.payload) for one in unpack(payload)]


async def _open_telemetry(  # what telemetry is made of
    settings: Settings, city: City, properties: Properties, bus: Bus, parts: frozenset[str], stack: AsyncExitStack
) -> Telemetry:
    if "recorder" not in parts and not settings.telemetry_url:
        return RemoteTelemetry(bus, city.id, asyncio.get_running_loop())
    telemetry = await asyncio.to_thread(open_telemetry, settings, properties)
    stack.push_async_callback(asyncio.to_thread, telemetry.close)
    return telemetry


async def _start_recorder(house: House, recorder: Recorder, running: Running, stack: AsyncExitStack) -> None:
    await asyncio.to_thread(rebuild_if_empty, house.telemetry, house.archive)
    await changes.load(house.telemetry, house.live)
    stack.push_async_callback(await serve_telemetry(house.bus, house.telemetry, house.city.id))
    running.spawn("recorder", recorder.run)
    running.spawn("upkeep", Upkeep(house).run)
