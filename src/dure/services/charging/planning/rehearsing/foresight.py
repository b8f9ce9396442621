"""The least a span could have cost, had everything been known before: one linear program over all of it."""

from __future__ import annotations

import msgspec
import numpy as np

from dure.core.errors import Unavailable
from dure.services.charging.planning.lp_model import Ties
from dure.services.charging.planning.problem import Need
from dure.services.charging.planning.rehearsing.rolling import BREACH_W, Outcome
from dure.services.charging.planning.rehearsing.world import World
from dure.services.charging.planning.site_lp import SiteSolver

NO_TIES = Ties(store=0.0, charge=0.0, keep=0.0)
SAFETY_S = 300.0  # a month of a busy site takes seconds of a processor that may be shared


def foresight(world: World, months: float = 1.0) -> Outcome:
    """What perfect foresight does over the span when its peak is paid for `months` of the demand charge."""
    served, n, lead = world.served(), world.end - world.lead, world.lead
    problem = world.problem(lead, n, world.sun_w[lead:], world.load_w[lead:])
    needs = tuple(
        Need(
            id=str(i), arrive=int(served.arrive[i]) - lead, depart=int(served.depart[i]) - lead,
            need_wh=float(served.need_wh[i]), max_w=float(served.max_w[i]),
        )
        for i in range(len(served))
    )  # fmt: skip
    problem = msgspec.structs.replace(problem, needs=needs, demand_won_kw=world.demand_won_kw * months)
    plan = SiteSolver(NO_TIES, SAFETY_S).solve(problem)
    if plan.policy != "lp":  # the baseline in its place would be told as perfect
        raise Unavailable("charging.no_foresight", "Perfect foresight of the span was not found in time. Take a shorter one.")
    return Outcome(
        name="foresight",
        import_w=plan.import_w,
        export_w=plan.export_w,
        charge_w=plan.charge_w,
        discharge_w=plan.discharge_w,
        need_wh=float(served.need_wh.sum()),
        unmet_wh=float(np.maximum(plan.unmet_wh, 0.0).sum()),
        breaches=int((plan.import_w > world.contract_w + BREACH_W).sum()),
        policies={plan.policy: n},
    )
