"""Forbidden turns, as junctions taken apart: what arrives where a turn is forbidden may leave only by the allowed streets.

Around such a junction every link gets an entrance of its own. The junction leads to all of them; the end of the link whose
turn is forbidden becomes a place of its own that leads to all of them but the forbidden ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from dure.routing.links import Links
from dure.routing.network import IntArray, Network

FORWARD, BACKWARD = 0, 1


def with_turns(network: Network, links: Links) -> tuple[IntArray, IntArray, IntArray, int]:
    """The links between numbered junctions, forbidden turns taken into account.

    Returns
    -------
    (N,) node of the network of each junction; (L, 4) ends of the links as in `graph.Graph`; (c, 2) connectors; how many of
    the rules about turns were understood. One that names a way which passes through the junction is ambiguous and left out.
    """
    nodes, number = np.unique(np.concatenate([links.from_node, links.to_node]), return_inverse=True)
    count = len(links.from_node)
    ends = np.stack([number[:count], number[count:], number[count:], number[:count]], axis=1).astype(np.int64)
    if not len(network.turns):
        return nodes, ends, np.zeros((0, 2), np.int64), 0
    arriving, leaving = _arcs_at(links, {int(row[1]) for row in network.turns})
    banned, kept = _banned(network.turns, arriving, leaving)
    extra, connectors = _taken_apart(ends, len(nodes), banned, leaving)
    junctions = np.concatenate([nodes, np.array(extra, np.int64)]).astype(np.int64)
    return junctions, ends, np.array(connectors, np.int64).reshape(-1, 2), kept


Arc = tuple[int, int, int]  # link, FORWARD or BACKWARD, the way at this end
Arcs = Mapping[int, list[Arc]]


def _arcs_at(links: Links, via: set[int]) -> tuple[Arcs, Arcs]:
    """By node: the arcs that arrive there, and those that leave."""
    arriving: dict[int, list[Arc]] = defaultdict(list)
    leaving: dict[int, list[Arc]] = defaultdict(list)
    wanted = np.fromiter(via, np.int64)
    for link in np.flatnonzero(np.isin(links.from_node, wanted) | np.isin(links.to_node, wanted)).tolist():
        start, end = int(links.from_node[link]), int(links.to_node[link])
        at_start, at_end = int(links.from_way[link]), int(links.to_way[link])
        if links.forward_cs[link] >= 0:
            leaving[start].append((link, FORWARD, at_start))
            arriving[end].append((link, FORWARD, at_end))
        if links.backward_cs[link] >= 0:
            leaving[end].append((link, BACKWARD, at_end))
            arriving[start].append((link, BACKWARD, at_start))
    return arriving, leaving


def _banned(turns: IntArray, arriving: Arcs, leaving: Arcs) -> tuple[dict[tuple[int, int, int], set[tuple[int, int]]], int]:
    """(node, link, direction) that arrives -> (link, direction) it may not go on with; how many rules were understood."""
    banned: dict[tuple[int, int, int], set[tuple[int, int]]] = defaultdict(set)
    kept = 0
    for from_way, via, to_way, only in turns.tolist():
        into = [arc for arc in arriving.get(via, ()) if arc[2] == from_way]
        onto = {arc[:2] for arc in leaving.get(via, ()) if arc[2] == to_way}
        if len(into) != 1 or len(onto) != 1:
            continue
        every = {arc[:2] for arc in leaving[via]}
        banned[via, into[0][0], into[0][1]] |= every - onto if only else onto
        kept += 1
    return banned, kept


def _taken_apart(
    ends: IntArray, junctions: int, banned: Mapping[tuple[int, int, int], set[tuple[int, int]]], leaving: Arcs
) -> tuple[list[int], list[tuple[int, int]]]:
    """New junctions (by node of the network) and connectors; `ends` is changed to them."""
    extra: list[int] = []
    connectors: list[tuple[int, int]] = []
    entrances: dict[int, dict[tuple[int, int], int]] = {}
    for via in dict.fromkeys(at for at, _, _ in banned):
        entrances[via] = {}
        for out_link, out_direction, _ in leaving[via]:
            new = junctions + len(extra)
            extra.append(via)
            connectors.append((int(ends[out_link, 2 * out_direction]), new))
            entrances[via][out_link, out_direction] = new
    for via, ways in entrances.items():
        for (out_link, out_direction), new in ways.items():
            ends[out_link, 2 * out_direction] = new
        for (at, link, direction), forbidden in banned.items():
            if at == via:
                arrival = junctions + len(extra)
                extra.append(via)
                ends[link, 2 * direction + 1] = arrival
                connectors += [(arrival, new) for key, new in ways.items() if key not in forbidden]
    return extra, connectors
