"""Which reads of one physical meter belong together: a stack of levels.

A *level* is a run of reads that one register can have shown, each step at least 0 and at most what the connection can pass.
A read that does not fit the newest level opens another. What follows says what it was: a register that comes back to an older
level makes the newer one a drop or a spike; one that goes on counting on the new level has been changed or reset.

- A level is *sure* when it has `Trust.confirm_reads` reads and has counted. A level that is not sure yields at once to an
  older one that the next read fits; a sure one only to a return that is itself sure.
- A register of known size that drops may have rolled over; the new level is then *joined* to the one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from dure.services.buildings.reads.model import Register, Trust, Why

US_PER_D = 86_400_000_000


class Level:
    """A run of reads one register can have shown: places in the series, in time."""

    __slots__ = ("back", "joined", "rows", "sure")

    def __init__(self, row: int, *, joined: bool = False, back: Level | None = None) -> None:
        self.rows = [row]
        self.joined = joined  # the register went round between the level before and this one
        self.back = back  # the older level this may be the return to
        self.sure = False


class Levels(NamedTuple):
    """The levels that are believed, in time; the places set aside, each with why; the newest places, not decided yet."""

    kept: list[Level]
    aside: list[tuple[int, Why]]
    undecided: list[int]


def levels_of(times_us: Sequence[int], values: Sequence[int], register: Register, trust: Trust) -> Levels:
    """Sort the reads of one physical meter into levels.

    Parameters
    ----------
    times_us : (n,) instants, each later than the one before [µs since 1970 UTC]
    values : (n,) register [book unit]
    """
    stack = _Stack(times_us, values, register, trust)
    for row in range(len(times_us)):
        stack.take(row)
    return stack.settled()


class _Stack:
    def __init__(self, times_us: Sequence[int], values: Sequence[int], register: Register, trust: Trust) -> None:
        self.times, self.values = times_us, values
        self.register, self.trust = register, trust
        self.levels: list[Level] = []
        self.aside: list[tuple[int, Why]] = []

    def take(self, row: int) -> None:
        """Put one read where it fits."""
        if not self.levels:
            self.levels.append(Level(row))
            return
        top = self.levels[-1]
        fits_top = self._fits(top, row)
        if fits_top and (top.sure or len(self.levels) == 1):
            self._extend(top, row)
        elif not top.sure and (older := self._older(row)) is not None:
            self._return_to(older, row)
        elif fits_top:
            self._extend(top, row)
        elif not self._rolled(row):
            self.levels.append(Level(row, back=self._remembered(row)))

    def _fits(self, level: Level, row: int) -> bool:
        last = level.rows[-1]
        step = self.values[row] - self.values[last]
        return 0 <= step <= self.register.bound(self.times[row] - self.times[last])

    def _older(self, row: int) -> Level | None:
        """The oldest level that the read fits, down to the newest that is sure."""
        found = None
        for level in self.levels[-2 : -2 - self.trust.levels_max : -1]:
            if self._fits(level, row):
                found = level
            if level.sure:
                break
        return found

    def _remembered(self, row: int) -> Level | None:
        """The newest older level that the read fits, across levels that are sure; not older than is remembered."""
        for level in self.levels[-2 : -2 - self.trust.levels_max : -1]:
            if self.times[row] - self.times[level.rows[-1]] > self.trust.remember_d * US_PER_D:
                return None
            if self._fits(level, row):
                return level
        return None

    def _rolled(self, row: int) -> bool:
        """Open a joined level when the read can be a rollover of the newest sure level or one above it."""
        size = self.register.size
        for level in reversed(self.levels) if size else ():
            last = level.rows[-1]
            step = self.values[row] - self.values[last]
            if step < 0 and step + size <= self.register.bound(self.times[row] - self.times[last]):
                self._drop_above(level)
                level.sure = level.sure or level.joined
                self.levels.append(Level(row, joined=True))
                return True
            if level.sure:
                break
        return False

    def _extend(self, level: Level, row: int) -> None:
        level.rows.append(row)
        if level.sure or len(level.rows) < self.trust.confirm_reads:
            return
        level.sure = self.values[row] > self.values[level.rows[0]]
        if level.sure and level.back is not None:
            self.levels.remove(level)
            self._drop_above(level.back)
            level.back.rows += level.rows

    def _return_to(self, older: Level, row: int) -> None:
        self._drop_above(older)
        self._extend(older, row)

    def _drop_above(self, level: Level) -> None:
        """Set aside every level above one: the register has come back to it."""
        at = self.levels.index(level)
        reference = self.values[level.rows[-1]]
        for other in self.levels[at + 1 :]:
            for row in other.rows:
                self.aside.append((row, _why(self.values[row], reference, lasting=other.sure or len(other.rows) > 1)))
        del self.levels[at + 1 :]

    def settled(self) -> Levels:
        """The levels believed at the end: the sure ones, or else the longest; newer ones are not decided yet."""
        kept = [level for level in self.levels if level.sure]
        if not kept and self.levels:
            kept = [max(self.levels, key=lambda level: len(level.rows))]
        for former, latter in reversed(list(pairwise(self.levels))):
            if latter in kept and latter.joined and former not in kept:
                kept.insert(0, former)  # what goes on after a rollover confirms what was before it
        kept = [level for level in self.levels if level in kept]
        undecided: list[int] = []
        before: Level | None = None
        for level in self.levels:
            if level in kept:
                before = level
            elif before is kept[-1]:
                undecided += level.rows
            else:
                reference = self.values[before.rows[-1]] if before else None
                self.aside += [(row, _why_alone(self.values[row], reference)) for row in level.rows]
        return Levels(kept, sorted(self.aside), undecided)


def _why(value: int, reference: int, *, lasting: bool) -> Why:
    if value > reference:
        return Why.SPIKE
    if lasting:
        return Why.DROP_RECOVERED
    return Why.MOMENTARY_ZERO if value == 0 else Why.BACKWARDS


def _why_alone(value: int, reference: int | None) -> Why:
    if value == 0:
        return Why.MOMENTARY_ZERO
    return Why.SPIKE if reference is not None and value > reference else Why.UNCONFIRMED
