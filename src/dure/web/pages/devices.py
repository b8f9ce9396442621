"""Devices: their state and when they were last heard; operators add them, give them a new secret, and revoke them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.assets import Asset
from dure.core.errors import Conflict, DureError, InputError
from dure.core.geo import at
from dure.core.text import Text
from dure.engines.records import assets, devices
from dure.engines.records.audit import By
from dure.engines.records.devices import Device
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.scene import visible
from dure.web.security import own_form

if TYPE_CHECKING:
    from dure.spine.house import House

PAGE_ROWS = 100


class Wrong(NamedTuple):
    """What is wrong with one field of the form."""

    field: str
    why: Text


def router(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of the devices."""
    routes = APIRouter()
    sees, manages = Depends(require("read", "device")), Depends(require("manage", "device"))
    routes.add_api_route("/operations/devices", listing, methods=["GET"], dependencies=[sees])
    routes.add_api_route("/operations/devices/new", new, methods=["GET"], dependencies=[manages])
    routes.add_api_route("/operations/devices", add, methods=["POST"])
    routes.add_api_route("/operations/devices/{device_id}", show, methods=["GET"], dependencies=[sees])
    routes.add_api_route("/operations/devices/{device_id}/rotate", rotate, methods=["POST"])
    routes.add_api_route("/operations/devices/{device_id}/revoke", revoke, methods=["POST"])
    return routes


async def listing(request: Request) -> Response:
    """All devices, page by page."""
    house, after = house_of(request), request.query_params.get("after", "")[:80]

    def read() -> tuple[list[Device], str, dict[str, int]]:
        with house.records.read() as connection:
            found = devices.listing(connection, after=after, limit=PAGE_ROWS)
            return found.items, found.next, devices.counts(connection)

    items, following, counts = await run_in_threadpool(read)
    return await layout_of(request).page(
        request, "devices.html", devices=items, following=following, after=after, counts=counts, assets=await visible(request)
    )


async def new(request: Request) -> Response:
    """The form for a new device."""
    return await _form(request, {}, ())


async def _form(request: Request, fields: dict[str, str], wrong: tuple[Wrong, ...], status: int = 200) -> Response:
    house = house_of(request)
    say = layout_of(request).speech(request)
    return await layout_of(request).page(
        request,
        "device_new.html",
        status=status,
        crumbs=[("/operations/devices", say("장치"))],
        fields=fields,
        wrong={one.field: say.text(one.why) for one in wrong},
        kinds=list(house.kinds),
    )


async def add(request: Request, actor: Actor = Depends(require("manage", "device"))) -> Response:  # noqa: B008  # FastAPI's way
    """Register a device and, where it is new, its asset; the secret is on this one page only."""
    house, fields = house_of(request), await own_form(request)
    wrong, asset = _asset_of(house, fields)
    if wrong or asset is None:
        return await _form(request, fields, wrong, 422)
    device_id = fields.get("id", "").strip()

    def write() -> str:
        by = By(actor.id, house.clock.now())
        with house.records.begin() as connection:
            if not assets.find(connection, [asset.id]):
                assets.add(connection, asset, by)
            device = Device(
                id=device_id, asset=asset.id, city=house.city.id, dev_eui=fields.get("dev_eui", "").strip().lower() or None
            )
            return devices.add(connection, device, by)

    try:
        secret = await run_in_threadpool(write)
    except (InputError, Conflict) as error:
        return await _form(request, fields, (_wrong_of(error),), 422)
    await house.directory.changed()
    return await _show(request, device_id, secret, added=True)


def _asset_of(house: House, fields: dict[str, str]) -> tuple[tuple[Wrong, ...], Asset | None]:
    """The asset the form names, or what is wrong with its fields."""
    wrong: list[Wrong] = []
    name = fields.get("name", "").strip()
    if not fields.get("id", "").strip():
        wrong.append(Wrong("id", Text("장치 이름을 적어 주세요.", "Enter an id for the device.")))
    if not name:
        wrong.append(Wrong("name", Text("사람이 읽을 이름을 적어 주세요.", "Enter a name for people.")))
    place = None
    try:
        if fields.get("lon") or fields.get("lat"):
            place = at(float(fields.get("lon", "")), float(fields.get("lat", "")))
    except (ValueError, InputError):
        wrong.append(
            Wrong(
                "lon",
                Text("경도와 위도를 도 단위로 적어 주세요. 예: 126.83, 37.20", "Enter degrees, for example 126.83 and 37.20."),
            )
        )
    if fields.get("kind", "") not in house.kinds:
        wrong.append(Wrong("kind", Text("목록에서 골라 주세요.", "Choose one of the list.")))
    if wrong:
        return tuple(wrong), None
    zone = house.city.zone_of(place.point) if place is not None else None
    try:
        asset = Asset(
            id=fields.get("asset", "").strip() or fields["id"].strip(),
            city=house.city.id,
            kind=fields["kind"],
            name=Text(name, fields.get("name_en", "").strip()),
            place=place,
            attributes={"zone": zone.id} if zone else {},
        )
    except InputError as error:
        return (_wrong_of(error),), None
    return (), asset


_WHY: dict[str, Wrong] = {
    "id.malformed": Wrong("id", Text("영문 소문자, 숫자, -, _ 로 64자까지 적어 주세요.", "Use up to 64 of a-z, 0-9, - and _.")),
    "device.exists": Wrong(
        "id", Text("같은 이름이나 DevEUI의 장치가 이미 있습니다.", "There already is a device of this id or DevEUI.")
    ),
    "device.dev_eui": Wrong("dev_eui", Text("16진수 16자리를 적어 주세요.", "Enter 16 hexadecimal digits.")),
}


def _wrong_of(error: DureError) -> Wrong:
    return _WHY.get(error.code) or Wrong("id", Text(error.message, error.message))


async def show(request: Request, device_id: str) -> Response:
    """One device."""
    return await _show(request, device_id)


async def _show(request: Request, device_id: str, secret: str = "", *, added: bool = False) -> Response:
    house = house_of(request)

    def read() -> Device:
        with house.records.read() as connection:
            return devices.get(connection, device_id)

    device = await run_in_threadpool(read)
    say = layout_of(request).speech(request)
    return await layout_of(request).page(
        request,
        "device.html",
        crumbs=[("/operations/devices", say("장치"))],
        device=device,
        asset=(await visible(request)).get(device.asset),
        secret=secret,
        added=added,
    )


async def rotate(request: Request, device_id: str, actor: Actor = Depends(require("manage", "device"))) -> Response:  # noqa: B008
    """A new secret, shown on this one page; the old one works for another day."""
    house = house_of(request)
    await own_form(request)

    def write() -> str:
        with house.records.begin() as connection:
            return devices.rotate(connection, device_id, By(actor.id, house.clock.now()))

    secret = await run_in_threadpool(write)
    await house.directory.changed()
    return await _show(request, device_id, secret)


async def revoke(request: Request, device_id: str, actor: Actor = Depends(require("manage", "device"))) -> Response:  # noqa: B008
    """Refuse the device from now on."""
    house = house_of(request)
    fields = await own_form(request)
    if fields.get("sure") != "yes":
        raise InputError("form.unsure", "Tick the box to say that you mean it.")

    def write() -> None:
        with house.records.begin() as connection:
            devices.revoke(connection, device_id, By(actor.id, house.clock.now()))

    await run_in_threadpool(write)
    await house.directory.changed()
    return RedirectResponse(f"/{language_of(request)}/operations/devices/{device_id}", 303)
