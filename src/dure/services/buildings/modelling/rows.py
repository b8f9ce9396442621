"""Rows a baseline is fitted to: days or hours, with what their model needs to know of each, and the week each belongs to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np

from dure.services.buildings.modelling import seasons, towt
from dure.services.buildings.modelling.outcome import Bools, Floats, Ints, Refused, usable

DAYS_PER_WEEK = 7
HOURS_PER_WEEK = 168


class Rows(Protocol):
    """Days or hours of one meter."""

    @property
    def usage(self) -> Floats:
        """(n,) NaN where missing."""
        ...

    @property
    def week(self) -> Ints:
        """(n,) running number of the week."""
        ...

    @property
    def per_week(self) -> int:
        """Rows of a whole week."""
        ...

    def of(self, rows: Bools | Ints) -> Self:
        """Some of them."""
        ...

    def known(self) -> Bools:
        """(n,) whether a row has all that is needed."""
        ...

    def fit(self) -> Model | Refused:
        """The model of these rows."""
        ...


class Model(Protocol):
    """What was fitted: it tells the use of other rows of the same kind."""

    @property
    def coefficients(self) -> int:
        """Coefficients that were fitted."""
        ...

    def of_rows(self, rows: Any) -> Floats:
        """(n,) use the model tells for rows."""
        ...


@dataclass(frozen=True, eq=False)
class DailyRows:
    """Days of one meter: mean temperature, use, cell of the calendar (`seasons.Calendar.cells`), week; (n,) each."""

    temperature: Floats
    usage: Floats
    cell: Ints
    week: Ints
    how: seasons.Splitting = seasons.DEFAULT

    @property
    def per_week(self) -> int:
        """Seven."""
        return DAYS_PER_WEEK

    def of(self, rows: Bools | Ints) -> DailyRows:
        """Some of them."""
        return replace(
            self, temperature=self.temperature[rows], usage=self.usage[rows], cell=self.cell[rows], week=self.week[rows]
        )

    def known(self) -> Bools:
        """(n,) whether a day has temperature and use."""
        return usable(self.temperature, self.usage)

    def fit(self) -> DailyModel | Refused:
        """The seasonal model of these days."""
        found = seasons.fit_seasonal(self.temperature, self.usage, self.cell, self.how)
        return found if isinstance(found, Refused) else DailyModel(found)


@dataclass(frozen=True, eq=False)
class DailyModel:
    """A seasonal model, of rows."""

    seasonal: seasons.Seasonal

    @property
    def coefficients(self) -> int:
        """Coefficients that were fitted."""
        return self.seasonal.coefficients

    def of_rows(self, rows: DailyRows) -> Floats:
        """(n,) use of these days."""
        return self.seasonal.predict(rows.temperature, rows.cell)


@dataclass(frozen=True, eq=False)
class HourlyRows:
    """Hours of one meter: temperature, use, hour of the week and month (`towt.local_hours`), week; (n,) each."""

    temperature: Floats
    usage: Floats
    hour_of_week: Ints
    month: Ints
    week: Ints
    how: towt.Hourly = towt.DEFAULT

    @property
    def per_week(self) -> int:
        """168."""
        return HOURS_PER_WEEK

    def of(self, rows: Bools | Ints) -> HourlyRows:
        """Some of them."""
        return replace(
            self,
            temperature=self.temperature[rows],
            usage=self.usage[rows],
            hour_of_week=self.hour_of_week[rows],
            month=self.month[rows],
            week=self.week[rows],
        )

    def known(self) -> Bools:
        """(n,) whether an hour has temperature and use."""
        return usable(self.temperature, self.usage)

    def fit(self) -> HourlyModel | Refused:
        """The hourly model of these hours."""
        found = towt.fit_hourly(self.temperature, self.usage, self.hour_of_week, self.month, self.how)
        return found if isinstance(found, Refused) else HourlyModel(found)


@dataclass(frozen=True, eq=False)
class HourlyModel:
    """An hourly model, of rows."""

    hourly: towt.Towt

    @property
    def coefficients(self) -> int:
        """Coefficients that were fitted."""
        return self.hourly.coefficients

    def of_rows(self, rows: HourlyRows) -> Floats:
        """(n,) use of these hours."""
        return self.hourly.predict(rows.temperature, rows.hour_of_week, rows.month)


def weeks_of(day: Ints) -> Ints:
    """(n,) week of days counted from any Monday (or from any day, if all series of a comparison count alike)."""
    return np.asarray(day, np.int64) // DAYS_PER_WEEK
