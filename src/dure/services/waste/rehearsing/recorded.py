"""A city of bins from its own history: what its sensors told on past days, replayed under any policy.

Readings are turned into waste by day (`accounting.fills`): each fall of the level is an emptying, each rise is waste. Where
nobody looked a bin fills at its usual rate. What stood beside a full bin is not in the readings, so overflow is told too low
for bins that were often full.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dure.core.errors import InputError
from dure.core.time import to_us
from dure.services.waste.accounting.fills import Look, fills_of
from dure.services.waste.rehearsing.world import World

if TYPE_CHECKING:
    from dure.services.waste.model import FloatArray

BIN_NAMES = ("bin", "serial", "asset", "id")
TIME_NAMES = ("time", "timestamp", "date", "phenomenon_time")
LEVEL_NAMES = ("fill_fraction", "level", "fullness", "value")
LON_NAMES, LAT_NAMES = ("lon", "longitude"), ("lat", "latitude")
DROP_MIN = 0.15
DAYS_MIN = 28
RATE_MIN = 1e-3


class Reading(NamedTuple):
    """One level of a bin [1]."""

    bin: str
    at: datetime
    level: float


class Placed(NamedTuple):
    """Where a bin stands and what it holds."""

    lon: float
    lat: float
    capacity_l: float


def readings_of(lines: Iterable[str], full: float) -> tuple[list[Reading], int]:
    """Readings of a CSV with a header, and how many rows could not be used.

    Parameters
    ----------
    lines : of the file
    full : what a full bin reads: 1, 10 or 100

    Raises
    ------
    InputError : ``rehearse.history`` when a column is missing or no row can be used
    """
    rows = csv.DictReader(lines)
    names = [_column(rows.fieldnames, known, "history") for known in (BIN_NAMES, TIME_NAMES, LEVEL_NAMES)]
    found, refused = [], 0
    for row in rows:
        try:
            at = datetime.fromisoformat(row[names[1]])
            level = float(row[names[2]]) / full
        except (TypeError, ValueError):
            refused += 1
            continue
        if not np.isfinite(level) or not -0.05 <= level <= 1.5:
            refused += 1
            continue
        found.append(Reading(row[names[0]], at if at.tzinfo else at.replace(tzinfo=UTC), level))
    if not found:
        raise InputError("rehearse.history", f"The history has no row that can be used; {refused} were left out.")
    return found, refused


def places_of(lines: Iterable[str], capacity_l: float) -> dict[str, Placed]:
    """Bins of a CSV with their places; ``rehearse.bins`` when a column is missing or no row can be used."""
    rows = csv.DictReader(lines)
    names = [_column(rows.fieldnames, known, "bins") for known in (BIN_NAMES, LON_NAMES, LAT_NAMES)]
    found = {}
    for row in rows:
        try:
            own = float(row.get("capacity_l") or capacity_l)
            found[row[names[0]]] = Placed(float(row[names[1]]), float(row[names[2]]), own)
        except (TypeError, ValueError):
            continue
    if not found:
        raise InputError("rehearse.bins", "The list of bins has no row with a place.")
    return found


def recorded_world(
    readings: Sequence[Reading], places: Mapping[str, Placed], depot: tuple[float, float] | None, warm_up_d: int
) -> World:
    """The city of these bins on the days of these readings. Two readings of a bin at one instant: the fuller one counts.

    Raises
    ------
    InputError : ``rehearse.history`` when fewer than 28 days are told of, ``rehearse.bins`` when no bin has a place
    """
    bins = sorted({one.bin for one in readings} & places.keys())
    if not bins:
        raise InputError("rehearse.bins", "No bin of the history has a place.")
    days = _days(readings)
    looks: dict[str, dict[int, float]] = defaultdict(dict)
    for one in readings:
        at_us = to_us(one.at)
        looks[one.bin][at_us] = max(one.level, looks[one.bin].get(at_us, 0.0))
    plain = {name: [Look(at_us, level) for at_us, level in seen.items()] for name, seen in looks.items()}
    begins = np.array([to_us(datetime(day.year, day.month, day.day, tzinfo=UTC)) for day in (*days, days[-1] + timedelta(1))])
    fills = fills_of(plain, bins, begins, DROP_MIN)
    lon_lat = np.array([(places[one].lon, places[one].lat) for one in bins], np.float64)
    sensing = np.array(
        [[any(begins[day] <= at < begins[day + 1] for at in looks[one]) for one in bins] for day in range(len(days))]
    )
    return World(
        ids=tuple(bins),
        lon_lat=lon_lat,
        depot=np.array(depot, np.float64) if depot else _beside(lon_lat),
        capacity_l=np.array([places[one].capacity_l for one in bins]),
        rate=np.maximum(fills.rise.mean(0), RATE_MIN),
        rise=fills.rise,
        noise=np.zeros(fills.rise.shape),
        sensing=sensing,
        weekday=tuple(day.weekday() for day in days),
        warm_up_d=warm_up_d,
    )


def _days(readings: Sequence[Reading]) -> list[date]:
    first, last = min(one.at for one in readings).date(), max(one.at for one in readings).date()
    n = (last - first).days + 1
    if n < DAYS_MIN:
        raise InputError("rehearse.history", f"The history covers {n} days; at least {DAYS_MIN} are needed.")
    return [first + timedelta(days=one) for one in range(n)]


def _beside(lon_lat: FloatArray) -> FloatArray:
    """Where trucks start when nobody said: the middle of the bins."""
    return np.asarray(lon_lat.mean(0))


def _column(names: Sequence[str] | None, known: Sequence[str], what: str) -> str:
    plain = {one.strip().lower(): one for one in names or ()}
    found = next((plain[one] for one in known if one in plain), None)
    if found is None:
        code = "rehearse.history" if what == "history" else "rehearse.bins"
        raise InputError(code, f"The {what} need a column called {' or '.join(known)}.")
    return found
