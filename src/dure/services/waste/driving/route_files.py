"""A route as a file for other devices: GPX 1.1 for navigation, GeoJSON (RFC 7946) for maps. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from dure.core.time import format_instant

if TYPE_CHECKING:
    from dure.core.text import Language
    from dure.services.waste.driving.shift import Shift, ShiftStop

GPX = "application/gpx+xml"


def gpx(shift: Shift, language: Language) -> str:
    """The stops as a route, and the way along the streets as a track when the plan has it (GPX 1.1, topografix.com)."""
    name = escape(f"{shift.truck_name(language)} {shift.day.isoformat()}")
    points = "".join(_gpx_point(one, language) for one in shift.stops if one.lon is not None and one.lat is not None)
    track = "".join(f'<trkpt lat="{lat:.6f}" lon="{lon:.6f}"/>' for lon, lat in shift.geometry)
    way = f"<trk><name>{name}</name><trkseg>{track}</trkseg></trk>" if track else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<gpx version="1.1" creator="Dure" xmlns="http://www.topografix.com/GPX/1/1">'
        f"<metadata><name>{name}</name></metadata><rte><name>{name}</name>{points}</rte>{way}</gpx>\n"
    )


def _gpx_point(stop: ShiftStop, language: Language) -> str:
    number = f"{stop.number}. " if stop.number is not None else ""
    note = f"<desc>{escape(stop.note)}</desc>" if stop.note else ""
    return (
        f'<rtept lat="{stop.lat:.6f}" lon="{stop.lon:.6f}"><time>{format_instant(stop.due_at)}</time>'
        f"<name>{escape(number + stop.name(language))}</name>{note}<type>{escape(stop.kind)}</type></rtept>"
    )


def geojson(shift: Shift, language: Language) -> dict[str, Any]:
    """The stops as points in their order and the way as a line."""
    features: list[dict[str, Any]] = [
        {
            "type": "Feature",
            "id": f"{order}-{one.id}",
            "geometry": {"type": "Point", "coordinates": [one.lon, one.lat]},
            "properties": {
                "order": order,
                "number": one.number,
                "kind": one.kind,
                "id": one.id,
                "name": one.name(language),
                "due_at": format_instant(one.due_at),
                "state": one.state,
            },
        }
        for order, one in enumerate(shift.stops)
        if one.lon is not None and one.lat is not None
    ]
    line = list(shift.geometry) or [(one.lon, one.lat) for one in shift.stops if one.lon is not None and one.lat is not None]
    if len(line) > 1:
        way = {"truck": shift.truck, "plan": shift.plan, "distance_m": shift.distance_m, "streets": bool(shift.geometry)}
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "LineString", "coordinates": [list(point) for point in line]},
                "properties": way,
            }
        )
    return {"type": "FeatureCollection", "features": features}
