"""Peers that cannot share our environment: each in one of its own, made once in `DURE_PEERS` (else the temporary folder)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from mv_data import FIRST_DAY, ROOT, Buildings

HERE = Path(__file__).parent
NEEDS = {
    "eemeter": ("eemeter==3.2.0", "numpy<2", "pandas<2.2"),
    "opendsm": ("opendsm==1.2.7", "multimethod<2", "pandas<3"),
}
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def python_of(peer: str) -> Path:
    """The interpreter of a peer's environment, which is made where it is missing."""
    home = Path(os.environ.get("DURE_PEERS", Path(tempfile.gettempdir()) / "dure-peers")) / peer
    program = home / "bin" / "python"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(program), "-m", "pip", "install", "-q", *NEEDS[peer]], check=True)
    return program


def asked(peer: str, given: Path) -> dict[str, Any]:
    """What a peer's script tells of `given`."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told.json"
        words = [str(python_of(peer)), str(HERE / f"mv_peer_{peer}.py"), str(given), str(told)]
        clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        subprocess.run(words, check=True, env=clean | ONE_THREAD, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        return json.loads(told.read_text("utf-8"))


def eemeter() -> dict[str, Any]:
    """Its models of its own samples."""
    return asked("eemeter", ROOT / "eemeter_samples")


def opendsm(daily: Buildings, hourly: Buildings) -> dict[str, Any]:
    """Its daily and hourly models of buildings: predictions, and CPU seconds of each fit."""
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "given.npz"
        np.savez(
            given,
            daily_temperature=daily.daily_temperature,
            daily_usage=daily.daily_usage,
            hourly_temperature=hourly.temperature,
            hourly_usage=hourly.usage,
            daily_start=FIRST_DAY,
            hourly_start=FIRST_DAY,
        )
        return asked("opendsm", given)
