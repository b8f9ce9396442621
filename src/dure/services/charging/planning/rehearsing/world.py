"""A recorded span of one site to rehearse on: what happened, and on what terms."""

from __future__ import annotations

from typing import Protocol

import msgspec
import numpy as np

from dure.services.charging.model import Storage
from dure.services.charging.planning.forecast_model import Past
from dure.services.charging.planning.problem import Floats, Need, Plan, Problem
from dure.services.charging.planning.stays import Days, Stays

UNMET_WON_KWH = 50_000.0  # above 4 x any demand price: a kWh in a quarter of an hour is 4 kW of peak


class World(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What happened at a site on a grid of N steps, and its terms.

    Attributes
    ----------
    start_us : of step 0, a local midnight
    lead : steps before it are history to learn from; the rehearsal runs over ``[lead, N)``
    sun_w, load_w, price_won_kwh, export_won_kwh : (N,)
    stays : every stay, also of the history; only those that arrive within the span are served
    demand_won_kw : for the peak of the whole span
    """

    start_us: int
    step_s: int
    lead: int
    days: Days
    sun_w: Floats
    load_w: Floats
    price_won_kwh: Floats
    export_won_kwh: Floats
    stays: Stays
    contract_w: float
    demand_won_kw: float
    storage: Storage | None = None
    grid_to_ess: bool = True

    @property
    def end(self) -> int:
        """The step after the last."""
        return len(self.sun_w)

    @property
    def step_h(self) -> float:
        """Hours of a step."""
        return self.step_s / 3_600

    def served(self) -> Stays:
        """Stays that arrive within the span, with their departure and energy as far as the span goes."""
        inside = self.stays.where((self.stays.arrive >= self.lead) & (self.stays.arrive < self.end))
        depart = np.minimum(inside.depart, self.end)
        share = (depart - inside.arrive) / (inside.depart - inside.arrive)
        return Stays(inside.arrive, depart, inside.need_wh * share, inside.max_w)

    def past(self, now: int) -> Past:
        """Everything that was known at the beginning of step `now`; copies, so that nothing later can be reached."""
        return Past(
            days=self.days,
            step_s=self.step_s,
            sun_w=self.sun_w[:now].copy(),
            load_w=self.load_w[:now].copy(),
            stays=self.stays.ended(now),
            came=self.stays.arrive[self.stays.arrive <= now],
        )

    def problem(self, now: int, n: int, sun_w: Floats, load_w: Floats) -> Problem:
        """A problem of n steps from `now` with the site's terms; prices go on as a week before where the record ends."""
        steps = now + np.arange(n)
        week = 7 * self.days.per_day
        steps = np.where(steps < self.end, steps, self.end - week + (steps - self.end) % week)
        return Problem(
            start_us=self.start_us + now * self.step_s * 1_000_000,
            step_s=self.step_s,
            pv_w=sun_w,
            load_w=load_w,
            price_won_kwh=self.price_won_kwh[steps],
            export_won_kwh=self.export_won_kwh[steps],
            contract_w=self.contract_w,
            storage=self.storage,
            demand_won_kw=self.demand_won_kw,
            grid_to_ess=self.grid_to_ess,
            unmet_won_kwh=UNMET_WON_KWH,
        )


class View(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a policy sees at the beginning of a step.

    Attributes
    ----------
    present : vehicles that are there; their departure and need are what the driver said
    stored_wh, peak_w : in the storage now; highest import so far
    meter_w : sun and load of this step as the meter shows them while it runs; only what follows the meter may use it
    """

    world: World
    now: int
    present: tuple[Need, ...]
    stored_wh: float
    peak_w: float
    meter_w: tuple[float, float]

    def past(self) -> Past:
        """What a forecast may learn from."""
        return self.world.past(self.now)


class Policy(Protocol):
    """Decides one step after the other."""

    name: str

    def decide(self, view: View) -> Plan:
        """A plan whose first step is done; its first needs are `view.present` in their order."""
        ...
