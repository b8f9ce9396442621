"""Local months of a meter from its intervals, its bills and what a model fills in. Pure; books are whole numbers.

Intervals win over bills of the same days: what a bill says beyond the intervals within its span lies in the time that has none,
and is shared out there by time. A bill whose unknown time lies in one month says the month's amount as it was read; one that
crosses the border of months is an estimate of each. Disputed hours are not known. An hour that the border of a month cuts (zones
with half hours) is shared by time, as an estimate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.core.time import to_us
from dure.services.buildings.intervals.interval_books import GRID_US, QUALITIES, Intervals, hourly
from dure.services.buildings.model import Meter
from dure.services.buildings.months.bill_records import KeptBill, months_of
from dure.services.buildings.months.month_use import MonthUse, Source
from dure.services.buildings.reads.model import Quality
from dure.services.buildings.reads.spreading import shares

MEASURED, ESTIMATED, SUBSTITUTED, DISPUTED = range(len(QUALITIES))


class Span(NamedTuple):
    """``[start_us, end_us)``."""

    start_us: int
    end_us: int

    @property
    def us(self) -> int:
        """Length, 0 where it ends before it begins."""
        return max(0, self.end_us - self.start_us)

    def within(self, other: Span) -> Span:
        """What both have."""
        return Span(max(self.start_us, other.start_us), min(self.end_us, other.end_us))


class FilledGap(NamedTuple):
    """A run of hours a model fills: their starts [us], amounts, and the half width of the 90 % interval of their sum."""

    start_us: NDArray[np.int64]
    amount: NDArray[np.float64]
    half_width: float


class Grounds(msgspec.Struct, frozen=True, eq=False):
    """All that months of a meter are made of.

    Attributes
    ----------
    hours : intervals over the months asked for and over the whole span of every bill
    bills : that overlap the months
    known_until_us : the begin of today: what passes later belongs to no month yet
    filled : by a model, of hours that have no interval
    """

    meter: Meter
    zone: ZoneInfo
    known_at: datetime
    known_until_us: int
    hours: Intervals
    bills: Sequence[KeptBill] = ()
    filled: Sequence[FilledGap] = ()


def midnight_us(day: date, zone: ZoneInfo) -> int:
    """The begin of a local day [us]."""
    return to_us(datetime(day.year, day.month, day.day, tzinfo=zone))


def month_span(month: str, zone: ZoneInfo) -> Span:
    """A local month, "2026-05"."""
    first = date(int(month[:4]), int(month[5:]), 1)
    return Span(midnight_us(first, zone), midnight_us((first + timedelta(days=32)).replace(day=1), zone))


class _Known:
    """Hours that are known, to be asked by span."""

    def __init__(self, hours: Intervals) -> None:
        good = hours.quality != DISPUTED
        self.start = hours.start_us[good]
        self.amount, self.quality = hours.amount[good], hours.quality[good]

    def rows(self, span: Span) -> slice:
        """The hours that overlap a span."""
        first = int(np.searchsorted(self.start, span.start_us - GRID_US, "right"))
        return slice(first, max(first, int(np.searchsorted(self.start, span.end_us, "left"))))

    def parts(self, span: Span) -> tuple[dict[int, int], int]:
        """Amount by quality, and how much of the time is known [us]."""
        rows = self.rows(span)
        start, amount, quality = self.start[rows], self.amount[rows], self.quality[rows].copy()
        left, right = np.maximum(start, span.start_us) - start, np.minimum(start + GRID_US, span.end_us) - start
        cut = np.flatnonzero((left > 0) | (right < GRID_US))
        if len(cut):
            amount = amount.copy()
            for row in cut.tolist():  # the border of a month in the middle of an hour: at most two
                whole = int(amount[row])
                amount[row] = whole * int(right[row]) // GRID_US - whole * int(left[row]) // GRID_US
                quality[row] = max(quality[row], ESTIMATED)
        sums = {place: int(amount[quality == place].sum()) for place in (MEASURED, ESTIMATED, SUBSTITUTED)}
        return sums, int((right - left).sum())


class _Bill(NamedTuple):
    """A bill's share of a month: amount, won, how much time it makes known [us], whether it is an estimate of the month."""

    id: str
    amount: int
    won: int | None
    us: int
    estimated: bool
    below: int


def months_made(grounds: Grounds, months: Sequence[str]) -> list[MonthUse]:
    """Some months of a meter; one of which nothing is known is there, too, with source "none"."""
    known = _Known(hourly(grounds.hours))
    by_month: dict[str, list[_Bill]] = {}
    for bill in grounds.bills:
        for month, part in _bill_parts(bill, known, grounds.zone):
            by_month.setdefault(month, []).append(part)
    return [_month(grounds, month, known, by_month.get(month, [])) for month in months]


def _bill_parts(bill: KeptBill, known: _Known, zone: ZoneInfo) -> list[tuple[str, _Bill]]:
    """What a bill says of each month it overlaps, beyond the intervals in its span."""
    whole = Span(*(midnight_us(date.fromisoformat(day), zone) for day in (bill.start_day, bill.end_day)))
    months = months_of(bill)
    spans = [month_span(month, zone).within(whole) for month in months]
    found = [known.parts(span) for span in spans]
    unknown = [span.us - us for span, (_, us) in zip(spans, found, strict=True)]
    rest = bill.amount - sum(sum(sums.values()) for sums, _ in found)
    amounts = shares(max(0, rest), unknown) if any(unknown) else [0] * len(months)
    days = [span.us for span in spans]
    won = [None] * len(months) if bill.won is None else _signed_shares(bill.won, days)
    estimated = bill.quality != Quality.MEASURED or sum(one > 0 for one in unknown) > 1
    below = max(0, -rest)
    return [(month, _Bill(bill.id, amounts[n], won[n], unknown[n], estimated, below)) for n, month in enumerate(months)]


def _signed_shares(total: int, weights: Sequence[int]) -> list[int]:
    """Shares of an amount that may be given back."""
    return [-one for one in shares(-total, weights)] if total < 0 else shares(total, weights)


def _month(grounds: Grounds, month: str, known: _Known, bills: list[_Bill]) -> MonthUse:
    span = month_span(month, grounds.zone)
    over = span.end_us <= grounds.known_until_us
    sums, known_us = known.parts(span.within(Span(span.start_us, max(span.start_us, grounds.known_until_us))))
    has_hours = known_us > 0
    used = [bill for bill in bills if bill.us > 0]
    for bill in used:
        sums[ESTIMATED if bill.estimated else MEASURED] += bill.amount
        known_us += bill.us
    gaps = [] if used else _filled(grounds, span, known)
    filled, half = sum(amount for _, _, amount, _ in gaps), sum(half for *_, half in gaps)
    won = [bill.won for bill in bills if bill.won is not None]
    source: Source = "both" if has_hours and used else "intervals" if has_hours else "bills" if used else "none"
    facts: dict[str, object] = {} if over else {"running": True}
    facts |= {"bills": [bill.id for bill in bills]} if bills else {}
    facts |= {"filled": [list(gap) for gap in gaps]} if gaps else {}
    below = sum(bill.below for bill in bills)
    facts |= {"bill_below": below} if below else {}  # intervals in its span say more than a bill does
    return MonthUse(
        meter=grounds.meter.id,
        month=month,
        known_at=grounds.known_at,
        building=grounds.meter.building,
        fuel=grounds.meter.fuel,
        part=grounds.meter.part,
        book=grounds.meter.supply.book,
        amount=sum(sums.values()) + filled,
        measured=sums[MEASURED],
        estimated=sums[ESTIMATED],
        substituted=sums[SUBSTITUTED],
        filled=filled,
        half_width=half,
        coverage=round(min(1.0, known_us / span.us), 6),
        won=sum(won) if won else None,
        source=source,
        sha256=_digest(known, span, bills),
        facts=facts,
    )


def _filled(grounds: Grounds, span: Span, known: _Known) -> list[tuple[int, int, int, int]]:
    """What a model fills in a month, gap by gap: its first hour [us], how many hours, amount and half width."""
    found = []
    for gap in grounds.filled:
        inside = (gap.start_us >= span.start_us) & (gap.start_us < span.end_us) & ~np.isin(gap.start_us, known.start)
        count = int(inside.sum())
        if count:
            amount, half = round(float(gap.amount[inside].sum())), round(gap.half_width * count / len(gap.start_us))
            found.append((int(gap.start_us[inside][0]), count, amount, half))
    return found


def _digest(known: _Known, span: Span, bills: list[_Bill]) -> str:
    rows = known.rows(span)
    found = hashlib.sha256()
    for column in (known.start[rows], known.amount[rows]):
        found.update(np.ascontiguousarray(column, "<i8").tobytes())
    found.update(known.quality[rows].tobytes())
    found.update(repr([(bill.id, bill.amount) for bill in bills]).encode())
    return found.hexdigest()
