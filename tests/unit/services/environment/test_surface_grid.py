"""The cells of a map: those the city covers, at the places they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dure.city import read_city
from dure.core.geo import Place, Point, distance_m
from dure.services.environment.maps.surface_grid import convex_hull, covered, grid_of_stations, grid_of_zones, outside_m

HWASEONG = Path(__file__).resolve().parents[4] / "examples/hwaseong"
SQUARE = Place("Polygon", [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]], [[1, 1], [1, 3], [3, 3], [3, 1], [1, 1]]])


def test_cells_of_a_city_lie_in_the_zone_they_name():
    city = read_city(HWASEONG)
    grid = grid_of_zones(city.bounds, [one.place for one in city.zones], 1_000, 20_000)
    zones = [city.zone_of(Point(lon, lat)) for lon, lat in zip(grid.lon.tolist(), grid.lat.tolist(), strict=True)]
    assert [city.zones[number].id for number in grid.zone] == [zone and zone.id for zone in zones]
    assert len(grid.cell) > 500


def test_a_city_of_a_thousand_square_kilometres_has_its_cells_coarsened_to_the_limit():
    city = read_city(HWASEONG)
    grid = grid_of_zones(city.bounds, [one.place for one in city.zones], 50, 3_000)
    assert 2_000 < len(grid.cell) <= 3_000
    assert grid.cell_m > 50


def test_a_hole_in_a_zone_holds_no_cell():
    middle = np.array([0.5, 2.0, 3.5])
    assert covered(SQUARE, middle, middle).tolist() == [[True] * 3, [True, False, True], [True] * 3]


def test_two_parts_of_a_zone_that_overlap_both_hold_their_cells():
    twice = Place("MultiPolygon", [[SQUARE.coordinates[0]], [SQUARE.coordinates[0]]])
    assert covered(twice, np.array([2.0]), np.array([2.0])).all()


def test_rows_run_from_north_to_south_and_cells_have_their_size():
    grid = grid_of_zones((126.5, 37.0, 127.0, 37.3), [_box(126.5, 37.0, 127.0, 37.3)], 500, 20_000)
    assert grid.lat[0] > grid.lat[-1]
    assert grid.lon[1] > grid.lon[0]
    apart = distance_m(Point(grid.lon[0], grid.lat[0]), Point(grid.lon[1], grid.lat[1]))
    assert apart == pytest.approx(500, rel=0.005)
    assert len(grid.cell) == grid.shape[0] * grid.shape[1] == len(grid.xy)


def test_distances_on_the_plane_are_those_on_the_earth_within_a_thousandth():
    grid = grid_of_zones((126.5, 37.0, 127.2, 37.4), [_box(126.5, 37.0, 127.2, 37.4)], 2_000, 20_000)
    a, b = 0, len(grid.cell) - 1
    true = distance_m(Point(grid.lon[a], grid.lat[a]), Point(grid.lon[b], grid.lat[b]))
    assert np.hypot(*(grid.xy[a] - grid.xy[b])) == pytest.approx(true, rel=1e-3)


def test_a_city_without_zones_is_mapped_around_its_stations():
    stations = np.array([[127.0, 37.0], [127.1, 37.0], [127.0, 37.1], [127.05, 37.05]])
    grid = grid_of_stations(stations, 2_000, 500, 20_000)
    xy = grid.xy
    hull = convex_hull(grid.plane.xy(*stations.T))
    assert outside_m(hull, xy).max() <= 2_000
    opposite = grid.plane.xy(np.array([127.1]), np.array([37.1]))
    assert np.hypot(*(xy - opposite).T).min() > 2_000
    assert (grid.zone == -1).all()


def test_a_hull_is_the_corners_and_all_else_is_inside():
    xy = np.random.default_rng(1).normal(size=(200, 2))
    hull = convex_hull(xy)
    assert outside_m(hull, xy).max() < 1e-9
    assert outside_m(hull, np.array([[9.0, 9.0]]))[0] > 5


def _box(west, south, east, north):
    return Place("Polygon", [[[west, south], [east, south], [east, north], [west, north], [west, south]]])
