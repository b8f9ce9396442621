"""Pictures of the README, taken from a running demo: ``python scripts/screenshots.py http://127.0.0.1:8600``.

Debian's Chromium without a window; the picture is taken when the map says that it is drawn and the fonts are there.
"""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
BYTES_MAX = 300_000
SHOTS = (
    ("live-map-ko.png", "/ko/", 1440, 900),
    ("live-map-en.png", "/en/", 1440, 900),
    ("live-map-phone-ko.png", "/ko/", 390, 844),
    ("live-map-phone-en.png", "/en/", 390, 844),
)
MAP_IN_VIEW = """() => {
  const first = document.querySelector(innerWidth < 768 ? ".map-card" : ".figure");
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


def main(url: str) -> int:
    """Take every picture; 1 when one is larger than a README should carry."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    large = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(CHROMIUM))
        for name, path, width, height in SHOTS:
            page = browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
            page.goto(url.rstrip("/") + path)
            page.evaluate("document.fonts.ready")
            if page.locator("#map").count():
                page.wait_for_selector("#map[data-ready]", timeout=30_000)
                page.evaluate(MAP_IN_VIEW)
            png = tighten(page.screenshot(animations="disabled"))
            page.close()
            (IMAGES / name).write_bytes(png)
            large += len(png) > BYTES_MAX
            print(f"{name}: {len(png):,} bytes{'  TOO LARGE' if len(png) > BYTES_MAX else ''}")
        browser.close()
    return int(large > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8600"))
