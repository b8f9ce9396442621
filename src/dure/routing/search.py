"""One stretch of PyVRP's iterated local search, from a solution to a better one.

Source: Wouda, Lan, Kool, "PyVRP: a high-performance VRP solver package", INFORMS J. Computing 36 (2024), 10.1287/ijoc.2023.0055.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

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

LARGE_FROM = 150
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
    """

    neighbours: int = 50
    wait_weight: float = 0.2
    history: int = 300
    patience: int = 150_000
    shaken_max: int = 25


def tuning_for(stops_n: int) -> Tuning:
    """The tuning for so many stops: large problems look at fewer neighbours, and look at more of them in their time."""
    return Tuning(neighbours=30) if stops_n >= LARGE_FROM else Tuning()


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
        return PenaltyManager(self.penalties or params.midpoint_penalties(self.data), params)


def cost_of(solution: Solution) -> int:
    """What a solution costs, broken rules aside."""
    unpaid = solution.fixed_vehicle_cost() + solution.uncollected_prizes()
    return solution.distance_cost() + solution.duration_cost() + unpaid
