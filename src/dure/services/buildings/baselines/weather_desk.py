"""Where weather of a file becomes observations of a station: looked at first, then kept, and the same file once."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from dure.core.errors import InputError
from dure.core.observations import Reading
from dure.core.time import format_instant
from dure.engines.blobs.bus import BusBlobs
from dure.engines.records import assets, audit
from dure.services.buildings.baselines.weather import TEMPERATURE
from dure.services.buildings.baselines.weather_files import WeatherFile, read_weather_file
from dure.services.buildings.importing.bills import RefusedRow
from dure.services.buildings.intervals import import_records
from dure.services.buildings.intervals.import_desk import FOLDER
from dure.services.buildings.intervals.import_records import Import
from dure.spine.directory import IMPORTER

if TYPE_CHECKING:
    from dure.engines.records.audit import By
    from dure.spine.house import House

PART_N = 5_000
AHEAD = timedelta(days=1)
REJECTED_SHOWN = 1_000


class WeatherImport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file of weather; `known` when the same file was kept before."""

    id: str
    station: str
    rows: int
    first: str
    last: str
    fahrenheit: bool
    encoding: str
    rejected: tuple[RefusedRow, ...]
    rejected_n: int
    known: bool = False
    kept: bool = False


class WeatherDesk:
    """Imports of weather of one city."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def preview(self, station: str, body: bytes, sheet: str = "") -> WeatherImport:
        """What a file holds; nothing is kept.

        Raises
        ------
        InputError : the file cannot be used (`read_weather_file`), holds nothing (``weather.empty``), or its times are to come
        NotFound : ``asset.unknown``
        """
        read = await asyncio.to_thread(self._read, station, body, sheet)
        return _told(station, body, read)

    async def keep(self, station: str, body: bytes, by: By, name: str = "", sheet: str = "") -> WeatherImport:
        """Keep the temperatures of a file; the same file again completes what a crash may have left, and adds nothing."""
        read = await asyncio.to_thread(self._read, station, body, sheet)
        told = _told(station, body, read)
        blob = f"{FOLDER}/{hashlib.sha256(body).hexdigest()}"
        await (await BusBlobs.open(self._house.bus)).put(blob, body)
        one, new = await asyncio.to_thread(self._record, told, by, (name, blob))
        readings = [Reading(TEMPERATURE, each.value_c, each.at, station, "Cel") for each in read.rows]
        for part, first in enumerate(range(0, len(readings), PART_N)):
            await self._house.intake.accept(
                IMPORTER,
                readings[first : first + PART_N],
                way="import",
                received_at=by.at,
                msg_id=f"{told.id}:{part}",
            )
        await asyncio.to_thread(self._booked, one)
        return msgspec.structs.replace(told, kept=True, known=not new)

    def _read(self, station: str, body: bytes, sheet: str) -> WeatherFile:
        house = self._house
        if house.properties is not None and house.properties.get(TEMPERATURE) is None:
            raise InputError("weather.property", "This city has no property of air temperature.")
        with house.records.read() as connection:
            one = assets.get(connection, station)
        if one.place is None:
            raise InputError("weather.unplaced", f"{station} has no place, so its weather serves no building.")
        read = read_weather_file(body, house.city.zone, sheet)
        if not read.rows:
            raise InputError("weather.empty", "The file holds no temperature that can be used.")
        if max(row.at for row in read.rows) > house.clock.now() + AHEAD:
            raise InputError("weather.ahead", "The file holds times that are to come.")
        return read

    def _record(self, told: WeatherImport, by: By, where: tuple[str, str]) -> tuple[Import, bool]:
        """The import of the file, and whether it is a new one."""
        words: dict[str, Any] = msgspec.to_builtins(told)
        one = Import(
            id=told.id,
            kind="weather",
            name=where[0][:200],
            sha256=told.id.removeprefix("weather-"),
            person=by.actor,
            imported_at=by.at,
            accepted_n=told.rows,
            rejected_n=told.rejected_n,
            report=words | {"blob": where[1], "booked": False},
        )
        with self._house.records.begin() as connection:
            new = import_records.add(connection, one)
            if new:
                audit.append(connection, by, "write", "asset", told.station, {"weather": {"rows": told.rows, "import": told.id}})
        return one, new

    def _booked(self, one: Import) -> None:
        with self._house.records.begin() as connection:
            import_records.booked(connection, one)


def _told(station: str, body: bytes, read: WeatherFile) -> WeatherImport:
    sha256 = hashlib.sha256(station.encode() + b"\0" + body).hexdigest()
    return WeatherImport(
        id=f"weather-{sha256}",
        station=station,
        rows=len(read.rows),
        first=format_instant(min(one.at for one in read.rows)),
        last=format_instant(max(one.at for one in read.rows)),
        fahrenheit=read.fahrenheit,
        encoding=read.encoding,
        rejected=read.rejected[:REJECTED_SHOWN],
        rejected_n=len(read.rejected),
    )
