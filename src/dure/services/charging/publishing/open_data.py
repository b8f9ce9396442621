"""Open data of charging sites: rows for CSV, GeoJSON, and NGSI-LD entities of type ``EVChargingStation``. Pure.

They say what the pages say: places, connectors, power, state. No session, no card, no vehicle is in them.

The entity follows dataModel.Transportation of the Smart Data Models (version 0.1.0). Its ``socketType`` knows fewer words than
the field: CCS of both kinds is ``CCS/SAE`` there, and what it has no word for is ``Other``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from dure.core.time import format_instant
from dure.services.charging.publishing.standing import SiteStanding, State

COLUMNS = (
    "site", "name_ko", "name_en", "operator", "lon", "lat", "evse", "evse_name_ko", "evse_name_en", "connector", "power_kw",
    "state", "since", "site_free", "site_places", "solar_share_now", "at",
)  # fmt: skip
CONTEXT = (
    "https://raw.githubusercontent.com/smart-data-models/dataModel.Transportation/master/context.jsonld",
    "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.8.jsonld",
)
_SOCKETS = {
    "type1": "J-1772", "type2": "Type2", "ccs1": "CCS/SAE", "ccs2": "CCS/SAE", "chademo": "CHAdeMO", "nacs": "Tesla",
}  # fmt: skip
_STATUS: Mapping[State, str] = {
    "free": "working", "charging": "full", "held": "full", "reserved": "full", "off": "outOfService", "faulted": "withIncidence",
}  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def rows(found: Iterable[SiteStanding], at: datetime) -> list[dict[str, Any]]:
    """A row for each place to charge."""
    return [
        {
            "site": one.site.id,
            "name_ko": one.site.name.ko,
            "name_en": one.site.name.en,
            "operator": one.site.operator,
            "lon": one.site.lon,
            "lat": one.site.lat,
            "evse": each.evse.id,
            "evse_name_ko": each.evse.name.ko,
            "evse_name_en": each.evse.name.en,
            "connector": each.evse.connector,
            "power_kw": each.evse.power_w / 1_000,
            "state": each.state,
            "since": format_instant(each.since) if each.since else None,
            "site_free": one.free_n,
            "site_places": len(one.evses),
            "solar_share_now": None if one.green is None else round(one.green, 3),
            "at": format_instant(at),
        }
        for one in found
        for each in one.evses
    ]


def csv_text(told: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV (RFC 4180); a text that a spreadsheet would take for a formula gets an apostrophe."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for row in told:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return out.getvalue()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def geojson(found: Iterable[SiteStanding], at: datetime) -> dict[str, Any]:
    """One feature for each site, its places among its properties."""
    features = []
    for one in found:
        places = [
            {
                "id": each.evse.id,
                "connector": each.evse.connector,
                "power_kw": each.evse.power_w / 1_000,
                "state": each.state,
            }
            for each in one.evses
        ]
        facts = {
            "name_ko": one.site.name.ko,
            "name_en": one.site.name.en,
            "operator": one.site.operator,
            "free": one.free_n,
            "places": places,
            "state": one.state,
            "solar_share_now": None if one.green is None else round(one.green, 3),
            "at": format_instant(at),
        }
        point = {"type": "Point", "coordinates": [one.site.lon, one.site.lat]}
        features.append({"type": "Feature", "id": one.site.id, "geometry": point, "properties": facts})
    return {"type": "FeatureCollection", "features": features}


def entity(one: SiteStanding, at: datetime) -> dict[str, Any]:
    """A site as an NGSI-LD entity, normalised; one without a place to charge has no capacity, so the model refuses it."""
    observed = format_instant(at)

    def told(value: Any, **more: Any) -> dict[str, Any]:
        return {"type": "Property", "value": value} | more

    facts: dict[str, Any] = {
        "id": f"urn:ngsi-ld:EVChargingStation:{one.site.id}",
        "type": "EVChargingStation",
        "name": told(one.site.name.ko),
        "alternateName": told(one.site.name.en),
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [one.site.lon, one.site.lat]}},
        "allowedVehicleType": told(["car"]),
        "capacity": told(len(one.evses)),
        "socketNumber": told(len(one.evses)),
        "socketType": told(sorted({_SOCKETS.get(each.evse.connector, "Other") for each in one.evses})),
        "availableCapacity": told(one.free_n, observedAt=observed),
    }
    if one.site.operator:
        facts["operator"] = told(one.site.operator)
    if one.state in _STATUS:
        facts["status"] = told(_STATUS[one.state], observedAt=observed)
    return facts | {"@context": list(CONTEXT)}


def entities(found: Iterable[SiteStanding], at: datetime) -> list[dict[str, Any]]:
    """Every site that has a place to charge."""
    return [entity(one, at) for one in found if one.evses]
