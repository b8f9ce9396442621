"""The newest value of every series, in memory; screens follow it by server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from math import isnan

import msgspec
import numpy as np

from dure.core.observations import Batch, Flag, Revisions, SeriesKey

NEVER_US = -(2**63)


class LiveValue(msgspec.Struct, frozen=True):
    """The newest observation of one series. `value` is None where it is missing.

    `revised` says that its flag changed after it came; `seq` is then that of the change.
    """

    asset: str
    property: str
    time_us: int
    result_us: int
    value: float | None
    flag: int
    check: int
    seq: int = 0
    revised: bool = False

    def is_usable(self) -> bool:
        """Whether a screen may show the number: flags good and suspect."""
        return self.value is not None and self.flag in {Flag.GOOD, Flag.SUSPECT}


def live_values(batch: Batch) -> list[LiveValue]:
    """The rows of a batch as live values."""
    columns = (batch.series, batch.time_us, batch.result_us, batch.value, batch.flag, batch.check, batch.seq)
    return [
        LiveValue(
            batch.keys[series][0], batch.keys[series][1], time_us, result_us, None if isnan(value) else value, flag, check, seq
        )
        for series, time_us, result_us, value, flag, check, seq in zip(*(c.tolist() for c in columns), strict=True)
    ]


class Live:
    """Newest value by (asset, property); newest is by phenomenon time, so late rows do not disturb it."""

    FOLLOWER_BACKLOG_MAX = 64

    def __init__(self) -> None:
        self._by_asset: dict[str, dict[str, LiveValue]] = {}
        self._unsaved: dict[SeriesKey, LiveValue] = {}
        self._followers: set[asyncio.Queue[list[LiveValue]]] = set()

    def get(self, asset: str, property_id: str) -> LiveValue | None:
        """Newest value of one series."""
        return self._by_asset.get(asset, {}).get(property_id)

    def of_asset(self, asset: str) -> dict[str, LiveValue]:
        """Newest values of one asset by property."""
        return dict(self._by_asset.get(asset, {}))

    def of_property(self, property_id: str) -> list[LiveValue]:
        """Newest value of one property at every asset that has it."""
        found = (values.get(property_id) for values in list(self._by_asset.values()))  # a copy: rounds ask from threads
        return [value for value in found if value is not None]

    def all(self) -> list[LiveValue]:
        """Every newest value."""
        return [value for values in list(self._by_asset.values()) for value in list(values.values())]

    def load(self, values: Iterable[LiveValue]) -> None:
        """Take values in at start, telling nobody; they count as unsaved, so the records catch up."""
        for value in values:
            self._by_asset.setdefault(value.asset, {})[value.property] = value
            self._unsaved[value.asset, value.property] = value

    def take(self, values: Iterable[LiveValue]) -> None:
        """Take in changes another process found, and tell the followers."""
        changed = [value for value in values if self._is_newer(value)]
        for value in changed:
            self._by_asset.setdefault(value.asset, {})[value.property] = value
        if changed:
            self._tell(changed)

    def _is_newer(self, value: LiveValue) -> bool:
        known = self.get(value.asset, value.property)
        if known is None or known.time_us < value.time_us:
            return True
        is_judged_anew = known.time_us == value.time_us and (known.flag, known.check) != (value.flag, value.check)
        return is_judged_anew and known.seq <= value.seq

    def update(self, batch: Batch, revised: Revisions | None = None, seq: int = 0) -> list[LiveValue]:
        """Take in stored rows, then revised flags; newest values that changed are returned and sent to the followers.

        `seq` is the sequence the revisions came with.
        """
        changed = {(one.asset, one.property): one for one in self._renew(batch)}
        if revised is not None:
            changed |= {(one.asset, one.property): one for one in self._revise(revised, seq)}
        if changed:
            self._tell(list(changed.values()))
        return list(changed.values())

    def _renew(self, batch: Batch) -> list[LiveValue]:
        if not len(batch):
            return []
        order = np.lexsort((batch.time_us, batch.series))
        last = order[np.append(np.diff(batch.series[order]) != 0, True)]
        changed = []
        for new in live_values(batch.take(last)):
            known = self._by_asset.setdefault(new.asset, {})
            before = known.get(new.property)
            if before is None or before.time_us < new.time_us:
                known[new.property] = new
                self._unsaved[new.asset, new.property] = new
                changed.append(new)
        return changed

    def _revise(self, revised: Revisions, seq: int) -> list[LiveValue]:
        """Newest values whose flag is another now."""
        known = [self.get(asset, property_id) for asset, property_id in revised.keys]
        newest = np.array([NEVER_US if one is None else one.time_us for one in known], np.int64)
        rows = np.flatnonzero(newest[revised.series] == revised.time_us) if known else np.empty(0, np.intp)
        last = {series: row for row, series in zip(rows.tolist(), revised.series[rows].tolist(), strict=True)}
        changed = []
        for series, row in last.items():
            before = known[series]
            flag, check = int(revised.flag[row]), int(revised.check[row])
            if before is None or (before.flag, before.check) == (flag, check):
                continue
            new = msgspec.structs.replace(before, flag=flag, check=check, seq=max(before.seq, seq), revised=True)
            self._by_asset[new.asset][new.property] = new
            self._unsaved[new.asset, new.property] = new
            changed.append(new)
        return changed

    def take_unsaved(self) -> list[LiveValue]:
        """Values changed since the last call, to be flushed to the records."""
        unsaved, self._unsaved = self._unsaved, {}
        return list(unsaved.values())

    def return_unsaved(self, values: Iterable[LiveValue]) -> None:
        """Give back values whose flush failed; newer ones that came meanwhile stay."""
        for value in values:
            self._unsaved.setdefault((value.asset, value.property), value)

    def _tell(self, changed: list[LiveValue]) -> None:
        for queue in self._followers:
            if queue.full():  # a slow page skips what it missed: the next value of each series is newer anyway
                with suppress(asyncio.QueueEmpty):
                    queue.get_nowait()
            queue.put_nowait(changed)

    async def follow(self) -> AsyncIterator[list[LiveValue]]:
        """Changes from now on, for one open page. Call in the event loop that calls `update`."""
        queue: asyncio.Queue[list[LiveValue]] = asyncio.Queue(self.FOLLOWER_BACKLOG_MAX)
        self._followers.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._followers.discard(queue)
