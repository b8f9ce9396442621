"""Register reads to whole Wh by interval. Pure.

1. Reads are put in time whatever their order of arrival; of several at one instant the last that came counts.
2. Known exchanges join the old register to the new one.
3. A step back, or one greater than the connection can pass, is looked at: a rollover of a register of known size, a drop or
   spike that later reads take back (set aside), a reset (the register began again at 0: what it shows passed since), or a new
   level that nothing explains (nothing is booked for that step). A *net* register also counts back: its steps back are energy
   given back.
4. The running total is cut at the bounds of the intervals, between reads in proportion to time, rounded down once for each bound.
   So the intervals sum to the difference of the registers exactly, and no interval is negative.

An interval is *known* where reads enclose it, and *estimated* where a bound of it was cut out of a step too long to be called
measured, or where a step of it had to be explained.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

STEP_US = 900_000_000  # a quarter of an hour
US_PER_H = 3_600_000_000
LOOK_AHEAD = 3  # reads after a drop or spike in which a register may come back


class Why(StrEnum):
    """Why a read was set aside or a step is what it is."""

    DUPLICATE = "register.duplicate"  # a read of the same instant came later
    DROP = "register.drop"  # lower for a moment, then back
    SPIKE = "register.spike"  # higher than can have passed for a moment, then back
    ROLLOVER = "register.rollover"
    RESET = "register.reset"  # began again at 0
    NEW_LEVEL = "register.new_level"  # another meter, or nonsense: nothing is booked for that step
    EXCHANGE = "register.exchange"  # as somebody noted it


class Reads(msgspec.Struct, frozen=True, eq=False):
    """Reads of one register as they came, any order: instants (n,) [us since 1970 UTC], registers (n,) [Wh]."""

    time_us: Ints
    wh: Ints

    def __len__(self) -> int:
        return len(self.time_us)


class Counting(msgspec.Struct, frozen=True, kw_only=True):
    """How a register counts.

    Attributes
    ----------
    rate_max_w : the most that can pass it [W]
    size : it shows 0 .. size - 1 and then 0 again [Wh]; 0 when not known
    net : it counts back when energy flows back
    long_us : from a longer step an interval is cut out by estimate [us]
    """

    rate_max_w: float
    size: int = 0
    net: bool = False
    long_us: int = 20 * 60 * 1_000_000

    def bound(self, duration_us: int) -> int:
        """The most two reads this far apart can differ by [Wh]; a quarter more for clocks, and one step shown late."""
        return int(1.25 * self.rate_max_w * duration_us / US_PER_H) + 1_000


class Exchange(msgspec.Struct, frozen=True):
    """A meter was taken off and another put on: the last value of the old one, the first of the new one [Wh]."""

    at_us: int
    last: int
    first: int


class Note(msgspec.Struct, frozen=True):
    """A read or step that needed a word: when, why, and the Wh that the registers said."""

    at_us: int
    why: Why
    wh: int


class Grid(msgspec.Struct, frozen=True):
    """`n` intervals of `step_us` that follow each other from `start_us` on [us]."""

    start_us: int
    n: int
    step_us: int = STEP_US

    @property
    def end_us(self) -> int:
        """Where the last one ends."""
        return self.start_us + self.n * self.step_us

    def bounds(self) -> Ints:
        """(n + 1,) where intervals begin and end [us]."""
        return self.start_us + np.arange(self.n + 1, dtype=np.int64) * self.step_us


class Steps(msgspec.Struct, frozen=True, eq=False):
    """What passed between believed reads, in time.

    Attributes
    ----------
    time_us : (n,) instants of the reads
    wh : (n - 1,) what passed from each to the next, 0 or more
    back : (n - 1,) what a net register counted back
    sure : (n - 1,) the step is the plain difference of its reads
    """

    time_us: Ints
    wh: Ints
    back: Ints
    sure: Bools
    notes: tuple[Note, ...] = ()

    @property
    def total(self) -> int:
        """All that passed [Wh]."""
        return int(self.wh.sum())


class Passed(msgspec.Struct, frozen=True, eq=False):
    """What passed a register in each of n intervals: (n,) `wh` and `back` [Wh], whether known, whether an estimate.

    `doubted` (n,): a step of the interval had to be explained by more than a reading error.
    """

    wh: Ints
    back: Ints
    known: Bools
    estimated: Bools
    doubted: Bools
    notes: tuple[Note, ...] = ()


def passed(reads: Reads, counting: Counting, grid: Grid, exchanges: Sequence[Exchange] = ()) -> Passed:
    """What passed a register in each interval of a grid."""
    return spread(steps_of(reads, counting, exchanges), grid, counting.long_us)


def steps_of(reads: Reads, counting: Counting, exchanges: Sequence[Exchange] = ()) -> Steps:
    """Reads in time, those that are not believed left out, and what passed between them."""
    time_us, wh, notes = _in_time(*_joined(reads, exchanges))
    notes += [Note(one.at_us, Why.EXCHANGE, one.last - one.first) for one in exchanges]
    if len(time_us) < 2:
        none = np.zeros(0, np.int64)
        return Steps(time_us, none, none, np.zeros(0, bool), tuple(notes))
    step = np.diff(wh)
    room = (1.25 * counting.rate_max_w * np.diff(time_us) / US_PER_H).astype(np.int64) + 1_000
    odd = np.flatnonzero((np.abs(step) if counting.net else np.where(step < 0, room + 1, step)) > room)
    if len(odd) == 0:
        return Steps(time_us, np.maximum(step, 0), np.maximum(-step, 0), np.ones(len(step), bool), tuple(notes))
    return _explained(_Odd(time_us, wh, counting), odd, notes)


def _joined(reads: Reads, exchanges: Sequence[Exchange]) -> tuple[Ints, Ints]:
    """One register that goes on over all exchanges."""
    time_us, wh = reads.time_us, reads.wh
    for one in sorted(exchanges, key=lambda each: each.at_us, reverse=True):
        after = time_us >= one.at_us
        wh = np.where(after, wh + (one.last - one.first), wh)
        time_us, wh = np.append(time_us, one.at_us), np.append(wh, one.last)
    return time_us, wh


def _in_time(time_us: Ints, wh: Ints) -> tuple[Ints, Ints, list[Note]]:
    """In time, each instant once: the last that came."""
    order = np.argsort(time_us, kind="stable")
    time_us, wh = time_us[order], wh[order]
    last = np.append(np.diff(time_us) != 0, True) if len(time_us) else np.zeros(0, bool)
    again = np.flatnonzero(~last)
    differ = again[wh[again] != wh[again + 1]]
    notes = [Note(int(time_us[row]), Why.DUPLICATE, int(wh[row])) for row in differ]
    return time_us[last], wh[last], notes


class _Odd:
    """Reads among which some steps cannot be plain differences."""

    def __init__(self, time_us: Ints, wh: Ints, counting: Counting) -> None:
        self.time_us, self.wh, self.counting = time_us, wh, counting
        self.kept = np.ones(len(wh), bool)

    def fits(self, before: int, after: int) -> bool:
        """Whether one register can have shown both."""
        step = int(self.wh[after]) - int(self.wh[before])
        least = -self.room(before, after) if self.counting.net else 0
        return least <= step <= self.room(before, after)

    def room(self, before: int, after: int) -> int:
        """The most that can have passed between two reads [Wh]."""
        return self.counting.bound(int(self.time_us[after] - self.time_us[before]))

    def returns(self, row: int) -> int | None:
        """The next read that goes on from `row` as if nothing had been between."""
        ahead = range(row + 2, min(row + 2 + LOOK_AHEAD, len(self.wh)))
        return next((one for one in ahead if self.fits(row, one)), None)

    def step(self, row: int) -> tuple[int, Why]:
        """What passed from a read to the next one, whose difference says nothing."""
        before, after = int(self.wh[row]), int(self.wh[row + 1])
        room, size = self.room(row, row + 1), self.counting.size
        if size and after < before and after + size - before <= room:
            return after + size - before, Why.ROLLOVER
        if 0 <= after < before and after <= room and not self.counting.net:
            return after, Why.RESET
        return 0, Why.NEW_LEVEL


def _explained(reads: _Odd, odd: Ints, notes: list[Note]) -> Steps:
    """Steps of reads, where those at `odd` have to be explained."""
    told: dict[int, tuple[int, Why]] = {}
    for row in odd.tolist():
        if not reads.kept[row]:
            continue
        back = None if reads.counting.size and reads.step(row)[1] is Why.ROLLOVER else reads.returns(row)
        if back is None:
            told[row + 1] = reads.step(row)
            continue
        why = Why.DROP if reads.wh[row + 1] < reads.wh[row] else Why.SPIKE
        notes += [Note(int(reads.time_us[one]), why, int(reads.wh[one])) for one in range(row + 1, back)]
        reads.kept[row + 1 : back] = False
        told[back] = (int(reads.wh[back] - reads.wh[row]), why)
    rows = np.flatnonzero(reads.kept)
    step = np.diff(reads.wh[rows])
    sure = np.ones(len(step), bool)
    for place, row in enumerate(rows[1:].tolist()):
        if row in told:
            step[place], why = told[row]
            sure[place] = why in {Why.DROP, Why.SPIKE, Why.ROLLOVER}
            if why not in {Why.DROP, Why.SPIKE}:
                notes.append(Note(int(reads.time_us[row]), why, int(step[place])))
    return Steps(reads.time_us[rows], np.maximum(step, 0), np.maximum(-step, 0), sure, tuple(sorted(notes, key=_at)))


def _at(note: Note) -> tuple[int, str]:
    return note.at_us, note.why


def spread(steps: Steps, grid: Grid, long_us: int) -> Passed:
    """Steps by interval; see the rules above."""
    none = np.zeros(grid.n, np.int64)
    if len(steps.time_us) < 2:
        nowhere = np.zeros(grid.n, bool)
        return Passed(none, none, nowhere, nowhere, nowhere, steps.notes)
    bounds = grid.bounds()
    place = np.clip(np.searchsorted(steps.time_us, bounds, side="right") - 1, 0, len(steps.wh) - 1)
    known = (bounds[:-1] >= steps.time_us[0]) & (bounds[1:] <= steps.time_us[-1])
    notes = tuple(note for note in steps.notes if grid.start_us <= note.at_us < grid.end_us + long_us)
    return Passed(
        np.diff(_running(steps.wh, steps.time_us, bounds, place)),
        np.diff(_running(steps.back, steps.time_us, bounds, place)),
        known,
        _cut(steps, bounds, place, long_us) | (doubted := _doubted(steps, bounds)),
        doubted,
        notes,
    )


def _running(wh: Ints, time_us: Ints, bounds: Ints, place: Ints) -> Ints:
    """The running total at each bound, rounded down; before the first read 0, after the last all of it."""
    before = np.concatenate([[0], np.cumsum(wh)])
    left, right = time_us[place], time_us[place + 1]
    share = np.clip((bounds - left) / (right - left), 0.0, 1.0)
    return np.asarray(before[place] + np.floor(share * wh[place]).astype(np.int64), np.int64)


def _cut(steps: Steps, bounds: Ints, place: Ints, long_us: int) -> Bools:
    """Intervals with a bound inside a long step in which something passed."""
    moved = (steps.wh > 0) | (steps.back > 0)
    inside = (bounds > steps.time_us[place]) & (bounds < steps.time_us[place + 1])
    cut = inside & moved[place] & (np.diff(steps.time_us)[place] > long_us)
    return cut[:-1] | cut[1:]


def _doubted(steps: Steps, bounds: Ints) -> Bools:
    """Intervals with a step that had to be explained."""
    found = np.zeros(len(bounds) - 1, bool)
    for row in np.flatnonzero(~steps.sure).tolist():
        first = int(np.searchsorted(bounds, steps.time_us[row], side="right")) - 1
        last = int(np.searchsorted(bounds, steps.time_us[row + 1], side="left"))
        found[max(first, 0) : max(last, 0)] = True
    return found
