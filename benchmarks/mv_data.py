"""The simulated buildings that the measurement & verification benchmarks share (see the test data's own README)."""

from __future__ import annotations

import csv
import gzip
import os
from dataclasses import dataclass
from datetime import datetime
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


def hours_of() -> tuple[np.ndarray, np.ndarray]:
    """(8736,) hour of the week and month of each hour."""
    from dure.services.buildings.modelling.towt import local_hours

    at = np.datetime64(FIRST_DAY, "h") + np.arange(DAYS * 24)
    return local_hours(at.astype("datetime64[us]").astype(np.int64), 0)


def sample_series(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Hours since 1970 UTC and values of one file of the eemeter samples."""
    with gzip.open(ROOT / "eemeter_samples" / name, "rt") as file:
        rows = list(csv.reader(file))[1:]
    at = np.array([datetime.fromisoformat(when).timestamp() for when, _ in rows]) / 3600
    return np.round(at).astype(int), np.array([float(value) if value else np.nan for _, value in rows])


def sample_fit(name: str, told: dict[str, Any]) -> Any:
    """Our model of the baseline that a peer's row names; days of 23 and 25 hours are scaled to 24."""
    from dure.services.buildings.modelling.change_points import Bills, Qualification, fit_billing, fit_daily

    start, usage = sample_series(told["meter"])
    hour, temperature = sample_series(told["temperature"])
    first, last = (round(datetime.fromisoformat(told[key]).timestamp() / 3600) for key in ("first", "last"))
    kept = (start >= first) & (start <= last)
    start, usage = start[kept], usage[kept]
    inside = (hour >= first) & (hour < last)
    hour, temperature = hour[inside], temperature[inside]
    if name.endswith("daily"):
        day = np.searchsorted(start, hour, "right") - 1
        within = hour - start[day] < 24  # of a day of 25 hours eemeter takes the temperature of the first 24
        mean = np.bincount(day[within], temperature[within]) / np.bincount(day[within])
        return fit_daily(mean, usage[:-1] * 24 / np.diff(start))
    day = (hour - first) // 24
    mean, edge = np.bincount(day, temperature) / np.bincount(day), (start - first) // 24
    return fit_billing(mean, Bills(edge[:-1], edge[1:], usage[:-1]), rules=Qualification(non_zero_min=0, rows_min=1))
