"""Shortest paths between many places of one graph: junctions put away one after another, with shortcuts for what they carried.

A customisable contraction hierarchy [1]: junctions are eliminated in order of least degree; every pair of neighbours of an
eliminated junction gets an arc as long as the way through it, where that is shorter. A shortest path then rises to its highest
junction and falls from it. The answers are exact, also for lexicographic costs packed into one number (`matrix.PACKED`).

Many sources at once are swept as arrays: one row per junction, one column per source, upwards through the junctions above the
sources and then downwards to those below which the targets stand [2]. That costs thousands of array operations instead of
millions of steps of a heap.

[1] Dibbelt, Strasser, Wagner: Customizable Contraction Hierarchies. ACM J. Exp. Algorithmics 21, 2016, doi:10.1145/2886843.
[2] Delling, Goldberg, Nowatzyk, Werneck: PHAST. J. Parallel Distrib. Comput. 73, 2013, doi:10.1016/j.jpdc.2012.02.007.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
NO_WAY = 1 << 60  # larger than any path; the sum of two still fits


@dataclass(frozen=True)
class Hierarchy:
    """n junctions, numbered by rank: 0 was put away first.

    Attributes
    ----------
    rank : (n,) rank of each junction of the graph
    up_start, up_to, up_cost : arcs from a junction to higher ones: those of rank r are ``up_start[r]:up_start[r + 1]``
    down_start, down_from, down_cost : arcs to a junction from higher ones, likewise
    """

    rank: IntArray
    up_start: IntArray
    up_to: IntArray
    up_cost: IntArray
    down_start: IntArray
    down_from: IntArray
    down_cost: IntArray


def hierarchy_of(count: int, tail: IntArray, head: IntArray, cost: IntArray) -> Hierarchy:
    """The hierarchy of a graph of `count` junctions and these arcs; of parallel arcs the cheapest counts.

    Costs are >= 0 and every path is cheaper than `NO_WAY`.
    """
    leads, comes = _neighbours(count, tail, head, cost)
    order: list[int] = []
    above: list[dict[int, int]] = [{} for _ in range(count)]
    below: list[dict[int, int]] = [{} for _ in range(count)]
    heap = [(len(leads[node].keys() | comes[node].keys()), node) for node in range(count)]
    heapq.heapify(heap)
    while heap:
        said, node = heapq.heappop(heap)
        degree = len(leads[node].keys() | comes[node].keys())
        if degree > said:
            heapq.heappush(heap, (degree, node))
            continue
        order.append(node)
        above[node], below[node] = leads[node], comes[node]
        _put_away(node, leads, comes)
    rank = np.empty(count, np.int64)
    rank[order] = np.arange(count)
    up_start, up_to, up_cost = _flat(order, above, rank)
    down_start, down_from, down_cost = _flat(order, below, rank)
    return Hierarchy(rank, up_start, up_to, up_cost, down_start, down_from, down_cost)


def _neighbours(count: int, tail: IntArray, head: IntArray, cost: IntArray) -> tuple[list[dict[int, int]], list[dict[int, int]]]:
    leads: list[dict[int, int]] = [{} for _ in range(count)]
    comes: list[dict[int, int]] = [{} for _ in range(count)]
    for a, b, one in zip(tail.tolist(), head.tolist(), cost.tolist(), strict=True):
        if a != b and one < leads[a].get(b, NO_WAY):
            leads[a][b] = one
            comes[b][a] = one
    return leads, comes


def _put_away(node: int, leads: list[dict[int, int]], comes: list[dict[int, int]]) -> None:
    """Take a junction out; its neighbours get the arcs that led through it, where they are shorter."""
    out = leads[node]
    for before, cost_in in comes[node].items():
        ways = leads[before]
        del ways[node]
        for after, cost_out in out.items():
            through = cost_in + cost_out
            if after != before and through < ways.get(after, NO_WAY):
                ways[after] = through
                comes[after][before] = through
    for after in out:
        del comes[after][node]


def _flat(order: list[int], arcs: list[dict[int, int]], rank: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    sizes = np.array([len(arcs[node]) for node in order], np.int64)
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    others = np.fromiter((other for node in order for other in arcs[node]), np.int64, int(start[-1]))
    costs = np.fromiter((cost for node in order for cost in arcs[node].values()), np.int64, int(start[-1]))
    return start, rank[others], costs


def costs_between(hierarchy: Hierarchy, leaving: Entries, arriving: Entries, block: int = 512) -> IntArray:
    """Cost of the cheapest way from each source to each target.

    Parameters
    ----------
    leaving : how each of the n sources gets onto the junctions; arriving : how each of the m targets is come to from them
    block : sources swept at once

    Returns
    -------
    (n, m) int64, >= `NO_WAY` where there is no way
    """
    found = np.full((leaving.count, arriving.count), 2 * NO_WAY, np.int64)
    if not (leaving.count and arriving.count and len(arriving.junction)):
        return found
    falling = _ancestors(np.unique(hierarchy.rank[arriving.junction]), hierarchy.down_start, hierarchy.down_from)
    by_place = np.argsort(_highest(hierarchy, leaving), kind="stable")
    for first in range(0, leaving.count, block):
        rows = by_place[first : first + block]
        found[rows] = _swept(hierarchy, leaving.of(rows), arriving, falling).T
    return found


@dataclass(frozen=True)
class Entries:
    """For `count` places: (place, junction, cost) of every way onto the junctions, sorted by place."""

    count: int
    place: IntArray
    junction: IntArray
    cost: IntArray

    def of(self, places: IntArray) -> Entries:
        """Those of some places, numbered anew in that order."""
        number = np.full(self.count, -1, np.int64)
        number[places] = np.arange(len(places))
        mine = number[self.place]
        rows = np.argsort(mine, kind="stable")[np.count_nonzero(mine < 0) :]
        return Entries(len(places), mine[rows], self.junction[rows], self.cost[rows])


def _highest(hierarchy: Hierarchy, entries: Entries) -> IntArray:
    """(count,) something that neighbours share: the rank of the parent of each place's first junction."""
    near = np.zeros(entries.count, np.int64)
    ranks = hierarchy.rank[entries.junction]
    for _ in range(12):  # a dozen steps up leave a few hundred regions in a city
        has = hierarchy.up_start[ranks + 1] > hierarchy.up_start[ranks]
        first = np.minimum(hierarchy.up_start[ranks], max(len(hierarchy.up_to) - 1, 0))
        ranks = np.where(has, hierarchy.up_to[first], ranks) if len(hierarchy.up_to) else ranks
    near[entries.place] = ranks
    return near


def _ancestors(ranks: IntArray, start: IntArray, other: IntArray) -> IntArray:
    """These junctions and all above them, by rank."""
    seen = np.zeros(len(start) - 1, np.bool_)
    frontier = ranks
    while len(frontier):
        seen[frontier] = True
        sizes = start[frontier + 1] - start[frontier]
        begins = np.cumsum(sizes) - sizes
        rows = np.repeat(start[frontier] - begins, sizes) + np.arange(int(sizes.sum()))
        nexts = np.unique(other[rows])
        frontier = nexts[~seen[nexts]]
    return np.flatnonzero(seen)


def _swept(hierarchy: Hierarchy, leaving: Entries, arriving: Entries, falling: IntArray) -> IntArray:
    """(targets, sources) cheapest costs of one block of sources."""
    wide = leaving.count
    rising = _ancestors(np.unique(hierarchy.rank[leaving.junction]), hierarchy.up_start, hierarchy.up_to)
    places = np.union1d(rising, falling)
    row = np.full(len(hierarchy.rank) + 1, len(places), np.int64)
    row[places] = np.arange(len(places))
    cost = np.full((len(places) + 1, wide), NO_WAY, np.int64)
    np.minimum.at(cost, (row[hierarchy.rank[leaving.junction]], leaving.place), leaving.cost)
    _rise(hierarchy, cost, rising, row)
    _fall(hierarchy, cost, falling, row)
    reached = cost[row[hierarchy.rank[arriving.junction]]] + arriving.cost[:, None]
    found = np.full((arriving.count, wide), 2 * NO_WAY, np.int64)
    begins = np.flatnonzero(np.diff(arriving.place, prepend=-1))
    if len(begins):
        found[arriving.place[begins]] = np.minimum.reduceat(reached, begins, axis=0)
    return found


def _rise(hierarchy: Hierarchy, cost: IntArray, rising: IntArray, row: IntArray) -> None:
    """Push costs upwards, the lowest junction first."""
    start, rows = hierarchy.up_start, row[hierarchy.up_to]
    for rank in rising.tolist():
        first, last = start[rank], start[rank + 1]
        if first < last:
            ups = rows[first:last]
            cost[ups] = np.minimum(cost[ups], cost[row[rank]] + hierarchy.up_cost[first:last, None])


def _fall(hierarchy: Hierarchy, cost: IntArray, falling: IntArray, row: IntArray) -> None:
    """Pull costs downwards, the highest junction first."""
    start, rows = hierarchy.down_start, row[hierarchy.down_from]
    for rank in falling[::-1].tolist():
        first, last = start[rank], start[rank + 1]
        if first < last:
            through = (cost[rows[first:last]] + hierarchy.down_cost[first:last, None]).min(axis=0)
            np.minimum(cost[row[rank]], through, out=cost[row[rank]])
