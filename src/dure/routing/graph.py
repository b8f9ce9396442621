"""The road graph of one vehicle profile: streets between junctions, reachable from one another.

`graph_of` turns a `Network` into it in four steps: ways the profile may pass; chains of shape points joined to links between
junctions; forbidden turns; the largest strongly connected part, since a street that cannot be left or reached again is a trap
for a plan. Not modelled: the cost of turning itself, turns back on the spot, hours of access, and the height and weight of a
bridge beyond what the profile says.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dure.core.errors import InputError
from dure.routing.links import Links, links_of
from dure.routing.network import FloatArray, IntArray, Network
from dure.routing.turns import with_turns

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Graph:
    """N junctions and L links, for one profile.

    Lengths are whole centimetres and times whole hundredths of a second, so that sums are exact.

    Attributes
    ----------
    junction_lon_lat : (N, 2)
    ends : (L, 4) junctions: where driving forward begins and ends, where driving backward begins and ends
    length_cm : (L,)
    forward_cs, backward_cs : (L,) time along and against the link; -1 = closed
    stopping : (L,) whether a vehicle may stop on it
    shape_start : (L + 1,) link i is drawn by rows ``shape_start[i]:shape_start[i + 1]`` of the next two
    shape_lon_lat : (S, 2)
    shape_cm : (S,) how far along its link each point is, in whole of `length_cm`
    connectors : (c, 2) junction -> junction at no cost: the allowed turns where some are forbidden
    dropped_lon_lat : (d, 2) places on roads that the profile may not use or that are cut off
    """

    profile: str
    version: str
    junction_lon_lat: FloatArray
    ends: IntArray
    length_cm: IntArray
    forward_cs: IntArray
    backward_cs: IntArray
    stopping: BoolArray
    shape_start: IntArray
    shape_lon_lat: FloatArray
    shape_cm: FloatArray
    connectors: IntArray = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    dropped_lon_lat: FloatArray = field(default_factory=lambda: np.zeros((0, 2)))
    turns_kept: int = 0
    attribution: str = ""

    @property
    def junctions(self) -> int:
        """How many junctions there are."""
        return len(self.junction_lon_lat)

    @property
    def links(self) -> int:
        """How many links there are."""
        return len(self.length_cm)


def graph_of(network: Network, profile: str, version: str = "") -> Graph:
    """The graph of one profile.

    Raises
    ------
    InputError
        ``roads.no_profile`` when the network was imported without it, ``roads.empty`` when it may use no road at all
    """
    passage = network.passages.get(profile)
    if passage is None:
        known = ", ".join(sorted(network.passages))
        raise InputError("roads.no_profile", f"The roads were imported for {known}, not for {profile!r}. Import them again.")
    links, closed_lon_lat = links_of(network, passage)
    if not len(links.length_cm):
        raise InputError("roads.empty", f"The map holds no road that {profile!r} may use.")
    junctions, ends, connectors, kept_turns = with_turns(network, links)
    kept = _connected(len(junctions), ends, links, connectors)
    return _built(network, (profile, version, kept_turns), (junctions, ends, connectors), links, kept, closed_lon_lat)


def _connected(junctions: int, ends: IntArray, links: Links, connectors: IntArray) -> BoolArray:
    """(junctions,) whether each is in the strongly connected part with the most road."""
    from scipy.sparse import coo_array  # noqa: PLC0415  # only an import of roads needs it, and it takes long to load
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415  # the same

    ahead, back = links.forward_cs >= 0, links.backward_cs >= 0
    tail = np.concatenate([ends[ahead, 0], ends[back, 2]])
    head = np.concatenate([ends[ahead, 1], ends[back, 3]])
    length_cm = np.concatenate([links.length_cm[ahead], links.length_cm[back]])
    every = (np.concatenate([tail, connectors[:, 0]]), np.concatenate([head, connectors[:, 1]]))
    arcs = coo_array((np.ones(len(every[0]), np.int8), every), shape=(junctions, junctions)).tocsr()
    count, label = connected_components(arcs, directed=True, connection="strong")
    inside = label[tail] == label[head]
    road_cm = np.bincount(label[tail[inside]], weights=length_cm[inside], minlength=count)
    return np.asarray(label == road_cm.argmax())


def _built(
    network: Network,
    names: tuple[str, str, int],
    nodes: tuple[IntArray, IntArray, IntArray],
    links: Links,
    kept: BoolArray,
    closed_lon_lat: FloatArray,
) -> Graph:
    """The graph of the junctions kept, numbered anew."""
    junctions, ends, connectors = nodes
    ahead = (links.forward_cs >= 0) & kept[ends[:, 0]] & kept[ends[:, 1]]
    back = (links.backward_cs >= 0) & kept[ends[:, 2]] & kept[ends[:, 3]]
    stays = ahead | back
    if not stays.any():
        raise InputError("roads.empty", f"No two roads that {names[0]!r} may use lead to one another.")
    shape_rows, shape_start = rows_of(links.shape_start, stays)
    dropped_rows, _ = rows_of(links.shape_start, ~stays)
    new = np.cumsum(kept) - 1
    both = kept[connectors].all(axis=1) if len(connectors) else np.zeros(0, np.bool_)
    return Graph(
        profile=names[0],
        version=names[1],
        turns_kept=names[2],
        junction_lon_lat=network.lon_lat[junctions[kept]],
        ends=new[ends[stays]],
        length_cm=links.length_cm[stays],
        forward_cs=np.where(ahead, links.forward_cs, -1)[stays],
        backward_cs=np.where(back, links.backward_cs, -1)[stays],
        stopping=links.stopping[stays],
        shape_start=shape_start,
        shape_lon_lat=network.lon_lat[links.shape_node[shape_rows]],
        shape_cm=links.shape_cm[shape_rows],
        connectors=new[connectors[both]],
        dropped_lon_lat=np.concatenate([closed_lon_lat, network.lon_lat[links.shape_node[dropped_rows]]]),
        attribution=network.attribution,
    )


def rows_of(start: IntArray, chosen: BoolArray) -> tuple[IntArray, IntArray]:
    """Rows of the chosen groups one after another, and where each of them begins anew."""
    sizes = np.diff(start)[chosen]
    begins = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    rows = np.repeat(start[:-1][chosen] - begins[:-1], sizes) + np.arange(begins[-1])
    return rows, begins
