"""Pictures of the README, taken from a running demo: ``python scripts/screenshots.py http://127.0.0.1:8600 DATA``.

DATA is the demo's folder: with the password it keeps there the pages of the operations centre are taken too. Debian's Chromium
without a window; the picture is taken when the map says that it is drawn and the fonts are there.
"""

from __future__ import annotations

import struct
import sys
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

IMAGES = Path(__file__).parents[1] / "docs" / "images"
BYTES_MAX = 300_000
SHOTS = (
    ("live-map-ko.png", "/ko/", 1440, 900),
    ("live-map-en.png", "/en/", 1440, 900),
    ("live-map-phone-ko.png", "/ko/", 390, 844),
    ("live-map-phone-en.png", "/en/", 390, 844),
    ("air-and-water-ko.png", "/ko/environment", 1440, 900),
    ("air-and-water-en.png", "/en/environment", 1440, 900),
    ("waste-citizen-ko.png", "/ko/waste/bins/bin-001", 390, 844),
    ("waste-citizen-en.png", "/en/waste/bins/bin-001", 390, 844),
    ("buildings-citizen-ko.png", "/ko/buildings/bd-namyang-hall", 390, 844),
    ("buildings-citizen-en.png", "/en/buildings/bd-namyang-hall", 390, 844),
    ("charging-driver-ko.png", "/ko/charging/evse/ev-namyang-hall-11", 390, 844),
    ("charging-driver-en.png", "/en/charging/evse/ev-namyang-hall-11", 390, 844),
    ("charging-public-ko.png", "/ko/charging/sites/cs-namyang-hall", 390, 844),
    ("charging-public-en.png", "/en/charging/sites/cs-namyang-hall", 390, 844),
    ("carbon-board-ko.png", "/ko/carbon", 1440, 1290),
    ("carbon-board-en.png", "/en/carbon", 1440, 1290),
    ("carbon-explain-ko.png", "/ko/carbon/explain?figure=carbon/board/{year}/tonnes/B", 390, 844),
    ("carbon-explain-en.png", "/en/carbon/explain?figure=carbon/board/{year}/tonnes/B", 390, 844),
    ("carbon-practices-ko.png", "/ko/carbon/practices#scheme-green-life", 390, 844),
    ("carbon-practices-en.png", "/en/carbon/practices#scheme-green-life", 390, 844),
)
STAFF_SHOTS = (
    ("charging-site-ko.png", "/ko/operations/charging/sites/cs-namyang-hall?span=today", 1440, 1180),
    ("charging-site-en.png", "/en/operations/charging/sites/cs-namyang-hall?span=today", 1440, 1180),
    ("environment-map-ko.png", "/ko/operations/environment?property=pm2_5", 1440, 900),
    ("environment-map-en.png", "/en/operations/environment?property=pm2_5", 1440, 900),
    ("network-health-ko.png", "/ko/operations/environment/network", 1440, 900),
    ("network-health-en.png", "/en/operations/environment/network", 1440, 900),
    ("waste-plan-ko.png", "/ko/operations/waste", 1440, 900),
    ("waste-plan-en.png", "/en/operations/waste", 1440, 900),
    ("waste-driver-ko.png", "/ko/field/waste/truck-1", 390, 844),
    ("waste-driver-en.png", "/en/field/waste/truck-1", 390, 844),
    ("buildings-portfolio-ko.png", "/ko/operations/buildings", 1440, 900),
    ("buildings-portfolio-en.png", "/en/operations/buildings", 1440, 900),
    ("buildings-explain-ko.png", "/ko/operations/buildings/explain?figure=building/bd-namyang-hall/carbon/2025", 390, 844),
    ("buildings-explain-en.png", "/en/operations/buildings/explain?figure=building/bd-namyang-hall/carbon/2025", 390, 844),
)
MAP_IN_VIEW = """() => {
  const card = innerWidth < 768 || document.querySelector("[data-surface]"); // a painted map is nothing without its legend
  const first = document.querySelector(card ? ".map-card" : ".figure");
  scrollTo(0, first.getBoundingClientRect().top + scrollY - 24);
}"""
CHROMIUM = ("--headless", "--no-sandbox", "--disable-background-networking")


def tighten(png: bytes) -> bytes:
    """The same picture with its chunks of text gone and its pixels packed as tightly as zlib can."""
    head, rest, data = png[:8], b"", b""
    at = 8
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        if kind == b"IDAT":
            data += body
        elif kind == b"IHDR":
            head += _chunk(kind, body)
        elif kind == b"IEND":
            rest = _chunk(kind, body)
        at += 12 + size
    raw = zlib.decompress(data)
    packed = min(zlib.compress(raw, 9), data, key=len)
    return head + _chunk(b"IDAT", packed) + rest


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def sign_in(context: BrowserContext, url: str, data: Path) -> None:
    """As the first administrator of a demo, whose name and password lie in its data folder."""
    login, password = (data / "first-admin.txt").read_text("utf-8").split()
    page = context.new_page()
    page.goto(f"{url}/ko/sign-in")
    page.fill("#f-login", login)
    page.fill("#f-password", password)
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/ko/operations")
    page.close()


def take(context: BrowserContext, url: str, shot: tuple[str, str, int, int]) -> bool:
    """Take one picture; whether it is larger than a README should carry."""
    name, path, width, height = shot
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": height})
    page.goto(url + path.format(year=datetime.now(tz=UTC).year))
    page.evaluate("document.fonts.ready")
    if page.locator("#map").count():
        page.wait_for_selector("#map[data-ready]", timeout=30_000)
        page.evaluate(MAP_IN_VIEW)
    png = tighten(page.screenshot(animations="disabled"))
    page.close()
    (IMAGES / name).write_bytes(png)
    print(f"{name}: {len(png):,} bytes{'  TOO LARGE' if len(png) > BYTES_MAX else ''}")
    return len(png) > BYTES_MAX


def main(url: str, data: str = "") -> int:
    """Take every picture; 1 when one is larger than a README should carry."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    url = url.rstrip("/")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(CHROMIUM))
        context = browser.new_context(reduced_motion="reduce")
        large = [take(context, url, shot) for shot in SHOTS]
        if data:
            sign_in(context, url, Path(data))
            large += [take(context, url, shot) for shot in STAFF_SHOTS]
        browser.close()
    return int(any(large))


if __name__ == "__main__":
    sys.exit(main(*(sys.argv[1:3] or ["http://127.0.0.1:8600"])))
