"""Places on the earth, WGS 84, as GeoJSON has them (longitude first)."""

from __future__ import annotations

import itertools
import math
from typing import Any, Literal

import msgspec

from dure.core.errors import InputError

EARTH_RADIUS_M = 6_371_008.8  # mean radius R1 of the WGS 84 ellipsoid


class Point(msgspec.Struct, frozen=True):
    """Longitude and latitude [deg]."""

    lon: float
    lat: float

    def __post_init__(self) -> None:
        if not (-180.0 <= self.lon <= 180.0 and -90.0 <= self.lat <= 90.0):
            raise InputError("geo.out_of_range", f"({self.lon}, {self.lat}) is no longitude and latitude in degrees.")


class Place(msgspec.Struct, frozen=True):
    """A GeoJSON geometry: point, line or area."""

    type: Literal["Point", "LineString", "MultiLineString", "Polygon", "MultiPolygon"]
    coordinates: Any

    @property
    def point(self) -> Point:
        """The point itself, or the middle of the bounding box."""
        west, south, east, north = self.bounds
        return Point((west + east) / 2, (south + north) / 2)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north [deg]."""
        positions = list(_positions(self.coordinates))
        lons, lats = [p[0] for p in positions], [p[1] for p in positions]
        return min(lons), min(lats), max(lons), max(lats)


def at(lon: float, lat: float) -> Place:
    """The place of a point."""
    point = Point(lon, lat)
    return Place("Point", [point.lon, point.lat])


def _positions(coordinates: Any) -> Any:
    if coordinates and isinstance(coordinates[0], int | float):
        yield coordinates
    else:
        for part in coordinates:
            yield from _positions(part)


def distance_m(a: Point, b: Point) -> float:
    """Great-circle distance [m] (haversine)."""
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    half_chord = (
        math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(math.radians(b.lon - a.lon) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(half_chord)))


def inside(point: Point, area: Place) -> bool:
    """Whether a point lies in a polygon or multipolygon; a point in a hole does not (even-odd rule)."""
    polygons = [area.coordinates] if area.type == "Polygon" else area.coordinates if area.type == "MultiPolygon" else []
    return any(sum(_crosses(point, ring) for ring in polygon) % 2 == 1 for polygon in polygons)


def _crosses(point: Point, ring: list[list[float]]) -> bool:
    """Whether a ray from the point eastwards crosses the ring an odd number of times."""
    odd = False
    for (x1, y1, *_), (x2, y2, *_) in itertools.pairwise(ring):
        if (y1 > point.lat) != (y2 > point.lat) and point.lon < (x2 - x1) * (point.lat - y1) / (y2 - y1) + x1:
            odd = not odd
    return odd
