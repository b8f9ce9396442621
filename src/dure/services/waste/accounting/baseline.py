"""The baseline: the calendar by which each bin was emptied before, declared or read from the log, and frozen before the start.

Replayed on the days of the pilot it says what would have been driven on the same waste. A bin is due on fixed weekdays, or
every so many days counted from an anchor.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Literal

import msgspec
import numpy as np

from dure.core.errors import InputError
from dure.services.waste.model import BoolArray

Origin = Literal["declared", "log"]
INTERVAL_D_MAX = 90
WEEK_D = 7


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """When one bin is emptied: on `weekdays` (0 Monday), else every `interval_d` days counted from `anchor_on`.

    An interval need not be whole: 1.5 is two days of three.
    """

    bin: str
    weekdays: tuple[int, ...] = ()
    interval_d: float = 1.0
    anchor_on: date = date(2026, 1, 1)

    def on(self, day: date) -> bool:
        """Whether it is due on a day."""
        if self.weekdays:
            return day.weekday() in self.weekdays
        since_d = (day - self.anchor_on).days
        return math.floor(since_d / self.interval_d) != math.floor((since_d - 1) / self.interval_d)


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """What would be driven without Dure; never changed once it is frozen.

    Attributes
    ----------
    starts_on : first day of the pilot, from which accounts are kept
    origin : ``declared`` by the city, or reconstructed from the ``log`` of emptyings
    due : calendar of each bin
    log_from, log_to : first day, and day after the last, of the log it was read from
    before : what was driven on days before the start, day -> metres by the vehicles' tracker, and what the calendar gives there
    note : in the words of whoever froze it
    """

    id: str
    starts_on: date
    origin: Origin
    due: tuple[Due, ...]
    log_from: date | None = None
    log_to: date | None = None
    before: dict[str, tuple[float, float]] = {}  # msgspec copies an empty default for every instance
    note: str = ""

    def visits(self, days: Sequence[date]) -> BoolArray:
        """(t, n) whether each bin is due, in the order of `due`."""
        return np.array([[one.on(day) for one in self.due] for day in days], bool).reshape(len(days), len(self.due))

    @property
    def bins(self) -> tuple[str, ...]:
        """Bins it speaks of, in order."""
        return tuple(one.bin for one in self.due)


def digest(baseline: Baseline) -> str:
    """SHA-256 of its content: the same words give the same digest, for ever."""
    return hashlib.sha256(msgspec.json.encode(baseline, order="sorted")).hexdigest()


def checked(baseline: Baseline, known: frozenset[str]) -> Baseline:
    """The baseline, if it can be replayed.

    Raises
    ------
    InputError
        ``baseline.empty`` without bins, ``baseline.bin`` for a bin that is not registered or stands twice,
        ``baseline.calendar`` for an impossible interval or weekday
    """
    if not baseline.due:
        raise InputError("baseline.empty", "A baseline needs at least one bin with its calendar.")
    for bin_id, times in Counter(baseline.bins).items():
        if bin_id not in known or times > 1:
            why = "stands twice" if times > 1 else "is not registered"
            raise InputError("baseline.bin", f"The bin {bin_id[:80]!r} {why}.")
    for one in baseline.due:
        if not 1 <= one.interval_d <= INTERVAL_D_MAX or any(not 0 <= day < WEEK_D for day in one.weekdays):
            raise InputError(
                "baseline.calendar",
                f"{one.bin}: an interval is 1 to {INTERVAL_D_MAX} days and a weekday 0 (Monday) to 6.",
            )
    return baseline


def due_from_log(emptied: Mapping[str, Sequence[date]], span: tuple[date, date], weekday_share: float) -> tuple[Due, ...]:
    """The calendar of each bin that was emptied in a log.

    Parameters
    ----------
    emptied : days each bin was emptied, in any order
    span : first day of the log, and the day after its last
    weekday_share : a bin has fixed weekdays when this share of its visits fall on days visited in most
        weeks, and it was visited on that share of those days [1]; a whole interval needs the same

    Raises
    ------
    InputError : ``baseline.log_short`` when nothing was emptied in the span
    """
    found = []
    for bin_id in sorted(emptied):
        days = sorted({day for day in emptied[bin_id] if span[0] <= day < span[1]})
        if days:
            found.append(_due(bin_id, days, span, weekday_share))
    if not found:
        raise InputError("baseline.log_short", f"No bin was emptied from {span[0]} to {span[1]}: declare the calendar instead.")
    return tuple(found)


def _due(bin_id: str, days: list[date], span: tuple[date, date], share: float) -> Due:
    length_d = (span[1] - span[0]).days
    weeks = max(1, length_d // WEEK_D)
    often = Counter(day.weekday() for day in days)
    fixed = tuple(sorted(day for day, times in often.items() if times * 2 > weeks))
    told = sum(often[day] for day in fixed)
    if fixed and weeks > 1 and told >= share * len(days) and len(days) >= share * len(fixed) * weeks:
        return Due(bin=bin_id, weekdays=fixed)
    interval_d = min(float(INTERVAL_D_MAX), max(1.0, length_d / len(days)))
    whole_d = max(1, round(interval_d))
    anchors = [span[0] + timedelta(days=one) for one in range(whole_d)]
    anchor = max(anchors, key=lambda one: (_hits(days, one, whole_d), -one.toordinal()))
    regular = _hits(days, anchor, whole_d) >= share * len(days) and abs(length_d / whole_d - len(days)) <= 1
    if regular:
        return Due(bin=bin_id, interval_d=whole_d, anchor_on=anchor)
    return Due(bin=bin_id, interval_d=round(interval_d, 3), anchor_on=days[0])


def _hits(days: list[date], anchor: date, interval_d: int) -> int:
    return sum((day - anchor).days % interval_d == 0 for day in days)
