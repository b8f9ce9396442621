"""What an importer gathers way by way, and the network it becomes."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from dure.core.errors import InputError
from dure.routing.network import Network, Passage
from dure.routing.profiles import WayPassage


class Collected:
    """Ways and turns of a map in the words of an importer."""

    def __init__(self, profiles: tuple[str, ...]) -> None:
        self.profiles = profiles
        self.nodes: list[NDArray[np.int64]] = []
        self.passages: list[tuple[WayPassage, ...]] = []
        self.rows_of_way: dict[int, list[int]] = defaultdict(list)
        self.turns: list[tuple[int, int, int, int]] = []

    def add(self, way: int, nodes: NDArray[np.int64], passages: tuple[WayPassage, ...]) -> None:
        """One stretch of a way through these nodes, with the passage of every profile."""
        self.rows_of_way[way].append(len(self.nodes))
        self.nodes.append(nodes)
        self.passages.append(passages)

    def forbid(self, from_way: int, node: int, to_way: int, *, only: bool) -> None:
        """A turn that is forbidden, or the only one allowed, between ways as they were named to `add`."""
        for a in self.rows_of_way.get(from_way, ()):
            for b in self.rows_of_way.get(to_way, ()):
                if node in self.nodes[a][[0, -1]] and node in self.nodes[b][[0, -1]]:
                    self.turns.append((a, node, b, int(only)))


def network_from(collected: Collected, lon_lat: NDArray[np.float64], *, source: str, attribution: str) -> Network:
    """The network of what was gathered; refused with ``roads.empty`` when that is nothing."""
    if not collected.nodes:
        raise InputError("roads.empty", f"{source} holds no road. Is it the right extract, and are the bounds right?")
    sizes = np.array([len(nodes) for nodes in collected.nodes], np.int64)
    passages = {}
    for column, name in enumerate(collected.profiles):
        found = [passage[column] for passage in collected.passages]
        passages[name] = Passage(
            np.array([one.forward_kmh for one in found], np.float64),
            np.array([one.backward_kmh for one in found], np.float64),
            np.array([one.stopping for one in found], np.bool_),
        )
    return Network(
        lon_lat=lon_lat,
        way_start=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        way_node=np.concatenate(collected.nodes).astype(np.int64),
        passages=passages,
        turns=np.array(collected.turns, np.int64).reshape(-1, 4),
        source=source,
        attribution=attribution,
    )
