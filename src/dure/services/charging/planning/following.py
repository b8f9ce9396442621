"""Between two plans a site follows its meter: the storage evens out what the forecast missed, then vehicles that can wait do."""

from __future__ import annotations

import msgspec
import numpy as np

from dure.services.charging.planning.problem import Floats, Need, Plan, Problem


class Followed(msgspec.Struct, frozen=True, eq=False):
    """What is done in a step: (needs,) to vehicles [W], storage in and out, import and export, sun thrown away [W]."""

    ev_w: Floats
    charge_w: float
    discharge_w: float
    import_w: float
    export_w: float


class Metered(msgspec.Struct, frozen=True):
    """What meters show: sun, other load, energy stored, and the highest import of the billing period so far [W, Wh]."""

    sun_w: float
    load_w: float
    stored_wh: float
    peak_w: float


class Wanted(msgspec.Struct, frozen=True, eq=False):
    """The step as planned: (needs,) to vehicles [W], import less export, and the import that must not be passed without need."""

    ev_w: Floats
    exchange_w: float
    ceiling_w: float


def as_metered(problem: Problem, plan: Plan, now: Metered) -> Followed:
    """The running step of a plan as it goes by the meters of now."""
    back_w = float(np.maximum(-plan.ev_w[:, 0], 0.0).sum())  # what vehicles give serves the other load
    step = msgspec.structs.replace(
        problem, pv_w=np.array([now.sun_w]), load_w=np.array([now.load_w - back_w]), price_won_kwh=problem.price_won_kwh[:1],
        export_won_kwh=problem.export_won_kwh[:1], stored_wh=now.stored_wh,
    )  # fmt: skip
    ceiling = min(problem.contract_w, max(float(plan.import_w[0]), plan.peak_w, now.peak_w))
    return followed(step, Wanted(np.maximum(plan.ev_w[:, 0], 0.0), float(plan.import_w[0] - plan.export_w[0]), ceiling))


def followed(problem: Problem, wanted: Wanted) -> Followed:
    """One step as it goes when sun and load are what the meter shows, `problem.pv_w[0]` and `load_w[0]`.

    The storage keeps the exchange with the grid as planned as far as it can. What import is still above the ceiling is taken
    from vehicles that can wait, those that leave last first, and none gets less than it must have now to be ready, unless the
    contract would be passed.
    """
    net = float(problem.load_w[0] - problem.pv_w[0])
    ev = wanted.ev_w.copy()
    most_in, most_out = _storage_span(problem)
    over = net + float(ev.sum()) - most_out - wanted.ceiling_w
    if over > 0:
        ev = _waited(problem, ev, over)
    above = net + float(ev.sum()) - most_out - problem.contract_w
    if above > 0:  # the contract goes before the readiness of a vehicle
        ev = ev * max(0.0, 1.0 - above / float(ev.sum())) if ev.sum() > 0 else ev
    rest = net + float(ev.sum())
    flow = float(np.clip(wanted.exchange_w - rest, -most_out, most_in))
    if not problem.grid_to_ess:
        flow = min(flow, max(0.0, float(problem.pv_w[0])))
    grid = rest + flow
    return Followed(ev, max(flow, 0.0), max(-flow, 0.0), max(grid, 0.0), max(-grid, 0.0))


def _storage_span(problem: Problem) -> tuple[float, float]:
    """Power the storage can take and give through one step [W]."""
    storage = problem.storage
    if storage is None:
        return 0.0, 0.0
    room = max(0.0, storage.capacity_wh - problem.stored_wh) / storage.charge_efficiency
    held = max(0.0, problem.stored_wh - storage.reserve_fraction * storage.capacity_wh) * storage.discharge_efficiency
    return min(storage.charge_w, room / problem.step_h), min(storage.discharge_w, held / problem.step_h)


def must_have_w(need: Need, step_h: float) -> float:
    """Least power now with which a vehicle can still be ready when it takes all it can from the next step on [W]."""
    later = max(0, need.depart - 1) * need.max_w * step_h
    return min(need.max_w, max(0.0, need.need_wh - later) / step_h)


def _waited(problem: Problem, ev: Floats, over_w: float) -> Floats:
    """Powers with `over_w` taken off those that can wait, the latest departure first."""
    kept = ev.copy()
    for i in sorted(range(len(kept)), key=lambda i: (-problem.needs[i].depart, problem.needs[i].id)):
        need = problem.needs[i]
        cut = min(over_w, max(0.0, float(kept[i]) - must_have_w(need, problem.step_h)))
        left = float(kept[i]) - cut
        if 0 < left < need.min_w:  # it charges with at least so much or not at all
            left = 0.0 if must_have_w(need, problem.step_h) <= 0 else need.min_w
        over_w -= float(kept[i]) - left
        kept[i] = left
        if over_w <= 0:
            break
    return kept
