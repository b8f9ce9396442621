"""What a store remembers of its series: their numbers, and the newest instant of each. Both engines use it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dure.core.observations import SeriesKey

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEVER = -(2**63)


class KnownSeries(Sequence[str]):
    """Series by number, in order of appearance; as a sequence, the asset of each number.

    A row newer than its series' newest cannot be a repeat, so only late rows need a look-up.
    """

    def __init__(self, keys: Iterable[SeriesKey] = (), props: Mapping[str, int] | None = None) -> None:
        self.keys: list[SeriesKey] = list(keys)
        self.ids: dict[SeriesKey, int] = {key: index for index, key in enumerate(self.keys)}
        self.props: dict[str, int] = dict(props or {})
        for _, property_id in self.keys:
            self.props.setdefault(property_id, len(self.props))
        self._newest = np.full(max(1024, len(self.keys) * 2), NEVER, np.int64)

    def __getitem__(self, series: int) -> str:  # type: ignore[override]  # never sliced
        return self.keys[series][0]

    def __len__(self) -> int:
        return len(self.keys)

    def numbers(self, keys: Sequence[SeriesKey]) -> NDArray[np.int32]:
        """Number of each key; new ones are given the next."""
        for key in keys:
            if key not in self.ids:
                self.props.setdefault(key[1], len(self.props))
                self.keys.append(key)
                self.ids[key] = len(self.keys) - 1
        if len(self.keys) > len(self._newest):
            self._newest = np.append(self._newest, np.full(len(self.keys), NEVER, np.int64))
        return np.array([self.ids[key] for key in keys], np.int32)

    def of_property(self, property_id: str) -> list[int]:
        """Numbers of a property's series."""
        return [index for index, key in enumerate(self.keys[:]) if key[1] == property_id]

    def late(self, series: NDArray[np.int32], time_us: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Rows that are not newer than their series' newest."""
        found: NDArray[np.bool_] = time_us <= self._newest[series]
        return found

    def saw(self, series: NDArray[np.int32], time_us: NDArray[np.int64]) -> None:
        """Remember that these rows are kept."""
        np.maximum.at(self._newest, series, time_us)
