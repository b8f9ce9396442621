"""One running city for the tests that do not break it, and a way to make others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from city_running import CityRunning, settings_of, write_city

STATIONS = [f"st-{n:02}" for n in range(1, 31)]
QUARANTINED = tuple(f"new-{n}" for n in range(1, 4))
LORA = "lora-1,station,로라,Lora,126.9,37.2,live,dev-lora-1,24e124136b502217,milesight-am308"


@pytest.fixture(scope="session")
def city(tmp_path_factory):
    """A running city; each test uses stations of its own."""
    folder = tmp_path_factory.mktemp("city")
    write_city(folder / "city", STATIONS, QUARANTINED, (LORA,))
    one = CityRunning(settings_of(folder)).start()
    yield one
    one.stop()


@pytest.fixture
def own_city(tmp_path):
    """A city of the test's own, not yet started."""
    write_city(tmp_path / "city", STATIONS[:5])
    one = CityRunning(settings_of(tmp_path))
    yield one
    if one.url:
        one.stop()


@pytest.fixture(scope="session")
def environment_data() -> Path:
    """Files shared with every working copy."""
    root = Path(os.environ.get("DURE_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))
    if not (root / "environment").is_dir():
        pytest.skip(f"no test data at {root}; set DURE_TEST_DATA")
    return root / "environment"
