"""Rows for the archive's tests."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from dure.core.observations import Batch
from dure.core.time import to_us

S = 1_000_000
DAY = 86_400 * S
D0 = to_us(datetime(2026, 3, 1, tzinfo=UTC))


def is_vector(property_id):
    return property_id == "wind_dir"


def readings(assets, start_us, n, step_us, *, result_us=None, property_id="temp"):
    """n readings of each asset, every tenth missing."""
    size = n * len(assets)
    time_us = start_us + np.repeat(np.arange(n), len(assets)) * step_us
    value = np.round(np.random.default_rng(n).normal(10, 3, size), 1)
    flag = np.ones(size, np.uint8)
    value[::10], flag[::10] = np.nan, 9
    return Batch(
        [(asset, property_id) for asset in assets],
        np.tile(np.arange(len(assets), dtype=np.int32), n),
        time_us,
        time_us + S if result_us is None else np.full(size, result_us),
        value,
        flag,
        np.zeros(size, np.uint8),
        np.arange(size),
    )


def rows_of(some):
    columns = (some.series, some.time_us, some.result_us, some.value, some.flag, some.check, some.seq)
    return [
        (*some.keys[s], t, r, None if v != v else v, f, c, q)  # noqa: PLR0124  # NaN is unlike itself
        for s, t, r, v, f, c, q in zip(*(column.tolist() for column in columns), strict=True)
    ]


def stored(telemetry, start_us=0, end_us=2**61):
    return sorted(row for chunk in telemetry.day(start_us, end_us) for row in rows_of(chunk))


def archived(archive, start_us):
    return sorted(row for chunk in archive.read(start_us) for row in rows_of(chunk))
