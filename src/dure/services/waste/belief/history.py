"""What was observed of bins in the past, and what of it can teach: pairs of observations with no emptying between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dure.services.waste.belief.emptying import is_drop
from dure.services.waste.belief.weekdays import DAY_US, weekday_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from dure.services.waste.belief.belief_rules import BeliefRules
    from dure.services.waste.model import BoolArray, FloatArray


@dataclass(frozen=True)
class History:
    """m observations of n bins, in any order.

    Attributes
    ----------
    bins : (n,) ids; classes : (n,) what each belongs to
    bin : (m,) number of the bin; time_us : (m,) [µs since 1970 UTC]; level : (m,) fill fraction [1]
    emptied : (m,) whether the bin was emptied right after this was seen, as a crew tells
    offset_s : of the city's clock from UTC [s]
    """

    bins: tuple[str, ...]
    classes: tuple[str, ...]
    bin: NDArray[np.int64]
    time_us: NDArray[np.int64]
    level: FloatArray
    emptied: BoolArray
    offset_s: int = 0

    def take(self, rows: BoolArray | NDArray[np.intp]) -> History:
        """Some of the observations, of all bins."""
        return History(
            self.bins, self.classes, self.bin[rows], self.time_us[rows], self.level[rows], self.emptied[rows], self.offset_s
        )


@dataclass(frozen=True)
class Pairs:
    """p pairs of observations of one bin with no emptying between, in the order of their ends.

    `day` says that a pair is about a day apart; only those are counted as transitions and speak of weekdays. `noise` is the
    variance of the rise by what was misread at both ends [1].
    """

    bin: NDArray[np.int64]
    start_us: NDArray[np.int64]
    end_us: NDArray[np.int64]
    level: FloatArray
    then: FloatArray
    day: BoolArray
    weekday: NDArray[np.int64]
    noise: FloatArray

    def take(self, rows: BoolArray | NDArray[np.intp]) -> Pairs:
        """Some of them."""
        columns = (self.bin, self.start_us, self.end_us, self.level, self.then, self.day, self.weekday, self.noise)
        return Pairs(*(one[rows] for one in columns))  # type: ignore[arg-type]  # the columns keep their types

    @property
    def days(self) -> FloatArray:
        """(p,) how far apart [d]."""
        return (self.end_us - self.start_us) / DAY_US


def history_of(
    rows: Iterable[tuple[str, int, float, bool]], classes: Mapping[str, str], offset_s: int = 0, usual: str = "street"
) -> History:
    """History from rows of (bin, time [µs], level, emptied then); a level nobody saw is nan, and matters only when emptied."""
    kept = [row for row in rows if row[3] or np.isfinite(row[2])]
    bins = tuple(sorted({row[0] for row in kept} | set(classes)))
    number = {one: n for n, one in enumerate(bins)}
    return History(
        bins,
        tuple(classes.get(one, usual) for one in bins),
        np.array([number[row[0]] for row in kept], np.int64),
        np.array([row[1] for row in kept], np.int64),
        np.array([row[2] for row in kept], np.float64),
        np.array([row[3] for row in kept], np.bool_),
        offset_s,
    )


def merged(history: History) -> History:
    """One row for each bin and instant: of readings that contradict one another the highest, since overflow costs more."""
    order = np.lexsort((-history.level, history.time_us, history.bin))
    ordered = history.take(order)
    first = np.ones(len(order), np.bool_)
    first[1:] = (np.diff(ordered.bin) != 0) | (np.diff(ordered.time_us) != 0)
    if not len(order):
        return ordered
    emptied = np.logical_or.reduceat(ordered.emptied, np.flatnonzero(first))
    kept = ordered.take(first)
    return History(kept.bins, kept.classes, kept.bin, kept.time_us, kept.level, emptied, kept.offset_s)


def pairs_of(history: History, rules: BeliefRules) -> Pairs:
    """Pairs that teach: the last observation of each day with that of the next day seen, where nobody emptied in between."""
    seeing, learning = rules.seeing, rules.learning
    inside = (history.level >= seeing.level_min) & (history.level <= seeing.level_max)
    inside |= np.isnan(history.level) & history.emptied
    one = merged(history.take(inside))
    same = np.concatenate([[False], np.diff(one.bin) == 0]) if len(one.bin) else np.empty(0, np.bool_)
    before = np.roll(one.level, 1)
    told = np.roll(one.emptied, 1) & same
    fell = is_drop(before, one.level, np.full(len(before), seeing.sensor_sd), rules.emptying) & same & ~told
    drops = np.cumsum(fell)
    taps = np.cumsum(told)
    local_day = (one.time_us + one.offset_s * 1_000_000) // DAY_US
    last = np.ones(len(one.bin), np.bool_)
    last[:-1] = (np.diff(one.bin) != 0) | (np.diff(local_day) != 0)
    rows = np.flatnonzero(last)
    start, end = rows[:-1], rows[1:]
    fresh = one.emptied[start] if len(rows) else np.empty(0, np.bool_)
    gap_d = (one.time_us[end] - one.time_us[start]) / DAY_US
    level = np.where(fresh, 0.0, np.clip(one.level[start], 0.0, None))
    fits = (one.bin[start] == one.bin[end]) & (drops[start] == drops[end]) & (taps[end] - taps[start] == fresh)
    fits &= np.isfinite(one.level[end]) & (gap_d > 0) & (gap_d <= learning.gap_max_d) & (level < learning.full_from)
    kept = start[fits], end[fits]
    sd = np.where(one.emptied, seeing.crew_sd, seeing.sensor_sd)  # who emptied it is who told the level
    found = Pairs(
        one.bin[kept[0]],
        one.time_us[kept[0]],
        one.time_us[kept[1]],
        level[fits],
        np.clip(one.level[kept[1]], 0.0, None),
        (gap_d[fits] > 0.6) & (gap_d[fits] < 1.5),
        weekday_of(one.time_us[kept[1]] - DAY_US // 4, one.offset_s),
        np.where(fresh[fits], rules.emptying.emptied_sd, sd[kept[0]]) ** 2 + sd[kept[1]] ** 2,
    )
    return found.take(np.argsort(found.end_us, kind="stable"))
