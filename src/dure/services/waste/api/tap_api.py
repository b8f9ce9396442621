"""What a driver's phone sends and reads: taps, photos, and the routes of today as JSON, GeoJSON and GPX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.engines.blobs.bus import BusBlobs
from dure.engines.records.audit import By
from dure.services.waste.driving import photos, route_files, route_source, tap_desk
from dure.services.waste.driving.route_source import TruckToday
from dure.services.waste.driving.shift import Shift
from dure.services.waste.driving.taps import Tap, TapAnswer
from dure.web.api.answers import GEOJSON, answer, page, page_schema, schema_of, told
from dure.web.api.body import read_body
from dure.web.api.permits import DoesFieldWork, SeesDecisions
from dure.web.api.queries import CheckedRoute, text

if TYPE_CHECKING:
    from dure.spine.house import House

TAPS_BYTES_MAX = 2_000_000
NO_STORE = {"Cache-Control": "no-store"}
TruckId = Annotated[str, Path(max_length=64, description="Id of the truck.", examples=["truck-1"])]


class SpokenQuery(BaseModel):
    """In which language names stand in a file."""

    language: Literal["ko", "en"] = Field("ko", description="Language of the names.")


class Taps(msgspec.Struct, frozen=True):
    """What a phone sends."""

    taps: tuple[Tap, ...]


class Told(msgspec.Struct, frozen=True):
    """An answer for each tap, in the order they came."""

    answers: tuple[TapAnswer, ...]


class Photo(msgspec.Struct, frozen=True):
    """A kept photo: its name goes into the tap."""

    photo: str


class FieldRoutes:
    """The routes of the driver's phone."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def take(self, request: Request, actor: DoesFieldWork) -> Response:
        """Keep taps. Each has its own answer; the same tap sent twice is one, and none is lost."""
        taps = tap_desk.read_taps(await read_body(request, TAPS_BYTES_MAX))
        by = By(actor.id, self._house.clock.now())
        found = await run_in_threadpool(tap_desk.take, self._house.records, taps, by)
        return answer(Told(tuple(found)))

    async def photo(self, request: Request, _: DoesFieldWork) -> Response:
        """Keep a photo (JPEG, PNG or WebP) without what the camera wrote into it; sent twice, it is one."""
        data = await read_body(request, photos.PHOTO_BYTES_MAX)
        return answer(Photo(await photos.keep(await BusBlobs.open(self._house.bus), data)), 201)

    async def trucks(self, request: Request, _: SeesDecisions) -> Response:
        """Trucks with a route today."""
        return page(request, await run_in_threadpool(self._trucks), None)

    async def route(self, truck: TruckId, _: SeesDecisions) -> Response:
        """The route of a truck today as it stands."""
        return answer(await run_in_threadpool(self._shift, text(truck, "truck")), headers=NO_STORE)

    async def geojson(self, truck: TruckId, asked: Annotated[SpokenQuery, Query()], _: SeesDecisions) -> Response:
        """The route as points and a line."""
        found = await run_in_threadpool(self._shift, text(truck, "truck"))
        return answer(route_files.geojson(found, asked.language), media_type=GEOJSON)

    async def gpx(self, truck: TruckId, asked: Annotated[SpokenQuery, Query()], _: SeesDecisions) -> Response:
        """The route for a navigation device (GPX 1.1)."""
        found = await run_in_threadpool(self._shift, text(truck, "truck"))
        headers = {"Content-Disposition": f'attachment; filename="{found.truck}-{found.day.isoformat()}.gpx"'}
        return Response(route_files.gpx(found, asked.language), 200, headers, route_files.GPX)

    def _trucks(self) -> list[TruckToday]:
        with self._house.records.read() as connection:
            return route_source.trucks_today(connection, self._house.clock.now(), self._house.city.zone)

    def _shift(self, truck: str) -> Shift:
        with self._house.records.read() as connection:
            return route_source.shift_today(connection, truck, self._house.clock.now(), self._house.city.zone)


def routes(house: House) -> APIRouter:
    """Taps, photos, routes of today."""
    router = APIRouter(prefix="/waste", tags=["waste"], route_class=CheckedRoute)
    desk = FieldRoutes(house)
    sent = {"required": True, "content": {"application/json": {"schema": schema_of(Taps)}}}
    picture = {
        "required": True,
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in photos.MEDIA.values()},
    }
    router.post(
        "/taps",
        summary="Send taps of a driver",
        response_class=Response,
        responses=told(schema_of(Told), 400, 401, 403, 413, 503),
        openapi_extra={"requestBody": sent},
    )(desk.take)
    router.post(
        "/photos",
        summary="Send a photo",
        status_code=201,
        response_class=Response,
        responses=told(schema_of(Photo), 400, 401, 403, 413, 503, status=201, description="Kept."),
        openapi_extra={"requestBody": picture},
    )(desk.photo)
    router.get(
        "/routes",
        summary="Trucks with a route today",
        response_class=Response,
        responses=told(page_schema(TruckToday), 401, 403, 503),
    )(desk.trucks)
    router.get(
        "/routes/{truck}.geojson",
        summary="Route as GeoJSON",
        response_class=Response,
        responses=told({"type": "object"}, 401, 403, 404, 503, media_type=GEOJSON),
    )(desk.geojson)
    router.get(
        "/routes/{truck}.gpx",
        summary="Route as GPX",
        response_class=Response,
        responses=told({"type": "string"}, 401, 403, 404, 503, media_type=route_files.GPX),
    )(desk.gpx)
    router.get(
        "/routes/{truck}",
        summary="Route of a truck today",
        response_class=Response,
        responses=told(schema_of(Shift), 401, 403, 404, 503),
    )(desk.route)
    return router
