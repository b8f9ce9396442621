"""Our policies: select and route in one model, by a prize for each bin.

`Prize` is the plain dial: rho metres times the risk of overflow before tomorrow. `Foresight` adds what a visit today saves
on later days (see `foresight`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dure.services.waste.rehearsing import foresight
from dure.services.waste.rehearsing.policies import Choice

if TYPE_CHECKING:
    from dure.services.waste.model import FloatArray
    from dure.services.waste.rehearsing.forecaster import Forecaster
    from dure.services.waste.rehearsing.policies import Morning, Outcome

DETOURS_KEPT = 28  # days


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
    _detours: list[FloatArray] = field(default_factory=list)
    _value: FloatArray | None = None

    def choose(self, morning: Morning) -> Choice:
        """Prizes of all bins."""
        learnt = self.forecaster
        learnt.morning(morning)
        rate, sd = learnt.rates()
        daily = foresight.gain_shares(rate, rate**2 * learnt.day_cv() ** 2 + sd**2)
        today = foresight.gain_shares(*learnt.gain(0.0))
        offered = np.array(self._detours).T if self._detours else np.full((learnt.n, 1), self.detour_m)
        search = foresight.Search(rounds=60 if self._value is None else 8)
        self._value = foresight.value(daily, offered, self.rho_m, self._value, search)
        mean = rate * learnt.factor(morning.weekday)
        gain = foresight.gain_shares(mean, mean**2 * learnt.day_cv() ** 2 + sd**2)
        alone = foresight.left_alone(self._value, gain, self.rho_m)
        prize_m = foresight.prizes(alone, today)
        return Choice(np.zeros(learnt.n, bool), np.where(prize_m < self.worth_m, 0.0, prize_m))

    def seen(self, morning: Morning, outcome: Outcome) -> None:
        """Learn from the crews and the routes; then the day passes."""
        if np.isfinite(outcome.detour_m).all():
            self._detours = [*self._detours[-DETOURS_KEPT + 1 :], outcome.detour_m]
        self.forecaster.emptied(outcome.bins, outcome.level)
        self.forecaster.evening(morning.weekday)
