"""Fair shares when there is not enough: nobody gets more of what they asked for while someone with less could have it.

The fraction served of a vehicle counts the whole session: what it got before, too. The least fraction is made as large as it
can be; who cannot have more than that is settled, and the same is asked for the others, until all are settled (lexicographic
max-min, Megiddo 1974, doi:10.1007/BF01585506). A dual above 0 says that a vehicle cannot have more in any best answer, so each
round settles at least one, and in one bottleneck all who share it.
Vehicles that are only expected do not count.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.services.charging.planning.lp_model import Model, Ties, Wishes
from dure.services.charging.planning.lp_shape import Shape
from dure.services.charging.planning.problem import Floats, Plan, Problem
from dure.services.charging.planning.site_lp import SiteSolver

SHORT_WH = 1.0
EASE = 1e-6  # fractions are kept to this, so that rounding never makes a program infeasible
OVER_WON = 1e3  # the worth of everyone's whole need is 1 here: nothing is worth going above the contract
DUAL_LEAST = 1e-7


def whole_wh(problem: Problem) -> Floats:
    """What each vehicle asked for in its session (needs,) [Wh]; 0 for one that is not there yet or needs nothing."""
    counted = (one.need_wh + one.given_wh if one.need_wh > 0 and not one.expected else 0.0 for one in problem.needs)
    return np.fromiter(counted, dtype=np.float64, count=len(problem.needs))


def served(problem: Problem, plan: Plan) -> Floats:
    """Fraction of its whole need that each vehicle has when the plan is done (needs,); 1 for one that needs nothing."""
    whole = np.array([one.need_wh + one.given_wh for one in problem.needs])
    return np.where(whole > 0, 1 - plan.unmet_wh / np.where(whole > 0, whole, 1), 1.0)


def is_short(problem: Problem, plan: Plan) -> bool:
    """Whether someone who is there does not get all."""
    there = np.array([not one.expected for one in problem.needs], dtype=bool)
    return bool((plan.unmet_wh[there] > SHORT_WH).any()) if there.size else False


def fair_unmet_wh(problem: Problem) -> tuple[Floats, int]:
    """Most that may stay ungiven to each vehicle (needs,) [Wh], and how many programs it took."""
    whole = whole_wh(problem)
    needed = np.array([one.need_wh for one in problem.needs])
    shape, solver = Shape(_plain(problem), whole), SiteSolver()
    open_ones = whole > 0
    floor = np.zeros(len(whole))  # fractions that are settled
    rounds = 0
    while open_ones.any():
        found = solver.run(shape, _FairModel(_plain(problem), shape, whole, open_ones, floor))
        rounds += 1
        if isinstance(found, str):
            break
        least = float(found.value[shape.column["served"]][0])
        settled = open_ones & (-found.row[shape.row["fair"]] > DUAL_LEAST) if least < 1 - EASE else open_ones
        if not settled.any():
            settled = open_ones
        floor[settled] = max(0.0, least - EASE)
        open_ones &= ~settled
    return np.where(whole > 0, np.minimum(needed, (1 - floor) * whole), needed), rounds


def fair(solver: SiteSolver, problem: Problem, plan: Plan, wishes: Wishes) -> tuple[Plan, Wishes]:
    """The cheapest plan with fair shares, and the wishes that keep them; the same plan when nobody goes short.

    The limits and prices it names are those of the plan before shares were looked at: what one more kWh there is worth.
    """
    if not is_short(problem, plan) or plan.policy != "lp":
        return plan, wishes
    unmet, _ = fair_unmet_wh(problem)
    shared = msgspec.structs.replace(wishes, unmet_wh=unmet)
    made = solver.solve(problem, shared)
    if made.policy != "lp" or (made.over_w > plan.over_w + 1).any():
        return plan, wishes
    return msgspec.structs.replace(made, bindings=plan.bindings, reasons=(*plan.reasons, "shared")), shared


def _plain(problem: Problem) -> Problem:
    """The problem without prices that ask for binaries: shares are a question of energy alone."""
    nothing = np.zeros(problem.n)
    return msgspec.structs.replace(problem, price_won_kwh=nothing, export_won_kwh=nothing, demand_won_kw=0.0, feeder_won_kwh=None)


class _FairModel(Model):
    """The greatest least fraction; what the flows cost does not matter."""

    def __init__(  # the state of one round
        self, problem: Problem, shape: Shape, whole: Floats, open_ones: NDArray[np.bool_], floor: Floats
    ) -> None:
        super().__init__(problem, shape, Ties(store=0, charge=0, keep=0, curtail=0, cycle=0), Wishes())
        self.cost[:] = 0.0
        for name in ("over", "phase_over"):
            if name in shape.column:
                self.cost[shape.column[name]] = OVER_WON
        self.cost[shape.column["served"]] = -1.0
        self.upper[shape.column["served"]] = 1.0
        settled = (whole > 0) & ~open_ones
        self.upper[shape.column["unmet"]] = np.where(
            settled, np.minimum((1 - floor) * whole / 1_000, self.upper[shape.column["unmet"]]), self.upper[shape.column["unmet"]]
        )
        self.row_lower[shape.row["fair"]] = -np.inf
        self.row_upper[shape.row["fair"]] = np.where(open_ones, 1.0, np.inf)
