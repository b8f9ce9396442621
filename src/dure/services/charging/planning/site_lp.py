"""The plan of one site by linear programming: numpy arrays straight into HiGHS, one warm solver per site.

Cost: grid energy, export, wear, peak, what is not given, and what goes above the contract, which is dear but possible, so that
the program always has an answer. On top of it lie rewards small enough to decide only between plans that cost the same
(`Ties`; docs/decisions/0017): without them a solver's choice among equal plans is chance, and set points would jump.

The sun may fill the storage always, the grid only where `grid_to_ess` says so: then the storage never takes more than the sun
gives at that time. Vehicles draw only inside their windows; one that may give back never holds less than it came with by more
than `back_wh`, nor more than it needs.
"""

from __future__ import annotations

from typing import Any

import highspy
import msgspec
import numpy as np

from dure.services.charging.planning.binding import Marginals, bindings
from dure.services.charging.planning.cost import plan_won
from dure.services.charging.planning.edf import edf
from dure.services.charging.planning.lp_shape import Shape, shape_key
from dure.services.charging.planning.problem import Floats, Plan, Problem

KW = 1_000.0
TINY_KW = 1e-6
OPTIMAL = highspy.HighsModelStatus.kOptimal
COLUMNWISE, MINIMIZE = 1, 1
NODES_MAX = 500
SAFETY_S = 5.0  # of wall-clock time for one program with binaries; its use is told as a reason
GAP = 1e-4


class Ties(msgspec.Struct, frozen=True, kw_only=True):
    """What decides between plans that cost the same.

    Attributes
    ----------
    store : reward of a kWh held in the storage through one step: store early, export late [won/kWh]
    charge : cost of one step's delay of a vehicle's kWh: charge early, first who leaves first [won/kWh]
    keep : reward of a kWh in a step in which the plan before had the vehicle charge [won/kWh]
    curtail : cost of throwing sun away, and of every kWh bought, so that nothing is bought to be given away [won/kWh]
    cycle : cost of a kWh through the storage, so that it never burns sun by charging and discharging at once [won/kWh]
    """

    store: float = 0.05
    charge: float = 0.01
    keep: float = 0.05
    curtail: float = 0.001
    cycle: float = 0.01


class SiteSolver:
    """Plans of one site. Not for two threads at once."""

    def __init__(self, ties: Ties | None = None) -> None:
        self._ties = ties or Ties()
        self._highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]  # its stubs lack some of its calls
        for name, value in (("output_flag", False), ("threads", 1), ("random_seed", 0), ("mip_max_nodes", NODES_MAX),
                            ("mip_rel_gap", GAP), ("time_limit", SAFETY_S)):  # fmt: skip
            self._highs.setOptionValue(name, value)
        self._shape: Shape | None = None
        self.iterations = 0  # of the last program; 0 when the basis kept was optimal already

    def solve(self, problem: Problem, kept: Floats | None = None) -> Plan:
        """The cheapest plan; `edf` with a reason when the solver gives none.

        Parameters
        ----------
        kept : (needs, n) what the plan before gave each vehicle [W], moved to this problem's steps; None when there is none
        """
        shape, fresh = self._shape, False
        if shape is None or shape.key != shape_key(problem):
            shape, fresh = Shape(problem), True
        model = _Model(problem, shape, self._ties, kept)
        self._load(shape, model, fresh=fresh or shape.doubt.size > 0)
        self._highs.run()
        solution = self._highs.getSolution()
        info = self._highs.getInfo()
        self.iterations = int(info.simplex_iteration_count)
        if self._highs.getModelStatus() != OPTIMAL and not (shape.doubt.size and solution.value_valid):
            self._shape = None
            status = self._highs.modelStatusToString(self._highs.getModelStatus())
            return msgspec.structs.replace(edf(problem), reasons=(f"plan.no_solution: {status}",))
        value = np.asarray(solution.col_value)
        marginals = Marginals(np.zeros(0), np.zeros(0))
        if not shape.doubt.size:
            marginals = Marginals(np.asarray(solution.col_dual), np.asarray(solution.row_dual))
        plan = _read(problem, shape, model, value, marginals)
        if self._highs.getModelStatus() == OPTIMAL:
            return plan
        return msgspec.structs.replace(plan, reasons=("plan.stopped: best found within the limits of the search",))

    def _load(self, shape: Shape, model: _Model, *, fresh: bool) -> None:
        highs = self._highs
        if not fresh:
            columns, rows = shape.column_places, shape.row_places
            highs.changeColsCost(shape.columns, columns, model.cost)
            highs.changeColsBounds(shape.columns, columns, model.lower, model.upper)
            highs.changeRowsBounds(shape.row_count, rows, model.row_lower, model.row_upper)
            return
        highs.clearSolver()
        highs.passModel(
            shape.columns, shape.row_count, len(shape.values), COLUMNWISE, MINIMIZE, 0.0, model.cost, model.lower, model.upper,
            model.row_lower, model.row_upper, shape.starts, shape.rows, shape.values, shape.integrality,
        )  # fmt: skip
        self._shape = shape


class _Model:
    """Costs and bounds of one problem in its shape [won, kW, kWh]."""

    def __init__(self, problem: Problem, shape: Shape, ties: Ties, kept: Floats | None) -> None:
        self._problem, self._shape, self._ties = problem, shape, ties
        self.cost, self.lower = np.zeros(shape.columns), np.zeros(shape.columns)
        self.upper = np.full(shape.columns, np.inf)
        self.row_lower, self.row_upper = np.zeros(shape.row_count), np.zeros(shape.row_count)
        self._grid()
        if problem.storage is not None:
            self._storage()
        self._vehicles(kept)
        if "peak" in shape.column:
            self._put("peak", problem.demand_won_kw, problem.peak_w / KW, np.inf)
            self.row_lower[shape.row["peak"]] = -np.inf
        if "phase_over" in shape.column:
            self._put("phase_over", problem.over_won_kwh * problem.step_h, 0.0, np.inf)
            for phase in (1, 2, 3):
                self._line(f"phase{phase}", -problem.phase_w / KW, problem.phase_w / KW)
        if shape.doubt.size:
            self._sides()

    def _put(self, name: str, cost: float | Floats, lower: float | Floats, upper: float | Floats) -> None:
        block = self._shape.column[name]
        self.cost[block], self.lower[block], self.upper[block] = cost, lower, upper

    def _line(self, name: str, lower: float | Floats, upper: float | Floats) -> None:
        block = self._shape.row[name]
        self.row_lower[block], self.row_upper[block] = lower, upper

    def _grid(self) -> None:
        problem, hours = self._problem, self._problem.step_h
        line = 0.0 if problem.feeder_won_kwh is None else problem.feeder_won_kwh
        price = (problem.price_won_kwh + line + self._ties.curtail) * hours
        self._put("grid", price, 0.0, problem.contract_w / KW)
        self._put("over", price + problem.over_won_kwh * hours, 0.0, np.inf)
        self._put("export", -(problem.export_won_kwh + line) * hours, 0.0, np.inf)
        self._put("curtail", self._ties.curtail * hours, 0.0, problem.pv_w / KW)
        rest = (problem.load_w - problem.pv_w) / KW
        self._line("balance", rest, rest)

    def _storage(self) -> None:
        problem, storage, hours = self._problem, self._problem.storage, self._problem.step_h
        assert storage is not None  # noqa: S101  # the caller asked for it
        most = np.full(problem.n, storage.charge_w) if problem.grid_to_ess else np.minimum(storage.charge_w, problem.pv_w)
        self._put("charge", 0.0, 0.0, most / KW)
        self._put("discharge", (storage.wear_won_kwh + self._ties.cycle) * hours, 0.0, storage.discharge_w / KW)
        least = min(storage.reserve_fraction * storage.capacity_wh, problem.stored_wh)
        room = max(storage.capacity_wh, problem.stored_wh)
        self._put("stored", -self._ties.store, least / KW, room / KW)
        block = self._shape.row["storage"]
        self.row_lower[block.start] = self.row_upper[block.start] = problem.stored_wh / KW

    def _vehicles(self, kept: Floats | None) -> None:
        problem, shape, hours = self._problem, self._shape, self._problem.step_h
        needs = problem.needs
        need = np.array([one.need_wh for one in needs]) / KW
        self._put("unmet", problem.unmet_won_kwh, 0.0, np.maximum(need, 0.0))
        self._line("need", need, need)
        if not shape.ev_need.size:
            return
        most = np.array([one.max_w for one in needs]) / KW
        cost = self._ties.charge * shape.ev_step * _urgency(problem)[shape.ev_need]
        if kept is not None and kept.size:
            cost = cost - self._ties.keep * (kept[shape.ev_need, shape.ev_step] > 0)
        self._put("ev", cost * hours, 0.0, most[shape.ev_need])
        if shape.back_need.size:
            back = np.array([one.back_wh for one in needs])[shape.back_need] / KW
            wear = (problem.back_won_kwh + self._ties.curtail) * hours
            self._put("back", wear, 0.0, most[shape.back_need])
            self._put("given", 0.0, -back, np.maximum(need, 0.0)[shape.back_need])

    def _sides(self) -> None:
        for name in ("buys", "fills"):
            if name in self._shape.column:
                self._put(name, 0.0, 0.0, 1.0)
        problem = self._problem
        for name, block in self._shape.row.items():
            if name.endswith("_side"):
                self.row_lower[block] = -np.inf
        self._other_sides()
        if "sun_to_storage" in self._shape.row:
            self._line("sun_to_storage", -np.inf, problem.pv_w[self._shape.doubt] / KW)

    def _other_sides(self) -> None:
        """``other + most * binary <= most``."""
        for name, most in self._shape.other_most.items():
            self.row_upper[self._shape.row[name]] = most


def _urgency(problem: Problem) -> Floats:
    """How dear delay is for each vehicle (needs,), 1..2: who leaves first is first, and no two are equal."""
    order = sorted(range(len(problem.needs)), key=lambda i: (problem.needs[i].depart, problem.needs[i].id))
    weight = np.zeros(len(order))
    weight[order] = 2.0 - np.arange(len(order)) / max(1, len(order))
    return weight


def _read(problem: Problem, shape: Shape, model: _Model, value: Floats, marginals: Marginals) -> Plan:
    """The plan that the columns say."""

    def block(name: str) -> Floats:
        if name not in shape.column:
            return np.zeros(shape.n)
        kw = np.maximum(value[shape.column[name]], 0.0)
        kw[kw < TINY_KW] = 0.0
        return kw * KW

    over = block("over")
    bought, sold = block("grid") + over, block("export")
    charge, discharge = _one_way(problem, block("charge"), block("discharge"))
    ev = np.zeros((len(problem.needs), shape.n))
    ev[shape.ev_need, shape.ev_step] = block("ev")
    if shape.back_need.size:
        ev[shape.back_need, shape.back_step] -= block("back")
    stored = np.full(shape.n + 1, problem.stored_wh)
    if problem.storage is not None:
        stored[1:] = value[shape.column["stored"]] * KW
    return Plan(
        import_w=bought,
        export_w=sold,
        charge_w=charge,
        discharge_w=discharge,
        curtail_w=block("curtail"),
        stored_wh=stored,
        ev_w=ev,
        unmet_wh=block("unmet") if problem.needs else np.zeros(0),
        over_w=over,
        won=plan_won(problem, bought, sold, discharge, ev),
        peak_w=max(problem.peak_w, float(bought.max(initial=0.0))),
        bindings=bindings(problem, shape, value, model.upper, marginals),
    )


def _one_way(problem: Problem, charge: Floats, discharge: Floats) -> tuple[Floats, Floats]:
    """Charge and discharge, never both in a step.

    With losses the program never does both; without any it may, and what passes straight through is left out.
    """
    both = np.minimum(charge, discharge)
    if not both.any():
        return charge, discharge
    storage = problem.storage
    lossless = storage is not None and storage.charge_efficiency * storage.discharge_efficiency >= 1 - 1e-9  # equal
    assert lossless or float(both.max()) <= 1.0, "a storage with losses charges and discharges at once"  # noqa: S101  # 1 W: ours to mend
    return charge - both, discharge - both
