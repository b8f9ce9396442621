"""Inventory routing (Archetti et al. 2007; names of the 12th DIMACS challenge) as days of select and route.

A customer's stock is the free room of a bin: it sinks by a known demand each day and must never fall below its least.
The supplier makes the same amount each day. In a day goods come first, then they are used; what lies anywhere at the end of a day
costs holding. That this is how the published costs count was proven on S_abs1n5_2_H3: the optimum of that model is 2027.75.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

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
    stops = [(day, at, number) for day, routes in enumerate(visits) for number, route in enumerate(routes) for at in route]
    start, made, held = one.supply
    days = np.arange(one.days)
    base = float(sum((one.stock - one.demand * (day + 1)) @ one.holding + held * (start + made * (day + 1)) for day in days))
    price = np.array([(one.holding[at] - held) * (one.days - day) for day, at, _ in stops])
    rows, most = list[FloatArray](), list[float]()
    for at in range(one.n):
        mine = np.array([at == other for _, other, _ in stops], dtype=float)
        for day in days:
            before = mine * np.array([other <= day for other, _, _ in stops], dtype=float)
            rows += [-before, before]
            most += [
                one.stock[at] - one.demand[at] * (day + 1) - one.least[at],
                one.most[at] - one.stock[at] + one.demand[at] * day,
            ]
    for day, routes in enumerate(visits):
        rows.append(np.array([float(other <= day) for other, _, _ in stops]))
        most.append(start + made * (day + 1))
        for number in range(len(routes)):
            rows.append(np.array([float((other, route) == (day, number)) for other, _, route in stops]))
            most.append(one.capacity)
    if not stops:
        return (np.zeros((one.days, one.n)), base) if min(most) >= 0 else None
    found = linprog(price, np.array(rows), np.array(most))
    if found.status != 0:
        return None
    brought = np.zeros((one.days, one.n))
    for (day, at, _), amount in zip(stops, found.x, strict=True):
        brought[day, at] += amount
    return brought, base + float(found.fun)


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
