"""Downloads of observations as CSV, GeoJSON and Parquet, streamed: memory holds one part at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import msgspec
import numpy as np
from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from dure.core.access import may
from dure.core.observations import Batch, Flag
from dure.core.time import to_us
from dure.web.api.answers import GEOJSON, encode, told
from dure.web.api.permits import SeesPublicData
from dure.web.api.queries import AsOf, CheckedRoute, OfSeries, Spanned, ids, instant_us, span
from dure.web.api.register import GEOJSON_SCHEMA
from dure.web.api.sight import Sight
from dure.web.api.values import check_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from dure.core.assets import Asset
    from dure.core.observations import SeriesKey
    from dure.engines.telemetry.port import SeriesColumns
    from dure.spine.house import House

LONGEST = timedelta(days=3_660)
USUAL = timedelta(days=1)
SERIES_BY_SERIES_MAX = 200  # more are read day by day, all at once
DAY_US = 86_400_000_000
PARQUET = "application/vnd.apache.parquet"
COLUMNS = ("asset", "property", "time", "result_time", "value", "unit", "flag", "check")
_BINARY = {"type": "string", "format": "binary"}


class ExportQuery(OfSeries, Spanned, AsOf):
    """Which observations; all series when none is named."""


class Export(msgspec.Struct, frozen=True, eq=False):
    """What a download holds."""

    keys: frozenset[SeriesKey]
    start_us: int
    end_us: int
    as_of_us: int | None
    everything: bool


def parts(house: House, wanted: Export) -> Iterator[Batch]:
    """The rows of a download, part by part."""
    if len(wanted.keys) <= SERIES_BY_SERIES_MAX:
        found = (_one_series(house, key, wanted) for key in sorted(wanted.keys))
    else:
        found = (
            batch
            for day_us in range(wanted.start_us, wanted.end_us, DAY_US)
            for batch in house.telemetry.day(day_us, min(day_us + DAY_US, wanted.end_us))
        )
    for batch in found:
        chosen = batch.take(_rows(batch, wanted))
        if len(chosen):
            yield chosen


def _one_series(house: House, key: SeriesKey, wanted: Export) -> Batch:
    columns: SeriesColumns = house.telemetry.series(key, wanted.start_us, wanted.end_us, as_of_us=wanted.as_of_us)
    series = np.zeros(len(columns.time_us), np.int32)
    return Batch([key], series, columns.time_us, columns.result_us, columns.value, columns.flag, columns.check, columns.seq)


def _rows(batch: Batch, wanted: Export) -> NDArray[np.bool_]:
    known = np.array([tuple(key) in wanted.keys for key in batch.keys], bool)
    chosen: NDArray[np.bool_] = known[batch.series] if len(batch) else np.empty(0, bool)
    if wanted.as_of_us is not None:
        chosen &= batch.result_us <= wanted.as_of_us
    if not wanted.everything:
        chosen &= (batch.flag == Flag.GOOD) | (batch.flag == Flag.SUSPECT)
    return chosen


def _instants(us: NDArray[np.int64]) -> list[str]:
    times = us.astype("datetime64[us]")
    if (us % 1_000_000).any():
        return [f"{text}Z" for text in np.datetime_as_string(times, unit="us").tolist()]
    return [f"{text}Z" for text in np.datetime_as_string(times, unit="s").tolist()]


def csv_lines(batches: Iterator[Batch], unit_of: Callable[[str], str]) -> Iterator[bytes]:
    """CSV with a header; an empty value is a missing one."""
    yield (",".join(COLUMNS) + "\n").encode()
    for batch in batches:
        heads = [f"{asset},{name}" for asset, name in batch.keys]
        units = [unit_of(name) for _, name in batch.keys]
        columns = (
            batch.series.tolist(),
            _instants(batch.time_us),
            _instants(batch.result_us),
            batch.value.tolist(),
            batch.flag.tolist(),
            batch.check.tolist(),
        )
        yield "".join(
            f"{heads[series]},{time},{result},{_number(value)},{units[series]},{flag},{check_name(check)}\n"
            for series, time, result, value, flag, check in zip(*columns, strict=True)
        ).encode()


def _number(value: float) -> str:
    return "" if math.isnan(value) else repr(value)


def geojson_lines(batches: Iterator[Batch], assets: Mapping[str, Asset]) -> Iterator[bytes]:
    """A FeatureCollection with one feature per observation, at its asset's place."""
    yield b'{"type":"FeatureCollection","features":['
    comma = b""
    for batch in batches:
        places = [encode(assets[asset].place if asset in assets else None) for asset, _ in batch.keys]
        columns = (batch.series.tolist(), _instants(batch.time_us), batch.value.tolist(), batch.flag.tolist())
        features = []
        for series, time, value, flag in zip(*columns, strict=True):
            asset, name = batch.keys[series]
            words = {"asset": asset, "property": name, "time": time, "value": value, "flag": flag}  # NaN becomes null
            features.append(b'{"type":"Feature","geometry":%b,"properties":%b}' % (places[series], encode(words)))
        yield comma + b",\n".join(features)
        comma = b",\n"
    yield b"]}"


class Exports:
    """The routes of downloads."""

    def __init__(self, house: House, sight: Sight) -> None:
        self._house = house
        self._sight = sight

    async def csv(self, asked: Annotated[ExportQuery, Query()], actor: SeesPublicData) -> Response:
        """Observations as CSV."""
        wanted = await self._wanted(asked, actor)
        lines = csv_lines(parts(self._house, wanted), lambda name: self._house.properties[name].unit)
        return await _download(lines, "text/csv; charset=utf-8", "csv")

    async def geojson(self, asked: Annotated[ExportQuery, Query()], actor: SeesPublicData) -> Response:
        """Observations as GeoJSON."""
        wanted = await self._wanted(asked, actor)
        assets = await self._sight.of(actor)
        return await _download(geojson_lines(parts(self._house, wanted), assets), GEOJSON, "geojson")

    async def _wanted(self, asked: ExportQuery, actor: SeesPublicData) -> Export:
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
        return Export(
            frozenset(keys),
            to_us(interval.start),
            to_us(interval.end),
            instant_us(asked.as_of, "as_of"),
            may(actor, "read", "city_data"),
        )


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
    return router
