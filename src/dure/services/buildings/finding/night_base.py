"""The base load has risen: more is on all day and all night than in earlier hours that were alike. Pure.

The nights must say so (`surplus`), and the whole days by more than the meter's own weeks of like weather ever do by chance
(`always_on`).
"""

from __future__ import annotations

import msgspec

from dure.services.buildings.finding.always_on import steady
from dure.services.buildings.finding.day_grid import Bools, DayGrid
from dure.services.buildings.finding.finding_rules import FindingRules
from dure.services.buildings.finding.findings import HOURS_PER_YEAR, Finding, Kind
from dure.services.buildings.finding.strange_weeks import workdays_unlike
from dure.services.buildings.finding.surplus import Standing, begin_of, standing, usual_evidence


def night_base(grid: DayGrid, earlier: Bools, rules: FindingRules) -> Finding | None:
    """A surplus of the last week of a grid; a large one is a leak that `leak.step` had too few nights to tell by.

    Parameters
    ----------
    grid : whole days up to now
    earlier : (days,) rows that may be compared with; those of the window itself never are
    rules : in force

    Returns
    -------
    The finding, or None
    """
    how = rules.base
    found = standing(grid, how.window_days, earlier, rules)
    if found is None or found.surplus.evidence < how.evidence_least or found.surplus.level < how.level_least:
        return None
    if (found.surplus.by_day > 0).sum() < how.days_least:
        return None
    unlike = workdays_unlike(grid, grid.days - how.window_days, earlier, rules, surplus_per_h=found.per_h)
    if unlike is not None and abs(unlike) > how.unlike_most:
        return None
    whole = steady(grid, how.window_days, earlier, found.unit, rules.steady)
    large = found.surplus.level >= how.step_level  # no swing of the whole day comes to that
    sure = whole is not None and whole >= rules.steady.score_least
    if not sure and not ((large or whole is None) and _alone(grid, found, earlier, rules)):
        return None
    kind: Kind = "leak" if large else "night_base"
    finding = finding_of(grid, kind, (found, how.window_days), earlier, rules)
    if whole is None:
        return finding
    more = {"score": whole, "threshold_score": rules.steady.score_least}
    return msgspec.structs.replace(finding, numbers={**finding.numbers, **more})


def _alone(grid: DayGrid, found: Standing, earlier: Bools, rules: FindingRules) -> bool:
    """Whether the nights tell it without the whole days, where the past is too short for these or the step is large."""
    how = rules.base
    usual = usual_evidence(grid, how.window_days, earlier, rules)
    return found.surplus.evidence >= max(how.evidence_alone, how.usual_times * usual)


def finding_of(grid: DayGrid, kind: Kind, seen: tuple[Standing, int], earlier: Bools, rules: FindingRules) -> Finding:
    """A standing surplus as a finding."""
    found, days = seen
    rule, provisional = rules.basis("base", rules.base)
    since = begin_of(grid, days, earlier, rules)
    base = found.unit / rules.base.share
    return Finding(
        kind=kind,
        meter=grid.meter,
        since=grid.starts(since),
        until=grid.starts(grid.days),
        window_from=grid.starts(grid.days - days),
        actual=found.actual,
        expected=found.expected,
        excess_per_h=found.per_h,
        hours_year=HOURS_PER_YEAR,
        numbers={
            "night_use_before_per_h": base,
            "surplus_per_h": found.per_h,
            "surplus_share": found.per_h / base,
            "threshold_share": rules.base.share * (rules.base.step_level if kind == "leak" else rules.base.level_least),
            "evidence": found.surplus.evidence,
            "threshold_evidence": rules.base.evidence_step if kind == "leak" else rules.base.evidence_least,
            "hours": float(found.surplus.hours),
        },
        rule=rule,
        provisional=provisional,
    )
