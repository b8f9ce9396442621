"""`dure up` and `dure work`: a house in one process, and more processes for its heavy work."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import structlog

from dure.core.errors import ConfigError
from dure.engines.jobs.pool import PoolJobs
from dure.engines.jobs.queue import QueueJobs
from dure.running.bus_part import read_address
from dure.running.first_admin import first_admin
from dure.running.one_part import city_of
from dure.running.parts import ALL, open_house
from dure.running.serving import served
from dure.services.buildings import simulate as meters
from dure.services.buildings.simulating.demo_began import began, keep
from dure.services.buildings.simulating.demo_office import DemoOffice
from dure.services.carbon import simulate as carbon
from dure.services.carbon.simulating import demo_people
from dure.services.charging import simulate as charging
from dure.services.charging.central import central
from dure.services.charging.simulating import demo_cards
from dure.services.charging.simulating.demo_study import DemoStudy
from dure.services.environment.simulate import backfill, fill_in, simulate
from dure.services.environment.virtual_weather import climate_of, weather_history
from dure.services.waste import simulate as bins
from dure.services.waste.simulating.demo_crew import DemoCrew
from dure.spine.repeating import Round, repeat_all
from dure.spine.seeding import read_secrets
from dure.spine.virtual_devices import Connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rich.console import Console

    from dure.city import City
    from dure.config import Settings
    from dure.running.first_admin import FirstAdmin
    from dure.spine.house import House

log = structlog.get_logger("dure")

DEMO_PAST_DAYS = 7
BINS_PAST_DAYS = 14  # a bin is emptied every few days: a rate needs some of them
CREW_S = 60.0
OFFICE_S = 20.0
STUDY_S = 15.0


def demo_city() -> Path:
    """Folder of the demo city: in the installed package, or beside the source."""
    inside = Path(str(resources.files("dure"))) / "examples" / "hwaseong"
    beside = Path(str(resources.files("dure"))).parents[1] / "examples" / "hwaseong"
    for folder in (inside, beside):
        if folder.exists():
            return folder
    raise ConfigError("city.no_demo", "This installation has no demo city. Name a city's folder with --city.")


async def up(settings: Settings, out: Console, *, demo: bool = False) -> None:
    """Everything in one process, until cancelled."""
    city = city_of(settings)
    async with started(settings, city) as (house, url):
        admin = await first_admin(house)
        _welcome(house, url, out, admin)
        if demo:
            for one in await asyncio.to_thread(demo_people.make, house):
                words = f"  sign in     {one.login} / [bold]{one.password}[/]   ({one.role}; shown this once; also in {one.file})"
                out.print(words, soft_wrap=True)
            await _play(house, url)
        await asyncio.Event().wait()


@asynccontextmanager
async def started(settings: Settings, city: City) -> AsyncIterator[tuple[House, str]]:
    """A whole house with its web face; the house and its address."""
    async with open_house(settings, city, parts=ALL) as house, served(house) as url:
        yield house, url


@asynccontextmanager
async def show_web(house: House, out: Console) -> AsyncIterator[None]:
    """The web face of a house in a process of its own."""
    async with served(house) as url:
        _welcome(house, url, out, await first_admin(house))
        yield


async def work(settings: Settings, concurrent: int) -> None:
    """Take jobs from the queue until cancelled."""
    async with open_house(settings, city_of(settings), parts=frozenset()) as house:
        pool = PoolJobs(concurrent or settings.workers)
        queue = await QueueJobs.open(house.bus, replicas=settings.stream_replicas)
        try:
            await queue.work(pool, concurrent=concurrent or settings.workers or 1)
        finally:
            await pool.close()


async def _play(house: House, url: str) -> None:
    """The simulated stations and bins of the demo city, with a past at the first start."""
    address = read_address(house.settings)
    secrets = read_secrets(house.settings.data)
    connection = Connection(mqtt_host="127.0.0.1", mqtt_port=address.mqtt_port, http_url=url, secrets=secrets)
    async with asyncio.TaskGroup() as group:
        group.create_task(_play_charging(house, connection))
        if not house.live.all():
            filled = await backfill(house.city, connection, house.clock, days=DEMO_PAST_DAYS)
            log.info("demo.past", readings=filled)
            group.create_task(_fill_in(house, connection))  # the rest of the last day comes in while the stations speak already
        group.create_task(simulate(house.city, connection, house.clock))
        group.create_task(carbon.simulate(house, connection))
        group.create_task(_play_bins(house, connection))
        group.create_task(_play_meters(house, connection))


async def _play_bins(house: House, connection: Connection) -> None:
    """The simulated bins and their crew."""
    known = bins.bins_simulated(house.city, house.clock.now())
    crew = DemoCrew(house, known)
    if not any(house.live.of_asset(one.bin.id) for one in known):
        await crew.begin(BINS_PAST_DAYS)
        filled = await bins.backfill(house.city, connection, house.clock, crew.emptied, days=BINS_PAST_DAYS)
        log.info("demo.past", readings=filled, of="bins")
    await crew.look()
    async with asyncio.TaskGroup() as group:
        group.create_task(bins.simulate(house.city, connection, house.clock, crew.emptied))
        group.create_task(repeat_all((Round("demo crew", CREW_S, crew.look),), log, "demo"))


async def _play_meters(house: House, connection: Connection) -> None:
    """The simulated meters of the buildings; months of them, and of the weather they depend on, at the first start."""
    start = await asyncio.to_thread(began, house.settings.data, house.clock.now())
    known = meters.meters_simulated(house.city, start.began_at)
    if not known:
        return
    climate = climate_of(house.city)
    office = DemoOffice(house, known, climate)
    async with asyncio.TaskGroup() as group:
        group.create_task(meters.simulate(house.city, connection, house.clock, known, climate))
        group.create_task(repeat_all((Round("demo office", OFFICE_S, office.look),), log, "demo"))
        if not start.past_sent:
            stations = sorted({one.station for one in known if one.station})
            span = meters.weather_span(start.began_at, DEMO_PAST_DAYS)
            weather = await weather_history(house.city, connection, climate, stations, span)
            filled = await meters.backfill(house.city, connection, known, climate)
            bills = await office.begin()
            log.info("demo.past", readings=filled, of="meters", weather=weather, bills=bills)
            await asyncio.to_thread(keep, house.settings.data, msgspec.structs.replace(start, past_sent=True))


async def _play_charging(house: House, connection: Connection) -> None:
    """The simulated charging sites, their drivers and their cards; days of them at the first start."""
    stations = central.of(house)
    if stations is None or not stations.port:
        return
    await asyncio.to_thread(demo_cards.register, house)
    how = charging.How(url=f"ws://127.0.0.1:{stations.port}/ocpp", folder=house.settings.data)
    async with asyncio.TaskGroup() as group:
        group.create_task(charging.simulate(house.city, connection, house.clock, how))
        group.create_task(repeat_all((Round("demo study", STUDY_S, DemoStudy(house).look),), log, "demo"))


async def _fill_in(house: House, connection: Connection) -> None:
    log.info("demo.past", readings=await fill_in(house.city, connection, house.clock), of="the last day, densely")


def _welcome(house: House, url: str, out: Console, admin: FirstAdmin | None) -> None:
    address = read_address(house.settings)
    out.print(f"\n[bold]{house.city.name.ko} · {house.city.name.en}[/]")
    out.print(f"  live map    [link={url}/ko/]{url}/ko/[/]   ·   {url}/en/")
    out.print(f"  MQTT        {address.mqtt_host}:{address.mqtt_port}   topic up/{house.city.id}/DEVICE")
    stations = central.of(house)
    if stations is not None and stations.port:
        out.print(f"  OCPP        ws://{house.settings.ocpp_host}:{stations.port}/ocpp/STATION")
    if admin is not None:
        out.print(
            f"  sign in     {admin.login} / [bold]{admin.password}[/]   (shown this once; also in {admin.file})", soft_wrap=True
        )
    out.print(f"  data        {house.settings.data.resolve()}", soft_wrap=True)
    out.print("  Ctrl-C ends.\n")
