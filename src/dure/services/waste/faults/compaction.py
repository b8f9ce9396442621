"""A compactor that does not compact: it does not press where it should, or presses without effect."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dure.core.text import Text
from dure.core.time import from_us
from dure.services.waste.faults.fault_rules import CompactionRow
from dure.services.waste.faults.findings import HOUR_US, Found, Series, Window, rounded
from dure.services.waste.model import FloatArray

Instants = NDArray[np.int64]


def not_compacting(window: Window, row: CompactionRow) -> Found | None:
    """Nothing pressed for hours at a high level, or presses that lower nothing, in a bin that is not simply full.

    Full is a bin one of whose presses left room since it was last emptied, and that stands below its brim: it is to be emptied,
    not repaired.
    """
    if len(window.compactions) < 2 or not len(window.level):
        return None
    presses = presses_of(window.compactions)
    left = left_by(presses, window, round(row.effect_within_h * HOUR_US))
    since = left[presses > window.emptied_us[-1]] if window.emptied_us else left
    since = since[np.isfinite(since)]
    if _presses_when_full(left, row) or not len(since) or since[-1] < row.presses_at - row.effect_least:
        found = _does_not_press(window, presses, row)  # there was room at the last press, or it presses even without
        if found is not None:
            return found
    found = _over_brim(window, presses, row)
    if found is not None:
        return found
    return None if _is_full(window, presses, left, row) else _without_effect(window, presses, left, row)


def presses_of(compactions: Series) -> Instants:
    """(m,) instants by which the counter had moved [us], as often as it moved; one set back counts nothing."""
    steps = np.clip(np.diff(compactions.value), 0, 50).astype(np.intp)
    return np.repeat(compactions.time_us[1:], steps)


def left_by(presses: Instants, window: Window, within_us: int) -> FloatArray:
    """(m,) level after each press [1]; NaN where the readings around it are too far apart, or it was emptied in between.

    The higher of two readings, where the second follows soon: a stray low one is no effect.
    """
    level = window.level
    if not len(presses) or len(level) < 2:
        return np.full(len(presses), np.nan)
    after = np.searchsorted(level.time_us, presses)
    there = (after > 0) & (after < len(level))
    after = np.clip(after, 1, len(level) - 1)
    start, end = level.time_us[after - 1], level.time_us[after]
    emptied = np.array(window.emptied_us, np.int64)
    between = np.searchsorted(emptied, end) > np.searchsorted(emptied, start)
    following = np.minimum(after + 1, len(level) - 1)
    soon = level.time_us[following] - end <= within_us // 2
    value = np.where(soon, np.maximum(level.value[after], level.value[following]), level.value[after])
    return np.where(there & ~between & (end - start <= within_us), value, np.nan)


def _is_full(window: Window, presses: Instants, left: FloatArray, row: CompactionRow) -> bool:
    """Whether its presses lower nothing because it is full: one since the last emptying left room, or nothing was emptied."""
    emptied_us = window.emptied_us[-1] if window.emptied_us else 0
    since, when = left[presses > emptied_us], presses[presses > emptied_us]
    if (since < row.presses_at - row.effect_least).any():
        return True
    heard = when[np.isfinite(since)]
    level = window.level.between(emptied_us, int(heard[0]) if len(heard) else window.now_us).value
    return len(level) < 3 or float(np.quantile(level, 0.25)) > row.emptied_below  # not emptied, whatever was tapped


def _over_brim(window: Window, presses: Instants, row: CompactionRow) -> Found | None:
    """It presses on and on while the waste stands above the brim: a press that works leaves nothing above its plate.

    The mean of the readings since the first of the last presses must lie above the brim by more than their scatter explains.
    """
    level = window.level
    last = presses[-row.count_least :]
    if len(last) < row.count_least or (window.emptied_us and last[0] <= window.emptied_us[-1]):
        return None
    start = min(int(np.searchsorted(level.time_us, last[0])), len(level) - row.brim_readings)
    value = level.value[max(0, start) :]
    if len(value) < row.brim_readings or window.now_us - int(last[-1]) > 2 * row.effect_within_h * HOUR_US:
        return None
    mean = float(value.mean())
    if mean < 1.0 + row.brim_scatter * max(float(value.std()), row.brim_least) / float(np.sqrt(len(value))):
        return None
    evidence = Text(
        f"{len(last)}번 압축한 뒤에도 투입구 위까지 차 있습니다({mean:.0%}).",
        f"After {len(last)} presses the waste still stands above the brim ({mean:.0%}).",
    )
    numbers = rounded([("presses", len(last)), ("level", mean)])
    return Found(bin=window.bin, fault="not_compacting", since=from_us(int(last[0])), evidence=evidence, numbers=numbers)


def _presses_when_full(left: FloatArray, row: CompactionRow) -> bool:
    """Whether it is one that goes on pressing at its brim: then a counter that rests there is a fault."""
    return int((left >= row.presses_at).sum()) >= row.count_least


def _does_not_press(window: Window, presses: Instants, row: CompactionRow) -> Found | None:
    level = window.level
    if len(level) < row.readings_least:
        return None
    begun_us = min(window.now_us - round(row.waits_h * HOUR_US), int(level.time_us[-row.readings_least]))
    recent = level.between(begun_us, window.now_us + 1)
    counted = window.compactions.between(begun_us, window.now_us + 1)
    if len(counted) < 2 or counted.value[-1] != counted.value[0]:
        return None
    if np.median(recent.value) < row.trigger or np.quantile(recent.value, 0.2) < row.trigger - 0.05:
        return None
    hours = (window.now_us - begun_us) / HOUR_US
    evidence = Text(
        f"적재율 {row.trigger:.0%} 이상이 {hours:.0f}시간 이어졌지만 압축하지 않았습니다.",
        f"Above {row.trigger:.0%} for {hours:.0f} h, and it has not pressed.",
    )
    last_us = int(presses[-1]) if len(presses) else begun_us
    numbers = rounded([("hours", hours), ("level", float(np.median(recent.value)))])
    return Found(
        bin=window.bin, fault="not_compacting", since=from_us(max(last_us, begun_us)), evidence=evidence, numbers=numbers
    )


def _without_effect(window: Window, presses: Instants, left: FloatArray, row: CompactionRow) -> Found | None:
    """After the last presses since the emptying the level was as high as before."""
    emptied_us = window.emptied_us[-1] if window.emptied_us else 0
    since = (presses > emptied_us) & np.isfinite(left)
    last, when = left[since][-row.effect_count :], presses[since][-row.effect_count :]
    if (
        len(last) < row.effect_count
        or float(np.median(last)) < row.trigger
        or float(last.min()) < row.presses_at - row.effect_least
    ):
        return None
    mean = float(last.mean())
    evidence = Text(
        f"최근 {len(last)}번 압축한 뒤에도 적재율이 {mean:.0%}입니다.",
        f"After the last {len(last)} presses the level is still {mean:.0%}.",
    )
    numbers = rounded([("presses", len(last)), ("left", mean)])
    return Found(bin=window.bin, fault="not_compacting", since=from_us(int(when[0])), evidence=evidence, numbers=numbers)
