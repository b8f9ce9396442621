"""The inventory as a page shows it: districts with their names, sorted, and what the map shows. Pure but for the city's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from dure.core.text import Text
from dure.services.carbon.governing.inventory import Row, by_district
from dure.services.carbon.governing.places import NAMES, OTHER
from dure.services.carbon.model import Tier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dure.city import Zone
    from dure.spine.house import House
    from dure.web.i18n import Speech

NOT_KNOWN = Text("구역을 알 수 없음", "District not known")
KG = 1_000


class Chosen(NamedTuple):
    """What is asked for: a year, one tier (tiers are never summed), a district or all."""

    year: int
    tier: Tier
    district: str


class Line(NamedTuple):
    """A row of the table: names beside the figures."""

    row: Row
    district: Text
    service: Text


class District(NamedTuple):
    """A district with its grams of the chosen tier [gCO2e], None where nothing was measured."""

    id: str
    name: Text
    grams: int | None


def chosen(query: Mapping[str, str], year: int) -> Chosen:
    """What a query asks for."""
    tier: Tier = next((one for one in get_args(Tier) if one == query.get("tier")), "A")
    return Chosen(year, tier, query.get("district", "")[:60])


def table_rows(house: House, rows: Sequence[Row], wanted: Chosen) -> list[Line]:
    """Rows of the chosen tier and district, those worth most first."""
    names = {one.id: one.name for one in house.city.zones}
    found = [
        Line(one, names.get(one.district, NOT_KNOWN), NAMES.get(one.service, NAMES[OTHER]))
        for one in rows
        if one.tier == wanted.tier and wanted.district in ("", one.district or "city")
    ]
    return sorted(found, key=lambda line: (-line.row.grams, line.row.district, line.row.service))


def district_rows(house: House, rows: Sequence[Row], wanted: Chosen) -> list[District]:
    """Every district, with what it has; the rest of the city last."""
    grams = by_district(rows, wanted.tier)
    found = [District(zone.id, zone.name, grams.get(zone.id)) for zone in house.city.zones]
    found.sort(key=lambda one: (-(one.grams or -1), one.name.ko))
    return [*found, District("city", NOT_KNOWN, grams[""])] if "" in grams else found


def features(house: House, rows: Sequence[Row], wanted: Chosen, say: Speech) -> list[dict[str, Any]]:
    """A point for each district that has something."""
    grams = by_district(rows, wanted.tier)
    return [_feature(zone, grams[zone.id], wanted, say) for zone in house.city.zones if zone.id in grams]


def _feature(zone: Zone, grams: int, wanted: Chosen, say: Speech) -> dict[str, Any]:
    middle = zone.place.point
    told = say.quantity(grams / KG, 1, "kgCO₂e")
    facts = {
        "id": zone.id,
        "name": say.text(zone.name),
        "status": "live" if wanted.tier == "A" else "silent",
        "value": round(grams / KG, 1),
        "told": told,
        "href": f"?year={wanted.year}&tier={wanted.tier}&district={zone.id}",
    }
    point = {"type": "Point", "coordinates": [middle.lon, middle.lat]}
    return {"type": "Feature", "id": zone.id, "geometry": point, "properties": facts}
