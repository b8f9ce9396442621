"""Buildings and meters as the register has them: attributes of assets, read and checked.

An attribute is a text (from a city's CSV) or a JSON value (from the API); docs/en/buildings.md lists them. A list of assets
never fails as a whole: what cannot be used comes back as `Rejected`, in the order it was given, with a stable code.

=======================  =========================================================================
``buildings.attribute``  an attribute cannot be read, or is outside its span
``buildings.unplaced``   the building has no place, so nobody finds it on the map
``buildings.kind``       the asset is of another kind
``meter.building``       the meter's parent is no building that is registered
``meter.fuel``           the meter counts something nobody knows
=======================  =========================================================================
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection

from dure.core.assets import Asset
from dure.core.errors import InputError
from dure.core.observations import Rejected
from dure.engines.records import assets
from dure.engines.records.assets import Wanted
from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.model import SUPPLIES, Building, Meter

_WORD = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
AREA_M2_MAX = 10_000_000
PARTS = ("main", "sub")
PAGE = 1_000


class Sites(NamedTuple):
    """Buildings and meters by id, and assets that cannot be used."""

    buildings: Mapping[str, Building]
    meters: Mapping[str, Meter]
    rejected: list[Rejected]

    def meters_of(self, building: str) -> list[Meter]:
        """Meters of a building, by id."""
        return [self.meters[one] for one in sorted(self.meters) if self.meters[one].building == building]


def registered(connection: Connection) -> Sites:
    """All buildings and meters of the city that are live."""
    found: list[Asset] = []
    after = ""
    while True:
        page = assets.listing(connection, Wanted(kinds=("building", "meter"), states=("live",)), after=after, limit=PAGE)
        found += page.items
        if not page.next:
            return sites_of(found)
        after = page.next


def sites_of(listed: Iterable[Asset]) -> Sites:
    """Buildings and meters of assets; other kinds are left out."""
    buildings: dict[str, Building] = {}
    meters: dict[str, Meter] = {}
    rejected: list[Rejected] = []
    for row, one in enumerate(sorted(listed, key=lambda asset: asset.kind)):  # buildings stand before their meters
        try:
            if one.kind == "building":
                buildings[one.id] = building_of(one)
            elif one.kind == "meter":
                meters[one.id] = _placed(meter_of(one), buildings)
        except InputError as error:
            rejected.append(Rejected(row, error.code, error.message, one.id))
    return Sites(buildings, meters, rejected)


def _placed(meter: Meter, buildings: Mapping[str, Building]) -> Meter:
    if meter.building not in buildings:
        raise InputError("meter.building", f"{meter.id}: {meter.building!r} is no building that is registered.")
    return meter


def building_of(asset: Asset) -> Building:
    """The building of an asset; refused with `InputError` and one of the codes above."""
    words = _Words(asset, "building")
    if asset.place is None:
        raise InputError("buildings.unplaced", f"{asset.id} has no place. Give its longitude and latitude.")
    point = asset.place.point
    built, people = words.number("built", (1300, 2200)), words.number("people", (0, 1_000_000))
    return Building(
        id=asset.id,
        lon=point.lon,
        lat=point.lat,
        name=asset.name,
        use=words.word("use", "other"),
        area_m2=words.number("area_m2", (0, AREA_M2_MAX)) or 0.0,
        areas=words.areas("areas"),
        body=words.text("body"),
        region=words.word("region", ""),
        built=None if built is None else round(built),
        people=None if people is None else round(people),
        parcel=words.text("parcel"),
        station=words.text("station"),
        zone=words.text("zone"),
        demo=words.text("demo") == "yes",
    )


def meter_of(asset: Asset) -> Meter:
    """The meter of an asset; refused with `InputError` and one of the codes above."""
    words = _Words(asset, "meter")
    fuel = words.word("fuel", "electricity")
    if fuel not in SUPPLIES:
        raise InputError("meter.fuel", f"{asset.id}: {fuel!r} is none of {', '.join(SUPPLIES)}.")
    part = words.word("part", "main")
    if part not in PARTS:
        raise words.refused("part", f"must be one of {', '.join(PARTS)}")
    usual = Meter(id=asset.id, building=asset.parent or "", fuel=cast("Fuel", fuel))
    return Meter(
        id=asset.id,
        building=asset.parent or "",
        fuel=cast("Fuel", fuel),
        volume=words.text("volume") == "yes",
        part=part,
        supplier=words.text("supplier"),
        branch=words.text("branch"),
        rate_max_per_h=round(words.number("rate_max_per_h", (1, 1e12)) or usual.rate_max_per_h),
        register_size=round(words.number("register_size", (0, 1e15)) or 0),
        resolution=round(words.number("resolution", (1, 1e9)) or 1),
        number=words.text("number"),
        formula=words.formula("formula"),
        demo=words.text("demo") == "yes",
    )


class _Words:
    """The attributes of one asset of a kind, each read once."""

    def __init__(self, asset: Asset, kind: str) -> None:
        if asset.kind != kind:
            raise InputError("buildings.kind", f"{asset.id} is a {asset.kind}, not a {kind}.")
        self._id, self._given = asset.id, asset.attributes

    def refused(self, name: str, why: str) -> InputError:
        return InputError("buildings.attribute", f"{self._id}: {name} {str(self._given.get(name))[:40]!r} {why}.")

    def text(self, name: str) -> str:
        given = self._given.get(name)
        return "" if given is None else str(given).strip()[:200]

    def word(self, name: str, otherwise: str) -> str:
        given = self.text(name)
        if not given:
            return otherwise
        if not _WORD.fullmatch(given):
            raise self.refused(name, "must be one word of a-z, 0-9, '-' and '_'")
        return given

    def number(self, name: str, span: tuple[float, float]) -> float | None:
        given = self._given.get(name)
        if given is None or given == "":
            return None
        try:
            value = math.nan if isinstance(given, bool) else float(given)
        except (TypeError, ValueError, OverflowError):
            value = math.nan
        if not span[0] <= value <= span[1]:
            raise self.refused(name, f"must be a number from {span[0]:g} to {span[1]:g}")
        return value

    def areas(self, name: str) -> tuple[tuple[str, float], ...]:
        found = self._json(name, {})
        if not isinstance(found, Mapping):
            raise self.refused(name, 'must read like {"2025-03-01": 5200}')
        rows = []
        for day, value in sorted(found.items()):
            if not _DAY.fullmatch(str(day)) or isinstance(value, bool) or not isinstance(value, int | float):
                raise self.refused(name, 'must read like {"2025-03-01": 5200}')
            if not 0 < value <= AREA_M2_MAX:
                raise self.refused(name, f"must be areas up to {AREA_M2_MAX} m2")
            rows.append((str(day), float(value)))
        return tuple(rows)

    def formula(self, name: str) -> dict[str, int]:
        found = self._json(name, {})
        if not isinstance(found, Mapping) or not all(type(sign) is int and sign != 0 for sign in found.values()):
            raise self.refused(name, 'must read like {"meter-a": 1, "meter-b": -1}')
        return {str(meter): int(sign) for meter, sign in found.items()}

    def _json(self, name: str, otherwise: Any) -> Any:
        given = self._given.get(name)
        if given is None or given == "":
            return otherwise
        if not isinstance(given, str):
            return given
        try:
            return json.loads(given)
        except ValueError:
            raise self.refused(name, "must be JSON") from None
