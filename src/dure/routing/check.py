"""An independent look at a plan: that it is what the problem asked for, and that it can be driven.

It shares no code with what builds or solves the model and believes nothing a plan says of itself: loads, metres, times and
costs are counted anew from the problem. What it holds a plan to:

* A vehicle has at most one route: ``start``, then stops, dumps and breaks, then ``end``, at the vehicle's own places.
* A visit arrives no earlier than the drive from the one before allows, begins no earlier than it arrives, and lasts as long
  as its service does. Stops and dumps begin in one of their windows.
* A stop with a release is served on a trip (from the start or a dump to the next dump or the end) that sets out no earlier.
* Between two dumps no dimension exceeds the vehicle's capacity, what was aboard at the start included; all trips together do
  not exceed what it may collect in a day. What `Dump.accepts` names are streams: a trip carries one
  stream only, and a dump takes what it accepts. With `ends_empty` no stop follows the last dump.
* A break is owed by a route that sets out before, and is out after, the latest instant the break may begin at.
* Every stop is served once or skipped; one without a prize is served.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from dure.routing.model import Break, Dump, Matrix, Plan, Problem, Route, Span, Stop, Vehicle, Violation, Visit

UNREADABLE = frozenset(
    {"plan.vehicle_unknown", "plan.profile_unknown", "plan.stop_unknown", "route.malformed", "route.place", "route.dump_unknown"}
)
PARTS_OF_A_DAY = frozenset({"stop", "dump", "break"})


@dataclass(frozen=True)
class _Known:
    """The problem's things by their ids; `streams` are all words a dump accepts."""

    stops: dict[str, Stop]
    dumps: dict[str, Dump]
    vehicles: dict[str, Vehicle]
    streams: frozenset[str]


@dataclass(frozen=True)
class _Trip:
    """From the start or a dump to the next dump or the end."""

    leaves_s: int
    stops: tuple[Stop, ...]
    dump: Visit | None


def check(problem: Problem, plan: Plan) -> tuple[Violation, ...]:
    """Everything that is wrong with a plan; none: it obeys every rule of the problem.

    Parameters
    ----------
    problem : what was asked
    plan : what was answered, by whatever solver or person

    Returns
    -------
    Violations in the order of the routes, those of the whole plan last. `amount` is by how much: metres, seconds, or units
    of the dimension.
    """
    known = _Known(
        stops={one.id: one for one in problem.stops},
        dumps={one.id: one for one in problem.dumps},
        vehicles={one.id: one for one in problem.vehicles},
        streams=frozenset(word for one in problem.dumps for word in one.accepts),
    )
    found: list[Violation] = []
    for route in plan.routes:
        found += _route(problem, known, route)
    found += _vehicles_once(plan)
    found += _stops_once(problem, known, plan)
    if UNREADABLE.isdisjoint(one.code for one in found):
        found += _cost(problem, known, plan)
    return tuple(found)


def _route(problem: Problem, known: _Known, route: Route) -> Iterator[Violation]:
    vehicle = known.vehicles.get(route.vehicle)
    if vehicle is None:
        yield Violation(code="plan.vehicle_unknown", vehicle=route.vehicle)
        return
    matrix = problem.matrices.get(vehicle.profile)
    if matrix is None:
        yield Violation(code="plan.profile_unknown", vehicle=vehicle.id, subject=vehicle.profile)
        return
    unreadable = list(_unreadable(known, vehicle, route, len(matrix.distance_m)))
    if unreadable:
        yield from unreadable
        return
    trips = list(_trips(known, route))
    yield from _times(known, vehicle, matrix, route)
    yield from _limits(vehicle, matrix, route)
    yield from _breaks(vehicle, route)
    yield from _load(problem, vehicle, trips)
    for trip in trips:
        yield from _streams(known, vehicle, trip)
    yield from _emptied(vehicle, trips)


def _unreadable(known: _Known, vehicle: Vehicle, route: Route, places_n: int) -> Iterator[Violation]:
    """What keeps a route from being looked at any further: its shape, ids nobody knows, other places than theirs."""
    kinds = [one.kind for one in route.visits]
    if len(kinds) < 2 or kinds[0] != "start" or kinds[-1] != "end" or not PARTS_OF_A_DAY.issuperset(kinds[1:-1]):
        yield Violation(code="route.malformed", vehicle=vehicle.id)
        return
    for visit in route.visits:
        if visit.kind == "stop" and visit.id not in known.stops:
            yield Violation(code="plan.stop_unknown", vehicle=vehicle.id, subject=visit.id)
        elif visit.kind == "dump" and (visit.id not in known.dumps or visit.id not in vehicle.dumps):
            yield Violation(code="route.dump_unknown", vehicle=vehicle.id, subject=visit.id)
        elif visit.place != _place(known, vehicle, visit) or not 0 <= visit.place < places_n:
            yield Violation(code="route.place", vehicle=vehicle.id, subject=visit.id)


def _place(known: _Known, vehicle: Vehicle, visit: Visit) -> int:
    """Where a visit must be; a break may be anywhere."""
    if visit.kind == "stop":
        return known.stops[visit.id].place
    if visit.kind == "dump":
        return known.dumps[visit.id].place
    return {"start": vehicle.start, "end": vehicle.end}.get(visit.kind, visit.place)


def _trips(known: _Known, route: Route) -> Iterator[_Trip]:
    leaves_s, stops = route.visits[0].leave_s, list[Stop]()
    for visit in route.visits[1:]:
        if visit.kind == "stop":
            stops.append(known.stops[visit.id])
        elif visit.kind in {"dump", "end"}:
            yield _Trip(leaves_s, tuple(stops), visit if visit.kind == "dump" else None)
            leaves_s, stops = visit.leave_s, []


def _times(known: _Known, vehicle: Vehicle, matrix: Matrix, route: Route) -> Iterator[Violation]:
    for before, visit in pairwise(route.visits):
        early = before.leave_s + int(matrix.duration_s[before.place, visit.place]) - visit.arrive_s
        if early > 0:
            yield Violation(code="route.travel_time", vehicle=vehicle.id, subject=visit.id, amount=early)
    released_s = route.visits[0].leave_s
    for visit in route.visits:
        service_s, windows, release_s = _demands(known, visit)
        short = max(visit.arrive_s - visit.begin_s, visit.begin_s + service_s - visit.leave_s)
        if short > 0:
            yield Violation(code="route.service_time", vehicle=vehicle.id, subject=visit.id, amount=short)
        missed = _missed_s(visit.begin_s, windows)
        if missed > 0:
            code = "route.dump_hours" if visit.kind == "dump" else "route.window"
            yield Violation(code=code, vehicle=vehicle.id, subject=visit.id, amount=missed)
        if release_s > released_s:
            yield Violation(code="route.release", vehicle=vehicle.id, subject=visit.id, amount=release_s - released_s)
        if visit.kind == "dump":
            released_s = visit.leave_s
    early, late = vehicle.shift.earliest_s - route.visits[0].leave_s, route.visits[-1].arrive_s - vehicle.shift.latest_s
    if max(early, late) > 0:
        yield Violation(code="route.shift", vehicle=vehicle.id, amount=max(early, late))


def _demands(known: _Known, visit: Visit) -> tuple[int, tuple[Span, ...], int]:
    """Seconds of service, windows and release of a visit."""
    if visit.kind == "stop":
        stop = known.stops[visit.id]
        return stop.service_s, stop.windows, stop.release_s
    if visit.kind == "dump":
        dump = known.dumps[visit.id]
        return dump.service_s, dump.windows, 0
    return 0, (), 0


def _missed_s(begin_s: int, windows: tuple[Span, ...]) -> int:
    """Seconds between a begin and the nearest window; 0 inside one, or when there are none."""
    return min((max(one.earliest_s - begin_s, begin_s - one.latest_s, 0) for one in windows), default=0)


def _limits(vehicle: Vehicle, matrix: Matrix, route: Route) -> Iterator[Violation]:
    metres = _metres(matrix, route)
    if metres != route.distance_m:
        yield Violation(code="route.distance", vehicle=vehicle.id, amount=abs(metres - route.distance_m))
    lasts_s = route.visits[-1].leave_s - route.visits[0].leave_s
    n = sum(one.kind == "stop" for one in route.visits)
    for code, count, most in (
        ("route.distance_max", metres, vehicle.distance_m_max),
        ("route.duration_max", lasts_s, vehicle.duration_s_max),
        ("route.stops_max", n, vehicle.stops_max),
    ):
        if most is not None and count > most:
            yield Violation(code=code, vehicle=vehicle.id, amount=count - most)


def _metres(matrix: Matrix, route: Route) -> int:
    return sum(int(matrix.distance_m[before.place, visit.place]) for before, visit in pairwise(route.visits))


def _breaks(vehicle: Vehicle, route: Route) -> Iterator[Violation]:
    taken = [one for one in route.visits if one.kind == "break"]
    for owed in sorted(owed_breaks(vehicle, route), key=lambda one: one.span.latest_s):
        fit = [one for one in taken if _rests(one, owed)]
        if fit:
            taken.remove(min(fit, key=lambda one: one.begin_s))
        else:
            yield Violation(code="route.break_missing", vehicle=vehicle.id, subject=owed.source, amount=owed.duration_s)


def owed_breaks(vehicle: Vehicle, route: Route) -> tuple[Break, ...]:
    """Breaks the route must hold: those whose latest begin lies between setting out and being back."""
    if not any(one.kind == "stop" for one in route.visits):
        return ()
    out_s, back_s = route.visits[0].leave_s, route.visits[-1].arrive_s
    return tuple(one for one in vehicle.breaks if out_s < one.span.latest_s < back_s)


def _rests(visit: Visit, owed: Break) -> bool:
    in_span = owed.span.earliest_s <= visit.begin_s <= owed.span.latest_s
    return in_span and visit.leave_s - visit.begin_s >= owed.duration_s


def _load(problem: Problem, vehicle: Vehicle, trips: list[_Trip]) -> Iterator[Violation]:
    rows = [problem.dimensions, vehicle.capacity, vehicle.day_capacity, *(one.load for trip in trips for one in trip.stops)]
    for dimension in range(max(map(len, rows))):
        name = problem.dimensions[dimension] if dimension < len(problem.dimensions) else str(dimension)
        loads = [sum(_at(one.load, dimension) for one in trip.stops) for trip in trips]
        if dimension < len(vehicle.day_capacity) and sum(loads) > vehicle.day_capacity[dimension]:
            over = sum(loads) - vehicle.day_capacity[dimension]
            yield Violation(code="route.day_capacity", vehicle=vehicle.id, subject=name, amount=over)
        loads[0] += _at(vehicle.aboard, dimension)
        over = max(loads) - _at(vehicle.capacity, dimension)
        if over > 0:
            yield Violation(code="route.capacity", vehicle=vehicle.id, subject=name, amount=over)


def _at(row: tuple[int, ...], dimension: int) -> int:
    """A number of a row; what it does not name is 0."""
    return row[dimension] if dimension < len(row) else 0


def _streams(known: _Known, vehicle: Vehicle, trip: _Trip) -> Iterator[Violation]:
    for stop in trip.stops:
        lacking = stop.skills - vehicle.skills
        if lacking:
            yield Violation(code="route.skill", vehicle=vehicle.id, subject=stop.id, words=", ".join(sorted(lacking)))
    carried = {word for stop in trip.stops for word in stop.skills & known.streams}
    if len(carried) > 1:
        yield Violation(code="route.streams_mixed", vehicle=vehicle.id, amount=len(carried), words=", ".join(sorted(carried)))
    accepts = known.dumps[trip.dump.id].accepts if trip.dump is not None else frozenset()
    if trip.dump is not None and accepts and not carried <= accepts:
        refused = ", ".join(sorted(carried - accepts))
        yield Violation(code="route.dump_stream", vehicle=vehicle.id, subject=trip.dump.id, words=refused)


def _emptied(vehicle: Vehicle, trips: list[_Trip]) -> Iterator[Violation]:
    dumps = sum(one.dump is not None for one in trips)
    served = sum(len(one.stops) for one in trips)
    laden = any(vehicle.aboard) and not dumps
    if vehicle.ends_empty and (trips[-1].stops or laden):
        yield Violation(code="route.not_empty", vehicle=vehicle.id, amount=len(trips[-1].stops))
    last = 1 if vehicle.ends_empty and served else 0
    if dumps - last > vehicle.reloads_max:
        yield Violation(code="route.reloads", vehicle=vehicle.id, amount=dumps - last - vehicle.reloads_max)


def _vehicles_once(plan: Plan) -> Iterator[Violation]:
    for vehicle, n in Counter(one.vehicle for one in plan.routes).items():
        if n > 1:
            yield Violation(code="plan.vehicle_twice", vehicle=vehicle, amount=n)


def _stops_once(problem: Problem, known: _Known, plan: Plan) -> Iterator[Violation]:
    served = Counter(_served(plan))
    skipped = set(plan.skipped)
    for ident, n in served.items():
        if n > 1 or ident in skipped:
            yield Violation(code="plan.stop_twice", subject=ident, amount=n + (ident in skipped))
    for stop in problem.stops:
        if stop.id not in served and stop.prize_m is None:
            yield Violation(code="plan.must_missing", subject=stop.id)
        elif stop.id not in served and stop.id not in skipped:
            yield Violation(code="plan.stop_lost", subject=stop.id)
    for unknown in sorted(skipped - known.stops.keys()):
        yield Violation(code="plan.stop_unknown", subject=unknown)


def _served(plan: Plan) -> Iterable[str]:
    return (one.id for route in plan.routes for one in route.visits if one.kind == "stop")


def _cost(problem: Problem, known: _Known, plan: Plan) -> Iterator[Violation]:
    """Costs are whole metres, so what a plan says may differ by one for each visit."""
    served = set(_served(plan))
    cost = float(sum(one.prize_m or 0 for one in problem.stops if one.id not in served))
    rounding = 1.0
    for route in plan.routes:
        vehicle = known.vehicles[route.vehicle]
        if any(one.kind == "stop" for one in route.visits):
            lasts_s = route.visits[-1].leave_s - route.visits[0].leave_s
            cost += vehicle.fixed_m + vehicle.second_m * lasts_s
        cost += vehicle.metre_m * _metres(problem.matrices[vehicle.profile], route)
        rounding += len(route.visits)
    if abs(cost - plan.cost_m) > rounding:
        yield Violation(code="plan.cost", amount=abs(cost - plan.cost_m))
