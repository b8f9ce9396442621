"""Waste time: days weighed by how much falls into bins on each weekday, so that a rise is even in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dure.services.waste.model import FloatArray

DAY_US = 86_400_000_000
FIRST_WEEKDAY = 3  # 1970-01-01 was a Thursday; Monday is 0


def weekday_of(time_us: NDArray[np.int64], offset_s: int) -> NDArray[np.int64]:
    """(n,) weekday of each instant by the city's clock, Monday 0."""
    return ((time_us + offset_s * 1_000_000) // DAY_US + FIRST_WEEKDAY) % 7


def exposure_d(weekday: FloatArray, start_us: NDArray[np.int64], end_us: NDArray[np.int64], offset_s: int) -> FloatArray:
    """Waste days between two instants of each bin.

    Parameters
    ----------
    weekday : (n, 7) factor of each weekday [1], mean 1, Monday first
    start_us, end_us : (n,) instants [µs]; an end before its start counts as none
    offset_s : of the city's clock from UTC [s]

    Returns
    -------
    (n,) >= 0 [d]
    """
    return np.maximum(_waste_days(weekday, end_us, offset_s) - _waste_days(weekday, start_us, offset_s), 0.0)


def _waste_days(weekday: FloatArray, time_us: NDArray[np.int64], offset_s: int) -> FloatArray:
    """Waste days since a Monday long ago."""
    local_us = time_us + offset_s * 1_000_000 + FIRST_WEEKDAY * DAY_US
    day, within_us = np.divmod(local_us, DAY_US)
    week, number = np.divmod(day, 7)
    before = np.concatenate([np.zeros((len(weekday), 1)), np.cumsum(weekday, axis=1)], axis=1)
    rows = np.arange(len(weekday))
    found: FloatArray = week * before[:, 7] + before[rows, number] + within_us / DAY_US * weekday[rows, number]
    return found
