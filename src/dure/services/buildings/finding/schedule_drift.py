"""Start or stop of a building's day has moved: it begins earlier or ends later than it did. Pure.

The start of a day is where its use first passes half way from the night's to the day's level, between two hours by a straight
line; the stop is where it last does. Only what costs is a finding: an earlier start, a later stop.
"""

from __future__ import annotations

import numpy as np

from dure.services.buildings.finding.day_grid import DAY_H, WORKDAY, Bools, DayGrid, Floats, Ints
from dure.services.buildings.finding.finding_rules import DriftRow, FindingRules
from dure.services.buildings.finding.findings import Finding
from dure.services.buildings.finding.likeness import Alike, alike

MAD = 1.4826
WORKDAYS_PER_YEAR = 250.0
NIGHT, DAY = slice(0, 5), slice(10, 16)  # local hours that are surely the one and the other


def schedule_drift(grid: DayGrid, earlier: Bools, rules: FindingRules) -> Finding | None:
    """The workdays of the last week start earlier or stop later than those before.

    Parameters
    ----------
    grid : whole days up to now
    earlier : (days,) rows that may be compared with
    rules : in force

    Returns
    -------
    The finding, or None
    """
    how, first = rules.drift, grid.days - rules.drift.window_days
    row = np.arange(grid.days)
    work = grid.kind == WORKDAY
    now = np.flatnonzero(work & (row >= first))
    reference = np.flatnonzero(work & earlier & (row < first))[-how.history_days :]
    if len(now) < how.days_least or len(reference) < how.history_days // 2:
        return None
    as_usual, new = _against_alike(grid, now, earlier & (row < first), rules)
    moved_h = np.where(np.isnan(new).all(1), 0.0, [_median(-new[0]), _median(new[1])])
    if moved_h.max() < how.shift_h_least:  # most days end here
        return None
    _, old = _against_alike(grid, reference, earlier & (row < first), rules)
    shifts = {"start": _moved(-new[0], -old[0], how), "stop": _moved(new[1], old[1], how)}
    which = max(shifts, key=lambda name: shifts[name])
    shift_h = shifts[which]
    if not shift_h > 0:
        return None
    rule, provisional = rules.basis("drift", how)
    today, usual = as_usual.use, as_usual.expected
    more = max(float(np.nanmedian(today[:, DAY]) - np.nanmedian(today[:, NIGHT])) / 2, 0.0)
    told = ~np.isnan(today) & ~np.isnan(usual)
    edge = 1 if which == "stop" else 0
    hour = float(np.nanmedian(day_edges(today, how)[edge]))
    moved = np.flatnonzero(np.abs(new[edge]) >= shift_h / 2)
    return Finding(
        kind="schedule_drift",
        meter=grid.meter,
        since=grid.starts(int(now[moved[0]])),
        until=grid.starts(grid.days),
        window_from=grid.starts(int(now[0])),
        actual=float(today[told].sum()),
        expected=float(usual[told].sum()),
        excess_per_h=more,
        hours_year=shift_h * WORKDAYS_PER_YEAR,
        numbers={
            "shift_h": shift_h,
            "stop": 1.0 if which == "stop" else 0.0,
            "usual_hour": hour - shift_h if edge else hour + shift_h,
            "hour": hour,
            "threshold_h": how.shift_h_least,
            "surplus_per_h": more,
        },
        rule=rule,
        provisional=provisional,
    )


def _against_alike(grid: DayGrid, rows: Ints, earlier: Bools, rules: FindingRules) -> tuple[Alike, Floats]:
    """What days and alike days used, and (2, k) how much later they start and stop than those [h]."""
    seen = alike(grid, rows, earlier, rules.likeness_wide)
    return seen, np.array(day_edges(seen.use, rules.drift)) - np.array(day_edges(seen.expected, rules.drift))


def _median(value: Floats) -> float:
    known = value[~np.isnan(value)]
    return float(np.median(known)) if len(known) else 0.0


def day_edges(use: Floats, how: DriftRow) -> tuple[Floats, Floats]:
    """(days,) hours at which each day starts and stops [local h]; NaN where it cannot be told or day is like night."""
    with np.errstate(all="ignore"):
        bare = np.asarray(np.isnan(use).any(1))
        filled = np.where(bare[:, None], 0.0, use)
        night, day = np.median(filled[:, NIGHT], 1), np.median(filled[:, DAY], 1)
        told = ~bare & (day - night >= how.contrast_least * day) & (day > night)
        half = (night + day) / 2
        above = filled >= half[:, None]
        first = above.argmax(1)
        last = DAY_H - 1 - above[:, ::-1].argmax(1)
    rows = np.arange(len(use))
    begin = first - _part(filled, rows, half, (first, first - 1))
    end = last + 1 + _part(filled, rows, half, (last, last + 1)) - 1
    told &= above.any(1) & (first > 0)
    return np.where(told, begin, np.nan), np.where(told & (last < DAY_H - 1), end, np.nan)


def _part(use: Floats, rows: np.ndarray, half: Floats, cells: tuple[np.ndarray, np.ndarray]) -> Floats:
    """(days,) part of an hour from the inner cell out to where the straight line passes half way."""
    inner = use[rows, cells[0]]
    outer = use[rows, np.clip(cells[1], 0, DAY_H - 1)]
    with np.errstate(all="ignore"):
        part = (inner - half) / (inner - outer)
    return np.asarray(np.clip(np.where(np.isfinite(part), part, 0.0), 0.0, 1.0))


def _moved(new: Floats, old: Floats, how: DriftRow) -> float:
    """How far an edge moved outwards against alike days [h], if that is a finding; else 0."""
    new, old = new[~np.isnan(new)], old[~np.isnan(old)]
    if len(new) < how.days_least or len(old) < how.history_days // 2:
        return 0.0
    middle = float(np.median(old))
    shift = float(np.median(new)) - middle
    limit = max(how.shift_h_least, how.deviations * MAD * float(np.median(np.abs(old - middle))))
    return shift if shift >= limit and (new - middle >= limit / 2).sum() >= how.days_least else 0.0
