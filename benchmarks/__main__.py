"""``python -m benchmarks [NAME]``: all benchmarks or one, each in a process of its own. ``make bench NAME=ingest`` calls it."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

NAMES = (
    "ingest",
    "queries",
    "latency",
    "start",
    "qc",
    "indices",
    "network-qc",
    "maps",
    "calibration",
    "onboarding",
    "roads",
    "waste-forecast",
    "waste-city",
    "waste-solver",
    "waste-kim",
    "waste-irp",
    "waste-policy",
    "waste-dead-sensors",
    "waste-savings",
    "waste-faults",
    "mv-fit",
    "mv-coverage",
    "buildings-reads",
    "buildings-queries",
    "buildings-faults",
    "site-speed",
    "site-saving",
    "ocpp",
    "ocpp-connections",
    "ocpp-fuzz",
    "origin",
    "scope2",
    "claims",
    "log",
    "explain",
    "household",
    "practices",
    "ixbrl",
)
FILES = {"ocpp": "ocpp-messages.py"}  # a file called ocpp.py would hide the package of that name
HERE = Path(__file__).parent


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure Dure beside its peers and limits.")
    parser.add_argument("name", nargs="?", choices=NAMES, help="only this one")
    parser.add_argument("--quick", action="store_true", help="small sizes; the table is printed, nothing is kept")
    options = parser.parse_args()
    words = ["--quick"] if options.quick else []
    codes = [
        subprocess.run([sys.executable, str(HERE / FILES.get(name, f"{name}.py")), *words], check=False).returncode
        for name in ([options.name] if options.name else NAMES)
    ]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
