"""Revised flags as sorted columns: which rows they mean, and how they are laid over rows that were read. Pure arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from dure.core.observations import Revisions

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Pending(msgspec.Struct, frozen=True, eq=False):
    """New flags of m rows, one for each row, sorted by (series, time).

    Attributes
    ----------
    series : (m,) int32, number of the series
    time_us : (m,) int64, phenomenon time [µs since 1970 UTC]
    flag, check : (m,) uint8, `Flag` and `Check`
    order : (m,) int64, number of the revision; a later one of the same row wins
    """

    series: NDArray[np.int32]
    time_us: NDArray[np.int64]
    flag: NDArray[np.uint8]
    check: NDArray[np.uint8]
    order: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.time_us)

    def plus(self, other: Pending) -> Pending:
        """Both together, the later revision of each row."""
        if not len(other):
            return self
        names = ("series", "time_us", "flag", "check", "order")
        return last_of(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in names))

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Pending:
        """The revisions chosen by an index or a mask; an index in ascending order."""
        return Pending(self.series[rows], self.time_us[rows], self.flag[rows], self.check[rows], self.order[rows])

    def newer_than(self, order: int) -> Pending:
        """Revisions after a number."""
        return self.take(self.order > order) if len(self) else self

    def columns(self, at_us: int) -> dict[str, NDArray[Any]]:
        """The columns of the table that keeps them, with the instant they came [µs]."""
        return {
            "n": self.order,
            "series": self.series,
            "time_us": self.time_us,
            "flag": self.flag,
            "chk": self.check,
            "at_us": np.full(len(self), at_us, np.int64),
        }

    def own(self, series: NDArray[np.int32], time_us: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the revisions mean one of the n rows given (m,)."""
        found = np.zeros(len(self), bool)
        place = self.places(series, time_us)
        found[place[place >= 0]] = True
        return found

    def places(self, series: NDArray[np.int32] | int, time_us: NDArray[np.int64]) -> NDArray[np.intp]:
        """For each of n rows the place of its revision here (n,), -1 where there is none.

        `series` is (n,), or one number for all rows.
        """
        if not len(self) or not len(time_us):
            return np.full(len(time_us), -1, np.intp)
        if isinstance(series, int):
            return self._places_of_one(series, time_us)
        times = np.unique(self.time_us)
        rank = np.minimum(np.searchsorted(times, time_us), len(times) - 1)
        keys = self.series.astype(np.int64) * len(times) + np.searchsorted(times, self.time_us)
        wanted = np.asarray(series, np.int64) * len(times) + rank
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where((times[rank] == time_us) & (keys[place] == wanted), place, -1)

    def _places_of_one(self, series: int, time_us: NDArray[np.int64]) -> NDArray[np.intp]:
        first, last = np.searchsorted(self.series, series, "left"), np.searchsorted(self.series, series, "right")
        if first == last:
            return np.full(len(time_us), -1, np.intp)
        own = self.time_us[first:last]
        place = np.minimum(np.searchsorted(own, time_us), len(own) - 1)
        return np.where(own[place] == time_us, place + first, -1)

    def patched(
        self, series: NDArray[np.int32] | int, time_us: NDArray[np.int64], flag: NDArray[np.uint8], check: NDArray[np.uint8]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Flags and checks of n rows with the revisions laid over them; the arrays given stay as they are."""
        if not len(self):
            return flag, check
        place = self.places(series, time_us)
        hit = place >= 0
        if not hit.any():
            return flag, check
        return np.where(hit, self.flag[place], flag), np.where(hit, self.check[place], check)


def last_of(
    series: NDArray[np.int32],
    time_us: NDArray[np.int64],
    flag: NDArray[np.uint8],
    check: NDArray[np.uint8],
    order: NDArray[np.int64],
) -> Pending:
    """The last revision of each row, sorted by (series, time)."""
    rows = np.lexsort((order, time_us, series))
    ordered_series, ordered_time = series[rows], time_us[rows]
    last = np.ones(len(rows), bool)
    last[:-1] = (ordered_series[1:] != ordered_series[:-1]) | (ordered_time[1:] != ordered_time[:-1])
    kept = rows[last]
    return Pending(series[kept], time_us[kept], flag[kept], check[kept], order[kept])


def none_pending() -> Pending:
    """No revisions."""
    return Pending(
        np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.uint8), np.empty(0, np.uint8), np.empty(0, np.int64)
    )


def pending_of(revised: Revisions | None, numbers: Sequence[int], start: int = 0) -> tuple[Pending, int]:
    """Revisions by series number, numbered from `start`; and how many rows of unknown series they mean.

    `numbers` gives the series number of each key, -1 where it is not known.
    """
    if revised is None or not len(revised):
        return none_pending(), 0
    order = np.arange(start, start + len(revised), dtype=np.int64)
    meant = last_of(revised.series, revised.time_us, revised.flag, revised.check, order)
    series = np.asarray(numbers, np.int32)[meant.series]
    known = series >= 0
    found = last_of(series[known], *(getattr(meant, name)[known] for name in ("time_us", "flag", "check", "order")))
    return found, int(len(meant) - known.sum())
