"""The use a model expects of each local day in some weather, whatever kind of model it is. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dure.services.buildings.baselines.series import CALENDAR, Clockwork, Series, Span, mean_of_days
from dure.services.buildings.modelling.billed_rows import BilledModel
from dure.services.buildings.modelling.rows import DailyModel, HourlyModel

if TYPE_CHECKING:
    from dure.services.buildings.baselines.baseline_rules import BaselineRules
    from dure.services.buildings.modelling.rows import Model


def expected_of_days(
    model: Model, temperature: NDArray[np.float64], when: tuple[Span, Clockwork], rules: BaselineRules
) -> NDArray[np.float64]:
    """(n_days,) use [unit of the model] of each local day of a span, NaN where its temperature is not known well enough.

    Parameters
    ----------
    temperature : (n_hours,) of the span
    """
    span, clock = when
    if not span.days:
        return np.empty(0)
    day = clock.day - clock.day[0]
    if isinstance(model, HourlyModel):
        rows = Series(span, np.zeros(span.hours), temperature, clock).hourly()
        hours = np.bincount(day, minlength=span.days)
        return mean_of_days(model.of_rows(rows), day, span.days, rules.day_share_min) * hours
    mean = mean_of_days(temperature, day, span.days, rules.temperature_share_min)
    if isinstance(model, DailyModel):
        return model.seasonal.predict(mean, CALENDAR.cells(dates_of(span)))
    assert isinstance(model, BilledModel)  # noqa: S101  # there are three kinds
    return model.change_point.predict(mean)


def dates_of(span: Span) -> NDArray[np.datetime64]:
    """(n_days,) local dates of a span."""
    return np.datetime64(span.first.isoformat(), "D") + np.arange(span.days)


def known_sum(days: NDArray[np.float64], share_min: float) -> float | None:
    """The sum over days, those that are not known taken as the mean of the others; None where too few are known."""
    known = np.isfinite(days)
    if not len(days) or known.mean() < share_min:
        return None
    return float(days[known].mean() * len(days))


def years_before(end: date, n: int, years: int) -> list[tuple[date, date]]:
    """Spans of n days that end a whole number of years before a day, the last one first."""
    return [(one - timedelta(days=n), one) for one in (_back(end, year) for year in range(years))]


def next_year(day: date) -> date:
    """A year after a day."""
    return _back(day, -1)


def _back(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)
