"""The one loop of quality control, compiled: rows of many series in arrival order in, QARTOD flags out.

Streaming (a few rows of many series per call) and batch (one long series) run this same code over the same state, so flags cannot
differ. Work is O(1) amortised per value: the extremes of a flat run stand in two monotonic queues, the spread of a time window
in a queue of two stacks whose parts are only ever added, so nothing cancels and one huge value leaves no trace.

State and limits are plain arrays whose columns `quality_columns` names; `quality.Stream` owns them. Queues live in one pool of
memory; when one is full, the loop stops before it touched the row, the owner makes room and it goes on.

Importing this module imports numba (0.4 s, 70 MB): `quality.compiled_kernel` does it when first needed. A second copy named
``..._interpreted`` is the same source without numba, for the seconds in which the first is made ready.
``python -m dure.services.environment.checks.quality_kernel`` fills numba's cache ahead of time. That cache is keyed by this
file alone: when `quality_columns` changes, touch this file too (a test compares both copies and finds it out).

References
----------
QARTOD Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data (2020), tests 4 to 9.
D. Lemire, "Streaming maximum-minimum filter using no more than three comparisons per element", Nordic J. Computing 13 (2006).
T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np

from dure.services.environment.checks import quality_columns as c
from dure.services.environment.checks.quality_columns import Bank, Bytes, Floats, Ints, Out, Rows

F = TypeVar("F", bound=Callable[..., Any])
INTERPRETED = __name__.endswith("_interpreted")


def compiled(function: F) -> F:
    """The function compiled by numba and cached on disk; without a cache where no folder can be written."""
    if INTERPRETED:
        return function
    import numba  # noqa: PLC0415  # the interpreted copy must not load it

    # Without `_nrt` no reference is counted: nothing here makes an array, and the loop is three times as fast.
    njit, options = cast("Any", numba.njit), {"nogil": True, "error_model": "numpy", "_nrt": False}
    try:
        return cast("F", njit(cache=True, **options)(function))
    except RuntimeError:  # numba found no folder for its cache
        return cast("F", njit(**options)(function))


@compiled
def _rank(flag: int) -> int:
    """Precedence of a flag: 4 > 3 > 1 > 2 > 9."""
    if flag >= c.MISSING:
        return 0
    if flag == c.UNKNOWN:
        return 1
    return 2 if flag == c.GOOD else flag


@compiled
def _month(time_us: int, offset_us: int) -> int:
    """Month 1 to 12 of an instant at a UTC offset (proleptic Gregorian; Howard Hinnant, days_from_civil)."""
    days = (time_us + offset_us) // 86_400_000_000 + 719_468
    day_of_era = days % 146_097
    year = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day = day_of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * day + 2) // 153
    return shifted + 3 if shifted < 10 else shifted - 9


@compiled
def _within(value: float, span: Floats) -> int:
    """Flag by a span of fail_min, suspect_min, suspect_max, fail_max."""
    if value < span[0] or value > span[3]:
        return c.FAIL
    if value < span[1] or value > span[2]:
        return c.SUSPECT
    if math.isnan(span[0]) and math.isnan(span[1]) and math.isnan(span[2]) and math.isnan(span[3]):
        return c.UNKNOWN
    return c.GOOD


@compiled
def _above(statistic: float, suspect: float, fail: float) -> int:
    """Flag of a statistic that must not exceed its limits."""
    if statistic > fail:
        return c.FAIL
    return c.SUSPECT if statistic > suspect else c.GOOD


@compiled
def _spike(value: float, far: bool, state: Floats, limit: Floats) -> tuple[int, float]:
    """Spike flag and deviation of the previous value, now that the next one is known."""
    if far or math.isnan(value) or math.isnan(state[c.BEFORE]):
        return c.UNKNOWN, math.nan
    if math.isnan(limit[c.SPIKE_SUSPECT]) and math.isnan(limit[c.SPIKE_FAIL]):
        return c.UNKNOWN, math.nan
    deviation = abs(state[c.PREVIOUS] - (state[c.BEFORE] + value) / 2)
    return _above(deviation, limit[c.SPIKE_SUSPECT], limit[c.SPIKE_FAIL]), deviation


@compiled
def _rate(value: float, elapsed_us: int, state: Floats, limit: Floats) -> tuple[int, float]:
    """Flag and rate of change [unit/s] since the previous row; `elapsed_us` 0 for the first row, below 0 after a gap."""
    if math.isnan(limit[c.RATE_SUSPECT]) and math.isnan(limit[c.RATE_FAIL]):
        return c.UNKNOWN, math.nan
    if elapsed_us == 0:
        return c.GOOD, math.nan
    if elapsed_us < 0 or math.isnan(state[c.PREVIOUS]):
        return c.UNKNOWN, math.nan
    rate = abs((value - state[c.PREVIOUS]) / max(elapsed_us / 1e6, limit[c.RATE_STEP_S]))
    return _above(rate, limit[c.RATE_SUSPECT], limit[c.RATE_FAIL]), rate


@compiled
def _enqueue(value: float, side: int, whole: Ints, pool_us: Ints, pool: Floats) -> None:
    """Add the newest value of the run to the queue of maxima (side 0) or minima (side 1)."""
    at, room, head, size = (
        whole[c.RUN_AT] + side * whole[c.RUN_ROOM],
        whole[c.RUN_ROOM],
        whole[c.HEAD + side],
        whole[c.SIZE + side],
    )
    if size:
        newest = at + ((head + size - 1) & (room - 1))
        pool_us[newest, 1] = whole[c.RUN_LAST_US]  # when the value after it was observed
    sign = 1.0 if side == 0 else -1.0
    while size and sign * pool[at + ((head + size - 1) & (room - 1)), 0] <= sign * value:
        size -= 1
    last = at + ((head + size) & (room - 1))
    pool[last, 0] = value
    pool_us[last, 0] = whole[c.RUN_COUNT]
    whole[c.SIZE + side] = size + 1


@compiled
def _front(side: int, whole: Ints) -> int:
    """Place in the pool of the oldest entry of a queue."""
    place: int = whole[c.RUN_AT] + side * whole[c.RUN_ROOM] + whole[c.HEAD + side]
    return place


@compiled
def _shorten(side: int, whole: Ints, pool_us: Ints) -> None:
    """Let the run begin after the oldest entry of a queue."""
    front = _front(side, whole)
    whole[c.RUN_FIRST], whole[c.RUN_US] = pool_us[front, 0] + 1, pool_us[front, 1]
    whole[c.HEAD + side] = (whole[c.HEAD + side] + 1) & (whole[c.RUN_ROOM] - 1)
    whole[c.SIZE + side] -= 1


@compiled
def _flat(value: float, limit_whole: Ints, tolerance: float, whole: Ints, pools: tuple[Ints, Floats]) -> tuple[int, float]:
    """Flag and length [s] of the run of values that ends here and spans less than the tolerance."""
    pool_us, pool = pools
    now, count = whole[c.RUN_LAST_US], whole[c.RUN_COUNT]
    for side in range(2):
        _enqueue(value, side, whole, pool_us, pool)
    while pool[_front(0, whole), 0] - pool[_front(1, whole), 0] >= tolerance:
        _shorten(0 if pool_us[_front(0, whole), 0] < pool_us[_front(1, whole), 0] else 1, whole, pool_us)
    enough_us = max(limit_whole[c.FLAT_SUSPECT_US], limit_whole[c.FLAT_FAIL_US])
    while True:  # forget what is older than any limit asks for
        side = 0 if pool_us[_front(0, whole), 0] <= pool_us[_front(1, whole), 0] else 1
        first = pool_us[_front(side, whole), 0]
        if count - first < limit_whole[c.FLAT_N] or pool_us[_front(side, whole), 1] > now - enough_us:
            break
        _shorten(side, whole, pool_us)
    length_us = now - whole[c.RUN_US]
    if count - whole[c.RUN_FIRST] + 1 >= limit_whole[c.FLAT_N]:
        if 0 < limit_whole[c.FLAT_FAIL_US] <= length_us:
            return c.FAIL, length_us / 1e6
        if 0 < limit_whole[c.FLAT_SUSPECT_US] <= length_us:
            return c.SUSPECT, length_us / 1e6
    return c.GOOD, length_us / 1e6


@compiled
def _run(value: float, far: bool, limits: tuple[Ints, Floats], whole: Ints, pools: tuple[Ints, Floats]) -> tuple[int, float]:
    """Flat line: begin the run anew where it must, else see how long it is."""
    limit_whole, limit = limits
    if (limit_whole[c.FLAT_SUSPECT_US] == 0 and limit_whole[c.FLAT_FAIL_US] == 0) or not limit[c.TOLERANCE] > 0:
        return c.UNKNOWN, math.nan
    if far:
        whole[c.SIZE] = whole[c.SIZE + 1] = 0
    if value <= limit[c.CALM_LOW] or value >= limit[c.CALM_HIGH]:
        whole[c.SIZE] = whole[c.SIZE + 1] = 0
        return c.GOOD, 0.0
    whole[c.RUN_COUNT] += 1
    if whole[c.SIZE] == 0:
        whole[c.RUN_FIRST], whole[c.RUN_US] = whole[c.RUN_COUNT], whole[c.RUN_LAST_US]
    return _flat(value, limit_whole, limit[c.TOLERANCE], whole, pools)


@compiled
def _joined(n: int, mean: float, m2: float, other: tuple[int, float, float]) -> tuple[float, float]:
    """Mean and sum of squared deviations of two samples together."""
    other_n, other_mean, other_m2 = other
    if n == 0:
        return other_mean, other_m2
    delta, total = other_mean - mean, n + other_n
    return mean + delta * other_n / total, m2 + other_m2 + delta * delta * n * other_n / total


@compiled
def _turn(whole: Ints, pool: Floats) -> None:
    """Make the window's back stack its front stack: each entry then holds mean and M2 of itself and all after it."""
    at, room, head, size = whole[c.WINDOW_AT], whole[c.WINDOW_ROOM], whole[c.WINDOW_HEAD], whole[c.WINDOW_SIZE]
    mean, m2 = 0.0, 0.0
    for n in range(size):
        place = at + ((head + size - 1 - n) & (room - 1))
        mean, m2 = _joined(n, mean, m2, (1, pool[place, 0], 0.0))
        pool[place, 0], pool[place, 1] = mean, m2
    whole[c.WINDOW_FRONT] = size


@compiled
def _spread(
    value: float, now_us: int, limits: tuple[Ints, Floats], state: tuple[Ints, Floats], pools: tuple[Ints, Floats]
) -> float:
    """Standard deviation (ddof 0) of the values in (now - window, now]; NaN while there are too few."""
    (limit_whole, limit), (whole, real), (pool_us, pool) = limits, state, pools
    at, room, oldest_us = whole[c.WINDOW_AT], whole[c.WINDOW_ROOM], now_us - limit_whole[c.WINDOW_US]
    while whole[c.WINDOW_SIZE] and pool_us[at + whole[c.WINDOW_HEAD], 0] <= oldest_us:
        if whole[c.WINDOW_FRONT] == 0:
            _turn(whole, pool)
        whole[c.WINDOW_HEAD] = (whole[c.WINDOW_HEAD] + 1) & (room - 1)
        whole[c.WINDOW_SIZE] -= 1
        whole[c.WINDOW_FRONT] -= 1
    if value <= limit[c.CALM_LOW] or value >= limit[c.CALM_HIGH]:
        return math.nan
    back = whole[c.WINDOW_SIZE] - whole[c.WINDOW_FRONT]
    real[c.BACK_MEAN], real[c.BACK_M2] = _joined(back, real[c.BACK_MEAN], real[c.BACK_M2], (1, value, 0.0))
    place = at + ((whole[c.WINDOW_HEAD] + whole[c.WINDOW_SIZE]) & (room - 1))
    pool_us[place, 0], pool[place, 0] = now_us, value
    whole[c.WINDOW_SIZE] += 1
    size, front = whole[c.WINDOW_SIZE], whole[c.WINDOW_FRONT]
    first = at + whole[c.WINDOW_HEAD]
    if size < limit_whole[c.WINDOW_N] or now_us - pool_us[first, 0] < limit_whole[c.WINDOW_COVER_US]:
        return math.nan
    if front == 0:
        return math.sqrt(real[c.BACK_M2] / size)
    _, m2 = _joined(front, pool[first, 0], pool[first, 1], (back + 1, real[c.BACK_MEAN], real[c.BACK_M2]))
    return math.sqrt(m2 / size)


@compiled
def _attenuated(
    value: float, now_us: int, limits: tuple[Ints, Floats], state: tuple[Ints, Floats], pools: tuple[Ints, Floats]
) -> tuple[int, float]:
    """Attenuated signal: flag and standard deviation."""
    limit = limits[1]
    if math.isnan(limit[c.SPREAD_SUSPECT]) and math.isnan(limit[c.SPREAD_FAIL]):
        return c.UNKNOWN, math.nan
    spread = _spread(value, now_us, limits, state, pools)
    if math.isnan(spread):
        return c.UNKNOWN, spread
    if spread < limit[c.SPREAD_FAIL]:
        return c.FAIL, spread
    return (c.SUSPECT if spread < limit[c.SPREAD_SUSPECT] else c.GOOD), spread


@compiled
def _pointwise(row: tuple[int, int, float, int], bank: Bank, flags: Bytes) -> None:
    """The tests that need nothing but the value and its time; the others are not evaluated yet."""
    slot, time_us, value, _ = row
    which = bank[3][slot, c.LIMIT]
    flags[c.SPIKE : c.ALL] = c.UNKNOWN
    flags[c.GROSS] = _within(value, bank[2][which, 0])
    flags[c.CLIMATE] = _within(value, bank[2][which, _month(time_us, bank[0][which, c.UTC_OFFSET_US])])


@compiled
def _sequential(row: tuple[int, int, float, int], bank: Bank, flags: Bytes, statistics: Floats) -> tuple[int, float]:
    """The tests that look back, and the state after this row; returns the spike flag of the row before, 0 where there is none."""
    slot, time_us, value, feeds = row
    whole, real, which = bank[3][slot], bank[4][slot], bank[3][slot, c.LIMIT]
    limits, pools = (bank[0][which], bank[1][which]), (bank[5], bank[6])
    limit_whole, limit = limits
    fed = feeds == c.FEEDS and flags[c.GROSS] != c.MISSING and (flags[c.GROSS] != c.FAIL or limit_whole[c.FAILED_FEEDS] == 1)
    if not fed:
        value = math.nan
    elapsed_us = time_us - whole[c.LAST_US] if whole[c.SEEN] else 0
    far = 0 < limit_whole[c.GAP_US] < elapsed_us
    decided, deviation = 0, math.nan
    if whole[c.SEEN] and not math.isnan(real[c.PREVIOUS]):
        decided, deviation = _spike(value, far, real, limit)
    if fed:
        flags[c.RATE], statistics[c.RATE] = _rate(value, -1 if far else elapsed_us, real, limit)
        apart = 0 < limit_whole[c.GAP_US] < time_us - whole[c.RUN_LAST_US] if whole[c.RUN_COUNT] else False
        whole[c.RUN_LAST_US] = time_us
        flags[c.FLAT], statistics[c.FLAT] = _run(value, apart, limits, whole, pools)
        flags[c.SPREAD], statistics[c.SPREAD] = _attenuated(value, time_us, limits, (whole, real), pools)
    real[c.BEFORE] = math.nan if far else real[c.PREVIOUS]
    real[c.PREVIOUS] = value
    whole[c.SEEN], whole[c.LAST_US] = 1, time_us
    return decided, deviation


@compiled
def _full(whole: Ints) -> bool:
    """Whether a queue of the slot has no room for one more."""
    run_full = whole[c.SIZE] >= whole[c.RUN_ROOM] or whole[c.SIZE + 1] >= whole[c.RUN_ROOM]
    return bool(run_full or whole[c.WINDOW_SIZE] >= whole[c.WINDOW_ROOM])


@compiled
def _aggregate(flags: Bytes) -> int:
    """The flag of highest precedence among the tests."""
    worst: int = flags[0]
    for test in range(1, c.N_TESTS):
        if _rank(flags[test]) > _rank(worst):
            worst = flags[test]
    return worst


@compiled
def _moves(time_us: int, feeds: int, whole: Ints) -> bool:
    """Whether a row moves its series on; late rows and those that leave no trace do not."""
    return bool(feeds != c.POINTWISE and not (whole[c.SEEN] and time_us <= whole[c.LAST_US]))


@compiled
def judge_row(row: tuple[int, int, float, int], bank: Bank, flags: Bytes, statistics: Floats) -> tuple[int, float]:
    """Judge one row into `flags` (7,) and `statistics` (6,); returns spike flag (0: none) and deviation of the row before it."""
    slot, time_us, value, feeds = row
    statistics[:] = math.nan
    if not math.isfinite(value):
        flags[: c.ALL] = c.MISSING
    else:
        _pointwise(row, bank, flags)
        statistics[c.GROSS] = statistics[c.CLIMATE] = value
    decided, deviation = 0, math.nan
    if _moves(time_us, feeds, bank[3][slot]):
        decided, deviation = _sequential(row, bank, flags, statistics)
    flags[c.ALL] = _aggregate(flags)
    return decided, deviation


@compiled
def judge_rows(rows: Rows, bank: Bank, out: Out, start: int, first_number: int) -> int:
    """Judge rows from `start` on; returns where it stopped: at the end, or before a row whose slot needs room.

    Row i has the running number ``first_number + i``: so a spike flag finds its row in this call, else goes to `out[2]`.
    """
    slots, times, values, feeds = rows
    flags, statistics, earlier, earlier_us = out
    kept = len(statistics) > 1
    whole = bank[3]
    for i in range(start, len(slots)):
        slot = slots[i]
        if _full(whole[slot]):
            return i
        last_us, before = whole[slot, c.LAST_US], whole[slot, c.NUMBER] - first_number
        if _moves(times[i], feeds[i], whole[slot]):
            whole[slot, c.NUMBER] = first_number + i
        row: Any = (slot, times[i], values[i], np.int64(feeds[i]))
        decided, deviation = judge_row(row, bank, flags[i], statistics[i if kept else 0])
        if decided and before >= 0:
            flags[before, c.SPIKE] = decided
            if _rank(decided) > _rank(flags[before, c.ALL]):
                flags[before, c.ALL] = decided
            if kept:
                statistics[before, c.SPIKE] = deviation
        elif decided:
            earlier[i], earlier_us[i] = decided, last_us
    return len(slots)


@compiled
def judge_one(slot: int, time_us: int, value: float, bank: Bank, flags: Bytes, statistics: Floats) -> int:
    """Judge one row; aggregate flag + 16 x spike flag of the row before it, or -1 when the slot needs room."""
    if _full(bank[3][slot]):
        return -1
    decided, _ = judge_row((slot, time_us, value, c.FEEDS), bank, flags, statistics)
    return int(flags[c.ALL]) + 16 * decided


def compile_ahead() -> None:
    """Compile both entries for the types they are called with, or load them from the cache."""
    bank: Bank = (
        np.zeros((1, c.LIMIT_WHOLE), np.int64),
        np.full((1, c.LIMIT_REAL), np.nan),
        np.full((1, 13, 4), np.nan),
        np.zeros((1, c.STATE_WHOLE), np.int64),
        np.full((1, c.STATE_REAL), np.nan),
        np.zeros((1, 2), np.int64),
        np.zeros((1, 2), np.float64),
    )
    bank[3][0, [c.RUN_ROOM, c.WINDOW_ROOM]] = 1
    flags, statistics = np.zeros((1, c.ALL + 1), np.uint8), np.zeros((1, c.N_TESTS))
    rows = (np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1), np.ones(1, np.uint8))
    judge_rows(rows, bank, (flags, statistics, np.zeros(1, np.uint8), np.zeros(1, np.int64)), 0, 0)
    judge_one(0, 1, 0.0, bank, flags[0], statistics[0])


if __name__ == "__main__":
    import importlib

    importlib.import_module("dure.services.environment.checks.quality_kernel").compile_ahead()
