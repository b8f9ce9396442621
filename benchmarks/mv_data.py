"""The simulated buildings that the measurement & verification benchmarks share (see the test data's own README)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(os.environ.get("DURE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data")) / "buildings"
FILE = ROOT / "comstock_70_hourly.parquet"
FIRST_DAY = "2018-01-02"  # the file begins at 01:00 of the day before, which is left out
DAYS = 364


@dataclass(frozen=True, eq=False)
class Buildings:
    """Of n buildings: electricity [kWh] and temperature [F] of each hour from midnight of `FIRST_DAY` on, (n, 8736)."""

    ids: np.ndarray
    temperature: np.ndarray
    usage: np.ndarray
    reporting: np.ndarray

    def of(self, rows: Any) -> Buildings:
        return Buildings(self.ids[rows], self.temperature[rows], self.usage[rows], self.reporting[rows])

    @property
    def daily_temperature(self) -> np.ndarray:
        return self.temperature.reshape(len(self.ids), DAYS, 24).mean(2)

    @property
    def daily_usage(self) -> np.ndarray:
        return self.usage.reshape(len(self.ids), DAYS, 24).sum(2)


def buildings() -> Buildings:
    import duckdb

    if not FILE.exists():
        raise SystemExit(f"no {FILE}: set DURE_TEST_DATA")
    columns = duckdb.sql(
        "SELECT id, temperature, observed_baseline, observed_reporting FROM read_parquet(?)"
        " WHERE datetime >= ?::TIMESTAMP ORDER BY id, datetime",
        params=[str(FILE), FIRST_DAY],
    ).fetchnumpy()
    shape = (-1, DAYS * 24)
    ids = columns["id"].reshape(shape)[:, 0]
    fields = [
        np.asarray(columns[name], float).reshape(shape) for name in ("temperature", "observed_baseline", "observed_reporting")
    ]
    return Buildings(ids, *fields)


def some(whole: Buildings, count: int, seed: int = 7) -> Buildings:
    """A seeded choice of buildings."""
    rows = np.sort(np.random.default_rng(seed).choice(len(whole.ids), min(count, len(whole.ids)), replace=False))
    return whole.of(rows)


def days_of() -> np.ndarray:
    """(364,) the dates."""
    return np.arange(np.datetime64(FIRST_DAY), np.datetime64(FIRST_DAY) + DAYS)
