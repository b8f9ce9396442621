"""Open data of the board and the districts: flat rows for CSV, areas for GeoJSON. Each row names its licence. Pure."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from dure.core.time import format_instant
from dure.services.carbon.governing.places import NAMES, OTHER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dure.city import Zone
    from dure.services.carbon.governing.board import Board
    from dure.services.carbon.governing.inventory import Row
    from dure.services.carbon.model import Tier

BOARD_COLUMNS = ("year", "month", "figure", "programme", "tier", "amount", "unit", "made_at", "licence")
INVENTORY_COLUMNS = (
    "year", "district", "district_ko", "district_en", "service", "service_ko", "service_en", "tier", "claims", "grams",
    "point_grams", "measured", "licence",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
TOTALS = ("out_won", "in_city_won", "in_companies_won", "released_won", "company_won", "escrow_won", "budget_won")


def board_rows(one: Board, licence: str) -> list[dict[str, Any]]:
    """A row for each figure of the board; what is not told has no row."""
    frame = {
        "year": one.year,
        "month": "",
        "programme": "",
        "tier": "",
        "made_at": format_instant(one.made_at),
        "licence": licence,
    }
    rows = [frame | {"figure": name, "amount": getattr(one, name), "unit": "KRW"} for name in TOTALS]
    tiers: tuple[Tier, ...] = ("A", "B")
    rows += [frame | {"figure": "grams", "tier": tier, "amount": one.grams(tier), "unit": "gCO2e"} for tier in tiers]
    cost = one.sponsored_won_per_tonne
    rows += [] if cost is None else [frame | {"figure": "sponsored_won_per_tonne", "tier": "A", "amount": cost, "unit": "KRW/t"}]
    for row in one.programmes:
        mine = frame | {"programme": row.programme, "tier": row.tier}
        if not row.hidden:
            rows.append(mine | {"figure": "claims", "amount": row.claims, "unit": "1"})
            rows.append(mine | {"figure": "rewards", "amount": row.given_won, "unit": "KRW"})
            rows += [mine | {"figure": "grams", "amount": row.grams, "unit": "gCO2e"}] if row.tier != "C" else []
            per_t = row.won_per_tonne
            rows += [] if per_t is None else [mine | {"figure": "won_per_tonne", "amount": per_t, "unit": "KRW/t"}]
    for month in one.months:
        mine = frame | {"month": month.month}
        rows += [
            mine | {"figure": "grams", "tier": tier, "amount": grams, "unit": "gCO2e"} for tier, grams in month.grams.items()
        ]
        rows.append(mine | {"figure": "in_city_won", "amount": month.in_city_won, "unit": "KRW"})
        rows.append(mine | {"figure": "in_companies_won", "amount": month.in_companies_won, "unit": "KRW"})
        rows += [] if month.out_won is None else [mine | {"figure": "out_won", "amount": month.out_won, "unit": "KRW"}]
    return rows


def inventory_rows(rows: Iterable[Row], zones: Sequence[Zone], year: int, licence: str) -> list[dict[str, Any]]:
    """A row for each district, service and tier."""
    names = {zone.id: zone.name for zone in zones}
    found = []
    for one in rows:
        place, service = names.get(one.district), NAMES.get(one.service, NAMES[OTHER])
        found.append(
            {
                "year": year, "district": one.district, "district_ko": place.ko if place else "",
                "district_en": place.en if place else "", "service": one.service, "service_ko": service.ko,
                "service_en": service.en, "tier": one.tier, "claims": one.claims, "grams": one.grams,
                "point_grams": one.point_grams, "measured": "; ".join(f"{name}: {n}" for name, n in sorted(one.measured.items())),
                "licence": licence,
            }
        )  # fmt: skip
    return found


def inventory_geojson(rows: Iterable[Row], zones: Sequence[Zone], year: int, licence: Mapping[str, str]) -> dict[str, Any]:
    """An area for each district, its grams of each tier apart."""
    grams: dict[str, dict[str, int]] = {}
    for one in rows:
        if one.tier != "C":
            mine = grams.setdefault(one.district, {})
            mine[one.tier] = mine.get(one.tier, 0) + one.grams
    features = [
        {
            "type": "Feature",
            "id": zone.id,
            "geometry": {"type": zone.place.type, "coordinates": zone.place.coordinates},
            "properties": {
                "name_ko": zone.name.ko, "name_en": zone.name.en, "year": year,
                "grams_a": grams.get(zone.id, {}).get("A", 0), "grams_b": grams.get(zone.id, {}).get("B", 0),
            },
        }
        for zone in zones
    ]  # fmt: skip
    return {"type": "FeatureCollection", "licence": dict(licence), "features": features}


def csv_text(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Rows as CSV (RFC 4180); a text that a spreadsheet would take for a formula gets an apostrophe."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(row[name]) for name in columns})
    return out.getvalue()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
