"""A running city and Debian's Chromium in front of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from demo_buildings import furnish_buildings
from demo_carbon import furnish_carbon
from demo_charging import furnish_charging
from demo_city import ROOT, RunningCity
from demo_environment import furnish
from demo_waste import furnish_waste
from playwright.sync_api import sync_playwright
from visiting import SIZES, Visit


@pytest.fixture(scope="module")
def running(tmp_path_factory, request):
    """The running city, furnished with what the pages of the module show."""
    city = RunningCity(tmp_path_factory.mktemp("city"))
    try:
        city.start()
        furnishing = {
            "waste": furnish_waste, "buildings": furnish_buildings, "charging": furnish_charging, "carbon": furnish_carbon
        }  # fmt: skip
        city.made = next((each for name, each in furnishing.items() if name in request.module.__name__), furnish)(city)
        yield city
    finally:
        city.stop()


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Where scripts/assets.py installed the checkers."""
    said = subprocess.run(
        [sys.executable, ROOT / "scripts/assets.py", "--node-modules"], capture_output=True, text=True, check=True
    )
    return Path(said.stdout.strip())


@pytest.fixture(scope="session")
def axe(node_modules) -> str:
    """The text of axe-core."""
    return (node_modules / "axe-core/axe.min.js").read_text("utf-8")


@pytest.fixture(scope="module")  # it keeps an event loop in this thread: tests of other folders must not meet it
def browser():
    """Debian's Chromium."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is missing: apt-get install chromium fonts-noto-cjk")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=path,
            args=["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"],
        )
        yield running
        running.close()


@pytest.fixture(scope="module", params=list(SIZES))
def visitor(browser, running, request):
    visit = Visit(browser, running, request.param)
    yield visit
    visit.context.close()


@pytest.fixture(scope="module", params=list(SIZES))
def operator(browser, running, request):
    visit = Visit(browser, running, request.param)
    visit.sign_in()
    yield visit
    visit.context.close()
