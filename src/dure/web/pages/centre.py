"""The operations centre: what needs a person now, then how the city stands, on a map and as a live table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from dure.core.access import may
from dure.engines.records import parked
from dure.web.access import actor_of, require
from dure.web.layout import house_of, layout_of
from dure.web.scene import map_data, scene, shown_value
from dure.web.standing import counts

if TYPE_CHECKING:
    from dure.spine.house import House

TASKS_MAX = 8


def router(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of the centre."""
    routes = APIRouter(dependencies=[Depends(require("read", "city_data"))])
    routes.add_api_route("/operations", centre, methods=["GET"])
    routes.add_api_route("/operations/map.json", whole_map, methods=["GET"])
    return routes


async def centre(request: Request) -> Response:
    """The overview."""
    house = house_of(request)
    at = await scene(request, everything=True)
    waiting: dict[str, int] = {}
    if may(await actor_of(request), "read", "parked"):
        waiting = await run_in_threadpool(_parked_counts, house)
    urgent = [one for one in at.found if one.status in ("failing", "silent")]
    return await layout_of(request).page(
        request,
        "centre.html",
        at=at,
        counts=counts(at.found),
        urgent=urgent[:TASKS_MAX],
        urgent_n=len(urgent),
        waiting=waiting,
        waiting_n=sum(waiting.values()),
        shown=shown_value,
    )


async def whole_map(request: Request) -> Response:
    """What the centre's map shows, as GeoJSON."""
    at = await scene(request, everything=True)
    say = layout_of(request).speech(request)
    return JSONResponse(map_data(house_of(request), at, say, f"/{say.language}"), headers={"Cache-Control": "no-store"})


def _parked_counts(house: House) -> dict[str, int]:
    with house.records.read() as connection:
        return parked.counts(connection)
