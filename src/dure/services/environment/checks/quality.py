"""Quality control of one series at a time: the six QARTOD tests, streaming and batch alike, and why a flag is what it is.

The tests and their statistic:

=================  =========================================================  ==========================================
test               statistic                                                  flag 3 / 4 when
=================  =========================================================  ==========================================
gross range        the value                                                  outside the likely / possible span
climatology        the value, by the month at the series' UTC offset          outside the month's likely / possible span
spike              abs(x[n] - (x[n-1] + x[n+1]) / 2), known with x[n+1]       above suspect / fail
rate of change     abs(x[n] - x[n-1]) / (t[n] - t[n-1]) [unit/s]              above suspect / fail
flat line          time [s] the last values stayed within the tolerance       at least suspect / fail, by enough values
attenuated signal  standard deviation (ddof 0) in (t - window, t]             below suspect / fail
=================  =========================================================  ==========================================

A missing value (NaN, infinite) is 9 in every test. A row whose time is not after the newest of its series is judged by the first
two tests only; a test without limits gives 2. The aggregate is the flag of highest precedence, 4 > 3 > 1 > 2 > 9.

References
----------
QARTOD Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1 (2020).
ioos_qc 3.0.0, ``ioos_qc/qartod.py``: the definitions; deliberate differences are listed in `quality_differences`.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, cast

import msgspec
import numpy as np

from dure.core.observations import Check, SeriesKey
from dure.services.environment.checks import quality_columns as c

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dure.services.environment.checks.quality_columns import Bank, Bytes, Floats, Out, Rows

Span = tuple[float, float]
TESTS = ("gross_range", "climatology", "spike", "rate_of_change", "flat_line", "attenuated")
CHECKS = (Check.NONE, Check.OUTSIDE_CLIMATE, Check.SPIKE, Check.RATE_OF_CHANGE, Check.FLAT_LINE, Check.ATTENUATED)
KERNEL = "dure.services.environment.checks.quality_kernel"
RUN_ROOM_FIRST, WINDOW_ROOM_FIRST = 8, 16  # entries; rooms double when they are full


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of a property; what is None is not tested. Times in seconds, values in the property's unit.

    Attributes
    ----------
    gross_fail, gross_suspect : possible and likely span; the likely one lies inside the possible one
    climate_fail, climate_suspect : month (1-12) -> span, by local time at `utc_offset_s`
    spike_suspect, spike_fail : deviation from the mean of both neighbours; 0 counts as not set
    rate_suspect, rate_fail : change per second [unit/s]
    rate_step_s : changes faster than this step count as taking it, so that a rounding step is no jump
    flat_suspect_s, flat_fail_s : how long values may stay within `flat_tolerance` (> 0), by at least `flat_n_min` values
    calm_below, calm_above : at or beyond these, constancy is normal: such values are no part of a flat run or window
    window_s, spread_suspect, spread_fail : window and least standard deviation of the attenuated signal
    window_n_min, window_cover_s : how many values a window needs, and how old the oldest of them must be
    gap_s : a neighbour further away is none; a flat run does not reach over it
    failed_feed : whether values that cannot be true (gross range 4) stay neighbours of others
    """

    gross_fail: Span | None = None
    gross_suspect: Span | None = None
    climate_fail: Mapping[int, Span] = {}
    climate_suspect: Mapping[int, Span] = {}
    utc_offset_s: int = 0
    spike_suspect: float | None = None
    spike_fail: float | None = None
    rate_suspect: float | None = None
    rate_fail: float | None = None
    rate_step_s: float = 0.0
    flat_suspect_s: float | None = None
    flat_fail_s: float | None = None
    flat_tolerance: float = 0.0
    flat_n_min: int = 3
    calm_below: float | None = None
    calm_above: float | None = None
    window_s: float | None = None
    window_n_min: int = 1
    window_cover_s: float = 0.0
    spread_suspect: float | None = None
    spread_fail: float | None = None
    gap_s: float | None = None
    failed_feed: bool = False

    @property
    def memory_s(self) -> float:
        """How long a value can matter to a later one: what must be read again after a restart."""
        return max(self.flat_suspect_s or 0.0, self.flat_fail_s or 0.0, self.window_s or 0.0, self.gap_s or 0.0)


class Qualified(msgspec.Struct, frozen=True, eq=False):
    """Flags of n rows.

    Attributes
    ----------
    tests : (n, 6) uint8, `Flag` of each of `TESTS`
    flag : (n,) uint8, aggregate by precedence 4 > 3 > 1 > 2 > 9
    check : (n,) uint8, the `Check` that decided a flag 3, 4 or 9
    statistic : (n, 6) float64, what each test compared, NaN where it did not; (0, 6) when it was not asked for
    """

    tests: NDArray[np.uint8]
    flag: NDArray[np.uint8]
    check: NDArray[np.uint8]
    statistic: NDArray[np.float64]


class Pushed(msgspec.Struct, frozen=True, eq=False):
    """Flags of n mixed rows, and spike flags that became known of rows pushed before.

    Attributes
    ----------
    rows : flags of the rows, in their order
    earlier : (m,) row whose arrival decided
    earlier_us : (m,) time [µs] of the row of the same series that is meant
    earlier_flag : (m,) its spike flag, 1 to 4
    newest : (k,) the last row of each series that moved it on
    """

    rows: Qualified
    newest: NDArray[np.intp]
    earlier: NDArray[np.intp]
    earlier_us: NDArray[np.int64]
    earlier_flag: NDArray[np.uint8]


class Kernel(Protocol):
    """The two entries of `quality_kernel`, compiled or interpreted."""

    def judge_rows(self, rows: Rows, bank: Bank, out: Out, start: int, first_number: int) -> int:
        """Judge rows from `start` on; where it stopped."""
        ...

    def judge_one(self, slot: int, time_us: int, value: float, bank: Bank, flags: Bytes, statistics: Floats) -> int:
        """Judge one row; aggregate + 16 x spike flag of the row before, or -1 when the slot needs room."""
        ...


@lru_cache(maxsize=1)
def compiled_kernel() -> Kernel:
    """The compiled loop: about 1 s from numba's cache, about 10 s where it must be compiled first."""
    module = importlib.import_module(KERNEL)
    module.compile_ahead()
    return cast("Kernel", module)


@lru_cache(maxsize=1)
def interpreted_kernel() -> Kernel:
    """The same source without numba: ready at once, about a hundred times slower, with the same flags."""
    found = importlib.util.find_spec(KERNEL)
    assert found is not None  # noqa: S101  # it stands beside this file
    spec = importlib.util.spec_from_file_location(f"{KERNEL}_interpreted", found.origin)
    assert spec is not None  # noqa: S101  # it was found
    assert spec.loader is not None  # noqa: S101  # a source file has one
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return cast("Kernel", module)


def _us(seconds: float | None) -> int:
    return 0 if seconds is None else round(seconds * 1e6)


def _real(number: float | None) -> float:
    return math.nan if number is None else number


def _bounds(fail: Span | None, suspect: Span | None) -> tuple[float, float, float, float]:
    low, high = fail or (math.nan, math.nan)
    inner_low, inner_high = suspect or (math.nan, math.nan)
    return low, inner_low, inner_high, high


def _table(limits: Sequence[Limits]) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Limits as the arrays the loop reads."""
    whole = np.zeros((len(limits), c.LIMIT_WHOLE), np.int64)
    real = np.full((len(limits), c.LIMIT_REAL), np.nan)
    spans = np.full((len(limits), c.N_SPANS, 4), np.nan)
    for row, one in enumerate(limits):
        times = (one.utc_offset_s, one.gap_s, one.flat_suspect_s, one.flat_fail_s)
        whole[row, [c.UTC_OFFSET_US, c.GAP_US, c.FLAT_SUSPECT_US, c.FLAT_FAIL_US]] = [_us(s) for s in times]
        whole[row, [c.FLAT_N, c.WINDOW_US, c.WINDOW_N]] = max(1, one.flat_n_min), _us(one.window_s), max(1, one.window_n_min)
        whole[row, [c.WINDOW_COVER_US, c.FAILED_FEEDS]] = _us(one.window_cover_s), one.failed_feed
        windowed = bool(one.window_s)
        real[row, : c.TOLERANCE + 1] = (
            one.spike_suspect or math.nan,
            one.spike_fail or math.nan,
            _real(one.rate_suspect),
            _real(one.rate_fail),
            one.rate_step_s,
            one.flat_tolerance,
        )
        real[row, c.CALM_LOW :] = (
            _real(one.calm_below),
            _real(one.calm_above),
            _real(one.spread_suspect) if windowed else math.nan,
            _real(one.spread_fail) if windowed else math.nan,
        )
        spans[row, 0] = _bounds(one.gross_fail, one.gross_suspect)
        for month in range(1, 13):
            spans[row, month] = _bounds(one.climate_fail.get(month), one.climate_suspect.get(month))
    return whole, real, spans


class Stream:
    """State of many series, and their rows as they come. One thread at a time.

    `limits` are shared by number: a series is given one of them when it is opened.
    """

    def __init__(self, limits: Sequence[Limits], kernel: Kernel | None = None) -> None:
        self.kernel = kernel or compiled_kernel()
        self._slots: dict[SeriesKey, int] = {}
        self._pushed = 0
        self._pool_used = 1  # entry 0 is nobody's
        self._free: dict[int, list[int]] = {}  # places in the pool that larger ones replaced, by their size
        self._bank: Bank = (
            *_table(limits),
            np.zeros((8, c.STATE_WHOLE), np.int64),
            np.full((8, c.STATE_REAL), np.nan),
            np.zeros((64, 2), np.int64),
            np.zeros((64, 2)),
        )
        self._one = (np.zeros(c.ALL + 1, np.uint8), np.zeros(c.N_TESTS))

    def __len__(self) -> int:
        return len(self._slots)

    def open(self, key: SeriesKey, limits: int = 0) -> int:
        """Slot of a series; a new one gets the limits of that number."""
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = len(self._slots)
            if slot == len(self._bank[3]):
                self._replace(3, np.concatenate([self._bank[3], np.zeros_like(self._bank[3])]))
                self._replace(4, np.concatenate([self._bank[4], np.full_like(self._bank[4], np.nan)]))
            whole = self._bank[3][slot]
            whole[c.LIMIT], whole[c.NUMBER] = limits, -1
            tested_flat = self._bank[0][limits, [c.FLAT_SUSPECT_US, c.FLAT_FAIL_US]].any()
            tested_spread = not np.isnan(self._bank[1][limits, [c.SPREAD_SUSPECT, c.SPREAD_FAIL]]).all()
            whole[c.RUN_ROOM] = RUN_ROOM_FIRST if tested_flat else 1
            whole[c.WINDOW_ROOM] = WINDOW_ROOM_FIRST if tested_spread else 1
            whole[c.RUN_AT] = self._take(2 * RUN_ROOM_FIRST) if tested_flat else 0
            whole[c.WINDOW_AT] = self._take(WINDOW_ROOM_FIRST) if tested_spread else 0
        return slot

    def _replace(self, number: int, array: NDArray[Any]) -> None:
        parts: list[Any] = list(self._bank)
        parts[number] = array
        self._bank = cast("Bank", tuple(parts))

    def _take(self, entries: int) -> int:
        """Free place in the pool for some entries."""
        if self._free.get(entries):
            return self._free[entries].pop()
        at = self._pool_used
        self._pool_used += entries
        if self._pool_used > len(self._bank[5]):
            more = max(self._pool_used, 2 * len(self._bank[5])) - len(self._bank[5])
            for number in (5, 6):
                self._replace(number, np.concatenate([self._bank[number], np.zeros((more, 2), self._bank[number].dtype)]))
        return at

    def _make_room(self, slot: int) -> None:
        """Double each full queue of a slot."""
        whole = self._bank[3][slot]
        room = int(whole[c.RUN_ROOM])
        if max(whole[c.SIZE], whole[c.SIZE + 1]) >= room:
            at, old = self._take(4 * room), int(whole[c.RUN_AT])
            for side in range(2):
                self._move(old + side * room, room, at + 2 * side * room, int(whole[c.HEAD + side]))
            whole[c.HEAD] = whole[c.HEAD + 1] = 0
            whole[c.RUN_AT], whole[c.RUN_ROOM] = at, 2 * room
            self._free.setdefault(2 * room, []).append(old)
        room = int(whole[c.WINDOW_ROOM])
        if whole[c.WINDOW_SIZE] >= room:
            at, old = self._take(2 * room), int(whole[c.WINDOW_AT])
            self._move(old, room, at, int(whole[c.WINDOW_HEAD]))
            whole[c.WINDOW_AT], whole[c.WINDOW_ROOM], whole[c.WINDOW_HEAD] = at, 2 * room, 0
            self._free.setdefault(room, []).append(old)

    def _move(self, old: int, room: int, new: int, head: int) -> None:
        places = old + (head + np.arange(room)) % room
        for pool in self._bank[5:]:
            pool[new : new + room] = pool[places]

    def push(
        self,
        slots: NDArray[np.int64],
        time_us: NDArray[np.int64],
        value: NDArray[np.float64],
        feeds: NDArray[np.uint8] | None = None,
        *,
        statistics: bool = False,
    ) -> Pushed:
        """Judge mixed rows in the order they came.

        Parameters
        ----------
        slots : (n,) slot of each row, from `open`
        time_us : (n,) phenomenon time [µs since 1970 UTC]
        value : (n,) in the property's unit, NaN where missing
        feeds : (n,) how the row counts for later ones: 1 as it is (default), 2 as a missing value, 0 not at all
        statistics : whether the statistic of every test is wanted too
        """
        n = len(time_us)
        feeds = np.ones(n, np.uint8) if feeds is None else feeds
        rows = (
            np.ascontiguousarray(slots, np.int64),
            np.ascontiguousarray(time_us),
            np.ascontiguousarray(value, np.float64),
            feeds,
        )
        statistic = np.full((n if statistics else 1, c.N_TESTS), np.nan)
        flags, earlier, earlier_us = np.zeros((n, c.ALL + 1), np.uint8), np.zeros(n, np.uint8), np.zeros(n, np.int64)
        done = 0
        while (done := self.kernel.judge_rows(rows, self._bank, (flags, statistic, earlier, earlier_us), done, self._pushed)) < n:
            self._make_room(int(rows[0][done]))
        newest = np.flatnonzero(self._bank[3][rows[0], c.NUMBER] - self._pushed == np.arange(n))
        self._pushed += n
        limits = self._bank[3][rows[0], c.LIMIT]
        check = _deciding(flags, rows[2], self._bank[2][:, 0], limits)
        which = np.flatnonzero(earlier)
        qualified = Qualified(flags[:, : c.ALL], flags[:, c.ALL], check, statistic[: n if statistics else 0])
        return Pushed(qualified, newest, which, earlier_us[which], earlier[which])

    def push_one(self, key: SeriesKey, time_us: int, value: float) -> tuple[int, int]:
        """Judge one value: its flag without the spike test, and the spike flag of the value before it (0: nothing decided)."""
        slot = self._slots[key]
        while (packed := self.kernel.judge_one(slot, time_us, value, self._bank, *self._one)) < 0:
            self._make_room(slot)
        return packed & 15, packed >> 4


def _deciding(
    flags: NDArray[np.uint8], value: NDArray[np.float64], gross: NDArray[np.float64], limits: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """The check that decided each aggregate."""
    check = np.zeros(len(flags), np.uint8)
    rows = np.flatnonzero((flags[:, c.ALL] == c.SUSPECT) | (flags[:, c.ALL] == c.FAIL))
    test = np.argmax(flags[rows, : c.ALL] == flags[rows, c.ALL][:, None], axis=1)
    check[rows] = np.array(CHECKS, np.uint8)[test]
    by_range = rows[test == c.GROSS]
    span = gross[limits[by_range]]
    failed = flags[by_range, c.GROSS] == c.FAIL
    below = value[by_range] < np.where(failed, span[:, 0], span[:, 1])
    check[by_range] = np.where(
        failed,
        np.where(below, Check.BELOW_POSSIBLE, Check.ABOVE_POSSIBLE),
        np.where(below, Check.BELOW_LIKELY, Check.ABOVE_LIKELY),
    )
    check[flags[:, c.ALL] == c.MISSING] = Check.MISSING_VALUE
    return check


def qualify_series(
    time_us: NDArray[np.int64],
    value: NDArray[np.float64],
    limits: Limits,
    *,
    feeds: NDArray[np.uint8] | None = None,
    kernel: Kernel | None = None,
) -> Qualified:
    """Flags of one series by all six tests.

    Parameters
    ----------
    time_us : (n,) phenomenon time [µs since 1970 UTC], ascending; a row not after the newest before it is late
    value : (n,) in the property's unit, NaN where missing
    limits : of its property; tests without limits give 2
    feeds : (n,) how each row counts for later ones, as in `Stream.push`

    Returns
    -------
    flags per test, aggregate and statistic; the last value's spike flag is 2, as no neighbour follows
    """
    stream = Stream([limits], kernel)
    slot = stream.open(("", ""))
    return stream.push(np.full(len(time_us), slot, np.int64), time_us, value, feeds, statistics=True).rows
