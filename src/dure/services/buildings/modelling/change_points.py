"""Change-point models of daily use and of bills: 3P, 4P and 5P by an exact search of all balance points.

    use per day = intercept + beta_hdd max(0, heating balance point - T) + beta_cdd max(0, T - cooling balance point)

Every pair of balance points of the grid (heating <= cooling) is a candidate, with the models of one hinge and of none. A
candidate qualifies where its degree days suffice and intercept and slopes are not negative; the highest adjusted R2 wins, the
simplest first. These are CalTRACK's rules 3.2 to 3.4 (docs.caltrack.org, version 2.0), as eemeter 3.2.0 carries them out: the
same balance points and coefficients come out. Running sums make a candidate a system of two equations (`hinge_kernel`).

Any unit of temperature will do, if grid and series share it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from dure.services.buildings.modelling.compiling import kernel
from dure.services.buildings.modelling.outcome import Floats, Ints, Refused, objection, usable

Kind = Literal["intercept_only", "hdd_only", "cdd_only", "cdd_hdd"]
KINDS: tuple[Kind, ...] = ("intercept_only", "hdd_only", "cdd_only", "cdd_hdd")


@dataclass(frozen=True)
class Grid:
    """Balance points that are tried: from `low` to `high`, both included."""

    low: float
    high: float
    step: float

    @property
    def points(self) -> Floats:
        """(n_grid,) ascending."""
        return np.asarray(self.low + self.step * np.arange(round((self.high - self.low) / self.step) + 1), np.float64)


CALTRACK_F = Grid(30.0, 90.0, 1.0)  # CalTRACK 3.2.2
KOREAN_C = Grid(-1.0, 32.0, 0.5)  # the same span in degrees Celsius, in the half degrees of Korean reports


@dataclass(frozen=True)
class Qualification:
    """What a candidate must show (CalTRACK 3.2.2.2 and 3.4.3): rules of the method, in the unit of the temperature.

    Attributes
    ----------
    non_zero_min : days (or bills) with degree days
    total_min : degree days in all
    rows_min : days or bills; fewer cannot carry five coefficients
    net : whether use, and so the intercept, may be negative (PV behind the meter)
    coverage_min : share of a bill's days that must have a temperature
    """

    non_zero_min: int = 10
    total_min: float = 20.0
    rows_min: int = 20
    net: bool = False
    coverage_min: float = 0.9

    def limits(self, penalty: float = -1.0) -> Floats:
        """As the kernel takes them."""
        base_min = -np.inf if self.net else 0.0
        return np.array([self.non_zero_min, self.total_min, base_min, penalty, self.rows_min], float)


DAILY = Qualification()
BILLING = Qualification(non_zero_min=0, rows_min=7)


@dataclass(frozen=True)
class ChangePoint:
    """A fitted model of use per day.

    Attributes
    ----------
    intercept : use on a day of neither heating nor cooling [unit of use / d]
    beta_hdd, beta_cdd : use per degree day [unit of use / (degree d)], 0 where there is none
    heating_balance_point, cooling_balance_point : [degree], NaN where there is none
    r_squared_adj : adjusted coefficient of determination [1]
    sse : (weighted) sum of squared residuals [(unit of use / d)^2]
    n : rows it was fitted to
    """

    kind: Kind
    intercept: float
    beta_hdd: float
    beta_cdd: float
    heating_balance_point: float
    cooling_balance_point: float
    r_squared_adj: float
    sse: float
    n: int

    @property
    def slopes(self) -> int:
        """Slopes it has: 0, 1 or 2."""
        return (0, 1, 1, 2)[KINDS.index(self.kind)]

    @property
    def parameters(self) -> int:
        """Coefficients and balance points: 1, 3 (3P), 4 (both balance points in one) or 5."""
        if self.slopes < 2:
            return 1 + 2 * self.slopes
        return 4 if self.heating_balance_point == self.cooling_balance_point else 5

    def predict(self, temperature: Floats) -> Floats:
        """(n,) use per day at mean temperatures of days (n,); NaN where there is none."""
        told = np.where(np.isnan(temperature), np.nan, self.intercept)
        if self.beta_hdd:
            told = told + self.beta_hdd * np.maximum(0.0, self.heating_balance_point - temperature)
        if self.beta_cdd:
            told = told + self.beta_cdd * np.maximum(0.0, temperature - self.cooling_balance_point)
        return told


@dataclass(frozen=True, eq=False)
class Bills:
    """Billing periods, in whole days counted from the first day of the temperatures.

    Attributes
    ----------
    first, end : (n,) first day, and the day after the last [d]
    usage : (n,) use in the period, NaN where missing
    """

    first: Ints
    end: Ints
    usage: Floats


def fit_daily(temperature: Floats, usage: Floats, grid: Grid = CALTRACK_F, rules: Qualification = DAILY) -> ChangePoint | Refused:
    """The model of one meter.

    Parameters
    ----------
    temperature : (n,) mean temperature of each day, NaN where missing
    usage : (n,) use of each day, NaN where missing

    Returns
    -------
    The model, or why there is none
    """
    return fit_daily_many(temperature, np.asarray(usage, float)[None], grid, rules)[0]


def fit_daily_many(
    temperature: Floats, usage: Floats, grid: Grid = CALTRACK_F, rules: Qualification = DAILY
) -> list[ChangePoint | Refused]:
    """Models of meters that share a weather station, in one call.

    Parameters
    ----------
    temperature : (n,) mean temperature of each day, NaN where missing
    usage : (n_meters, n) use of each day, NaN where missing

    Returns
    -------
    (n_meters,) models, or why there is none
    """
    temperature, usage = np.asarray(temperature, float), np.asarray(usage, float)
    refused = {at: why for at, one in enumerate(usage) if (why := objection(temperature, one, rules.rows_min, net=rules.net))}
    good = [at for at in range(len(usage)) if at not in refused]
    found: dict[int, ChangePoint | Refused] = dict(refused)
    if good:
        order = np.argsort(temperature, kind="stable")  # NaN stands last
        order = order[~np.isnan(temperature[order])]
        known, sorted_usage, middle = temperature[order], np.ascontiguousarray(usage[good][:, order]), (grid.low + grid.high) / 2
        weight = (~np.isnan(sorted_usage)).astype(float)
        shared = (known - middle, grid.points - middle)
        answers = kernel("hinge_kernel").fit_meters(shared, np.nan_to_num(sorted_usage), weight, rules.limits())
        for at, answer, rows in zip(good, answers, weight, strict=True):
            found[at] = _model(answer, grid, int(rows.sum()))
    return [found[at] for at in range(len(usage))]


def fit_billing(
    temperature: Floats, bills: Bills, grid: Grid = CALTRACK_F, rules: Qualification = BILLING
) -> ChangePoint | Refused:
    """The model of one meter that is read from bills: degree days of its days, means over a period, weighted by its days.

    Parameters
    ----------
    temperature : (n_days,) mean temperature of each day, NaN where missing
    bills : in any order

    Returns
    -------
    The model, or why there is none
    """
    temperature = np.asarray(temperature, float)
    why = wrong_periods(bills, len(temperature))
    if why is not None:
        return why
    days = bills.end - bills.first
    spans = [temperature[first:end] for first, end in zip(bills.first, bills.end, strict=True)]
    kept = np.array([np.count_nonzero(~np.isnan(span)) for span in spans], float)
    enough = (kept >= rules.coverage_min * days) & (kept > 0)
    means = np.array([np.nanmean(span) if count else np.nan for span, count in zip(spans, kept, strict=True)])
    means[~enough] = np.nan
    why = objection(means, bills.usage, rules.rows_min, net=rules.net)
    if why is not None:
        return why
    rows = np.flatnonzero(usable(means, bills.usage))
    points = grid.points
    known = [span[~np.isnan(span)] for span in (spans[row] for row in rows)]
    heating = np.array([np.maximum(0.0, points - span[:, None]).mean(0) for span in known])
    cooling = np.array([np.maximum(0.0, span[:, None] - points).mean(0) for span in known])
    return _of_degree_days(heating, cooling, bills.usage[rows] / days[rows], kept[rows], (grid, rules))


def _of_degree_days(
    heating: Floats, cooling: Floats, usage: Floats, weight: Floats, how: tuple[Grid, Qualification]
) -> ChangePoint | Refused:
    """The best model of mean degree days (n, n_grid) and use per day (n,)."""
    grid, rules = how
    module, mean = kernel("hinge_kernel"), float(np.average(usage, weights=weight))
    y = usage - mean
    sums = np.zeros((module.N_SUMS, heating.shape[1]))
    for at, hinge in ((0, heating), (4, cooling)):
        sums[at] = (hinge > 0).sum(0)
        sums[at + 1], sums[at + 2], sums[at + 3] = weight @ hinge, weight @ hinge**2, (weight * y) @ hinge
    totals = np.array([len(y), weight.sum(), weight @ y, weight @ y**2])
    limits = rules.limits()
    limits[module.BASE_MIN] -= mean
    answer = module.best_candidate(sums, totals, (heating * weight[:, None]).T @ cooling, limits)
    answer[module.BASE] += mean
    return _model(answer, grid, len(y))


def wrong_periods(bills: Bills, n_days: int) -> Refused | None:
    """Why the periods cannot be right: two of one start, one within another, none of any length, or beyond the temperatures."""
    first, end = bills.first, bills.end
    empty = (end <= first) | (first < 0) | (end > n_days)
    if empty.any():
        return Refused("empty_periods", {"periods": float(empty.sum())})
    order = np.argsort(first, kind="stable")
    if (np.diff(first[order]) == 0).any():
        return Refused("duplicate_periods", {"periods": float((np.diff(first[order]) == 0).sum())})
    overlapping = end[order][:-1] > first[order][1:]
    if overlapping.any():
        return Refused("overlapping_periods", {"periods": float(overlapping.sum())})
    return None


def _model(answer: Floats, grid: Grid, n: int) -> ChangePoint | Refused:
    kind, intercept, beta_hdd, beta_cdd, place_h, place_c, r_squared_adj, sse, _ = answer.tolist()
    if kind < 0:
        return Refused("no_candidate", {"rows": float(n)})
    points = grid.points
    return ChangePoint(
        kind=KINDS[int(kind)],
        intercept=intercept,
        beta_hdd=beta_hdd,
        beta_cdd=beta_cdd,
        heating_balance_point=float(points[int(place_h)]) if place_h >= 0 else float("nan"),
        cooling_balance_point=float(points[int(place_c)]) if place_c >= 0 else float("nan"),
        r_squared_adj=r_squared_adj,
        sse=sse,
        n=n,
    )
