"""What a home was expected to use in a period, what it used, and how sure the difference is. Pure.

The spread of the difference has three parts: what the model does not know of itself, the months' own noise (neighbouring months
alike), and the drift of a home from year to year that no bill before it shows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import msgspec

from dure.services.carbon.households.fitting import Model, Row


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of the rule.

    Attributes
    ----------
    confidence : of the one-sided interval [1]
    drift : standard deviation of a home's drift until the period, share of its use [1]
    neighbours_least, neighbours_most : bounds of the correlation of neighbouring months [1]
    """

    confidence: float
    drift: float
    neighbours_least: float
    neighbours_most: float


class Saving(msgspec.Struct, frozen=True, kw_only=True):
    """A period beside its expectation [unit of the bills].

    Attributes
    ----------
    expected, used : sums over the period
    spread : standard deviation of their difference
    times : how many of them the one-sided bound lies below the best estimate
    """

    expected: float
    used: float
    spread: float
    times: float

    @property
    def saved(self) -> float:
        """Best estimate."""
        return self.expected - self.used

    @property
    def half(self) -> float:
        """From the best estimate down to the bound."""
        return self.times * self.spread

    @property
    def share(self) -> float:
        """Best estimate as a share of what was expected."""
        return self.saved / self.expected

    @property
    def bound_share(self) -> float:
        """Lower bound as a share of what was expected."""
        return (self.saved - self.half) / self.expected


def saving(model: Model, rows: Sequence[Row], rule: Spread, times: float | None = None) -> Saving | None:
    """The saving of a period; None when nothing was expected.

    Parameters
    ----------
    rows : bills of the period, in order of time
    times : measured at homes that changed nothing (`placebo.times_of`); None: Student's t of the model
    """
    expected = math.fsum(one.days * model.per_day(one.weather) for one in rows)
    if expected <= 0:
        return None
    near = min(max(model.neighbours, rule.neighbours_least), rule.neighbours_most)
    variance = model.variance * (_of_model(model, rows) * (1 + near) / (1 - near) + _of_months(model, rows, near))
    return Saving(
        expected=expected,
        used=math.fsum(one.days * one.per_day for one in rows),
        spread=math.sqrt(variance + (rule.drift * expected) ** 2),
        times=student(rule.confidence, model.freedom) if times is None else times,
    )


def student(confidence: float, freedom: float) -> float:
    """Quantile of Student's t by its expansion about the normal one (Abramowitz and Stegun 26.7.5), good from 5 up."""
    z = NormalDist().inv_cdf(confidence)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def _of_model(model: Model, rows: Sequence[Row]) -> float:
    columns = [model.columns(one.weather) for one in rows]
    size = range(len(model.coefficients))
    total = [math.fsum(one.days * x[i] for one, x in zip(rows, columns, strict=True)) for i in size]
    return math.fsum(total[i] * model.inverse[i][j] * total[j] for i in size for j in size)


def _of_months(model: Model, rows: Sequence[Row], near: float) -> float:
    noise = [one.days * model.noise(one) for one in rows]
    places = [one.place for one in rows]
    return math.fsum(
        a * b * near ** abs(i - j) for a, i in zip(noise, places, strict=True) for b, j in zip(noise, places, strict=True)
    )
