"""The evidence of a finding as series: what was used, what alike hours used, and between which limits that lies. Pure."""

from __future__ import annotations

import msgspec
import numpy as np

from dure.core.time import format_instant, from_us, to_us
from dure.services.buildings.finding.day_grid import DAY_H, HOUR_US, Bools, DayGrid, Floats, Ints
from dure.services.buildings.finding.finding_rules import FindingRules
from dure.services.buildings.finding.findings import Finding, Kind
from dure.services.buildings.finding.likeness import alike
from dure.services.buildings.finding.looking import row_of

BEFORE_D = 14  # days shown before it began
SHOWN_D = 56
HOURLY_D = 10
BY_NIGHT: tuple[Kind, ...] = ("night_base", "leak")
TWO_SIDED_90 = 1.645  # deviations


class Evidence(msgspec.Struct, frozen=True, eq=False):
    """(n,) hours or nights.

    Attributes
    ----------
    step : ``hour``, or ``night``: the mean of the judged hours of each local day
    start_us : begin of each [us since 1970 UTC]
    actual, expected, low, high : [book unit / h]; the limits hold nine in ten; NaN where not known
    limit : the threshold, where it is one value [book unit / h]
    """

    step: str
    start_us: Ints
    actual: Floats
    expected: Floats
    low: Floats
    high: Floats
    limit: float | None


def evidence_of(grid: DayGrid, finding: Finding, barred: Bools, rules: FindingRules) -> Evidence:
    """What speaks for a finding, as the readings tell it now.

    Parameters
    ----------
    grid : whole days of its meter
    finding : since when, and which
    barred : (days,) rows nothing is compared with
    rules : in force
    """
    begin = min(max(row_of(grid, finding.since), 0), grid.days)
    first = max(begin - BEFORE_D, 0)
    end = min(begin + SHOWN_D, grid.days)
    if finding.kind not in BY_NIGHT:
        end = min(max(row_of(grid, finding.until), begin + 1), grid.days)
        first = max(end - HOURLY_D, 0)
    rows = np.arange(first, end)
    earlier = np.asarray(~np.isnan(grid.use).all(1)) & ~barred & (np.arange(grid.days) < max(begin, 1))
    near, wide = (alike(grid, rows, earlier, how) for how in (rules.likeness, rules.likeness_wide))
    expected = np.where(np.isnan(near.expected), wide.expected, near.expected)
    spread = np.where(np.isnan(near.expected), wide.spread, near.spread)
    starts = np.array([to_us(grid.starts(int(row))) for row in rows], np.int64)
    if finding.kind in BY_NIGHT:
        return _by_night(grid, rows, (starts, expected, spread), finding, rules)
    at = (starts[:, None] + HOUR_US * np.arange(DAY_H)).ravel()
    away = TWO_SIDED_90 * spread.ravel()
    middle = expected.ravel()
    return Evidence("hour", at, grid.use[rows].ravel(), middle, np.maximum(middle - away, 0), middle + away, None)


def _by_night(grid: DayGrid, rows: Ints, told: tuple[Ints, Floats, Floats], finding: Finding, rules: FindingRules) -> Evidence:
    starts, expected, spread = told
    hours = list(rules.base.hours)
    both = ~np.isnan(expected[:, hours]) & ~np.isnan(grid.use[rows][:, hours])
    n = both.sum(1)

    def mean(value: Floats) -> Floats:
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(n > 0, np.where(both, value[:, hours], 0.0).sum(1) / n, np.nan))

    middle = mean(expected)
    away = TWO_SIDED_90 * mean(spread)
    share, base = finding.numbers.get("threshold_share"), finding.numbers.get("night_use_before_per_h")
    known = middle[~np.isnan(middle)]
    limit = None if share is None or base is None or not len(known) else float(np.median(known)) + share * base
    return Evidence("night", starts, mean(grid.use[rows]), middle, np.maximum(middle - away, 0), middle + away, limit)


def rows_of(told: Evidence) -> list[dict[str, float | str | None]]:
    """The series as rows, times in RFC 3339, None where not known."""

    def number(value: float) -> float | None:
        return None if np.isnan(value) else round(float(value), 1)

    return [
        {
            "start": format_instant(from_us(int(told.start_us[n]))),
            "actual": number(told.actual[n]),
            "expected": number(told.expected[n]),
            "low": number(told.low[n]),
            "high": number(told.high[n]),
        }
        for n in range(len(told.start_us))
    ]
