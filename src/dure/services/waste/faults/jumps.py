"""A level that leaps about: steps between readings that this bin's usual steps cannot explain.

Every step of the last two days is weighed: how likely a sensor makes it that leaps anywhere on every other reading, and how
likely this bin does, by its steps of the weeks before (of which a few are borrowed, so that one never seen is rare, not
impossible). The logarithms of the ratios are summed from where the sum is largest until now (Page's cumulative sum). Rises count
as far as there are falls beside them: a busy day only rises.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dure.core.text import Text
from dure.core.time import from_us
from dure.services.waste.faults.compaction import presses_of
from dure.services.waste.faults.fault_rules import JumpRow
from dure.services.waste.faults.findings import HOUR_US, Found, Window, quiet_variance, rounded
from dure.services.waste.model import FloatArray

Kinds = NDArray[np.intp]


def jumping(window: Window, row: JumpRow) -> Found | None:
    """Steps of the last two days are those of a sensor that leaps, far rather than those of this bin.

    An emptying or a press is a step that is explained. A bin that was never quiet has steps of its own.
    """
    level = window.level
    if len(level) < row.readings_least:
        return None
    start_us = window.now_us - round(row.hours * HOUR_US)
    kind = step_kinds(window, _edges(level.value, row))
    recent = int(np.searchsorted(level.time_us[1:], start_us))
    now = kind[recent:]
    leaps = int(((now != _STEADY) & (now != _EXPLAINED)).sum())
    if leaps < row.leaps_least or int((now <= _DOWN).sum()) < row.falls_least:
        return None
    parts = _parts(kind, np.append(np.log(np.array(row.share_leaping) / usual_shares(kind[:recent], row)), 0.0))
    whole = parts[:, -1:] - parts[:, recent:-1]
    sums = balanced(whole)
    first = recent + int(sums.argmax())
    weight = float(sums.max())
    if weight < max(row.weight_least, row.own_times * _restless(level.time_us, parts[:, : recent + 1], row)):
        return None
    evidence = Text(
        f"{row.hours:.0f}시간 동안 측정 {len(now)}회 중 {leaps}회가 이 쓰레기통답지 않게 크게 뛰었습니다.",
        f"{leaps} of {len(now)} steps in {row.hours:.0f} h are larger than this bin makes.",
    )
    numbers = rounded([("leaps", leaps), ("readings", len(now)), ("weight", weight)])
    return Found(bin=window.bin, fault="jumping", since=from_us(int(level.time_us[first])), evidence=evidence, numbers=numbers)


_DOWN, _STEADY = 1, 2  # kinds up to 1 fall, 3 and 4 rise
_EXPLAINED = 5


def _edges(value: FloatArray, row: JumpRow) -> FloatArray:
    """Between the kinds of step: those of the rules, further apart where the sensor scatters so much that it makes such steps."""
    far, near = row.step_far, max(row.step_near, row.scatter_times * float(np.sqrt(quiet_variance(value))))
    far = max(far, 2 * near)
    return np.array([-far, -near, near, far])


def step_kinds(window: Window, edges: FloatArray) -> Kinds:
    """(n - 1,) kind of each step: 0 far down, 1 down, 2 about the same, 3 up, 4 far up, 5 explained by an emptying or a press."""
    level = window.level
    kind = np.searchsorted(edges, np.diff(level.value), side="right").astype(np.intp)
    for instants in (np.array(window.emptied_us, np.int64), presses_of(window.compactions)):
        until = np.searchsorted(instants, level.time_us, side="right")
        kind[until[1:] > until[:-1]] = _EXPLAINED
    return kind


def usual_shares(kind: Kinds, row: JumpRow) -> FloatArray:
    """(5,) share of each kind among the steps of a bin, shrunken to what is usual: `(n + k p) / (sum n + k)`."""
    counted = np.bincount(kind, minlength=6)[:5]
    borrowed = np.array(row.share_usual)
    return np.asarray((counted + row.borrowed * borrowed) / (counted.sum() + row.borrowed), np.float64)


def _parts(kind: Kinds, weight: FloatArray) -> FloatArray:
    """(3, n) sums of the weights of falls, rises and all others until each reading."""
    each = weight[kind]
    of = np.stack([kind <= _DOWN, (kind > _STEADY) & (kind < _EXPLAINED), (kind == _STEADY) | (kind == _EXPLAINED)])
    return np.concatenate([np.zeros((3, 1)), np.cumsum(np.where(of, each, 0.0), axis=1)], axis=1)


def balanced(parts: FloatArray) -> FloatArray:
    """(n,) weight of (3, n) falls, rises and the rest: rises count as far as falls do, for a busy day only rises."""
    falls, rises, rest = parts
    return np.asarray(falls + np.minimum(rises, falls) + rest, np.float64)


def _restless(time_us: NDArray[np.int64], parts: FloatArray, row: JumpRow) -> float:
    """The largest weight the bin had over two days before; 0 when nothing is known."""
    if parts.shape[1] < 2:
        return 0.0
    ends = time_us[1 : parts.shape[1]]
    start = np.searchsorted(ends, ends - round(row.hours * HOUR_US))
    return float(max(0.0, balanced(parts[:, 1:] - parts[:, start]).max()))
