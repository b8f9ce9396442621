"""A level that leaps about: single readings far from those on either side, more often than this bin had before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dure.core.text import Text
from dure.core.time import from_us
from dure.services.waste.faults.compaction import presses_of
from dure.services.waste.faults.fault_rules import JumpRow
from dure.services.waste.faults.findings import HOUR_US, Found, Series, Window, rounded
from dure.services.waste.model import FloatArray


def jumping(window: Window, row: JumpRow) -> Found | None:
    """Readings of the last two days leap out and back, far more than it usually does in two days.

    An emptying or a press is a step, not a leap. How much a bin leaps is the mean size of its readings' excursions.
    """
    span_us = round(row.hours * HOUR_US)
    start_us = window.now_us - span_us
    recent = window.level.between(start_us, window.now_us + 1)
    before = window.level.between(-(2**62), start_us)
    steps = (np.array(window.emptied_us, np.int64), presses_of(window.compactions))
    size = excursions(recent, steps)
    out = np.flatnonzero(size >= row.step_least)
    least = row.readings_least if len(recent) >= row.many else row.readings_least_few
    if len(out) < least:
        return None
    usual = _usually(before.time_us, excursions(before, steps), (start_us, span_us), row)
    now = float(size.mean())
    if now < max(row.mean_least, row.own_times * usual):
        return None
    evidence = Text(
        f"{row.hours:.0f}시간 동안 측정 {len(recent)}회 중 {len(out)}회가 앞뒤 값과 {row.step_least:.0%} 넘게 어긋났습니다.",
        f"{len(out)} of {len(recent)} readings in {row.hours:.0f} h are over {row.step_least:.0%} off those on either side.",
    )
    numbers = rounded([("leaps", len(out)), ("readings", len(recent)), ("mean", now), ("usual", usual)])
    return Found(bin=window.bin, fault="jumping", since=from_us(int(recent.time_us[out[0]])), evidence=evidence, numbers=numbers)


def excursions(level: Series, steps: tuple[NDArray[np.int64], NDArray[np.int64]]) -> FloatArray:
    """(n,) how far each reading lies outside the two beside it, to the same side of both [1]; 0 between them.

    Parameters
    ----------
    level : (n,) readings in time order
    steps : instants of emptyings and of presses, each rising [us]: a reading beside one of them says nothing
    """
    value, size = level.value, np.zeros(len(level))
    if len(value) >= 3:
        out, back = value[1:-1] - value[:-2], value[1:-1] - value[2:]
        emptied, pressed = (np.searchsorted(one, level.time_us, side="right") for one in steps)
        explained = (emptied[2:] > emptied[:-2]) | (pressed[2:] > pressed[:-2])
        size[1:-1] = np.where((out * back > 0) & ~explained, np.minimum(np.abs(out), np.abs(back)), 0.0)
    return size


def _usually(time_us: NDArray[np.int64], size: FloatArray, span: tuple[int, int], row: JumpRow) -> float:
    """Mean excursion of the restless among the earlier stretches of the same length; 0 when none is known."""
    if not len(size):
        return 0.0
    block = (span[0] - time_us) // span[1]
    count = np.bincount(block)
    mean = np.bincount(block, weights=size) / np.maximum(count, 1)
    known = mean[count >= row.many_before]
    return float(np.quantile(known, row.own_quantile)) if len(known) else 0.0
