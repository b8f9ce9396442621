"""The nouns of reads: register, read, exchange, delta, gap, revision.

Books are integers of a fixed unit, chosen so that a past delta never changes when a factor does:

===================  ====  ==========================================================================================
electricity, heat    Wh    1 Gcal of heat is 1,163,000 Wh exactly (International Table calorie, ISO 80000-5)
gas, water, oil      L     what the register counts, at the conditions of the meter; Nm3, MJ and NCV follow by dated rows
billed gas           kJ    the bill's own MJ, kept beside the litres; MJ are no whole number of Wh
LPG by weight        g     what the scale says
===================  ====  ==========================================================================================
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from dure.core.errors import InputError

Book = Literal["Wh", "L", "kJ", "g"]


class Quality(StrEnum):
    """What an amount rests on. It belongs to the delta: two good reads can make a bad difference."""

    MEASURED = "measured"
    ESTIMATED = "estimated"
    FILLED = "filled"
    SUBSTITUTED = "substituted"
    DISPUTED = "disputed"


QUALITY_RANK: dict[Quality, int] = {
    Quality.MEASURED: 0,
    Quality.ESTIMATED: 1,
    Quality.SUBSTITUTED: 2,
    Quality.FILLED: 3,
    Quality.DISPUTED: 4,
}  # the higher, the less it can be relied on


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """How one meter counts.

    Attributes
    ----------
    rate_max_per_h : the most that can pass the connection in an hour [book unit/h]: fuse, transformer or gas meter class
    size : the register shows ``0 .. size - 1`` and then 0 again [book unit]; 0 when it is not known
    resolution : the smallest step it shows [book unit]
    book : unit of its values
    """

    rate_max_per_h: int
    size: int = 0
    resolution: int = 1
    book: Book = "Wh"

    def __post_init__(self) -> None:
        if self.rate_max_per_h <= 0 or self.resolution <= 0 or self.size < 0:
            raise InputError(
                "register.invalid", "A register needs a greatest rate and a resolution above 0, a size of 0 or more."
            )

    def bound(self, duration_us: int) -> int:
        """The most that two reads this far apart can differ by [book unit]: greatest rate x time, and one step shown late."""
        return self.rate_max_per_h * duration_us // 3_600_000_000 + self.resolution


class Read(msgspec.Struct, frozen=True):
    """A register as read at an instant [book unit]. `serial` names the physical meter, when the source says it."""

    at: datetime
    value: int
    estimated: bool = False
    serial: str = ""


class Exchange(msgspec.Struct, frozen=True):
    """A meter was taken off and another put on: last value of the old, first of the new; None when nobody noted it."""

    at: datetime
    last: int | None = None
    first: int | None = None


class Why(StrEnum):
    """Why a delta, a gap or a revision is what it is, and why a read was set aside: stable codes."""

    READ = "read.difference"
    BRIDGED = "read.bridged"  # over reads that were set aside
    ROLLOVER = "read.rollover"
    ROLLOVER_AMBIGUOUS = "read.rollover_ambiguous"  # the register may have gone round more than once
    EXCHANGE = "read.exchange"
    ESTIMATE = "read.estimate"
    TRUED_UP = "read.trued_up"
    CONFLICT = "read.conflict"  # two different values of one instant
    DUPLICATE = "read.duplicate"
    MOMENTARY_ZERO = "read.momentary_zero"
    DROP_RECOVERED = "read.drop_recovered"
    SPIKE = "read.spike"
    BACKWARDS = "read.backwards"
    OUTSIDE_REGISTER = "read.outside_register"
    ESTIMATE_IMPOSSIBLE = "read.estimate_impossible"
    UNCONFIRMED = "read.unconfirmed"  # alone on a level that no later read confirmed
    LEVEL_CHANGED = "read.level_changed"  # exchange or reset that nobody reported
    EXCHANGE_UNREAD = "read.exchange_unread"  # last or first value of an exchange is unknown
    NEGATIVE = "interval.negative"
    IMPOSSIBLE = "interval.impossible"
    OVERLAP = "interval.overlap"
    COVERED = "interval.covered"  # a coarse interval whose finer ones are there
    CORRECTED = "interval.corrected"
    MISSING = "interval.missing"
    EMPTY = "interval.empty"


class Delta(msgspec.Struct, frozen=True):
    """What passed a meter in ``[start, end)`` [book unit], what it rests on and why."""

    start: datetime
    end: datetime
    amount: int
    quality: Quality = Quality.MEASURED
    why: Why = Why.READ


class Gap(msgspec.Struct, frozen=True):
    """A stretch whose amount is not known. `claimed` is what the registers would say if they were believed."""

    start: datetime
    end: datetime
    why: Why
    claimed: int = 0


class SetAside(msgspec.Struct, frozen=True):
    """A read or interval that is kept but not believed: its place in the input, counted from 0, and why."""

    index: int
    at: datetime
    value: int
    why: Why


class Revision(msgspec.Struct, frozen=True):
    """An amount that was booked and is now another: before and after [book unit], and the instant of the read that showed it."""

    start: datetime
    end: datetime
    before: int
    after: int
    why: Why
    shown_at: datetime


class Derived(msgspec.Struct, frozen=True):
    """What reads became. `undecided` are the newest reads whose level no later read has confirmed or refuted yet."""

    deltas: tuple[Delta, ...] = ()
    gaps: tuple[Gap, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    undecided: tuple[int, ...] = ()
    revisions: tuple[Revision, ...] = ()

    @property
    def total(self) -> int:
        """All that was booked [book unit]."""
        return sum(delta.amount for delta in self.deltas)


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """When a new level of a register is believed; rows of ``rules/reads.toml``.

    Attributes
    ----------
    confirm_reads : reads that make a new level believed, provided that it counts (the last is above the first)
    levels_max : older levels that are remembered, in case the register comes back to one
    remember_d : how long an older level is remembered once a newer one was believed [d]
    """

    confirm_reads: int
    levels_max: int
    remember_d: int

    def __post_init__(self) -> None:
        if self.confirm_reads < 2 or self.levels_max < 1:
            raise InputError(
                "register.invalid", "A level needs two reads or more to be confirmed, and one level to be remembered."
            )
