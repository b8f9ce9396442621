"""Where a figure of the ledger comes from, as a value: a tree down to reads of registers, what is kept beside each part."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from dure.core.text import Text

NONE = Text("")


class ReadTold(msgspec.Struct, frozen=True):
    """A register as it was read [Wh]."""

    at: datetime
    wh: int


class RegisterTold(msgspec.Struct, frozen=True, kw_only=True):
    """A register in an interval: its reads from the last before it to the first after it, and what passed between its bounds.

    Attributes
    ----------
    notes : codes of what had to be explained (docs/en/errors.md)
    """

    role: str
    asset: str
    property: str
    passed_wh: int
    known: bool
    estimated: bool
    reads: tuple[ReadTold, ...]
    notes: tuple[str, ...] = ()


class LotTold(msgspec.Struct, frozen=True, kw_only=True):
    """What was given out of a lot: the interval it was put in (none: more than the lots held), its origin, Wh."""

    put_in_at: datetime | None
    pv: bool
    wh: int
    figure: str = ""


class RowTold(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the books: when it was booked, by which rule and factors, its digest and that of its reads."""

    seq: int
    n: int
    booked_at: datetime
    rule: str
    factors: str
    sha256: str
    readings_sha256: str


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of the tree [Wh].

    Attributes
    ----------
    value : by the pure functions, run again just now; stored : what the books say, None where they keep nothing of it
    agrees : whether both are the same, and so of every part
    readings_sha256 : digest of the reads as they are now; another than its row's where some came later
    """

    name: Text
    value: int | None
    stored: int | None = None
    figure: str = ""
    formula: Text = NONE
    agrees: bool = True
    parts: tuple[Step, ...] = ()
    registers: tuple[RegisterTold, ...] = ()
    lots: tuple[LotTold, ...] = ()
    rows: tuple[RowTold, ...] = ()
    notes: tuple[Text, ...] = ()
    readings_sha256: str = ""

    @property
    def whole(self) -> bool:
        """Whether it and all its parts agree."""
        return self.agrees and all(part.whole for part in self.parts)


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Where a figure comes from: the tree, whether all of it agrees with what is kept, and the versions it was run by."""

    figure: str
    agrees: bool
    step: Step
    versions: Mapping[str, str]
