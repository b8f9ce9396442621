"""The plan of one site by linear programming: numpy arrays straight into HiGHS, one warm solver per site.

Cost: grid energy, export, wear, peak, what is not given, and what goes above the contract, which is dear but possible, so that
the program always has an answer. On top of it lie rewards small enough to decide only between plans that cost the same
(`Ties`; docs/decisions/0018): without them a solver's choice among equal plans is chance, and set points would jump.

The sun may fill the storage always, the grid only where `grid_to_ess` says so: then the storage never takes more than the sun
gives at that time. Vehicles draw only inside their windows; one that may give back never holds less than it came with by more
than `back_wh`, nor more than it needs.
"""

from __future__ import annotations

from typing import Any

import highspy
import msgspec
import numpy as np

from dure.services.charging.planning.binding import Found, bindings
from dure.services.charging.planning.cost import plan_won
from dure.services.charging.planning.edf import edf
from dure.services.charging.planning.lp_model import KW, NONE, Model, Ties, Wishes
from dure.services.charging.planning.lp_shape import Shape, shape_key
from dure.services.charging.planning.problem import Floats, Ints, Plan, Problem

TINY_KW = 1e-6
OPTIMAL = highspy.HighsModelStatus.kOptimal
COLUMNWISE, MINIMIZE = 1, 1
NODES_MAX = 100
SAFETY_S = 5.0  # of wall-clock time for one program with binaries; its use is told as a reason
GAP = 1e-3
STOPPED = "stopped: best found within the limits of the search"


class SiteSolver:
    """Plans of one site. Not for two threads at once."""

    def __init__(self, ties: Ties | None = None, safety_s: float = SAFETY_S) -> None:
        self.safety_s = safety_s
        self._ties = ties or Ties()
        # Without the wrapper around it, which only adds callbacks and writes a banner to the standard output.
        self._highs: Any = highspy._core._Highs()  # noqa: SLF001  # as above
        for name, value in (("output_flag", False), ("threads", 1), ("random_seed", 0), ("mip_max_nodes", NODES_MAX),
                            ("mip_rel_gap", GAP), ("time_limit", SAFETY_S)):  # fmt: skip
            self._highs.setOptionValue(name, value)
        self._shape: Shape | None = None
        self.iterations = 0  # of the last program; 0 when the basis kept was optimal already

    def solve(self, problem: Problem, wishes: Wishes = NONE) -> Plan:
        """The cheapest plan; `edf` with a reason when the solver gives none."""
        shape = self._shape_of(problem)
        model = Model(problem, shape, self._ties, wishes)
        found = self.run(shape, model)
        if isinstance(found, str):
            return msgspec.structs.replace(edf(problem), reasons=(f"no_solution: {found}",))
        plan = plan_in(problem, shape, model, found)
        return msgspec.structs.replace(plan, reasons=(STOPPED,)) if found.stopped else plan

    def run(self, shape: Shape, model: Model) -> Found | str:
        """Values and duals of a program, or why there are none; starts from the last basis where the shape is the same."""
        whole = bool(model.integrality.any())
        self._load(shape, model, fresh=shape is not self._shape or whole)
        # Without binaries presolving takes longer than it saves.
        self._highs.setOptionValue("presolve", "choose" if whole else "off")
        self._highs.setOptionValue("time_limit", self._highs.getRunTime() + self.safety_s)  # its clock runs on from run to run
        self._highs.run()
        solution = self._highs.getSolution()
        self.iterations = int(self._highs.getInfo().simplex_iteration_count)
        status = self._highs.getModelStatus()
        if status != OPTIMAL and not (whole and solution.value_valid):
            self._shape = None
            return str(self._highs.modelStatusToString(status))
        value = np.asarray(solution.col_value)
        if whole:
            self._shape = None
            return Found(value, np.zeros(0), np.zeros(0), stopped=status != OPTIMAL)
        return Found(value, np.asarray(solution.col_dual), np.asarray(solution.row_dual))

    @property
    def shape(self) -> Shape | None:
        """The shape of the last program; None after one with binaries."""
        return self._shape

    @property
    def basis(self) -> highspy.HighsBasis:
        """The basis of the last program."""
        found: highspy.HighsBasis = self._highs.getBasis()
        return found

    def _shape_of(self, problem: Problem) -> Shape:
        if self._shape is not None and self._shape.key == shape_key(problem):
            return self._shape
        return Shape(problem)

    def _load(self, shape: Shape, model: Model, *, fresh: bool) -> None:
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
            model.row_lower, model.row_upper, shape.starts, shape.rows, shape.values, model.integrality,
        )  # fmt: skip
        self._shape = shape


def one_program(
    matrix: tuple[Ints, Ints, Floats],
    cost: Floats,
    columns: tuple[Floats, Floats],
    rows: tuple[Floats, Floats],
    basis: highspy.HighsBasis | None = None,
) -> Found:
    """Values and duals of a program without binaries that is solved once.

    Parameters
    ----------
    matrix : starts, rows and values by columns; columns, rows : lower and upper bounds; basis : where to begin

    Raises
    ------
    RuntimeError : it has no optimum
    """
    starts, places, values = matrix
    highs: Any = highspy._core._Highs()  # noqa: SLF001  # as above
    for name, value in (
        ("output_flag", False),
        ("threads", 1),
        ("random_seed", 0),
        ("presolve", "choose" if basis is None else "off"),
    ):
        highs.setOptionValue(name, value)
    highs.passModel(
        len(cost), len(rows[0]), len(values), COLUMNWISE, MINIMIZE, 0.0, cost, *columns, *rows, starts.astype(np.int32),
        places.astype(np.int32), values, np.zeros(len(cost), dtype=np.int32),
    )  # fmt: skip
    if basis is not None:
        highs.setBasis(basis)
    highs.run()
    if highs.getModelStatus() != OPTIMAL:
        raise RuntimeError(str(highs.modelStatusToString(highs.getModelStatus())))
    solution = highs.getSolution()
    return Found(np.asarray(solution.col_value), np.asarray(solution.col_dual), np.asarray(solution.row_dual))


def plan_in(problem: Problem, shape: Shape, model: Model, found: Found) -> Plan:
    """The plan that the columns of a solved program say."""
    value = found.value

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
        bindings=bindings(problem, shape, model.upper, found),
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
