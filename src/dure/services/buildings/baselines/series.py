"""The hours, days and bills of a meter as rows that models are fitted to. Pure.

Only what was measured trains a model or is held against it: hours that were estimated, put in or disputed count as not known.
Weeks are counted from a Monday of 1970 by the city's clock, so that blocks of all meters and both periods are alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.core.time import day_interval, to_us
from dure.services.buildings.intervals.interval_books import GRID_US
from dure.services.buildings.modelling import seasons, towt
from dure.services.buildings.modelling.billed_rows import BilledRows
from dure.services.buildings.modelling.change_points import KOREAN_C, Bills
from dure.services.buildings.modelling.rows import DailyRows, HourlyRows

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from dure.services.buildings.baselines.baseline_rules import BaselineRules
    from dure.services.buildings.intervals.interval_books import Intervals

HOURLY = towt.Hourly(knots=towt.KNOTS_C, apart_min=1.0)
DAILY = seasons.Splitting(grid=KOREAN_C)
NET_HOURLY = towt.Hourly(knots=towt.KNOTS_C, apart_min=1.0, net=True)
NET_DAILY = seasons.Splitting(grid=KOREAN_C, net=True)
CALENDAR = seasons.Calendar()
FIRST_MONDAY = 4  # 1970-01-05, in days
MEASURED = 0
YEAR_D = 365


class Span(NamedTuple):
    """Local days ``[first, end)`` as an interval of instants [us]."""

    first: date
    end: date
    start_us: int
    end_us: int

    @property
    def us(self) -> tuple[int, int]:
        """Both ends [us]."""
        return self.start_us, self.end_us

    @property
    def days(self) -> int:
        """How many."""
        return (self.end - self.first).days

    @property
    def hours(self) -> int:
        """How many."""
        return (self.end_us - self.start_us) // GRID_US


def span_of(first: date, end: date, zone: ZoneInfo) -> Span:
    """Local days from `first` up to `end`, which is not in it."""
    start = to_us(day_interval(first, zone).start)
    return Span(first, end, start, max(start, to_us(day_interval(end, zone).start)))


class Clockwork(msgspec.Struct, frozen=True, eq=False):
    """What the city's clock says of the hours of a span, (n,) each.

    Attributes
    ----------
    day : days since 1970 of the local date
    hour_of_week, month : as `towt.local_hours`
    """

    day: NDArray[np.int64]
    hour_of_week: NDArray[np.int64]
    month: NDArray[np.int64]

    @property
    def week(self) -> NDArray[np.int64]:
        """Running number of the local week."""
        return (self.day - FIRST_MONDAY) // 7


def clockwork(span: Span, zone: ZoneInfo) -> Clockwork:
    """The local calendar of every hour of a span, across changes of clocks."""
    at = span.start_us + GRID_US * np.arange(span.hours)
    offset = _offsets(at, zone)
    hour_of_week, month = towt.local_hours(at, offset)
    return Clockwork((at + offset) // (24 * GRID_US), hour_of_week, month)


def _offsets(at: NDArray[np.int64], zone: ZoneInfo) -> NDArray[np.int64]:
    """(n,) offset from UTC of each hour [us]; asked once a day, and each hour of days on which it changes."""
    if not len(at):
        return np.empty(0, np.int64)

    def offset(us: int) -> int:
        found = datetime.fromtimestamp(us // 1_000_000, UTC).astimezone(zone).utcoffset()
        return round(found.total_seconds() * 1e6) if found else 0

    marks = [*range(0, len(at), 24), len(at) - 1]
    told = [offset(int(at[one])) for one in marks]
    found = np.empty(len(at), np.int64)
    for begin, end, before, after in zip(marks, marks[1:], told, told[1:], strict=False):
        same = before == after
        found[begin : end + 1] = before if same else [offset(int(us)) for us in at[begin : end + 1]]
    if len(at) == 1:
        found[0] = told[0]
    return found


class Series(msgspec.Struct, frozen=True, eq=False):
    """Use [book unit] and temperature [degree C] of each hour of a span (n,), NaN where not known, with the calendar."""

    span: Span
    usage: NDArray[np.float64]
    temperature: NDArray[np.float64]
    clock: Clockwork

    @property
    def coverage(self) -> float:
        """Share of the hours that have both [1]."""
        both = np.isfinite(self.usage) & np.isfinite(self.temperature)
        return float(both.mean()) if len(both) else 0.0

    def hourly(self, *, net: bool = False) -> HourlyRows:
        """Hours as rows."""
        clock = self.clock
        return HourlyRows(
            self.temperature, self.usage, clock.hour_of_week, clock.month, clock.week, NET_HOURLY if net else HOURLY
        )

    def daily(self, rules: BaselineRules, *, net: bool = False) -> DailyRows:
        """Days as rows; a day of few missing hours is scaled to all of them."""
        day = self.clock.day - (self.clock.day[0] if len(self.clock.day) else 0)
        first = int(self.clock.day[0]) if len(self.clock.day) else 0
        n = int(day[-1]) + 1 if len(day) else 0
        usage = mean_of_days(self.usage, day, n, rules.day_share_min) * np.bincount(day, minlength=n)
        temperature = mean_of_days(self.temperature, day, n, rules.temperature_share_min)
        date_ = np.datetime64("1970-01-01", "D") + (first + np.arange(n))
        week = (first + np.arange(n) - FIRST_MONDAY) // 7
        return DailyRows(temperature, usage, CALENDAR.cells(date_), week, NET_DAILY if net else DAILY)


def mean_of_days(values: NDArray[np.float64], day: NDArray[np.int64], n: int, share_min: float) -> NDArray[np.float64]:
    """(n,) means of the hours of each day; NaN where not more than a share of them is known."""
    known = np.isfinite(values)
    hours, all_hours = np.bincount(day[known], minlength=n), np.bincount(day, minlength=n)
    total = np.bincount(day[known], values[known], minlength=n)
    enough = (hours > 0) & (hours >= share_min * np.maximum(all_hours, 1))
    return np.where(enough, total / np.maximum(hours, 1), np.nan)


def usage_of(intervals: Intervals, span: Span) -> NDArray[np.float64]:
    """(n,) what was measured in each hour of a span [book unit], NaN elsewhere."""
    found = np.full(span.hours, np.nan)
    place = (intervals.start_us - span.start_us) // GRID_US
    kept = (intervals.quality == MEASURED) & (place >= 0) & (place < len(found))
    found[place[kept]] = intervals.amount[kept]
    return found


def digest_of_intervals(intervals: Intervals) -> str:
    """SHA-256 of what stands on the books: start, amount and quality of every interval."""
    sha = hashlib.sha256()
    for column in (intervals.start_us, intervals.amount, intervals.quality):
        sha.update(np.ascontiguousarray(column).tobytes())
    return sha.hexdigest()


def digest_of(*columns: NDArray[np.float64], words: str = "") -> str:
    """SHA-256 of columns and words."""
    sha = hashlib.sha256(words.encode())
    for column in columns:
        sha.update(np.ascontiguousarray(column).tobytes())
    return sha.hexdigest()


class Bill(msgspec.Struct, frozen=True):
    """Amount [book unit] of local days ``[first, end)``, and won where a bill says it."""

    first: date
    end: date
    amount: int
    won: int | None = None


def billed(bills: Sequence[Bill], daily_temperature: NDArray[np.float64], first: date) -> BilledRows:
    """Bills as rows over days counted from `first`; those that reach beyond the temperatures are left out."""
    n = len(daily_temperature)
    kept = [one for one in sorted(bills, key=lambda one: one.first) if one.first >= first and (one.end - first).days <= n]
    return BilledRows(
        temperature=daily_temperature,
        bills=Bills(
            np.array([(one.first - first).days for one in kept], np.int64),
            np.array([(one.end - first).days for one in kept], np.int64),
            np.array([one.amount for one in kept], float),
        ),
        number=np.array([(one.first - date(1970, 1, 1)).days // 7 for one in kept], np.int64),
        grid=KOREAN_C,
    )


def digest_of_bills(bills: Sequence[Bill]) -> str:
    """SHA-256 of bills."""
    words = ";".join(f"{one.first}/{one.end}/{one.amount}" for one in sorted(bills, key=lambda one: (one.first, one.end)))
    return hashlib.sha256(words.encode()).hexdigest()


def year_before(end: date) -> date:
    """A year before a day."""
    return end - timedelta(days=YEAR_D)
