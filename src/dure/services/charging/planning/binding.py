"""Which limits hold a plan back, and what one more kWh there would be worth: the duals of its linear program, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dure.services.charging.planning.problem import Binding, Floats, Problem

if TYPE_CHECKING:
    from dure.services.charging.planning.lp_shape import Shape

KW = 1_000.0
LEAST_WON_KWH = 0.5  # below it, a price only comes from settling ties
NEAR_KW = 1e-6


class Found(NamedTuple):
    """What a program's columns came to, their reduced costs, and the duals of its rows; no duals when it had binaries."""

    value: Floats
    column: Floats
    row: Floats
    stopped: bool = False


def bindings(problem: Problem, shape: Shape, upper: Floats, solved: Found) -> tuple[Binding, ...]:
    """Every limit that holds the plan back, dearest first.

    ``evse`` is told only of vehicles that do not get all; ``demand`` is the dearest steps' share of the price of the peak.
    """
    value = solved.value
    if not solved.column.size:
        return ()
    found: list[Binding] = []

    def at_upper(name: str, limit: str, where: Floats | None = None, hours: float = problem.step_h) -> None:
        if name not in shape.column:
            return
        block = shape.column[name]
        worth = -solved.column[block] / hours
        held = (worth > LEAST_WON_KWH) & (value[block] >= upper[block] - NEAR_KW)
        if where is not None:
            held &= where.astype(bool)
        found.extend(Binding(limit, int(t), round(float(worth[t]), 3)) for t in np.flatnonzero(held))

    at_upper("grid", "contract")
    if problem.storage is not None:
        sun_held = np.zeros(shape.n)
        if not problem.grid_to_ess:
            sun_held = (problem.pv_w < problem.storage.charge_w).astype(np.float64)
        at_upper("charge", "grid_to_ess", sun_held)
        at_upper("charge", "storage_power", 1 - sun_held)
        at_upper("discharge", "storage_power")
        at_upper("stored", "storage_energy", hours=1.0)
    _rows(problem, shape, solved, found)
    _vehicles(problem, shape, upper, solved, found)
    if problem.feeder_won_kwh is not None:
        priced = np.flatnonzero(problem.feeder_won_kwh > LEAST_WON_KWH)
        found.extend(Binding("feeder", int(t), round(float(problem.feeder_won_kwh[t]), 3)) for t in priced)
    return tuple(sorted(found, key=lambda one: (-one.won_kwh, one.step, one.limit)))


def _rows(problem: Problem, shape: Shape, solved: Found, found: list[Binding]) -> None:
    """Limits that are rows: the peak, and the phases."""
    for name, limit in (("peak", "demand"), ("phase1", "phase"), ("phase2", "phase"), ("phase3", "phase")):
        if name in shape.row:
            worth = -solved.row[shape.row[name]] / problem.step_h
            held = np.flatnonzero(worth > LEAST_WON_KWH)
            found.extend(Binding(limit, int(t), round(float(worth[t]), 3)) for t in held)


def _vehicles(problem: Problem, shape: Shape, upper: Floats, solved: Found, found: list[Binding]) -> None:
    if not problem.needs:
        return
    value = solved.value
    short = value[shape.column["unmet"]] > NEAR_KW
    if not short.any():
        return
    block = shape.column["ev"]
    worth = -solved.column[block] / problem.step_h
    held = short[shape.ev_need] & (worth > LEAST_WON_KWH) & (value[block] >= upper[block] - NEAR_KW)
    found.extend(Binding("evse", int(shape.ev_step[i]), round(float(worth[i]), 3)) for i in np.flatnonzero(held))
