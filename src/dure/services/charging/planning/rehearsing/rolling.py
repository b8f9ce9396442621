"""A policy rolled over a recorded span: each step is decided with what was known, done as the meter then had it, and booked."""

from __future__ import annotations

import msgspec
import numpy as np

from dure.services.charging.planning.following import Wanted, followed
from dure.services.charging.planning.problem import Floats, Need
from dure.services.charging.planning.rehearsing.world import Policy, View, World

TINY_WH = 1e-6
BREACH_W = 1.0
KW = 1_000.0


class Outcome(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a policy did over the span.

    Attributes
    ----------
    import_w, export_w, charge_w, discharge_w : (n,) with n = end - lead
    given_wh, need_wh : over all vehicles that left within the span
    breaches : steps with more import than the contract allows
    policies : steps decided by each policy
    """

    name: str
    import_w: Floats
    export_w: Floats
    charge_w: Floats
    discharge_w: Floats
    need_wh: float
    unmet_wh: float
    breaches: int
    policies: dict[str, int]

    @property
    def peak_w(self) -> float:
        """Highest import."""
        return float(self.import_w.max(initial=0.0))


def rolled(world: World, policy: Policy) -> Outcome:
    """What would have happened, and what it would have cost."""
    served, n = world.served(), world.end - world.lead
    left, stored, peak = served.need_wh.copy(), 0.0, 0.0
    flows = np.zeros((4, n))
    counts: dict[str, int] = {}
    for now in range(world.lead, world.end):
        there = np.flatnonzero((served.arrive <= now) & (served.depart > now) & (left > TINY_WH))
        present = tuple(
            Need(id=str(i), arrive=0, depart=int(served.depart[i]) - now, need_wh=float(left[i]), max_w=float(served.max_w[i]))
            for i in there
        )
        meter = (float(world.sun_w[now]), float(world.load_w[now]))
        plan = policy.decide(View(world=world, now=now, present=present, stored_wh=stored, peak_w=peak, meter_w=meter))
        counts[plan.policy] = counts.get(plan.policy, 0) + 1
        step = world.problem(now, 1, np.array([meter[0]]), np.array([meter[1]]))
        step = msgspec.structs.replace(step, needs=present, stored_wh=stored)
        ev = plan.ev_w[: len(present), 0] if present else np.zeros(0)
        first = float(plan.import_w[0] - plan.export_w[0])
        ceiling = min(world.contract_w, max(float(plan.import_w[0]), plan.peak_w, peak))
        done = followed(step, Wanted(np.minimum(ev, left[there] / world.step_h), first, ceiling))
        left[there] -= done.ev_w * world.step_h
        stored = _stored(world, stored, done.charge_w, done.discharge_w)
        flows[:, now - world.lead] = done.import_w, done.export_w, done.charge_w, done.discharge_w
        peak = max(peak, done.import_w)
    return Outcome(
        name=policy.name,
        import_w=flows[0],
        export_w=flows[1],
        charge_w=flows[2],
        discharge_w=flows[3],
        need_wh=float(served.need_wh.sum()),
        unmet_wh=float(np.maximum(left, 0.0).sum()),
        breaches=int((flows[0] > world.contract_w + BREACH_W).sum()),
        policies=counts,
    )


def _stored(world: World, stored: float, charge_w: float, discharge_w: float) -> float:
    if world.storage is None:
        return 0.0
    gained = charge_w * world.storage.charge_efficiency - discharge_w / world.storage.discharge_efficiency
    return min(max(stored + gained * world.step_h, 0.0), world.storage.capacity_wh)


def won(world: World, outcome: Outcome, part: slice = slice(None), months: float = 1.0) -> float:
    """Cost of a part of the span [won]: energy less export, wear, and the part's own peak for `months` of the demand charge."""
    hours = world.step_h / KW
    price, export = world.price_won_kwh[world.lead :][part], world.export_won_kwh[world.lead :][part]
    bought, sold = outcome.import_w[part], outcome.export_w[part]
    wear = world.storage.wear_won_kwh if world.storage else 0.0
    energy = float(price @ bought - export @ sold + wear * outcome.discharge_w[part].sum()) * hours
    return energy + world.demand_won_kw * months * float(bought.max(initial=0.0)) / KW


def left_wh(world: World, outcome: Outcome) -> float:
    """What is in the storage when the span ends [Wh]; it was empty when it began."""
    if world.storage is None:
        return 0.0
    flow = outcome.charge_w * world.storage.charge_efficiency - outcome.discharge_w / world.storage.discharge_efficiency
    return float(flow.sum()) * world.step_h
