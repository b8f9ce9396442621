"""Routes of the maps: as packed numbers for the map page, as coarse cells for everyone else, and as a table."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.access import Actor, may
from dure.core.text import Text
from dure.core.time import from_us
from dure.services.environment.maps.atlas import LEFT_OUT, NONE, Sheet, sheet_for
from dure.services.environment.maps.surface import NoSurface, Score, Surface
from dure.services.environment.maps.surface_classes import Band
from dure.services.environment.maps.surface_grid import Grid
from dure.services.environment.maps.surface_zones import ZoneValue, by_zone
from dure.services.environment.maps.variogram import Fitted, Variogram
from dure.web.api.answers import GEOJSON, JSON, encode, schema_of, told
from dure.web.api.permits import SeesPublicData
from dure.web.api.queries import CheckedRoute
from dure.web.api.register import GEOJSON_SCHEMA

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dure.spine.house import House

FEATURES_MAX = 600
CSV = "text/csv; charset=utf-8"
NOTE = Text(
    "정상(1) 값만 씁니다. 의심(3) 값은 확인될 때까지 지도에 쓰지 않습니다.",
    "Only good values (flag 1) are used. Suspect values (flag 3) are left out until they are confirmed.",
)


class SurfaceQuery(BaseModel):
    """Which map."""

    property: str = Field(max_length=100, description="Property id.", examples=["pm2_5"])


class Layer(msgspec.Struct, frozen=True):
    """Numbers of the covered cells: int16, little-endian, base64; number times `step` is the value in the unit."""

    step: float
    values: str


class Packed(msgspec.Struct, frozen=True):
    """The cells. `covered` (all cells) and `reliable` (covered cells) are bits, first cell in the highest bit, base64.

    Rows run from north to south, columns from west to east.
    """

    bounds: tuple[float, float, float, float]
    shape: tuple[int, int]
    cell_m: float
    covered: str
    reliable: str
    estimate: Layer
    sd: Layer
    clipped: int


class Station(msgspec.Struct, frozen=True):
    """A station of the map. `code` and `why` say why it is not used; None when it is."""

    asset: str
    name: Text
    time: datetime
    value: float | None
    code: str | None = None
    why: Text | None = None


class Missing(msgspec.Struct, frozen=True):
    """Why there is no map."""

    code: str
    why: Text
    stations: int
    needed: int


class Fit(msgspec.Struct, frozen=True):
    """The variogram used; `reasons` say why another stands in for a fitted one, or what to mind; empty when all is well.

    `moment_sd` joined the nugget: by how much values of a moment scatter about the hourly means it was fitted from.
    """

    variogram: Variogram
    stations: int
    hours: int
    gain: float | None
    moment_sd: float
    reasons: tuple[str, ...]


class MapForm(msgspec.Struct, frozen=True, kw_only=True):
    """A map of one property between the stations. Without `map`, `missing` says why."""

    property: str
    name: Text
    unit: str
    decimals: int
    at: datetime | None
    note: Text
    map: Packed | None
    missing: Missing | None
    classes: list[Band]
    sd_classes: list[Band]
    zones: list[ZoneValue]
    used: list[Station]
    not_used: list[Station]
    fit: Fit | None
    cross_validation: Score | None


def layer(values: NDArray[np.float64], decimals: int) -> Layer:
    """Values as int16, one decimal finer than they are written, coarser where they would not fit."""
    step = 10.0 ** -(decimals + 1)
    while len(values) and np.abs(values).max() / step > 32_000:
        step *= 10
    return Layer(step, base64.b64encode(np.round(values / step).astype("<i2").tobytes()).decode())


def bits(mask: NDArray[np.bool_]) -> str:
    """A mask as base64."""
    return base64.b64encode(np.packbits(mask).tobytes()).decode()


def packed(grid: Grid, surface: Surface, decimals: int) -> Packed:
    """The cells of a map."""
    covered = np.zeros(grid.shape[0] * grid.shape[1], bool)
    covered[grid.cell] = True
    estimate, sd = layer(surface.estimate, decimals), layer(surface.sd, decimals)
    return Packed(grid.bounds, grid.shape, grid.cell_m, bits(covered), bits(surface.reliable), estimate, sd, surface.clipped)


def map_form(house: House, sheet: Sheet, *, everything: bool) -> MapForm:
    """A map for the public or for staff: staff also see the stations that are not public."""
    known, surface, grid = sheet.property, sheet.surface, sheet.grid
    stations = [
        Station(
            one.asset.id,
            one.asset.name,
            from_us(one.value.time_us),
            one.value.value if everything or not one.code or one.code == "suspect" else None,
            one.code or None,
            LEFT_OUT[one.code] if one.code else None,
        )
        for one in sheet.stations
        if everything or one.public
    ]
    missing, cells, score, zones = None, None, None, []
    if isinstance(surface, NoSurface):
        missing = Missing(surface.code, sheet.why_not or NONE["too_few_stations"], surface.sites, surface.needed)
    elif grid is not None:
        cells, score = packed(grid, surface, known.decimals), surface.score
        zones = by_zone(house.city.zones, grid, surface)
    return MapForm(
        property=known.id,
        name=known.name,
        unit=known.unit,
        decimals=known.decimals,
        at=from_us(sheet.at_us) if sheet.at_us is not None else None,
        note=NOTE,
        map=cells,
        missing=missing,
        classes=sheet.bands,
        sd_classes=sheet.sd_bands,
        zones=zones,
        used=[one for one in stations if one.code is None],
        not_used=[one for one in stations if one.code is not None],
        fit=_fit_of(sheet.fitted),
        cross_validation=score,
    )


def _fit_of(fitted: Fitted | None) -> Fit | None:
    if fitted is None:
        return None
    return Fit(fitted.variogram, fitted.stations, fitted.times, fitted.gain, fitted.moment_sd, fitted.reasons)


def coarse(grid: Grid, surface: Surface, decimals: int) -> dict[str, Any]:
    """The map as at most a few hundred squares: mean estimate, root mean square deviation, share of cells to be believed."""
    rows, columns = grid.shape
    row, column = np.divmod(grid.cell, columns)
    side = 1
    while True:
        block = row // side * columns + column // side
        names, group = np.unique(block, return_inverse=True)
        if len(names) <= FEATURES_MAX:
            break
        side += 1
    n = np.bincount(group)
    estimate = np.bincount(group, surface.estimate) / n
    sd = np.sqrt(np.bincount(group, surface.sd**2) / n)
    believed = np.bincount(group, surface.reliable) / n
    west, south, east, north = grid.bounds
    high, wide = (north - south) / rows, (east - west) / columns
    features = []
    for name, middle, spread, share in zip(names.tolist(), estimate.tolist(), sd.tolist(), believed.tolist(), strict=True):
        top, left = divmod(name, columns)
        x0, y0 = west + left * side * wide, north - top * side * high
        x1, y1 = min(east, x0 + side * wide), max(south, y0 - side * high)
        corners = [[round(x, 6), round(y, 6)] for x, y in ((x0, y1), (x1, y1), (x1, y0), (x0, y0), (x0, y1))]
        facts = {"estimate": round(middle, decimals + 1), "sd": round(spread, decimals + 2), "reliable_share": round(share, 2)}
        features.append({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [corners]}, "properties": facts})
    return {"type": "FeatureCollection", "features": features}


def csv_of(grid: Grid, surface: Surface, decimals: int) -> Iterator[str]:
    """Every covered cell as a line."""
    yield "lon,lat,estimate,sd,reliable\n"
    columns = (grid.lon, grid.lat, surface.estimate, surface.sd, surface.reliable)
    for lon, lat, estimate, sd, reliable in zip(*(one.tolist() for one in columns), strict=True):
        yield f"{lon:.6f},{lat:.6f},{estimate:.{decimals + 1}f},{sd:.{decimals + 2}f},{int(reliable)}\n"


class Surfaces:
    """The routes of the maps."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._bodies: dict[tuple[str, str, bool], tuple[str, bytes, str]] = {}

    async def packed(self, request: Request, asked: Annotated[SurfaceQuery, Query()], actor: SeesPublicData) -> Response:
        """The field of one property between its stations, with its error, its stations and how good it is."""
        return await self._answer(request, asked, actor, JSON)

    async def geojson(self, request: Request, asked: Annotated[SurfaceQuery, Query()], actor: SeesPublicData) -> Response:
        """The same as at most 600 squares; empty where there is no map."""
        return await self._answer(request, asked, actor, GEOJSON)

    async def csv(self, request: Request, asked: Annotated[SurfaceQuery, Query()], actor: SeesPublicData) -> Response:
        """The same as one line for each cell; only the heading where there is no map."""
        return await self._answer(request, asked, actor, CSV)

    async def _answer(self, request: Request, asked: SurfaceQuery, actor: Actor, media: str) -> Response:
        known = self._house.properties[asked.property]
        everything = may(actor, "read", "city_data")
        sheet = await sheet_for(request, known)
        key = (known.id, media, everything)
        kept = self._bodies.get(key)
        stamp = f"{sheet.tag}-{sheet.fitted.variogram if sheet.fitted else ''}"
        if kept is None or kept[0] != stamp:
            body = await run_in_threadpool(self._body, sheet, media, everything)
            kept = (stamp, body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
            self._bodies[key] = kept
        headers = {"ETag": kept[2], "Cache-Control": f"{'private' if everything else 'public'}, no-cache"}
        if kept[2] in [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]:
            return Response(status_code=304, headers=headers)
        if media is CSV:
            headers["Content-Disposition"] = f'attachment; filename="{known.id}-map.csv"'
        return Response(kept[1], 200, headers, media)

    def _body(self, sheet: Sheet, media: str, everything: bool) -> bytes:
        drawn = sheet.surface if isinstance(sheet.surface, Surface) else None
        if media is JSON:
            return encode(map_form(self._house, sheet, everything=everything))
        if media is GEOJSON:
            empty = {"type": "FeatureCollection", "features": []}
            return encode(coarse(sheet.grid, drawn, sheet.property.decimals) if drawn and sheet.grid else empty)
        if drawn is None or sheet.grid is None:
            return b"lon,lat,estimate,sd,reliable\n"
        return "".join(csv_of(sheet.grid, drawn, sheet.property.decimals)).encode()


def routes(house: House) -> APIRouter:
    """The routes of the maps."""
    router = APIRouter(tags=["environment"], route_class=CheckedRoute)
    shown_by = Surfaces(house)
    for path, summary, endpoint, schema, media in (
        ("/environment/surface", "Map between stations", shown_by.packed, schema_of(MapForm), JSON),
        ("/environment/surface.geojson", "Map as squares", shown_by.geojson, GEOJSON_SCHEMA, GEOJSON),
        ("/environment/surface.csv", "Map as a table", shown_by.csv, {"type": "string"}, "text/csv"),
    ):
        router.get(path, summary=summary, response_class=Response, responses=told(schema, 404, media_type=media))(endpoint)
    return router
