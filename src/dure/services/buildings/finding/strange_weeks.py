"""Whether workdays were unlike what they should be by day: then it is the weather, not a base load or a schedule. Pure."""

from __future__ import annotations

import numpy as np

from dure.services.buildings.finding.day_grid import WORKDAY, Bools, DayGrid
from dure.services.buildings.finding.finding_rules import FindingRules
from dure.services.buildings.finding.likeness import alike

BY_DAY = range(8, 20)  # local hours in which workdays run


def workdays_unlike(
    grid: DayGrid, first: int, earlier: Bools, rules: FindingRules, *, surplus_per_h: float = 0.0
) -> float | None:
    """By what share workdays used more by day than alike ones, less a surplus that is always on [1].

    Parameters
    ----------
    grid : whole days up to now
    first : the row from which workdays are looked at
    earlier : (days,) rows that may be compared with
    rules : in force
    surplus_per_h : what is told already [book unit / h]

    Returns
    -------
    The share; None where there was no workday yet; 0 where nothing is alike
    """
    row = np.arange(grid.days)
    work = row[(grid.kind == WORKDAY) & (row >= first)]
    if not len(work):
        return None
    seen = alike(grid, work, earlier & (row < first), rules.likeness_wide, hours=BY_DAY)
    told = ~np.isnan(seen.difference)
    expected = float(np.where(told, seen.expected, 0.0).sum())
    over = float(np.where(told, seen.difference - surplus_per_h, 0.0).sum())
    return over / expected if expected > 0 else 0.0
