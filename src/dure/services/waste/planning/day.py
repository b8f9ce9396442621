"""A day of collection as a problem of routing: bins that come into question become stops, trucks become vehicles."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.routing.model import Break, Dump, Matrix, Problem, Span, Stop, Vehicle
from dure.services.waste.bins import DumpSite, Fleet, Truck
from dure.services.waste.model import Bin, FloatArray, Forecast
from dure.services.waste.planning.detours import Learnt
from dure.services.waste.planning.policy import Policy
from dure.services.waste.planning.rests import Rest, breaks_of
from dure.services.waste.planning.selection import Candidate, Wishes, later, select

DIMENSIONS = ("litre", "kg")
UNWEIGHED_KG = 1_000_000_000  # capacity of a truck that is never weighed
TRUCK = "truck:"  # skill of one truck only, for bins a person gave to it
Travel = Callable[[str, FloatArray], Matrix]
"""Matrix of places (n, 2) lon/lat [deg] by a profile of vehicle."""


class Underway(msgspec.Struct, frozen=True, kw_only=True):
    """A truck in the middle of its day, for a re-plan.

    Attributes
    ----------
    at_s : seconds after midnight from which it can take new orders; where it then is
    aboard_l, aboard_kg : what it carries
    done : bins it has emptied, in order
    breaks_n : breaks its crew has had
    metres : driven until then
    """

    truck: str
    at_s: int
    lon: float
    lat: float
    aboard_l: float = 0.0
    aboard_kg: float = 0.0
    done: tuple[str, ...] = ()
    breaks_n: int = 0
    metres: int = 0


@dataclass(frozen=True, kw_only=True)
class Day:
    """Everything a plan is made from.

    Attributes
    ----------
    fleet : trucks that work today, their depots and disposal sites
    broken : trucks that do not work (any more)
    rests : the law's, see `rests.rests_on`
    underway : trucks that have left already
    now_s : seconds after midnight before which no truck sets out: 0 before the day begins
    travel : how long and far it is between places
    profiles : of vehicles that `travel` knows; None: any
    learnt : detours of plans that were in force
    weighed_m : what each bin was found worth beyond its risk today, when the day was planned before; None: to be weighed
    """

    on: date
    bins: tuple[Bin, ...]
    forecast: Forecast
    fleet: Fleet
    policy: Policy
    rests: tuple[Rest, ...] = ()
    wishes: Wishes = field(default_factory=Wishes)
    broken: frozenset[str] = frozenset()
    underway: tuple[Underway, ...] = ()
    now_s: int = 0
    travel: Travel
    profiles: frozenset[str] | None = None
    learnt: Learnt = field(default_factory=Learnt)
    weighed_m: Mapping[str, float] | None = None


class Idle(msgspec.Struct, frozen=True):
    """A truck that is not sent out, and why: ``broken``, ``over`` (its shift), ``no_dump``, ``no_profile``."""

    truck: str
    code: str


@dataclass(frozen=True)
class Prepared:
    """The day made ready for routing.

    Attributes
    ----------
    candidates : every bin, in the order of the day
    problem : without matrices until `with_travel`
    rows : what stands in each row of the matrix: asset id, or the truck's id where it is underway
    profiles : key of a matrix -> profile of the map, factor of its times
    idle : trucks left out
    """

    candidates: tuple[Candidate, ...]
    problem: Problem
    rows: tuple[str, ...]
    profiles: Mapping[str, tuple[str, float]]
    idle: tuple[Idle, ...]


class _Rows:
    """Places in the order they come, each once."""

    def __init__(self) -> None:
        self.row: dict[str, int] = {}
        self.lon_lat: list[tuple[float, float]] = []

    def of(self, ident: str, lon: float, lat: float) -> int:
        if ident not in self.row:
            self.row[ident] = len(self.lon_lat)
            self.lon_lat.append((lon, lat))
        return self.row[ident]


def prepare(day: Day) -> Prepared:
    """Select bins and set up the problem; no travel is needed yet, so that it may be done where the map is not."""
    weighed_m = later(day.forecast, day.policy, day.learnt) if day.weighed_m is None else day.weighed_m
    candidates = select(day.bins, day.forecast, day.policy, day.wishes, weighed_m)
    bins = {one.id: one for one in day.bins}
    wanted = [one for one in candidates if not one.dropped]
    rows = _Rows()
    for depot in day.fleet.depots:
        rows.of(depot.id, depot.lon, depot.lat)
    streams = frozenset(word for truck in day.fleet.trucks for word in truck.streams) | {bins[one.bin].stream for one in wanted}
    dumps = tuple(_dump(site, rows, streams) for site in day.fleet.dumps)
    working, idle = _working(day, dumps)
    underway = {one.truck: one for one in day.underway}
    vehicles = tuple(_vehicle(truck, underway.get(truck.id), rows, day) for truck in working)
    stops = tuple(_stop(bins[one.bin], one, rows) for one in wanted)
    lon_lat = np.array(rows.lon_lat, np.float64).reshape(-1, 2)
    return Prepared(
        candidates=candidates,
        problem=Problem(lon_lat, stops, vehicles, {}, dumps, DIMENSIONS),
        rows=tuple(rows.row),
        profiles={profile_key(truck): (truck.profile, truck.speed_factor) for truck in working},
        idle=idle,
    )


def at_dial(day: Day, dial_m: int) -> dict[str, int]:
    """What each bin would be worth at another dial."""
    policy = msgspec.structs.replace(day.policy, dial_m=dial_m)
    weighed_m = later(day.forecast, policy, day.learnt)
    return {one.bin: one.prize_m for one in select(day.bins, day.forecast, policy, day.wishes, weighed_m)}


def with_travel(problem: Problem, profiles: Mapping[str, tuple[str, float]], travel: Travel) -> Problem:
    """The problem with the matrices of its vehicles."""
    base = {profile: travel(profile, problem.lon_lat) for profile in dict.fromkeys(profile for profile, _ in profiles.values())}
    matrices = {key: _slower(base[profile], key, factor) for key, (profile, factor) in profiles.items()}
    return Problem(problem.lon_lat, problem.stops, problem.vehicles, matrices, problem.dumps, problem.dimensions)


def profile_key(truck: Truck) -> str:
    """Name of the matrix of a truck: its profile, with the factor of its times when there is one."""
    return truck.profile if truck.speed_factor == 1.0 else f"{truck.profile}*{truck.speed_factor:g}"


def loads(one: Bin, level: float) -> tuple[int, int]:
    """Litres of loose waste and kilograms expected in a bin; what nobody knows is taken for full."""
    litres = max(0.0, level if math.isfinite(level) else 1.0) * one.capacity_l * one.compaction
    return math.ceil(litres), math.ceil(litres * one.density_kg_l)


def _stop(one: Bin, candidate: Candidate, rows: _Rows) -> Stop:
    given = frozenset({TRUCK + candidate.truck}) if candidate.truck else frozenset()
    return Stop(
        id=one.id,
        place=rows.of(one.id, one.lon, one.lat),
        load=loads(one, candidate.level),
        service_s=one.service_s,
        prize_m=None if candidate.demand else candidate.prize_m,
        windows=tuple(Span(start, end) for start, end in one.windows),
        skills=frozenset({one.stream}) | one.skills | given,
    )


def _dump(site: DumpSite, rows: _Rows, streams: frozenset[str]) -> Dump:
    return Dump(
        id=site.id,
        place=rows.of(site.id, site.lon, site.lat),
        service_s=site.service_s,
        windows=tuple(Span(start, end) for start, end in site.windows),
        accepts=site.accepts or streams,
    )


def _working(day: Day, dumps: Iterable[Dump]) -> tuple[list[Truck], tuple[Idle, ...]]:
    accepts = {one.id: one.accepts for one in dumps}
    working, idle = [], []
    for truck in day.fleet.trucks:
        usable = any(accepts.get(name, frozenset()) & truck.streams for name in truck.dumps)
        if truck.id in day.broken:
            idle.append(Idle(truck.id, "broken"))
        elif truck.shift[1] <= day.now_s:
            idle.append(Idle(truck.id, "over"))
        elif day.profiles is not None and truck.profile not in day.profiles:
            idle.append(Idle(truck.id, "no_profile"))
        elif truck.ends_empty and not usable:
            idle.append(Idle(truck.id, "no_dump"))
        else:
            working.append(truck)
    return working, tuple(idle)


def _vehicle(truck: Truck, out: Underway | None, rows: _Rows, day: Day) -> Vehicle:
    end = rows.row[truck.depot]
    start, shift, aboard = end, Span(max(truck.shift[0], day.now_s), truck.shift[1]), tuple[int, ...]()
    breaks: tuple[Break, ...] = breaks_of(truck, day.rests)
    if out is not None:
        start = rows.of(truck.id, out.lon, out.lat)
        shift = Span(max(out.at_s, truck.shift[0]), truck.shift[1])
        aboard = (math.ceil(out.aboard_l), math.ceil(out.aboard_kg))
        breaks = tuple(sorted(breaks, key=lambda one: one.span.latest_s))[out.breaks_n :]
    room = 1 - day.policy.reserve
    held_kg = UNWEIGHED_KG if truck.capacity_kg is None else math.floor(truck.capacity_kg * room)
    held = (math.floor(truck.capacity_l * room), held_kg)
    return Vehicle(
        id=truck.id,
        start=start,
        end=end,
        capacity=tuple(max(most, has) for most, has in zip(held, aboard or (0, 0), strict=True)),
        aboard=aboard,
        shift=shift,
        profile=profile_key(truck),
        skills=truck.streams | truck.skills | {TRUCK + truck.id},
        dumps=truck.dumps,
        ends_empty=truck.ends_empty,
        breaks=breaks,
        distance_m_max=None if truck.distance_m_max is None else max(0, truck.distance_m_max - (out.metres if out else 0)),
        fixed_m=0 if out is not None else day.policy.vehicle_m,
        second_m=day.policy.second_m,
    )


def _slower(matrix: Matrix, key: str, factor: float) -> Matrix:
    if factor == 1.0:
        return matrix
    duration_s: NDArray[np.int64] = np.ceil(matrix.duration_s * factor).astype(np.int64)
    return replace(matrix, profile=key, duration_s=duration_s)
