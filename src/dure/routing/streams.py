"""Which stream a vehicle carries today, where it could carry several: a load is of one stream only."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import msgspec

from dure.routing.model import Plan, Problem, Vehicle

Need = dict[str, float]


def streams_of(problem: Problem) -> frozenset[str]:
    """The streams of a problem: what its dumps say they accept."""
    return frozenset(word for dump in problem.dumps for word in dump.accepts)


def one_stream_each(problem: Problem, before: Plan | None = None) -> Problem:
    """The problem in which every vehicle carries one stream all day.

    A vehicle that may carry several keeps the one it carried `before`; else it takes the one with most still to be carried,
    counted in loads of its own size. Vehicles that take fewer streams choose first.
    """
    streams = streams_of(problem)
    several = [one for one in problem.vehicles if len(one.skills & streams) > 1]
    if not several:
        return problem
    need = _need(problem, streams)
    for vehicle in problem.vehicles:
        for word in vehicle.skills & streams if vehicle not in several else ():
            need[word] -= _share(vehicle)
    kept = _carried(problem, before, streams)
    chosen: dict[str, str] = {}
    for vehicle in sorted(several, key=lambda one: len(one.skills & streams)):
        able = sorted(vehicle.skills & streams)
        word = kept.get(vehicle.id, "")
        chosen[vehicle.id] = word if word in able else max(able, key=lambda each: need[each])
        need[chosen[vehicle.id]] -= _share(vehicle)
    vehicles = tuple(
        msgspec.structs.replace(one, skills=one.skills - streams | {chosen[one.id]}) if one.id in chosen else one
        for one in problem.vehicles
    )
    return replace(problem, vehicles=vehicles)


def _need(problem: Problem, streams: frozenset[str]) -> Need:
    """What is to be carried of each stream, in the first dimension; by stops where loads have none."""
    need: Need = defaultdict(float)
    for stop in problem.stops:
        for word in stop.skills & streams:
            need[word] += stop.load[0] if stop.load else 1.0
    return need


def _share(vehicle: Vehicle) -> float:
    """What one vehicle is taken to carry: a few of its loads."""
    trips = min(vehicle.reloads_max + 1, 2) if vehicle.dumps else 1
    return float(vehicle.capacity[0] * trips) if vehicle.capacity else 100.0


def _carried(problem: Problem, before: Plan | None, streams: frozenset[str]) -> dict[str, str]:
    """The stream each vehicle carried in a plan."""
    if before is None:
        return {}
    words = {one.id: one.skills & streams for one in problem.stops}
    found: dict[str, str] = {}
    for route in before.routes:
        carried = [min(words[ident]) for ident in route.stops if words.get(ident)]
        if carried:
            found[route.vehicle] = max(set(carried), key=carried.count)
    return found
