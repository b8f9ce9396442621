"""Graphs and matrices on disk: made once, found again, made anew when damaged."""

from __future__ import annotations

import os

import numpy as np
import pytest
from road_files import PROFILES, write_osm

from dure.core.errors import Corrupt, InputError, NotFound
from dure.engines.roads.importing import bounds_of, import_roads
from dure.engines.roads.store import MATRICES_KEPT, RoadStore, copy_map
from dure.routing.matrix import travel
from dure.routing.streets import StreetPlan, made_up_streets, way_tags

PLAN = StreetPlan(side_km=1.5)
NOW = "2026-11-25T09:00:00Z"
PLACES = np.array([[126.832, 37.6584], [126.835, 37.66], [126.829, 37.656], [127.5, 37.6]])


@pytest.fixture
def roads(tmp_path):
    found = RoadStore(tmp_path / "roads")
    found.keep(made_up_streets(PLAN, PROFILES, 1), NOW)
    return found


def matrix_files(roads, tmp_path):
    return sorted((tmp_path / "roads" / roads.current().version).glob("truck-*.npz"))


def test_without_an_import_there_are_no_roads(tmp_path):
    empty = RoadStore(tmp_path / "roads")
    assert empty.current() is None
    with pytest.raises(NotFound, match=r"roads\.none"):
        empty.travel("truck", PLACES, 150)


def test_what_is_kept_names_its_source_version_and_attribution(roads):
    found = roads.current()
    assert (found.source, found.attribution) == ("made-up streets, seed 1", "made-up streets")
    assert (found.imported_at, found.profiles) == (NOW, ("truck", "mini-truck"))
    assert len(found.version) == 16


def test_the_version_follows_from_the_roads_and_the_rules_alone(tmp_path):
    versions = [
        RoadStore(tmp_path / str(number)).keep(made_up_streets(PLAN, PROFILES, seed), at, rules).version
        for number, (seed, at, rules) in enumerate(
            [(1, NOW, "a"), (1, "2027-01-01T00:00:00Z", "a"), (2, NOW, "a"), (1, NOW, "b")]
        )
    ]
    assert versions[0] == versions[1]
    assert len(set(versions)) == 3


def test_a_matrix_asked_for_again_comes_from_disk_and_is_the_same(roads, tmp_path):
    first = roads.travel("truck", PLACES, 150)
    folder = tmp_path / "roads" / roads.current().version
    for name in ("network.npz", "truck.npz"):  # neither map nor graph is needed
        (folder / name).unlink()
    found = RoadStore(tmp_path / "roads").travel("truck", PLACES, 150)
    assert found.matrix.distance_m.tolist() == first.matrix.distance_m.tolist()
    assert found.matrix.duration_s.tolist() == first.matrix.duration_s.tolist()
    assert found.matrix.snap_m.tolist() == first.matrix.snap_m.tolist()
    assert found.unreached == first.unreached
    assert [one.code for one in found.unreached] == ["roads.too_far"]
    assert found.matrix.graph_version == roads.current().version


def test_a_graph_from_disk_gives_the_matrix_of_a_new_one(roads, tmp_path):
    roads.ready("truck")
    ready = RoadStore(tmp_path / "roads").ready("truck")
    own = travel(ready.graph, PLACES, 150)
    assert travel(ready.graph, PLACES, 150, ready.hierarchy).matrix.distance_m.tolist() == own.matrix.distance_m.tolist()


@pytest.mark.parametrize("change", ["turned", "cut", "gone"])
def test_a_matrix_whose_numbers_alone_are_damaged_is_made_anew(roads, tmp_path, change):
    first = roads.travel("truck", PLACES, 150).matrix
    (file,) = (tmp_path / "roads").rglob("*.i32")
    body = file.read_bytes()
    file.unlink() if change == "gone" else file.write_bytes(body[:-4] if change == "cut" else body[:-4] + b"\1\2\3\4")
    assert roads.travel("truck", PLACES, 150).matrix.duration_s.tolist() == first.duration_s.tolist()


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 nonsense", "cut", "turned"])
def test_a_damaged_matrix_or_graph_is_made_anew(roads, tmp_path, damage):
    first = roads.travel("truck", PLACES, 150).matrix
    folder = tmp_path / "roads" / roads.current().version
    for file in (*matrix_files(roads, tmp_path), *folder.glob("*.i32"), folder / "truck.npz"):
        body = file.read_bytes()
        middle = len(body) // 2
        turned = body[:middle] + bytes(255 - byte for byte in body[middle : middle + 64]) + body[middle + 64 :]
        file.write_bytes({"cut": body[:middle], "turned": turned}.get(damage, damage))
    found = RoadStore(tmp_path / "roads").travel("truck", PLACES, 150).matrix
    assert found.distance_m.tolist() == first.distance_m.tolist()


@pytest.mark.parametrize("name", ["current.json", "network.npz"])
def test_a_damaged_map_says_to_import_it_again(roads, tmp_path, name):
    assert roads.current() is not None
    file = next((tmp_path / "roads").rglob(name))
    file.write_bytes(b"{")
    with pytest.raises(Corrupt, match=r"roads\.corrupt"):
        RoadStore(tmp_path / "roads").ready("truck")


def test_a_write_that_fails_leaves_the_map_in_force_as_it_was(roads, tmp_path):
    before = roads.current()
    other = made_up_streets(PLAN, PROFILES, 2)
    version = RoadStore(tmp_path / "elsewhere").keep(other, NOW).version
    (tmp_path / "roads" / version / f"network.npz.{os.getpid()}.part").mkdir(parents=True)  # nothing can be written there
    with pytest.raises(OSError, match="directory"):
        roads.keep(other, NOW)
    assert roads.current() == before


def test_a_copy_of_the_map_gives_the_same_matrices(roads, tmp_path):
    copy_map(tmp_path / "roads", tmp_path / "copy")
    found = RoadStore(tmp_path / "copy").travel("truck", PLACES, 150).matrix
    assert found.distance_m.tolist() == roads.travel("truck", PLACES, 150).matrix.distance_m.tolist()
    copy_map(tmp_path / "nowhere", tmp_path / "empty")
    assert not (tmp_path / "empty").exists()


def test_another_map_replaces_the_first_and_its_files(roads, tmp_path):
    roads.travel("truck", PLACES, 150)
    old = roads.current().version
    found = roads.keep(made_up_streets(PLAN, PROFILES, 2), NOW)
    assert found.version != old
    assert not (tmp_path / "roads" / old).exists()
    assert roads.travel("truck", PLACES, 150).matrix.graph_version == found.version


def test_old_matrices_are_forgotten(roads, tmp_path):
    for number in range(MATRICES_KEPT + 3):
        roads.travel("truck", PLACES[:2] + number * 1e-5, 150)
    assert len(matrix_files(roads, tmp_path)) == MATRICES_KEPT
    assert len(list((tmp_path / "roads").rglob("*.i32"))) == MATRICES_KEPT


def test_a_profile_the_map_was_not_read_for_is_refused(roads):
    with pytest.raises(InputError, match=r"roads\.no_profile"):
        roads.ready("boat")


@pytest.mark.parametrize("name", ["../x", "truck/../../x"])
def test_a_profile_never_names_a_file_elsewhere(roads, name):
    with pytest.raises(InputError, match=r"roads\.no_profile"):
        roads.travel(name, PLACES, 150)


def test_a_file_is_read_by_the_end_of_its_name(tmp_path):
    file = write_osm(tmp_path / "city.osm.pbf", *way_tags(PLAN, 1))
    found = import_roads(RoadStore(tmp_path / "roads"), file, NOW)
    assert found.source == "city.osm.pbf"
    text = tmp_path / "city.txt"
    text.write_text("no map")
    with pytest.raises(InputError, match=r"roads\.unreadable"):
        import_roads(RoadStore(tmp_path / "roads"), text, NOW)
    assert RoadStore(tmp_path / "roads").current() == found


@pytest.mark.parametrize("words", ["126,37", "a,b,c,d", "127,37,126,38", "0,0,0,91", "1,2,3,4,5", "nan,0,1,1"])
def test_bounds_that_are_none_are_refused(words):
    with pytest.raises(InputError, match=r"roads\.bounds"):
        bounds_of(words)


def test_bounds_are_west_south_east_north():
    assert bounds_of("126.6,37.5,127,37.8") == (126.6, 37.5, 127.0, 37.8)
    assert bounds_of("") is None
