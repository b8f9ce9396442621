"""Open data: years of buildings and groups, months of buildings, as rows of plain values. Pure.

They say what the pages say, and are as silent about buildings that are kept back.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dure.services.buildings.comparing.spans import mean_area_m2
from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.model import SUPPLIES
from dure.services.buildings.months.portfolio import BuildingMonth
from dure.services.buildings.publishing.anonymity import GroupFigure
from dure.services.buildings.publishing.figures import Figures, figures
from dure.services.buildings.publishing.lookup import Entry, Published
from dure.services.buildings.publishing.spans import year_of

ENERGY_FUELS: tuple[Fuel, ...] = tuple(one.id for one in SUPPLIES.values() if one.energy)
YEAR_COLUMNS = (
    "kind", "building", "name_ko", "name_en", "use", "zone", "lon", "lat", "area_m2", "buildings_n", "year", "months_known",
    "whole", "energy_kwh", *(f"{fuel}_kwh" for fuel in ENERGY_FUELS), "pv_kwh", "water_m3", "co2e_t", "programme",
    "factors_as_of", "provisional", "eui_kwh_m2", "measured", "estimated", "substituted", "filled",
)  # fmt: skip
MONTH_COLUMNS = (
    "building", "year", "month", "fuel", "energy_kwh", "amount", "unit", "co2e_t", "programme", "factors_as_of", "provisional",
    "coverage", "measured", "estimated", "substituted", "filled",
)  # fmt: skip
_BOOK_UNITS = {"Wh": ("kWh", 1_000), "kJ": ("MJ", 1_000), "L": ("m3", 1_000), "g": ("kg", 1_000)}
Row = Mapping[str, Any]


def year_rows(told: Published, year: str) -> list[Row]:
    """A row for each building that is shown and known in the year, then one for each group that has a figure."""
    span = year_of(year)
    rows = []
    for one in told.entries.values():
        known = next((each for each in one.years if each.span == span), None)
        found = known or figures(one.rows, span, told.rules.coverage_min)
        if found.months_n:
            rows.append(_building(one, found, told))
    return rows + [_group(one, told) for one in told.groups.get(year, ()) if one.energy_wh is not None]


def month_rows(told: Published, year: str) -> list[Row]:
    """A row for each month and fuel of each building that is shown."""
    return [month_row(row, told) for one in told.entries.values() for row in one.rows if row.month[:4] == year]


def month_row(row: BuildingMonth, told: Published) -> Row:
    """One month and fuel of a building that is shown."""
    unit, size = _BOOK_UNITS[row.book]
    amount = row.amount or 1
    parts = {name: round(getattr(row, name) / amount, 4) for name in ("measured", "estimated", "substituted", "filled")}
    return {
        "building": row.building,
        "year": row.month[:4],
        "month": row.month,
        "fuel": row.fuel,
        "energy_kwh": None if row.energy_wh is None else row.energy_wh / 1_000,
        "amount": row.amount / size,
        "unit": unit,
        "co2e_t": None if row.co2e_g is None else row.co2e_g / 1e6,
        "programme": told.programme,
        "factors_as_of": told.day.isoformat(),
        "provisional": row.provisional,
        "coverage": round(row.coverage, 4),
        **parts,
    }


def _building(one: Entry, found: Figures, told: Published) -> Row:
    building, fuels = one.building, _fuels(found)
    area = mean_area_m2(building, found.span.months)
    comparable = found.whole and not found.unconverted and area > 0
    return {
        "kind": "building",
        "building": building.id,
        "name_ko": building.name.ko,
        "name_en": building.name.en,
        "use": building.use,
        "zone": one.zone,
        "lon": building.lon,
        "lat": building.lat,
        "area_m2": area or None,
        "buildings_n": 1,
        "year": found.span.first[:4],
        "months_known": found.months_n,
        "whole": found.whole,
        "energy_kwh": found.energy_kwh,
        **fuels,
        "co2e_t": None if found.refused else found.co2e_t,
        "programme": told.programme,
        "factors_as_of": told.day.isoformat(),
        "provisional": found.provisional,
        "eui_kwh_m2": round(found.energy_kwh / area, 3) if comparable else None,
        **{name: round(getattr(found.shares, name), 4) for name in ("measured", "estimated", "substituted", "filled")},
    }


def _fuels(found: Figures) -> dict[str, float | None]:
    told: dict[str, float | None] = dict.fromkeys((*(f"{fuel}_kwh" for fuel in ENERGY_FUELS), "pv_kwh", "water_m3"))
    for part in found.fuels:
        if part.fuel == "water":
            told["water_m3"] = part.amount / 1_000
        elif part.fuel == "pv":
            told["pv_kwh"] = part.amount / 1_000
        elif part.energy_wh is not None:
            told[f"{part.fuel}_kwh"] = (told[f"{part.fuel}_kwh"] or 0) + part.energy_wh / 1_000
    return told


def _group(one: GroupFigure, told: Published) -> Row:
    energy_kwh = (one.energy_wh or 0) / 1_000
    facts: dict[str, Any] = dict.fromkeys(YEAR_COLUMNS)
    return facts | {
        "kind": "group",
        "use": one.block.use,
        "zone": one.block.zone,
        "area_m2": one.area_m2,
        "buildings_n": one.n,
        "year": one.span.first[:4],
        "months_known": 12,
        "whole": True,
        "energy_kwh": energy_kwh,
        **{f"{fuel}_kwh": wh / 1_000 for fuel, wh in one.by_fuel.items()},
        "co2e_t": None if one.co2e_g is None else one.co2e_g / 1e6,
        "programme": told.programme,
        "factors_as_of": told.day.isoformat(),
        "provisional": one.provisional,
        "eui_kwh_m2": round(energy_kwh / one.area_m2, 1) if one.area_m2 else None,
    }


def csv_text(rows: Iterable[Row], columns: Sequence[str]) -> str:
    """Rows as CSV (RFC 4180): lines end in CRLF, what is not known is empty, true and false are words."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in columns])
    return file.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") and isinstance(value, str) else text  # no formula for spreadsheets


def geojson(told: Published, year: str) -> dict[str, Any]:
    """Years of buildings as features at their places; groups have none and are left out."""
    features = [
        {
            "type": "Feature",
            "id": row["building"],
            "geometry": {"type": "Point", "coordinates": [row["lon"], row["lat"]]},
            "properties": {name: value for name, value in row.items() if name not in ("lon", "lat", "kind", "buildings_n")},
        }
        for row in year_rows(told, year)
        if row["kind"] == "building"
    ]
    return {"type": "FeatureCollection", "features": features}
