"""Travel matrices over a road graph: the quickest way between every two places, and how long that same way is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dure.routing.graph import Graph
from dure.routing.hierarchy import NO_WAY, Entries, Hierarchy, costs_between, hierarchy_of
from dure.routing.model import Matrix
from dure.routing.network import FloatArray, IntArray
from dure.routing.snapping import Snapped, snap

# A cost is time [cs] * PACKED + distance [cm]: the quickest way, of those the shortest, and its length comes along exactly.
PACKED_BITS = 28
PACKED = 1 << PACKED_BITS
CM_PER_M = 100
CS_PER_S = 100
UNREACHED_M = 10_000_000  # what stands in the rows of places no road leads to; `Matrix.unreached` names them
UNREACHED_S = 1_000_000


@dataclass(frozen=True)
class Unreached:
    """A place no road leads to: its row, why (`snapping.TOO_FAR`, `snapping.CUT_OFF`), and how far the nearest road is."""

    row: int
    code: str
    snap_m: float


@dataclass(frozen=True)
class Travel:
    """A matrix, the places that are not on it, and where on the road the others stand."""

    matrix: Matrix
    unreached: tuple[Unreached, ...]
    snapped: Snapped


def arcs_of(graph: Graph) -> tuple[IntArray, IntArray, IntArray]:
    """(m,) tail, head and packed cost of every arc between junctions."""
    ahead, back = graph.forward_cs >= 0, graph.backward_cs >= 0
    tail = np.concatenate([graph.ends[ahead, 0], graph.ends[back, 2], graph.connectors[:, 0]])
    head = np.concatenate([graph.ends[ahead, 1], graph.ends[back, 3], graph.connectors[:, 1]])
    cost = np.concatenate(
        [
            graph.forward_cs[ahead] * PACKED + graph.length_cm[ahead],
            graph.backward_cs[back] * PACKED + graph.length_cm[back],
            np.zeros(len(graph.connectors), np.int64),
        ]
    )
    return tail, head, cost


def prepared(graph: Graph) -> Hierarchy:
    """What makes many matrices of one graph cheap; kept beside it by `engines.roads.store`."""
    return hierarchy_of(graph.junctions, *arcs_of(graph))


def travel(graph: Graph, lon_lat: FloatArray, snap_m_max: float, hierarchy: Hierarchy | None = None) -> Travel:
    """Quickest times and their distances between n places (n, 2) lon/lat [deg], and which places no road leads to."""
    snapped = snap(graph, lon_lat, snap_m_max)
    packed = packed_costs(graph, snapped, hierarchy or prepared(graph))
    lost = np.array([bool(code) for code in snapped.code], np.bool_)
    apart = (packed >= NO_WAY) | lost[:, None] | lost[None, :]
    duration_s = packed >> PACKED_BITS
    duration_s += CS_PER_S - 1
    duration_s //= CS_PER_S
    distance_m = packed
    distance_m &= PACKED - 1
    distance_m += CM_PER_M // 2
    distance_m //= CM_PER_M
    np.fill_diagonal(apart, val=False)
    distance_m[apart], duration_s[apart] = UNREACHED_M, UNREACHED_S
    unreached = tuple(Unreached(int(row), snapped.code[row], float(snapped.snap_m[row])) for row in np.flatnonzero(lost))
    matrix = Matrix(
        profile=graph.profile,
        distance_m=distance_m,
        duration_s=duration_s,
        graph_version=graph.version,
        snap_m=np.rint(snapped.snap_m).astype(np.int64),
        unreached=tuple(one.row for one in unreached),
    )
    return Travel(matrix, unreached, snapped)


def matrix_of(graph: Graph, lon_lat: FloatArray, snap_m_max: float, hierarchy: Hierarchy | None = None) -> Matrix:
    """The matrix of `travel` alone; look at its `unreached`."""
    return travel(graph, lon_lat, snap_m_max, hierarchy).matrix


def packed_costs(graph: Graph, snapped: Snapped, hierarchy: Hierarchy) -> IntArray:
    """(n, n) packed cost between places on the road, >= `NO_WAY` where there is no way."""
    costs = costs_between(hierarchy, leaving_of(graph, snapped), arriving_of(graph, snapped))
    _along_one_link(graph, snapped, costs)
    np.fill_diagonal(costs, 0)
    return costs


def leaving_of(graph: Graph, snapped: Snapped) -> Entries:
    """How each place gets onto the junctions: by driving on, by driving back, and as one who stands at a junction."""
    forward, backward, rest_forward, rest_backward = _partial(graph, snapped)
    at_start, at_end = _at_junction(graph, snapped)
    ends, nothing = graph.ends[snapped.link], np.zeros_like(rest_forward)
    ways = (
        (forward, ends[:, 1], rest_forward),
        (backward, ends[:, 3], rest_backward),
        (forward & at_start, ends[:, 0], nothing),
        (backward & at_end, ends[:, 2], nothing),
    )
    return _entries(len(snapped.link), ways)


def arriving_of(graph: Graph, snapped: Snapped) -> Entries:
    """How each place is come to from the junctions."""
    forward, backward, rest_forward, rest_backward = _partial(graph, snapped)
    at_start, at_end = _at_junction(graph, snapped)
    ends, nothing = graph.ends[snapped.link], np.zeros_like(rest_forward)
    whole_forward, whole_backward = _whole(graph, snapped)
    ways = (
        (forward, ends[:, 0], whole_forward - rest_forward),
        (backward, ends[:, 2], whole_backward - rest_backward),
        (forward & at_end, ends[:, 1], nothing),
        (backward & at_start, ends[:, 3], nothing),
    )
    return _entries(len(snapped.link), ways)


def _at_junction(graph: Graph, snapped: Snapped) -> tuple[np.ndarray, np.ndarray]:
    return snapped.offset_cm == 0, snapped.offset_cm == graph.length_cm[snapped.link]


def _whole(graph: Graph, snapped: Snapped) -> tuple[IntArray, IntArray]:
    length_cm = graph.length_cm[snapped.link]
    return graph.forward_cs[snapped.link] * PACKED + length_cm, graph.backward_cs[snapped.link] * PACKED + length_cm


def _partial(graph: Graph, snapped: Snapped) -> tuple[np.ndarray, np.ndarray, IntArray, IntArray]:
    """Whether one may drive on and back from each place, and the packed cost of the rest of the link in either direction."""
    length_cm = graph.length_cm[snapped.link]
    forward_cs, backward_cs = graph.forward_cs[snapped.link], graph.backward_cs[snapped.link]
    ahead_cm, behind_cm = length_cm - snapped.offset_cm, snapped.offset_cm
    rest_forward = forward_cs * ahead_cm // length_cm * PACKED + ahead_cm
    rest_backward = backward_cs * behind_cm // length_cm * PACKED + behind_cm
    return forward_cs >= 0, backward_cs >= 0, rest_forward, rest_backward


def _entries(count: int, ways: tuple[tuple[np.ndarray, IntArray, IntArray], ...]) -> Entries:
    place = np.concatenate([np.flatnonzero(open_) for open_, _, _ in ways])
    junction = np.concatenate([ends[open_] for open_, ends, _ in ways])
    cost = np.concatenate([costs[open_] for open_, _, costs in ways])
    order = np.argsort(place, kind="stable")
    return Entries(count, place[order], junction[order], cost[order])


def _along_one_link(graph: Graph, snapped: Snapped, costs: IntArray) -> None:
    """Places on one link may reach one another without a junction."""
    order = np.argsort(snapped.link, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(snapped.link[order])) + 1)
    forward, backward, rest_forward, rest_backward = _partial(graph, snapped)
    for group in groups:
        if len(group) > 1:
            here = np.ix_(group, group)
            offset = snapped.offset_cm[group]
            if forward[group[0]]:
                gone = rest_forward[group][:, None] - rest_forward[group][None, :]
                costs[here] = np.where(offset[:, None] <= offset[None, :], np.minimum(costs[here], gone), costs[here])
            if backward[group[0]]:
                gone = rest_backward[group][:, None] - rest_backward[group][None, :]
                costs[here] = np.where(offset[:, None] >= offset[None, :], np.minimum(costs[here], gone), costs[here])
