"""GeoJSON (RFC 7946): assets and their newest values out, zones and assets in.

Out: outer rings anticlockwise and holes clockwise (right-hand rule), seven decimals (about 1 cm). In: either winding.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from dure.core.assets import Asset
from dure.core.errors import InputError
from dure.core.geo import Place
from dure.core.observations import Rejected
from dure.core.text import Text
from dure.protocols.readings import Refused, loads, shown

DECIMALS = 7
MEDIA_TYPE = "application/geo+json"
_DEPTH = {"Point": 0, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
_OWN = frozenset({"id", "kind", "name", "name_ko", "name_en", "parent", "state"})


class Feature(NamedTuple):
    """A named place of a file: `row` counts features from 1, `id` is the feature's own or empty."""

    row: int
    id: str
    place: Place | None
    properties: dict[str, Any]


class Features(NamedTuple):
    """Features that can be used, and those that cannot."""

    features: list[Feature]
    rejected: list[Rejected]


class Listed(NamedTuple):
    """Assets of a file, and the features that cannot become one."""

    assets: list[Asset]
    rejected: list[Rejected]


# --- out -----------------------------------------------------------------------------------------------------------


def feature_collection(assets: Iterable[Asset], values: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """A FeatureCollection of assets. `values` are more properties of each asset by its id, such as its newest values."""
    return {"type": "FeatureCollection", "features": [feature(asset, (values or {}).get(asset.id)) for asset in assets]}


def feature(asset: Asset, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A Feature of one asset; its geometry is null when its place is not known."""
    properties = {
        **asset.attributes,
        "id": asset.id,
        "kind": asset.kind,
        "name_ko": asset.name("ko"),
        "name_en": asset.name("en"),
        "state": asset.state,
        **({"parent": asset.parent} if asset.parent else {}),
        **(values or {}),
    }
    return {"type": "Feature", "id": asset.id, "geometry": geometry(asset.place), "properties": properties}


def geometry(place: Place | None) -> dict[str, Any] | None:
    """The GeoJSON geometry of a place."""
    if place is None:
        return None
    coordinates = _rounded(place.coordinates)
    if place.type == "Polygon":
        coordinates = _wound(coordinates)
    elif place.type == "MultiPolygon":
        coordinates = [_wound(polygon) for polygon in coordinates]
    return {"type": place.type, "coordinates": coordinates}


def _rounded(coordinates: Any) -> Any:
    if isinstance(coordinates, int | float):
        return round(coordinates, DECIMALS)
    return [_rounded(part) for part in coordinates]


def _wound(rings: list[Any]) -> list[Any]:
    return [ring if (_area(ring) > 0) == (number == 0) else ring[::-1] for number, ring in enumerate(rings)]


def _area(ring: list[Any]) -> float:
    """Twice the signed area [deg²], positive when anticlockwise."""
    return math.fsum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:] + ring[:1], strict=True))


# --- in ------------------------------------------------------------------------------------------------------------


def read_features(body: bytes) -> Features:
    """Features of a FeatureCollection or of a single Feature; a broken one is rejected by its number.

    Raises `InputError` when the whole file is no GeoJSON or not in WGS 84.
    """
    try:
        document = loads(body)
    except InputError as error:
        raise InputError("geojson.broken", error.message) from error
    if not isinstance(document, dict) or document.get("type") not in ("FeatureCollection", "Feature"):
        raise InputError("geojson.not_features", "The file is no GeoJSON FeatureCollection.")
    _refuse_other_crs(document)
    items = document.get("features") if document["type"] == "FeatureCollection" else [document]
    if not isinstance(items, list):
        raise InputError("geojson.not_features", "The FeatureCollection has no list of features.")
    found = Features([], [])
    for row, item in enumerate(items, 1):
        try:
            found.features.append(_feature(row, item))
        except Refused as refused:
            found.rejected.append(Rejected(row, refused.code, refused.why, shown(item)))
    return found


def _refuse_other_crs(document: dict[str, Any]) -> None:
    crs = document.get("crs")
    if crs is None:
        return
    name = crs.get("properties", {}).get("name", "") if isinstance(crs, dict) and isinstance(crs.get("properties"), dict) else ""
    if not (isinstance(name, str) and ("CRS84" in name or name.endswith("4326"))):
        raise InputError("geojson.crs", f"GeoJSON is WGS 84 (RFC 7946); this file says {shown(name)}. Convert it first.")


def _feature(row: int, item: Any) -> Feature:
    if not isinstance(item, dict) or item.get("type") != "Feature":
        raise Refused("geojson.not_a_feature", "This is no Feature.")
    properties = item.get("properties") or {}
    if not isinstance(properties, dict):
        raise Refused("geojson.not_a_feature", "The properties of a Feature are an object or null.")
    own_id = item.get("id", properties.get("id", ""))
    text = str(own_id) if isinstance(own_id, str | int) and not isinstance(own_id, bool) else ""
    shape = item.get("geometry")
    return Feature(row, text, None if shape is None else read_geometry(shape), properties)


def read_geometry(shape: Any) -> Place:
    """The place of a GeoJSON geometry, or `Refused`. A MultiPoint or GeometryCollection is no place of one thing."""
    kind = shape.get("type") if isinstance(shape, dict) else None
    if not isinstance(kind, str) or kind not in _DEPTH:
        raise Refused("geojson.geometry", f"The geometry is one of {', '.join(_DEPTH)}, not {shown(kind)}.")
    coordinates = _checked(shape.get("coordinates"), _DEPTH[kind])
    lines: list[Any] = []
    if kind == "LineString":
        lines = [coordinates]
    elif kind == "MultiLineString":
        lines = coordinates
    if any(len(line) < 2 for line in lines):
        raise Refused("geojson.geometry", "A line has at least two positions.")
    polygons = [coordinates] if kind == "Polygon" else coordinates if kind == "MultiPolygon" else []
    for ring in (ring for polygon in polygons for ring in polygon):
        if len(ring) < 4 or ring[0] != ring[-1]:
            raise Refused("geojson.ring", "A ring has at least four positions and ends where it starts.")
    return Place(kind, coordinates)  # type: ignore[arg-type]  # the name was looked up above


def _checked(coordinates: Any, depth: int) -> Any:
    if not isinstance(coordinates, list) or not coordinates:
        raise Refused("geojson.geometry", "The coordinates are nested too little or empty.")
    if depth:
        return [_checked(part, depth - 1) for part in coordinates]
    if not 2 <= len(coordinates) <= 3:
        raise Refused("geojson.geometry", "A position is longitude, latitude and, if known, height.")
    if not all(isinstance(one, int | float) and not isinstance(one, bool) and abs(one) < 1e9 for one in coordinates):
        raise Refused("geojson.geometry", "A position is made of numbers.")
    lon, lat = float(coordinates[0]), float(coordinates[1])
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        swapped = " Longitude comes first." if -180 <= lat <= 180 and -90 <= lon <= 90 else ""
        raise Refused("geojson.out_of_range", f"({lon}, {lat}) is no longitude and latitude in degrees.{swapped}")
    return [lon, lat]


def read_assets(body: bytes, city: str, kind: str = "") -> Listed:
    """Assets of a GeoJSON file: id and name from each feature, `kind` where a feature names none."""
    found = read_features(body)
    listed = Listed([], list(found.rejected))
    taken: dict[str, int] = {}
    for one in found.features:
        try:
            listed.assets.append(_asset(one, city, kind, taken))
        except Refused as refused:
            listed.rejected.append(Rejected(one.row, refused.code, refused.why, shown(one.properties)))
        except InputError as error:
            listed.rejected.append(Rejected(one.row, error.code, error.message, shown(one.properties)))
    listed.rejected.sort(key=lambda one: one.row)
    return listed


def _asset(one: Feature, city: str, kind: str, taken: dict[str, int]) -> Asset:
    own_kind = _text_of(one, "kind") or kind
    if not one.id:
        raise Refused("geojson.id_missing", "The feature has no id.")
    if not own_kind:
        raise Refused("geojson.kind_missing", "Neither the feature nor the import names the kind of asset.")
    if taken.setdefault(one.id, one.row) != one.row:
        raise Refused("geojson.id_twice", f"Feature {taken[one.id]} already has the id {shown(one.id)}.")
    name = _text_of(one, "name_ko") or _text_of(one, "name") or _text_of(one, "name_en") or one.id
    attributes = {key: value for key, value in one.properties.items() if key not in _OWN}
    return Asset(
        id=one.id,
        city=city,
        kind=own_kind,
        name=Text(name, _text_of(one, "name_en")),
        place=one.place,
        parent=_text_of(one, "parent") or None,
        attributes=attributes,
    )


def _text_of(one: Feature, key: str) -> str:
    value = one.properties.get(key)
    return shown(value).strip() if isinstance(value, str) else ""
