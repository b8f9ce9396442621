"""Degree days: how far, and for how long, it was colder or warmer than a base temperature.

Korean simple reports use 18 degrees C for heating and 24 for cooling. Two methods: from the mean of a day, as reports have
it, or from each hour, which also sees cold nights of mild days. A day counts where enough of its hours are known; a period is
told with its coverage, and scaled up to all of its days only by its caller.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dure.services.buildings.modelling.outcome import Floats, Ints, Refused

HEATING_C, COOLING_C = 18.0, 24.0  # bases of Korean reports (beskep/GreenButton)


@dataclass(frozen=True)
class DegreeDays:
    """Degree days of n days.

    Attributes
    ----------
    heating, cooling : (n,) [degree d], NaN where too few hours are known
    mean : (n,) mean temperature of the day, NaN likewise
    coverage : (n,) share of the day's hours that are known [1]
    """

    heating: Floats
    cooling: Floats
    mean: Floats
    coverage: Floats

    @property
    def totals(self) -> tuple[float, float, float]:
        """Heating and cooling degree days of the days that count, and which share of all days that is."""
        known = ~np.isnan(self.mean)
        return float(np.nansum(self.heating)), float(np.nansum(self.cooling)), float(known.mean()) if len(known) else 0.0


def from_days(mean: Floats, heating: float = HEATING_C, cooling: float = COOLING_C) -> DegreeDays:
    """Degree days of days whose mean temperature is known (n,), NaN where it is not."""
    known = np.asarray(mean, float)
    return DegreeDays(
        heating=np.where(np.isnan(known), np.nan, np.maximum(0.0, heating - known)),
        cooling=np.where(np.isnan(known), np.nan, np.maximum(0.0, known - cooling)),
        mean=known,
        coverage=(~np.isnan(known)).astype(float),
    )


def from_hours(
    temperature: Floats,
    day: Ints,
    bases: tuple[float, float] = (HEATING_C, COOLING_C),
    coverage_min: float = 0.5,
    *,
    integrate: bool = False,
) -> DegreeDays | Refused:
    """Degree days from hourly temperatures.

    Parameters
    ----------
    temperature : (n,) NaN where missing; in any order
    day : (n,) local day of each hour, counted from 0; days of 23 and 25 hours are days like others
    bases : of heating and of cooling
    coverage_min : a day counts where more than this share of its hours is known (CalTRACK 2.2.2: half)
    integrate : whether each hour counts its own degrees; else the day's mean does

    Returns
    -------
    Of each day from 0 to the last; an hour that has no row is missing too, of the 24
    """
    temperature, day = np.asarray(temperature, float), np.asarray(day, np.int64)
    if temperature.shape != day.shape:
        return Refused("lengths_differ", {"temperatures": float(temperature.size), "days": float(day.size)})
    if np.isinf(temperature).any():
        return Refused("infinite_value", {"rows": float(np.isinf(temperature).sum())})
    if not len(day) or np.isnan(temperature).all():
        return Refused("no_data", {"rows": float(len(day))})
    n, known = int(day.max()) + 1, ~np.isnan(temperature)
    hours, rows = np.bincount(day[known], minlength=n), np.bincount(day, minlength=n)
    whole = np.where((rows >= 23) & (rows <= 25), rows, 24)
    coverage = hours / whole
    counts = coverage > coverage_min

    def of_day(values: Floats) -> Floats:
        total = np.bincount(day[known], values[known], minlength=n)
        return np.where(counts, total / np.maximum(hours, 1), np.nan)

    mean = of_day(temperature)
    if not integrate:
        plain = from_days(mean, *bases)
        return DegreeDays(plain.heating, plain.cooling, mean, coverage)
    return DegreeDays(
        of_day(np.maximum(0.0, bases[0] - temperature)), of_day(np.maximum(0.0, temperature - bases[1])), mean, coverage
    )
