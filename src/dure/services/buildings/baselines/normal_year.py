"""A normal year: the mean over the last years of weather that are known, each told by the model as a whole year. Pure.

No typical meteorological year of Korea may be handed on, and temperatures must not be averaged before a model that bends; so the
use of each known year is told and those are averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dure.services.buildings.baselines.expected import dates_of, expected_of_days, known_sum
from dure.services.buildings.baselines.series import CALENDAR, Clockwork, Span, mean_of_days
from dure.services.buildings.modelling.billed_rows import BilledModel
from dure.services.buildings.modelling.rows import DailyModel

if TYPE_CHECKING:
    from dure.services.buildings.baselines.baseline_rules import BaselineRules
    from dure.services.buildings.modelling.rows import Model


@dataclass(frozen=True, eq=False)
class Year:
    """One year (or the same part of it) with its weather (n_hours,); what many models ask of it is worked out once."""

    span: Span
    clock: Clockwork
    temperature: NDArray[np.float64]

    @cached_property
    def cells(self) -> NDArray[np.int64]:
        """(n_days,) cell of the calendar of each day."""
        return CALENDAR.cells(dates_of(self.span))

    @cached_property
    def known(self) -> float:
        """Share of the hours whose temperature is known [1]."""
        return float(np.isfinite(self.temperature).mean()) if len(self.temperature) else 0.0

    def mean(self, share_min: float) -> NDArray[np.float64]:
        """(n_days,) mean temperature of each day, NaN where too few hours are known."""
        found = self._means.get(share_min)
        if found is None:
            day = self.clock.day - (self.clock.day[0] if len(self.clock.day) else 0)
            found = self._means[share_min] = mean_of_days(self.temperature, day, self.span.days, share_min)
        return found

    @cached_property
    def _means(self) -> dict[float, NDArray[np.float64]]:
        return {}

    @property
    def name(self) -> str:
        """Its days."""
        return f"{self.span.first}/{self.span.end}"


def known_years(years: Sequence[Year], rules: BaselineRules) -> list[Year]:
    """Those whose temperature is known well enough."""
    return [one for one in years if one.known >= rules.span_share_min]


def expected_of_year(model: Model, year: Year, rules: BaselineRules) -> NDArray[np.float64]:
    """(n_days,) as `expected_of_days`."""
    if isinstance(model, DailyModel):
        return model.seasonal.predict(year.mean(rules.temperature_share_min), year.cells)
    if isinstance(model, BilledModel):
        return model.change_point.predict(year.mean(rules.temperature_share_min))
    return expected_of_days(model, year.temperature, (year.span, year.clock), rules)


def normal_use(model: Model, years: Sequence[Year], rules: BaselineRules) -> float | None:
    """Use of a normal year [unit of the model]; None where no year can be told."""
    told = [known_sum(expected_of_year(model, one, rules), rules.span_share_min) for one in years]
    known = [one for one in told if one is not None]
    return sum(known) / len(known) if known else None
