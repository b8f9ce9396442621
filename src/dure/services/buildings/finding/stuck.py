"""A meter that shows the same use hour after hour, or nothing at all, as it never did before. Pure."""

from __future__ import annotations

import numpy as np

from dure.services.buildings.finding.day_grid import DAY_H, Bools, DayGrid, Floats, Ints
from dure.services.buildings.finding.finding_rules import FindingRules
from dure.services.buildings.finding.findings import Finding


def stuck(grid: DayGrid, earlier: Bools, rules: FindingRules) -> Finding | None:
    """The last hours are all the same, for longer than this meter ever showed.

    Parameters
    ----------
    grid : whole days up to now
    earlier : (days,) rows that may be compared with
    rules : in force

    Returns
    -------
    The finding, or None
    """
    how = rules.stuck
    if earlier.sum() < how.history_days:
        return None
    use = grid.use.ravel()
    cells = np.flatnonzero(~np.isnan(use))
    value = use[cells]
    before = np.repeat(earlier, DAY_H)[cells]
    if len(value) == 0 or not before.any():
        return None
    size = float(np.abs(value[before]).mean())
    begin, length = runs(value, how.same_share * size)
    last = int(length[-1])
    first = len(value) - last
    inside = before[begin] & (begin < first)
    longest = int(length[inside].max()) if inside.any() else 0
    zeros = value[first] == 0
    least = how.zero_hours_least if zeros else how.hours_least
    if last < max(least, how.longest_times * longest):
        return None
    if zeros and float((value[:first][before[:first]] == 0).mean() if first else 1.0) > how.zero_share_most:
        return None
    rule, provisional = rules.basis("stuck", how)
    row, hour = divmod(int(cells[first]), DAY_H)
    return Finding(
        kind="stuck",
        meter=grid.meter,
        since=grid.starts(row, hour),
        until=grid.starts(grid.days),
        window_from=grid.starts(row, hour),
        actual=float(value[first:].sum()),
        expected=float(np.mean(value[:first][before[:first]])) * last if first else 0.0,
        excess_per_h=0.0,
        hours_year=0.0,
        numbers={
            "hours": float(last),
            "same_per_h": float(value[first]),
            "longest_before_h": float(longest),
            "threshold_h": float(max(least, how.longest_times * longest)),
        },
        rule=rule,
        provisional=provisional,
    )


def runs(value: Floats, same: float) -> tuple[Ints, Ints]:
    """Begin and length of runs of values (n,) that lie within `same` of the one before."""
    breaks = np.abs(np.diff(value)) > same
    begin = np.concatenate([[0], np.flatnonzero(breaks) + 1])
    return begin.astype(np.int64), np.diff(np.append(begin, len(value))).astype(np.int64)
