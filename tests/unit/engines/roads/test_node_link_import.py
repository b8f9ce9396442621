"""Roads from the Korean standard node-link. Fields and codes as programs that use the data read them; to be confirmed."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
from road_files import DAY, PRJ, PROFILES, dbf, shp, write_node_link

from dure.core.errors import InputError
from dure.engines.roads.node_link import read_node_link
from dure.engines.roads.shapefile import read_table
from dure.routing.graph import graph_of
from dure.routing.matrix import travel
from dure.routing.measuring import distances_m

BASE = {
    "ROAD_RANK": "107", "ROAD_TYPE": "000", "ROAD_USE": "0", "CONNECT": "000", "MAX_SPD": "60", "REST_VEH": "0",
    "ROAD_NAME": "화정로",
}  # fmt: skip
WEST, MIDDLE, EAST, NORTH = (185_000.0, 563_000.0), (185_100.0, 563_000.0), (185_200.0, 563_000.0), (185_100.0, 563_100.0)
LAMBERT = PRJ.replace("Transverse_Mercator", "Lambert").encode()
PLACES = {"1": WEST, "2": MIDDLE, "3": EAST, "4": NORTH}


def link(number, a, b, **changes):
    return {"LINK_ID": str(number), "F_NODE": a, "T_NODE": b} | BASE | changes | {"line": [PLACES[a], PLACES[b]]}


def both(number, a, b, **changes):
    return [link(number, a, b, **changes), link(number + 1, b, a, **changes)]


def city(**changes):
    return [*both(10, "1", "2"), *both(20, "2", "3", **changes), *both(30, "2", "4"), *both(40, "3", "4")]


def read(tmp_path, links, turns=None, prj=PRJ, bounds=None):
    return read_node_link(write_node_link(tmp_path / "nodelink.zip", links, turns, prj=prj), PROFILES, DAY, bounds)


def test_the_places_of_a_shapefile_are_those_of_its_projection(tmp_path):
    """EPSG:5186 (185,000, 563,000): 15 km west of 127 E and 37 km south of 38 N, by the lengths of a degree there."""
    found = read(tmp_path, city())
    assert found.lon_lat[0] == pytest.approx([127 - 15_000 / 88_250, 38 - 37_000 / 110_995], abs=2e-4)
    assert distances_m(found.lon_lat[0], found.lon_lat[1]) == pytest.approx(100, abs=0.3)
    assert "표준노드링크" in found.attribution


def test_without_a_prj_the_usual_projection_is_taken(tmp_path):
    said, usual = read(tmp_path, city()), read(tmp_path, city(), prj="")
    assert np.abs(usual.lon_lat - said.lon_lat).max() < 1e-9


def test_each_link_is_one_direction(tmp_path):
    one_way = [*both(10, "1", "2"), link(20, "2", "3"), *both(30, "2", "4"), *both(40, "3", "4")]
    graph = graph_of(read(tmp_path, one_way), "truck")
    found = travel(graph, read(tmp_path, one_way).lon_lat[[1, 2]], 20).matrix.distance_m
    assert found[0, 1] == pytest.approx(100, abs=1)
    assert found[1, 0] == pytest.approx(241, abs=1)


def test_a_link_forbidden_to_trucks_or_not_in_use_is_closed(tmp_path):
    whole_cm = graph_of(read(tmp_path, city()), "truck").length_cm.sum()
    for changes in ({"REST_VEH": "4"}, {"ROAD_USE": "1"}, {"ROAD_RANK": "999"}):
        left_cm = graph_of(read(tmp_path, city(**changes)), "truck").length_cm.sum()
        assert whole_cm - left_cm == pytest.approx(20_000, abs=100)  # 100 m there and back


def test_nobody_stops_in_a_tunnel_or_on_an_expressway(tmp_path):
    for changes in ({"ROAD_TYPE": "004"}, {"ROAD_RANK": "101"}, {"ROAD_RANK": "103", "CONNECT": "101"}):
        graph = graph_of(read(tmp_path, city(**changes)), "truck")
        assert graph.length_cm[~graph.stopping].sum() == pytest.approx(20_000, abs=100)


def test_a_posted_speed_slows_a_truck_down(tmp_path):
    usual, slow = (graph_of(read(tmp_path, city(MAX_SPD=speed)), "truck").forward_cs.sum() for speed in ("60", "20"))
    assert slow > usual * 1.2


def test_forbidden_turns_are_read(tmp_path):
    turns = {"NODE_ID": ["2", "2", "9"], "ST_LINK": ["10", "10", "10"], "ED_LINK": ["30", "20", "30"],
             "TURN_TYPE": ["101", "001", "003"]}  # fmt: skip
    found = read(tmp_path, city(), turns)
    assert len(found.turns) == 1
    graph = graph_of(found, "truck")
    start, end = found.lon_lat[[0]], found.lon_lat[[3]]
    assert travel(graph, np.concatenate([start, end]), 20).matrix.distance_m[0, 1] == pytest.approx(341, abs=1.5)


def test_bounds_keep_only_links_that_touch_the_city(tmp_path):
    far = {"LINK_ID": "90", "F_NODE": "8", "T_NODE": "9"} | BASE | {"line": [(300_000.0, 400_000.0), (300_100.0, 400_000.0)]}
    found = read(tmp_path, [*city(), far], bounds=(126.8, 37.6, 126.9, 37.7))
    assert found.ways == 8
    assert read(tmp_path, [*city(), far]).ways == 9


def test_korean_names_of_a_table_are_read_as_cp949():
    found = read_table(dbf({"ROAD_NAME": ["화정로", "호수로 (지하)"], "LANES": ["2", "4"]}), ("ROAD_NAME",), "cp949")
    assert found == {"ROAD_NAME": ["화정로", "호수로 (지하)"]}


def test_the_files_may_lie_in_a_folder(tmp_path):
    file = write_node_link(tmp_path / "nodelink.zip", city())
    with zipfile.ZipFile(file) as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / "[2026]NODELINKDATA"
    assert read_node_link(folder, PROFILES, DAY).ways == 8
    assert read_node_link(folder / "MOCT_LINK.shp", PROFILES, DAY).ways == 8


def test_links_as_geojson_are_read(tmp_path):
    lines = {"1": [126.83, 37.66], "2": [126.831, 37.66]}
    features = [
        {"type": "Feature", "geometry": {"type": "LineString", "coordinates": [lines[a], lines[b]]},
         "properties": {"LINK_ID": a, "F_NODE": a, "T_NODE": b, "ROAD_RANK": "107", "MAX_SPD": 50}}
        for a, b in (("1", "2"), ("2", "1"))
    ]  # fmt: skip
    file = tmp_path / "links.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    graph = graph_of(read_node_link(file, PROFILES, DAY), "truck")
    assert graph.length_cm.sum() == pytest.approx(2 * 8_804, abs=20)


def broken(tmp_path):
    good = write_node_link(tmp_path / "good.zip", city())
    parts = {}
    with zipfile.ZipFile(good) as archive:
        parts = {name.rsplit("_", 1)[-1]: archive.read(name) for name in archive.namelist() if "MOCT" in name}
    lines, table = parts["LINK.shp"], parts["LINK.dbf"]
    return {
        "no zip": (b"PK no", "roads.unreadable"),
        "no link": ({"README.txt": b""}, "roads.unreadable"),
        "shp cut": ({"MOCT_LINK.shp": lines[:-30], "MOCT_LINK.dbf": table}, "roads.unreadable"),
        "dbf cut": ({"MOCT_LINK.shp": lines, "MOCT_LINK.dbf": table[:-90]}, "roads.unreadable"),
        "points": ({"MOCT_LINK.shp": lines[:32] + b"\1" + lines[33:], "MOCT_LINK.dbf": table}, "roads.unreadable"),
        "not alike": ({"MOCT_LINK.shp": shp([[WEST, EAST]]), "MOCT_LINK.dbf": table}, "roads.unreadable"),
        "no column": ({"MOCT_LINK.shp": shp([[WEST, EAST]]), "MOCT_LINK.dbf": dbf({"NAME": ["a"]})}, "roads.fields"),
        "lambert": ({"MOCT_LINK.shp": lines, "MOCT_LINK.dbf": table, "MOCT_LINK.prj": LAMBERT}, "roads.projection"),
    }  # fmt: skip


@pytest.mark.parametrize("damage", ["no zip", "no link", "shp cut", "dbf cut", "points", "not alike", "no column", "lambert"])
def test_a_file_that_is_no_node_link_is_refused_with_its_code(tmp_path, damage):
    parts, code = broken(tmp_path)[damage]
    file = tmp_path / "bad.zip"
    if isinstance(parts, bytes):
        file.write_bytes(parts)
    else:
        with zipfile.ZipFile(file, "w") as archive:
            for name, body in parts.items():
                archive.writestr(name, body)
    with pytest.raises(InputError) as refused:
        read_node_link(file, PROFILES, DAY)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("body", "code"),
    [("{", "roads.unreadable"), ('{"features": [{"geometry": null, "properties": {}}]}', "roads.unreadable"),
     ('{"features": []}', "roads.empty"),
     ('{"features": [{"geometry": {"coordinates": [[185000, 563000], [1, 2]]}, "properties": {}}]}', "roads.projection")],
)  # fmt: skip
def test_a_geojson_that_is_no_node_link_is_refused_with_its_code(tmp_path, body, code):
    file = tmp_path / "bad.geojson"
    file.write_text(body, "utf-8")
    with pytest.raises(InputError) as refused:
        read_node_link(file, PROFILES, DAY)
    assert refused.value.code == code
