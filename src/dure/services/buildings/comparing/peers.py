"""Where a building stands among its like: same use, size class and region; the group grows when it is too small.

First the region is dropped, then the size class. What was dropped is told. Fewer than ``peers_min`` others: no place at all.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Literal

import msgspec

from dure.core.text import Text
from dure.emissions.conversion import Refused
from dure.services.buildings.comparing.compare_rules import CompareRules
from dure.services.buildings.comparing.eui import Eui
from dure.services.buildings.model import Building

Level = Literal["use_size_region", "use_size", "use"]
LEVELS: tuple[Level, ...] = ("use_size_region", "use_size", "use")


class Place(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A building among its peers.

    Attributes
    ----------
    level : which of use, size class and region the group shares; size, region : empty where they were dropped
    others_n : how many other buildings are in it
    percentile : share of them that use less per m2, those equal counted half [%]
    low, median, high : quartiles of the group, itself included [kWh/m2]
    """

    level: Level
    use: str
    size: str
    region: str
    others_n: int
    percentile: float
    low: float
    median: float
    high: float


class Peers:
    """All comparable buildings by what they share; asked once for each."""

    def __init__(self, buildings: Mapping[str, Building], euis: Mapping[str, Eui], rules: CompareRules) -> None:
        self._buildings, self._rules = buildings, rules
        fewest = rules.peers_min
        words = Text(f"견줄 건물이 {fewest}개가 되지 않습니다.", f"There are fewer than {fewest} others like it.")
        self._few = Refused("peers.too_few", words)
        groups: dict[tuple[str, str, str], list[float]] = {}
        self._known = {one.building: self._keys(one) for one in euis.values() if one.comparable}
        for one in euis.values():
            if one.comparable:
                for key in dict.fromkeys(self._known[one.building]):  # without a region two of its keys are one
                    groups.setdefault(key, []).append(one.kwh_m2)
        self._groups = {key: sorted(values) for key, values in groups.items()}

    def _keys(self, one: Eui) -> tuple[tuple[str, str, str], ...]:
        building = self._buildings[one.building]
        size = self._rules.size_of(one.area_m2)
        size_id = size.id if size else ""
        return ((building.use, size_id, building.region), (building.use, size_id, ""), (building.use, "", ""))

    def place(self, one: Eui) -> Place | Refused:
        """Its place; refused with ``peers.incomplete`` or ``peers.too_few``."""
        if not one.comparable:
            words = Text("빠진 달이 있어 견주지 않습니다.", "It is not compared: months are missing.")
            return Refused("peers.incomplete", words)
        for level, key in zip(LEVELS, self._known.get(one.building) or self._keys(one), strict=True):
            values = self._groups.get(key, [])
            if len(values) - 1 >= self._rules.peers_min:
                return _place(level, key, values, one.kwh_m2)
        return self._few


def _place(level: Level, key: tuple[str, str, str], values: list[float], value: float) -> Place:
    below, upto = bisect_left(values, value), bisect_right(values, value)
    others = len(values) - 1
    percentile = 100 * (below + (upto - below - 1) / 2) / others
    low, median, high = (quantile(values, part) for part in (0.25, 0.5, 0.75))
    use, size, region = key
    return Place(
        level=level, use=use, size=size, region=region, others_n=others, percentile=percentile, low=low, median=median, high=high
    )


def quantile(values: list[float], part: float) -> float:
    """Quantile of sorted values, linear between neighbours (Hyndman and Fan type 7, doi:10.2307/2684934)."""
    at = (len(values) - 1) * part
    lower = int(at)
    upper = min(lower + 1, len(values) - 1)
    return values[lower] + (values[upper] - values[lower]) * (at - lower)
