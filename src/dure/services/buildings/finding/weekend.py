"""Days off that run as workdays. Pure.

Each hour of a day off lies nearer to what days off or to what workdays used in alike hours; twice the log likelihood ratio of
the two, each hour's misfit bounded, is summed. Hours of one day go together, so that a large sum alone is no proof: the whole
days must also lie towards workdays by more than the meter's own days off do by chance (`days_off`). If the workdays of that week
were also unlike what they should be, it was a strange week (a cold snap that is heated through), not the schedule, and nothing is
found.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dure.services.buildings.finding.day_grid import WORKDAY, Bools, DayGrid, Floats, Ints
from dure.services.buildings.finding.days_off import off_score
from dure.services.buildings.finding.finding_rules import FindingRules
from dure.services.buildings.finding.findings import Finding
from dure.services.buildings.finding.likeness import alike
from dure.services.buildings.finding.strange_weeks import workdays_unlike

OFF_DAYS_PER_YEAR = 2 * 52.18
DAYS_PER_WEEK = 7
BEGIN_DAYS_OFF = 8  # a month of them: how far back the begin is looked for


class Levels(NamedTuple):
    """Of days off (k,), in the hours in which they differ from workdays.

    Attributes
    ----------
    evidence : twice the log likelihood ratio of running as a workday against as a day off
    weighted, weight : place of each hour between day off (0) and workday (1), weighted by how far these are apart, and the sum
    use, expected, surplus : sums [book unit]; hours : that told it
    """

    evidence: Floats
    weighted: Floats
    weight: Floats
    use: Floats
    expected: Floats
    surplus: Floats
    hours: Ints

    @property
    def level(self) -> float:
        """The level of all together; NaN where there is nothing to tell it by."""
        weight = float(self.weight.sum())
        return float(self.weighted.sum()) / weight if weight > 0 else float("nan")


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
    judged = recent[-how.days_least :]
    reference = earlier & (np.arange(grid.days) < (judged[0] if len(judged) else 0))
    if len(judged) < how.days_least or reference.sum() < how.history_days:
        return None
    now = levels(grid, judged, reference, rules)
    if not (now.level >= how.level_least and now.evidence.sum() >= how.evidence_least):
        return None
    week = workdays_unlike(grid, int(judged[-1]) - DAYS_PER_WEEK + 1, earlier, rules) or 0.0
    if week > how.unlike_most:
        return None
    score = off_score(grid, judged, reference, rules.off)
    if now.evidence.sum() < how.evidence_alone if score is None else score < rules.off.score_least:
        return None
    rule, provisional = rules.basis("weekend", how)
    hours = float(now.hours.sum()) / len(judged)
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
            "level": now.level,
            "threshold_level": how.level_least,
            "evidence": float(now.evidence.sum()),
            "threshold_evidence": how.evidence_least,
            **({} if score is None else {"score": score, "threshold_score": rules.off.score_least}),
            "workdays_unlike_share": week,
            "surplus_per_h": float(now.surplus.sum() / now.hours.sum()),
            "hours_per_day": hours,
            "days": float(len(judged)),
        },
        rule=rule,
        provisional=provisional,
    )


def levels(grid: DayGrid, rows: Ints, reference: Bools, rules: FindingRules) -> Levels:
    """Where days off lie between days off and workdays before them."""
    how = rules.weekend
    own = alike(grid, rows, reference, rules.likeness_wide)
    work = alike(grid, rows, reference, rules.likeness_wide, kind=WORKDAY)
    apart = work.expected - own.expected
    with np.errstate(invalid="ignore"):
        counts = (apart >= how.contrast_least * work.expected) & (apart > 0) & ~np.isnan(own.use)
    span = np.where(counts, apart, 1.0)
    least = how.spread_share * span
    off_misfit, work_misfit = (
        np.minimum((np.where(counts, one.difference, 0.0) / np.hypot(np.where(counts, one.spread, 0.0), least)) ** 2, how.clip**2)
        for one in (own, work)
    )
    place = np.clip(np.where(counts, own.difference, 0.0) / span, -1.0, 2.0)
    weight = np.where(counts, apart, 0.0)
    return Levels(
        (off_misfit - work_misfit).sum(1),
        (place * weight).sum(1),
        weight.sum(1),
        np.where(counts, own.use, 0.0).sum(1),
        np.where(counts, own.expected, 0.0).sum(1),
        np.where(counts, own.difference, 0.0).sum(1),
        counts.sum(1),
    )


def _begin(grid: DayGrid, judged: Ints, earlier: Bools, rules: FindingRules) -> int:
    """The first day off of an unbroken run that is above."""
    off = np.flatnonzero((grid.kind != WORKDAY) & (np.arange(grid.days) < judged[0]))[-BEGIN_DAYS_OFF:]
    since = int(judged[0])
    if not len(off):
        return since
    reference = earlier & (np.arange(grid.days) < off[0])
    if reference.sum() < rules.weekend.history_days:
        return since
    found = levels(grid, off, reference, rules)
    for row, evidence in zip(off[::-1].tolist(), found.evidence[::-1].tolist(), strict=True):
        if not evidence > 0:
            break
        since = row
    return since
