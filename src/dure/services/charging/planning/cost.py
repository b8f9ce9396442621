"""What a plan costs at true prices, apart from every reward that only settles ties."""

from __future__ import annotations

import numpy as np

from dure.services.charging.planning.problem import Floats, Plan, Problem

KW = 1_000.0
CHEAPER = 0.95  # of the cheapest power to fill the storage with: below it none is bought only to be kept


def kept_won_kwh(problem: Problem, share: float) -> float:
    """What a kWh is worth that a plan leaves in the storage [won].

    The sun that filled it would have brought the price of export, and what is kept need not be bought on a dull day, of which
    a horizon that ends knows nothing. So it is worth `share` of that price, and never so much that the grid would fill the
    storage for it.
    """
    if problem.storage is None:
        return 0.0
    sold, bought = float(problem.export_won_kwh.max(initial=0.0)), float(problem.price_won_kwh.min(initial=np.inf))
    return max(0.0, min(share * sold, CHEAPER * bought)) / problem.storage.charge_efficiency


def plan_won(problem: Problem, import_w: Floats, export_w: Floats, discharge_w: Floats, ev_w: Floats) -> float:
    """Cost of flows [won]: grid energy less export, wear of the storage and of vehicles that give back, and the peak.

    The peak costs what it rises above the peak so far; a shared line's price is no cost of the site and is left out.

    Parameters
    ----------
    import_w, export_w, discharge_w : (n,) [W]
    ev_w : (needs, n) [W]; negative where a vehicle gives back
    """
    hours = problem.step_h / KW
    energy = float(problem.price_won_kwh @ import_w - problem.export_won_kwh @ export_w) * hours
    wear = problem.storage.wear_won_kwh if problem.storage else 0.0
    worn = wear * float(discharge_w.sum()) * hours
    back = problem.back_won_kwh * float(-np.minimum(ev_w, 0.0).sum()) * hours if ev_w.size else 0.0
    rise = max(0.0, float(import_w.max(initial=0.0)) - problem.peak_w)
    return energy + worn + back + problem.demand_won_kw * rise / KW


def priced_won(problem: Problem, plan: Plan) -> float:
    """Cost with the prices of what is not given and what goes above the contract, less what is left in the storage [won]."""
    unmet = problem.unmet_won_kwh * float(plan.unmet_wh.sum())
    left = problem.end_won_kwh * float(plan.stored_wh[-1]) if problem.storage else 0.0
    over = problem.over_won_kwh * float(plan.over_w.sum()) * problem.step_h
    return plan.won + (unmet - left + over) / KW
