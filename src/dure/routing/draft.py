"""A plan being made: routes that can be driven, and stops put in or taken out at the cheapest place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dure.routing.indexed import UNLIMITED, Indexed, Steps, dump_step, tidy
from dure.routing.model import IntArray, Plan, Violation
from dure.routing.timing import Timed, route_of, timed

TRIES, TRIES_IN_ALL = 3, 9
FloatArray = NDArray[np.float64]


@dataclass
class Draft:
    """Routes by vehicle; every one of them keeps every rule."""

    one: Indexed
    routes: dict[int, Timed] = field(default_factory=dict)
    _homes: dict[int, tuple[FloatArray, FloatArray]] = field(default_factory=dict)

    @property
    def served(self) -> set[int]:
        """The stops that are served."""
        return {step for route in self.routes.values() for step in route.steps if step >= 0}

    @property
    def left_out(self) -> list[int]:
        """The stops that are not."""
        return sorted(set(range(self.one.n_stops)) - self.served)

    @property
    def complete(self) -> bool:
        """Whether every stop that must be served is."""
        return not any(self.one.is_must(stop) for stop in self.left_out)

    def cost_m(self) -> float:
        """What the plan costs: driving, fixed costs and prizes left behind."""
        driving = sum(route_cost_m(self.one, route) for route in self.routes.values())
        return driving + float(sum(max(int(self.one.prize_m[stop]), 0) for stop in self.left_out))

    def plan(self) -> Plan:
        """The plan in words; infeasible when a stop that must be served is not."""
        stops = self.one.problem.stops
        return Plan(
            routes=tuple(route_of(self.one, self.routes[vehicle]) for vehicle in sorted(self.routes)),
            skipped=tuple(stops[stop].id for stop in self.left_out),
            cost_m=round(self.cost_m()),
            feasible=self.complete,
        )

    def steps(self) -> dict[int, Steps]:
        """The steps of every route."""
        return {vehicle: route.steps for vehicle, route in self.routes.items()}

    def put(self, vehicle: int, steps: Sequence[int]) -> bool:
        """Give a vehicle these steps when it can drive them; no steps: no route."""
        kept = tidy(steps, laden=bool(self.one.aboard[vehicle].any()))
        if not any(step >= 0 for step in kept):
            self.routes.pop(vehicle, None)
            return True
        found = timed(self.one, vehicle, kept)
        if isinstance(found, Violation):
            return False
        self.routes[vehicle] = found
        return True

    def insert(self, stop: int, *, vehicles: Iterable[int] | None = None, limit_m: float = np.inf) -> bool:
        """Serve a stop where it costs least and breaks nothing, when that costs less than `limit_m`."""
        best = self.cheapest(stop, vehicles=vehicles, limit_m=limit_m)
        if best is None:
            return False
        self.routes[best.vehicle] = best
        return True

    def cheapest(self, stop: int, *, vehicles: Iterable[int] | None = None, limit_m: float = np.inf) -> Timed | None:
        """The route that would serve the stop at the least cost, of the few most promising places; None when none can."""
        promising: list[tuple[float, int, int]] = []
        for vehicle in self._worth_trying() if vehicles is None else vehicles:
            if self.one.allowed[vehicle, stop]:
                added, could = self._added(vehicle, stop)
                nearest = np.argsort(added, kind="stable")[:TRIES].tolist()
                promising.extend((float(added[at]), vehicle, at) for at in nearest if could[at])
        promising.sort()
        best, least = None, limit_m
        for added_m, vehicle, at in promising[:TRIES_IN_ALL]:
            if added_m >= least:
                break
            found = self._tried(vehicle, at, stop)
            if found is not None:
                before = self.routes.get(vehicle)
                cost_m = route_cost_m(self.one, found) - (route_cost_m(self.one, before) if before else 0.0)
                if cost_m < least:
                    best, least = found, cost_m
        return best

    def _worth_trying(self) -> list[int]:
        """The vehicles on the road, and one of each kind of idle ones."""
        idle: dict[int, int] = {}
        for vehicle in range(len(self.one.vehicles)):
            if vehicle not in self.routes:
                idle.setdefault(self.one.kind_of[vehicle], vehicle)
        return sorted([*self.routes, *idle.values()])

    def _tried(self, vehicle: int, at: int, stop: int) -> Timed | None:
        """The route with the stop there; with a dump beside it where it would not fit otherwise."""
        steps = self.routes[vehicle].steps if vehicle in self.routes else ()
        found = timed(self.one, vehicle, (*steps[:at], stop, *steps[at:]))
        if isinstance(found, Timed):
            return found
        if found.code != "route.capacity":
            return None
        metres, here = self.one.matrix(vehicle).distance_m, int(self.one.place[stop])
        dumps = sorted(self.one.dumps_of[vehicle], key=lambda dump: int(metres[here, self.one.problem.dumps[dump].place]))
        for dump in dumps[:2]:
            for beside in ((dump_step(dump), stop), (stop, dump_step(dump))):
                found = timed(self.one, vehicle, tidy((*steps[:at], *beside, *steps[at:])))
                if isinstance(found, Timed):
                    return found
        return None

    def _added(self, vehicle: int, stop: int) -> tuple[FloatArray, NDArray[np.bool_]]:
        """What driving to the stop adds at each place of a vehicle's route [m], and whether the route has time left for it."""
        subject, matrix = self.one.vehicles[vehicle], self.one.matrix(vehicle)
        here, (home_m, home_s) = int(self.one.place[stop]), self._home(vehicle)
        route = self.routes.get(vehicle)
        if route is None:
            alone = float(matrix.distance_m[subject.start, here]) + home_m[here]
            return np.array([subject.fixed_m + subject.metre_m * alone]), np.ones(1, dtype=np.bool_)
        places = np.array([subject.start, *[self.one.place_of(step) for step in route.steps]])
        added_m = _detour(matrix.distance_m, places, here, home_m) * subject.metre_m
        added_s = _detour(matrix.duration_s, places, here, home_s) + float(self.one.service_s[stop])
        return added_m, added_s <= spare_s(self.one, route)

    def _home(self, vehicle: int) -> tuple[FloatArray, FloatArray]:
        """Metres and seconds from every place to the end, by the nearest dump where the vehicle has to end empty."""
        if vehicle not in self._homes:
            subject, matrix = self.one.vehicles[vehicle], self.one.matrix(vehicle)
            pair = matrix.distance_m[:, subject.end], matrix.duration_s[:, subject.end]
            dumps = [self.one.problem.dumps[dump] for dump in self.one.dumps_of[vehicle]] if subject.ends_empty else []
            if dumps:
                via, service_s = np.array([dump.place for dump in dumps]), np.array([dump.service_s for dump in dumps])
                out_m = matrix.distance_m[:, via] + matrix.distance_m[via, subject.end]
                out_s = matrix.duration_s[:, via] + matrix.duration_s[via, subject.end] + service_s
                pair = out_m.min(axis=1), out_s.min(axis=1)
            self._homes[vehicle] = np.asarray(pair[0], np.float64), np.asarray(pair[1], np.float64)
        return self._homes[vehicle]

    def serve(self, stops: Iterable[int]) -> list[int]:
        """Serve stops, each where it costs least; optional ones when it costs less than their prize. The rest is returned."""
        musts = [stop for stop in stops if self.one.is_must(stop)]
        others = sorted((stop for stop in stops if not self.one.is_must(stop)), key=lambda stop: -int(self.one.prize_m[stop]))
        left = [stop for stop in musts if not self.insert(stop, limit_m=float(UNLIMITED))]
        return left + [stop for stop in others if not self.insert(stop, limit_m=float(self.one.prize_m[stop]))]


def route_cost_m(one: Indexed, route: Timed) -> float:
    """What a route costs: its metres, its seconds, and using the vehicle at all."""
    subject = one.vehicles[route.vehicle]
    return subject.metre_m * route.distance_m + subject.second_m * route.duration_s + subject.fixed_m


def _detour(matrix: IntArray, places: IntArray, here: int, home: FloatArray) -> FloatArray:
    """What calling here adds after each of the places, in the matrix's unit."""
    out = np.append(matrix[here, places[1:]], home[here])
    gone = np.append(matrix[places[:-1], places[1:]], home[places[-1]])
    detour: FloatArray = matrix[places, here].astype(np.float64) + out - gone
    return detour


def spare_s(one: Indexed, route: Timed) -> float:
    """Seconds by which a route can grow at most: until the end of the shift or its longest day, with all its waiting used up."""
    subject, events = one.vehicles[route.vehicle], route.events
    waited_s = sum(event.begin_s - event.arrive_s for event in events)
    spare = events[0].leave_s - subject.shift.earliest_s + subject.shift.latest_s - events[-1].arrive_s
    if subject.duration_s_max is not None:
        spare = min(spare, subject.duration_s_max - route.duration_s)
    return float(spare + waited_s)


def draft_of(one: Indexed, steps: dict[int, Steps], *, fill: bool = True) -> Draft:
    """A draft of steps that need not be drivable: what breaks a rule is taken out, and put back where it breaks none.

    Parameters
    ----------
    steps : by vehicle
    fill : whether optional stops that nobody serves are looked at too
    """
    draft, loose = Draft(one), list[int]()
    for vehicle, wanted in steps.items():
        route = list(tidy(wanted, laden=bool(one.aboard[vehicle].any())))
        while route and not draft.put(vehicle, route):
            at = _worst(one, vehicle, route)
            loose.append(route.pop(at))
    others = [stop for stop in draft.left_out if fill or one.is_must(stop)]
    draft.serve(dict.fromkeys([*[stop for stop in loose if stop >= 0], *others]))
    return draft


def _worst(one: Indexed, vehicle: int, route: Sequence[int]) -> int:
    """The step without which the route is nearest to what can be driven; of equals the one that saves most metres."""
    metres, subject = one.matrix(vehicle).distance_m, one.vehicles[vehicle]
    places = [subject.start, *[one.place_of(step) for step in route], subject.end]
    best, at = (np.inf, np.inf), 0
    for each in range(len(route)):
        found = timed(one, vehicle, tidy([*route[:each], *route[each + 1 :]]))
        before, here, after = places[each : each + 3]
        saved = float(metres[before, here] + metres[here, after] - metres[before, after])
        rank = (float(found.amount) if isinstance(found, Violation) else -1.0, -saved)
        if rank < best:
            best, at = rank, each
    return at
