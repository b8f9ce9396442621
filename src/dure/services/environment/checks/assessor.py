"""The judgement of series in the recorder: the state of every series with limits, and what a person or a check holds back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from dure.core.observations import Check, Flag, Revisions, no_revisions
from dure.core.quality import assessed
from dure.services.environment.checks import quality_columns as c
from dure.services.environment.checks.quality import Limits, Pushed, Stream, compiled_kernel, interpreted_kernel
from dure.spine.house import Assessed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dure.core.observations import Batch, SeriesKey
    from dure.engines.telemetry.port import Telemetry
    from dure.services.environment.checks.quality import Kernel

Hold = tuple[int, int]  # flag, check
Holds = Mapping[tuple[str, str], Hold]  # (asset, property) -> what its rows get at least; property "" is all of the asset
HOUR_US = 3_600_000_000
WARM_ROWS_MAX = 2_000_000  # rows read again after a start; a larger city warms fewer hours
WARM_HOURS_MAX = 48
INTERPRETED_ROWS_MAX = 50_000  # more than these wait at the start for the compiled loop
NO_SLOT = -1
_NOT_HELD = (int(Flag.MISSING), 0)
# Rows that cannot be true are no neighbours of others; a time that is wrong must not move its series on.
_REFUSED = (Check.BELOW_POSSIBLE, Check.ABOVE_POSSIBLE)
_LEAVES_NO_TRACE = (Check.CLOCK_AHEAD,)


def no_holds() -> Holds:
    """Nothing is held back."""
    return {}


class QualityAssessor:
    """Judges the rows of a batch by the tests of their property; implements `dure.spine.house.Assessor`.

    Until the compiled loop is ready (a moment from the cache, some seconds where there is none), the interpreted one
    judges: nobody waits, and the flags are the same.
    """

    def __init__(
        self, limits: Mapping[str, Limits], holds: Callable[[], Holds] = no_holds, *, kernel: Kernel | None = None
    ) -> None:
        self._limits = list(limits.values())
        self._numbers = {property_id: number for number, property_id in enumerate(limits)}
        self._holds = holds
        self._kernel = kernel
        self._preparing: threading.Thread | None = None
        self._begin_anew()

    def prepare(self) -> None:
        """Make the compiled loop ready beside everything else; once."""
        if self._kernel is None and self._preparing is None:
            self._preparing = threading.Thread(target=self._compile, name="quality-kernel", daemon=True)
            self._preparing.start()

    def _compile(self) -> None:
        self._kernel = compiled_kernel()

    def _begin_anew(self) -> None:
        self._stream = Stream(self._limits, self._kernel or interpreted_kernel())
        self._keys: list[SeriesKey] = []
        self._known: dict[SeriesKey, int] = {}
        self._flag = np.zeros(8, np.uint8)  # of the newest row of each slot, as it is kept
        self._check = np.zeros(8, np.uint8)

    def assess(self, batch: Batch) -> Assessed:
        """Flags of the rows, and new flags of the row before where this one shows that it was a spike."""
        self.prepare()
        slots = self._slots(batch)[batch.series]
        rows = np.flatnonzero(slots >= 0)
        slots = slots[rows]
        flag, check = batch.flag.copy(), batch.check.copy()
        pushed = self._push(batch, rows, slots)
        flag[rows], check[rows] = _worse(flag[rows], check[rows], pushed.rows.flag, pushed.rows.check)
        self._hold(batch, flag, check)
        revised = self._revisions(slots[pushed.earlier], pushed.earlier_us, pushed.earlier_flag)
        self._remember(slots[pushed.newest], flag[rows[pushed.newest]], check[rows[pushed.newest]])
        return Assessed(flag, check, revised)

    def _push(self, batch: Batch, rows: NDArray[np.intp], slots: NDArray[np.int64]) -> Pushed:
        if self._kernel is not None:
            self._stream.kernel = self._kernel
        return self._stream.push(slots, batch.time_us[rows], batch.value[rows], feeds_of(batch.check[rows]))

    def _remember(self, slots: NDArray[np.int64], flag: NDArray[np.uint8], check: NDArray[np.uint8]) -> None:
        """Flags of the newest row of each series, as they are kept: a spike may make them worse."""
        self._flag[slots], self._check[slots] = flag, check

    def _revisions(self, slots: NDArray[np.int64], time_us: NDArray[np.int64], spike: NDArray[np.uint8]) -> Revisions:
        """Rows kept before whose spike flag is worse than the flag they have."""
        bad = (spike == Flag.SUSPECT) | (spike == Flag.FAIL)
        slots, time_us, spike = slots[bad], time_us[bad], spike[bad]
        was_flag, was_check = self._flag[slots], self._check[slots]
        flag, check = _worse(was_flag, was_check, spike, np.full(len(spike), Check.SPIKE, np.uint8))
        changed = np.flatnonzero((flag != was_flag) | (check != was_check))
        if not len(changed):
            return no_revisions()
        keys = [self._keys[slot] for slot in slots[changed].tolist()]
        return Revisions(keys, np.arange(len(keys), dtype=np.int32), time_us[changed], flag[changed], check[changed])

    def _slots(self, batch: Batch) -> NDArray[np.int64]:
        """Slot of each key of a batch; NO_SLOT for a property without limits."""
        return np.array([self._known.get(key) or self._slot(key) for key in batch.keys], np.int64).reshape(len(batch.keys))

    def _slot(self, key: SeriesKey) -> int:
        slot = self._known.get(key)
        if slot is not None:
            return slot
        number = self._numbers.get(key[1])
        slot = self._known[key] = NO_SLOT if number is None else self._stream.open(key, number)
        if slot >= 0:
            self._keys.append(key)
            if slot == len(self._flag):
                self._flag = np.concatenate([self._flag, np.zeros_like(self._flag)])
                self._check = np.concatenate([self._check, np.zeros_like(self._check)])
        return slot

    def _hold(self, batch: Batch, flag: NDArray[np.uint8], check: NDArray[np.uint8]) -> None:
        """Give the rows of held series at least the flag they are held at, in place."""
        holds = self._holds()
        if not holds:
            return
        for keys in ([(asset, "") for asset, _ in batch.keys], batch.keys):
            held = np.array([holds.get(key, _NOT_HELD) for key in keys], np.uint8).reshape(len(keys), 2)[batch.series]
            rows = np.flatnonzero(held[:, 0] != Flag.MISSING)
            flag[rows], check[rows] = _worse(flag[rows], check[rows], held[rows, 0], held[rows, 1])

    def warm(self, telemetry: Telemetry, now_us: int) -> None:
        """Take up the state of all series from the rows kept of the last hours; starts from nothing each time."""
        self.prepare()
        start_us = now_us - self._warm_us()
        while (n := telemetry.count(start_us, now_us)) > WARM_ROWS_MAX and now_us - start_us > HOUR_US:
            start_us += (now_us - start_us) // 2
        if self._preparing is not None and n > INTERPRETED_ROWS_MAX:
            self._preparing.join()
        self._begin_anew()
        for batch in telemetry.day(start_us, now_us + HOUR_US):
            slots = self._slots(batch)[batch.series]
            rows = np.flatnonzero(slots >= 0)
            newest = self._push(batch, rows, slots[rows]).newest
            self._remember(slots[rows[newest]], batch.flag[rows[newest]], batch.check[rows[newest]])

    def _warm_us(self) -> int:
        hours = max((one.memory_s for one in self._limits), default=0.0) / 3600
        return int(min(max(hours, 1.0), WARM_HOURS_MAX) * HOUR_US)


def _worse(
    flag: NDArray[np.uint8], check: NDArray[np.uint8], new_flag: NDArray[np.uint8], new_check: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Flags after a further judgement as `core.quality.assessed` has them, but the first reason of a flag stays its reason."""
    changed_flag, changed_check = assessed(flag, check, new_flag, new_check)
    held = (flag == Flag.NOT_EVALUATED) & (check == Check.QUARANTINE) & (new_flag == Flag.SUSPECT)
    return changed_flag, np.where((changed_flag != flag) | held, changed_check, check)


def feeds_of(check: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """How each row counts for later ones of its series, by the check it came with: `Stream.push` and `why` take it."""
    feeds = np.full(len(check), c.FEEDS, np.uint8)
    feeds[np.isin(check, _REFUSED)] = c.REFUSED
    feeds[np.isin(check, _LEAVES_NO_TRACE)] = c.POINTWISE
    return feeds
