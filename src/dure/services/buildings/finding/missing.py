"""Readings that do not come, and bills that are late. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from dure.core.time import day_interval
from dure.services.buildings.finding.day_grid import DAY_H, DayGrid
from dure.services.buildings.finding.finding_rules import FindingRules
from dure.services.buildings.finding.findings import Finding

CLOCK_CHANGE_H = 1  # an hour a local day may lack without anything missing


def missing(grid: DayGrid, rules: FindingRules) -> Finding | None:
    """Hours of the last days of a grid that were not measured; days before the first reading are none of them."""
    how = rules.missing
    first = max(0, grid.days - how.window_days)
    gone = np.isnan(grid.use)
    if grid.days == 0 or gone.all():
        return None
    begun = int(np.flatnonzero(~gone.ravel())[0])
    cells = np.flatnonzero(gone.ravel())
    cells = cells[(cells >= first * DAY_H) & (cells > begun)]
    if len(cells) < how.hours_least + CLOCK_CHANGE_H:
        return None
    rule, provisional = rules.basis("missing", how)
    begin = _run_begin(gone, int(cells[0]))
    row, hour = divmod(begin, DAY_H)
    last = int(np.flatnonzero(~gone.ravel())[-1])
    window = max(first, row)
    known = grid.use[~gone]
    return Finding(
        kind="missing",
        meter=grid.meter,
        since=grid.starts(row, hour),
        until=grid.starts(grid.days),
        window_from=grid.starts(window),
        actual=0.0,
        expected=float(known.mean()) * len(cells),
        excess_per_h=0.0,
        hours_year=0.0,
        numbers={
            "missing_h": float(len(cells)),
            "window_h": float((grid.days - first) * DAY_H),
            "threshold_h": float(how.hours_least),
            "silent_h": float(grid.days * DAY_H - 1 - last),
        },
        rule=rule,
        provisional=provisional,
    )


def _run_begin(gone: np.ndarray, cell: int) -> int:
    flat = gone.ravel()
    while cell > 0 and flat[cell - 1]:
        cell -= 1
    return cell


def late_bill(meter: str, months: Collection[str], today: date, zone: ZoneInfo, rules: FindingRules) -> Finding | None:
    """A month that is over for longer than bills take, and has none, where the months before had theirs.

    Parameters
    ----------
    meter : asset id
    months : months with a bill ("2026-05")
    today : local day
    zone : the local clock
    rules : in force
    """
    how = rules.missing
    due = _month_before(today - timedelta(days=how.bill_days))
    if due in months:
        return None
    known = sorted(one for one in months if one < due)
    if len(known) < how.months_known:
        return None
    since = _after(known[-1])
    rule, provisional = rules.basis("missing", how)
    end = day_interval(_first_day(_after(due)), zone).start
    begin = day_interval(_first_day(since), zone).start
    return Finding(
        kind="missing",
        meter=meter,
        since=begin,
        until=max(end, begin),
        window_from=begin,
        actual=0.0,
        expected=0.0,
        excess_per_h=0.0,
        hours_year=0.0,
        numbers={
            "missing_months": float(_months_between(since, due) + 1),
            "late_days": float((today - _first_day(_after(due))).days),
            "threshold_days": float(how.bill_days),
        },
        rule=rule,
        provisional=provisional,
    )


def _first_day(month: str) -> date:
    return date(int(month[:4]), int(month[5:7]), 1)


def _month_before(day: date) -> str:
    last = day.replace(day=1) - timedelta(days=1)
    return f"{last:%Y-%m}"


def _after(month: str) -> str:
    return f"{(_first_day(month) + timedelta(days=32)):%Y-%m}"


def _months_between(first: str, last: str) -> int:
    a, b = _first_day(first), _first_day(last)
    return (b.year - a.year) * 12 + b.month - a.month
