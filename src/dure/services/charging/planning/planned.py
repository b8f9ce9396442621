"""The whole way from a problem to a plan that can be carried out: optimum, fair shares, least powers; else the baseline."""

from __future__ import annotations

import msgspec
import numpy as np

from dure.services.charging.planning.cost import priced_won
from dure.services.charging.planning.edf import edf
from dure.services.charging.planning.fairness import fair
from dure.services.charging.planning.limits import breach_w
from dure.services.charging.planning.lp_model import NONE, Wishes
from dure.services.charging.planning.problem import Plan, Problem
from dure.services.charging.planning.repair import repaired, small
from dure.services.charging.planning.site_lp import SiteSolver

NEAR_W = 1.0
STEADY_WON = 1.0
STEADY_FRACTION = 0.001


def planned(solver: SiteSolver, problem: Problem, wishes: Wishes = NONE) -> tuple[Plan, Plan]:
    """The plan of a site, and the baseline beside it.

    Earliest departure first is taken instead when the solver has no answer, or when its plan, after everything was moved that
    chargers cannot do, is no better and keeps no more limits.

    Parameters
    ----------
    wishes : set points of the plan before, as a tie-break, and what a shared line leaves to the site
    """
    baseline = edf(problem)
    best = solver.solve(problem, wishes)
    if best.policy != "lp":
        return best, baseline
    shared, wishes = fair(solver, problem, best, wishes)
    made = repaired(solver, problem, shared, wishes)
    made = _steady(solver, problem, made, wishes)
    if made.policy != "lp" or _is_worse(problem, made, baseline, wishes):
        return baseline, baseline
    return made, baseline


def _steady(solver: SiteSolver, problem: Problem, made: Plan, wishes: Wishes) -> Plan:
    """The plan with the steps of the one before, where that costs hardly more: set points do not jump for a few won.

    A vehicle that the plan before did not know takes the steps of the new one.
    """
    kept = wishes.kept
    if kept is None or not kept.any() or made.policy != "lp":
        return made
    known = np.flatnonzero(kept.any(axis=1))
    on = made.ev_w > NEAR_W
    on[known] = kept[known] > NEAR_W
    as_before = solver.solve(problem, msgspec.structs.replace(wishes, on=on))
    if as_before.policy != "lp" or small(problem, as_before.ev_w).any():
        return made
    if (breach_w(problem, as_before) > breach_w(problem, made) + NEAR_W).any():
        return made
    if _priced(problem, as_before) > _priced(problem, made) + max(STEADY_WON, STEADY_FRACTION * abs(made.won)):
        return made
    return msgspec.structs.replace(as_before, bindings=made.bindings, reasons=made.reasons)


def _is_worse(problem: Problem, made: Plan, baseline: Plan, wishes: Wishes) -> bool:
    """Whether a plan breaks limits that the baseline keeps, or costs more where both keep them."""
    ours, theirs = float(breach_w(problem, made).max(initial=0.0)), float(breach_w(problem, baseline).max(initial=0.0))
    if ours > theirs + NEAR_W:
        return True
    if "plan.shared" in made.reasons or theirs > NEAR_W or wishes.import_w is not None:
        return False
    return _priced(problem, made) > _priced(problem, baseline) + max(1.0, 1e-3 * abs(baseline.won))


def _priced(problem: Problem, plan: Plan) -> float:
    return priced_won(problem, plan.won, np.asarray(plan.unmet_wh), plan.over_w)
