"""A leak: the base load took a step, or water or gas no longer stands still in any hour of the night. Pure."""

from __future__ import annotations

import numpy as np

from dure.services.buildings.finding.day_grid import Bools, DayGrid
from dure.services.buildings.finding.finding_rules import FindingRules
from dure.services.buildings.finding.findings import HOURS_PER_YEAR, Finding
from dure.services.buildings.finding.night_base import finding_of
from dure.services.buildings.finding.strange_weeks import workdays_unlike
from dure.services.buildings.finding.surplus import standing, usual_evidence


def leak(grid: DayGrid, earlier: Bools, rules: FindingRules, *, flows: bool = False) -> Finding | None:
    """A step of the base load, or (for what flows: water, gas) a flow that never stops.

    Parameters
    ----------
    grid : whole days up to now
    earlier : (days,) rows that may be compared with
    rules : in force
    flows : whether the meter counts something that usually stands still at night

    Returns
    -------
    The finding, or None
    """
    return (never_still(grid, earlier, rules) if flows else None) or step(grid, earlier, rules)


def step(grid: DayGrid, earlier: Bools, rules: FindingRules) -> Finding | None:
    """A large surplus that has stood for a few days, judged by each of them."""
    how = rules.base
    found = standing(grid, how.step_days, earlier, rules)
    if found is None or found.surplus.evidence < how.evidence_step or found.surplus.level < how.step_level:
        return None
    if not (found.surplus.by_day > 0).all():
        return None
    unlike = workdays_unlike(grid, grid.days - how.step_days, earlier, rules, surplus_per_h=found.per_h)
    if unlike is not None and abs(unlike) > how.unlike_most:
        return None
    if found.surplus.evidence < how.usual_times * usual_evidence(grid, how.step_days, earlier, rules):
        return None
    return finding_of(grid, "leak", (found, how.step_days), earlier, rules)


def never_still(grid: DayGrid, earlier: Bools, rules: FindingRules) -> Finding | None:
    """The least flow of each of the last nights is above nothing, where nearly all nights before had a still hour."""
    how, base = rules.flow, rules.base
    first = grid.days - how.nights
    reference = np.flatnonzero(earlier & (np.arange(grid.days) < first))[-how.history_days :]
    if first < 1 or len(reference) < how.history_days:
        return None
    night = grid.use[:, base.night_from : base.night_to]
    whole = ~np.isnan(night).any(1)
    least = np.where(whole, np.where(np.isnan(night), np.inf, night).min(1), np.nan)
    now, before = least[first:], least[reference]
    before = before[~np.isnan(before)]
    if np.isnan(now).any() or len(before) < how.history_days // 2 or not (now > 0).all():
        return None
    still = float((before <= 0).mean())
    if still < how.still_share:
        return None
    moving = least > 0
    since = first
    while since > 0 and moving[since - 1] and earlier[since - 1]:
        since -= 1
    flow = float(np.median(now))
    rule, provisional = rules.basis("flow", how)
    hours = float(how.nights * (base.night_to - base.night_from))
    return Finding(
        kind="leak",
        meter=grid.meter,
        since=grid.starts(since),
        until=grid.starts(grid.days),
        window_from=grid.starts(first),
        actual=float(night[first:].sum()),
        expected=float(night[first:].sum()) - flow * hours,
        excess_per_h=flow,
        hours_year=HOURS_PER_YEAR,
        numbers={"least_flow_per_h": flow, "surplus_per_h": flow, "still_nights_share": still, "nights": float(how.nights)},
        rule=rule,
        provisional=provisional,
    )
