"""Limits of a site, looked at in a plan that is there: what goes above them. Pure."""

from __future__ import annotations

import numpy as np

from dure.services.charging.planning.problem import Floats, Plan, Problem


def phase_import_w(problem: Problem, plan: Plan) -> Floats:
    """Import of each phase (3, n) [W]: everything but the vehicles is spread evenly over the three."""
    evenly = plan.import_w - plan.export_w - plan.ev_w.sum(axis=0)
    phases = np.tile(evenly / 3, (3, 1))
    for row, one in zip(plan.ev_w, problem.needs, strict=True):
        on = one.phases or (1, 2, 3)
        phases[[phase - 1 for phase in on]] += row / len(on)
    return phases


def breach_w(problem: Problem, plan: Plan) -> Floats:
    """Power above the contract, or above what a phase may carry if that is more (n,) [W]; 0 where every limit is kept."""
    contract: Floats = np.maximum(plan.import_w - problem.contract_w, 0.0)
    if problem.phase_w <= 0:
        return contract
    phases: Floats = phase_import_w(problem, plan).max(axis=0) - problem.phase_w
    return np.maximum(contract, phases)
