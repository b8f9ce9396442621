"""Inventory routing (Archetti et al. 2007; names of the 12th DIMACS challenge) as days of select and route.

A customer's stock is the free room of a bin: it sinks by a known demand each day and must never fall below its least.
The supplier makes the same amount each day. In a day goods come first, then they are used; what lies anywhere at the end of a day
costs holding. That this is how the published costs count was proven on S_abs1n5_2_H3: the optimum of that model is 2027.75.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array, vstack

FloatArray = NDArray[np.float64]
Visits = list[list[list[int]]]
"""Customers of each route of each day, in order."""


@dataclass(frozen=True)
class Instance:
    """An instance; customers from 0 on, `metres` has the supplier as its row 0."""

    name: str
    days: int
    capacity: float
    vehicles_n: int
    xy: FloatArray
    metres: NDArray[np.int64]
    stock: FloatArray
    most: FloatArray
    least: FloatArray
    demand: FloatArray
    holding: FloatArray
    supply: tuple[float, float, float]
    best_known: float

    @property
    def n(self) -> int:
        """How many customers there are."""
        return len(self.demand)


def instances(folder: Path) -> list[Instance]:
    """Those with a best known cost, smallest first."""
    with (folder / "bounds.csv").open(encoding="utf-8", newline="") as lines:
        known = {row["instance"]: float(row["upper_bound"]) for row in csv.DictReader(lines)}
    return sorted((_read(folder / f"{name}.dat", best) for name, best in known.items()), key=lambda one: (one.n, one.days))


def _read(path: Path, best_known: float) -> Instance:
    head, supplier, *customers = (line.split() for line in path.read_text("utf-8").splitlines() if line.strip())
    table = np.array(customers, dtype=float)
    xy = np.vstack([[float(supplier[1]), float(supplier[2])], table[:, 1:3]])
    metres = np.rint(np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))).astype(np.int64)
    stock, most, least, demand, holding = table[:, 3:8].T
    supply = (float(supplier[3]), float(supplier[4]), float(supplier[5]))
    days, capacity, vehicles_n = int(head[1]), float(head[2]), int(head[3])
    return Instance(path.stem, days, capacity, vehicles_n, xy, metres, stock, most, least, demand, holding, supply, best_known)


def driven(one: Instance, visits: Visits) -> int:
    """Metres of all routes."""
    ways = [[0, *[at + 1 for at in route], 0] for day in visits for route in day if route]
    return sum(int(one.metres[way[:-1], way[1:]].sum()) for way in ways)


def cheapest_quantities(one: Instance, visits: Visits) -> tuple[FloatArray, float] | None:
    """What to bring to whom, (days, n), and the holding cost; the least for these routes. None when they cannot keep stocks.

    A linear program: no stock below its least or above its most, no route above the capacity, nothing given that is not there.
    """
    numbered = [(day, at, number) for number, (day, route) in enumerate(_numbered(visits)) for at in route]
    start, made, held = one.supply
    days = np.arange(one.days)
    used = one.demand[None] * (days[:, None] + 1)
    base = float(((one.stock - used) @ one.holding).sum() + held * (start + made * (days + 1)).sum())
    floor, ceiling = one.stock - used - one.least, one.most - one.stock + used - one.demand
    if not numbered:
        return (np.zeros((one.days, one.n)), base) if floor.min() >= 0 else None
    day, at, number = np.array(numbered).T
    later, stop = np.nonzero(days[:, None] >= day)  # what was brought counts on its day and on every later one
    shape = (one.days * one.n, len(day))
    brought_until = coo_array((np.ones(len(stop)), (later * one.n + at[stop], stop)), shape=shape)
    given_until = coo_array((np.ones(len(stop)), (later, stop)), shape=(one.days, len(day)))
    carried = coo_array((np.ones(len(day)), (number, np.arange(len(day)))), shape=(int(number.max()) + 1, len(day)))
    rows = vstack([-brought_until, brought_until, given_until, carried])
    most = np.concatenate([floor.ravel(), ceiling.ravel(), start + made * (days + 1), np.full(carried.shape[0], one.capacity)])
    found = linprog((one.holding[at] - held) * (one.days - day), rows.tocsr(), most)
    if found.status != 0:
        return None
    brought = np.zeros((one.days, one.n))
    np.add.at(brought, (day, at), found.x)
    return brought, base + float(found.fun)


def _numbered(visits: Visits) -> Iterator[tuple[int, list[int]]]:
    """Every route with its day."""
    return ((day, route) for day, routes in enumerate(visits) for route in routes)


def proven(one: Instance, visits: Visits, brought: FloatArray) -> float:
    """What it all costs, counted day by day from the routes and amounts; a broken rule is an error."""
    stock, (store, made, held) = one.stock.copy(), one.supply
    cost = float(driven(one, visits))
    for day, routes in enumerate(visits):
        assert len([route for route in routes if route]) <= one.vehicles_n
        seen = [at for route in routes for at in route]
        assert len(seen) == len(set(seen))
        assert set(np.flatnonzero(brought[day] > 1e-6).tolist()) <= set(seen)
        assert all(brought[day, route].sum() <= one.capacity + 1e-6 for route in routes)
        stock, store = stock + brought[day], store + made - brought[day].sum()
        assert (stock <= one.most + 1e-6).all()
        assert store >= -1e-6
        stock = stock - one.demand
        assert (stock >= one.least - 1e-6).all()
        cost += float(stock @ one.holding) + held * store
    return cost
