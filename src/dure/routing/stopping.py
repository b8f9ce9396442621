"""When a search ends: the only clock of this package, and it counts the processor seconds of its own thread."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from dure.routing.model import Budget


@dataclass
class Stopwatch:
    """Says when a budget is spent. Called once for every iteration, as PyVRP does."""

    cpu_s: float | None
    iterations: int | None
    began_s: float = field(default_factory=time.thread_time)
    done: int = 0

    def __call__(self, best_cost: float) -> bool:
        """Whether to stop; asking counts an iteration."""
        del best_cost
        if self.over():
            return True
        self.done += 1
        return False

    def over(self) -> bool:
        """Whether the budget is spent."""
        if self.iterations is not None and self.done >= self.iterations:
            return True
        return self.cpu_s is not None and self.spent_s >= self.cpu_s

    @property
    def spent_s(self) -> float:
        """Processor seconds of this thread since it began."""
        return time.thread_time() - self.began_s

    def share(self, part: float) -> Stopwatch:
        """A watch for a part of what is left; `spend` what it did."""
        cpu_s = None if self.cpu_s is None else max(self.cpu_s - self.spent_s, 0.0) * part
        iterations = None if self.iterations is None else int((self.iterations - self.done) * part)
        return Stopwatch(cpu_s, iterations)

    def spend(self, other: Stopwatch) -> None:
        """Count what a part of the search did."""
        self.done += other.done


def watch(budget: Budget) -> Stopwatch:
    """The watch of a budget; a budget that says nothing ends at once."""
    if budget.cpu_s is None and budget.iterations is None:
        return Stopwatch(0.0, 0)
    return Stopwatch(budget.cpu_s, budget.iterations)
