"""The line a vehicle drives, for maps, GPX and print."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from road_maps import lon_lat, network
from test_road_graph import maps

from dure.core.errors import InputError
from dure.routing.graph import graph_of
from dure.routing.matrix import travel
from dure.routing.measuring import flat_m
from dure.routing.paths import Paths, line_length_m, route_line

LOOP = {"a": (0, 0), "b": (200, 0), "c": (200, 100), "d": (0, 100)}
ROUND = [(("a", "b"), 36, 0), (("b", "c", "d", "a"), 36, 36)]


def drawn(places, ways=ROUND):
    legs = Paths(graph_of(network(LOOP, ways), "truck")).line(lon_lat(places), 50)
    return [np.rint(flat_m(leg, lon_lat([(0, 0)])[0])).astype(int).tolist() for leg in legs]


def test_a_leg_follows_the_street_around_its_corners():
    assert drawn([(50, 0), (200, 50), (0, 50)]) == [
        [[50, 0], [200, 0], [200, 50]],
        [[200, 50], [200, 100], [0, 100], [0, 50]],
    ]


def test_a_leg_within_one_street_is_that_piece_of_it():
    assert drawn([(150, 100), (50, 100)]) == [[[150, 100], [50, 100]]]


def test_a_leg_against_a_one_way_street_goes_around():
    assert drawn([(150, 0), (50, 0)]) == [[[150, 0], [200, 0], [200, 100], [0, 100], [0, 0], [50, 0]]]


def test_a_leg_to_where_no_road_leads_is_the_straight_line():
    assert drawn([(50, 0), (50, -400)]) == [[[50, 0], [50, -400]]]


def test_a_leg_between_places_that_coincide_is_still_a_line():
    assert drawn([(50, 0), (50, 0)]) == [[[50, 0], [50, 0]]]


def test_one_route_can_be_asked_for_alone():
    a, b = lon_lat([(50, 0), (200, 50)])
    assert len(route_line(graph_of(network(LOOP, ROUND), "truck"), tuple(a), tuple(b), 50)) == 3


@settings(max_examples=60, deadline=None)
@given(maps(), st.integers(0, 1_000))
def test_a_drawn_leg_is_as_long_as_the_matrix_says(given_map, seed):
    """Law, forbidden turns included."""
    chance = np.random.default_rng(seed)
    turns = np.stack([chance.integers(0, given_map.ways, 6), chance.integers(0, len(given_map.lon_lat), 6)], axis=1)
    rows = np.column_stack([turns[:, 0], turns[:, 1], chance.integers(0, given_map.ways, 6), np.zeros(6, np.int64)])
    given_map = given_map.__class__(**{**vars(given_map), "turns": rows})
    try:
        graph = graph_of(given_map, "truck")
    except InputError:
        return
    inside = graph.shape_lon_lat[chance.integers(0, len(graph.shape_lon_lat), 6)]
    places = inside + chance.normal(0, 3e-5, (6, 2))
    found = travel(graph, places, 200).matrix
    legs = Paths(graph).line(places, 200)
    assert [line_length_m([leg]) for leg in legs] == pytest.approx([found.distance_m[row, row + 1] for row in range(5)], abs=0.9)
