"""A city: its zones, its assets and devices, its own ranges and codecs, read from one folder of TOML, GeoJSON and CSV.

Every mistake is a `ConfigError` that names the file, the line and what to do. What is odd but usable is a `Notice`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from dure.city_lists import DeviceSeed, asset_of, claim, device_of, read_text, rows_of
from dure.core.assets import Asset
from dure.core.errors import ConfigError, DureError, InputError
from dure.core.geo import Place, Point, inside
from dure.core.identifiers import identifier
from dure.core.properties import Properties
from dure.core.text import Language, Text

T = TypeVar("T")

_Position = Annotated[list[float], msgspec.Meta(min_length=2, max_length=3)]
_Rings = Annotated[list[Annotated[list[_Position], msgspec.Meta(min_length=4)]], msgspec.Meta(min_length=1)]
_AREAS: dict[str, Any] = {"Polygon": _Rings, "MultiPolygon": Annotated[list[_Rings], msgspec.Meta(min_length=1)]}


class Zone(msgspec.Struct, frozen=True):
    """A part of the city with its official code."""

    id: str
    name: Text
    place: Place
    code: str = ""


class Integration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A LoRaWAN network server we listen to by MQTT. Credentials stand in environment variables of these names."""

    id: str
    server: Literal["chirpstack", "tts"]
    url: Annotated[str, msgspec.Meta(pattern="^mqtts?://")]
    topics: tuple[str, ...]
    username_env: str = ""
    password_env: str = ""


class _Integrations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    lorawan: list[Integration] = []


class PropertyRange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A city's own span or period of a property; what is left out stays as the service says. A source is required."""

    source: str
    fail_min: float | msgspec.UnsetType = msgspec.UNSET
    fail_max: float | msgspec.UnsetType = msgspec.UNSET
    suspect_min: float | msgspec.UnsetType = msgspec.UNSET
    suspect_max: float | msgspec.UnsetType = msgspec.UNSET
    period_s: int | msgspec.UnsetType = msgspec.UNSET
    retention_d: int | msgspec.UnsetType = msgspec.UNSET


class Notice(msgspec.Struct, frozen=True):
    """Something odd in a city file that does not stop the city."""

    code: str
    file: str
    line: int
    why: str


class _CityFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The words of city.toml."""

    id: str
    name: Text
    time_zone: str
    country: str = "KR"
    languages: tuple[Language, ...] = ("ko", "en")
    center: tuple[float, float] | None = None
    attributions: tuple[Text, ...] = ()
    seed: int = 1


@dataclass(frozen=True, slots=True)
class City:
    """One city as its folder describes it."""

    id: str
    name: Text
    country: str
    zone: ZoneInfo
    languages: tuple[Language, ...]
    zones: list[Zone]
    center: Point
    bounds: tuple[float, float, float, float]
    folder: Path
    attributions: list[Text]
    seed: int
    ranges: dict[str, PropertyRange] = field(default_factory=dict)
    codecs: list[Path] = field(default_factory=list)
    mappings: list[Path] = field(default_factory=list)
    integrations: list[Integration] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    asset_list: tuple[Asset, ...] = ()
    device_list: tuple[DeviceSeed, ...] = ()

    def assets(self) -> list[Asset]:
        """The assets the city lists."""
        return list(self.asset_list)

    def devices(self) -> list[DeviceSeed]:
        """The devices the city lists."""
        return list(self.device_list)

    def zone_of(self, point: Point) -> Zone | None:
        """The zone that holds a point, or None outside all."""
        return zone_at(point, self.zones)

    def zone_by_id(self, zone_id: str) -> Zone | None:
        """A zone by its id."""
        return next((zone for zone in self.zones if zone.id == zone_id), None)

    def apply_ranges(self, properties: Properties) -> None:
        """Put the city's own ranges over the registered ones."""
        file = self.folder / "properties.toml"
        for property_id, own in self.ranges.items():
            known = properties.get(property_id)
            if known is None:
                raise ConfigError(
                    "city.property_unknown", f"{file}: no service has the property {property_id!r}. Check its spelling."
                )
            changes = {name: value for name, value in msgspec.structs.asdict(own).items() if value is not msgspec.UNSET}
            try:
                properties.override(msgspec.structs.replace(known, **changes))
            except DureError as error:
                raise ConfigError("city.invalid", f"{file}: [{property_id}] {error.message}") from error


def read_city(folder: Path) -> City:
    """The city of a folder; refused with file, line and remedy when something in it is wrong."""
    if not folder.is_dir():
        raise ConfigError("city.missing", f"{folder}: no such folder. Name the folder that holds city.toml.")
    facts = _typed(_toml(folder / "city.toml"), _CityFile, folder / "city.toml")
    zones = list(_zones(folder / "zones.geojson"))
    west, south, east, north = zip(*(zone.place.bounds for zone in zones), strict=True)
    bounds = (min(west), min(south), max(east), max(north))
    middle = facts.center or ((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2)
    try:
        identifier(facts.id, "city id")
        center = Point(*middle)
    except DureError as error:
        raise ConfigError("city.invalid", f"{folder / 'city.toml'}: {error.message}") from error
    notices: list[Notice] = []
    rows = list(_asset_rows(folder, facts.id, zones, notices))
    return City(
        id=facts.id,
        name=facts.name,
        country=facts.country,
        zone=_time_zone(facts.time_zone, folder / "city.toml"),
        languages=facts.languages,
        zones=zones,
        center=center,
        bounds=bounds,
        folder=folder,
        attributions=list(facts.attributions),
        seed=facts.seed,
        ranges=_optional(folder / "properties.toml", dict[str, PropertyRange], {}),
        codecs=sorted((folder / "codecs").glob("*.toml")),
        mappings=sorted((folder / "mappings").glob("*.toml")),
        integrations=_integrations(folder / "integrations.toml"),
        notices=notices,
        asset_list=tuple(asset for asset, _ in rows),
        device_list=tuple(device for _, device in rows if device is not None),
    )


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(file))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError("city.unreadable", f"{file}: {error}. Correct the TOML there.") from error


def _typed(values: object, kind: type[T], file: Path) -> T:
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise ConfigError("city.invalid", f"{file}: {error}. See docs/en/city.md for the words of this file.") from error


def _optional(file: Path, kind: type[T], default: T) -> T:
    return _typed(_toml(file), kind, file) if file.exists() else default


def _integrations(file: Path) -> list[Integration]:
    found = _optional(file, _Integrations, _Integrations()).lorawan
    taken: dict[str, str] = {}
    for number, one in enumerate(found, 1):
        claim(one.id, taken, f"{file}, [[lorawan]] {number}", "integration")
    return found


def _time_zone(name: str, file: Path) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError("city.time_zone", f"{file}: {name!r} is no IANA time zone. Use for example Asia/Seoul.") from error


def _zones(file: Path) -> Iterator[Zone]:
    try:
        collection = msgspec.json.decode(read_text(file))
        features = list(collection["features"])
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise ConfigError("city.unreadable", f"{file}: no GeoJSON FeatureCollection ({error}). See scripts/zones.py.") from error
    if not features:
        raise ConfigError("city.invalid", f"{file}: it holds no zone. A city has at least one.")
    zones = [_zone(feature, number, file) for number, feature in enumerate(features, 1)]
    taken: dict[str, str] = {}
    for number, zone in enumerate(zones, 1):
        claim(zone.id, taken, f"{file}, feature {number}", "zone")
    yield from zones


def _zone(feature: Any, number: int, file: Path) -> Zone:
    where = f"{file}, feature {number}"
    try:
        words, shape = feature["properties"], feature["geometry"]
        if shape["type"] not in _AREAS:
            raise ConfigError("city.coordinates", f"{where}: a zone is a Polygon or MultiPolygon, not a {shape['type']}.")
        place = Place(shape["type"], msgspec.convert(shape["coordinates"], _AREAS[shape["type"]]))
        west, south, east, north = place.bounds
        Point(west, south), Point(east, north)
        name = Text(words["name_ko"], words.get("name_en", ""))
        return Zone(identifier(str(feature["id"]), "zone id"), name, place, str(words.get("code", "")))
    except KeyError as error:
        raise ConfigError("city.invalid", f"{where}: {error} is missing. A zone has id, name_ko and a geometry.") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise ConfigError("city.coordinates", f"{where}: it cannot be read as a zone ({error}).") from error
    except InputError as error:
        code = "city.coordinates" if error.code.startswith("geo.") else "city.invalid"
        raise ConfigError(code, f"{where}: {error.message}") from error


def _refuse_twice(ids: Iterable[tuple[str, int]], file: Path, what: str) -> None:
    seen: dict[str, int] = {}
    for one, line in ids:
        if one in seen:
            raise ConfigError(
                "city.duplicate", f"{file}, {what} {line}: the id {one!r} is used before, at {seen[one]}. Rename one."
            )
        seen[one] = line


def _asset_rows(folder: Path, city: str, zones: list[Zone], notices: list[Notice]) -> Iterator[tuple[Asset, DeviceSeed | None]]:
    """Assets and devices of every CSV in assets/, in file and line order; ids are distinct over all files."""
    assets: dict[str, str] = {}
    devices: dict[str, str] = {}
    for file in sorted((folder / "assets").glob("*.csv")):
        for line, row in rows_of(file):
            where = f"{file}, line {line}"
            asset, device = asset_of(row, city, where), device_of(row, where)
            claim(asset.id, assets, where, "asset")
            if device is not None:
                claim(device.id, devices, where, "device")
            yield _in_zone(asset, zones, notices, file, line), device


def _in_zone(asset: Asset, zones: list[Zone], notices: list[Notice], file: Path, line: int) -> Asset:
    """The asset with the attribute `zone`: as its row says, else by its place; outside all zones it has none."""
    named = asset.attributes.get("zone")
    if named is not None:
        if all(zone.id != named for zone in zones):
            raise ConfigError("city.zone_unknown", f"{file}, line {line}: the zone {named[:80]!r} is not in zones.geojson.")
        return asset
    if asset.place is None:
        return asset
    zone = zone_at(asset.place.point, zones)
    if zone is None:
        notices.append(Notice("city.outside", str(file), line, f"{asset.id} ({asset.name.ko}) lies outside every zone."))
        return asset
    return msgspec.structs.replace(asset, attributes={**asset.attributes, "zone": zone.id})


def zone_at(point: Point, zones: Iterable[Zone]) -> Zone | None:
    """The first zone that holds a point."""
    for zone in zones:
        west, south, east, north = zone.place.bounds
        if west <= point.lon <= east and south <= point.lat <= north and inside(point, zone.place):
            return zone
    return None
