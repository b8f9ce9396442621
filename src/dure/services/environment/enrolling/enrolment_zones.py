"""In which zone a thousand points lie: the edges of each zone as arrays, one comparison a zone. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from dure.core.geo import Place, Point

REMEMBERED_MAX = 50_000


class ZoneFinder:
    """The first zone that holds a point, by the even-odd rule, exactly as `dure.city.zone_at`; answers are remembered.

    Parameters
    ----------
    zones : ids and areas (polygons or multipolygons) in the order in which they are asked
    """

    def __init__(self, zones: Iterable[tuple[str, Place]]) -> None:
        self._zones = [(zone_id, area.bounds, _edges(area)) for zone_id, area in zones]
        self._known: dict[Point, str | None] = {}

    def __call__(self, point: Point) -> str | None:
        """The id of the zone, None outside all."""
        if point not in self._known:
            if len(self._known) >= REMEMBERED_MAX:
                self._known.clear()
            self._known[point] = self._find(point)
        return self._known[point]

    def _find(self, point: Point) -> str | None:
        for zone_id, (west, south, east, north), polygons in self._zones:
            if west <= point.lon <= east and south <= point.lat <= north and any(_inside(point, one) for one in polygons):
                return zone_id
        return None


def _edges(area: Place) -> list[NDArray[np.float64]]:
    """Of each polygon an array (n_edges, 4): x1, y1, x2, y2 [deg] of all its rings."""
    polygons: list[Any] = [area.coordinates] if area.type == "Polygon" else list(area.coordinates)
    found = []
    for polygon in polygons:
        rings = [np.array([position[:2] for position in ring], np.float64) for ring in polygon]
        found.append(np.concatenate([np.hstack([ring[:-1], ring[1:]]) for ring in rings]))
    return found


def _inside(point: Point, edges: NDArray[np.float64]) -> bool:
    x1, y1, x2, y2 = edges.T
    crossed = (y1 > point.lat) != (y2 > point.lat)
    x1, y1, x2, y2 = x1[crossed], y1[crossed], x2[crossed], y2[crossed]
    return bool(np.count_nonzero(point.lon < (x2 - x1) * (point.lat - y1) / (y2 - y1) + x1) % 2)
