"""Deltas to entries of the interval books. Pure.

What is read once an hour or oftener is booked by hours: deltas are cut at whole UTC hours at one rounded running total, so the
hours sum to the deltas exactly. An hour that holds a piece of something longer, or is known in part only, is an estimate. What is
read more seldom than every `Booking.coarse_us` is never spread over hours: it stays a span of days, like a bill (`days_of`).

An interval that stands on the books with another amount gets a further entry with the difference, so after any sequence of
bookings the entries sum to the newest deltas.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.core.time import to_us
from dure.services.buildings.intervals.interval_books import ENTRIES_MAX, GRID_US, QUALITIES, Intervals
from dure.services.buildings.reads.model import QUALITY_RANK, Delta, Quality

DISPUTED = QUALITIES.index(Quality.DISPUTED)
ESTIMATED = QUALITIES.index(Quality.ESTIMATED)
_PLACE = {quality: place for place, quality in enumerate(QUALITIES)}
_RANK = np.array([QUALITY_RANK[one] for one in QUALITIES])


class Booking(NamedTuple):
    """Rows of ``rules/reads.toml``, ``[[booking]]``.

    A piece of a delta of up to `measured_us` stays measured; from `coarse_us` on a meter is booked by days.
    """

    measured_us: int
    coarse_us: int


class Hours(msgspec.Struct, frozen=True, eq=False):
    """Amounts by UTC hour (n,): start [us], amount [book unit], place in `QUALITIES`."""

    start_us: NDArray[np.int64]
    amount: NDArray[np.int64]
    quality: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.start_us)

    def of(self, rows: NDArray[np.bool_]) -> Hours:
        """Some of them."""
        return Hours(self.start_us[rows], self.amount[rows], self.quality[rows])


class DaySpan(msgspec.Struct, frozen=True):
    """What passed from a local day to the day before another [book unit]."""

    start: date
    end: date
    amount: int
    quality: Quality


class Entries(msgspec.Struct, frozen=True, eq=False):
    """What is to be written: entries (n,) and flags of entries (m,), new or old; `full` are starts that take no more entries."""

    time_us: NDArray[np.int64]
    value: NDArray[np.int64]
    flagged_us: NDArray[np.int64]
    quality: NDArray[np.uint8]
    full: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.time_us) + len(self.flagged_us)


def is_coarse(deltas: Sequence[Delta], booking: Booking) -> bool:
    """Whether a meter is read so seldom that its deltas are days and not hours: by the median of their lengths."""
    return bool(deltas) and median(to_us(one.end) - to_us(one.start) for one in deltas) >= booking.coarse_us


def hours_of(deltas: Sequence[Delta], booking: Booking, *, open_from_us: int | None = None) -> Hours:
    """Deltas without overlap, by hours.

    Parameters
    ----------
    open_from_us : hours that end after this instant are left out, for what passes in them is not known to its end yet [us]
    """
    found: dict[int, list[int]] = {}  # start -> amount, place of the quality, us that are known
    for delta in deltas:
        a, b = to_us(delta.start), to_us(delta.end)
        place = _PLACE.get(delta.quality, ESTIMATED)
        lines = [a, *range((a // GRID_US + 1) * GRID_US, b, GRID_US), b]
        if len(lines) > 2 and b - a > booking.measured_us and QUALITY_RANK[delta.quality] == 0:
            place = ESTIMATED
        for left, right in pairwise(lines):
            part = delta.amount * (right - a) // (b - a) - delta.amount * (left - a) // (b - a)
            hour = found.setdefault(left // GRID_US * GRID_US, [0, 0, 0])
            hour[0] += part
            hour[1] = max(hour[1], place, key=_RANK.__getitem__)
            hour[2] += right - left
    starts = sorted(start for start in found if open_from_us is None or start + GRID_US <= open_from_us)
    quality = [
        found[one][1] if found[one][2] == GRID_US else max(found[one][1], ESTIMATED, key=_RANK.__getitem__) for one in starts
    ]
    return Hours(np.array(starts, np.int64), np.array([found[one][0] for one in starts], np.int64), np.array(quality, np.uint8))


def days_of(deltas: Sequence[Delta], zone: ZoneInfo) -> list[DaySpan]:
    """Deltas of a meter that is read daily or more seldom, by the local days they begin and end on.

    Those that end on the day they began on are joined to the next; the last of them waits until a day is over.
    """
    found: list[DaySpan] = []
    until = begun = None
    amount, quality = 0, Quality.MEASURED
    for delta in deltas:
        if begun is None or delta.start != until:
            begun, amount, quality = delta.start.astimezone(zone).date(), 0, Quality.MEASURED
        until = delta.end
        amount += delta.amount
        quality = max(quality, delta.quality, key=QUALITY_RANK.__getitem__)
        end = delta.end.astimezone(zone).date()
        if end > begun:
            found.append(DaySpan(begun, end, amount, quality))
            begun, amount, quality = end, 0, Quality.MEASURED
    return found


def entries_of(hours: Hours, held: Intervals, *, yields: bool = False) -> Entries:
    """What to write so that the books say what the hours say.

    Parameters
    ----------
    hours : in time, each hour once
    held : what stands on the books there, at least every hour of `hours`
    yields : an hour that is measured on the books is not replaced by one of less quality
    """
    place = np.searchsorted(held.start_us, hours.start_us)
    known = np.zeros(len(hours), bool)
    inside = place < len(held)
    known[inside] = held.start_us[place[inside]] == hours.start_us[inside]
    before, count = np.zeros(len(hours), np.int64), np.zeros(len(hours), np.int64)
    stood = np.zeros(len(hours), np.uint8)
    before[known], count[known] = held.amount[place[known]], held.entries[place[known]]
    stood[known] = held.quality[place[known]]
    wanted = np.ones(len(hours), bool)
    if yields:
        wanted = ~(known & (stood == 0) & (hours.quality != 0))
    changed = wanted & (~known | (hours.amount != before))
    full = changed & (count >= ENTRIES_MAX)
    changed &= ~full
    rated = wanted & ~full & np.where(changed, hours.quality != 0, hours.quality != stood)
    flagged_us = hours.start_us + np.where(changed, count, count - 1)
    return Entries(
        (hours.start_us + count)[changed], (hours.amount - before)[changed], flagged_us[rated], hours.quality[rated],
        hours.start_us[full],
    )  # fmt: skip


def withdrawn(hours: Hours, held: Intervals, span_us: tuple[int, int]) -> Hours:
    """Hours on the books in ``[span_us)`` that are no longer among `hours`: nothing is known of them now, they are disputed."""
    gone = (held.start_us >= span_us[0]) & (held.start_us < span_us[1]) & ~np.isin(held.start_us, hours.start_us)
    gone &= (held.amount != 0) | (held.quality != DISPUTED)
    starts = held.start_us[gone]
    return Hours(starts, np.zeros(len(starts), np.int64), np.full(len(starts), DISPUTED, np.uint8))


def joined(one: Hours, other: Hours) -> Hours:
    """Hours of two that have none in common, in time."""
    start = np.concatenate([one.start_us, other.start_us])
    order = np.argsort(start, kind="stable")
    return Hours(
        start[order],
        np.concatenate([one.amount, other.amount])[order],
        np.concatenate([one.quality, other.quality])[order],
    )
