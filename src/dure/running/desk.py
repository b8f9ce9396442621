"""What the commands do to a city, running or not: they visit the running one, or open the house for as long as they need it."""

from __future__ import annotations

import asyncio
import csv
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from rich.table import Table

from dure.core.access import ROLES
from dure.core.errors import ConfigError, InputError, NotFound, Unavailable
from dure.core.time import parse_instant, to_us
from dure.engines.archive.export import Selection, csv_chunks, write_parquet
from dure.engines.clock import SystemClock
from dure.engines.identity.people import People
from dure.engines.records import assets, devices
from dure.engines.records.audit import By
from dure.protocols.geojson import feature_collection
from dure.protocols.mapping import load_mapping
from dure.running import backups
from dure.running.bus_part import read_address
from dure.running.importing import Report, add_assets, add_readings, import_file, write_rejected
from dure.running.one_part import city_of
from dure.running.parts import codecs_of, open_house, records_of
from dure.services.buildings.explaining.explain import explain as explain_figure
from dure.services.buildings.explaining.sources import books_of
from dure.services.charging.origin.explaining import explain as explain_origin
from dure.services.charging.sessions.session_records import overlapping
from dure.services.environment.stations import import_station_list
from dure.spine.recorder import stream_name
from dure.web.api.explanations import explain_decision, explain_observation
from dure.web.api.queries import observation_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from datetime import datetime

    from rich.console import Console
    from sqlalchemy import Connection

    from dure.config import Settings
    from dure.core.assets import Asset
    from dure.running.backups import Manifest
    from dure.spine.house import House

SHOWN_REJECTED_MAX = 50
STORED_S = 30.0
LOOK_S = 0.1
COMMAND = "command line"
FAR_US = 2**62


class Asked(msgspec.Struct, frozen=True):
    """What `dure export` is asked for; what is empty does not choose."""

    properties: tuple[str, ...]
    assets: tuple[str, ...]
    start: str
    end: str
    as_of: str


@asynccontextmanager
async def visiting(settings: Settings) -> AsyncIterator[House]:
    """The running city of this data folder; where none runs, the house opens without its web face."""
    city = city_of(settings)
    if await _runs(settings):
        async with open_house(settings, city, parts=frozenset()) as house:
            yield house
    else:
        async with open_house(settings, city, parts=frozenset({"bus", "recorder"})) as house:
            await until_stored(house, (await house.bus.state()).last_seq)
            yield house


async def _runs(settings: Settings) -> bool:
    try:
        address = read_address(settings)
    except ConfigError:
        return False
    host, _, port = address.nats_url.split(",")[0].rpartition("/")[2].rpartition(":")
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host or "127.0.0.1", int(port)), 2)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def import_stations(settings: Settings, file: Path, observed_at: datetime, *, live: bool) -> Report:
    """A list of named stations, each placed by its administrative boundary."""
    with file.open(encoding="utf-8-sig", newline="") as source:
        rows = list(csv.DictReader(source))
    async with visiting(settings) as house:
        found = await asyncio.to_thread(import_station_list, rows, house.city.id, observed_at)
        listed = [msgspec.structs.replace(one, state="live") for one in found.assets] if live else found.assets
        report = Report(rows=len(rows))
        await add_assets(house, listed, found.rejected, report)
        await add_readings(house, found.readings, (), report)
        report.unplaced = [f"{one.name}: {one.why}" for one in found.unplaced]
        await until_stored(house, report.seq)
    return report


async def import_mapped(settings: Settings, file: Path, mapping: Path, step: Callable[[int, int], None]) -> Report:
    """A file as its mapping describes it."""
    form = load_mapping(mapping.read_text("utf-8"), str(mapping))
    async with visiting(settings) as house:
        report = await import_file(house, file, form, step=step)
        await until_stored(house, report.seq)
    return report


async def until_stored(house: House, seq: int) -> None:
    """Leave only when the recorder has come so far, here or in the running city, so that what was imported can be seen."""
    if not seq:
        return
    if house.recorder is not None:
        await house.recorder.wait_for(seq, STORED_S)
        return
    with suppress(TimeoutError, Unavailable):
        async with asyncio.timeout(STORED_S):
            stream = stream_name(await house.bus.state())
            while await asyncio.to_thread(house.telemetry.cursor, stream) < seq:  # noqa: ASYNC110  # it is in another process
                await asyncio.sleep(LOOK_S)


def tell_report(report: Report, out: Console, rejected: Path | None) -> None:
    """Say what became of the rows; every row left out by number."""
    out.print(
        f"{report.rows:,} rows: {report.readings:,} readings, {report.assets_added:,} new and"
        f" {report.assets_changed:,} changed assets, {len(report.rejected):,} rows left out"
    )
    if report.rejected:
        table = Table("row", "code", "why", title="Rows left out")
        for one in report.rejected[:SHOWN_REJECTED_MAX]:
            table.add_row(str(one.row), one.code, one.why)
        out.print(table)
        if len(report.rejected) > SHOWN_REJECTED_MAX:
            out.print(f"… and {len(report.rejected) - SHOWN_REJECTED_MAX:,} more: write them all with --rejected FILE")
    for line in report.unplaced:
        out.print(f"[yellow]without a place[/] {line}")
    if rejected is not None:
        write_rejected(report, rejected)


async def export(settings: Settings, target: Path, asked: Asked) -> int:
    """Write observations as CSV or Parquet, or assets with their newest values as GeoJSON; rows written."""
    form = target.suffix.lower()
    if form not in {".csv", ".parquet", ".geojson"}:
        raise InputError("export.form", f"{target.name!r} should end in .csv, .parquet or .geojson.")
    async with visiting(settings) as house:
        if form == ".geojson":
            return await _export_geojson(house, target)
        selection = await asyncio.to_thread(_selection, house, asked)
        work = _write_csv if form == ".csv" else _write_parquet
        return await asyncio.to_thread(work, house, selection, target)


def _selection(house: House, asked: Asked) -> Selection:
    keys = [
        (asset, property_id)
        for asset, property_id in house.telemetry.keys()  # noqa: SIM118  # a question of the port, not a dict
        if (not asked.assets or asset in asked.assets) and (not asked.properties or property_id in asked.properties)
    ]
    if not keys:
        raise NotFound("export.nothing", "No series fits what was asked for.")
    start_us, end_us, as_of_us = (
        None if not text else to_us(parse_instant(text, house.city.zone)) for text in (asked.start, asked.end, asked.as_of)
    )
    return Selection(keys, start_us or 0, FAR_US if end_us is None else end_us, as_of_us)


def _unit_of(house: House) -> Callable[[str], str]:
    def unit(property_id: str) -> str:
        known = house.properties.get(property_id)
        return known.unit if known else ""

    return unit


def _write_csv(house: House, selection: Selection, target: Path) -> int:
    lines = 0
    with target.open("wb") as file:
        for chunk in csv_chunks(house.telemetry, selection, _unit_of(house), bom=True):
            lines += chunk.count(b"\n")
            file.write(chunk)
    return lines - 1


def _write_parquet(house: House, selection: Selection, target: Path) -> int:
    return write_parquet(house.telemetry, selection, _unit_of(house), target)


async def _export_geojson(house: House, target: Path) -> int:
    def listed() -> Sequence[Asset]:
        with house.records.read() as connection:
            return assets.listing(connection, limit=10_000).items

    found = await asyncio.to_thread(listed)
    values = {one.id: house.live.of_asset(one.id) for one in found}
    target.write_bytes(msgspec.json.encode(feature_collection(found, values)))
    return len(found)


async def explain(settings: Settings, what: str) -> str:
    """The story of an observation, a decision, a figure of buildings or one of the origin ledger, as JSON."""
    async with visiting(settings) as house:
        if what.startswith("charging/"):
            return msgspec.json.encode(await asyncio.to_thread(explain_origin, house, what, overlapping)).decode()
        if "/" in what:
            return msgspec.json.encode(await asyncio.to_thread(explain_figure, books_of(house), what)).decode()
        if ":" in what:
            return msgspec.json.encode(await explain_observation(house, observation_id(what))).decode()
        return msgspec.json.encode(await asyncio.to_thread(explain_decision, house, what)).decode()


async def add_device(settings: Settings, device: str, asset: str, dev_eui: str, codec: str) -> str:
    """Register a device; its secret."""
    city = city_of(settings)
    if codec and codec not in codecs_of(city):
        raise InputError("codec.unknown", f"There is no codec {codec[:80]!r}. docs/en/codecs.md lists them.")
    wanted = devices.Device(id=device, asset=asset, city=city.id, dev_eui=dev_eui or None, codec=codec)
    return await _change(settings, lambda connection, by: devices.add(connection, wanted, by))


async def rotate_device(settings: Settings, device: str) -> str:
    """A new secret."""
    return await _change(settings, lambda connection, by: devices.rotate(connection, device, by))


async def revoke_device(settings: Settings, device: str) -> str:
    """Refuse a device for good; a running house drops its connection."""

    def revoke(connection: Connection, by: By) -> str:
        devices.revoke(connection, device, by)
        return device

    return await _change(settings, revoke)


async def _change(settings: Settings, change: Callable[[Connection, By], str]) -> str:
    """Change the register, and tell the running house, if there is one."""
    records = records_of(settings)
    try:
        records.migrate()
        with records.begin() as connection:
            answer = change(connection, By(COMMAND, SystemClock().now()))
    finally:
        records.close()
    if await _runs(settings):
        try:
            async with open_house(settings, city_of(settings), parts=frozenset()) as house:
                await house.directory.changed()
        except Unavailable:
            pass  # the running house reads the register again within half a minute
    return answer


def add_person(settings: Settings, login: str, name: str, password: str, roles: Sequence[str]) -> None:
    """Add a person with a password."""
    unknown = set(roles) - set(ROLES)
    if unknown:
        raise InputError("role.unknown", f"There is no role {min(unknown)!r}. Roles are {', '.join(ROLES)}.")
    records = records_of(settings)
    try:
        records.migrate()
        wanted = [role for role in ROLES if role in roles]
        People(records).add(login, name, password, wanted, By(COMMAND, SystemClock().now()))
    finally:
        records.close()


async def backup(settings: Settings, folder: Path, step: Callable[[str], None]) -> Manifest:
    """Copy everything into a new folder."""
    async with visiting(settings) as house:
        return await backups.backup(house, folder, step)


def restore(settings: Settings, folder: Path) -> Manifest:
    """Put a backup into a new data folder."""
    made = backups.place_files(folder, settings.data)
    records = records_of(settings)
    try:
        records.restore(folder / "records")
    finally:
        records.close()
    return made
