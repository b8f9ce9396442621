"""For everybody: where can I charge, is a place free, what does it cost, how green is this hour. Nobody needs to sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, RedirectResponse, Response

from dure.core.errors import NotFound
from dure.services.charging.pages.charging_views import books, notes, site_in, today_of, view_now
from dure.services.charging.pages.state_words import (
    BAND_NAMES,
    LEGEND,
    MAP_STATUS,
    ORIGIN_NAMES,
    STATE_WORDS,
    connector_name,
    flow_diagram,
)
from dure.services.charging.publishing.flows import shares, to_sink
from dure.services.charging.publishing.price_hours import prices_at
from dure.services.charging.publishing.standing import SiteStanding, Wish, counted, fitting
from dure.web.layout import house_of, language_of, layout_of
from dure.web.sankey import sankey

if TYPE_CHECKING:
    from dure.services.charging.publishing.site_view import View
    from dure.spine.house import House
    from dure.web.i18n import Speech

HERE = "/charging"
KW = 1_000.0


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes for everybody."""
    router = APIRouter()
    router.add_api_route(HERE, find, methods=["GET"])
    router.add_api_route(f"{HERE}/map.json", map_data, methods=["GET"])
    router.add_api_route(f"{HERE}/stations/{{asset_id}}", elsewhere, methods=["GET"])
    router.add_api_route(f"{HERE}/sites/{{site_id}}", one, methods=["GET"])
    return router


def asked(request: Request, view: View) -> Wish:
    """What somebody looks for, from the address; what is not known is left out."""
    given = request.query_params
    power = given.get("power", "")
    return Wish(
        words=given.get("words", "").strip()[:80],
        connector=given.get("connector", "")[:20],
        power=next((row for row in view.rules.classes if row.id == power), None),
        free=given.get("free", "") == "yes",
    )


async def find(request: Request) -> Response:
    """Find a place to charge: by words, connector and power; the map says the same."""
    house, say = house_of(request), layout_of(request).speech(request)
    view = await view_now(house)
    wish = asked(request, view)
    found = sorted(
        fitting(view.standing.values(), wish), key=lambda each: (each.free_n == 0, say.sort_key(say.text(each.site.name)))
    )
    everything = [each for site in view.standing.values() for each in site.evses]
    query = {
        "words": wish.words,
        "connector": wish.connector,
        "power": wish.power.id if wish.power else "",
        "free": "yes" if wish.free else "",
    }
    return await layout_of(request).page(
        request,
        "charging/find.html",
        found=found,
        wish=wish,
        total=len(view.standing),
        places_n=len(everything),
        free_n=sum(each.state == "free" for each in everything),
        classes=view.rules.classes,
        connectors=sorted({each.evse.connector for each in everything}),
        connector_name=connector_name,
        states=STATE_WORDS,
        legend=LEGEND,
        map_url=f"/{say.language}{HERE}/map.json?{urlencode({key: value for key, value in query.items() if value})}",
    )


async def map_data(request: Request) -> Response:
    """What the map shows, as GeoJSON: the sites of the same question."""
    house, say = house_of(request), layout_of(request).speech(request)
    view = await view_now(house)
    found = [_feature(each, say, f"/{say.language}") for each in fitting(view.standing.values(), asked(request, view))]
    return JSONResponse({"type": "FeatureCollection", "features": found}, headers={"Cache-Control": "no-store"})


def _feature(one: SiteStanding, say: Speech, prefix: str) -> dict[str, Any]:
    told = say("빈자리 {free}/{n} · 최대 {kw} kW", free=one.free_n, n=len(one.evses), kw=say.number(one.power_w / KW))
    facts = {
        "id": one.site.id,
        "name": say.text(one.site.name),
        "status": MAP_STATUS[one.state],
        "value": None if one.state == "unknown" else float(one.free_n),
        "told": f"{told} · {say.text(STATE_WORDS[one.state].name)}",
        "href": f"{prefix}{HERE}/sites/{one.site.id}",
    }
    return {
        "type": "Feature",
        "id": one.site.id,
        "geometry": {"type": "Point", "coordinates": [one.site.lon, one.site.lat]},
        "properties": facts,
    }


async def elsewhere(request: Request, asset_id: str) -> Response:
    """Where lists of all assets lead to: an EVSE to its own page, everything else to its site."""
    house = house_of(request)
    view = await view_now(house)
    prefix = f"/{language_of(request)}{HERE}"
    for site in view.sites.sites.values():
        if any(one.id == asset_id for one in site.evses):
            return RedirectResponse(f"{prefix}/evse/{asset_id}", 308)
        if asset_id in {site.id, site.meter, *(one.id for part in (site.chargers, site.solar, site.storage) for one in part)}:
            return RedirectResponse(f"{prefix}/sites/{site.id}", 308)
    raise NotFound("charging.unknown", f"{asset_id[:80]!r} belongs to no charging site that is registered.")


async def one(request: Request, site_id: str) -> Response:
    """One site: its places, what it costs, where its energy comes from."""
    house, say = house_of(request), layout_of(request).speech(request)
    view = await view_now(house)
    standing = site_in(view, site_id)
    today = await run_in_threadpool(today_of, house, standing.site)
    best = max((each.evse for each in standing.evses), key=lambda each: each.power_w, default=None)
    return await layout_of(request).page(
        request,
        "charging/site_public.html",
        crumbs=[(HERE, say("충전소 찾기"))],
        one=standing,
        rules=view.rules,
        states=STATE_WORDS,
        counts=counted(standing.evses),
        connector_name=connector_name,
        sankey=sankey,
        now_flows=flow_diagram(standing.flows, say, title=say("지금의 전력 흐름"), unit="kW", per=KW),
        prices=prices_at(standing.site, best, books(house), house.clock.now()) if best else None,
        bands=BAND_NAMES,
        notes=notes(house, standing.site, best) if best else [],
        today=shares(today),
        today_kwh=to_sink(today, "ev") / KW,
        origins=ORIGIN_NAMES,
    )
