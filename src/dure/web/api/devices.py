"""Devices and their credentials: list, add, rotate, revoke. A secret is shown once, when it is made."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.identifiers import identifier
from dure.engines.records import devices
from dure.engines.records.audit import By
from dure.engines.records.devices import Device
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import ManagesDevices, SeesDevices
from dure.web.api.queries import CheckedRoute, Paged

if TYPE_CHECKING:
    from dure.engines.records.paging import Page
    from dure.spine.house import House
    from dure.web.api.credentials import Credentials

OVERLAP_S_MAX = 30 * 86_400
NO_STORE = {"Cache-Control": "no-store"}


class DeviceQuery(Paged):
    """Which devices."""

    state: Literal["quarantined", "live", "revoked"] | None = Field(None, description="Only in this state.")
    asset: str | None = Field(None, max_length=64, description="Only those of this asset.")


class NewDevice(BaseModel):
    """A device to be registered."""

    id: str = Field(max_length=64, description="Its name: a-z, 0-9, '-' and '_'.", examples=["air-17"])
    asset: str = Field(max_length=64, description="The asset it observes.", examples=["hs-0017"])
    codec: str = Field("", max_length=64, pattern=r"^[A-Za-z0-9_.-]*$", description="How its bytes are read, for LoRaWAN.")
    dev_eui: str | None = Field(None, max_length=16, description="Its LoRaWAN identity: 16 hexadecimal digits.")


class Rotation(BaseModel):
    """How a secret is replaced."""

    overlap_s: int = Field(86_400, ge=0, le=OVERLAP_S_MAX, description="How long the old secret still works.")


class Registered(msgspec.Struct, frozen=True):
    """A device and its new secret, which is not shown again."""

    device: Device
    secret: str


class Devices:
    """The routes of devices."""

    def __init__(self, house: House, credentials: Credentials) -> None:
        self._house = house
        self._credentials = credentials

    async def listing(self, request: Request, asked: Annotated[DeviceQuery, Query()], _: SeesDevices) -> Response:
        """Devices in order of id, page by page."""
        found = await run_in_threadpool(self._listing, asked)
        return page(request, found.items, found.next or None)

    async def one(self, device_id: str, _: SeesDevices) -> Response:
        """One device."""
        return answer(await run_in_threadpool(self._get, device_id))

    async def add(self, wanted: NewDevice, actor: ManagesDevices) -> Response:
        """Register a device in quarantine."""
        eui = None if wanted.dev_eui is None else wanted.dev_eui.lower()
        asset = identifier(wanted.asset, "asset id")
        device = Device(id=wanted.id, asset=asset, city=self._house.city.id, codec=wanted.codec, dev_eui=eui)
        registered = await run_in_threadpool(self._add, device, self._by(actor.id))
        await self._changed()
        return answer(registered, 201, NO_STORE)

    async def rotate(self, device_id: str, wanted: Rotation, actor: ManagesDevices) -> Response:
        """A new secret; the old one works until the overlap ends."""
        overlap = timedelta(seconds=wanted.overlap_s)
        registered = await run_in_threadpool(self._rotate, identifier(device_id, "device id"), self._by(actor.id), overlap)
        await self._changed()
        return answer(registered, 200, NO_STORE)

    async def revoke(self, device_id: str, actor: ManagesDevices) -> Response:
        """Refuse the device from now on, for good; what it sent stays."""
        await run_in_threadpool(self._revoke, identifier(device_id, "device id"), self._by(actor.id))
        await self._changed()
        return Response(status_code=204)

    def _by(self, actor_id: str) -> By:
        return By(actor_id, self._house.clock.now())

    async def _changed(self) -> None:
        self._credentials.forget()
        await self._house.directory.changed()

    def _listing(self, asked: DeviceQuery) -> Page[Device]:
        after = "" if asked.after is None else identifier(asked.after, "position")
        asset = "" if asked.asset is None else identifier(asked.asset, "asset id")
        with self._house.records.read() as connection:
            return devices.listing(connection, state=asked.state, asset=asset, after=after, limit=asked.limit)

    def _get(self, device_id: str) -> Device:
        with self._house.records.read() as connection:
            return devices.get(connection, identifier(device_id, "device id"))

    def _add(self, device: Device, by: By) -> Registered:
        with self._house.records.begin() as connection:
            secret = devices.add(connection, device, by)
            return Registered(devices.get(connection, device.id), secret)

    def _rotate(self, device_id: str, by: By, overlap: timedelta) -> Registered:
        with self._house.records.begin() as connection:
            secret = devices.rotate(connection, device_id, by, overlap)
            return Registered(devices.get(connection, device_id), secret)

    def _revoke(self, device_id: str, by: By) -> None:
        with self._house.records.begin() as connection:
            devices.revoke(connection, device_id, by)


def routes(house: House, credentials: Credentials) -> APIRouter:
    """Devices."""
    router = APIRouter(prefix="/devices", tags=["devices"], route_class=CheckedRoute)
    desk = Devices(house, credentials)
    registered = schema_of(Registered)
    refusals = (401, 403, 404, 409, 503)
    router.get("", summary="Devices", response_class=Response, responses=told(page_schema(Device), 401, 403, 503))(desk.listing)
    router.get(
        "/{device_id}", summary="One device", response_class=Response, responses=told(schema_of(Device), 401, 403, 404, 503)
    )(desk.one)
    router.post(
        "",
        summary="Register a device",
        status_code=201,
        response_class=Response,
        responses=told(registered, 400, 401, 403, 409, 503, status=201, description="Registered; the secret is shown this once."),
    )(desk.add)
    router.post(
        "/{device_id}/rotate", summary="Rotate a secret", response_class=Response, responses=told(registered, 400, *refusals)
    )(desk.rotate)
    router.delete(
        "/{device_id}",
        summary="Revoke a device",
        status_code=204,
        response_class=Response,
        responses=told(None, *refusals, status=204),
    )(desk.revoke)
    return router
