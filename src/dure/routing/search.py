"""One stretch of PyVRP's iterated local search, from a solution to a better one.

Source: Wouda, Lan, Kool, "PyVRP: a high-performance VRP solver package", INFORMS J. Computing 36 (2024), 10.1287/ijoc.2023.0055.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np
from pyvrp import (
    IteratedLocalSearch,
    IteratedLocalSearchParams,
    PenaltyManager,
    PenaltyParams,
    ProblemData,
    RandomNumberGenerator,
    Solution,
)
from pyvrp.exceptions import PenaltyBoundWarning
from pyvrp.search import (
    OPERATORS,
    LocalSearch,
    NeighbourhoodParams,
    PerturbationManager,
    PerturbationParams,
    compute_neighbours,
)

from dure.routing.stopping import Stopwatch

LARGE_FROM, CITY_FROM = 150, 600
STRICTNESS = 2.0
NEAR = 6
Penalties = tuple[list[float], float, float]


@dataclass(frozen=True)
class Tuning:
    """How the search walks; the numbers were chosen by ``make bench NAME=waste-solver``.

    Attributes
    ----------
    neighbours : how many near stops a move is tried with
    wait_weight : how much waiting makes stops far apart
    history : how many solutions back a new one is compared with
    patience : iterations without a better plan before it returns to the best
    shaken_max : most stops disturbed in an iteration
    strictness : what breaking a rule costs at first, in mean legs for a mean load and metres for a second; None: PyVRP's own, so
        dear that a rule is hardly ever broken
    """

    neighbours: int = 50
    wait_weight: float = 0.2
    history: int = 300
    patience: int = 150_000
    shaken_max: int = 25
    strictness: float | None = None


def tuning_for(stops_n: int, *, choosing: bool = False) -> Tuning:
    """The tuning for so many stops: large problems look at fewer neighbours, and look at more of them in their time.

    `choosing`: not every stop or vehicle has to be used. A city's search ends before penalties learn to come down from PyVRP's
    own: it then begins with lower ones (60 CPU s of `waste-city`, 2,355 bins in question: 1.316, 1.299 and 1.340 M metres at 1, 2
    and 4; with 60 and 200 stops no better than PyVRP's own).
    """
    if stops_n < LARGE_FROM:
        return Tuning()
    return Tuning(neighbours=30, strictness=STRICTNESS if choosing and stops_n >= CITY_FROM else None)


def chooses(data: ProblemData) -> bool:
    """Whether a solution chooses which stops to serve, or which vehicles to use."""
    return any(one.prize > 0 for one in data.clients()) or any(one.fixed_cost > 0 for one in data.vehicle_types())


@dataclass
class Search:
    """The search of one set of data; it may be resumed, and goes on with the penalties it had learned."""

    data: ProblemData
    seed: int
    tuning: Tuning = field(default_factory=Tuning)
    penalties: Penalties | None = None

    def __post_init__(self) -> None:
        tuning = self.tuning
        self.random = RandomNumberGenerator(seed=self.seed)
        near = NeighbourhoodParams(weight_wait_time=tuning.wait_weight, num_neighbours=tuning.neighbours)
        shaking = PerturbationManager(PerturbationParams(max_perturbations=tuning.shaken_max))
        self.local = LocalSearch(self.data, self.random, compute_neighbours(self.data, near), shaking)
        for operator in OPERATORS:
            if operator.supports(self.data):
                self.local.add_operator(operator(self.data))

    def first(self, start: Solution | None = None) -> Solution:
        """A solution to begin with: the start with every improving move made, or a random one so improved."""
        penalties = self._manager().max_cost_evaluator()
        start = Solution.make_random(self.data, self.random) if start is None else start
        return self.local(start, penalties, exhaustive=True)

    def run(self, start: Solution, stop: Stopwatch) -> Solution:
        """The best solution found until the watch says stop; the start when nothing is better."""
        manager = self._manager()
        tuning = self.tuning
        params = IteratedLocalSearchParams(tuning.patience, tuning.history)
        with warnings.catch_warnings():
            # That penalties reach their limit is no news: an infeasible day is answered by the caller.
            warnings.simplefilter("ignore", PenaltyBoundWarning)
            result = IteratedLocalSearch(self.data, manager, self.local, start, params).run(stop, collect_stats=False)
        self.penalties = manager.penalties()
        return result.best

    def _manager(self) -> PenaltyManager:
        params = PenaltyParams()
        if self.penalties is None and self.tuning.strictness is not None:
            self.penalties = first_penalties(self.data, self.tuning.strictness)
        return PenaltyManager(self.penalties or params.midpoint_penalties(self.data), params)


def first_penalties(data: ProblemData, strictness: float) -> Penalties:
    """What breaking a rule costs at first: of each load dimension for a unit, for a second, for a metre.

    A mean load beyond the capacity costs `strictness` mean legs between neighbours, a second too late as much as driving it.
    """
    rows = np.array([client.location for client in data.clients()])
    legs_m, legs_s = (np.asarray(each[0])[np.ix_(rows, rows)] for each in (data.distance_matrices(), data.duration_matrices()))
    near = min(NEAR, len(rows)) - 1
    leg = float(np.partition(legs_m, near, axis=1)[:, : near + 1].mean()) * max(data.vehicle_type(0).unit_distance_cost, 1)
    loads = np.array([client.pickup for client in data.clients()], dtype=float).reshape(len(rows), -1)
    mean = np.where(loads.sum(axis=0) > 0, loads.sum(axis=0) / np.maximum((loads > 0).sum(axis=0), 1), 1.0)
    speed = float(legs_m.sum() / max(float(legs_s.sum()), 1.0)) * max(data.vehicle_type(0).unit_distance_cost, 1)
    return [max(strictness * leg / each, 0.1) for each in mean.tolist()], max(strictness * speed, 0.1), strictness


def cost_of(solution: Solution) -> int:
    """What a solution costs, broken rules aside."""
    unpaid = solution.fixed_vehicle_cost() + solution.uncollected_prizes()
    return solution.distance_cost() + solution.duration_cost() + unpaid
