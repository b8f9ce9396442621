"""What a model puts in place of the hours a month lacks, with its interval. Pure.

The model is fitted to the hours before and in the month (rules/months.toml), by temperature and time of the week. A month is
filled only when enough of it is known; a gap that is too long, or without temperature, stays one. What was filled is kept with
the month, gap by gap, so that the month can be made again without the weather.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dure.services.buildings.baselines.series import Series, clockwork
from dure.services.buildings.intervals.interval_books import GRID_US, Intervals, hourly
from dure.services.buildings.modelling.filling import fill_gaps
from dure.services.buildings.modelling.outcome import Refused
from dure.services.buildings.months.month_making import DISPUTED, FilledGap

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from numpy.typing import NDArray

    from dure.services.buildings.baselines.series import Span
    from dure.services.buildings.months.month_use import MonthUse


def gaps_filled(hours: Intervals, temperature_c: NDArray[np.float64], span: Span, zone: ZoneInfo) -> list[FilledGap]:
    """Gaps of a span that a model of its other hours fills; none where there is no model.

    Parameters
    ----------
    hours : intervals of the meter, those of the span are used
    temperature_c : (n,) of each hour of the span, NaN where it is not known [degree C]
    """
    rows = hourly(hours)
    usage = np.full(span.hours, np.nan)
    place = (rows.start_us - span.start_us) // GRID_US
    kept = (rows.quality != DISPUTED) & (place >= 0) & (place < len(usage))
    usage[place[kept]] = rows.amount[kept]
    found = fill_gaps(Series(span, usage, temperature_c, clockwork(span, zone)).hourly())
    if isinstance(found, Refused):
        return []
    start_us = span.start_us + np.arange(span.hours, dtype=np.int64) * GRID_US
    return [
        FilledGap(start_us[one.first : one.end], found.usage[one.first : one.end], (one.high - one.low) / 2)
        for one in found.gaps
        if one.why == "filled"
    ]


def kept_gaps(rows: Iterable[MonthUse]) -> list[FilledGap]:
    """What was filled in months, as it is kept with them: each gap's amount stands in its first hour."""
    found = []
    for row in rows:
        for start_us, hours, amount, half_width in row.facts.get("filled", ()):
            amounts = np.zeros(hours)
            amounts[0] = amount
            found.append(FilledGap(start_us + np.arange(hours, dtype=np.int64) * GRID_US, amounts, float(half_width)))
    return found
