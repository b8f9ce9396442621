"""How intervals stand in the telemetry store, and how they are read back.

A row of a meter's use property is one entry: `phenomenon_time` = start of the interval + k us, `value` = amount, k = 0 for what
was booked first and 1, 2, ... for what was booked later about the same interval: the *difference* to what stood there before. An
entry is never changed, sums of any period are sums of entries, and what was known at an instant is what had come by then. The
quality of an interval is that of its newest entry.

=============  ================  ====================================================
quality        flag              check
=============  ================  ====================================================
measured       good              none
estimated      suspect           ``ESTIMATED``
substituted    suspect           ``SUBSTITUTED``
disputed       fail: not summed  ``DISPUTED``
=============  ================  ====================================================

A meter that sends its use itself, every quarter of an hour, has entries at those instants; they are read as the hour they lie in,
and an hour with fewer of them than is usual is an estimate.

What is filled by model stands in no interval: it is made anew wherever it is shown (`modelling.filling`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.core.observations import Check, Flag
from dure.services.buildings.reads.model import QUALITY_RANK, Quality

if TYPE_CHECKING:
    from dure.engines.telemetry.port import SeriesColumns, Telemetry

GRID_US = 3_600_000_000
ENTRIES_MAX = 1_000  # of one interval; entries stand within a millisecond of its start
MARKS: dict[Quality, tuple[Flag, Check]] = {
    Quality.MEASURED: (Flag.GOOD, Check.NONE),
    Quality.ESTIMATED: (Flag.SUSPECT, Check.ESTIMATED),
    Quality.SUBSTITUTED: (Flag.SUSPECT, Check.SUBSTITUTED),
    Quality.DISPUTED: (Flag.FAIL, Check.DISPUTED),
}
QUALITIES: tuple[Quality, ...] = (Quality.MEASURED, Quality.ESTIMATED, Quality.SUBSTITUTED, Quality.DISPUTED)
_RANK = np.array([QUALITY_RANK[one] for one in QUALITIES])
_OF_RANK = np.zeros(int(_RANK.max()) + 1, np.uint8)
_OF_RANK[_RANK] = np.arange(len(QUALITIES), dtype=np.uint8)
_OF_CHECK = {Check.ESTIMATED: 1, Check.SUBSTITUTED: 2, Check.DISPUTED: 3}


class Intervals(msgspec.Struct, frozen=True, eq=False):
    """Intervals of one meter in time order, as columns (n,).

    Attributes
    ----------
    start_us : int64, begin of each interval [us since 1970 UTC]
    amount : int64 [book unit]
    quality : uint8, index into `QUALITIES`
    entries : int64, how many entries each is made of
    result_us : int64, when its newest entry became known
    """

    start_us: NDArray[np.int64]
    amount: NDArray[np.int64]
    quality: NDArray[np.uint8]
    entries: NDArray[np.int64]
    result_us: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.start_us)


def read(telemetry: Telemetry, meter: str, use: str, span_us: tuple[int, int], *, as_of_us: int | None = None) -> Intervals:
    """Intervals of a meter that begin in ``[span_us)``, as known at `as_of_us` (None: now). Blocks."""
    return of_columns(telemetry.series((meter, use), *span_us, as_of_us=as_of_us))


def of_columns(rows: SeriesColumns) -> Intervals:
    """Entries to intervals."""
    good = (rows.flag != Flag.MISSING) & ~np.isnan(rows.value)
    time_us, value, check = rows.time_us[good], rows.value[good], rows.check[good]
    flag, result_us = rows.flag[good], rows.result_us[good]
    start_us = time_us - time_us % ENTRIES_MAX
    first = np.flatnonzero(np.diff(start_us, prepend=np.int64(-1)) != 0)
    last = np.append(first[1:], len(start_us)) - 1
    if len(first) == 0:
        none = np.empty(0, np.int64)
        return Intervals(none, none, np.empty(0, np.uint8), none, none)
    quality = np.zeros(len(first), np.uint8)
    for code, place in _OF_CHECK.items():
        quality[check[last] == code] = place
    quality[flag[last] == Flag.FAIL] = 3
    amount = np.add.reduceat(np.rint(value).astype(np.int64), first)
    return hourly(Intervals(start_us[first], amount, quality, last - first + 1, np.maximum.reduceat(result_us, first)))


def hourly(rows: Intervals) -> Intervals:
    """Intervals that are finer than hours, by hours: summed, of the least quality among them; hourly ones as they are."""
    start = rows.start_us // GRID_US * GRID_US
    first = np.flatnonzero(np.diff(start, prepend=np.int64(-1)) != 0)
    if len(first) == len(start):
        on_grid = len(start) == 0 or bool((start == rows.start_us).all())
        return rows if on_grid else Intervals(start, rows.amount, rows.quality, rows.entries, rows.result_us)
    rank = np.maximum.reduceat(_RANK[rows.quality], first)
    parts = np.diff(np.append(first, len(start)))
    usual = int(np.argmax(np.bincount(parts)))
    rank = np.where(parts < usual, np.maximum(rank, _RANK[1]), rank)
    return Intervals(
        start[first],
        np.add.reduceat(rows.amount, first),
        _OF_RANK[rank],
        np.add.reduceat(rows.entries, first),
        np.maximum.reduceat(rows.result_us, first),
    )
