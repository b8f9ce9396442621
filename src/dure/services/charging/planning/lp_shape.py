"""The matrix of a site's linear program: which columns and rows there are, in compressed sparse columns.

Powers are columns in kW, energies in kWh. A `Shape` depends only on what changes seldom (steps, windows of vehicles, whether
there is storage); prices, sun, load and limits are bounds and costs, so that a solver keeps its basis while the shape stays.

Columns by block: grid, over (above the contract), export, curtail, charge, discharge, stored, peak, phase_over, unmet, ev, back,
given (balance of a vehicle that may give back), buys and fills (binaries of steps in which the prices would otherwise pay for
importing and exporting, or for charging and discharging, at once).
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from dure.services.charging.planning.problem import Floats, Ints, Problem

Places = NDArray[np.int32]
THIRD = 1 / 3


def doubtful(problem: Problem) -> NDArray[np.bool_]:
    """Steps in which the relaxed program would earn by going in circles (n,): export dearer than import, or import below 0."""
    return np.asarray((problem.export_won_kwh > problem.price_won_kwh) | (problem.price_won_kwh < 0))


def shape_key(problem: Problem) -> Hashable:
    """What a shape depends on; problems with equal keys share it."""
    storage = problem.storage
    doubt = doubtful(problem)
    return (
        problem.n,
        problem.step_s,
        (storage.charge_efficiency, storage.discharge_efficiency) if storage else None,
        problem.demand_won_kw > 0,
        problem.phase_w > 0,
        (doubt.tobytes(), problem.grid_to_ess, _most(problem)) if doubt.any() else None,
        tuple((one.arrive, one.depart, one.back_wh > 0, one.phases if problem.phase_w > 0 else ()) for one in problem.needs),
    )


def _most(problem: Problem) -> Hashable:
    """The big numbers that stand beside binaries."""
    storage = problem.storage
    powers = (storage.charge_w, storage.discharge_w) if storage else ()
    return (problem.contract_w, float(problem.pv_w.max(initial=0.0)), powers)


class _Entries:
    """Entries of the matrix as they are collected."""

    def __init__(self) -> None:
        self._rows: list[Ints] = []
        self._columns: list[Ints] = []
        self._values: list[Floats] = []

    def put(self, rows: Ints, columns: Ints, value: float | Floats) -> None:
        self._rows.append(rows)
        self._columns.append(columns)
        self._values.append(np.broadcast_to(np.asarray(value, dtype=np.float64), rows.shape))

    def compressed(self, columns: int) -> tuple[Places, Places, Floats]:
        """Starts (columns + 1,), rows and values, by column."""
        rows, placed = np.concatenate(self._rows), np.concatenate(self._columns)
        order = np.argsort(placed, kind="stable")
        starts = np.zeros(columns + 1, dtype=np.int32)
        np.cumsum(np.bincount(placed, minlength=columns), out=starts[1:])
        return starts, rows[order].astype(np.int32), np.concatenate(self._values)[order]


class Shape:
    """Columns, rows and matrix of one kind of problem.

    `whole_wh` (needs,), 0 for who does not count, adds the column ``served``: the least fraction of it that anyone gets.

    Attributes
    ----------
    column, row : name of a block -> its slice
    ev_need, ev_step : (ev columns,) need and step of each; back_need, back_step the same of what is given back
    doubt : steps with binaries; other_most : row block -> the most [kW] of the side that a binary of 1 closes
    starts, rows, values : the matrix by columns
    """

    def __init__(self, problem: Problem, whole_wh: Floats | None = None) -> None:
        self.key = shape_key(problem) if whole_wh is None else None
        self.n = problem.n
        self.column: dict[str, slice] = {}
        self.row: dict[str, slice] = {}
        self.columns = self.row_count = 0
        self.other_most: dict[str, float] = {}
        self._windows(problem)
        self.doubt = np.flatnonzero(doubtful(problem))
        entries = _Entries()
        self._balance(problem, entries)
        if problem.storage is not None:
            self._storage(problem, entries)
        if problem.demand_won_kw > 0:
            self._peak(entries)
        self._needs(problem, entries)
        if problem.phase_w > 0:
            self._phases(problem, entries)
        if self.doubt.size:
            self._binaries(problem, entries)
        if whole_wh is not None:
            self._fair(whole_wh, entries)
        self.starts, self.rows, self.values = entries.compressed(self.columns)
        self.column_places = np.arange(self.columns, dtype=np.int32)
        self.row_places = np.arange(self.row_count, dtype=np.int32)
        self.integrality = np.zeros(self.columns, dtype=np.int32)
        for name in ("buys", "fills"):
            if name in self.column:
                self.integrality[self.column[name]] = 1

    def at(self, name: str) -> Ints:
        """Places of the columns of a block."""
        block = self.column[name]
        return np.arange(block.start, block.stop)

    def line(self, name: str) -> Ints:
        """Places of the rows of a block."""
        block = self.row[name]
        return np.arange(block.start, block.stop)

    def _add(self, name: str, count: int) -> Ints:
        self.column[name] = slice(self.columns, self.columns + count)
        self.columns += count
        return self.at(name)

    def _lines(self, name: str, count: int) -> Ints:
        self.row[name] = slice(self.row_count, self.row_count + count)
        self.row_count += count
        return self.line(name)

    def _windows(self, problem: Problem) -> None:
        begin = np.array([min(max(one.arrive, 0), self.n) for one in problem.needs], dtype=np.int64)
        length = np.array([min(one.depart, self.n) for one in problem.needs], dtype=np.int64) - begin
        length = np.maximum(length, 0)
        self.ev_need, self.ev_step = _spread(begin, length)
        gives = np.array([one.back_wh > 0 for one in problem.needs], dtype=bool)
        self.back_need, self.back_step = _spread(begin, np.where(gives, length, 0))

    def _balance(self, problem: Problem, entries: _Entries) -> None:
        rows = self._lines("balance", self.n)
        blocks = [("grid", 1.0), ("over", 1.0), ("export", -1.0), ("curtail", -1.0)]
        if problem.storage is not None:
            blocks += [("charge", -1.0), ("discharge", 1.0)]
        for name, sign in blocks:
            entries.put(rows, self._add(name, self.n), sign)
        entries.put(self.ev_step, self._add("ev", len(self.ev_need)), -1.0)
        entries.put(self.back_step, self._add("back", len(self.back_need)), 1.0)

    def _storage(self, problem: Problem, entries: _Entries) -> None:
        storage, hours = problem.storage, problem.step_h
        assert storage is not None  # noqa: S101  # the caller asked for it
        rows, stored = self._lines("storage", self.n), self._add("stored", self.n)
        entries.put(rows, stored, 1.0)
        entries.put(rows[1:], stored[:-1], -1.0)
        entries.put(rows, self.at("charge"), -storage.charge_efficiency * hours)
        entries.put(rows, self.at("discharge"), hours / storage.discharge_efficiency)

    def _peak(self, entries: _Entries) -> None:
        rows, peak = self._lines("peak", self.n), self._add("peak", 1)
        entries.put(rows, self.at("grid"), 1.0)
        entries.put(rows, self.at("over"), 1.0)
        entries.put(rows, np.repeat(peak, self.n), -1.0)

    def _needs(self, problem: Problem, entries: _Entries) -> None:
        hours, count = problem.step_h, len(problem.needs)
        rows, unmet = self._lines("need", count), self._add("unmet", count)
        entries.put(rows, unmet, 1.0)
        entries.put(rows[self.ev_need], self.at("ev"), hours)
        entries.put(rows[self.back_need], self.at("back"), -hours)
        if not self.back_need.size:
            return
        chain, given = self._lines("given", len(self.back_need)), self._add("given", len(self.back_need))
        entries.put(chain, given, 1.0)
        later = np.flatnonzero(self.back_need[1:] == self.back_need[:-1]) + 1
        entries.put(chain[later], given[later - 1], -1.0)
        entries.put(chain, self.at("back"), hours)
        entries.put(chain, self.at("ev")[np.isin(self.ev_need, self.back_need)], -hours)

    def _fair(self, whole_wh: Floats, entries: _Entries) -> None:
        """``unmet / whole + served <= 1`` for everyone who counts."""
        rows, served = self._lines("fair", len(whole_wh)), self._add("served", 1)
        counts = np.flatnonzero(whole_wh > 0)
        entries.put(rows[counts], self.at("unmet")[counts], 1_000 / whole_wh[counts])
        entries.put(rows[counts], np.repeat(served, len(counts)), 1.0)

    def _phases(self, problem: Problem, entries: _Entries) -> None:
        """Import of each phase: a third of the whole, and what the vehicles on it draw beyond their third."""
        slack = self._add("phase_over", self.n)
        for phase in (1, 2, 3):
            rows = self._lines(f"phase{phase}", self.n)
            entries.put(rows, self.at("grid"), THIRD)
            entries.put(rows, self.at("over"), THIRD)
            entries.put(rows, self.at("export"), -THIRD)
            entries.put(rows, slack, -1.0)
            beyond = np.array([(1 / len(one.phases) if phase in one.phases else 0.0) - THIRD if one.phases else 0.0
                               for one in problem.needs])  # fmt: skip
            for name, need, step, sign in (
                ("ev", self.ev_need, self.ev_step, 1.0),
                ("back", self.back_need, self.back_step, -1.0),
            ):
                share = sign * beyond[need] if need.size else np.zeros(0)
                uneven = np.flatnonzero(np.abs(share) > 1e-12)  # three-phase vehicles draw their third exactly
                entries.put(rows[step[uneven]], self.at(name)[uneven], share[uneven])

    def _binaries(self, problem: Problem, entries: _Entries) -> None:
        count, places = len(self.doubt), self.doubt
        buys = self._add("buys", count)
        most_sold = float(problem.pv_w.max(initial=0.0)) + sum(one.max_w for one in problem.needs if one.back_wh > 0)
        most_sold += problem.storage.discharge_w if problem.storage else 0.0
        self._either(entries, ("grid", problem.contract_w), ("export", most_sold), buys)
        if problem.storage is None:
            return
        fills = self._add("fills", count)
        self._either(entries, ("charge", problem.storage.charge_w), ("discharge", problem.storage.discharge_w), fills)
        if not problem.grid_to_ess:
            rows = self._lines("sun_to_storage", count)
            entries.put(rows, self.at("charge")[places], 1.0)
            entries.put(rows, self.at("curtail")[places], 1.0)

    def _either(self, entries: _Entries, one: tuple[str, float], other: tuple[str, float], binary: Ints) -> None:
        """``one <= most * binary`` and ``other <= most * (1 - binary)`` in the doubtful steps."""
        for (name, most_w), sign in ((one, -1.0), (other, 1.0)):
            rows = self._lines(f"{name}_side", len(binary))
            entries.put(rows, self.at(name)[self.doubt], 1.0)
            entries.put(rows, binary, sign * most_w / 1_000)
        self.other_most[f"{other[0]}_side"] = other[1] / 1_000


def _spread(begin: Ints, length: Ints) -> tuple[Ints, Ints]:
    """Need and step of every place in windows that begin at `begin` and last `length` steps."""
    need = np.repeat(np.arange(len(begin)), length)
    first = np.repeat(np.cumsum(length) - length, length)
    return need, np.arange(len(need)) - first + np.repeat(begin, length)
