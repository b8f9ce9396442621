"""How sure it is that days off ran as workdays, told from the whole day by what varies together in the building itself. Pure.

A day off that runs as a workday lies above others by the building's own difference of workday and day off in such weather. Its
place between the two (0: a day off, 1: a workday) is estimated by generalised least squares, as hours of one day go together,
and measured by the same figure of the meter's own earlier days off.
"""

from __future__ import annotations

import numpy as np

from dure.services.buildings.finding.day_grid import WORKDAY, Bools, DayGrid, Floats, Ints
from dure.services.buildings.finding.finding_rules import OffRow
from dure.services.buildings.finding.usual_days import precision_together, usual


def off_score(grid: DayGrid, judged: Ints, past: Bools, how: OffRow) -> float | None:
    """How far judged days off (k,) lie towards workdays, in deviations of the meter's own; None where too little is known."""
    row = np.arange(grid.days)
    rows = np.concatenate([row[past & (grid.kind != WORKDAY) & (row < judged[0])], judged])
    if len(rows) - len(judged) < how.days_off_least:
        return None
    own, work = usual(grid, rows, past, how), usual(grid, rows, past, how, kind=WORKDAY)
    told = ~np.isnan(own.above) & ~np.isnan(own.size) & ~np.isnan(work.above)
    place, precision = _places(own.above, own.size, np.where(told, own.above - work.above, np.nan), (len(judged), how))
    pull, k = np.clip(place, -how.place_most, how.place_most) * precision, len(judged)
    windows = np.lib.stride_tricks.sliding_window_view(np.arange(len(rows)), k)
    sure = precision[windows].sum(1)
    score = pull[windows].sum(1) / np.sqrt(np.maximum(sure, 1e-9))
    whole = (np.ptp(rows[windows], axis=1) < how.span_days) & (windows[:, -1] < len(rows) - k) & (sure > 0)
    if whole.sum() < how.windows_least or sure[-1] <= 0:
        return None
    size = np.abs(score[whole])
    size = np.minimum(size, np.quantile(size, how.winsorised))
    return float(score[-1] / max(float(np.sqrt((size**2).mean())), how.own_least))


def _places(above: Floats, size: Floats, apart: Floats, judged: tuple[int, OffRow]) -> tuple[Floats, Floats]:
    """(n,) places between day off and workday, and their precision; `apart` (n, 24) is NaN where nothing is told."""
    k, how = judged
    told = ~np.isnan(apart)
    span = np.where(told, apart, 0.0)
    sure = np.hypot(np.where(told, size, 1.0), how.spread_share * np.abs(span))
    sure = np.maximum(sure, 1e-9)
    away = np.where(told, above, 0.0) / sure
    precise = precision_together(np.clip(away[:-k], -how.clip, how.clip), how.shrink)
    wanted = np.where(span > 0, span / sure, 0.0)
    weight = wanted @ precise
    precision = np.maximum((weight * wanted).sum(1), 0.0)
    place = (weight * np.clip(away, -2 * how.clip, 2 * how.clip)).sum(1) / np.maximum(precision, 1e-9)
    return place, np.where(precision > 0, 1 / (1 / np.maximum(precision, 1e-9) + how.day_variance), 0.0)
