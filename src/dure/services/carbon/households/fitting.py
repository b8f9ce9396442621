"""A home's use as a function of weather: intercept and at most two slopes on degree days of a searched base. Pure.

    use per day = intercept + heating slope x HDD(base) + cooling slope x CDD(base), slopes and intercept not negative

Bills are few (12 to 24), so the bases are a short list, and the model is the one of least AICc (Hurvich and Tsai 1989,
doi:10.1093/biomet/76.2.297), a searched base counted as a parameter. A month's noise grows with its use, so rows are weighted in
a second pass by the first pass's fit. The arithmetic is plain floats in a fixed order: the same bits on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from dure.services.carbon.households.degree_days import Bases, Weather

MONTH_D = 30.0
PIVOT_MIN = 1e-9  # share of a pivot that must be left: rows that say the same twice carry no slope
PASSES = 2
FLAT = 1e-12  # least variance, of the mean use squared: a home that uses the same each month is not known without end
Matrix = list[list[float]]


class Row(NamedTuple):
    """A bill: which month it stands for (to see neighbours), days, use per day, weather."""

    place: int
    days: int
    per_day: float
    weather: Weather


class Model(msgspec.Struct, frozen=True):
    """A fitted model.

    Attributes
    ----------
    coefficients : intercept [unit/d], then a slope for each base that is there [unit/(K d)]
    heating_at, cooling_at : which base, -1 for none
    inverse : of the normal matrix
    variance : of a row of weight 1, of use per day
    freedom : degrees of freedom left
    neighbours : correlation of what neighbouring months leave unexplained, corrected for the few rows
    scale, least_scale : mean use per day, and the share of it below which noise no longer falls with use
    """

    coefficients: tuple[float, ...]
    heating_at: int
    cooling_at: int
    inverse: tuple[tuple[float, ...], ...]
    variance: float
    freedom: float
    neighbours: float
    scale: float
    least_scale: float

    def columns(self, weather: Weather) -> list[float]:
        """What the coefficients are multiplied by."""
        return _columns(weather, self.heating_at, self.cooling_at)

    def per_day(self, weather: Weather) -> float:
        """Expected use per day."""
        return math.fsum(a * b for a, b in zip(self.coefficients, self.columns(weather), strict=True))

    def noise(self, row: Row) -> float:
        """Standard deviation of a row's use per day, as a multiple of that of weight 1."""
        return 1.0 / math.sqrt(_weight(row.days, self.per_day(row.weather), self.scale, self.least_scale))


def fit(rows: Sequence[Row], bases: Bases, least_scale: float) -> Model | None:
    """The model of least AICc; None when the rows carry none, as for a home that used nothing.

    Parameters
    ----------
    rows : in order of time
    least_scale : share of the mean use below which a month's noise no longer falls
    """
    mean = math.fsum(one.per_day * one.days for one in rows) / max(1, sum(one.days for one in rows))
    if mean <= 0:
        return None
    fitted = [mean] * len(rows)
    best: Model | None = None
    for _ in range(PASSES):
        weights = [_weight(one.days, there, mean, least_scale) for one, there in zip(rows, fitted, strict=True)]
        at = _least(_Sums(rows, weights, mean), bases)
        found = None if at is None else _model(rows, weights, at, (mean, least_scale))
        if found is None:
            return best
        best = found
        fitted = [best.per_day(one.weather) for one in rows]
    return best


class _Sums:
    """Weighted sums of rows, from which any candidate is solved: each is added up once, not once for each candidate."""

    def __init__(self, rows: Sequence[Row], weights: Sequence[float], mean: float) -> None:
        self.n = len(rows)
        self.floor = FLAT * self.n * mean**2
        y = [one.per_day for one in rows]
        heating = [list(one) for one in zip(*(one.weather.heating for one in rows), strict=True)]
        cooling = [list(one) for one in zip(*(one.weather.cooling for one in rows), strict=True)]
        weighted = [[w * a for w, a in zip(weights, column, strict=True)] for column in (*heating, *cooling)]
        columns = [*heating, *cooling]
        self.split = len(heating)
        self.total = math.fsum(weights)
        self.moment = math.fsum(w * a for w, a in zip(weights, y, strict=True))
        self.squares = math.fsum(w * a * a for w, a in zip(weights, y, strict=True))
        self.sums = [math.fsum(one) for one in weighted]
        self.with_use = [_dot(one, y) for one in weighted]
        self.own = [_dot(a, b) for a, b in zip(weighted, columns, strict=True)]
        self.both = [[_dot(a, b) for b in cooling] for a in weighted[: self.split]]

    def score(self, at: tuple[int, int]) -> float | None:
        """AICc of a candidate; None when it cannot be."""
        heating, cooling = at
        picked = [*([heating] if heating >= 0 else []), *([self.split + cooling] if cooling >= 0 else [])]
        p = 1 + len(picked)
        searched = _searched(p)
        if self.n - searched - 1 <= 0:
            return None
        normal = [[self.total, *(self.sums[one] for one in picked)]]
        normal += [
            [self.sums[one], *(self.own[one] if one == other else self.both[heating][cooling] for other in picked)]
            for one in picked
        ]
        inverse = inverted(normal)
        if inverse is None:
            return None
        moment = [self.moment, *(self.with_use[one] for one in picked)]
        beta = [_dot(row, moment) for row in inverse]
        if min(beta) < 0:
            return None
        left = max(self.squares - _dot(beta, moment), self.floor)
        return self.n * math.log(left / self.n) + 2 * searched + 2 * searched * (searched + 1) / (self.n - searched - 1)


def _least(sums: _Sums, bases: Bases) -> tuple[int, int] | None:
    """The candidate of least AICc, the simplest first."""
    scored = [(score, at) for at in _candidates(bases) if (score := sums.score(at)) is not None]
    return min(scored, key=lambda one: one[0])[1] if scored else None


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return math.fsum(a * b for a, b in zip(one, other, strict=True))


def _searched(columns: int) -> int:
    """Parameters: each slope has a base of its own."""
    return 2 * columns - 1


def _weight(days: int, fitted: float, mean: float, least: float) -> float:
    return days / MONTH_D / max(fitted / mean, least) ** 2


def _candidates(bases: Bases) -> Iterator[tuple[int, int]]:
    """Pairs of bases, simplest first; -1 for none."""
    yield (-1, -1)
    for heating in range(len(bases.heating_c)):
        yield (heating, -1)
    for cooling in range(len(bases.cooling_c)):
        yield (-1, cooling)
    for heating, below in enumerate(bases.heating_c):
        for cooling, above in enumerate(bases.cooling_c):
            if below <= above:
                yield (heating, cooling)


def _columns(weather: Weather, heating_at: int, cooling_at: int) -> list[float]:
    found = [1.0]
    if heating_at >= 0:
        found.append(weather.heating[heating_at])
    if cooling_at >= 0:
        found.append(weather.cooling[cooling_at])
    return found


def _model(rows: Sequence[Row], weights: Sequence[float], at: tuple[int, int], scales: tuple[float, float]) -> Model | None:
    """The model of a candidate."""
    columns = [_columns(one.weather, *at) for one in rows]
    p, use = len(columns[0]), [one.per_day for one in rows]
    turned = [list(one) for one in zip(*columns, strict=True)]
    weighted = [[w * a for w, a in zip(weights, one, strict=True)] for one in turned]
    inverse = inverted([[_dot(one, other) for other in turned] for one in weighted])
    if inverse is None:
        return None
    moment = [_dot(one, use) for one in weighted]
    beta = [_dot(row, moment) for row in inverse]
    left = [y - _dot(beta, x) for x, y in zip(columns, use, strict=True)]
    squares = math.fsum(w * e * e for w, e in zip(weights, left, strict=True))
    freedom = len(rows) - _searched(p)
    return Model(
        coefficients=tuple(beta),
        heating_at=at[0],
        cooling_at=at[1],
        inverse=tuple(tuple(row) for row in inverse),
        variance=max(squares, FLAT * len(rows) * scales[0] ** 2) / freedom,
        freedom=float(freedom),
        neighbours=_neighbours(rows, [math.sqrt(w) * e for w, e in zip(weights, left, strict=True)]),
        scale=scales[0],
        least_scale=scales[1],
    )


def _neighbours(rows: Sequence[Row], left: Sequence[float]) -> float:
    """Correlation of neighbours, with the bias of few rows taken out (Kendall 1954, to first order)."""
    squares = math.fsum(one * one for one in left)
    if squares <= 0:
        return 0.0
    pairs = [left[i] * left[i + 1] for i in range(len(left) - 1) if rows[i + 1].place == rows[i].place + 1]
    if not pairs:
        return 0.0
    found = math.fsum(pairs) / squares * len(left) / len(pairs)
    return found + (1 + 3 * found) / len(left)


def inverted(matrix: Matrix) -> Matrix | None:
    """Inverse of a small symmetric matrix by Gauss and Jordan; None when it is singular."""
    n = len(matrix)
    work = [[*row, *(1.0 if i == j else 0.0 for j in range(n))] for i, row in enumerate(matrix)]
    for at in range(n):
        pivot = work[at][at]
        if pivot <= PIVOT_MIN * matrix[at][at]:
            return None
        work[at] = [one / pivot for one in work[at]]
        for row in range(n):
            if row != at and work[row][at]:
                times = work[row][at]
                work[row] = [a - times * b for a, b in zip(work[row], work[at], strict=True)]
    return [row[n:] for row in work]
