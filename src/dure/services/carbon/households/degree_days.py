"""Mean degree days of a stretch of days, at each base a model may try. Pure, and the same on every machine."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

import msgspec

DAY = timedelta(days=1)


class Bases(msgspec.Struct, frozen=True):
    """Base temperatures a model may try [Cel], ascending: of heating and of cooling."""

    heating_c: tuple[float, ...]
    cooling_c: tuple[float, ...]


class Weather(msgspec.Struct, frozen=True):
    """Weather of a stretch of days.

    Attributes
    ----------
    days : days whose temperature is known
    heating, cooling : (n_bases,) mean degree days of a day at each base [K d/d]
    """

    days: int
    heating: tuple[float, ...]
    cooling: tuple[float, ...]


def days_between(first: date, end: date) -> Iterable[date]:
    """Days of ``[first, end)``."""
    return (first + DAY * one for one in range((end - first).days))


class StationWeather:
    """Mean temperatures of a station's days; homes of one station share what is worked out of them.

    Parameters
    ----------
    mean_c : mean temperature of days [Cel]
    bases : that models may try
    share_min : share of a stretch's days that must be known [1]
    """

    def __init__(self, mean_c: Mapping[date, float], bases: Bases, share_min: float) -> None:
        self._mean_c, self._bases, self._share_min = mean_c, bases, share_min
        self._known: dict[tuple[date, date], Weather | None] = {}

    def of(self, first: date, end: date) -> Weather | None:
        """Weather of ``[first, end)``; None when the temperature of too few of its days is known."""
        if (first, end) not in self._known:
            self._known[first, end] = self._work_out(first, end)
        return self._known[first, end]

    def temperatures(self, first: date, end: date) -> list[float]:
        """Of the days of ``[first, end)`` that are known."""
        return [self._mean_c[day] for day in days_between(first, end) if day in self._mean_c]

    def _work_out(self, first: date, end: date) -> Weather | None:
        known = self.temperatures(first, end)
        if not known or len(known) < self._share_min * (end - first).days:
            return None
        return Weather(
            len(known),
            tuple(_mean([max(0.0, base - one) for one in known]) for base in self._bases.heating_c),
            tuple(_mean([max(0.0, one - base) for one in known]) for base in self._bases.cooling_c),
        )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
