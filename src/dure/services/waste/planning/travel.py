"""Travel for the planner: along the city's roads when a map was imported, else estimated. Reads files; blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from pathlib import Path

import msgspec
import numpy as np

from dure.core.errors import InputError
from dure.engines.roads.profiles import vehicle_profiles
from dure.engines.roads.store import RoadStore
from dure.routing.estimate import estimate
from dure.routing.model import Matrix, Route
from dure.routing.paths import Paths
from dure.routing.profiles import VehicleProfile
from dure.services.waste.model import FloatArray


class Ground(msgspec.Struct, frozen=True):
    """Where travel comes from: the folder of the roads, the city's folder (its own profiles win), and the day."""

    roads: str
    city: str
    on: date


def graph_version(ground: Ground) -> str:
    """The map in force; "" when travel is estimated."""
    found = _store(ground.roads).current()
    return "" if found is None else found.version


def profiles(ground: Ground) -> Mapping[str, VehicleProfile]:
    """The profiles of vehicles that travel is known for."""
    return vehicle_profiles(ground.on, Path(ground.city) if ground.city else None)


def travel(ground: Ground, profile: str, lon_lat: FloatArray) -> Matrix:
    """The matrix of places (n, 2) by a profile.

    Raises
    ------
    InputError : ``truck.profile`` when nobody knows the profile
    """
    known = profiles(ground).get(profile)
    if known is None:
        raise InputError("truck.profile", f"There is no vehicle profile {profile[:80]!r}.")
    found = _store(ground.roads).current()
    if found is None or profile not in found.profiles:
        return _kept.matrix((ground.roads, "", msgspec.json.encode(known).decode()), lon_lat, lambda: estimate(lon_lat, known))
    key = (ground.roads, found.version, profile)
    return _kept.matrix(key, lon_lat, lambda: _store(ground.roads).travel(profile, lon_lat, known.snap_m_max).matrix)


class _Kept:
    """The last matrix of each map and profile: an edit asks for nearly the same places again."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str, str], tuple[dict[bytes, int], Matrix]] = {}

    def matrix(self, key: tuple[str, str, str], lon_lat: FloatArray, make: Callable[[], Matrix]) -> Matrix:
        """From what is kept when it holds all places, else made now."""
        names = [one.tobytes() for one in np.ascontiguousarray(lon_lat, np.float64)]
        row, known = self._last.get(key, ({}, None))
        if known is None or not row.keys() >= set(names):
            known, row = make(), {name: at for at, name in enumerate(names)}
            self._last = {other: one for other, one in self._last.items() if other[:2] == key[:2]} | {key: (row, known)}
        return known.take([row[name] for name in names])


_kept = _Kept()


def lines(
    ground: Ground, routes: tuple[Route, ...], lon_lat: Mapping[str, tuple[float, float]], profile_of: Mapping[str, str]
) -> dict[str, tuple[tuple[float, float], ...]]:
    """The way of each truck along the streets; none where there are no roads.

    Parameters
    ----------
    lon_lat : of every bin, dump and truck's depot, by id
    profile_of : profile of each truck
    """
    store, known = _store(ground.roads), profiles(ground)
    found = store.current()
    drawn: dict[str, tuple[tuple[float, float], ...]] = {}
    for route in routes:
        profile = profile_of.get(route.vehicle, "")
        places = [lon_lat[one.id] for one in route.visits if one.kind != "break" and one.id in lon_lat]
        if found is None or profile not in found.profiles or profile not in known or len(places) < 2:
            continue
        legs = _paths(ground.roads, found.version, profile).line(np.array(places, np.float64), known[profile].snap_m_max)
        way = np.concatenate([legs[0][:1], *(leg[1:] for leg in legs)]).round(6)
        drawn[route.vehicle] = tuple((lon, lat) for lon, lat in way.tolist())
    return drawn


@cache
def _store(folder: str) -> RoadStore:
    return RoadStore(Path(folder))


@cache
def _paths(folder: str, version: str, profile: str) -> Paths:  # noqa: ARG001  # another version is another graph
    return Paths(_store(folder).ready(profile).graph)
