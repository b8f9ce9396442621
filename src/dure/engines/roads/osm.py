"""Roads from an OpenStreetMap extract (``.osm.pbf``, ``.osm``, ``.osm.bz2``), read by pyosmium.

Two passes: ways and turn restrictions first, then only the nodes they use. An extract cuts ways at its edge; a way is kept in
the pieces whose nodes are there. Turn restrictions are read where a node is what lies between; those with hours, and those by
way of another street, are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import osmium
from numpy.typing import NDArray

from dure.core.errors import InputError, TooLarge
from dure.engines.roads.collecting import Collected, network_from
from dure.routing.network import Network
from dure.routing.profiles import CLOSED, VehicleProfile, WayPassage, passage

ATTRIBUTION = "© OpenStreetMap contributors (ODbL 1.0)"
NODES_MAX = 6_000_000  # of roads; a whole country's are more, and no city needs them
KEPT = ("highway", "oneway", "junction", "maxspeed", "tunnel", "area")
FORBIDS, COMMANDS = "no_", "only_"
Bounds = tuple[float, float, float, float]  # west, south, east, north [deg]


class _Way(NamedTuple):
    id: int
    nodes: NDArray[np.int64]
    passages: tuple[WayPassage, ...]


class _Turn(NamedTuple):
    """Ids of OSM."""

    from_way: int
    via: int
    to_way: int
    only: bool


def read_osm(file: Path, profiles: Mapping[str, VehicleProfile], bounds: Bounds | None = None) -> Network:
    """The road network of an extract for these profiles; with bounds only the ways that touch them.

    Raises
    ------
    InputError
        ``roads.unreadable`` when the file is no OpenStreetMap data or is damaged, ``roads.empty`` when no road is in it
    TooLarge
        ``roads.too_large``: more road nodes than a city has; say bounds
    """
    try:
        ways, turns = _roads_of(file, profiles)
        nodes, lon_lat = _places(file, ways, bounds)
    except (RuntimeError, OSError, ValueError) as error:
        raise InputError(
            "roads.unreadable", f"{file.name} cannot be read as OpenStreetMap data: {error}. Fetch the extract again."
        ) from error
    collected = Collected(tuple(profiles))
    number = {int(one): row for row, one in enumerate(nodes)}
    for way in ways:
        rows = np.searchsorted(nodes, way.nodes)
        there = nodes[np.minimum(rows, len(nodes) - 1)] == way.nodes if len(nodes) else np.zeros(len(rows), np.bool_)
        for run in _runs(np.where(there, rows, -1)):
            collected.add(way.id, run, way.passages)
    for turn in turns:
        if turn.via in number:
            collected.forbid(turn.from_way, number[turn.via], turn.to_way, only=turn.only)
    return network_from(collected, lon_lat, source=file.name, attribution=ATTRIBUTION)


def _roads_of(file: Path, profiles: Mapping[str, VehicleProfile]) -> tuple[list[_Way], list[_Turn]]:
    if not file.is_file():
        raise InputError("roads.unreadable", f"There is no file {file}.")
    keys = {*KEPT, *(key for one in profiles.values() for key in (*one.access, *one.limits, *one.oneway_exempt))}
    wanted = osmium.filter.KeyFilter("highway", "restriction", "restriction:hgv", "restriction:goods")
    ways: list[_Way] = []
    turns: list[_Turn] = []
    for one in osmium.FileProcessor(str(file), osmium.osm.WAY | osmium.osm.RELATION).with_filter(wanted):
        if isinstance(one, osmium.osm.Relation):
            turns += _turn_of(one)
        elif isinstance(one, osmium.osm.Way) and "highway" in one.tags and len(one.nodes) > 1:
            tags = {tag.k: tag.v for tag in one.tags if tag.k in keys}
            found = tuple(passage(tags, profile) for profile in profiles.values())
            if any(part != CLOSED for part in found) or tags["highway"] in _ROADLIKE:
                ways.append(_Way(one.id, np.fromiter((node.ref for node in one.nodes), np.int64), found))
    return ways, turns


# Ways kept although closed to every profile: a place beside one is "cut off", not "far from any road".
_ROADLIKE = frozenset({"service", "track", "pedestrian", "residential", "living_street", "unclassified", "footway"})


def _turn_of(relation: osmium.osm.Relation) -> Iterable[_Turn]:
    said = [relation.tags[key] for key in ("restriction", "restriction:goods", "restriction:hgv") if key in relation.tags]
    free = {"hgv", "goods", "motor_vehicle"} & set((relation.tags.get("except") or "").split(";"))
    members = {part.role: part for part in relation.members if part.role in {"from", "via", "to"}}
    alone = sum(part.role in {"from", "via", "to"} for part in relation.members) == len(members) == 3
    if said and not free and alone and said[-1].startswith((FORBIDS, COMMANDS)) and members["via"].type == "n":
        yield _Turn(members["from"].ref, members["via"].ref, members["to"].ref, said[-1].startswith(COMMANDS))


def _places(file: Path, ways: list[_Way], bounds: Bounds | None) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Ids of the nodes that are there, ascending, and (n, 2) where they are."""
    needed = np.unique(np.concatenate([way.nodes for way in ways])) if ways else np.zeros(0, np.int64)
    if bounds is None and len(needed) > NODES_MAX:
        raise TooLarge("roads.too_large", f"{file.name} holds {len(needed):,} road nodes, over {NODES_MAX:,}. Say --bounds.")
    ids: list[int] = []
    places: list[tuple[float, float]] = []
    reader = osmium.FileProcessor(str(file), osmium.osm.NODE).with_filter(osmium.filter.IdFilter(needed.tolist()))
    for one in reader:
        if not isinstance(one, osmium.osm.Node) or not one.location.valid():
            continue
        lon, lat = one.location.lon, one.location.lat
        if bounds is None or (bounds[0] <= lon <= bounds[2] and bounds[1] <= lat <= bounds[3]):
            ids.append(one.id)
            places.append((lon, lat))
    order = np.argsort(np.array(ids, np.int64), kind="stable")
    return np.array(ids, np.int64)[order], np.array(places, np.float64).reshape(-1, 2)[order]


def _runs(rows: NDArray[np.int64]) -> Iterable[NDArray[np.int64]]:
    """Stretches of a way whose nodes are all there."""
    there = rows >= 0
    if there.all():
        yield rows
        return
    for part in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(there)) + 1):
        if there[part[0]] and len(part) > 1:
            yield rows[part]
