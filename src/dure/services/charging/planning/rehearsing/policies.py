"""The policies that are rehearsed: at once, earliest departure first, planned with a recipe, with the truth, or naively."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from dure.services.charging.planning.cost import kept_won_kwh
from dure.services.charging.planning.edf import edf
from dure.services.charging.planning.forecast_model import Forecast, Recipe
from dure.services.charging.planning.forecasting import forecast, sun_as_yesterday
from dure.services.charging.planning.problem import Need, Plan, within
from dure.services.charging.planning.rehearsing.world import View, World
from dure.services.charging.planning.site_lp import SiteSolver

Foreseeing = Callable[[View, int], Forecast]
NO_LIMIT_W = 1e9
SAFETY_S = 300.0  # what a rehearsal finds must not hang on how busy the machine is


class AtOnce:
    """Every vehicle as fast as it can from the moment it comes, whatever the contract says; the storage greedily.

    It is what nobody controls, so it may pass the contract: the yardstick from which savings are counted.
    """

    name = "at_once"

    def decide(self, view: View) -> Plan:
        """The step as the meter has it."""
        problem = view.world.problem(view.now, 1, np.array([view.meter_w[0]]), np.array([view.meter_w[1]]))
        return edf(msgspec.structs.replace(problem, needs=view.present, stored_wh=view.stored_wh, contract_w=NO_LIMIT_W))


class EarliestFirst:
    """Earliest departure first inside the contract, sun first, storage greedily (`planning.edf`)."""

    name = "edf"

    def decide(self, view: View) -> Plan:
        """The step as the meter has it."""
        problem = view.world.problem(view.now, 1, np.array([view.meter_w[0]]), np.array([view.meter_w[1]]))
        return edf(msgspec.structs.replace(problem, needs=view.present, stored_wh=view.stored_wh))


class Planned:
    """The site's linear program over a horizon, anew at each step, with what `foresee` says of the future.

    A live site goes on, so nothing is done for the end of the span, unless `to_end` says that nothing beyond it counts.
    """

    def __init__(self, name: str, foresee: Foreseeing, horizon: int, *, to_end: bool = False) -> None:
        self.name, self._to_end = name, to_end
        self._foresee, self._horizon = foresee, horizon
        self._solver = SiteSolver(safety_s=SAFETY_S)

    def decide(self, view: View) -> Plan:
        """The plan from now on."""
        n = min(self._horizon, view.world.end - view.now) if self._to_end else self._horizon
        ahead = self._foresee(view, n)
        problem = view.world.problem(view.now, n, ahead.pv_w, ahead.load_w)
        problem = msgspec.structs.replace(
            problem,
            needs=tuple(within(one, n) for one in view.present) + ahead.expected,
            stored_wh=view.stored_wh,
            peak_w=max(view.peak_w, ahead.aim_w),
        )
        problem = msgspec.structs.replace(problem, end_won_kwh=kept_won_kwh(problem, ahead.kept_share))
        return self._solver.solve(problem)


def planned(recipe: Recipe) -> Planned:
    """A policy that forecasts by a recipe."""
    return Planned(recipe.name, lambda view, n: forecast(view.past(), n, recipe), recipe.horizon)


def oracle(world: World, horizon: int, aim_w: float = 0.0) -> Planned:
    """The same machine with the truth of the next steps and the best peak: how much is lost by the machine itself."""
    served = world.served()

    def foresee(view: View, n: int) -> Forecast:
        now = view.now
        sun, load = world.sun_w[now : now + n], world.load_w[now : now + n]
        coming = np.flatnonzero((served.arrive > now) & (served.arrive < now + n))
        needs = []
        for i in coming:
            arrive, depart = int(served.arrive[i]) - now, int(served.depart[i]) - now
            share = (min(depart, n) - arrive) / (depart - arrive)
            needs.append(
                Need(
                    id=f"expected-{i}", arrive=arrive, depart=min(depart, n), need_wh=float(served.need_wh[i]) * share,
                    max_w=float(served.max_w[i]), expected=True,
                )
            )  # fmt: skip
        return Forecast(pv_w=sun, load_w=load, expected=tuple(needs), aim_w=aim_w, used={"recipe": "oracle"})

    return Planned("oracle", foresee, horizon, to_end=True)


def naive(horizon: int = 128) -> Planned:
    """The naive plan of the field: vehicles that are there, the sun as yesterday, no aim. A peer to compare with."""

    def foresee(view: View, n: int) -> Forecast:
        past = view.past()
        return Forecast(pv_w=sun_as_yesterday(past, n), load_w=np.zeros(n), used={"recipe": "naive"})

    return Planned("naive", foresee, horizon)
