"""Made-up streets: seeded, as large and as irregular as a city's."""

from __future__ import annotations

import numpy as np
from road_maps import TRUCK
from test_road_matrix import TRUCK_OF_STREETS

from dure.routing.graph import graph_of
from dure.routing.matrix import matrix_of
from dure.routing.measuring import distances_m
from dure.routing.streets import StreetPlan, made_up_streets, way_tags

SMALL = StreetPlan(side_km=4.0)


def test_the_same_seed_gives_the_same_streets_and_another_gives_others():
    one, same, other = (made_up_streets(SMALL, {"truck": TRUCK}, seed) for seed in (1, 1, 2))
    assert (one.lon_lat == same.lon_lat).all()
    assert (one.way_node == same.way_node).all()
    assert one.lon_lat.shape != other.lon_lat.shape or (one.lon_lat != other.lon_lat).any()


def test_the_streets_are_of_the_size_of_goyang():
    lon_lat, ways, _ = way_tags(StreetPlan(), 1)
    assert 30_000 <= len(lon_lat) <= 80_000
    assert 20_000 <= len(ways) <= 40_000
    corners = np.stack([lon_lat.min(axis=0), lon_lat.max(axis=0)])
    assert 22_000 < distances_m(corners[0], corners[1]) < 25_000  # the diagonal of 16 km by 16 km


def test_driving_there_is_longer_than_the_crow_flies_and_not_the_same_back():
    graph = graph_of(made_up_streets(SMALL, {"truck": TRUCK_OF_STREETS}, 3), "truck")
    chance = np.random.default_rng(3)
    places = graph.junction_lon_lat[chance.choice(graph.junctions, 60, replace=False)]
    found = matrix_of(graph, places, 150).distance_m
    crow = distances_m(places[:, None], places[None])
    apart = crow > 500
    assert 1.2 < np.median(found[apart] / crow[apart]) < 1.8
    assert (found[apart] >= crow[apart] - 1).all()
    assert 0.005 < np.abs(found - found.T).mean() / found.mean() < 0.2
