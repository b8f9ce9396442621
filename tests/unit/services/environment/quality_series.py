"""Series for the tests of quality control: the two of ioos_qc, and seeded ones with gaps, spikes, flat runs and odd steps."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from dure.services.environment.checks.quality import Limits

DATA = Path(__file__).parents[5] / "shared" / "data" / "environment"
US = 1_000_000
START_S = 1_700_000_000


def ioos_file(name: str, time: str, value: str) -> tuple[np.ndarray, np.ndarray]:
    """Times [µs] and values of a file of ioos_qc."""
    file = DATA / name
    if not file.exists():
        pytest.skip(f"{file} is not here")
    with gzip.open(file, "rt", encoding="utf-8") as text:
        rows = [(int(float(row[time])), float(row[value] or "nan")) for row in csv.DictReader(text)]
    columns = np.array(rows)
    return columns[:, 0].astype(np.int64) * US, columns[:, 1]


def light() -> tuple[np.ndarray, np.ndarray]:
    """Light, 89,717 rows at steps of 15 and 60 minutes."""
    return ioos_file("ioos_20363_1000427.csv.gz", "time_epoch", "value")


def water_level() -> tuple[np.ndarray, np.ndarray]:
    """Hourly water level with true defects."""
    return ioos_file("ioos_water_level_example.csv.gz", "timestamp", "sea_surface_height_above_sea_level")


def seeded(seed: int, n: int = 20_000, *, regular: bool) -> tuple[np.ndarray, np.ndarray]:
    """A walk with missing values, spikes and flat runs, rounded to a tenth; steps of a minute or odd ones."""
    rng = np.random.default_rng(seed)
    steps = (
        np.full(n, 60)
        if regular
        else rng.choice([1, 7, 60, 61, 600, 3600, 90_000], n, p=[0.05, 0.1, 0.5, 0.1, 0.2, 0.045, 0.005])
    )
    value = np.round(12 + np.cumsum(rng.normal(0, 0.05, n)) + rng.normal(0, 0.2, n), 1)
    for first in rng.integers(0, n - 200, 30):
        value[first : first + rng.integers(5, 200)] = value[first]
    value[rng.random(n) < 0.003] += rng.choice([-30, 5, 25])
    value[rng.random(n) < 0.01] = np.nan
    for first in rng.integers(0, n - 100, 5):
        value[first : first + rng.integers(5, 100)] = np.nan
    return (START_S + np.cumsum(steps)).astype(np.int64) * US, value


LIGHT_LIMITS = Limits(
    gross_fail=(0, 2500),
    gross_suspect=(0, 2200),
    climate_fail={month: (0, 1800 + 60 * min(month, 13 - month)) for month in range(1, 12)},
    climate_suspect={month: (5, 1500 + 60 * min(month, 13 - month)) for month in range(1, 12)},
    spike_suspect=300,
    spike_fail=800,
    rate_suspect=0.5,
    rate_fail=1.0,
    flat_suspect_s=2 * 3600,
    flat_fail_s=6 * 3600,
    flat_tolerance=1.0,
    window_s=6 * 3600,
    window_n_min=4,
    spread_suspect=30,
    spread_fail=3,
    failed_feed=True,
)
LEVEL_LIMITS = Limits(
    gross_fail=(-1.5, 3.5),
    gross_suspect=(-1, 3),
    climate_suspect={month: (-0.5, 1.5 + month / 10) for month in range(1, 13)},
    spike_suspect=0.2,
    spike_fail=0.6,
    rate_suspect=0.0001,
    rate_fail=0.0003,
    flat_suspect_s=3 * 3600,
    flat_fail_s=6 * 3600,
    flat_tolerance=0.001,
    window_s=12 * 3600,
    window_n_min=6,
    spread_suspect=0.1,
    spread_fail=0.03,
    failed_feed=True,
)
WALK_LIMITS = Limits(
    gross_fail=(-25, 34),
    gross_suspect=(-5, 16),
    climate_fail={11: (-15, 40), 12: (-15, 38)},
    climate_suspect={11: (0, 30), 12: (-2, 28)},
    spike_suspect=0.55,
    spike_fail=3,
    rate_suspect=0.011,
    rate_fail=0.1,
    flat_suspect_s=600,
    flat_fail_s=3600,
    flat_tolerance=0.15,
    window_s=1800,
    window_n_min=5,
    spread_suspect=0.123,
    spread_fail=0.0456,
    failed_feed=True,
)
