"""Which readings of bins were taken, to find those that came when later ones were taken already.

A gateway that was out of reach sends what it kept; a level that is made from a late distance stands in the past. What was taken
is remembered; the bins are compared with what telemetry keeps of them in turn, a few each round. After a restart, until a bin had
its turn, what was received before its belief was kept counts as taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dure.core.observations import Flag
from dure.services.waste.belief.observations import PROPERTY_KINDS
from dure.services.waste.belief.state import NEVER_US, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from dure.engines.telemetry.port import SeriesColumns
    from dure.services.waste.belief.observations import Seen

USABLE = (Flag.GOOD, Flag.SUSPECT)
_NAMES = {kind: name for name, kind in PROPERTY_KINDS.items()}
_NONE = np.empty(0, np.int64)


class Taken:
    """Instants of the readings that were taken, of each series; a bin is `known` once all of them are remembered."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, Kind], NDArray[np.int64]] = {}
        self._since_us: dict[str, int] = {}

    def begin(self, kept_us: Mapping[str, int]) -> None:
        """Bins whose beliefs were kept at an instant [µs], as they are read from the records; those known already stay."""
        self._since_us = {bin_id: self._since_us.get(bin_id, at_us) for bin_id, at_us in kept_us.items()}
        self._times = {key: times for key, times in self._times.items() if key[0] in self._since_us}

    def add(self, seen: Iterable[Seen]) -> None:
        """What was taken now."""
        for key, times in _by_series(seen).items():
            self._times[key] = np.concatenate((self._times.get(key, _NONE), times))

    def renew(self, bins: Iterable[str], seen: Iterable[Seen]) -> None:
        """All that was taken of some bins that were replayed: from now on they are known."""
        self._since_us |= dict.fromkeys(bins, NEVER_US)
        for one in bins:
            for kind in _NAMES:
                self._times.pop((one, kind), None)
        self.add(seen)

    def differs(self, bin_id: str, kind: Kind, past: SeriesColumns, read_us: int) -> bool:
        """Whether readings until the last that was read appeared, or ceased to be usable, since they were taken."""
        if not len(past.time_us):
            return False
        usable = np.isin(past.flag, USABLE) & np.isfinite(past.value) & (past.time_us <= read_us)
        kept = past.time_us[usable]
        times = np.unique(self._times.get((bin_id, kind), _NONE))
        times = times[(times >= past.time_us[0]) & (times <= read_us)]
        since_us = self._since_us.get(bin_id, NEVER_US)
        self._times[bin_id, kind] = kept
        if since_us == NEVER_US:
            return not np.array_equal(times, kept)
        return bool((~np.isin(kept, times) & (past.result_us[usable] > since_us)).any())

    def compared(self, bin_id: str) -> None:
        """All series of a bin were compared: it is known from now on."""
        self._since_us[bin_id] = NEVER_US


def _by_series(seen: Iterable[Seen]) -> dict[tuple[str, Kind], NDArray[np.int64]]:
    found: dict[tuple[str, Kind], list[int]] = {}
    for one in seen:
        if one.kind in _NAMES:
            found.setdefault((one.bin, one.kind), []).append(one.time_us)
    return {key: np.array(times, np.int64) for key, times in found.items()}
