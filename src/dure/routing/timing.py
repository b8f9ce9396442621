"""When a route is where: arrivals, begins and leaves of a sequence of steps, its breaks and its last dump placed.

The route sets out as early as it may, every break is tried before and after every service (the earliest end for each number
of breaks taken is kept, which is exact since waiting never helps), and then the start is put off as far as the end allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from dure.routing.indexed import UNLIMITED, Call, Indexed, Steps, dump_step
from dure.routing.model import Break, Route, Span, Vehicle, Violation, Visit, VisitKind


class Event(NamedTuple):
    """Something on the way, `travel_s` after the one before; `latest_s`: the latest it may begin at in its window."""

    kind: VisitKind
    number: int
    place: int
    travel_s: int
    arrive_s: int
    begin_s: int
    leave_s: int
    latest_s: int


@dataclass(frozen=True)
class Timed:
    """A route that can be driven."""

    vehicle: int
    steps: Steps
    events: tuple[Event, ...]
    distance_m: int

    @property
    def duration_s(self) -> int:
        """From leaving to being back."""
        return self.events[-1].leave_s - self.events[0].leave_s


class _State(NamedTuple):
    """Ready at an instant with so many breaks behind; `trail` is the newest event and the trail before it."""

    rested: int
    ready_s: int
    travel_s: int
    trail: tuple[Event, Any] | None


def timed(one: Indexed, vehicle: int, steps: Sequence[int]) -> Timed | Violation:
    """The route with its times, or the first rule it breaks.

    Parameters
    ----------
    one : the problem
    vehicle : position of the vehicle
    steps : stops and dumps in order; without the forced last dump, which is chosen here: the nearest that is open
    """
    fault = _laden(one, vehicle, steps)
    if fault is not None:
        return fault
    first: Violation | None = None
    for ending in _endings(one, vehicle, steps):
        found = _timed(one, vehicle, (*steps, *ending))
        if isinstance(found, Timed):
            return replace(found, steps=tuple(steps))
        first = first or found
    return first or Violation(code="route.dump_unknown", vehicle=one.vehicles[vehicle].id)


def route_of(one: Indexed, timed_route: Timed) -> Route:
    """The route in words."""
    problem, vehicle = one.problem, one.vehicles[timed_route.vehicle]
    visits: list[Visit] = []
    for event in timed_route.events:
        ident = vehicle.id
        if event.kind == "stop":
            ident = problem.stops[event.number].id
        elif event.kind == "dump":
            ident = problem.dumps[event.number].id
        times = {"arrive_s": event.arrive_s, "begin_s": event.begin_s, "leave_s": event.leave_s}
        visits.append(Visit(kind=event.kind, id=ident, place=event.place, **times))
    return Route(vehicle=vehicle.id, visits=tuple(visits), distance_m=timed_route.distance_m)


def _endings(one: Indexed, vehicle: int, steps: Sequence[int]) -> list[Steps]:
    """The last dumps to try, nearest first; nothing to add where the vehicle may come back laden."""
    subject = one.vehicles[vehicle]
    if not subject.ends_empty or not steps or steps[-1] < 0:
        return [()]
    metres, at = one.matrix(vehicle).distance_m, one.place_of(steps[-1])
    places = {dump: one.problem.dumps[dump].place for dump in one.dumps_of[vehicle]}
    nearest = sorted(places, key=lambda dump: int(metres[at, places[dump]] + metres[places[dump], subject.end]))
    return [(dump_step(dump),) for dump in nearest]


def _laden(one: Indexed, vehicle: int, steps: Sequence[int]) -> Violation | None:
    """The first load, number or skill rule the steps break."""
    subject = one.vehicles[vehicle]
    stops = [step for step in steps if step >= 0]
    if subject.stops_max is not None and len(stops) > subject.stops_max:
        return Violation(code="route.stops_max", vehicle=subject.id, amount=len(stops) - subject.stops_max)
    if not one.allowed[vehicle, stops].all():
        return Violation(code="route.skill", vehicle=subject.id)
    reloads = len(steps) - len(stops)
    if reloads > subject.reloads_max:
        return Violation(code="route.reloads", vehicle=subject.id, amount=reloads - subject.reloads_max)
    if one.load.shape[1] == 0 or not stops:
        return None
    over = one.load[stops].sum(axis=0) - one.day_capacity[vehicle]
    cuts = [0, *[at for at, step in enumerate(steps) if step < 0], len(steps)]
    for trip, (since, until) in enumerate(pairwise(cuts)):
        held = one.load[[step for step in steps[since:until] if step >= 0]].sum(axis=0)
        over = np.maximum(over, held + (one.aboard[vehicle] if trip == 0 else 0) - one.capacity[vehicle])
    if over.max() > 0:
        return Violation(code="route.capacity", vehicle=subject.id, amount=float(over.max()))
    return None


def _timed(one: Indexed, vehicle: int, steps: Steps) -> Timed | Violation:
    """Times of complete steps, the last dump among them."""
    subject, matrix = one.vehicles[vehicle], one.matrix(vehicle)
    places = np.array([subject.start, *[one.place_of(step) for step in steps], subject.end], dtype=np.int64)
    distance_m = int(matrix.distance_m[places[:-1], places[1:]].sum())
    if subject.distance_m_max is not None and distance_m > subject.distance_m_max:
        return Violation(code="route.distance_max", vehicle=subject.id, amount=distance_m - subject.distance_m_max)
    legs: list[int] = matrix.duration_s[places[:-1], places[1:]].tolist()
    release_s = _releases(one, steps) if one.releases else [0] * (1 + len(steps))
    calls = _calls(one, vehicle, steps, release_s[1:])
    rests = tuple(sorted(subject.breaks, key=lambda rest: rest.span.latest_s))
    found = _forward(subject, max(subject.shift.earliest_s, release_s[0]), rests, (calls, legs))
    if isinstance(found, Violation):
        return found
    events = _put_off(found)
    lasts_s = events[-1].leave_s - events[0].leave_s
    if subject.duration_s_max is not None and lasts_s > subject.duration_s_max:
        return Violation(code="route.duration_max", vehicle=subject.id, amount=lasts_s - subject.duration_s_max)
    return Timed(vehicle, steps, events, distance_m)


def _releases(one: Indexed, steps: Steps) -> list[int]:
    """The latest release of the stops of each trip: the first trip, then one for each dump."""
    found = [0]
    for step in steps:
        if step < 0:
            found.append(0)
        else:
            found[-1] = max(found[-1], int(one.release_s[step]))
    return found


def _calls(one: Indexed, vehicle: int, steps: Steps, release_s: list[int]) -> list[Call]:
    """The places to be called at, the end the last of them."""
    calls: list[Call] = []
    dumped = 0
    for step in steps:
        if step >= 0:
            calls.append(one.calls[step])
            continue
        call = one.dump_calls[-1 - step]
        calls.append(call._replace(leave_after_s=release_s[dumped]) if release_s[dumped] else call)
        dumped += 1
    subject = one.vehicles[vehicle]
    return [*calls, Call("end", vehicle, subject.end, 0, (Span(0, subject.shift.latest_s),))]


def _forward(
    subject: Vehicle, out_s: int, rests: tuple[Break, ...], way: tuple[list[Call], list[int]]
) -> tuple[Event, ...] | Violation:
    """Events with the earliest end; states are kept by the number of breaks behind them.

    A break is only tried where the next chance for it would come after its span has begun: before that, driving on is better.
    """
    passed = sum(rest.span.latest_s <= out_s for rest in rests)
    begins = [rest.span.earliest_s for rest in rests] + [UNLIMITED]
    states = [_State(passed, out_s, 0, (Event("start", 0, subject.start, 0, out_s, out_s, out_s, UNLIMITED), None))]
    calls, legs = way
    for at, (call, leg) in enumerate(zip(calls, legs, strict=True)):
        arrived = [_State(rested, ready_s + leg, leg, trail) for rested, ready_s, _, trail in states]
        if call.kind == "end":
            return _back(subject, call, rests, arrived)
        states = [served for state in arrived if (served := _served(call, state))]
        if len(states) < len(arrived) or any(state.ready_s > begins[state.rested] for state in states):
            arrived = _rest(arrived, rests, call.place)
            states = [served for state in arrived if (served := _served(call, state))]
        if not states:
            return _too_late(subject, call, min(state.ready_s for state in arrived)) if arrived else _unrested(subject, rests)
        if any(state.ready_s + legs[at + 1] > begins[state.rested] for state in states):
            states = _rest(states, rests, call.place)
        if not states:
            break
    return _unrested(subject, rests)


def _back(subject: Vehicle, call: Call, rests: tuple[Break, ...], arrived: list[_State]) -> tuple[Event, ...] | Violation:
    """The events of the earliest return that owes no break."""
    legal = [state for state in arrived if all(rest.span.latest_s >= state.ready_s for rest in rests[state.rested :])]
    if not legal:
        return _unrested(subject, rests)
    served = _served(call, min(legal, key=lambda state: (state.ready_s, state.rested)))
    if served is None:
        return _too_late(subject, call, min(state.ready_s for state in legal))
    trail, events = served.trail, list[Event]()
    while trail is not None:
        events.append(trail[0])
        trail = trail[1]
    return tuple(reversed(events))


def _rest(states: list[_State], rests: tuple[Break, ...], place: int) -> list[_State]:
    """The states and those that take the next break here and now; the earliest for each number of breaks."""
    best = {state.rested: state for state in states}
    for rested in range(min(best, default=0), len(rests)):
        if rested not in best:
            continue
        state, rest = best[rested], rests[rested]
        begin_s = max(state.ready_s, rest.span.earliest_s)
        if begin_s > rest.span.latest_s:
            del best[rested]  # too late for this break, and out for longer: it would be owed
            continue
        leave_s = begin_s + rest.duration_s
        if rested + 1 not in best or leave_s < best[rested + 1].ready_s:
            event = Event("break", rested, place, state.travel_s, state.ready_s, begin_s, leave_s, rest.span.latest_s)
            best[rested + 1] = _State(rested + 1, leave_s, 0, (event, state.trail))
    return list(best.values())


def _served(call: Call, state: _State) -> _State | None:
    """The call served; None when its last window has passed."""
    for window in call.windows:
        begin_s = max(state.ready_s, window.earliest_s, call.leave_after_s - call.service_s)
        if begin_s <= window.latest_s:
            leave_s = begin_s + call.service_s
            event = Event(call.kind, call.number, call.place, state.travel_s, state.ready_s, begin_s, leave_s, window.latest_s)
            return _State(state.rested, leave_s, 0, (event, state.trail))
    return None


def _unrested(subject: Vehicle, rests: tuple[Break, ...]) -> Violation:
    return Violation(code="route.break_missing", vehicle=subject.id, subject=rests[0].source if rests else "")


def _too_late(subject: Vehicle, call: Call, arrive_s: int) -> Violation:
    code = {"stop": "route.window", "dump": "route.dump_hours", "end": "route.shift"}[call.kind]
    return Violation(code=code, vehicle=subject.id, amount=arrive_s - call.windows[-1].latest_s)


def _put_off(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """The same events from the latest start that leaves the end where it is: what was waiting becomes a later start.

    Setting out later never adds a break that is owed.
    """
    latest_s = events[-1].begin_s
    for before, event in pairwise(reversed(events)):
        latest_s = min(event.latest_s, latest_s - before.travel_s - (event.leave_s - event.begin_s))
    if latest_s <= events[0].leave_s:
        return events
    moved = [events[0]._replace(arrive_s=latest_s, begin_s=latest_s, leave_s=latest_s)]
    for event in events[1:]:
        arrive_s = moved[-1].leave_s + event.travel_s
        begin_s = max(arrive_s, event.begin_s)
        moved.append(event._replace(arrive_s=arrive_s, begin_s=begin_s, leave_s=begin_s + event.leave_s - event.begin_s))
    return tuple(moved)
