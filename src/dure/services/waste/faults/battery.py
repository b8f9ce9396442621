"""A battery that runs empty: its charge, and where its fall from day to day leads. A solar cell that is dirty shows so too."""

from __future__ import annotations

import numpy as np

from dure.core.text import Text
from dure.core.time import from_us
from dure.services.waste.faults.fault_rules import BatteryRow
from dure.services.waste.faults.findings import DAY_US, HOUR_US, Found, Series, Window, rounded
from dure.services.waste.model import FloatArray


def low_battery(window: Window, row: BatteryRow) -> Found | None:
    """Low now, or falling so fast, by its own measure too, that it is empty within days.

    Each reading of the last 24 h is compared with that of the same hour one and two days before, so that the daily swing of a
    solar battery drops out; dull days that it has had before are no fault.
    """
    battery = window.battery
    if len(battery) < row.readings_least:
        return None
    charge = float(np.median(battery.value[-3:]))
    by_day = by_day_and_hour(battery, window.now_us)
    one, two = falls(by_day[:2], 1, row.hours_least), falls(by_day[:3], 2, row.hours_least)
    fall = float(np.nanmax([one[0] if len(one) else np.nan, two[0] / 2 if len(two) else np.nan, -1.0]))
    if charge < row.low:
        return _found(window, charge, fall, charge / fall if fall > row.fall_least else float("nan"))
    if fall < row.fall_least or charge / fall > row.empty_within_d:
        return None
    one, two = falls(by_day, 1, row.hours_least), falls(by_day, 2, row.hours_least)
    if _steeper(one, row.own_times, 1, row) or _steeper(two, row.own_times_two_days, 2, row):
        return _found(window, charge, fall, charge / fall)
    return None


def by_day_and_hour(battery: Series, now_us: int) -> FloatArray:
    """(days, 24) charge in the hours of the last 24 h, of those before, and so on back; NaN where nothing was heard."""
    hour = ((now_us - battery.time_us) // HOUR_US).astype(np.intp)
    table = np.full((int(hour[0]) // 24 + 1) * 24 if len(hour) else 0, np.nan)
    table[hour[::-1]] = battery.value[::-1]
    return table.reshape(-1, 24)


def falls(by_day: FloatArray, days: int, hours_least: int) -> FloatArray:
    """(m,) fall over so many days, now, a day ago, and so on back [1]: the middle over the hours heard on both days."""
    if len(by_day) <= days:
        return np.empty(0)
    fall = by_day[days:] - by_day[:-days]
    known = np.isfinite(fall).sum(axis=1) >= hours_least
    found = np.full(len(fall), np.nan)
    found[known] = np.nanmedian(fall[known], axis=1)
    return found


def _steeper(fall: FloatArray, times: float, days: int, row: BatteryRow) -> bool:
    """Whether the newest fall is steeper than every one before that shares no hour with it, and far outside their scatter."""
    earlier = fall[2 * days :][np.isfinite(fall[2 * days :])]
    if len(earlier) < row.history_d or not fall[0] > 0:
        return False
    scatter = float(np.sqrt(np.mean(earlier**2)))
    return bool(fall[0] >= max(times * float(earlier.max()), row.scatter_times * scatter))


def _found(window: Window, charge: float, fall: float, days: float) -> Found:
    last_us = int(window.battery.time_us[-1])
    when = from_us(window.now_us + round(days * DAY_US)).date() if np.isfinite(days) else None
    evidence = Text(
        f"배터리 {charge:.0%}" + (f", 하루 {fall:.0%}씩 줄어 {when}쯤 방전됩니다." if when else "로 부족합니다."),
        f"The battery is at {charge:.0%}" + (f" and falls by {fall:.0%} a day: empty about {when}." if when else "."),
    )
    numbers = rounded([("charge", charge), ("fall_per_day", fall), ("empty_in_d", days)])
    return Found(bin=window.bin, fault="low_battery", since=from_us(last_us), evidence=evidence, numbers=numbers)
