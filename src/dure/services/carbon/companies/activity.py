"""One row of a company's activity data, and what makes it that row. Pure."""

from __future__ import annotations

import bisect
import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise

import msgspec

from dure.core.text import Text
from dure.emissions.quantity import Basis, Quantity
from dure.services.carbon.model import Refused


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """What a company used, drove, wasted or bought from a day to the day before another.

    Attributes
    ----------
    id : empty until it is kept
    kind : a row of ``[[kinds]]``
    site : id of a site of the company, empty when it belongs to none
    value, unit, basis : the amount as stated, an exact decimal; `basis` of gas billed as energy
    meter : customer or meter number without spaces and signs; empty for what has none
    number : of the bill or voucher
    estimated : the supplier or the company estimated it
    won : what it cost, None when it is not stated
    """

    company: str
    kind: str
    start: date
    end: date
    value: str
    unit: str
    basis: Basis = ""
    id: str = ""
    site: str = ""
    meter: str = ""
    number: str = ""
    estimated: bool = False
    won: int | None = None
    note: str = ""

    @property
    def amount(self) -> Quantity:
        """The amount, exact."""
        return Quantity(Fraction(self.value), self.unit, self.basis)

    @property
    def days(self) -> int:
        """Length of its period [d]."""
        return (self.end - self.start).days

    @property
    def series(self) -> str:
        """What its periods must follow one another in: ``kind:meter``; empty without a meter."""
        return f"{self.kind}:{self.meter}" if self.meter else ""

    def within(self, first: date, after: date) -> Fraction:
        """Which share of its days lies in ``[first, after)``."""
        days = (min(self.end, after) - max(self.start, first)).days
        return Fraction(max(0, days), self.days)


class RefusedRow(msgspec.Struct, frozen=True):
    """A row that is not accepted: its number as the spreadsheet counts, a stable code, why, and what it says."""

    row: int
    code: str
    why: Text
    content: str = ""


class Notice(msgspec.Struct, frozen=True):
    """Something to know before confirming: a stable code and words."""

    code: str
    why: Text


def plain_number(text: str) -> str:
    """A customer, meter or bill number without what people vary: spaces, hyphens, case."""
    return re.sub(r"[\s\-.·_/]", "", text).upper()


def digest(one: Activity) -> str:
    """SHA-256 of what the row says, whoever states it."""
    words = [one.kind, one.meter, one.start.isoformat(), one.end.isoformat(), str(Fraction(one.value)), one.unit]
    return hashlib.sha256("\x1f".join(words).encode()).hexdigest()


def keys(one: Activity, nth: int = 0) -> tuple[str, ...]:
    """What no other kept row may have: bill number with period over all companies; meter with period and amount too.

    A row with neither belongs to its company alone, where the `nth` row of a file that says the same is another one.
    """
    found = []
    if one.number:
        found.append(f"bill:{one.kind}:{one.number}:{one.start}:{one.end}")
    if one.meter:
        found.append(f"row:{digest(one)}")
    if not found:
        found.append(f"own:{one.company}:{digest(one)}:{nth}")
    return tuple(found)


class Periods:
    """Which days of each meter have a row: rows in order, so that 100,000 of them are held against one another at once."""

    def __init__(self, rows: Iterable[Activity] = ()) -> None:
        self._starts: dict[str, list[date]] = {}
        self._rows: dict[str, list[Activity]] = {}
        for one in rows:
            self.add(one)

    def overlapping(self, one: Activity) -> Activity | None:
        """A row that has a meter's day of this one already; rows that were added do not overlap one another."""
        rows = self._rows.get(one.series, [])
        after = bisect.bisect_left(self._starts.get(one.series, []), one.end)  # rows from here on begin when it is over
        return rows[after - 1] if after and one.start < rows[after - 1].end else None

    def add(self, one: Activity) -> None:
        """Keep a row; one without a meter has no days of its own."""
        if one.series:
            starts = self._starts.setdefault(one.series, [])
            at = bisect.bisect_left(starts, one.start)
            starts.insert(at, one.start)
            self._rows.setdefault(one.series, []).insert(at, one)


def gaps(rows: Sequence[Activity]) -> list[tuple[str, date, date]]:
    """Days between two bills of a meter that no bill holds, as (series, first, after)."""
    periods: dict[str, list[tuple[date, date]]] = {}
    for one in rows:
        if one.series:
            periods.setdefault(one.series, []).append((one.start, one.end))
    return [
        (series, before[1], after[0])
        for series in sorted(periods)
        for before, after in pairwise(sorted(periods[series]))
        if before[1] < after[0]
    ]


def gap_notices(rows: Sequence[Activity]) -> tuple[Notice, ...]:
    """The gaps in words."""
    return tuple(
        Notice(
            "activity.gap",
            Text(f"{series}: {first}부터 {after}까지 자료가 없습니다.", f"{series}: nothing from {first} to {after}."),
        )
        for series, first, after in gaps(rows)
    )


def taken(row: Activity, mine: bool) -> Refused:  # whose it is decides the words only
    """The refusal of a bill that is kept already, by this company or by another."""
    name = row.number or row.meter or row.kind
    ko = "이미 들어 있는 자료입니다" if mine else "다른 회사가 이미 낸 청구서입니다"
    en = "is kept already" if mine else "was entered by another company already"
    return Refused("activity.taken", Text(f"{name[:40]}: {ko}.", f"{name[:40]} {en}."))
