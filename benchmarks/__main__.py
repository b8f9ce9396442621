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
