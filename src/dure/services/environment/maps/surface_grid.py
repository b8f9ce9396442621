"""The cells of a city's map: a regular grid of longitude and latitude, and which of its cells the city covers.

Distances are taken on a plane that is true at the middle of the city (equirectangular); over 200 km it would not do.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from dure.core.geo import EARTH_RADIUS_M

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dure.core.geo import Place

M_PER_DEG = math.pi * EARTH_RADIUS_M / 180.0
Bounds = tuple[float, float, float, float]


class Plane(msgspec.Struct, frozen=True):
    """A local plane: metres east and north of a point, true to scale at its latitude."""

    lon: float
    lat: float

    def xy(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 2) metres of (n,) longitudes and latitudes [deg]."""
        east = (lon - self.lon) * (M_PER_DEG * math.cos(math.radians(self.lat)))
        return np.stack([east, (lat - self.lat) * M_PER_DEG], axis=1)


class Grid(msgspec.Struct, frozen=True, eq=False):
    """A map's cells; row 0 of `shape` (rows, columns) is the northernmost, column 0 the westernmost.

    Attributes
    ----------
    bounds : west, south, east, north of the whole grid [deg]
    cell : (cells,) place in the flattened grid of the cells that the city covers
    lon, lat : (cells,) their centres [deg]
    zone : (cells,) number of the zone that holds the centre, -1 outside all
    cell_m : side of a cell [m]
    """

    bounds: Bounds
    shape: tuple[int, int]
    cell: NDArray[np.intp]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    zone: NDArray[np.int16]
    cell_m: float

    @property
    def plane(self) -> Plane:
        """The plane in the middle of the grid."""
        west, south, east, north = self.bounds
        return Plane((west + east) / 2, (south + north) / 2)

    @property
    def xy(self) -> NDArray[np.float64]:
        """(cells, 2) centres on the plane [m]."""
        return self.plane.xy(self.lon, self.lat)


def grid_of_zones(bounds: Bounds, zones: Sequence[Place], cell_m: float, cells_max: int) -> Grid:
    """The cells whose centre lies in one of the zones.

    Parameters
    ----------
    bounds : west, south, east, north [deg]
    zones : polygons and multipolygons; where two overlap, the first holds the cell
    cell_m : side of a cell [m]; larger where the city would have more than `cells_max` cells
    """

    def held(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int16]:
        zone = np.full((len(lat), len(lon)), -1, np.int16)
        for number, area in enumerate(zones):
            zone[covered(area, lon, lat) & (zone < 0)] = number
        return zone

    return _grid(bounds, cell_m, cells_max, held)


def grid_of_stations(stations: NDArray[np.float64], margin_m: float, cell_m: float, cells_max: int) -> Grid:
    """For a city without zones: the cells inside the convex hull of the stations, and those up to a margin outside it.

    Parameters
    ----------
    stations : (n, 2) longitude and latitude [deg], n >= 3
    margin_m : around the hull [m]
    """
    (west, south), (east, north) = stations.min(axis=0), stations.max(axis=0)
    plane = Plane((west + east) / 2, (south + north) / 2)
    north_m = margin_m / M_PER_DEG
    east_m = north_m / math.cos(math.radians(plane.lat))
    hull = convex_hull(plane.xy(*stations.T))

    def held(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int16]:
        wide = np.stack(np.meshgrid(lon, lat), axis=-1).reshape(-1, 2)
        inside = outside_m(hull, plane.xy(*wide.T)) <= margin_m
        return np.where(inside, 0, -1).astype(np.int16).reshape(len(lat), len(lon))

    found = _grid((west - east_m, south - north_m, east + east_m, north + north_m), cell_m, cells_max, held)
    return msgspec.structs.replace(found, zone=np.full(len(found.cell), -1, np.int16))


def _grid(bounds: Bounds, cell_m: float, cells_max: int, held: Any) -> Grid:
    west, south, east, north = map(float, bounds)
    lat_step = M_PER_DEG
    lon_step = M_PER_DEG * math.cos(math.radians((south + north) / 2))
    while True:
        rows = max(1, math.ceil((north - south) * lat_step / cell_m - 1e-9))
        columns = max(1, math.ceil((east - west) * lon_step / cell_m - 1e-9))
        lat = north - (np.arange(rows) + 0.5) * cell_m / lat_step
        lon = west + (np.arange(columns) + 0.5) * cell_m / lon_step
        zone = held(lon, lat)
        cell = np.flatnonzero(zone.ravel() >= 0)
        if len(cell) <= cells_max:
            break
        cell_m *= max(1.02, math.sqrt(len(cell) / cells_max))
    whole = (west, north - rows * cell_m / lat_step, west + columns * cell_m / lon_step, north)
    row, column = np.divmod(cell, columns)
    centres: list[NDArray[np.float64]] = [np.asarray(lon[column], np.float64), np.asarray(lat[row], np.float64)]
    return Grid(whole, (rows, columns), cell, centres[0], centres[1], zone.ravel()[cell], cell_m)


def covered(area: Place, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points of a lattice lie in an area (even-odd rule, as `dure.core.geo.inside`): (len(lat), len(lon))."""
    polygons = [area.coordinates] if area.type == "Polygon" else area.coordinates if area.type == "MultiPolygon" else []
    found = np.zeros((len(lat), len(lon)), bool)
    for polygon in polygons:
        within = np.zeros_like(found)
        for ring in polygon:
            _cross(np.array([place[:2] for place in ring], np.float64), lon, lat, within)
        found |= within
    return found


def _cross(ring: NDArray[np.float64], lon: NDArray[np.float64], lat: NDArray[np.float64], within: NDArray[np.bool_]) -> None:
    """Flip the points from which a ray eastwards crosses the ring an odd number of times, in place."""
    x, y = ring.T
    for row in np.flatnonzero((lat >= y.min()) & (lat <= y.max())):
        at = lat[row]
        edge = np.flatnonzero((y[:-1] > at) != (y[1:] > at))
        crossing = np.sort((x[edge + 1] - x[edge]) * (at - y[edge]) / (y[edge + 1] - y[edge]) + x[edge])
        within[row] ^= (len(crossing) - np.searchsorted(crossing, lon, side="right")) % 2 == 1


def convex_hull(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners of the convex hull, counter-clockwise (Andrew's monotone chain); all points when they lie on one line."""
    ordered = [tuple(place) for place in np.unique(xy, axis=0).tolist()]
    if len(ordered) < 3:
        return np.array(ordered)
    lower, upper = _chain(ordered), _chain(ordered[::-1])
    return np.array(lower[:-1] + upper[:-1])


def _chain(ordered: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    chain: list[tuple[float, ...]] = []
    for x, y in ordered:
        while len(chain) > 1 and _turn(chain[-2], chain[-1], (x, y)) <= 0:
            chain.pop()
        chain.append((x, y))
    return chain


def _turn(a: tuple[float, ...], b: tuple[float, ...], c: tuple[float, ...]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def outside_m(hull: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each point from a convex polygon [m]; 0 inside. (corners, 2) counter-clockwise, (n, 2) -> (n,)."""
    if len(hull) == 1:
        return np.asarray(np.hypot(points[:, 0] - hull[0, 0], points[:, 1] - hull[0, 1]))
    least = np.full(len(points), np.inf)
    inside = np.full(len(points), len(hull) > 2)
    for start, end in zip(hull, np.roll(hull, -1, axis=0), strict=True):
        along, to = end - start, points - start
        share = np.clip((to @ along) / (along @ along), 0.0, 1.0)
        least = np.minimum(least, np.hypot(*(to - share[:, None] * along).T))
        inside &= along[0] * to[:, 1] - along[1] * to[:, 0] >= 0
    return np.where(inside, 0.0, least)
