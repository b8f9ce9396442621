"""Downloads of observations as CSV, GeoJSON and Parquet, streamed: memory holds one part at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast
from uuid import uuid4

import numpy as np
from fastapi import APIRouter, Query
from pydantic import Field
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response, StreamingResponse

from dure.core.access import Actor, may
from dure.core.observations import Flag
from dure.core.time import format_instant, from_us, to_us
from dure.engines.archive.export import Selection, chunks, csv_chunks, write_parquet
from dure.engines.telemetry.port import SeriesColumns
from dure.web.api.answers import GEOJSON, encode, told
from dure.web.api.permits import SeesPublicData
from dure.web.api.queries import AsOf, CheckedRoute, OfSeries, Spanned, ids, instant_us, span
from dure.web.api.register import GEOJSON_SCHEMA
from dure.web.api.sight import Sight

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from dure.core.assets import Asset
    from dure.core.observations import SeriesKey
    from dure.engines.telemetry.port import Telemetry
    from dure.spine.house import House

LONGEST = timedelta(days=3_660)
USUAL = timedelta(days=1)
PARQUET = "application/vnd.apache.parquet"


class ExportQuery(OfSeries, Spanned, AsOf):
    """Which observations; all series when none is named."""


class CsvQuery(ExportQuery):
    """Which observations, and for which program."""

    bom: bool = Field(default=False, description="Begin with a byte order mark, for spreadsheet programs that need one.")


class Sieve:
    """The telemetry as the public sees it: only rows with flag 1 or 3."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def series(
        self, key: SeriesKey, start_us: int, end_us: int, *, as_of_us: int | None = None, limit: int | None = None
    ) -> SeriesColumns:
        """One series in time order; `limit` rows unless there are fewer."""
        found: list[SeriesColumns] = []
        while True:
            read = self._telemetry.series(key, start_us, end_us, as_of_us=as_of_us, limit=limit)
            found.append(_pick(read, (read.flag == Flag.GOOD) | (read.flag == Flag.SUSPECT)))
            if limit is None or len(read.time_us) < limit or sum(len(one.time_us) for one in found) >= limit:
                break
            start_us = int(read.time_us[-1]) + 1
        whole = SeriesColumns(
            *(np.concatenate([getattr(one, name) for one in found]) for name in SeriesColumns.__struct_fields__)
        )
        return whole if limit is None else _pick(whole, slice(limit))


def _pick(columns: SeriesColumns, rows: NDArray[np.bool_] | slice) -> SeriesColumns:
    return SeriesColumns(*(getattr(columns, name)[rows] for name in SeriesColumns.__struct_fields__))


def geojson_chunks(telemetry: Telemetry, selection: Selection, assets: Mapping[str, Asset]) -> Iterator[bytes]:
    """A FeatureCollection with one feature per observation, at its asset's place."""
    yield b'{"type":"FeatureCollection","features":['
    comma = b""
    for (asset, name), found in chunks(telemetry, selection):
        place = encode(assets[asset].place if asset in assets else None)
        times = (format_instant(from_us(us)) for us in found.time_us.tolist())
        features = (
            encode({"asset": asset, "property": name, "time": time, "value": value, "flag": flag})  # NaN becomes null
            for time, value, flag in zip(times, found.value.tolist(), found.flag.tolist(), strict=True)
        )
        yield comma + b",\n".join(b'{"type":"Feature","geometry":%b,"properties":%b}' % (place, one) for one in features)
        comma = b",\n"
    yield b"]}"


class Exports:
    """The routes of downloads."""

    def __init__(self, house: House, sight: Sight) -> None:
        self._house = house
        self._sight = sight

    async def csv(self, asked: Annotated[CsvQuery, Query()], actor: SeesPublicData) -> Response:
        """Observations as CSV, series by series in time order."""
        lines = csv_chunks(self._telemetry(actor), await self._selection(asked, actor), self._unit, bom=asked.bom)
        return await _download(lines, "text/csv; charset=utf-8", "csv")

    async def geojson(self, asked: Annotated[ExportQuery, Query()], actor: SeesPublicData) -> Response:
        """Observations as GeoJSON, one feature each."""
        selection, assets = await self._selection(asked, actor), await self._sight.of(actor)
        return await _download(geojson_chunks(self._telemetry(actor), selection, assets), GEOJSON, "geojson")

    async def parquet(self, asked: Annotated[ExportQuery, Query()], actor: SeesPublicData) -> Response:
        """Observations as one Parquet file."""
        selection = await self._selection(asked, actor)
        folder = self._house.settings.data / "downloads"
        path = folder / f"{uuid4().hex}.parquet"
        try:
            await run_in_threadpool(self._write, selection, actor, path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return FileResponse(
            path, media_type=PARQUET, filename="observations.parquet", background=BackgroundTask(path.unlink, missing_ok=True)
        )

    def _write(self, selection: Selection, actor: Actor, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_parquet(self._telemetry(actor), selection, self._unit, path)

    def _telemetry(self, actor: Actor) -> Telemetry:
        telemetry = self._house.telemetry
        return telemetry if may(actor, "read", "city_data") else cast("Telemetry", Sieve(telemetry))

    def _unit(self, property_id: str) -> str:
        return self._house.properties[property_id].unit

    async def _selection(self, asked: ExportQuery, actor: Actor) -> Selection:
        """The series asked for that the caller may see, all of them when none is named."""
        interval = span(asked.start, asked.end, self._house.clock.now(), usual=USUAL, longest=LONGEST)
        assets, properties = set(ids(asked.asset, "asset id")), set(ids(asked.property, "property id"))
        for name in properties:
            self._house.properties[name]
        seen = await self._sight.of(actor)
        keys = [
            (one.asset, one.property)
            for one in self._house.live.all()
            if one.asset in seen
            and (not assets or one.asset in assets)
            and (not properties or one.property in properties)
            and one.property in self._house.properties
        ]
        return Selection(keys, to_us(interval.start), to_us(interval.end), instant_us(asked.as_of, "as_of"))


async def _download(lines: Iterator[bytes], media_type: str, ending: str) -> Response:
    """The lines as a file. The first parts are made before the answer begins, so that a fault is told with its status."""
    first = [await run_in_threadpool(next, lines), await run_in_threadpool(next, lines, b"")]

    def all_() -> Iterator[bytes]:
        yield from first
        yield from lines

    headers = {"Content-Disposition": f'attachment; filename="observations.{ending}"'}
    return StreamingResponse(all_(), media_type=media_type, headers=headers)


def routes(house: House, sight: Sight) -> APIRouter:
    """Downloads."""
    router = APIRouter(tags=["downloads"], route_class=CheckedRoute)
    exports = Exports(house, sight)
    router.get(
        "/export.csv",
        summary="Download as CSV",
        response_class=Response,
        responses=told({"type": "string"}, 503, media_type="text/csv"),
    )(exports.csv)
    router.get(
        "/export.geojson",
        summary="Download as GeoJSON",
        response_class=Response,
        responses=told(GEOJSON_SCHEMA, 503, media_type=GEOJSON),
    )(exports.geojson)
    router.get(
        "/export.parquet",
        summary="Download as Parquet",
        response_class=Response,
        responses=told({"type": "string", "format": "binary"}, 503, media_type=PARQUET),
    )(exports.parquet)
    return router
