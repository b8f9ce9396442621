"""Quality control of series by six tests: one by one, in mixed batches and whole, beside ioos_qc; ``make bench NAME=qc``.

The series is seeded: minutes with gaps, spikes and flat runs. The peer is the installed ioos_qc on the same rows in the same run;
one by one it is asked again for each arrival over the last 61 values, as a monitor built on it must. Flags are compared on
ioos_qc's own two data files and on the seeded series; the written differences (`quality_differences`) are counted apart.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from report import Row, tell, write

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "unit" / "services" / "environment"))
from ioos_oracle import explained, ioos_flags  # the same comparison as the tests make
from quality_series import LEVEL_LIMITS, LIGHT_LIMITS, WALK_LIMITS, light, seeded, water_level

from dure.services.environment.checks.quality import TESTS, Limits, Stream, compiled_kernel, qualify_series

SERIES = 1_000
WINDOW = 61
KEY = ("station", "air_temperature")
LOAD = """
import time
began = time.perf_counter()
from dure.services.environment.checks.quality import compiled_kernel
before = time.perf_counter()
compiled_kernel()
print(time.perf_counter() - before)
"""


def best_of(times: int, work: Callable[[], object]) -> tuple[float, float]:
    """Shortest wall time and CPU time [s] of some turns."""
    taken = []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        taken.append((time.perf_counter() - wall, time.process_time() - cpu))
    return min(one for one, _ in taken), min(one for _, one in taken)


def one_by_one(time_us: np.ndarray, value: np.ndarray) -> tuple[float, float]:
    """Wall and CPU time [s] of pushing each value by itself."""
    rows = list(zip(time_us.tolist(), value.tolist(), strict=True))

    def push() -> None:
        stream = Stream([WALK_LIMITS])
        stream.open(KEY)
        for at_us, one in rows:
            stream.push_one(KEY, at_us, one)

    return best_of(3, push)


def ioos_per_arrival(time_us: np.ndarray, value: np.ndarray, arrivals: int) -> float:
    """Values per second when ioos_qc is asked again for each arrival over the last values."""
    began = time.perf_counter()
    for last in range(WINDOW, WINDOW + arrivals):
        ioos_flags(time_us[last - WINDOW : last], value[last - WINDOW : last], WALK_LIMITS)
    return arrivals / (time.perf_counter() - began)


def mixed(time_us: np.ndarray, value: np.ndarray) -> float:
    """Values per second of batches that hold one value of each of 1,000 series."""
    n = len(value) // SERIES
    stream = Stream([WALK_LIMITS])
    slots = np.array([stream.open((f"station-{one}", "air_temperature")) for one in range(SERIES)], np.int64)
    columns = value[: n * SERIES].reshape(SERIES, n).T.copy()
    began = time.perf_counter()
    for turn in range(n):
        stream.push(slots, np.full(SERIES, time_us[turn]), columns[turn])
    return n * SERIES / (time.perf_counter() - began)


def differing(time_us: np.ndarray, value: np.ndarray, limits: Limits) -> tuple[int, int]:
    """Flags of all six tests that differ from ioos_qc: beyond the written list, and by it."""
    theirs, ours = ioos_flags(time_us, value, limits), qualify_series(time_us, value, limits).tests
    beyond = listed = 0
    for number, test in enumerate(TESTS):
        differ = theirs[test] != ours[:, number]
        by_list = explained(test, time_us, value, limits)
        beyond, listed = beyond + int((differ & ~by_list).sum()), listed + int((differ & by_list).sum())
    return beyond, listed


def differences(time_us: np.ndarray, value: np.ndarray) -> list[Row]:
    compared = [(*light(), LIGHT_LIMITS), (*water_level(), LEVEL_LIMITS), (time_us, value, WALK_LIMITS)]
    compared.append((*seeded(12, len(value) // 10, regular=False), WALK_LIMITS))
    flags = 6 * sum(len(one[1]) for one in compared)
    beyond, listed = (sum(column) for column in zip(*(differing(*one) for one in compared), strict=True))
    return [
        Row(figure=f"flags unlike ioos_qc beyond the list, of {flags:,}", ours=beyond, unit="flags", better="lower", bar=0),
        Row(figure="flags unlike ioos_qc by the list", ours=listed, unit="flags", better="lower"),
    ]


def whole(time_us: np.ndarray, value: np.ndarray) -> list[Row]:
    wall, cpu = best_of(5, lambda: qualify_series(time_us, value, WALK_LIMITS))
    peer, _ = best_of(1, lambda: ioos_flags(time_us, value, WALK_LIMITS))
    n = len(value)
    return [
        Row(
            figure=f"batch, six tests, {n:,} rows",
            ours=n / wall,
            unit="rows/s",
            better="higher",
            bar=2_000_000,
            peer=n / peer,
            peer_name="ioos_qc",
        ),
        Row(figure="batch, CPU per million values", ours=cpu / n * 1e6, unit="CPU s", better="lower"),
    ]


def loading() -> Row:
    """Import of numba and load of the compiled loop from its cache, in a new process with compiled bytecode, as installed."""
    with tempfile.TemporaryDirectory() as bytecode:
        environment = {name: word for name, word in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = bytecode
        asked = [sys.executable, "-c", LOAD]
        seconds = [
            float(subprocess.run(asked, check=True, capture_output=True, text=True, env=environment).stdout) for _ in range(4)
        ]
    figure = "import numba and load the loop from its cache"
    return Row(figure=figure, ours=min(seconds), unit="s", better="lower", bar=1.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the seeded series (default 1,000,000)")
    parser.add_argument("--quick", action="store_true", help="100,000 rows, nothing kept")
    options = parser.parse_args()
    compiled_kernel()
    time_us, value = seeded(11, 100_000 if options.quick else options.rows, regular=True)
    some = min(len(value), 300_000)
    wall, cpu = one_by_one(time_us[:some], value[:some])
    rows = [
        Row(
            figure="streaming, one by one, one core",
            ours=some / wall,
            unit="values/s",
            better="higher",
            bar=100_000,
            peer=ioos_per_arrival(time_us, value, 30),
            peer_name=f"ioos_qc again over {WINDOW} values",
        ),
        Row(figure="streaming, CPU per million values", ours=cpu / some * 1e6, unit="CPU s", better="lower"),
        Row(figure=f"streaming, batches of {SERIES:,} series", ours=mixed(time_us, value), unit="values/s", better="higher"),
        *whole(time_us, value),
        *differences(time_us, value),
        loading(),
    ]
    (tell if options.quick else write)("qc", rows)


if __name__ == "__main__":
    main()
