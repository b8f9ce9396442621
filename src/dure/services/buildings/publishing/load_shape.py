"""The shape of a meter's week: mean use of each hour of each weekday, and of working days and weekends by hour. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from dure.core.time import from_us
from dure.services.buildings.intervals.interval_books import GRID_US, QUALITIES, Intervals
from dure.services.buildings.reads.model import Quality

DAY_US = 24 * GRID_US
SATURDAY = 5
_DISPUTED = QUALITIES.index(Quality.DISPUTED)


class Shape(NamedTuple):
    """Mean use per hour.

    Attributes
    ----------
    week : (7, 24) by weekday (Monday first) and local hour [book unit / h]; nan where nothing is known
    working, weekend : (24,) by local hour [book unit / h]; nan likewise
    hours_n : how many hours are in it
    """

    week: NDArray[np.float64]
    working: NDArray[np.float64]
    weekend: NDArray[np.float64]
    hours_n: int


def shape(intervals: Intervals, zone: ZoneInfo) -> Shape:
    """The shape of hourly intervals; what is disputed is left out."""
    good = intervals.quality != _DISPUTED
    start_us, amount = intervals.start_us[good], intervals.amount[good].astype(np.float64)
    local_us = start_us + _offsets_us(start_us, zone)
    hour = (local_us // GRID_US) % 24
    weekday = (local_us // DAY_US + 3) % 7  # 1970-01-01 was a Thursday
    cell = weekday * 24 + hour
    total = np.asarray(np.bincount(cell, amount, minlength=168), np.float64).reshape(7, 24)
    n = np.bincount(cell, minlength=168).reshape(7, 24)
    return Shape(
        _mean(total, n),
        _mean(total[:SATURDAY].sum(0), n[:SATURDAY].sum(0)),
        _mean(total[SATURDAY:].sum(0), n[SATURDAY:].sum(0)),
        len(amount),
    )


def _mean(total: NDArray[np.float64], n: NDArray[np.int_]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.full(total.shape, np.nan)
    np.divide(total, n, out=found, where=n > 0)
    return found


def _offsets_us(start_us: NDArray[np.int64], zone: ZoneInfo) -> NDArray[np.int64]:
    """Offset of the zone at each instant [us]; a clock may change in any hour."""
    hours, place = np.unique(start_us // GRID_US, return_inverse=True)
    found = [_us(from_us(int(one) * GRID_US).astimezone(zone).utcoffset()) for one in hours]
    return np.array(found, np.int64)[place]


def _us(offset: timedelta | None) -> int:
    return 0 if offset is None else offset // timedelta(microseconds=1)
