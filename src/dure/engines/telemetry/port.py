"""The telemetry port: a dozen named questions, answered alike by every engine (tests/contracts/telemetry).

All methods block; callers in the event loop use threads. Times are µs since 1970 UTC, intervals half-open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec
import numpy as np

from dure.core.observations import Batch, Observation, Revisions, SeriesKey

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dure.core.properties import Property

Period = Literal["hour", "day", "month"]


class Appended(msgspec.Struct, frozen=True, eq=False):
    """What became of the n rows of a batch, and of the revisions that came with it.

    `fresh` (n,) bool: stored now. `conflict` (n,) bool: the same series and instant is already kept, with another
    value; the kept one stays. Rows that are neither are exact repeats and were dropped. `revised` counts the rows whose
    flag was revised, `unknown` the revisions of rows that are not kept: they are nothing.
    """

    fresh: NDArray[np.bool_]
    conflict: NDArray[np.bool_]
    revised: int = 0
    unknown: int = 0


class SeriesColumns(msgspec.Struct, frozen=True, eq=False):
    """One series in time order, as columns (n,)."""

    time_us: NDArray[np.int64]
    result_us: NDArray[np.int64]
    value: NDArray[np.float64]
    flag: NDArray[np.uint8]
    check: NDArray[np.uint8]
    seq: NDArray[np.int64]


class RollUpColumns(msgspec.Struct, frozen=True, eq=False):
    """Roll-ups as columns (n,), ordered by asset, then start.

    `n_good` … `n_missing` count rows by flag; `total`, `low`, `high` are sum, minimum and maximum of the usable rows
    (flags 1 and 3), NaN where there is none. `mean` is total / (n_good + n_suspect); for directions see `Property.aggregate`:
    there `mean` is the direction of the mean unit vector [deg].
    """

    asset: Sequence[str]
    start_us: NDArray[np.int64]
    n_good: NDArray[np.int64]
    n_not_evaluated: NDArray[np.int64]
    n_suspect: NDArray[np.int64]
    n_fail: NDArray[np.int64]
    n_missing: NDArray[np.int64]
    total: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


class Telemetry(Protocol):
    """The store of observations. One writer per partition; any number of readers."""

    def append(self, batch: Batch, cursors: Mapping[str, int], revised: Revisions | None = None) -> Appended:
        """Keep the rows not yet kept and the cursors (stream name -> last sequence) in one transaction.

        A row is the same observation when asset, property and phenomenon time are equal. Rows of one batch are
        checked against each other too; the first wins. Late rows are welcome. The hours touched are marked for roll-up.

        `revised` gives rows kept already, or kept by this call, another flag and check; values never change. The last
        revision of a row stands, whichever call brought it. Every answer but the roll-ups shows it at once; those do from
        the next `maintain` on, but for periods whose raw rows are no longer all here: their roll-ups stay as they are.
        """
        ...

    def cursor(self, stream: str) -> int:
        """Last sequence whose rows are kept; 0 when none."""
        ...

    def series(
        self, key: SeriesKey, start_us: int, end_us: int, *, as_of_us: int | None = None, limit: int | None = None
    ) -> SeriesColumns:
        """One series in time order; with `as_of_us` the rows known then (result time <= as of), flags as revised since."""
        ...

    def observations(
        self,
        keys: Sequence[SeriesKey],
        start_us: int,
        end_us: int,
        *,
        as_of_us: int | None = None,
        after: tuple[int, str, str] | None = None,
        limit: int = 10_000,
    ) -> list[Observation]:
        """Rows of some series ordered by (time, asset, property), from after the given position: a page."""
        ...

    def observation(self, key: SeriesKey, time_us: int) -> Observation | None:
        """One observation, for `dure explain`."""
        ...

    def rollup(
        self, property_id: str, period: Period, start_us: int, end_us: int, *, assets: Sequence[str] | None = None
    ) -> RollUpColumns:
        """Roll-ups of one property per asset and period (UTC hours, days, months), exact to the last append.

        Flags revised since the last `maintain` may still count as they were.

        Every period that overlaps the interval, each of them whole.
        """
        ...

    def totals(self, period: Period, start_us: int, end_us: int) -> dict[tuple[str, int], tuple[float, int]]:
        """(property, start_us) -> (sum, count) of usable rows over all assets, from roll-ups; periods as in `rollup`."""
        ...

    def latest(self, *, as_of_us: int | None = None) -> Batch:
        """The newest row (by phenomenon time) of every series, for the start of the latest-value table."""
        ...

    def keys(self) -> list[SeriesKey]:
        """All series ever seen."""
        ...

    def day(self, day_start_us: int, day_end_us: int) -> Iterator[Batch]:
        """All rows of an interval in chunks, sorted by (property, asset, time): for the archive and exports."""
        ...

    def touched_days(self, since_us: int) -> list[int]:
        """Starts of UTC days (µs) that received rows with result time >= `since_us`, or that `revised_days` names.

        What the archive must write anew.
        """
        ...

    def revised_days(self, since_us: int) -> list[int]:
        """Starts of UTC days (µs) with rows whose flags were revised at or after an instant of this machine's clock."""
        ...

    def count(self, start_us: int = 0, end_us: int = 2**62) -> int:
        """Rows kept in an interval."""
        ...

    def maintain(self, *, now_us: int, seconds: float = 1.0) -> bool:
        """Fold revised flags in, roll up touched hours, compact, checkpoint; True when more is to be done."""
        ...

    def expire(self, properties: Sequence[Property], *, now_us: int, archived_until_us: int) -> int:
        """Drop raw rows past their property's retention that are archived; the roll-ups stay. Rows dropped.

        Whole UTC days; a row counts as archived when its phenomenon and its result time are before `archived_until_us`.
        """
        ...

    def check(self) -> None:
        """Raise Unavailable or Corrupt when the store cannot answer."""
        ...

    def backup(self, folder: str) -> None:
        """A consistent copy into the folder, while appends go on."""
        ...

    def close(self) -> None:
        """Checkpoint and let go."""
        ...
