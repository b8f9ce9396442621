"""The driver at the charger: one place, its state, start, progress, stop. Opened by the QR code on it; no account needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dure.services.charging.pages.charging_views import evse_in, view_now
from dure.services.charging.pages.qr_labels import labels_of
from dure.services.charging.pages.state_words import STATE_WORDS, connector_name
from dure.web.access import require
from dure.web.layout import house_of, layout_of

if TYPE_CHECKING:
    from dure.spine.house import House

HERE = "/charging/evse"
LABELS = "/operations/charging/labels"


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Pages of a place to charge, and the labels that lead to them."""
    router = APIRouter()
    router.add_api_route(f"{HERE}/{{evse_id}}", one, methods=["GET"])
    router.add_api_route(LABELS, labels, methods=["GET"], dependencies=[Depends(require("read", "city_data"))])
    return router


async def one(request: Request, evse_id: str) -> Response:
    """One place to charge."""
    house, say = house_of(request), layout_of(request).speech(request)
    site, place = evse_in(await view_now(house), evse_id)
    return await layout_of(request).page(
        request,
        "charging/driver.html",
        crumbs=[("/charging", say("충전소 찾기")), (f"/charging/sites/{site.site.id}", say.text(site.site.name))],
        one=site,
        place=place,
        states=STATE_WORDS,
        connector_name=connector_name,
    )


async def labels(request: Request) -> Response:
    """Sheets of QR labels: every place to charge of a site, or of all."""
    house = house_of(request)
    view = await view_now(house)
    site_id = request.query_params.get("site", "")[:64]
    chosen = [one for one in view.standing.values() if site_id in {"", one.site.id}]
    address = house.settings.public_url or str(request.base_url).rstrip("/")
    return await layout_of(request).page(
        request,
        "charging/labels.html",
        sheets=labels_of(chosen, address),
        sites=list(view.standing.values()),
        site_id=site_id,
        address=address,
    )
