"""Webhooks of LoRaWAN network servers. What cannot be used is parked and answered 202: they would retry for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from dure.core.access import Actor
from dure.protocols import chirpstack, the_things_stack
from dure.protocols.lorawan import Uplink
from dure.web.access import demand
from dure.web.api.answers import answer, schema_of, told
from dure.web.api.body import read_body
from dure.web.api.permits import OfDevice
from dure.web.api.queries import CheckedRoute
from dure.web.api.readings import Receipt, receipt

if TYPE_CHECKING:
    from dure.protocols.lorawan import Message
    from dure.spine.house import House
    from dure.web.api.allowance import Allowance
    from dure.web.api.credentials import Credentials

ChirpStackEvent = Literal["up", "join", "status", "ack", "txack", "log", "location", "integration"]


class Hooks:
    """The routes that network servers call, with the credential of their integration device."""

    def __init__(self, house: House, credentials: Credentials, allowance: Allowance) -> None:
        self._house = house
        self._credentials = credentials
        self._allowance = allowance

    async def chirpstack(
        self, request: Request, event: Annotated[ChirpStackEvent, Query(description="ChirpStack's name of the event.")] = "up"
    ) -> Response:
        """An event of ChirpStack v4 (HTTP integration, JSON)."""
        body = await self._body(request)
        return await self._keep(chirpstack.parse(body, event))

    async def the_things_stack(self, request: Request) -> Response:
        """A webhook message of The Things Stack v3."""
        body = await self._body(request)
        return await self._keep(the_things_stack.parse(body))

    async def _body(self, request: Request) -> bytes:
        device = await self._credentials.device(request)
        demand(Actor(device.id, device=True), "write", "city_data")
        self._allowance.take(device.id, 1)
        return await read_body(request, self._house.settings.request_bytes_max)

    async def _keep(self, message: Message | None) -> Response:
        """Keep what an uplink measured; a join or status is noted and brings no reading."""
        if not isinstance(message, Uplink):
            return answer(Receipt(0, 0, [], 0), 202)
        kept = await self._house.intake.accept_uplink(message)
        return answer(receipt(kept.accepted, kept.rejected, kept.seq), 202)


def routes(house: House, credentials: Credentials, allowance: Allowance) -> APIRouter:
    """The webhooks."""
    router = APIRouter(prefix="/hooks", tags=["ways in"], route_class=CheckedRoute, dependencies=[OfDevice])
    hooks = Hooks(house, credentials, allowance)
    responses = told(schema_of(Receipt), 401, 403, 413, 429, 503, status=202, description="Kept, or parked.")
    extra: dict[str, Any] = {"requestBody": _body_of(_CHIRPSTACK)}
    router.post(
        "/chirpstack",
        summary="ChirpStack event",
        status_code=202,
        response_class=Response,
        responses=responses,
        openapi_extra=extra,
    )(hooks.chirpstack)
    extra = {"requestBody": _body_of(_THE_THINGS_STACK)}
    router.post(
        "/the-things-stack",
        summary="The Things Stack webhook",
        status_code=202,
        response_class=Response,
        responses=responses,
        openapi_extra=extra,
    )(hooks.the_things_stack)
    return router


def _body_of(example: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": {"type": "object"}, "example": example}}}


_CHIRPSTACK = {
    "deviceInfo": {"devEui": "24e124136b502217", "deviceName": "air-1"},
    "time": "2026-11-24T00:00:00Z",
    "fCnt": 1,
    "fPort": 85,
    "data": "A2cRAQRoWw==",
}
_THE_THINGS_STACK = {
    "end_device_ids": {"device_id": "air-1", "dev_eui": "24E124136B502217"},
    "uplink_message": {"f_port": 85, "f_cnt": 1, "frm_payload": "A2cRAQRoWw==", "received_at": "2026-11-24T00:00:00Z"},
}
