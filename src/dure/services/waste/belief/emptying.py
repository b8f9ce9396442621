"""When was a bin emptied: a fall of the level, better one with movement or a tap beside it; and when was it not.

A fall alone is an emptying, for most sensors say nothing else; but a level that comes back to where it was before the next
chance was a sensor's slip (`came_back`). A planned visit without a fall and without a tap is a missed pick-up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dure.services.waste.belief.belief_rules import BeliefRules, EmptyingRules
    from dure.services.waste.model import BoolArray, FloatArray

HOUR_US = 3_600_000_000
Evidence = Literal["tap", "counter", "movement", "fall"]


@dataclass(frozen=True)
class Emptying:
    """One emptying of a bin. `evidence`: what shows it, the surest of tap, counter, movement, fall; `left` what remained [1]."""

    at_us: int
    before: float
    left: float
    evidence: Evidence
    partial: bool


def is_drop(before: FloatArray, after: FloatArray, sd: FloatArray, rules: EmptyingRules) -> BoolArray:
    """(n,) whether a level fell by more than settling and noise."""
    found: BoolArray = before - after > np.maximum(rules.drop_min, rules.drop_sd * sd)
    return found


def came_back(before: FloatArray, since_us: NDArray[np.int64], after: FloatArray, rules: EmptyingRules) -> BoolArray:
    """(n,) whether a level is again where it was before a fall nobody confirmed, so soon that it was no emptying.

    `before` nan: there was no such fall.
    """
    near = np.abs(after - before) <= rules.back_within
    return np.nan_to_num(near, nan=0.0).astype(np.bool_) & np.isfinite(before) & (since_us <= rules.back_h * HOUR_US)


def emptyings(
    time_us: NDArray[np.int64],
    level: FloatArray,
    rules: BeliefRules,
    *,
    moved_us: Sequence[int] = (),
    taps_us: Sequence[int] = (),
    counter_us: Sequence[int] = (),
) -> list[Emptying]:
    """Emptyings of one bin in a span of readings, each once, in order.

    Parameters
    ----------
    time_us, level : (m,) readings of the bin in order of time, [µs] and [1]
    moved_us : when it was tilted or its lid opened; taps_us : when a crew said "emptied"; counter_us : when its counter rose
    """
    near_us = int(rules.emptying.tap_h * HOUR_US)
    sd = np.full(max(len(level) - 1, 0), rules.seeing.sensor_sd)
    falls = np.flatnonzero(is_drop(level[:-1], level[1:], sd, rules.emptying)) + 1
    falls = np.array([row for row in falls if not _returns(time_us, level, int(row), rules.emptying)], np.int64)
    found: list[Emptying] = []
    for row in falls:
        at_us, before, left = int(time_us[row]), float(level[row - 1]), float(level[row])
        evidence = _evidence(int(time_us[row - 1]), at_us, near_us, (taps_us, counter_us, moved_us))
        found.append(Emptying(at_us, before, left, evidence, left > rules.emptying.partial_left))
    for kind, times in (("tap", taps_us), ("counter", counter_us)):
        for at_us in times:
            if all(abs(at_us - one.at_us) > near_us for one in found):
                before = _last_level(time_us, level, at_us)
                found.append(Emptying(at_us, before, 0.0, "tap" if kind == "tap" else "counter", partial=False))
    return sorted(found, key=lambda one: one.at_us)


def missed_pickups(planned_us: Sequence[int], found: Sequence[Emptying], within_h: float = 24.0) -> list[int]:
    """Planned visits [µs] that no emptying followed or came shortly before."""
    reach_us = int(within_h * HOUR_US)
    return [at_us for at_us in planned_us if all(not -reach_us // 4 <= one.at_us - at_us <= reach_us for one in found)]


def _evidence(start_us: int, end_us: int, near_us: int, signs: tuple[Sequence[int], ...]) -> Evidence:
    names: tuple[Evidence, ...] = ("tap", "counter", "movement")
    for name, times in zip(names, signs, strict=True):
        if any(start_us - near_us <= one <= end_us + near_us for one in times):
            return name
    return "fall"


def _returns(time_us: NDArray[np.int64], level: FloatArray, row: int, rules: EmptyingRules) -> bool:
    """Whether the reading after a fall is back at the level before it."""
    if row + 1 >= len(level):
        return False
    before, since = level[row - 1 : row], time_us[row + 1 : row + 2] - time_us[row]
    return bool(came_back(before, since, level[row + 1 : row + 2], rules)[0])


def _last_level(time_us: NDArray[np.int64], level: FloatArray, at_us: int) -> float:
    row = int(np.searchsorted(time_us, at_us, side="right")) - 1
    return float(level[row]) if row >= 0 else float("nan")
