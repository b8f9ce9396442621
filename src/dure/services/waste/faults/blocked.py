"""Something sits before the sensor, or it is dirty: it suddenly says full and goes on saying so, emptied or not."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dure.core.text import Text
from dure.core.time import from_us
from dure.services.waste.faults.compaction import presses_of
from dure.services.waste.faults.fault_rules import BlockedRow
from dure.services.waste.faults.findings import HOUR_US, Found, Series, Window, daily_rise, quiet_variance, rounded
from dure.services.waste.model import FloatArray


class Signs(NamedTuple):
    """What speaks for it since the level is high: it rose at once, it hardly scatters, it does not rise, it was emptied.

    `rose` counts twice when it rose by many times what it ever did and has stayed for days, `calm` when it is beyond doubt:
    what sits before the sensor does not move at all. `unpressed`: a compactor that presses at such a level has not.
    """

    rose: int
    calm: int
    still: bool
    emptied: int
    unpressed: bool

    @property
    def enough(self) -> bool:
        """Two signs, whichever: each alone has an innocent reason (a large bag, a still night, a false tap)."""
        return self.rose + self.calm + self.still + min(self.emptied, 2) + (self.unpressed and self.calm > 0) >= 2


def blocked(window: Window, row: BlockedRow) -> Found | None:
    """The level is near the top and stays there, and at least two signs say that this is not the waste."""
    level = window.level
    high = _high_since(level, row.high)
    if high is None:
        return None
    begun_us = int(level.time_us[high])
    hours = (window.now_us - begun_us) / HOUR_US
    after = level.value[high:]
    middle = float(np.median(after))
    if hours < row.stays_h or len(after) < 4 or middle < row.high:
        return None
    signs = _signs(window, high, hours, row)
    if not signs.enough:
        return None
    evidence = Text(
        f"적재율이 {hours:.0f}시간째 {middle:.0%}에 머뭅니다" + _ko(signs),
        f"The level has stayed at {middle:.0%} for {hours:.0f} h" + _en(signs),
    )
    numbers = rounded([("hours", hours), ("level", middle), ("emptyings", signs.emptied), ("rose", signs.rose)])
    return Found(bin=window.bin, fault="blocked", since=from_us(begun_us), evidence=evidence, numbers=numbers)


def _signs(window: Window, high: int, hours: float, row: BlockedRow) -> Signs:
    level = window.level
    before = Series(level.time_us[:high], level.value[:high])
    after = level.value[high:]
    begun_us = int(level.time_us[high])
    usual_rise = daily_rise(level, begun_us)
    presses = presses_of(window.compactions)
    pressed = bool((presses > begun_us).any())  # a full one that presses all the time rests, and hardly scatters
    third = max(1, len(after) // 3)
    moved = float(np.median(after[-third:]) - np.median(after[:third]))
    below_brim = float(np.quantile(after, 0.8)) < row.brim
    return Signs(
        rose=min(_rose(level, high, hours, row), 2 if below_brim else 1),
        calm=min(_calm(before.value, after, row), 1 if pressed else 2) if below_brim else 0,
        unpressed=below_brim and len(presses) >= row.presses_least and not pressed,
        still=below_brim
        and not pressed
        and hours >= row.still_h
        and usual_rise * hours / 24 >= row.still_rise
        and moved < row.still_rise / 4,
        emptied=_not_emptied(window, begun_us, row),
    )


def _calm(before: FloatArray, after: FloatArray, row: BlockedRow) -> int:
    """Whether the readings scatter far less than they used to where nothing happened, and than they ever did for so long.

    The generalised likelihood ratio of a smaller variance: ``n / 2 (r - 1 - ln r)``, r the ratio of the variances.
    """
    usual, now = quiet_variance(before), _variance(after)
    ratio = max(now, row.scatter_least**2) / usual if usual > 0 else 1.0
    if ratio >= 1 or len(after) < row.calm_readings or now > row.calmest_times * _calmest(before, len(after), row):
        return 0
    weight = len(after) / 2 * (ratio - 1 - float(np.log(ratio)))
    return int(weight >= row.calm_weight) + int(weight >= row.calm_weight_alone)


def _variance(value: FloatArray) -> float:
    """Of the scatter, by the steps between neighbours."""
    return float((np.diff(value) ** 2).mean() / 2)


def _calmest(value: FloatArray, n: int, row: BlockedRow) -> float:
    """The smallest variance that as many readings ever had between floor and brim; infinite when there were too few."""
    square = np.append(0.0, np.cumsum(np.diff(value) ** 2))
    total = np.append(0.0, np.cumsum(value))
    if len(value) < 2 * n:
        return float("inf")
    variance = (square[n - 1 :] - square[: -(n - 1)]) / (n - 1) / 2
    mean = (total[n:] - total[:-n]) / n
    inside = (mean > row.floor) & (mean < row.brim)
    return float(variance[inside].min()) if inside.any() else float("inf")


def _rose(level: Series, high: int, hours: float, row: BlockedRow) -> int:
    """Whether the level came up at once by more than this bin does, and whether by much more and for long."""
    if high < 3 or int(level.time_us[high]) - int(level.time_us[high - 1]) > 4 * row.within_h * HOUR_US:
        return 0
    rise = float(np.median(level.value[high : high + 3]) - np.median(level.value[high - 3 : high]))
    before = Series(level.time_us[:high], level.value[:high])
    own = large_rise(before, round(row.within_h * HOUR_US))
    if rise < max(row.rise_least, row.own_times * own):
        return 0
    return 2 if rise >= max(row.far_rise_least, row.far_own_times * own) and hours >= row.far_stays_h else 1


def _not_emptied(window: Window, begun_us: int, row: BlockedRow) -> int:
    """Emptyings since then that left the level where it was."""
    settle_us = round(row.settle_h * HOUR_US)
    without = 0
    for at_us in window.emptied_us:
        if at_us <= begun_us:
            continue
        before = window.level.between(at_us - settle_us, at_us).value
        after = window.level.between(at_us + 1, at_us + settle_us).value
        if len(before) and len(after) >= 2 and float(np.median(before[-5:]) - np.median(after[:5])) < row.drop_least:
            without += 1
    return without


def _ko(signs: Signs) -> str:
    words = [
        *(["한 번에 올라감"] if signs.rose else []),
        *(["흔들림이 평소보다 작음"] if signs.calm else []),
        *(["더 오르지 않음"] if signs.still else []),
        *(["압축하지 않음"] if signs.unpressed else []),
        *([f"{signs.emptied}번 비워도 그대로"] if signs.emptied else []),
    ]
    return f": {', '.join(words)}."


def _en(signs: Signs) -> str:
    words = [
        *(["it rose at once"] if signs.rose else []),
        *(["it scatters less than usual"] if signs.calm else []),
        *(["it rises no further"] if signs.still else []),
        *(["it has not pressed"] if signs.unpressed else []),
        *([f"{signs.emptied} emptyings changed nothing"] if signs.emptied else []),
    ]
    return f": {', '.join(words)}."


def large_rise(level: Series, within_us: int) -> float:
    """The second largest rise between the middles of three readings before and three after a step within that time [1].

    The second: one large bag in three weeks is no habit.
    """
    if len(level) < 7:
        return 0.0
    middle = np.median(np.stack([level.value[:-2], level.value[1:-1], level.value[2:]]), axis=0)
    near = (level.time_us[4:-1] - level.time_us[1:-4]) <= 4 * within_us
    rise = np.where(near, middle[3:] - middle[:-3], 0.0)
    top = int(rise.argmax())
    rise[max(0, top - 4) : top + 5] = 0.0
    return float(rise.max(initial=0.0))


def _high_since(level: Series, high: float) -> int | None:
    """Index of the first of the readings that have been near the top until now; single stray readings are forgiven."""
    if len(level) < 4 or np.median(level.value[-3:]) < high:
        return None
    below = level.value < high - 0.05
    low = np.flatnonzero(below[1:] & below[:-1])
    return int(low[-1]) + 2 if len(low) else None
