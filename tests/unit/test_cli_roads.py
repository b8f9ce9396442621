"""`dure roads`: bring in a map, look at it, and be told what is wrong with a file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "engines" / "roads"))
from road_files import write_node_link, write_osm
from test_node_link_import import city

from dure.cli import main
from dure.routing.streets import StreetPlan, way_tags


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("DURE_CITY_DIR", raising=False)

    def told(*words):
        monkeypatch.setattr(sys, "argv", ["dure", "roads", *map(str, words), "--data", str(tmp_path / "data")])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out + said.err

    return told


def test_a_map_is_brought_in_and_shown_with_its_attribution(run, tmp_path):
    file = write_osm(tmp_path / "city.osm.pbf", *way_tags(StreetPlan(side_km=1.0), 1))
    code, said = run("import", file)
    assert code == 0
    assert "city.osm.pbf" in said
    assert "OpenStreetMap" in said
    code, shown = run("show")
    assert code == 0
    assert shown.split("imported")[1] == said.split("imported")[1]
    assert "mini-truck" in shown


def test_the_node_link_is_brought_in_with_its_attribution(run, tmp_path):
    code, said = run("import", write_node_link(tmp_path / "nodelink.zip", city()), "--bounds", "126.8,37.6,126.9,37.7")
    assert code == 0
    assert "국토교통부" in said


def test_without_a_map_it_says_how_to_bring_one_in(run):
    code, said = run("show")
    assert code == 2
    assert "roads.none" in said


@pytest.mark.parametrize(
    ("body", "words", "code"), [(b"nothing", (), "roads.unreadable"), (b"", ("--bounds", "1,2"), "roads.bounds")]
)
def test_a_bad_file_or_bad_bounds_are_one_line_with_a_code(run, tmp_path, body, words, code):
    file = tmp_path / "city.osm.pbf"
    file.write_bytes(body)
    ended, said = run("import", file, *words)
    assert ended == 2
    assert code in said
    assert "Traceback" not in said
