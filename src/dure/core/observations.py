"""Readings as they come in, and observations as they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SeriesKey = tuple[str, str]  # (asset id, property id)


class Flag(IntEnum):
    """Quality flags of QARTOD (IOOS Quality Assurance of Real-Time Oceanographic Data, flag scheme, 2020)."""

    GOOD = 1
    NOT_EVALUATED = 2
    SUSPECT = 3
    FAIL = 4
    MISSING = 9


class Check(IntEnum):
    """Which check decided the flag: the reason that is stored with every observation."""

    NONE = 0
    MISSING_VALUE = 1
    QUARANTINE = 2
    BELOW_POSSIBLE = 10
    ABOVE_POSSIBLE = 11
    BELOW_LIKELY = 12
    ABOVE_LIKELY = 13
    CLOCK_AHEAD = 20
    OUTSIDE_CLIMATE = 30
    SPIKE = 31
    RATE_OF_CHANGE = 32
    FLAT_LINE = 33
    ATTENUATED = 34
    UNLIKE_NEIGHBOURS = 40
    UNIT_DOUBTFUL = 41
    DRIFTING = 42
    STATION_DOUBTFUL = 43
    CLOCK_OFF = 44
    RELEASED_BY_PERSON = 50
    HELD_BY_PERSON = 51
    ESTIMATED = 60
    SUBSTITUTED = 61
    DISPUTED = 62


class Reading(msgspec.Struct, frozen=True, omit_defaults=True):
    """One value as a device or file states it, before any judgement.

    `time` is the phenomenon time; None means "now, at arrival". `value` None means the device says "no value".
    `unit` is empty for the property's own unit. `asset` is empty for the device's own asset.
    """

    property: str
    value: float | None
    time: datetime | None = None
    asset: str = ""
    unit: str = ""


class Rejected(msgspec.Struct, frozen=True):
    """Something that cannot become an observation: which row, a stable code, and why in words. It is parked, not lost."""

    row: int
    code: str
    why: str
    content: str = ""


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One value of one property of one asset, judged and kept.

    `seq` is the sequence of the bus message it came in; 0 where it came otherwise.
    """

    asset: str
    property: str
    phenomenon_time: datetime
    result_time: datetime
    value: float | None
    flag: Flag
    check: Check = Check.NONE
    seq: int = 0
    source: str = ""


class Batch(msgspec.Struct, frozen=True, eq=False):
    """Many observations as columns, all of one length n.

    Attributes
    ----------
    keys : the distinct (asset, property) pairs
    series : (n,) int32, index into `keys`
    time_us, result_us : (n,) int64, phenomenon and result time [µs since 1970 UTC]
    value : (n,) float64, NaN where missing
    flag, check : (n,) uint8, `Flag` and `Check`
    seq : (n,) int64, sequence of the bus message of each row
    """

    keys: Sequence[SeriesKey]
    series: NDArray[np.int32]
    time_us: NDArray[np.int64]
    result_us: NDArray[np.int64]
    value: NDArray[np.float64]
    flag: NDArray[np.uint8]
    check: NDArray[np.uint8]
    seq: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.time_us)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Batch:
        """The rows chosen by an index or a mask, with the same keys."""
        return Batch(
            self.keys,
            self.series[rows],
            self.time_us[rows],
            self.result_us[rows],
            self.value[rows],
            self.flag[rows],
            self.check[rows],
            self.seq[rows],
        )


class Revisions(msgspec.Struct, frozen=True, eq=False):
    """New flags for rows that are kept already, as columns (m,). Values never change; the last revision of a row stands.

    Attributes
    ----------
    keys : the distinct (asset, property) pairs
    series : (m,) int32, index into `keys`
    time_us : (m,) int64, phenomenon time of the row meant [µs since 1970 UTC]
    flag, check : (m,) uint8, `Flag` and `Check`
    """

    keys: Sequence[SeriesKey]
    series: NDArray[np.int32]
    time_us: NDArray[np.int64]
    flag: NDArray[np.uint8]
    check: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.time_us)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Revisions:
        """The rows chosen by an index or a mask, with the same keys."""
        return Revisions(self.keys, self.series[rows], self.time_us[rows], self.flag[rows], self.check[rows])


def no_revisions() -> Revisions:
    """Revisions of nothing."""
    return Revisions([], np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.uint8), np.empty(0, np.uint8))


def empty_batch() -> Batch:
    """A batch of no rows."""
    return Batch(
        [],
        np.empty(0, np.int32),
        np.empty(0, np.int64),
        np.empty(0, np.int64),
        np.empty(0, np.float64),
        np.empty(0, np.uint8),
        np.empty(0, np.uint8),
        np.empty(0, np.int64),
    )
