"""The hours of one meter by local day and hour: the form all detectors look at. Pure.

A day of 23 hours has an empty cell, one of 25 hours the mean of its doubled hour: a cell is a rate [book unit / h], so that
nothing looks like more or less use because a clock was changed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from dure.core.time import day_interval, from_us

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

HOUR_US = 3_600_000_000
DAY_H = 24
SAME_CLOCK_US = 60 * DAY_H * HOUR_US  # clocks are not changed twice in two months
WORKDAY, SATURDAY, SUNDAY = 0, 1, 2
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, eq=False)
class DayGrid:
    """Days `first` on, one row each.

    Attributes
    ----------
    meter : asset id
    first : local day of row 0
    zone : the local clock
    use : (days, 24) of the hour that begins then, local [book unit / h]; NaN where nothing usable was measured
    temperature : (days, 24) outdoors [degC]; NaN where not known
    kind : (days,) WORKDAY, SATURDAY, SUNDAY (holidays too)
    """

    meter: str
    first: date
    zone: ZoneInfo
    use: Floats
    temperature: Floats
    kind: Ints

    @property
    def days(self) -> int:
        """How many rows."""
        return len(self.kind)

    @cached_property
    def warmth(self) -> Floats:
        """(days, 24) mean temperature of the 24 hours that end with each [degC]."""
        return _trailing_mean(self.temperature)

    def starts(self, row: int, hour: int = 0) -> datetime:
        """The instant at which an hour of a row begins (a row past the last: when the next day begins)."""
        day = self.first + timedelta(days=row)
        return day_interval(day, self.zone).start + timedelta(hours=hour)

    def until(self, row: int) -> DayGrid:
        """The first rows only."""
        return self.part(0, row)

    def part(self, first: int, end: int) -> DayGrid:
        """Rows ``[first, end)``."""
        day = self.first + timedelta(days=first)
        rows = slice(first, end)
        return DayGrid(self.meter, day, self.zone, self.use[rows], self.temperature[rows], self.kind[rows])


def day_grid(  # a meter and its clock, its hours, and what is known of them
    meter: str,
    hours: tuple[Ints, Floats],
    clock: tuple[ZoneInfo, Collection[date]],
    temperature: tuple[Ints, Floats] | None = None,
    end: date | None = None,
) -> DayGrid:
    """The grid of the local days from a meter's first hour to its last, or up to `end`.

    Parameters
    ----------
    meter : asset id
    hours : (n,) begin of each hour [us since 1970 UTC], in order, and (n,) its use [book unit], NaN where not usable
    clock : the zone, and the local days that are holidays
    temperature : (m,) begin of each hour [us], in order, and (m,) its mean [degC]
    end : the first local day that is not in it, known or not
    """
    zone, holidays = clock
    start_us, use = hours
    if len(start_us) == 0:
        empty = np.empty((0, DAY_H))
        return DayGrid(meter, EPOCH, zone, empty, empty, np.empty(0, np.int64))
    local = _local_hours(start_us, zone)
    first, last = int(local[0] // DAY_H), int(local[-1] // DAY_H)
    days = last - first + 1 if end is None else max((end - EPOCH).days - first, 0)
    air = np.full((days, DAY_H), np.nan)
    if temperature is not None and len(temperature[0]):
        air = _laid(_local_hours(temperature[0], zone) - first * DAY_H, temperature[1], days)
    day0 = EPOCH + timedelta(days=first)
    return DayGrid(meter, day0, zone, _laid(local - first * DAY_H, use, days), air, kinds(day0, days, holidays))


def kinds(first: date, days: int, holidays: Collection[date]) -> Ints:
    """(days,) kind of each day from `first` on."""
    found = np.zeros(days, np.int64)
    for row in range(days):
        day = first + timedelta(days=row)
        if day.weekday() == 6 or day in holidays:
            found[row] = SUNDAY
        elif day.weekday() == 5:  # Saturday
            found[row] = SATURDAY
    return found


def offsets_us(start_us: Ints, zone: ZoneInfo) -> Ints:
    """(n,) offset from UTC of instants in order [us]; looked up at each change only."""
    start_us = np.asarray(start_us, np.int64)
    offset_us = np.zeros(len(start_us), np.int64)
    _offsets(start_us, offset_us, (0, len(start_us)), zone)
    return offset_us


def _local_hours(start_us: Ints, zone: ZoneInfo) -> Ints:
    """(n,) hours since 1970 by the local clock."""
    return np.asarray((np.asarray(start_us, np.int64) + offsets_us(start_us, zone)) // HOUR_US)


def _offsets(start_us: Ints, offset_us: Ints, span: tuple[int, int], zone: ZoneInfo) -> None:
    """Fill the offsets of rows of a span; one with the same at both ends and no longer than 60 days has that offset."""
    first, end = span
    if first >= end:
        return
    low, high = _offset_us(int(start_us[first]), zone), _offset_us(int(start_us[end - 1]), zone)
    if low == high and start_us[end - 1] - start_us[first] <= SAME_CLOCK_US:
        offset_us[first:end] = low
    elif end - first == 1:
        offset_us[first] = low
    else:
        middle = (first + end) // 2
        _offsets(start_us, offset_us, (first, middle), zone)
        _offsets(start_us, offset_us, (middle, end), zone)


def _offset_us(at_us: int, zone: ZoneInfo) -> int:
    found = from_us(at_us).astimezone(zone).utcoffset()
    return 0 if found is None else round(found.total_seconds()) * 1_000_000


def _laid(cell: Ints, value: Floats, days: int) -> Floats:
    """(days, 24) mean of the values of each cell."""
    keep = (cell >= 0) & (cell < days * DAY_H) & ~np.isnan(value)
    total = np.bincount(cell[keep], weights=value[keep], minlength=days * DAY_H)
    count = np.bincount(cell[keep], minlength=days * DAY_H)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(count > 0, total / count, np.nan).reshape(days, DAY_H))


def _trailing_mean(value: Floats) -> Floats:
    flat = value.ravel()
    known = ~np.isnan(flat)
    total = np.concatenate([[0.0], np.cumsum(np.where(known, flat, 0.0))])
    count = np.concatenate([[0], np.cumsum(known)])
    end = np.arange(1, len(flat) + 1)
    begin = np.maximum(end - DAY_H, 0)
    with np.errstate(invalid="ignore"):
        mean = (total[end] - total[begin]) / (count[end] - count[begin])
    return np.asarray(mean.reshape(value.shape))
