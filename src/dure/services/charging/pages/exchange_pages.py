"""Exchanges of a site's own meters: what was noted, and the form to note one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import InputError
from dure.core.time import parse_instant, to_us
from dure.engines.records import assets
from dure.engines.records.audit import By
from dure.services.charging.origin import exchange_records, exchanging, origin_view
from dure.services.charging.origin.registers import Exchange
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form

if TYPE_CHECKING:
    from dure.core.text import Text
    from dure.services.charging.model import Site
    from dure.services.charging.origin.exchange_records import Noted
    from dure.spine.house import House

LEDGER = "/operations/charging/origin"
HERE = f"{LEDGER}/{{site_id}}/exchanges"
WH_PER_KWH = 1_000
KWH_MAX = 9e12


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Pages of exchanges."""
    router = APIRouter()
    router.add_api_route(HERE, listing, methods=["GET"], dependencies=[Depends(require("read", "city_data"))])
    router.add_api_route(HERE, note, methods=["POST"])
    return router


async def listing(request: Request, site_id: str) -> Response:
    """What was noted of a site."""
    return await _page(request, site_id)


async def _page(request: Request, site_id: str, trouble: str = "", status: int = 200) -> Response:
    house, say = house_of(request), layout_of(request).speech(request)

    def read() -> tuple[Site, list[Noted], dict[str, Text]]:
        with house.records.read() as connection:
            site = origin_view.site_named(connection, site_id)
            owners = {asset for asset, _ in exchange_records.registers_of(site)}
            names = {one: assets.get(connection, one).name for one in owners}
            return site, exchange_records.of_assets(connection, owners), names

    site, noted, names = await run_in_threadpool(read)
    return await layout_of(request).page(
        request,
        "charging/exchanges.html",
        status=status,
        crumbs=[(LEDGER, say("전력 출처 장부")), (f"{LEDGER}/{site_id}", say.text(site.name))],
        site=site,
        noted=noted,
        names=names,
        registers=exchange_records.registers_of(site),
        properties=house.properties,
        trouble=trouble,
        told=request.query_params.get("told", ""),
        here=f"{LEDGER}/{site_id}/exchanges",
    )


async def note(request: Request, site_id: str, actor: Actor = Depends(require("act", "field_work"))) -> Response:  # noqa: B008  # FastAPI's way
    """Note that a meter was replaced; the books are corrected from there on."""
    house, say = house_of(request), layout_of(request).speech(request)
    fields = await own_form(request)

    def write() -> None:
        with house.records.read() as connection:
            site = origin_view.site_named(connection, site_id)
        at = parse_instant(fields.get("at", ""), house.city.zone)
        exchange = Exchange(to_us(at), _wh(fields.get("last", "")), _wh(fields.get("first", "")))
        asset, _, name = fields.get("register", "").partition("/")
        exchanging.note(house, site, (asset, name), exchange, By(actor.id, house.clock.now()))

    try:
        await run_in_threadpool(write)
    except InputError as error:
        trouble = say("교체를 적지 못했습니다. 시각과 지침을 확인해 주세요.") + f" ({error.code})"
        return await _page(request, site_id, trouble, 422)
    return RedirectResponse(f"/{language_of(request)}{LEDGER}/{site_id}/exchanges?told=noted", 303)


def _wh(given: str) -> int:
    """A register entered in kWh, as Wh."""
    try:
        value = float(given.strip().replace(",", ""))
    except ValueError:
        value = -1.0
    if not 0 <= value < KWH_MAX:
        raise InputError("exchange.value", "A register is a number of 0 or more.")
    return round(value * WH_PER_KWH)
