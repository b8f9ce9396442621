"""Gaps of a meter: what is missing, what the hourly model puts in its place, and how sure that is. Never silent. Pure.

What is filled is shown beside the series, never in it: it is made anew whenever it is asked for (`modelling.filling`).
"""

from __future__ import annotations

from datetime import datetime

import msgspec
import numpy as np

from dure.core.time import from_us
from dure.services.buildings.finding.day_grid import HOUR_US, Floats, Ints
from dure.services.buildings.modelling.filling import DEFAULT, Filling, fill_gaps
from dure.services.buildings.modelling.outcome import Refused
from dure.services.buildings.modelling.rows import HourlyRows


class MeterGap(msgspec.Struct, frozen=True, kw_only=True):
    """One gap.

    Attributes
    ----------
    start, end : from the first missing hour to the first that is there again
    hours : missing [h]
    amount, low, high : by the model, with its 90 % interval [book unit]; None: it stays a gap
    why : ``filled``, ``too_long``, ``no_temperature``, or why there is no model (`modelling.outcome`)
    """

    start: datetime
    end: datetime
    hours: int
    amount: int | None
    low: int | None
    high: int | None
    why: str


def gaps_of(rows: HourlyRows, start_us: Ints, how: Filling = DEFAULT) -> list[MeterGap]:
    """Gaps of a span of hours, in order.

    Parameters
    ----------
    rows : (n,) every hour of the span, use NaN where it was not measured
    start_us : (n,) begin of each [us since 1970 UTC]
    how : limits of filling
    """
    filled = fill_gaps(rows, how)
    if not isinstance(filled, Refused):
        return [_gap(start_us, (one.first, one.end), (one.total, one.low, one.high), one.why) for one in filled.gaps]
    nothing = (float("nan"),) * 3
    return [_gap(start_us, run, nothing, filled.code) for run in _runs(rows.usage)]


def _runs(usage: Floats) -> list[tuple[int, int]]:
    edge = np.flatnonzero(np.diff(np.concatenate([[0], np.isnan(usage).astype(np.int8), [0]])))
    return [(int(first), int(end)) for first, end in edge.reshape(-1, 2)]


def _gap(start_us: Ints, run: tuple[int, int], told: tuple[float, float, float], why: str) -> MeterGap:
    first, end = run
    amount, low, high = (None if np.isnan(one) else round(one) for one in told)
    return MeterGap(
        start=from_us(int(start_us[first])),
        end=from_us(int(start_us[end - 1]) + HOUR_US),
        hours=end - first,
        amount=amount,
        low=None if low is None else max(low, 0),
        high=high,
        why=why,
    )
