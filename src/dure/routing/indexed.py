"""A problem as numbers: stops, dumps and vehicles by position, so that searching never looks a name up.

A *step* of a route is a whole number: a stop's position, or ``-1 - d`` for dump d. A route's start, end, breaks and the
forced last dump are no steps: timing places them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.routing.model import IntArray, Matrix, Plan, Problem, Span, Vehicle
from dure.routing.streams import streams_of

UNLIMITED = 1 << 40
UNREACHABLE_M = 1 << 30
Steps = tuple[int, ...]


def dump_step(dump: int) -> int:
    """The step that visits this dump; its own inverse."""
    return -1 - dump


class Call(NamedTuple):
    """A place to be called at: how long, in which windows, and not to be left before."""

    kind: Literal["stop", "dump", "end"]
    number: int
    place: int
    service_s: int
    windows: tuple[Span, ...]
    leave_after_s: int = 0


@dataclass(frozen=True)
class Indexed:
    """A problem by position.

    Attributes
    ----------
    place, service_s, release_s : (n_stops,) by stop
    load : (n_stops, n_dimensions)
    prize_m : (n_stops,) metres; -1 for a stop that must be served
    windows : by stop, in order of time; never empty
    allowed : (n_vehicles, n_stops) whether its skills suffice
    dumps_of : by vehicle, the dumps it may use
    capacity, aboard, day_capacity : (n_vehicles, n_dimensions)
    kind_of : by vehicle, the first vehicle that differs from it in nothing but the name
    calls, dump_calls : by stop and by dump, what calling there means
    releases : whether any stop has a release
    """

    problem: Problem
    place: IntArray
    service_s: IntArray
    release_s: IntArray
    load: IntArray
    prize_m: IntArray
    windows: tuple[tuple[Span, ...], ...]
    allowed: NDArray[np.bool_]
    dumps_of: tuple[tuple[int, ...], ...]
    capacity: IntArray
    aboard: IntArray
    day_capacity: IntArray
    kind_of: tuple[int, ...]
    calls: tuple[Call, ...]
    dump_calls: tuple[Call, ...]
    releases: bool
    stop_at: dict[str, int]
    vehicle_at: dict[str, int]

    @property
    def n_stops(self) -> int:
        """How many stops there are."""
        return len(self.place)

    @property
    def vehicles(self) -> tuple[Vehicle, ...]:
        """The vehicles in their order."""
        return self.problem.vehicles

    def matrix(self, vehicle: int) -> Matrix:
        """What this vehicle travels by."""
        return self.problem.matrices[self.problem.vehicles[vehicle].profile]

    def place_of(self, step: int) -> int:
        """Row of the matrix of a step."""
        return self.calls[step].place if step >= 0 else self.dump_calls[-1 - step].place

    def is_must(self, stop: int) -> bool:
        """Whether the stop has to be served whatever it costs."""
        return bool(self.prize_m[stop] < 0)


def indexed(problem: Problem) -> Indexed:
    """The problem by position; every vehicle carries one stream at most (`streams.one_stream_each`)."""
    stops, size, streams = problem.stops, _dimensions(problem), streams_of(problem)
    skills = [one.skills for one in problem.vehicles]
    wanted = {one.skills for one in stops}
    able = {need: np.array([need <= has for has in skills], dtype=np.bool_) for need in wanted}
    allowed = np.zeros((len(skills), len(stops)), dtype=np.bool_)
    for at, stop in enumerate(stops):
        allowed[:, at] = able[stop.skills]
    return Indexed(
        problem=problem,
        place=np.array([one.place for one in stops], dtype=np.int64),
        service_s=np.array([one.service_s for one in stops], dtype=np.int64),
        release_s=np.array([one.release_s for one in stops], dtype=np.int64),
        load=_table([one.load for one in stops], size, 0),
        prize_m=np.array([-1 if one.prize_m is None else one.prize_m for one in stops], dtype=np.int64),
        windows=tuple(ordered(one.windows) for one in stops),
        allowed=allowed,
        dumps_of=tuple(_dumps_of(problem, one, streams) for one in problem.vehicles),
        capacity=_table([one.capacity for one in problem.vehicles], size, 0),
        aboard=_table([one.aboard for one in problem.vehicles], size, 0),
        day_capacity=_table([one.day_capacity for one in problem.vehicles], size, UNLIMITED),
        kind_of=_kinds(problem.vehicles),
        calls=tuple(Call("stop", at, stop.place, stop.service_s, ordered(stop.windows)) for at, stop in enumerate(stops)),
        dump_calls=tuple(
            Call("dump", at, dump.place, dump.service_s, ordered(dump.windows)) for at, dump in enumerate(problem.dumps)
        ),
        releases=any(stop.release_s > 0 for stop in stops),
        stop_at={one.id: at for at, one in enumerate(stops)},
        vehicle_at={one.id: at for at, one in enumerate(problem.vehicles)},
    )


def steps_of(one: Indexed, plan: Plan) -> dict[int, Steps]:
    """The steps of every route of a plan, by vehicle; what the problem no longer knows is left out.

    A dump after the last stop is left out too where the vehicle has to end empty: timing chooses it anew.
    """
    dump_at = {dump.id: at for at, dump in enumerate(one.problem.dumps)}
    found = dict[int, Steps]()
    seen: set[int] = set()
    for route in plan.routes:
        vehicle = one.vehicle_at.get(route.vehicle)
        if vehicle is None:
            continue
        steps: list[int] = []
        for visit in route.visits:
            if visit.kind == "stop" and (at := one.stop_at.get(visit.id, -1)) >= 0 and at not in seen:
                steps.append(at)
                seen.add(at)
            elif visit.kind == "dump" and dump_at.get(visit.id, -1) in one.dumps_of[vehicle]:
                steps.append(dump_step(dump_at[visit.id]))
        found[vehicle] = tidy(steps, laden=bool(one.aboard[vehicle].any()))
    return {vehicle: steps for vehicle, steps in found.items() if steps}


def tidy(steps: Sequence[int], *, laden: bool = False) -> Steps:
    """Without dumps at either end and without two in a row: what is left when stops were taken out.

    A vehicle that sets out laden may begin with a dump.
    """
    kept: list[int] = []
    for step in steps:
        if step < 0 and (kept[-1] < 0 if kept else not laden):
            continue
        kept.append(step)
    while kept and kept[-1] < 0:
        kept.pop()
    return tuple(kept)


def ordered(windows: Sequence[Span]) -> tuple[Span, ...]:
    """The windows by time; one that is always open when there is none."""
    return tuple(sorted(windows, key=lambda one: one.earliest_s)) or (Span(0, UNLIMITED),)


def _dumps_of(problem: Problem, vehicle: Vehicle, streams: frozenset[str]) -> tuple[int, ...]:
    """Positions of the dumps a vehicle may use: named by it, and taking the stream it carries."""
    wanted, carried = set(vehicle.dumps), vehicle.skills & streams
    return tuple(
        at for at, dump in enumerate(problem.dumps) if dump.id in wanted and (not dump.accepts or carried <= dump.accepts)
    )


def _kinds(vehicles: Sequence[Vehicle]) -> tuple[int, ...]:
    """By vehicle, the first one like it."""
    first: dict[object, int] = {}
    plain = [msgspec.structs.replace(one, id="") for one in vehicles]
    return tuple(first.setdefault(one, at) for at, one in enumerate(plain))


def _dimensions(problem: Problem) -> int:
    """How many numbers a load has."""
    named = [len(one.load) for one in problem.stops] + [len(one.capacity) for one in problem.vehicles]
    return max([len(problem.dimensions), *named])


def _table(rows: Sequence[tuple[int, ...]], size: int, missing: int) -> IntArray:
    """Rows of equal length, filled up where a number is missing."""
    table = np.full((len(rows), size), missing, dtype=np.int64)
    for at, row in enumerate(rows):
        table[at, : len(row)] = row
    return table
