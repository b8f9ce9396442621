"""The newest value of every series, in memory; screens follow it by server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress

import msgspec
import numpy as np

from dure.core.observations import Batch, Check, Flag, SeriesKey


class LiveValue(msgspec.Struct, frozen=True):
    """The newest observation of one series. `value` is None where it is missing."""

    asset: str
    property: str
    time_us: int
    result_us: int
    value: float | None
    flag: int
    check: int
    seq: int = 0

    @property
    def usable(self) -> bool:
        """Whether a screen may show the number: flags good and suspect."""
        return self.value is not None and self.flag in (Flag.GOOD, Flag.SUSPECT)


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
        return [values[property_id] for values in self._by_asset.values() if property_id in values]

    def all(self) -> list[LiveValue]:
        """Every newest value."""
        return [value for values in self._by_asset.values() for value in values.values()]

    def load(self, values: Iterable[LiveValue]) -> None:
        """Take values in at start, telling nobody."""
        for value in values:
            self._by_asset.setdefault(value.asset, {})[value.property] = value

    def update(self, batch: Batch) -> list[LiveValue]:
        """Take in stored rows; those that are now newest are returned and sent to the followers."""
        if not len(batch):
            return []
        order = np.lexsort((batch.time_us, batch.series))
        last = order[np.append(np.diff(batch.series[order]) != 0, True)]
        changed = []
        columns = (batch.series, batch.time_us, batch.result_us, batch.value, batch.flag, batch.check, batch.seq)
        for series, time_us, result_us, value, flag, check, seq in zip(
            *(column[last].tolist() for column in columns), strict=True
        ):
            asset, property_id = batch.keys[series]
            known = self._by_asset.setdefault(asset, {})
            before = known.get(property_id)
            if before is None or before.time_us < time_us:
                shown = None if value != value else value  # noqa: PLR0124  # NaN is the one value unlike itself
                new = LiveValue(asset, property_id, time_us, result_us, shown, flag, check, seq)
                known[property_id] = new
                self._unsaved[(asset, property_id)] = new
                changed.append(new)
        if changed:
            self._tell(changed)
        return changed

    def take_unsaved(self) -> list[LiveValue]:
        """Values changed since the last call, to be flushed to the records."""
        unsaved, self._unsaved = self._unsaved, {}
        return list(unsaved.values())

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


def reason(check: int) -> Check:
    """The check that decided a flag."""
    return Check(check)
