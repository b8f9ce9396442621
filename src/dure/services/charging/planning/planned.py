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
from dure.services.charging.planning.repair import DEAR_FRACTION, DEAR_WON, at_least_a_step, eased, repaired, small
from dure.services.charging.planning.site_lp import SiteSolver

NEAR_W = 1.0


def planned(solver: SiteSolver, problem: Problem, wishes: Wishes = NONE) -> tuple[Plan, Plan]:
    """The plan of a site, and the baseline beside it.

    Earliest departure first is taken instead when the solver has no answer, or when its plan, after everything was moved that
    chargers cannot do, is no better and keeps no more limits.

    Parameters
    ----------
    wishes : set points of the plan before, as a tie-break, and what a shared line leaves to the site
    """
    baseline = edf(_on_line(problem, wishes))
    best = solver.solve(problem, wishes)
    if best.policy != "lp":
        return best, baseline
    shared, wishes = fair(solver, problem, best, wishes)
    made = _as_before(solver, problem, shared, wishes, powers=True)
    if made is None:
        new = repaired(solver, problem, shared, wishes)
        tried = (_as_before(solver, problem, new, wishes, powers=powers) for powers in (True, False))
        made = next((one for one in tried if one is not None), new)
    if made.policy != "lp" or _is_worse(problem, made, baseline, wishes):
        return baseline, baseline
    return made, baseline


def _as_before(solver: SiteSolver, problem: Problem, made: Plan, wishes: Wishes, *, powers: bool) -> Plan | None:
    """The plan with the powers of the one before, or its steps alone, where that costs hardly more; None where it costs more.

    Set points do not jump for a few won. A vehicle that the plan before did not know takes whatever is best.
    """
    kept = wishes.kept
    if kept is None or not kept.any() or made.policy != "lp":
        return None
    asked = at_least_a_step(problem)
    known = np.asarray(kept.any(axis=1, keepdims=True))
    asks = eased(asked, wishes)
    if powers:
        asks = msgspec.structs.replace(asks, fixed=np.where(known, kept, np.nan))
    else:
        asks = msgspec.structs.replace(asks, on=np.where(known, kept > NEAR_W, made.ev_w > NEAR_W))
    found = solver.solve(asked, asks)
    if not _is_as_good(asked, found, made):
        return None
    return msgspec.structs.replace(found, bindings=made.bindings, reasons=made.reasons)


def _is_as_good(problem: Problem, as_before: Plan, made: Plan) -> bool:
    """Whether a plan can be carried out, keeps every limit that the new one keeps, and costs hardly more."""
    if as_before.policy != "lp" or small(problem, as_before.ev_w).any():
        return False
    if (breach_w(problem, as_before) > breach_w(problem, made) + NEAR_W).any():
        return False
    most = priced_won(problem, made) + max(DEAR_WON, DEAR_FRACTION * abs(made.won))  # what moving small powers may cost, too
    return priced_won(problem, as_before) <= most


def _on_line(problem: Problem, wishes: Wishes) -> Problem:
    """The problem as the baseline takes it: a shared line's part is a limit from step to step, like the contract."""
    if wishes.import_w is None:
        return problem
    return msgspec.structs.replace(problem, line_w=wishes.import_w)


def _is_worse(problem: Problem, made: Plan, baseline: Plan, wishes: Wishes) -> bool:
    """Whether a plan breaks limits that the baseline keeps, or costs more where both keep them."""
    ours, theirs = float(breach_w(problem, made).max(initial=0.0)), float(breach_w(problem, baseline).max(initial=0.0))
    if ours > theirs + NEAR_W:
        return True
    if "shared" in made.reasons or theirs > NEAR_W or wishes.import_w is not None:
        return False
    return priced_won(problem, made) > priced_won(problem, baseline) + max(1.0, 1e-3 * abs(baseline.won))
