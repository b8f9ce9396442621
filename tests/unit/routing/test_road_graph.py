"""From a map to the graph of a vehicle: junctions, links, directions, forbidden turns, and what is cut off."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from road_maps import lon_lat, network
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra

from dure.core.errors import InputError
from dure.routing.graph import graph_of
from dure.routing.matrix import PACKED, travel
from dure.routing.measuring import distances_m

SQUARE = {"a": (0, 0), "b": (100, 0), "c": (100, 100), "d": (0, 100)}


def test_a_chain_of_shape_points_becomes_one_link():
    nodes = {"a": (0, 0), "x": (0, 50), "y": (50, 50), "b": (50, 0), "c": (90, 0)}
    graph = graph_of(network(nodes, [(("a", "x", "y"), 36, 36), (("y", "b", "a"), 36, 36), (("b", "c"), 36, 36)]), "truck")
    assert graph.junctions == 2
    assert sorted(graph.length_cm) == pytest.approx([4_000, 20_000], abs=2)


def test_a_chain_ends_where_the_speed_or_the_direction_changes():
    nodes = {"a": (0, 0), "b": (100, 0), "c": (200, 0), "d": (300, 0)}
    graph = graph_of(network(nodes, [(("a", "b"), 36, 36), (("b", "c"), 18, 18), (("c", "d"), 18, 18)]), "truck")
    assert sorted(graph.length_cm) == pytest.approx([10_000, 20_000], abs=2)


def test_a_ring_without_a_junction_is_one_link_that_can_be_driven_around():
    ring = network(SQUARE, [(("a", "b", "c", "d", "a"), 36, 0)])
    graph = graph_of(ring, "truck")
    assert (graph.junctions, graph.links) == (1, 1)
    found = travel(graph, lon_lat([(50, 0), (0, 50)]), 10).matrix
    assert found.distance_m.tolist() == [[0, 300], [100, 0]]


def test_a_street_one_cannot_come_back_from_is_dropped_and_remembered():
    nodes = SQUARE | {"trap": (500, 0)}
    ways = [(("a", "b", "c", "d", "a"), 36, 36), (("b", "trap"), 36, 0)]
    graph = graph_of(network(nodes, ways), "truck")
    assert graph.length_cm.sum() == pytest.approx(40_000, abs=3)
    assert distances_m(graph.dropped_lon_lat, lon_lat([(500, 0)])).min() < 1


def test_of_two_islands_the_one_with_more_road_counts():
    nodes = SQUARE | {"far": (5_000, 0), "farther": (9_000, 0)}
    graph = graph_of(network(nodes, [(("a", "b", "c", "d", "a"), 36, 36), (("far", "farther"), 36, 36)]), "truck")
    assert graph.length_cm.tolist() == pytest.approx([400_000], abs=60)


def test_a_map_without_a_usable_road_is_refused():
    for ways in ([(("a", "b"), 0, 0)], [(("a", "b"), 36, 0)]):
        with pytest.raises(InputError, match=r"roads\.empty"):
            graph_of(network(SQUARE, ways), "truck")


def test_a_profile_the_map_was_not_read_for_is_refused():
    with pytest.raises(InputError, match=r"roads\.no_profile"):
        graph_of(network(SQUARE, [(("a", "b"), 36, 36)]), "boat")


# West - middle - east, with an arm to the north that leads around to the east: turning right into it may be forbidden.
CROSS = {"west": (-100, 0), "middle": (0, 0), "east": (100, 0), "north": (0, 100)}
ARMS = [(("west", "middle"), 36, 36), (("middle", "east"), 36, 36), (("middle", "north"), 36, 36), (("east", "north"), 36, 36)]
WEST, EAST, NORTH = 0, 1, 2


def legs(turns):
    graph = graph_of(network(CROSS, ARMS, turns), "truck")
    found = travel(graph, lon_lat([(-60, 0), (60, 0), (0, 60)]), 10).matrix.distance_m
    return graph.turns_kept, found.tolist()


def test_a_forbidden_turn_is_driven_around():
    around = 60 + 100 + 141 + 40  # straight on to the east, then round to the north
    kept, found = legs([(WEST, "middle", NORTH, 0)])
    assert kept == 1
    assert found[0] == pytest.approx([0, 120, around], abs=1)
    assert found[1:] == [pytest.approx([120, 0, 120], abs=1), pytest.approx([120, 120, 0], abs=1)]


def test_the_only_allowed_turn_forbids_all_others():
    kept, found = legs([(WEST, "middle", NORTH, 1)])
    assert kept == 1
    assert found[0] == pytest.approx([0, 60 + 100 + 141 + 40, 120], abs=1)


def test_several_forbidden_turns_at_one_junction_hold_together():
    kept, found = legs([(WEST, "middle", NORTH, 0), (EAST, "middle", WEST, 0)])
    assert kept == 2
    assert found[0] == pytest.approx([0, 120, 341], abs=1)
    assert found[1] == pytest.approx([341, 0, 120], abs=1)  # to the west by way of the north


def test_a_rule_about_a_way_that_passes_through_the_junction_is_left_out():
    ways = [(("west", "middle", "east"), 36, 36), (("middle", "north"), 36, 36), (("east", "north"), 36, 36)]
    graph = graph_of(network(CROSS, ways, [(0, "middle", 1, 0)]), "truck")
    assert graph.turns_kept == 0


@st.composite
def maps(draw):
    count = draw(st.integers(4, 12))
    cells = draw(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=count, max_size=count, unique=True))
    shake = np.random.default_rng(draw(st.integers(0, 999))).uniform(-20, 20, (count, 2))
    nodes = {str(number): tuple(np.array(cell) * 100 + shake[number]) for number, cell in enumerate(cells)}
    pairs = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), min_size=count, max_size=3 * count))
    speed = st.sampled_from([(36, 36), (36, 0), (18, 18), (72, 36)])
    ways = [((str(a), str(b)), *draw(speed)) for a, b in {tuple(sorted(pair)) for pair in pairs} if a != b]
    return network(nodes, ways or [(("0", "1"), 36, 36)])


@settings(max_examples=60, deadline=None)
@given(maps())
def test_times_on_the_contracted_graph_are_those_on_every_shape_point(given_map):
    """Law: joining chains, dropping traps and climbing the hierarchy change no quickest time between places that stay."""
    a, b = given_map.way_node[0::2], given_map.way_node[1::2]
    way = given_map.passages["truck"]
    length_m = distances_m(given_map.lon_lat[a], given_map.lon_lat[b])
    ahead, back = way.forward_kmh > 0, way.backward_kmh > 0
    tail, head = np.concatenate([a[ahead], b[back]]), np.concatenate([b[ahead], a[back]])
    time_s = np.concatenate([length_m[ahead] * 3.6 / way.forward_kmh[ahead], length_m[back] * 3.6 / way.backward_kmh[back]])
    size = len(given_map.lon_lat)
    arcs = coo_array((time_s, (tail, head)), shape=(size, size)).tocsr()
    _, label = connected_components(arcs, connection="strong")
    inside = label[tail] == label[head]
    if not inside.any():
        with pytest.raises(InputError, match=r"roads\.empty"):
            graph_of(given_map, "truck")
        return
    road_m = np.bincount(label[tail[inside]], weights=np.concatenate([length_m[ahead], length_m[back]])[inside])
    kept = np.flatnonzero(label == road_m.argmax())
    found = travel(graph_of(given_map, "truck"), given_map.lon_lat[kept], 1.0)
    expected = dijkstra(arcs, indices=kept)[:, kept]
    assert found.unreached == ()
    assert np.abs(found.matrix.duration_s - expected).max() < 1.3  # whole seconds upwards, and hundredths for each link


def test_a_packed_cost_holds_a_day_of_driving():
    assert PACKED > 2_000 * 100_000  # 2,000 km in centimetres
