"""What a plan costs at true prices, apart from every reward that only settles ties."""

from __future__ import annotations

import numpy as np

from dure.services.charging.planning.problem import Floats, Problem

KW = 1_000.0


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


def priced_won(problem: Problem, won: float, unmet_wh: Floats, over_w: Floats) -> float:
    """Cost with the prices of what could not be given and of what goes above the contract [won]."""
    unmet = problem.unmet_won_kwh * float(unmet_wh.sum()) / KW
    return won + unmet + problem.over_won_kwh * float(over_w.sum()) * problem.step_h / KW
