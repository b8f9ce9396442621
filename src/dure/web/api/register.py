"""The city's register: the city itself, its zones, kinds, properties and assets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from dure.core.access import may
from dure.core.assets import AssetKind, AssetState
from dure.core.errors import NotFound
from dure.core.geo import Place
from dure.core.identifiers import identifier
from dure.core.properties import Property
from dure.core.text import Text
from dure.web.api.answers import GEOJSON, JSON, answer, kept, next_link, page, page_schema, schema_of, told
from dure.web.api.permits import SeesPublicData
from dure.web.api.queries import Boxed, CheckedRoute, Paged, box
from dure.web.api.sight import Sight, in_box

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dure.core.assets import Asset
    from dure.spine.house import House

GEOJSON_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "features"],
    "properties": {"type": {"const": "FeatureCollection"}, "features": {"type": "array", "items": {"type": "object"}}},
}


class CityForm(msgspec.Struct, frozen=True):
    """The city."""

    id: str
    name: Text
    country: str
    time_zone: str
    languages: tuple[str, ...]
    center: tuple[float, float]
    bounds: tuple[float, float, float, float]
    attributions: list[Text]


class AssetForm(msgspec.Struct, frozen=True, kw_only=True):
    """An asset. Who reads city data also sees all its attributes; the public sees those that name no device."""

    id: str
    kind: str
    name: Text
    state: AssetState
    place: Place | None
    zone: str | None
    parent: str | None
    attributes: dict[str, Any]


PUBLIC_ATTRIBUTES = frozenset({"zone", "properties", "operator", "address", "network", "height_m", "elevation_m", "noise_area"})


def asset_form(asset: Asset, everything: bool) -> AssetForm:
    """The form of an asset for the public or for staff."""
    attributes = {name: value for name, value in asset.attributes.items() if everything or name in PUBLIC_ATTRIBUTES}
    zone = asset.attributes.get("zone")
    return AssetForm(
        id=asset.id,
        kind=asset.kind,
        name=asset.name,
        state=asset.state,
        place=asset.place,
        zone=str(zone) if zone else None,
        parent=asset.parent,
        attributes=attributes,
    )


class AssetQuery(Boxed, Paged):
    """Which assets."""

    kind: str | None = Field(None, max_length=64, description="Only this kind.", examples=["station"])
    zone: str | None = Field(None, max_length=64, description="Only in this zone.")
    state: AssetState | None = Field(None, description="Only in this state; the public sees live assets alone.")
    q: str | None = Field(None, max_length=100, description="Only where the id or a name holds this text.")
    format: Literal["json", "geojson"] | None = Field(None, description="GeoJSON also by Accept: application/geo+json.")


class Register:
    """The routes of the register."""

    def __init__(self, house: House, sight: Sight) -> None:
        self._house = house
        self._sight = sight

    async def city(self, request: Request, _: SeesPublicData) -> Response:
        """The city: names, time zone, bounds, attributions of its data."""
        city = self._house.city
        form = CityForm(
            city.id,
            city.name,
            city.country,
            city.zone.key,
            tuple(city.languages),
            (city.center.lon, city.center.lat),
            city.bounds,
            city.attributions,
        )
        return kept(request, form)

    async def properties(self, request: Request, _: SeesPublicData) -> Response:
        """What can be observed here: units, possible and likely ranges, period, retention."""
        return kept(request, {"items": list(self._house.properties)})

    async def property(self, request: Request, property_id: str, _: SeesPublicData) -> Response:
        """One property."""
        known = self._house.properties.get(property_id)
        if known is None:
            raise NotFound("property.unknown", f"The property {property_id[:80]!r} is not registered.")
        return kept(request, known)

    async def kinds(self, request: Request, actor: SeesPublicData) -> Response:
        """The kinds of asset, and what each usually observes."""
        everything = may(actor, "read", "city_data")
        return kept(request, {"items": [one for one in self._house.kinds if one.public or everything]}, public=False)

    async def zones(self, request: Request, _: SeesPublicData) -> Response:
        """The city's zones as GeoJSON."""
        features = [
            _feature(zone.id, zone.place, {"name_ko": zone.name.ko, "name_en": zone.name.en, "code": zone.code})
            for zone in self._house.city.zones
        ]
        return kept(request, {"type": "FeatureCollection", "features": features}, media_type=GEOJSON)

    async def assets(self, request: Request, asked: Annotated[AssetQuery, Query()], actor: SeesPublicData) -> Response:
        """Assets in order of id, page by page."""
        everything = may(actor, "read", "city_data")
        after = None if asked.after is None else identifier(asked.after, "position")
        found = _matching((await self._sight.of(actor)).values(), asked, after)
        chosen, more = found[: asked.limit], len(found) > asked.limit
        position = chosen[-1].id if more else None
        forms = [asset_form(one, everything) for one in chosen]
        if asked.format == "geojson" or (asked.format is None and GEOJSON in request.headers.get("accept", "")):
            collection = {"type": "FeatureCollection", "features": [_asset_feature(one) for one in forms], "next": position}
            return answer(collection, headers=next_link(request, position), media_type=GEOJSON)
        return page(request, forms, position)

    async def asset(self, asset_id: str, actor: SeesPublicData) -> Response:
        """One asset."""
        return answer(asset_form(await self._sight.one(actor, asset_id), everything=may(actor, "read", "city_data")))


def _matching(assets: Iterable[Asset], asked: AssetQuery, after: str | None) -> list[Asset]:
    """Assets after the position that pass every filter: one more than a page shows."""
    bbox = box(asked.bbox)
    text = (asked.q or "").strip().lower()
    found = []
    for one in assets:
        if (after is not None and one.id <= after) or not _passes(one, asked, bbox, text):
            continue
        found.append(one)
        if len(found) > asked.limit:
            break
    return found


def _passes(one: Asset, asked: AssetQuery, bbox: tuple[float, float, float, float] | None, text: str) -> bool:
    return (
        (asked.kind is None or one.kind == asked.kind)
        and (asked.state is None or one.state == asked.state)
        and (asked.zone is None or one.attributes.get("zone") == asked.zone)
        and (bbox is None or in_box(one, bbox))
        and (not text or text in one.id or text in one.name.ko.lower() or text in one.name.en.lower())
    )


def _feature(id_: str, place: Place | None, words: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "id": id_, "geometry": place, "properties": words}


def _asset_feature(form: AssetForm) -> dict[str, Any]:
    words = {
        "kind": form.kind,
        "name_ko": form.name.ko,
        "name_en": form.name.en,
        "state": form.state,
        "zone": form.zone,
        "parent": form.parent,
        **form.attributes,
    }
    return _feature(form.id, form.place, words)


def routes(house: House, sight: Sight) -> APIRouter:
    """The routes of the register."""
    router = APIRouter(tags=["register"], route_class=CheckedRoute)
    shown_by = Register(house, sight)
    plain = {"response_class": Response}
    assets = told(page_schema(AssetForm))
    assets[200]["content"][GEOJSON] = {"schema": GEOJSON_SCHEMA}
    unchanged = {304: {"description": "Unchanged since the ETag the caller named."}}
    for path, summary, endpoint, responses in (
        ("/city", "The city", shown_by.city, told(schema_of(CityForm)) | unchanged),
        ("/properties", "Properties", shown_by.properties, told(_items(Property)) | unchanged),
        ("/properties/{property_id}", "One property", shown_by.property, told(schema_of(Property), 404) | unchanged),
        ("/kinds", "Kinds of asset", shown_by.kinds, told(_items(AssetKind)) | unchanged),
        ("/zones", "Zones as GeoJSON", shown_by.zones, told(GEOJSON_SCHEMA, media_type=GEOJSON) | unchanged),
        ("/assets", "Assets", shown_by.assets, assets),
        ("/assets/{asset_id}", "One asset", shown_by.asset, told(schema_of(AssetForm), 404, media_type=JSON)),
    ):
        router.get(path, summary=summary, responses=responses, **plain)(endpoint)  # type: ignore[arg-type]
    return router


def _items(type_: Any) -> dict[str, Any]:
    return {"type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": schema_of(type_)}}}
