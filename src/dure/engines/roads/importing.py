"""Which importer a file of roads is for, and the map it becomes in the store."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from dure.core.errors import InputError
from dure.engines.roads.node_link import read_node_link
from dure.engines.roads.osm import Bounds, read_osm
from dure.engines.roads.profiles import profiles_digest, vehicle_profiles
from dure.engines.roads.store import RoadMap, RoadStore
from dure.routing.network import Network
from dure.routing.profiles import VehicleProfile

OSM = (".pbf", ".osm", ".osm.bz2", ".osm.gz")
NODE_LINK = (".zip", ".shp", ".geojson", ".json")


def read_roads(
    file: Path, profiles: Mapping[str, VehicleProfile], day: date, bounds: Bounds | None = None, folder: Path | None = None
) -> Network:
    """The network of a file, by the end of its name; `folder` is the city's, for its own rules."""
    name = file.name.lower()
    if name.endswith(OSM):
        return read_osm(file, profiles, bounds)
    if name.endswith(NODE_LINK) or file.is_dir():
        return read_node_link(file, profiles, day, bounds, folder)
    raise InputError("roads.unreadable", f"{file.name} is neither OpenStreetMap ({', '.join(OSM)}) nor node-link (.zip, .shp).")


def import_roads(
    store: RoadStore, file: Path, imported_at: str, bounds: Bounds | None = None, folder: Path | None = None
) -> RoadMap:
    """Read a file, and make it the map in force. The graph of every profile is made at once, so that a bad map shows now.

    `imported_at` is RFC 3339; the rules of that day are used.
    """
    day = date.fromisoformat(imported_at[:10])
    profiles = vehicle_profiles(day, folder)
    network = read_roads(file, profiles, day, bounds, folder)
    return store.keep(network, imported_at, profiles_digest(profiles))


def bounds_of(words: str) -> Bounds | None:
    """West, south, east, north of ``W,S,E,N`` [deg]; None when nothing is said; ``roads.bounds`` when it is no such thing."""
    if not words:
        return None
    try:
        west, south, east, north = (float(one) for one in words.split(","))
    except ValueError:
        raise InputError("roads.bounds", f"{words[:60]!r} is not west,south,east,north in degrees.") from None
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise InputError("roads.bounds", f"{words[:60]!r} is not west,south,east,north in degrees, west and south first.")
    return west, south, east, north
