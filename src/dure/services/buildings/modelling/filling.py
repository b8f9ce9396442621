"""Gaps of an hourly series, filled by the hourly model of the same meter, each with its interval, never silently.

What is measured is never touched. Each filled hour says so and carries an interval from hours the model had not seen: the
quantiles of what was missed at the same hour of the day in weeks that were held out. A gap's total has an interval of its own,
as hours that follow each other are wrong together. A gap longer than the limit, or without temperature, stays a gap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from dure.services.buildings.modelling.goodness import autocorrelation
from dure.services.buildings.modelling.outcome import Bools, Floats, Ints, Refused
from dure.services.buildings.modelling.rows import HourlyRows


@dataclass(frozen=True)
class Filling:
    """How gaps are filled.

    Attributes
    ----------
    confidence : of the two-sided intervals [1]
    gap_h_max : longer gaps stay gaps [h]
    folds : weeks are dealt to, to see what the model misses
    hours_min : hours an hour of the day needs for quantiles of its own; else all hours' stand in
    """

    confidence: float = 0.9
    gap_h_max: int = 336
    folds: int = 4
    hours_min: int = 40


DEFAULT = Filling()


@dataclass(frozen=True)
class Gap:
    """A run of hours without use: rows `first` to `end` (excluded), what stands in for it, and its interval [unit of use].

    `why` is ``filled``, or what it stays a gap for: ``too_long``, ``no_temperature``.
    """

    first: int
    end: int
    total: float
    low: float
    high: float
    why: str


@dataclass(frozen=True, eq=False)
class Filled:
    """A series with its gaps filled.

    Attributes
    ----------
    usage : (n,) measured where measured, else filled, else NaN
    filled : (n,) whether an hour is filled
    low, high : (n,) interval of filled hours; of measured ones the value itself
    gaps : in order
    measured_share : share of hours that were measured [1]
    """

    usage: Floats
    filled: Bools
    low: Floats
    high: Floats
    gaps: tuple[Gap, ...]
    measured_share: float


def fill_gaps(rows: HourlyRows, how: Filling = DEFAULT) -> Filled | Refused:
    """Fill the hours of a meter that have no use.

    Parameters
    ----------
    rows : every hour of a span, in order, use NaN where it was not measured

    Returns
    -------
    The series, or why no model of it can be made
    """
    model = rows.fit()
    if isinstance(model, Refused):
        return model
    missed = _missed(rows, how.folds)
    if isinstance(missed, Refused):
        return missed
    told, missing = model.of_rows(rows), np.isnan(rows.usage)
    below, above = _quantiles(missed, rows.hour_of_week % 24, how)
    runs = [(first, end, _reason(told[first:end], how)) for first, end in _runs(missing)]
    filled = np.zeros(len(missing), bool)
    for first, end, why in runs:
        filled[first:end] = why == "filled"
    usage = np.where(filled, told, rows.usage)
    floor = -math.inf if rows.how.net else 0.0
    usage = np.where(filled, np.maximum(usage, floor), usage)
    spread = _spread(missed)
    return Filled(
        usage=usage,
        filled=filled,
        low=np.where(filled, np.maximum(usage + below, floor), usage),
        high=np.where(filled, usage + above, usage),
        gaps=tuple(_gap(usage, first, end, why, spread.half_width(end - first, how.confidence)) for first, end, why in runs),
        measured_share=float(1 - missing.mean()),
    )


@dataclass(frozen=True)
class _Spread:
    sd: float
    correlation: float
    n: int

    def half_width(self, hours: int, confidence: float) -> float:
        lag = np.arange(1, hours)
        variance = self.sd**2 * (hours + 2 * float(((hours - lag) * self.correlation**lag).sum()))
        return float(student.ppf(0.5 + confidence / 2, self.n - 1)) * math.sqrt(variance)


def _missed(rows: HourlyRows, folds: int) -> Floats | Refused:
    """(n,) what models of other weeks miss; NaN where use or temperature is missing."""
    residual = np.full(len(rows.usage), np.nan)
    _, place = np.unique(rows.week, return_inverse=True)
    for fold in range(folds):
        held = place % folds == fold
        model = rows.of(~held).fit()
        if isinstance(model, Refused):
            return model
        residual[held] = rows.usage[held] - model.of_rows(rows.of(held))
    return residual


def _quantiles(missed: Floats, hour: Ints, how: Filling) -> tuple[Floats, Floats]:
    """(n,) lower and upper quantile of what is missed at each row's hour of the day."""
    shares = [0.5 - how.confidence / 2, 0.5 + how.confidence / 2]
    every = np.nanquantile(missed, shares)
    table = np.tile(every, (24, 1))
    for each in range(24):
        own = missed[(hour == each) & ~np.isnan(missed)]
        if len(own) >= how.hours_min:
            table[each] = np.quantile(own, shares)
    return np.minimum(table[hour, 0], 0.0), np.maximum(table[hour, 1], 0.0)


def _spread(missed: Floats) -> _Spread:
    known = missed[~np.isnan(missed)]
    return _Spread(float(np.sqrt(np.mean(known**2))), min(max(autocorrelation(known), 0.0), 0.99), len(known))


def _runs(missing: Bools) -> list[tuple[int, int]]:
    edge = np.flatnonzero(np.diff(np.concatenate([[0], missing.astype(np.int8), [0]])))
    return [(int(first), int(end)) for first, end in edge.reshape(-1, 2)]


def _reason(told: Floats, how: Filling) -> str:
    if len(told) > how.gap_h_max:
        return "too_long"
    return "no_temperature" if np.isnan(told).any() else "filled"


def _gap(usage: Floats, first: int, end: int, why: str, half: float) -> Gap:
    total = float(usage[first:end].sum()) if why == "filled" else math.nan
    return Gap(first, end, total, total - half, total + half, why)
