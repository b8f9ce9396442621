"""Earliest departure first, sun first, storage greedily: the permanent baseline, and what is done when no plan can be made.

It knows nothing of the future: in each step the vehicles that are there charge as fast as they can, those that leave first
before the others, as far as the contract, the sun and the storage reach. The storage takes what sun is left over and gives
whatever would have to be bought.
"""

from __future__ import annotations

import numpy as np

from dure.services.charging.planning.cost import plan_won
from dure.services.charging.planning.problem import Floats, Need, Plan, Problem

TINY_WH = 1e-6


class _Store:
    """The storage of a site as it is filled and emptied; none has no room and nothing in it."""

    def __init__(self, problem: Problem) -> None:
        self._is, self._hours, self.wh = problem.storage, problem.step_h, problem.stored_wh

    def most_given(self) -> float:
        """Power it can give through one step [W]."""
        if self._is is None:
            return 0.0
        held = max(0.0, self.wh - self._is.reserve_fraction * self._is.capacity_wh)
        return min(self._is.discharge_w, held * self._is.discharge_efficiency / self._hours)

    def most_taken(self) -> float:
        """Power it can take through one step [W]."""
        if self._is is None:
            return 0.0
        room = max(0.0, self._is.capacity_wh - self.wh)
        return min(self._is.charge_w, room / self._is.charge_efficiency / self._hours)

    def pass_step(self, charge_w: float, discharge_w: float) -> None:
        """One step with these powers."""
        if self._is is not None:
            gained = charge_w * self._is.charge_efficiency - discharge_w / self._is.discharge_efficiency
            self.wh += gained * self._hours


def edf(problem: Problem) -> Plan:
    """The plan of earliest departure first.

    Returns
    -------
    A plan that keeps every limit that `Problem` has, as far as its other load alone leaves room.
    """
    n, needs = problem.n, problem.needs
    order = sorted(range(len(needs)), key=lambda i: (needs[i].depart, needs[i].arrive, needs[i].id))
    store, left = _Store(problem), [one.need_wh for one in needs]
    ev = np.zeros((len(needs), n))
    most_w = np.full(n, problem.contract_w) if problem.line_w is None else np.minimum(problem.contract_w, problem.line_w)
    flows = {name: np.zeros(n) for name in ("import", "export", "charge", "discharge", "over")}
    stored = np.full(n + 1, problem.stored_wh)
    for t in range(n):
        spare = float(most_w[t]) - float(problem.load_w[t]) + float(problem.pv_w[t]) + store.most_given()
        phases = _phase_room(problem, t)
        for i in order:
            if needs[i].arrive <= t < needs[i].depart and left[i] > TINY_WH:
                given = _given(needs[i], left[i] / problem.step_h, spare, phases)
                ev[i, t] = given
                spare -= given
                left[i] -= given * problem.step_h
                _use(phases, needs[i], given)
        net = float(problem.load_w[t] - problem.pv_w[t]) + float(ev[:, t].sum())
        flows["discharge"][t] = min(max(net, 0.0), store.most_given())
        flows["charge"][t] = min(max(-net, 0.0), store.most_taken())
        store.pass_step(flows["charge"][t], flows["discharge"][t])
        stored[t + 1] = store.wh
        rest = net + flows["charge"][t] - flows["discharge"][t]
        flows["import"][t], flows["export"][t] = max(rest, 0.0), max(-rest, 0.0)
        flows["over"][t] = max(0.0, rest - problem.contract_w)
    return _plan(problem, flows, stored, ev, np.maximum(np.array(left), 0.0))


def _given(need: Need, wanted_w: float, spare_w: float, phases: list[float]) -> float:
    """Power for one vehicle [W]: 0, or enough for it to charge at all unless it needs less."""
    most = min(need.max_w, wanted_w)
    held = min(most, spare_w, _phase_most(need, phases))
    if held <= 0 or (held < most and held < need.min_w):
        return 0.0
    return held


def _phase_room(problem: Problem, t: int) -> list[float]:
    """Room per phase [W] when everything but the vehicles is spread evenly and the storage stands still."""
    if problem.phase_w <= 0:
        return []
    return [problem.phase_w - float(problem.load_w[t] - problem.pv_w[t]) / 3] * 3


def _phase_most(need: Need, phases: list[float]) -> float:
    if not phases:
        return np.inf
    on = need.phases or (1, 2, 3)
    return min(phases[one - 1] for one in on) * len(on)


def _use(phases: list[float], need: Need, given_w: float) -> None:
    if phases:
        on = need.phases or (1, 2, 3)
        for one in on:
            phases[one - 1] -= given_w / len(on)


def _plan(problem: Problem, flows: dict[str, Floats], stored: Floats, ev: Floats, unmet: Floats) -> Plan:
    bought, sold = flows["import"], flows["export"]
    curtail = np.where(problem.export_won_kwh < 0, sold, 0.0)
    sold = sold - curtail
    return Plan(
        import_w=bought,
        export_w=sold,
        charge_w=flows["charge"],
        discharge_w=flows["discharge"],
        curtail_w=curtail,
        stored_wh=stored,
        ev_w=ev,
        unmet_wh=unmet,
        over_w=flows["over"],
        won=plan_won(problem, bought, sold, flows["discharge"], ev),
        peak_w=max(problem.peak_w, float(bought.max(initial=0.0))),
        policy="edf",
    )
