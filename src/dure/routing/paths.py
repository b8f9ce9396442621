"""The way itself, for maps, GPX and print: the line a vehicle drives from place to place along the streets."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from dure.routing.ahead import Ahead
from dure.routing.graph import Graph
from dure.routing.hierarchy import NO_WAY, Entries, Hierarchy
from dure.routing.matrix import PACKED, arcs_of, arriving_of, leaving_of, prepared
from dure.routing.measuring import distances_m
from dure.routing.network import FloatArray
from dure.routing.snapping import Snapped, snap


class _Arc(NamedTuple):
    """Head, packed cost, link and whether it is driven forward; link -1 is a connector."""

    head: int
    cost: int
    link: int
    forward: bool


class Paths:
    """Ways over one graph. Make it once and ask often; a hierarchy that is there already saves the time of making it."""

    def __init__(self, graph: Graph, hierarchy: Hierarchy | None = None) -> None:
        self._graph = graph
        self._ahead = Ahead(hierarchy or prepared(graph))
        self._arcs: dict[int, list[_Arc]] = defaultdict(list)
        tail, head, cost = arcs_of(graph)
        ahead, back = np.flatnonzero(graph.forward_cs >= 0), np.flatnonzero(graph.backward_cs >= 0)
        none = np.full(len(graph.connectors), -1)
        links = np.concatenate([ahead, back, none]).tolist()
        for number, (a, b, one, link) in enumerate(zip(tail.tolist(), head.tolist(), cost.tolist(), links, strict=True)):
            self._arcs[a].append(_Arc(b, one, link, number < len(ahead)))

    def line(self, lon_lat: FloatArray, snap_m_max: float) -> list[FloatArray]:
        """The line of every leg between consecutive places (n, 2) lon/lat [deg]: n - 1 arrays (k, 2), each k >= 2.

        A leg from or to a place no road leads to is the straight line.
        """
        lon_lat = np.asarray(lon_lat, np.float64)
        snapped = snap(self._graph, lon_lat, snap_m_max)
        out, into = leaving_of(self._graph, snapped), arriving_of(self._graph, snapped)
        legs = []
        for number, (a, b) in enumerate(pairwise(range(len(lon_lat)))):
            lost = snapped.code[a] or snapped.code[b]
            leg = None if lost else self._leg(snapped, (out.of(np.array([a])), into.of(np.array([b]))), a, b)
            legs.append(lon_lat[number : number + 2] if leg is None else leg)
        return legs

    def _leg(self, snapped: Snapped, entries: tuple[Entries, Entries], a: int, b: int) -> FloatArray | None:
        along = _along(self._graph, snapped, a, b)
        found = self._search(*entries, NO_WAY if along is None else along[0])
        if found is None:
            return None if along is None else self._drawn(snapped, a, b, [], along[1])
        return self._drawn(snapped, a, b, *found)

    def _search(self, out: Entries, into: Entries, limit: int) -> tuple[list[_Arc], tuple[int, int]] | None:
        """Arcs of the cheapest way and the junctions it begins and ends with; None when nothing beats the limit.

        What is left from every junction is known exactly, so the way is walked downhill without a search.
        """
        self._ahead.aim(into)
        total, first = min(
            (cost + self._ahead.left(junction), junction)
            for junction, cost in zip(out.junction.tolist(), out.cost.tolist(), strict=True)
        )
        if total >= limit:
            return None
        goals = dict(sorted(zip(into.junction.tolist(), into.cost.tolist(), strict=True), key=lambda one: -one[1]))
        arcs: list[_Arc] = []
        at = first
        while (left := self._ahead.left(at)) != goals.get(at):
            arc = next(one for one in self._arcs[at] if one.cost + self._ahead.left(one.head) == left)
            arcs.append(arc)
            at = arc.head
        return arcs, (first, at)

    def _drawn(self, snapped: Snapped, a: int, b: int, arcs: list[_Arc], ends: tuple[int, int]) -> FloatArray:
        graph = self._graph
        parts = [snapped.lon_lat[a : a + 1]]
        if ends == WITHIN:
            parts.append(_between(graph, snapped, a, b))
        else:
            parts.append(_off(graph, snapped, a, ends[0]))
            parts += [_whole(graph, arc.link, forward=arc.forward) for arc in arcs if arc.link >= 0]
            parts.append(_onto(graph, snapped, b, ends[1]))
        parts.append(snapped.lon_lat[b : b + 1])
        line = np.concatenate(parts)
        new = np.concatenate([[True], (np.diff(line, axis=0) != 0).any(axis=1)])
        return line[new] if new.sum() > 1 else line[[0, -1]]


WITHIN = (-1, -1)


def route_line(graph: Graph, a: tuple[float, float], b: tuple[float, float], snap_m_max: float) -> FloatArray:
    """(k, 2) lon/lat [deg] of the quickest way from one place to another; for many legs use `Paths`."""
    return Paths(graph).line(np.array([a, b]), snap_m_max)[0]


def line_length_m(legs: list[FloatArray]) -> float:
    """Metres of drawn legs."""
    return float(sum(distances_m(leg[:-1], leg[1:]).sum() for leg in legs))


def _along(graph: Graph, snapped: Snapped, a: int, b: int) -> tuple[int, tuple[int, int]] | None:
    """Cost of staying on the link both stand on; None when they do not, or it does not lead there."""
    link = int(snapped.link[a])
    if link != int(snapped.link[b]):
        return None
    gone_cm = int(snapped.offset_cm[b] - snapped.offset_cm[a])
    time_cs = int(graph.forward_cs[link] if gone_cm >= 0 else graph.backward_cs[link])
    if time_cs < 0 and gone_cm:
        return None
    part_cs = max(time_cs, 0) * abs(gone_cm) // int(graph.length_cm[link])
    return part_cs * PACKED + abs(gone_cm), WITHIN


def _whole(graph: Graph, link: int, *, forward: bool) -> FloatArray:
    line = graph.shape_lon_lat[graph.shape_start[link] : graph.shape_start[link + 1]]
    return line if forward else line[::-1]


def _between(graph: Graph, snapped: Snapped, a: int, b: int) -> FloatArray:
    """Shape points between two places of one link, in the order they are driven."""
    lower, upper = sorted((int(snapped.offset_cm[a]), int(snapped.offset_cm[b])))
    inner = _inner(graph, int(snapped.link[a]), lower, upper)
    return inner if snapped.offset_cm[a] <= snapped.offset_cm[b] else inner[::-1]


def _off(graph: Graph, snapped: Snapped, place: int, junction: int) -> FloatArray:
    """From a place to the junction it leaves its link by."""
    link, offset = int(snapped.link[place]), int(snapped.offset_cm[place])
    ends, length = graph.ends[link], int(graph.length_cm[link])
    ways = [
        (graph.forward_cs[link] >= 0 and ends[1] == junction, length - offset, offset, length, 1),
        (graph.backward_cs[link] >= 0 and ends[3] == junction, offset, 0, offset, -1),
        (offset == 0 and ends[0] == junction, 0, 0, 0, 1),
        (offset == length and ends[2] == junction, 0, length, length, 1),
    ]
    return _cheapest(graph, link, ways)


def _onto(graph: Graph, snapped: Snapped, place: int, junction: int) -> FloatArray:
    """From the junction a place is come to by, to the place."""
    link, offset = int(snapped.link[place]), int(snapped.offset_cm[place])
    ends, length = graph.ends[link], int(graph.length_cm[link])
    ways = [
        (graph.forward_cs[link] >= 0 and ends[0] == junction, offset, 0, offset, 1),
        (graph.backward_cs[link] >= 0 and ends[2] == junction, length - offset, offset, length, -1),
        (offset == length and ends[1] == junction, 0, length, length, 1),
        (offset == 0 and ends[3] == junction, 0, 0, 0, 1),
    ]
    return _cheapest(graph, link, ways)


def _cheapest(graph: Graph, link: int, ways: list[tuple[bool, int, int, int, int]]) -> FloatArray:
    """Shape points of the shortest of the ways (possible, length, from, to, step)."""
    _, _, lower, upper, step = min((way for way in ways if way[0]), key=lambda way: way[1])
    return _inner(graph, link, lower, upper)[::step]


def _inner(graph: Graph, link: int, lower: int, upper: int) -> FloatArray:
    rows = slice(graph.shape_start[link], graph.shape_start[link + 1])
    at = graph.shape_cm[rows]
    return graph.shape_lon_lat[rows][(at >= lower) & (at <= upper)]
