"""Charging sites and their live state, for everyone: what the pages say, for programs. Nobody needs to sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.core.time import format_instant, to_us
from dure.services.charging.publishing.flows import Sink, Source
from dure.services.charging.publishing.open_data import csv_text, entities, geojson, rows
from dure.services.charging.publishing.site_view import View, view_of
from dure.services.charging.publishing.standing import SiteStanding, State, Wish, fitting
from dure.web.access import house_of
from dure.web.api.answers import GEOJSON, answer, schema_of, told
from dure.web.api.permits import SeesPublicData
from dure.web.api.queries import CheckedRoute, text
from dure.web.api.register import GEOJSON_SCHEMA
from dure.web.standing import is_late

if TYPE_CHECKING:
    from dure.spine.house import House

SiteId = Annotated[str, Path(max_length=64, description="Asset id of a charging site.")]
LD_JSON = "application/ld+json"


class SiteQuery(BaseModel):
    """Which sites."""

    words: str | None = Field(None, max_length=80, description="Words of a name, an operator or an id.")
    connector: str | None = Field(None, max_length=20, description="Only sites with this kind of connector.", examples=["ccs1"])
    power: str | None = Field(None, max_length=20, description="Only sites with this class of power: slow, mid or fast.")
    free: bool = Field(default=False, description="Only sites where such a place is free now.")


class CsvSiteQuery(SiteQuery):
    """Which sites, and for which program."""

    bom: bool = Field(default=False, description="Begin with a byte order mark, for spreadsheet programs that need one.")


class PlaceForm(msgspec.Struct, frozen=True, kw_only=True):
    """A place to charge (EVSE). `power_now_kw` is null where no meter says."""

    id: str
    name: Text
    connector: str
    power_kw: float
    state: State
    since: str | None
    power_now_kw: float | None


class FlowForm(msgspec.Struct, frozen=True):
    """What flows from a source to a use now [kW]."""

    source: Source
    use: Sink
    kw: float


class SiteForm(msgspec.Struct, frozen=True, kw_only=True):
    """A charging site. `solar_share_now` is the share 0..1 of its own sun, direct or stored, null when a meter lacks."""

    id: str
    name: Text
    operator: str
    lon: float
    lat: float
    state: State
    free: int
    places: list[PlaceForm]
    solar_share_now: float | None
    flows: list[FlowForm]
    at: str


class SiteRoutes:
    """The routes of sites."""

    async def listing(self, request: Request, asked: Annotated[SiteQuery, Query()], _: SeesPublicData) -> Response:
        """Charging sites as they stand now."""
        house, view = await _view(request)
        at = format_instant(house.clock.now())
        return answer({"items": [_site(one, at) for one in _chosen(view, asked)]})

    async def one(self, request: Request, site: SiteId, _: SeesPublicData) -> Response:
        """One charging site as it stands now."""
        house, view = await _view(request)
        found = view.standing.get(site)
        if found is None:
            raise NotFound("charging.unknown", f"The charging site {site!r} is not registered.")
        return answer(_site(found, format_instant(house.clock.now())))

    async def csv(self, request: Request, asked: Annotated[CsvSiteQuery, Query()], _: SeesPublicData) -> Response:
        """Places to charge as CSV."""
        house, view = await _view(request)
        body = ("\ufeff" if asked.bom else "") + csv_text(rows(_chosen(view, asked), house.clock.now()))
        headers = {"Content-Disposition": 'attachment; filename="charging-sites.csv"'}
        return Response(body.encode(), media_type="text/csv; charset=utf-8", headers=headers)

    async def geojson(self, request: Request, asked: Annotated[SiteQuery, Query()], _: SeesPublicData) -> Response:
        """Charging sites as GeoJSON."""
        house, view = await _view(request)
        return answer(geojson(_chosen(view, asked), house.clock.now()), media_type=GEOJSON)

    async def jsonld(self, request: Request, asked: Annotated[SiteQuery, Query()], _: SeesPublicData) -> Response:
        """Charging sites as NGSI-LD entities."""
        house, view = await _view(request)
        return answer(entities(_chosen(view, asked), house.clock.now()), media_type=LD_JSON)


async def _view(request: Request) -> tuple[House, View]:
    house = house_of(request)
    now_us = to_us(house.clock.now())
    return house, await run_in_threadpool(view_of, house, lambda value: not is_late(value, house.properties, now_us))


def _chosen(view: View, asked: SiteQuery) -> list[SiteStanding]:
    power = next((row for row in view.rules.classes if row.id == asked.power), None)
    if asked.power and power is None:
        return []
    wish = Wish(words=text(asked.words, "words"), connector=asked.connector or "", power=power, free=asked.free)
    return fitting(view.standing.values(), wish)


def _site(one: SiteStanding, at: str) -> SiteForm:
    return SiteForm(
        id=one.site.id,
        name=one.site.name,
        operator=one.site.operator,
        lon=one.site.lon,
        lat=one.site.lat,
        state=one.state,
        free=one.free_n,
        places=[
            PlaceForm(
                id=each.evse.id,
                name=each.evse.name,
                connector=each.evse.connector,
                power_kw=each.evse.power_w / 1_000,
                state=each.state,
                since=format_instant(each.since) if each.since else None,
                power_now_kw=None if each.power_w is None else each.power_w / 1_000,
            )
            for each in one.evses
        ],
        solar_share_now=None if one.green is None else round(one.green, 3),
        flows=[FlowForm(source, sink, value / 1_000) for (source, sink), value in one.flows.items()],
        at=at,
    )


_ITEMS = {
    "type": "object",
    "required": ["items"],
    "properties": {"items": {"type": "array", "items": schema_of(SiteForm)}},
}
_ENTITIES = {"type": "array", "items": {"type": "object", "required": ["id", "type", "@context"]}}


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of sites."""
    router = APIRouter(prefix="/charging", tags=["charging"], route_class=CheckedRoute)
    desk, add = SiteRoutes(), router.add_api_route
    plain: dict[str, Any] = {"methods": ["GET"], "response_class": Response}
    add("/sites", desk.listing, summary="Charging sites now", responses=told(_ITEMS, 503), **plain)
    csv = told({"type": "string"}, 503, media_type="text/csv")
    add("/sites.csv", desk.csv, summary="Places to charge as CSV", responses=csv, **plain)
    places = told(GEOJSON_SCHEMA, 503, media_type=GEOJSON)
    add("/sites.geojson", desk.geojson, summary="Charging sites as GeoJSON", responses=places, **plain)
    entity = told(_ENTITIES, 503, media_type=LD_JSON)
    add("/sites.jsonld", desk.jsonld, summary="Charging sites as NGSI-LD entities", responses=entity, **plain)
    add("/sites/{site}", desk.one, summary="A charging site now", responses=told(schema_of(SiteForm), 404, 503), **plain)
    return router
