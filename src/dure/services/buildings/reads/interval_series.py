"""Interval data as they come (AMI files, Green Button) to a clean series: repeated, overlapping, missing, shifted.

Nothing is corrected silently: what is left out is named, what is missing is a gap, and a stretch that looks shifted against its
neighbours, as by a change of clocks, is reported with its size for a person to decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec

from dure.core.time import Interval, to_us
from dure.services.buildings.reads.model import Delta, Gap, Quality, Register, Revision, SetAside, Why

SHIFTS_S = (1_800, 3_600, 7_200)  # what clocks have been moved by anywhere (Lord Howe 30 min, double summer time 2 h)


class Shift(msgspec.Struct, frozen=True):
    """A stretch that fits its neighbours if moved: a hole before it and an overlap after it, or the reverse, of one length.

    `first` and `last` are its places in the input, `shift_s` is what to add to its times [s].
    """

    first: int
    last: int
    start: datetime
    end: datetime
    shift_s: int


class Series(msgspec.Struct, frozen=True):
    """A clean series and all that kept it from being one."""

    deltas: tuple[Delta, ...]
    gaps: tuple[Gap, ...]
    set_aside: tuple[SetAside, ...]
    revisions: tuple[Revision, ...]
    shifts: tuple[Shift, ...]


class _Row(msgspec.Struct, frozen=True):
    start_us: int
    end_us: int
    index: int
    delta: Delta


def series_of(rows: Sequence[Delta], register: Register, span: Interval | None = None) -> Series:
    """A series without overlap from intervals in any order.

    An interval sent again with another amount is a correction and wins; the change is logged. Where a coarse interval and finer
    ones lie over each other the finer ones stay if they cover it wholly; else the one that begins first stays.

    Parameters
    ----------
    rows : (n,) as they came; `SetAside.index` counts into them
    register : what the connection can pass
    span : the time the series should cover; without it, from its first to its last interval
    """
    aside: list[SetAside] = []
    revisions: list[Revision] = []
    usable = [row for index, delta in enumerate(rows) if (row := _usable(index, delta, register, aside)) is not None]
    shifts = _shifts(usable)
    once = _once(usable, aside, revisions)
    kept = _apart(once, aside)
    return Series(
        tuple(row.delta for row in kept),
        tuple(_gaps(kept, span)),
        tuple(sorted(aside, key=lambda one: one.index)),
        tuple(revisions),
        shifts,
    )


def _usable(index: int, delta: Delta, register: Register, aside: list[SetAside]) -> _Row | None:
    start, end = to_us(delta.start), to_us(delta.end)
    why = None
    if end <= start:
        why = Why.EMPTY
    elif delta.amount < 0:
        why = Why.NEGATIVE
    elif delta.amount > register.bound(end - start):
        why = Why.IMPOSSIBLE
    if why is None:
        return _Row(start, end, index, delta)
    aside.append(SetAside(index, delta.start, delta.amount, why))
    return None


def _once(rows: list[_Row], aside: list[SetAside], revisions: list[Revision]) -> list[_Row]:
    """Each interval once, the later sent wins; in time."""
    held: dict[tuple[int, int], _Row] = {}
    for row in rows:
        before = held.get((row.start_us, row.end_us))
        if before is None:
            held[row.start_us, row.end_us] = row
            continue
        same = before.delta.amount == row.delta.amount
        weaker = row.delta.quality is not Quality.MEASURED and before.delta.quality is Quality.MEASURED
        kept, other = (before, row) if same or weaker else (row, before)
        held[row.start_us, row.end_us] = kept
        aside.append(
            SetAside(other.index, other.delta.start, other.delta.amount, Why.DUPLICATE if same or weaker else Why.CORRECTED)
        )
        if kept is row:
            first, last = before.delta.amount, row.delta.amount
            revisions.append(Revision(row.delta.start, row.delta.end, first, last, Why.CORRECTED, row.delta.end))
    return sorted(held.values(), key=lambda row: (row.start_us, -row.end_us))


def _apart(rows: list[_Row], aside: list[SetAside]) -> list[_Row]:
    """Rows without overlap."""
    kept: list[_Row] = []
    place = 0
    until = -(1 << 62)
    while place < len(rows):
        row = rows[place]
        place += 1
        if row.start_us < until:
            aside.append(SetAside(row.index, row.delta.start, row.delta.amount, Why.OVERLAP))
            continue
        if _covered(row, rows, place):
            aside.append(SetAside(row.index, row.delta.start, row.delta.amount, Why.COVERED))
            continue
        kept.append(row)
        until = row.end_us
    return kept


def _covered(row: _Row, rows: list[_Row], place: int) -> bool:
    """Whether the rows that follow tile the time of this one exactly."""
    at = row.start_us
    while place < len(rows) and rows[place].start_us <= at < row.end_us:
        if rows[place].start_us == at and rows[place].end_us <= row.end_us:
            at = rows[place].end_us
        place += 1
    return at == row.end_us


def _gaps(kept: list[_Row], span: Interval | None) -> list[Gap]:
    found: list[Gap] = []
    if span is None:
        at = kept[0].delta.start if kept else None
        end = None
    else:
        at, end = span.start, span.end
    for row in kept:
        if at is not None and row.delta.start > at:
            found.append(Gap(at, row.delta.start if end is None else min(row.delta.start, end), Why.MISSING))
        at = row.delta.end if at is None else max(at, row.delta.end)
    if at is not None and end is not None and at < end:
        found.append(Gap(at, end, Why.MISSING))
    return [gap for gap in found if gap.start < gap.end]


def _shifts(rows: list[_Row]) -> tuple[Shift, ...]:
    """Stretches of the input between a hole and an overlap, or the reverse, of one length that clocks are moved by."""
    found: list[Shift] = []
    opened: tuple[int, _Row] | None = None
    for before, after in pairwise(rows):
        jump_s = (after.start_us - before.end_us) // 1_000_000
        if abs(jump_s) not in SHIFTS_S:
            continue
        if opened is not None and opened[0] == -jump_s:
            first = opened[1]
            found.append(Shift(first.index, before.index, first.delta.start, before.delta.end, jump_s))
            opened = None
        else:
            opened = (jump_s, after)
    return tuple(found)


def shifted(rows: Sequence[Delta], shift: Shift) -> list[Delta]:
    """The rows with those of a stretch moved, once a person has agreed; a moved row is substituted, not measured."""
    by = timedelta(seconds=shift.shift_s)
    return [
        Delta(row.start + by, row.end + by, row.amount, Quality.SUBSTITUTED, row.why)
        if shift.first <= index <= shift.last
        else row
        for index, row in enumerate(rows)
    ]
