"""Our policies: select and route in one model, by a prize for each bin.

`Prize` is the plain dial: rho metres times the risk of overflow before tomorrow. `Foresight` is the planner's own worth of a
bin (see `planning.foresight`): it adds what a visit today saves on later days.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dure.services.waste.planning.detours import KEPT, Met, offered
from dure.services.waste.planning.foresight import worth
from dure.services.waste.rehearsing.policies import Choice

if TYPE_CHECKING:
    from dure.services.waste.model import BoolArray
    from dure.services.waste.rehearsing.forecaster import Forecaster
    from dure.services.waste.rehearsing.policies import Morning, Outcome


@dataclass(eq=False)
class Prize:
    """Prize-collecting with a learned forecast. `rho_m`: metres driven to avoid one sure overflow (the city's dial)."""

    name: str
    rho_m: float
    forecaster: Forecaster
    must_risk: float = 0.99

    def choose(self, morning: Morning) -> Choice:
        """Prizes of all bins; those that overflow almost surely must be visited."""
        self.forecaster.morning(morning)
        risk = self.forecaster.risk(morning.weekday)
        return Choice(risk >= self.must_risk, self.rho_m * risk)

    def seen(self, morning: Morning, outcome: Outcome) -> None:
        """Learn from the crews; then the day passes."""
        self.forecaster.emptied(outcome.bins, outcome.level)
        self.forecaster.evening(morning.weekday)


@dataclass(eq=False)
class Foresight:
    """Prize-collecting that also counts the later trip a visit today saves; learns the detours of bins from its routes.

    `detour_m`: what is presumed of a detour before any route was driven; bins not worth `worth_m` are not considered.
    """

    name: str
    rho_m: float
    forecaster: Forecaster
    detour_m: float = 1_000.0
    worth_m: float = 100.0
    _met: list[Met] = field(default_factory=list)
    _visited: BoolArray | None = None

    def choose(self, morning: Morning) -> Choice:
        """Prizes of all bins."""
        learnt = self.forecaster
        learnt.morning(morning)
        prize_m = worth(learnt.expected(morning.weekday), offered(self._met, learnt.n, self.detour_m), self.rho_m)
        return Choice(np.zeros(learnt.n, bool), np.where(prize_m < self.worth_m, 0.0, prize_m))

    def seen(self, morning: Morning, outcome: Outcome) -> None:
        """Learn from the crews and the routes; then the day passes."""
        visited = np.zeros(self.forecaster.n, bool)
        if np.isfinite(outcome.detour_m).all():
            before = visited if self._visited is None else self._visited
            self._met = [*self._met, Met(outcome.detour_m, before)][-KEPT:]
        visited[outcome.bins] = True
        self._visited = visited
        self.forecaster.emptied(outcome.bins, outcome.level)
        self.forecaster.evening(morning.weekday)
