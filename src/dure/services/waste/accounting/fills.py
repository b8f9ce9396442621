"""How bins filled, read back from what was observed: the history on which the plan and the baseline are both replayed.

Between two emptyings a level only rises, so each spell is the best rising curve through its readings (isotonic regression,
pool adjacent violators): noise is neither counted as waste nor lost. What a crew saw before emptying closes a spell; where
nobody looked, a bin is taken to fill at its usual rate, and the share of such days is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dure.services.waste.model import BoolArray, FloatArray

DAY_US = 86_400_000_000


class Look(NamedTuple):
    """One observation of a bin: its level [1], None when nobody said; whether it was emptied right after."""

    at_us: int
    level: float | None
    emptied: bool = False


@dataclass(frozen=True, eq=False)
class Fills:
    """Rise of n bins on t days.

    Attributes
    ----------
    rise : (t, n) what was thrown in on each day, as a share of the bin [1]
    watched : (t, n) whether the day lies between two observations; else the rise is the bin's usual one
    emptied : (t, n) whether it was emptied on the day, told by a crew or shown by a fall of the level
    start : (n,) level when the first day begins [1]
    """

    bins: tuple[str, ...]
    rise: FloatArray
    watched: BoolArray
    emptied: BoolArray
    start: FloatArray


def fills_of(looks: Mapping[str, Sequence[Look]], bins: Sequence[str], days_us: NDArray[np.int64], drop_min: float) -> Fills:
    """The fill history of some bins.

    Parameters
    ----------
    looks : observations of each bin, in any order
    bins : ids, in the order of the arrays; a bin without observations does not fill
    days_us : (t + 1,) begins of days, and the end of the last [µs since 1970 UTC]
    drop_min : a fall by more with no emptying known is one nobody told of [1]
    """
    curves = [curve(looks.get(one, ()), drop_min) for one in bins]
    shape = (len(days_us) - 1, len(bins))
    rise, start = np.zeros(shape), np.zeros(len(bins))
    watched, emptied = np.zeros(shape, bool), np.zeros(shape, bool)
    for column, one in enumerate(curves):
        rise[:, column], watched[:, column] = _by_day(one, days_us)
        day = np.searchsorted(days_us, one.emptied_us, side="right") - 1
        emptied[day[(day >= 0) & (day < shape[0])], column] = True
        start[column] = _level_at(one, int(days_us[0]))
    return Fills(tuple(bins), rise, watched, emptied, start)


@dataclass(frozen=True, eq=False)
class Curve:
    """Waste thrown into one bin since its first observation, (k,) at instants in order; `level` (k,) before any emptying.

    `emptied_us` (e,) instants of all emptyings; of one that only a fall shows, the middle between the looks around it.
    """

    at_us: NDArray[np.int64]
    total: FloatArray
    level: FloatArray
    emptied: BoolArray
    emptied_us: NDArray[np.int64]


def curve(looks: Sequence[Look], drop_min: float) -> Curve:
    """The rising total of one bin."""
    ordered = sorted(looks, key=lambda one: (one.at_us, one.emptied))
    at_us = np.array([one.at_us for one in ordered], np.int64)
    level = np.array([np.nan if one.level is None else one.level for one in ordered], np.float64)
    emptied = np.array([one.emptied for one in ordered], bool)
    known = np.isfinite(level)
    told_us = at_us[emptied]
    emptied, fallen_us = _with_untold(at_us, level, emptied, drop_min)
    ends = np.flatnonzero(emptied)
    total, smooth, carried, after_emptying = np.full(level.size, np.nan), level.copy(), 0.0, False
    for first, last in zip(np.append(0, ends + 1), np.append(ends, level.size - 1), strict=True):
        spell = np.arange(first, last + 1)
        seen = spell[known[spell]]
        if seen.size:
            smooth[seen] = np.maximum(isotonic_regression(level[seen]).x, 0.0) if seen.size > 1 else np.maximum(level[seen], 0.0)
            base = 0.0 if after_emptying else float(smooth[seen[0]])
            total[seen] = carried + smooth[seen] - base
            carried = float(total[seen[-1]])
        after_emptying = bool(last < level.size and level.size and emptied[last])
    emptied_us = np.sort(np.concatenate([told_us, np.array(fallen_us, np.int64)]))
    return Curve(at_us[known], total[known], smooth[known], _ends_known(emptied, known), emptied_us)


def _ends_known(emptied: BoolArray, known: BoolArray) -> BoolArray:
    """(k,) for each known level whether the bin was emptied after it and before the next one."""
    rows = np.flatnonzero(known)
    passed = np.concatenate([np.cumsum(emptied), [int(emptied.sum())]])
    before = passed[rows] - emptied[rows]
    after = np.append(passed[rows[1:]] - emptied[rows[1:]], int(emptied.sum()))
    return np.asarray(after > before)


def _with_untold(at_us: NDArray[np.int64], level: FloatArray, emptied: BoolArray, drop_min: float) -> tuple[BoolArray, list[int]]:
    """Where emptyings are, those nobody told of included: the last level known before a fall counts as emptied."""
    found, fallen_us = emptied.copy(), []
    before = -1
    for row in np.flatnonzero(np.isfinite(level)).tolist():
        told = before >= 0 and bool(emptied[before:row].any())
        if before >= 0 and not told and level[before] - level[row] > drop_min:
            found[before] = True
            fallen_us.append(int(at_us[before] + at_us[row]) // 2)
        before = row
    return found, fallen_us


def _by_day(one: Curve, days_us: NDArray[np.int64]) -> tuple[FloatArray, BoolArray]:
    """(t,) rise of each day and whether it was watched from begin to end."""
    t = days_us.size - 1
    if one.at_us.size < 2 or one.at_us[-1] == one.at_us[0]:
        return np.zeros(t), np.zeros(t, bool)
    per_us = float(one.total[-1] - one.total[0]) / float(one.at_us[-1] - one.at_us[0])
    total = np.interp(days_us, one.at_us, one.total)
    total += per_us * (np.minimum(days_us - one.at_us[0], 0) + np.maximum(days_us - one.at_us[-1], 0))
    watched = (days_us[:-1] >= one.at_us[0]) & (days_us[1:] <= one.at_us[-1])
    return np.diff(total), watched


def _level_at(one: Curve, at_us: int) -> float:
    """Level at an instant: the last one known, 0 when it was emptied then, and what came since at the curve's pace."""
    before = int(np.searchsorted(one.at_us, at_us, side="right")) - 1
    if before < 0:
        return float(one.level[0]) if one.level.size else 0.0
    left = 0.0 if one.emptied[before] else float(one.level[before])
    since = float(np.interp(at_us, one.at_us, one.total)) - float(one.total[before])
    return left + max(0.0, since)


def spill(rise: FloatArray, visited: BoolArray, start: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Levels of (t, n) bins and days under some visits: in the morning before any emptying, and in the evening [1].

    Trucks come before the day's waste; what stands beside a bin is taken along, so every visit leaves it empty.
    """
    morning, evening = np.zeros(rise.shape), np.zeros(rise.shape)
    level = np.array(start, np.float64)
    for day in range(rise.shape[0]):
        morning[day] = level
        level = np.where(visited[day], 0.0, level) + rise[day]
        evening[day] = level
    return morning, evening
