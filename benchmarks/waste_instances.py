"""Published routing instances as our problems, and their independent costs; the data are those of the README of the test data."""

from __future__ import annotations

import csv
import math
import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from dure.routing.model import Dump, Matrix, Plan, Problem, Span, Stop, Vehicle

DATA = Path(os.environ.get("DURE_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")) / "waste"
# How each class rounds (its README row), by the folder an instance lies in: PyVRP's name of it, and the divisor of costs.
ROUNDING = {"cvrp": ("round", 1), "vrptw": ("dimacs", 10), "mtvrptwr": ("dimacs", 1), "pcvrptw": ("dimacs", 1)}
# Vehicles beyond the fewest that could carry everything, where an instance sets no number.
SPARE_SHARE, SPARE_N = 0.15, 4


@dataclass(frozen=True)
class Instance:
    """An instance: our problem of it, PyVRP's own reading for the peers, and what is best known."""

    name: str
    problem: Problem
    data: object
    best_known: float
    divisor: int

    def gap(self, cost: float) -> float:
        """Percent above the best known."""
        return 100 * (cost / self.divisor / self.best_known - 1)


def instance(folder: str, name: str) -> Instance:
    """Read one instance."""
    from pyvrp import read

    rounding, divisor = ROUNDING[folder]
    data = read(DATA / "instances" / folder / f"{name}.vrp", rounding)
    return Instance(name, problem_of(data), data, best_known(folder, name), divisor)


def best_known(folder: str, name: str) -> float:
    """The best known cost of an instance read by PyVRP/Instances' rounding."""
    with (DATA / "best_known.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["instance"] == name and row["problem"] == folder]
    return float(next(row for row in rows if row["source"].startswith("PyVRP"))["best_known_cost"])


def problem_of(data) -> Problem:
    """PyVRP's reading of an instance with one depot and one vehicle type as our problem."""
    places = np.array([(one.x, one.y) for one in data.locations()])
    kind, depot = data.vehicle_type(0), data.depot(0)
    latest_s = min(depot.tw_late, kind.tw_late, 1 << 39)
    stops = tuple(
        Stop(
            id=str(at + 1),
            place=one.location,
            load=tuple(map(max, one.delivery, one.pickup)),
            service_s=one.service_duration,
            prize_m=None if one.required else one.prize,
            windows=(Span(one.tw_early, min(one.tw_late, 1 << 39)),) if data.has_time_windows() else (),
            release_s=one.release_time,
        )
        for at, one in enumerate(data.clients())
    )
    reloads = kind.max_reloads if kind.reload_depots else 0
    vehicles = tuple(
        Vehicle(
            id=f"v{number}",
            start=depot.location,
            end=depot.location,
            capacity=tuple(kind.capacity),
            shift=Span(max(depot.tw_early, kind.tw_early), latest_s),
            dumps=("depot",) if reloads else (),
            reloads_max=min(reloads, len(stops)),
            distance_m_max=None if kind.max_distance > 1 << 40 else kind.max_distance,
            duration_s_max=None if kind.shift_duration > 1 << 40 else kind.shift_duration,
        )
        for number in range(fleet_size(data, stops))
    )
    matrix = Matrix("", data.distance_matrix(0), data.duration_matrix(0))
    dumps = (Dump(id="depot", place=depot.location, service_s=depot.service_duration, windows=(Span(depot.tw_early, latest_s),)),)
    return Problem(places, stops, vehicles, {"": matrix}, dumps if reloads else (), ("load",))


def fleet_size(data, stops) -> int:
    """The vehicles of the instance; where it sets none, a few more than the fewest that could carry everything."""
    given = data.vehicle_type(0).num_available
    if given < data.num_clients:
        return given
    fewest = math.ceil(sum(one.load[0] for one in stops) / data.vehicle_type(0).capacity[0])
    return math.ceil(fewest * (1 + SPARE_SHARE)) + SPARE_N


def recosted(problem: Problem, plan: Plan) -> int:
    """What a plan costs, counted from its order of places and nothing else: metres and the prizes left behind."""
    metres = problem.matrices[""].distance_m
    served = set[str]()
    cost = 0
    for route in plan.routes:
        places = [one.place for one in route.visits]
        cost += sum(int(metres[a, b]) for a, b in pairwise(places))
        served |= {one.id for one in route.visits if one.kind == "stop"}
    return cost + sum(one.prize_m or 0 for one in problem.stops if one.id not in served)
