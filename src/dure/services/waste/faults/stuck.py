"""A level that does not move: the same reading again and again, although the bin fills, or was emptied."""

from __future__ import annotations

import numpy as np

from dure.core.text import Text
from dure.core.time import from_us
from dure.services.waste.faults.fault_rules import StuckRow
from dure.services.waste.faults.findings import DAY_US, HOUR_US, Found, Series, Window, daily_rise, rounded


def stuck(window: Window, row: StuckRow) -> Found | None:
    """A run of equal readings that is too long for this bin, or that an emptying did not end.

    How long is too long the bin says itself: its longest such run before (at night nobody throws anything in), and its usual
    rise, which must have shown meanwhile. A bin at its brim does not move, and is judged when it was emptied;
    an empty one may rest for long.
    """
    level = window.level
    runs = runs_of(level, row.same)
    if not len(runs):
        return None
    first = int(runs[-1])
    value, count = float(level.value[-1]), len(level) - first
    begun_us = int(level.time_us[first])
    hours = (int(level.time_us[-1]) - begun_us) / HOUR_US
    emptied = _readings_after_emptied(window, begun_us)
    least = row.emptied_readings_brim if _at_brim(level, first, row) else row.emptied_readings
    if emptied >= least and value >= row.emptied_level:
        return _found(window, begun_us, value, hours, count, emptied=True)
    if hours < row.hours_least or count < row.readings_least or _at_brim(level, first, row):
        return None
    longest, repeats = _longest(level, runs, row.full_from), _repeats(level, first, row)
    chance = row.chance_most if longest and value > row.empty_to else 0.0
    unlikely = hours >= row.unknown_h or repeats**count <= chance
    if not unlikely or count < row.longest_times * longest:
        return None
    rise = daily_rise(level, begun_us)
    if rise * hours / 24 < (row.rise_least if value > row.empty_to else row.empty_rise_least):  # an unknown rise is no excuse
        return None
    return _found(window, begun_us, value, hours, count, emptied=False)


def runs_of(level: Series, same: float) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """(m,) index of the first reading of each run of readings that stay within `same` of the one before."""
    if not len(level):
        return np.empty(0, np.intp)
    return np.append(0, np.flatnonzero(np.abs(np.diff(level.value)) > same) + 1).astype(np.intp)


def _at_brim(level: Series, first: int, row: StuckRow) -> bool:
    """Whether it rests where this sensor sees no higher: above the last run nothing was ever read."""
    value = float(level.value[-1])
    return value >= row.full_from and value >= float(level.value[:first].max(initial=0.0)) - row.same


def _longest(level: Series, runs: np.ndarray[tuple[int], np.dtype[np.intp]], full_from: float) -> int:
    """Readings of the longest run before the last one, but for those at the brim; 0 when less than three days are known."""
    if len(runs) < 2 or level.time_us[runs[-1]] - level.time_us[0] < 3 * DAY_US:
        return 0
    below = level.value[runs[:-1]] < full_from
    return max(1, int(np.diff(runs)[below].max(initial=1)))


def _repeats(level: Series, first: int, row: StuckRow) -> float:
    """Share of the readings before the run that were the same as the one before, between empty and full."""
    value = level.value[:first]
    inside = (value[1:] > row.empty_to) & (value[1:] < row.full_from)
    same = np.abs(np.diff(value)) <= row.same
    return max(row.repeats_least, float(same[inside].mean())) if inside.any() else 1.0


def _readings_after_emptied(window: Window, begun_us: int) -> int:
    """Readings of the run that came after an emptying in it."""
    inside = [one for one in window.emptied_us if begun_us < one]
    return int((window.level.time_us > inside[0]).sum()) if inside else 0


def _found(window: Window, begun_us: int, value: float, hours: float, count: int, *, emptied: bool) -> Found:
    why = (
        Text(
            f"비운 뒤에도 적재율이 {value:.0%} 그대로입니다({hours:.0f}시간, {count}회 측정).",
            f"It was emptied, but the level stays at {value:.0%} ({hours:.0f} h, {count} readings).",
        )
        if emptied
        else Text(
            f"적재율이 {hours:.0f}시간 동안 {value:.0%}에서 변하지 않습니다({count}회 측정).",
            f"The level has stayed at {value:.0%} for {hours:.0f} h ({count} readings).",
        )
    )
    numbers = rounded([("level", value), ("hours", hours), ("readings", count)])
    return Found(bin=window.bin, fault="stuck", since=from_us(begun_us), evidence=why, numbers=numbers)
