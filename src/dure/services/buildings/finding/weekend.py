"""Days off that run as workdays. Pure.

For each hour of a day off: where does its use lie between what days off (0) and what workdays (1) used in alike hours? The
level of a day is the mean over the hours in which the two differ, weighted by how far they do.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dure.services.buildings.finding.day_grid import WORKDAY, Bools, DayGrid, Floats, Ints
from dure.services.buildings.finding.finding_rules import FindingRules
from dure.services.buildings.finding.findings import Finding
from dure.services.buildings.finding.likeness import alike

MAD = 1.4826  # median deviation to standard deviation, of a normal distribution
OFF_DAYS_PER_YEAR = 2 * 52.18
BEGIN_DAYS_OFF = 8  # a month of them: how far back the begin is looked for


class Levels(NamedTuple):
    """Of days off (k,): level, use, what was expected, surplus [book unit], and hours by which it was told."""

    level: Floats
    use: Floats
    expected: Floats
    surplus: Floats
    hours: Ints


def weekend(grid: DayGrid, earlier: Bools, rules: FindingRules) -> Finding | None:
    """The last days off ran as workdays do.

    Parameters
    ----------
    grid : whole days up to now
    earlier : (days,) rows that may be compared with
    rules : in force

    Returns
    -------
    The finding, or None
    """
    how = rules.weekend
    off = np.flatnonzero(grid.kind != WORKDAY)
    recent = off[off >= grid.days - how.window_days]
    if len(recent) < how.days_least:
        return None
    judged = recent[-how.days_least :]
    reference = earlier & (np.arange(grid.days) < judged[0])
    if reference.sum() < how.history_days:
        return None
    now = levels(grid, judged, reference, rules)
    if np.isnan(now.level).any() or (now.level < how.level_least).any():
        return None
    before = off[(off < judged[0]) & reference[off]][-how.days_before :]
    usual = levels(grid, before, reference, rules).level
    usual = usual[~np.isnan(usual)]
    if len(usual) < how.days_least or (now.level < _limit(usual, rules)).any():
        return None
    rule, provisional = rules.basis("weekend", how)
    hours = float(now.hours.mean())
    return Finding(
        kind="weekend",
        meter=grid.meter,
        since=grid.starts(_begin(grid, judged, earlier, rules)),
        until=grid.starts(grid.days),
        window_from=grid.starts(int(judged[0])),
        actual=float(now.use.sum()),
        expected=float(now.expected.sum()),
        excess_per_h=float(now.surplus.sum() / now.hours.sum()),
        hours_year=hours * OFF_DAYS_PER_YEAR,
        numbers={
            "level": float(now.level.mean()),
            "threshold_level": _limit(usual, rules),
            "usual_level": float(np.median(usual)),
            "surplus_per_h": float(now.surplus.sum() / now.hours.sum()),
            "hours_per_day": hours,
            "days": float(len(judged)),
        },
        rule=rule,
        provisional=provisional,
    )


def levels(grid: DayGrid, rows: Ints, reference: Bools, rules: FindingRules) -> Levels:
    """Levels of days off among days off and workdays before them; NaN where the two hardly differ or nothing is alike."""
    how = rules.weekend
    own = alike(grid, rows, reference, rules.likeness_wide)
    work = alike(grid, rows, reference, rules.likeness_wide, kind=WORKDAY)
    apart = work.expected - own.expected
    with np.errstate(invalid="ignore"):
        counts = (apart >= how.contrast_least * work.expected) & (apart > 0) & ~np.isnan(own.use)
        place = np.clip(np.where(counts, own.difference / np.where(counts, apart, 1.0), 0.0), -1.0, 2.0)
    weight = np.where(counts, apart, 0.0)
    hours = counts.sum(1)
    enough = hours >= how.hours_least
    with np.errstate(invalid="ignore"):
        level = np.where(enough, (place * weight).sum(1) / weight.sum(1), np.nan)
    return Levels(
        level,
        np.where(counts, own.use, 0.0).sum(1),
        np.where(counts, own.expected, 0.0).sum(1),
        np.where(counts, own.difference, 0.0).sum(1),
        hours,
    )


def _limit(usual: Floats, rules: FindingRules) -> float:
    how, middle = rules.weekend, float(np.median(usual))
    return max(how.level_least, middle + how.usual_deviations * MAD * float(np.median(np.abs(usual - middle))))


def _begin(grid: DayGrid, judged: Ints, earlier: Bools, rules: FindingRules) -> int:
    """The first day off of an unbroken run that is above."""
    off = np.flatnonzero((grid.kind != WORKDAY) & (np.arange(grid.days) < judged[0]))[-BEGIN_DAYS_OFF:]
    since = int(judged[0])
    if not len(off):
        return since
    reference = earlier & (np.arange(grid.days) < off[0])
    if reference.sum() < rules.weekend.history_days:
        return since
    level = levels(grid, off, reference, rules).level
    for row, each in zip(off[::-1].tolist(), level[::-1].tolist(), strict=True):
        if not each >= rules.weekend.level_least:
            break
        since = row
    return since
