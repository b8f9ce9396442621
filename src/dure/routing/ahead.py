"""How much of the way is left from any junction to one goal, exact and only where it is asked for.

The potentials of a contraction hierarchy [1]: what is left from a junction is what falls from it to the goal, or an arc upwards
and what is left from there.

[1] Strasser, Zeitz: A Fast and Tight Heuristic for A* in Road Networks. SEA 2021, doi:10.4230/LIPIcs.SEA.2021.6.
"""

from __future__ import annotations

from itertools import pairwise

from dure.routing.hierarchy import NO_WAY, Entries, Hierarchy


class Ahead:
    """The costs left to the goal aimed at last."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        self._rank: list[int] = hierarchy.rank.tolist()
        self._up = _by_rank(hierarchy.up_start.tolist(), hierarchy.up_to.tolist(), hierarchy.up_cost.tolist())
        self._down = _by_rank(hierarchy.down_start.tolist(), hierarchy.down_from.tolist(), hierarchy.down_cost.tolist())
        self._falls: dict[int, int] = {}
        self._left: dict[int, int] = {}

    def aim(self, goal: Entries) -> None:
        """Take one place as the goal."""
        falls: dict[int, int] = {}
        for junction, cost in zip(goal.junction.tolist(), goal.cost.tolist(), strict=True):
            rank = self._rank[junction]
            falls[rank] = min(cost, falls.get(rank, NO_WAY))
        for rank in self._above(list(falls), self._down):
            for upper, cost in self._down[rank]:
                through = falls[rank] + cost
                if through < falls.get(upper, NO_WAY):
                    falls[upper] = through
        self._falls, self._left = falls, {}

    def left(self, junction: int) -> int:
        """What is left from a junction; >= `NO_WAY` when the goal cannot be reached."""
        rank = self._rank[junction]
        if rank not in self._left:
            for lower in reversed(self._above([rank], self._up, self._left)):
                ways = (cost + self._left[upper] for upper, cost in self._up[lower])
                self._left[lower] = min(self._falls.get(lower, NO_WAY), *ways, NO_WAY)
        return self._left[rank]

    def _above(self, ranks: list[int], arcs: list[list[tuple[int, int]]], known: dict[int, int] | None = None) -> list[int]:
        """These ranks and all above them that are not known yet, ascending."""
        seen = set(ranks)
        waiting = list(seen)
        while waiting:
            for upper, _ in arcs[waiting.pop()]:
                if upper not in seen and (known is None or upper not in known):
                    seen.add(upper)
                    waiting.append(upper)
        return sorted(seen)


def _by_rank(start: list[int], other: list[int], cost: list[int]) -> list[list[tuple[int, int]]]:
    return [list(zip(other[a:b], cost[a:b], strict=True)) for a, b in pairwise(start)]
