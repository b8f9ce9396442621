"""Costs and bounds of a site's linear program: everything that changes from one plan to the next."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.services.charging.planning.lp_shape import Shape
from dure.services.charging.planning.problem import Floats, Problem

KW = 1_000.0
SEMI_CONTINUOUS = 2  # HiGHS's kSemiContinuous: 0, or between the bounds


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


class Wishes(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What else a plan should keep to.

    Attributes
    ----------
    kept : (needs, n) what the plan before gave each vehicle [W], moved to this problem's steps
    on : (needs, n) where a vehicle charges with at least its `min_w`; nowhere else. None: anywhere, with anything
    unmet_wh : (needs,) most that may stay ungiven
    import_w, export_w : (n,) most import, and least export, that a shared line leaves to the site
    whole : (needs,) vehicles that charge with 0 or at least their `min_w`, wherever that is best (semi-continuous columns),
        whatever `on` says
    fixed : (needs, n) what each vehicle gets [W]; a row of nan: whatever is best
    """

    kept: Floats | None = None
    on: NDArray[np.bool_] | None = None
    unmet_wh: Floats | None = None
    whole: NDArray[np.bool_] | None = None
    import_w: Floats | None = None
    export_w: Floats | None = None
    fixed: Floats | None = None


NONE = Wishes()


class Model:
    """Costs and bounds of one problem in its shape [won, kW, kWh]."""

    def __init__(self, problem: Problem, shape: Shape, ties: Ties, wishes: Wishes) -> None:
        self._problem, self._shape, self._ties = problem, shape, ties
        self.cost, self.lower = np.zeros(shape.columns), np.zeros(shape.columns)
        self.upper = np.full(shape.columns, np.inf)
        self.integrality = shape.integrality.copy()
        self.row_lower, self.row_upper = np.zeros(shape.row_count), np.zeros(shape.row_count)
        self._grid(wishes)
        if problem.storage is not None:
            self._storage()
        self._vehicles(wishes)
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

    def _grid(self, wishes: Wishes) -> None:
        problem, hours = self._problem, self._problem.step_h
        line = 0.0 if problem.feeder_won_kwh is None else problem.feeder_won_kwh
        price = (problem.price_won_kwh + line + self._ties.curtail) * hours
        most = (
            np.full(problem.n, problem.contract_w) if wishes.import_w is None else np.minimum(problem.contract_w, wishes.import_w)
        )
        self._put("grid", price, 0.0, most / KW)
        self._put("over", price + problem.over_won_kwh * hours, 0.0, np.inf)
        least = 0.0 if wishes.export_w is None else wishes.export_w / KW
        self._put("export", -(problem.export_won_kwh + line) * hours, least, np.inf)
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
        worth = np.full(problem.n, -self._ties.store)
        worth[-1] -= problem.end_won_kwh
        self._put("stored", worth, least / KW, room / KW)
        block = self._shape.row["storage"]
        self.row_lower[block.start] = self.row_upper[block.start] = problem.stored_wh / KW

    def _vehicles(self, wishes: Wishes) -> None:
        problem, shape, hours = self._problem, self._shape, self._problem.step_h
        needs = problem.needs
        need = np.array([one.need_wh for one in needs]) / KW
        unmet = np.maximum(need, 0.0)
        self._put(
            "unmet", problem.unmet_won_kwh, 0.0, unmet if wishes.unmet_wh is None else np.minimum(unmet, wishes.unmet_wh / KW)
        )
        self._line("need", need, need)
        if not shape.ev_need.size:
            return
        most = np.array([one.max_w for one in needs])[shape.ev_need] / KW
        least = np.zeros(len(most))
        cost = self._ties.charge * shape.ev_step * _urgency(problem)[shape.ev_need]
        if wishes.kept is not None and wishes.kept.size:
            cost = cost - self._ties.keep * (wishes.kept[shape.ev_need, shape.ev_step] > 0)
        if wishes.on is not None:
            on = wishes.on[shape.ev_need, shape.ev_step]
            least = np.where(on, np.array([one.min_w for one in needs])[shape.ev_need] / KW, 0.0)
            most = np.where(on, most, 0.0)
        if wishes.whole is not None:
            lowest = np.array([one.min_w for one in needs])[shape.ev_need] / KW
            powers = np.array([one.max_w for one in needs])[shape.ev_need] / KW
            whole = wishes.whole[shape.ev_need] & (lowest > 0) & (lowest < powers)
            least, most = np.where(whole, lowest, least), np.where(whole, powers, most)
            self.integrality[shape.column["ev"]] = np.where(whole, SEMI_CONTINUOUS, 0)
        if wishes.fixed is not None:
            given = np.maximum(wishes.fixed[shape.ev_need, shape.ev_step], 0.0) / KW
            least, most = np.where(np.isnan(given), least, given), np.where(np.isnan(given), most, given)
        self._put("ev", cost * hours, least, most)
        if shape.back_need.size:
            back = np.array([one.back_wh for one in needs])[shape.back_need] / KW
            wear = (problem.back_won_kwh + self._ties.curtail) * hours
            lowest, highest = np.zeros(len(back)), np.array([one.max_w for one in needs])[shape.back_need] / KW
            if wishes.fixed is not None:
                taken = np.maximum(-wishes.fixed[shape.back_need, shape.back_step], 0.0) / KW
                lowest, highest = np.where(np.isnan(taken), 0.0, taken), np.where(np.isnan(taken), highest, taken)
            self._put("back", wear, lowest, highest)
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
