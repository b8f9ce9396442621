"""Where a city's roads are kept: the imported map, a graph per vehicle profile, and matrices between places.

``<data_dir>/roads/current.json`` names the map in force; ``<version>/network.npz`` is the map, ``<version>/<profile>.npz`` its
graph with what makes matrices cheap, ``<version>/<profile>-<places>.npz`` and ``.i32`` a matrix. Files are whole or absent. A
graph or a matrix that is damaged is made anew; a damaged map is an error that says to import it again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.core.errors import Corrupt, NotFound
from dure.engines.archive.durable import settle
from dure.routing.graph import Graph, graph_of
from dure.routing.hierarchy import Hierarchy
from dure.routing.matrix import Travel, Unreached, prepared, travel
from dure.routing.model import Matrix
from dure.routing.network import Network, Passage
from dure.routing.snapping import Snapped

MATRICES_KEPT = 8  # for each profile, the newest
SQUARES = ".i32"  # beside a matrix's .npz: its metres and seconds
FORM = "1"  # goes into the version, so that a change of our own format makes everything anew
T = TypeVar("T")
Arrays = Mapping[str, NDArray[Any]]
_DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, TypeError)


class RoadMap(msgspec.Struct, frozen=True, kw_only=True):
    """The map in force: which roads, from where, for which profiles, and what must be shown with them."""

    version: str
    source: str
    attribution: str
    imported_at: str
    profiles: tuple[str, ...]
    nodes: int
    ways: int
    turns: int = 0
    bounds: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Ready:
    """A graph, and its hierarchy for matrices."""

    graph: Graph
    hierarchy: Hierarchy


class RoadStore:
    """The roads of one city in a folder. Any number of processes may use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = Path(folder)
        self._ready: dict[tuple[str, str], Ready] = {}
        self._lock = Lock()

    def keep(self, network: Network, imported_at: str, rules: str = "") -> RoadMap:
        """Make a map the one in force; `rules` is the digest of the profiles it was read with."""
        arrays = _network_arrays(network)
        version = _digest({**arrays, "rules": np.array(rules)})[:16]
        lon_lat = network.lon_lat
        (west, south), (east, north) = lon_lat.min(axis=0), lon_lat.max(axis=0)
        found = RoadMap(
            version=version,
            source=network.source,
            attribution=network.attribution,
            imported_at=imported_at,
            profiles=tuple(network.passages),
            nodes=len(lon_lat),
            ways=network.ways,
            turns=len(network.turns),
            bounds=(float(west), float(south), float(east), float(north)),
        )
        folder = self._folder / version
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / "network.npz", arrays)
        part = self._folder / f"current.{os.getpid()}.part"
        part.write_bytes(msgspec.json.encode(found))
        settle(part, self._folder / "current.json")
        self._sweep(version)
        return found

    def current(self) -> RoadMap | None:
        """The map in force; None when none was imported, and travel is estimated."""
        file = self._folder / "current.json"
        if not file.exists():
            return None
        try:
            return msgspec.json.decode(file.read_bytes(), type=RoadMap)
        except msgspec.MsgspecError as error:
            raise Corrupt("roads.corrupt", f"{file} cannot be read: {error}. Import the roads again.") from error

    def ready(self, profile: str) -> Ready:
        """The graph of a profile, from memory, from disk, or made now."""
        version = self._version()
        with self._lock:
            found = self._ready.get((version, profile))
            if found is None:
                file = self._folder / version / f"{profile}.npz"
                found = _read(file, _ready_from) if profile.replace("-", "").isalnum() else None
                if found is None:
                    graph = graph_of(self._network(version), profile, version)
                    found = Ready(graph, prepared(graph))
                    _write(file, _ready_arrays(found))
                self._ready = {key: one for key, one in self._ready.items() if key[0] == version} | {(version, profile): found}
        return found

    def travel(self, profile: str, lon_lat: NDArray[np.float64], snap_m_max: float) -> Travel:
        """The matrix between places (n, 2) lon/lat [deg], from disk when it was asked before."""
        version = self._version()
        places = _digest({"lon_lat": np.ascontiguousarray(lon_lat, np.float64), "snap": np.array(snap_m_max)})[:16]
        file = self._folder / version / f"{profile}-{places}.npz"
        found = _read(file, lambda kept: _travel_from(kept, profile, version, _square(file, kept)))
        if found is None:
            ready = self.ready(profile)
            found = travel(ready.graph, np.asarray(lon_lat, np.float64), snap_m_max, ready.hierarchy)
            _write_travel(file, found)
            self._forget_old(profile, version)
        else:
            os.utime(file)
        return found

    def _version(self) -> str:
        found = self.current()
        if found is None:
            raise NotFound("roads.none", "No roads were imported. Use: dure roads import FILE")
        return found.version

    def _network(self, version: str) -> Network:
        file = self._folder / version / "network.npz"
        found = _read(file, _network_from)
        if found is None:
            raise Corrupt("roads.corrupt", f"{file} is missing or damaged. Import the roads again.")
        return found

    def _sweep(self, version: str) -> None:
        """Forget maps that are no longer in force."""
        for folder in self._folder.iterdir():
            if folder.is_dir() and folder.name != version:
                shutil.rmtree(folder, ignore_errors=True)

    def _forget_old(self, profile: str, version: str) -> None:
        files = sorted((self._folder / version).glob(f"{profile}-????????????????.npz"), key=lambda one: -one.stat().st_mtime_ns)
        for file in files[MATRICES_KEPT:]:
            file.unlink(missing_ok=True)
            file.with_suffix(SQUARES).unlink(missing_ok=True)


def copy_map(source: Path, target: Path) -> None:
    """Copy the map in force, for a backup; graphs and matrices are made again from it. Nothing when there is none."""
    current = RoadStore(source).current()
    if current is None:
        return
    (target / current.version).mkdir(parents=True)
    shutil.copy2(source / current.version / "network.npz", target / current.version / "network.npz")
    (target / "current.json").write_bytes(msgspec.json.encode(current))


def _read(file: Path, make: Callable[[Arrays], T]) -> T | None:
    """What a file holds; None when it is not there or damaged."""
    if not file.is_file():
        return None
    try:
        with file.open("rb") as handle, np.load(handle, allow_pickle=False) as kept:
            return make(kept)
    except _DAMAGE:
        return None


def _write(file: Path, arrays: Arrays) -> None:
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    with part.open("wb") as handle:
        np.savez(handle, allow_pickle=False, **arrays)
    settle(part, file)


def _digest(arrays: Arrays) -> str:
    """Of names, shapes and bytes."""
    found = hashlib.sha256(FORM.encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name}:{array.dtype}:{array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def _network_arrays(network: Network) -> dict[str, NDArray[Any]]:
    kept: dict[str, NDArray[Any]] = {
        "lon_lat": network.lon_lat,
        "way_start": network.way_start,
        "way_node": network.way_node,
        "turns": network.turns,
        "names": np.array([network.source, network.attribution]),
        "profiles": np.array(list(network.passages)),
    }
    for number, one in enumerate(network.passages.values()):
        kept[f"forward_kmh_{number}"], kept[f"backward_kmh_{number}"] = one.forward_kmh, one.backward_kmh
        kept[f"stopping_{number}"] = one.stopping
    return kept


def _network_from(kept: Arrays) -> Network:
    passages = {
        str(name): Passage(kept[f"forward_kmh_{number}"], kept[f"backward_kmh_{number}"], kept[f"stopping_{number}"])
        for number, name in enumerate(kept["profiles"])
    }
    source, attribution = (str(one) for one in kept["names"])
    return Network(kept["lon_lat"], kept["way_start"], kept["way_node"], passages, kept["turns"], source, attribution)


_GRAPH_ARRAYS = tuple(one.name for one in fields(Graph) if one.name not in {"profile", "version", "turns_kept", "attribution"})
_HIERARCHY_ARRAYS = tuple(one.name for one in fields(Hierarchy))


def _ready_arrays(ready: Ready) -> dict[str, NDArray[Any]]:
    graph = ready.graph
    kept = {name: np.asarray(getattr(graph, name)) for name in _GRAPH_ARRAYS}
    kept |= {f"h_{name}": np.asarray(getattr(ready.hierarchy, name)) for name in _HIERARCHY_ARRAYS}
    kept["names"] = np.array([graph.profile, graph.version, graph.attribution])
    kept["turns_kept"] = np.array(graph.turns_kept)
    return kept


def _ready_from(kept: Arrays) -> Ready:
    profile, version, attribution = (str(one) for one in kept["names"])
    graph = Graph(
        profile=profile,
        version=version,
        attribution=attribution,
        turns_kept=int(kept["turns_kept"]),
        **{name: kept[name] for name in _GRAPH_ARRAYS},
    )
    return Ready(graph, Hierarchy(**{name: kept[f"h_{name}"] for name in _HIERARCHY_ARRAYS}))


def _write_travel(file: Path, found: Travel) -> None:
    """Metres and seconds as int32 in a file of their own, read in one go; for 5,000 places 200 MB."""
    both = np.stack([found.matrix.distance_m, found.matrix.duration_s]).astype("<i4")
    squares = file.with_suffix(SQUARES)
    part = squares.with_name(f"{squares.name}.{os.getpid()}.part")
    both.tofile(part)
    settle(part, squares)
    snapped = found.snapped
    _write(
        file,
        {
            "link": snapped.link,
            "offset_cm": snapped.offset_cm,
            "snap_m": snapped.snap_m,
            "lon_lat": snapped.lon_lat,
            "code": np.array(snapped.code, dtype=np.str_),
            "check": np.array(zlib.crc32(both.data)),
        },
    )


def _square(file: Path, kept: Arrays) -> NDArray[np.int32]:
    """(2, n, n) metres and seconds of a matrix; ValueError when they are not those that were written."""
    count = len(kept["snap_m"])
    both = np.fromfile(file.with_suffix(SQUARES), "<i4")
    if len(both) != 2 * count * count or zlib.crc32(both.data) != int(kept["check"]):
        raise ValueError("damaged")
    return both.reshape(2, count, count)


def _travel_from(kept: Arrays, profile: str, version: str, both: NDArray[np.int32]) -> Travel:
    snap_m = kept["snap_m"]
    codes = tuple(str(one) for one in kept["code"])
    snapped = Snapped(kept["link"], kept["offset_cm"], snap_m, kept["lon_lat"], codes)
    unreached = tuple(Unreached(row, code, float(snap_m[row])) for row, code in enumerate(codes) if code)
    matrix = Matrix(
        profile=profile,
        distance_m=both[0].astype(np.int64),
        duration_s=both[1].astype(np.int64),
        graph_version=version,
        snap_m=np.rint(snap_m).astype(np.int64),
        unreached=tuple(one.row for one in unreached),
    )
    return Travel(matrix, unreached, snapped)
