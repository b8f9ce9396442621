"""Lists of makers' clouds and gateways: Bigbelly's assets, LwM2M packs, FIWARE entities."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from dure.core.access import Actor
from dure.services.waste.devices import maker_lists
from dure.web.access import demand
from dure.web.api.allowance import Allowance
from dure.web.api.answers import answer, schema_of, told
from dure.web.api.body import read_body
from dure.web.api.credentials import Credentials
from dure.web.api.permits import OfDevice
from dure.web.api.queries import CheckedRoute
from dure.web.api.readings import Refusal, receipt

if TYPE_CHECKING:
    from dure.spine.house import House

Maker = Annotated[
    Literal["bigbelly", "lwm2m", "fiware"],
    Path(description="Which form the list has; bins are known by their attribute `serial`."),
]
_EXAMPLE = {"assets": [{"serialNumber": 100_001, "latestFullness": 6, "lastCall": 1_704_949_151_000, "reason": "FULLNESS"}]}
_BODY = {"required": True, "content": {"application/json": {"schema": {"type": "object"}, "example": _EXAMPLE}}}


class ListReceipt(msgspec.Struct, frozen=True):
    """What became of a list: readings accepted, emptyings that were new, rows that were parked and why."""

    accepted: int
    emptied: int
    parked: int
    rejected: list[Refusal]


class MakerLists:
    """The route that makers' clouds and gateways call, with the credential of their integration device."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._credentials = Credentials(house, time.monotonic)
        self._allowance = Allowance(house.settings.readings_per_minute, time.monotonic)

    async def take(self, request: Request, maker: Maker) -> Response:
        """Readings and emptyings of a maker's list. What cannot be used is parked; sent again, nothing counts twice."""
        device = await self._credentials.device(request)
        demand(Actor(device.id, device=True), "write", "city_data")
        self._allowance.take(device.id, 1)
        body = await read_body(request, self._house.settings.request_bytes_max)
        kept = await maker_lists.take(self._house, maker, body)
        said = receipt(kept.accepted, kept.rejected, 0)
        return answer(ListReceipt(said.accepted, kept.emptied, said.parked, said.rejected), 202)


def routes(house: House) -> APIRouter:
    """The route of makers' lists."""
    router = APIRouter(prefix="/waste/lists", tags=["waste"], route_class=CheckedRoute, dependencies=[OfDevice])
    router.post(
        "/{maker}",
        summary="A maker's list of bins",
        status_code=202,
        response_class=Response,
        responses=told(schema_of(ListReceipt), 401, 403, 413, 429, 503, status=202, description="Kept, or parked."),
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"type": "object"}, "example": _EXAMPLE}},
            }
        },
    )(MakerLists(house).take)
    return router
