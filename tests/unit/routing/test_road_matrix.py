"""Matrices between places: exact, of one way for time and distance, and never silently far."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from road_maps import TRUCK, lon_lat, network
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from dure.routing.estimate import estimate
from dure.routing.graph import graph_of
from dure.routing.hierarchy import NO_WAY, Entries, costs_between, hierarchy_of
from dure.routing.matrix import UNREACHED_M, matrix_of, prepared, travel
from dure.routing.measuring import distances_m
from dure.routing.streets import StreetPlan, made_up_streets

LOOP = {"a": (0, 0), "b": (200, 0), "c": (200, 100), "d": (0, 100)}
ROUND = [(("a", "b"), 36, 0), (("b", "c", "d", "a"), 36, 36)]  # the south side is one-way to the east


def between(places, ways=ROUND, snap_m_max=50.0):
    return travel(graph_of(network(LOOP, ways), "truck", "v1"), lon_lat(places), snap_m_max)


def test_a_one_way_street_is_driven_around_to_go_back():
    found = between([(50, 0), (150, 0)]).matrix
    assert found.distance_m.tolist() == [[0, 100], [500, 0]]
    assert found.duration_s.tolist() == [[0, 10], [50, 0]]
    assert (found.graph_version, found.estimated, found.profile) == ("v1", False, "truck")


def test_a_two_way_street_is_driven_back_directly():
    found = between([(150, 100), (50, 100)]).matrix
    assert found.distance_m.tolist() == [[0, 100], [100, 0]]


def test_the_distance_is_that_of_the_quickest_way_not_of_the_shortest():
    ways = [(("a", "b"), 6, 6), (("b", "c", "d", "a"), 72, 72)]  # 200 m at 6 km/h = 120 s; 400 m at 72 km/h = 20 s
    found = between([(0, 0), (200, 0)], ways).matrix
    assert found.distance_m.tolist() == [[0, 400], [400, 0]]
    assert found.duration_s.tolist() == [[0, 20], [20, 0]]


def test_a_place_beside_the_road_is_put_onto_it_and_how_far_it_is_is_kept():
    found = between([(50, -30), (200, 50)])
    assert found.matrix.snap_m.tolist() == [30, 0]
    assert found.matrix.distance_m.tolist() == [[0, 200], [400, 0]]
    assert distances_m(found.snapped.lon_lat[0], lon_lat([(50, 0)])[0]) < 0.1


def test_a_place_at_a_junction_may_leave_by_every_street():
    found = between([(200, 0), (150, 0), (200, 50)]).matrix
    assert found.distance_m[0].tolist() == [0, 550, 50]
    assert found.distance_m[:, 0].tolist() == [0, 50, 50]


def test_a_place_too_far_from_any_road_is_named_and_never_near():
    found = between([(50, 0), (50, -400)])
    assert [(one.row, one.code, round(one.snap_m)) for one in found.unreached] == [(1, "roads.too_far", 400)]
    assert found.matrix.unreached == (1,)
    assert found.matrix.distance_m.tolist() == [[0, UNREACHED_M], [UNREACHED_M, 0]]


def test_a_place_beside_a_road_closed_to_the_vehicle_is_cut_off():
    nodes = LOOP | {"p": (600, 0), "q": (600, 50)}
    graph = graph_of(network(nodes, [*ROUND, (("p", "q"), 0, 0)]), "truck")
    assert [one.code for one in travel(graph, lon_lat([(610, 20)]), 50).unreached] == ["roads.cut_off"]


def test_a_place_that_is_no_number_is_too_far_from_any_road():
    nodes = lon_lat([(50, 0), (60, 0)])
    nodes[1] = np.nan
    found = travel(graph_of(network(LOOP, ROUND), "truck"), nodes, 50)
    assert [one.row for one in found.unreached] == [1]


def test_nobody_is_put_onto_a_road_where_one_may_not_stop():
    nodes = LOOP | {"e": (0, -60), "f": (200, -60)}
    ways = [*ROUND, (("a", "e", "f", "b"), 90, 90, False)]
    found = travel(graph_of(network(nodes, ways), "truck"), lon_lat([(100, -55)]), 100)
    assert found.matrix.snap_m.tolist() == [55]


def test_no_places_give_an_empty_matrix():
    assert between([]).matrix.distance_m.shape == (0, 0)


def test_places_that_coincide_are_no_distance_apart():
    assert between([(50, 0), (50, 0)]).matrix.distance_m.tolist() == [[0, 0], [0, 0]]


def test_some_places_of_a_matrix_keep_order_and_names():
    whole = between([(50, 0), (50, -400), (150, 0)]).matrix
    part = whole.take([2, 0])
    assert part.distance_m.tolist() == [[0, 500], [100, 0]]
    assert (part.snap_m.tolist(), part.unreached) == ([0, 0], ())
    assert whole.take([1]).unreached == (0,)


def test_an_estimate_is_the_detour_times_the_crow_and_says_so():
    found = estimate(lon_lat([(0, 0), (1_000, 0)]), TRUCK)
    assert found.estimated
    assert found.distance_m.tolist() == [[0, 1_450], [1_450, 0]]
    assert found.duration_s.tolist() == [[0, 218], [218, 0]]  # 1.45 km at 24 km/h = 217.5 s


def test_every_matrix_of_a_city_is_that_of_plain_dijkstra():
    """On made-up streets, from and to junctions in every corner, packed costs are the same number for number."""
    from dure.routing.matrix import arcs_of

    graph = graph_of(made_up_streets(StreetPlan(side_km=3.0), {"truck": TRUCK_OF_STREETS}, 5), "truck")
    tail, head, cost = arcs_of(graph)
    order = np.lexsort((cost, head, tail))
    tail, head, cost = tail[order], head[order], cost[order]
    first = np.concatenate([[True], (np.diff(tail) != 0) | (np.diff(head) != 0)])
    plain = coo_array((cost[first].astype(float), (tail[first], head[first])), shape=(graph.junctions,) * 2).tocsr()
    places = np.arange(0, graph.junctions, 7)
    entries = Entries(len(places), np.arange(len(places)), places, np.zeros(len(places), np.int64))
    assert (costs_between(prepared(graph), entries, entries, block=19) == dijkstra(plain, indices=places)[:, places]).all()


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10_000))
def test_a_hierarchy_finds_every_cheapest_way_of_a_random_graph(seed):
    chance = np.random.default_rng(seed)
    count = int(chance.integers(2, 25))
    tail, head = chance.integers(0, count, (2, int(chance.integers(1, 4 * count))))
    cost = chance.integers(1, 1_000, len(tail))
    dense = np.full((count, count), np.inf)
    np.minimum.at(dense, (tail, head), cost)
    expected = dijkstra(np.where(np.isinf(dense), 0, dense))
    every = np.arange(count)
    entries = Entries(count, every, every, np.zeros(count, np.int64))
    found = costs_between(hierarchy_of(count, tail, head, cost), entries, entries, block=4)
    assert np.where(found >= NO_WAY, np.inf, found).tolist() == expected.tolist()


def test_the_triangle_holds_for_times_of_a_city():
    """Law: a detour by a third place is never quicker, up to the whole seconds each leg is rounded up to."""
    graph = graph_of(made_up_streets(StreetPlan(side_km=2.0), {"truck": TRUCK_OF_STREETS}, 2), "truck")
    chance = np.random.default_rng(1)
    places = graph.junction_lon_lat[chance.integers(0, graph.junctions, 40)] + chance.normal(0, 3e-4, (40, 2))
    found = matrix_of(graph, places, 150)
    through = (found.duration_s[:, :, None] + found.duration_s[None, :, :]).min(axis=1)
    assert (found.duration_s <= through).all()


TRUCK_OF_STREETS = TRUCK.__class__(
    **{name: getattr(TRUCK, name) for name in TRUCK.__struct_fields__ if name != "classes"},
    classes=dict.fromkeys(("residential", "unclassified", "secondary"), TRUCK.classes["residential"])
    | {"trunk": TRUCK.classes["motorway"]},
)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_long_way_is_as_long_as_its_parts(seed):
    """Distances along one straight street add up to the centimetre rounded to metres."""
    nodes = {str(n): (n * 10.0, 0.0) for n in range(30)}
    graph = graph_of(network(nodes, [(tuple(nodes), 36, 36)]), "truck")
    offsets = np.sort(np.random.default_rng(seed).uniform(0, 290, 12))
    found = matrix_of(graph, lon_lat([(offset, 0) for offset in offsets]), 10)
    assert np.abs(found.distance_m - np.abs(offsets[:, None] - offsets[None, :])).max() <= 0.52
