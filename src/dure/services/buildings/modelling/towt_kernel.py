"""The loops of the hourly model: sums by month, hour of week and knot in one pass over the hours, then small systems.

Temperature enters by hats: a row counts for the two knots beside its temperature, by nearness (beyond the outer knots the
lines go on). An hour of the week is occupied or not, so that the occupied hours and the others are two models of their own.
With the sums of all hours of the week eliminated, each is a system of as many equations as there are knots.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dure.services.buildings.modelling.compiling import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Rows = tuple[Floats, Floats, Ints, Ints]

WEEK, MONTHS, YEAR = 168, 12, 12


@compiled
def _place(temperature: float, knots: Floats) -> int:
    """The knot below a temperature, of those that have one above."""
    at = 0
    while at < len(knots) - 2 and temperature >= knots[at + 1]:
        at += 1
    return at


@compiled
def _solve(matrix: Floats, right: Floats) -> Floats:
    """Solve a positive definite system by Cholesky."""
    n = len(right)
    lower, x = np.zeros((n, n)), np.zeros(n)
    for a in range(n):
        for b in range(a + 1):
            total = matrix[a, b]
            for k in range(b):
                total -= lower[a, k] * lower[b, k]
            lower[a, b] = math.sqrt(max(total, 1e-12)) if a == b else total / lower[b, b]
        x[a] = right[a]
        for k in range(a):
            x[a] -= lower[a, k] * x[k]
        x[a] /= lower[a, a]
    for a in range(n - 1, -1, -1):
        for k in range(a + 1, n):
            x[a] -= lower[k, a] * x[k]
        x[a] /= lower[a, a]
    return x


@compiled
def _steady(gram: Floats, knots: Floats, stiffness: float) -> None:
    """Make the system solvable where rows are few: knots want to lie on a line, and near 0 by very little."""
    n = len(knots)
    size = 0.0
    for a in range(n):
        size += gram[a, a]
    size = size / n + 1e-9
    width = (knots[n - 1] - knots[0]) / (n - 1)
    bend = np.zeros(3)
    for a in range(1, n - 1):
        left, right = (knots[a] - knots[a - 1]) / width, (knots[a + 1] - knots[a]) / width
        bend[0], bend[1], bend[2] = 1.0 / left, -1.0 / left - 1.0 / right, 1.0 / right
        for i in range(3):
            for j in range(3):
                gram[a - 1 + i, a - 1 + j] += stiffness * size * bend[i] * bend[j]
    for a in range(n):
        gram[a, a] += 1e-6 * size


@compiled
def occupancy(rows: Rows, knots: Floats, share_min: float) -> NDArray[np.bool_]:
    """(168,) hours of the week that use more than temperature alone tells in more than `share_min` of the weeks."""
    temperature, usage, hour, _ = rows
    n = len(knots)
    gram, right = np.zeros((n, n)), np.zeros(n)
    for i in range(len(usage)):
        at = _place(temperature[i], knots)
        high = (temperature[i] - knots[at]) / (knots[at + 1] - knots[at])
        low = 1.0 - high
        gram[at, at] += low * low
        gram[at + 1, at] += low * high
        gram[at, at + 1] += low * high
        gram[at + 1, at + 1] += high * high
        right[at] += low * usage[i]
        right[at + 1] += high * usage[i]
    _steady(gram, knots, 1e-6)
    level = _solve(gram, right)
    above, count = np.zeros(WEEK), np.zeros(WEEK)
    for i in range(len(usage)):
        at = _place(temperature[i], knots)
        high = (temperature[i] - knots[at]) / (knots[at + 1] - knots[at])
        above[hour[i]] += usage[i] > level[at] + high * (level[at + 1] - level[at])
        count[hour[i]] += 1.0
    return above > share_min * count


@compiled
def _sums(rows: Rows, knots: Floats, occupied: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """By month: count, use and hats of each hour of the week (12, 168, 2 + n_knots); Gram and products by class."""
    temperature, usage, hour, month = rows
    n = len(knots)
    own = np.zeros((MONTHS, WEEK, 2 + n))
    gram, right = np.zeros((MONTHS, 2, n, n)), np.zeros((MONTHS, 2, n))
    for i in range(len(usage)):
        at, kind = _place(temperature[i], knots), 1 if occupied[hour[i]] else 0
        high = (temperature[i] - knots[at]) / (knots[at + 1] - knots[at])
        low = 1.0 - high
        row, square, product = own[month[i], hour[i]], gram[month[i], kind], right[month[i], kind]
        row[0] += 1.0
        row[1] += usage[i]
        row[2 + at] += low
        row[3 + at] += high
        square[at, at] += low * low
        square[at + 1, at] += low * high
        square[at + 1, at + 1] += high * high
        product[at] += low * usage[i]
        product[at + 1] += high * usage[i]
    return own, gram, right


@compiled
def _eliminate(own: Floats, gram: Floats, right: Floats) -> None:
    """Take the level of an hour of the week out of the system of the knots."""
    for a in range(len(right)):
        if own[2 + a] != 0.0:
            share = own[2 + a] / own[0]
            right[a] -= share * own[1]
            for b in range(a + 1):
                gram[a, b] -= share * own[2 + b]


@compiled
def _one(own: Floats, gram: Floats, right: Floats, knots: Floats, stiffness: float) -> tuple[Floats, Floats]:
    """Level of each hour of the week (NaN where it has no rows) and of each knot, of one class of hours."""
    n = len(knots)
    for hour in range(WEEK):
        if own[hour, 0] > 0:
            _eliminate(own[hour], gram, right)
    for a in range(n):
        for b in range(a):
            gram[b, a] = gram[a, b]
    _steady(gram, knots, stiffness)
    knot = _solve(gram, right)
    level = np.full(WEEK, math.nan)
    for hour in range(WEEK):
        if own[hour, 0] > 0:
            level[hour] = own[hour, 1]
            for a in range(n):
                level[hour] -= own[hour, 2 + a] * knot[a]
            level[hour] /= own[hour, 0]
    return level, knot


@compiled
def _pooled(model: int, sums: tuple[Floats, Floats, Floats], neighbour: float) -> tuple[Floats, Floats, Floats]:
    """The sums of a month with those of its neighbours at less weight, or of the whole year."""
    own, gram, right = sums
    pooled, square, product = np.zeros(own.shape[1:]), np.zeros(gram.shape[1:]), np.zeros(right.shape[1:])
    for month in range(MONTHS):
        apart = min((month - model) % MONTHS, (model - month) % MONTHS)
        weight = 1.0 if model == YEAR or apart == 0 else (neighbour if apart == 1 else 0.0)
        if weight > 0:
            pooled += weight * own[month]
            square += weight * gram[month]
            product += weight * right[month]
    return pooled, square, product


@compiled
def fit_hours(
    rows: Rows, knots: Floats, occupied: NDArray[np.bool_], neighbour: float, stiffness: float
) -> tuple[Floats, Floats]:
    """Levels (13, 168) and knots (13, 2, n_knots) of each month, with its neighbours at weight `neighbour`, and of the year.

    An hour of the week without rows in a month's window takes the year's level, and NaN where the year has none either.
    """
    sums = _sums(rows, knots, occupied)
    levels, beta = np.full((MONTHS + 1, WEEK), math.nan), np.zeros((MONTHS + 1, 2, len(knots)))
    for model in range(MONTHS, -1, -1):
        pooled, square, product = _pooled(model, sums, neighbour)
        for kind in range(2):
            part = pooled.copy()
            for hour in range(WEEK):
                if occupied[hour] != (kind == 1):
                    part[hour] = 0.0
            if np.sum(part[:, 0]) == 0:
                beta[model, kind] = beta[YEAR, kind]
                continue
            level, beta[model, kind] = _one(part, square[kind], product[kind], knots, stiffness)
            for hour in range(WEEK):
                if part[hour, 0] > 0:
                    levels[model, hour] = level[hour]
        for hour in range(WEEK):
            if math.isnan(levels[model, hour]):
                levels[model, hour] = levels[YEAR, hour]
    return levels, beta


@compiled
def predict_hours(
    rows: tuple[Floats, Ints, Ints], knots: Floats, occupied: NDArray[np.bool_], levels: Floats, beta: Floats
) -> Floats:
    """(n,) use of each hour; NaN where the temperature is, or the hour of the week was never seen."""
    temperature, hour, month = rows
    told = np.full(len(temperature), math.nan)
    for i in range(len(temperature)):
        if not math.isnan(temperature[i]):
            at, line = _place(temperature[i], knots), beta[month[i], 1 if occupied[hour[i]] else 0]
            high = (temperature[i] - knots[at]) / (knots[at + 1] - knots[at])
            told[i] = levels[month[i], hour[i]] + line[at] + high * (line[at + 1] - line[at])
    return told


def compile_ahead() -> None:
    """Compile the entries for the types they are called with, or load them from the cache."""
    row, hour = np.array([0.0, 1.0, 2.0, 3.0]), np.zeros(4, np.int64)
    knots = np.array([0.0, 1.0, 3.0])
    rows = (row, row.copy(), hour, hour.copy())
    occupied = occupancy(rows, knots, 0.65)
    levels, beta = fit_hours(rows, knots, occupied, 0.5, 1e-3)
    predict_hours((row, hour, hour.copy()), knots, occupied, levels, beta)
