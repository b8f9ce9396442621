"""A normal year: the mean over the last years of weather that are known, each told by the model as a whole year. Pure.

No typical meteorological year of Korea may be handed on, and temperatures must not be averaged before a model that bends; so the
use of each known year is told and those are averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dure.services.buildings.baselines.expected import expected_of_days, known_sum
from dure.services.buildings.baselines.series import Clockwork, Span

if TYPE_CHECKING:
    from dure.services.buildings.baselines.baseline_rules import BaselineRules
    from dure.services.buildings.modelling.rows import Model


class Year(NamedTuple):
    """One year (or the same part of it) with its weather (n_hours,)."""

    span: Span
    clock: Clockwork
    temperature: NDArray[np.float64]

    @property
    def name(self) -> str:
        """Its days."""
        return f"{self.span.first}/{self.span.end}"


def known_years(years: Sequence[Year], rules: BaselineRules) -> list[Year]:
    """Those whose temperature is known well enough."""
    return [one for one in years if len(one.temperature) and np.isfinite(one.temperature).mean() >= rules.span_share_min]


def normal_use(model: Model, years: Sequence[Year], rules: BaselineRules) -> float | None:
    """Use of a normal year [unit of the model]; None where no year can be told."""
    told = [known_sum(expected_of_days(model, one.temperature, (one.span, one.clock), rules), 0.9) for one in years]
    known = [one for one in told if one is not None]
    return sum(known) / len(known) if known else None
