"""A problem as PyVRP's data, and its solutions read back as steps.

What PyVRP has no word for is said otherwise:

* a forced last dump: an END place with ``d(i, END) = min over dumps of d(i, dump) + d(dump, end)``, the dump's service and hours
  folded in (which dump it is, timing decides again);
* skills and streams: a further load dimension for every set of vehicles that some stops are confined to, 1 for such a stop,
  no capacity in every other vehicle;
* several windows of a stop: one client each, in a group of which one is visited; of a dump: one depot each;
* breaks: times are those of the working clock (`breaks`);
* releases: only where no vehicle has a longest way or day, since PyVRP 0.14.1's local search can then walk in circles for ever
  (seen with both limits and optional stops; compare PyVRP#683); else a release is an earliest begin, and timing does the rest;
* metres and seconds with unlike or broken prices: all costs times `scale`.

PyVRP must be given matrices, not edges: its own model builder takes minutes for a city.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyvrp import Activity, ActivityType, Client, ClientGroup, Depot, Location, ProblemData, Route, Solution, VehicleType

from dure.routing.breaks import Clock, clock_of, shared_clock
from dure.routing.indexed import UNLIMITED, Indexed, Steps, dump_step, ordered
from dure.routing.model import IntArray, Span
from dure.routing.timing import Timed

SCALES = (1, 10, 100, 1000)
Ending = tuple[int, tuple[int, ...]]


@dataclass(frozen=True)
class Options:
    """How the model is built.

    Attributes
    ----------
    must_prize_m : what leaving a must stop unserved costs; None: it has to be served
    confined_day : keep daily limits by smaller trips, always right and a little too strict; else they are looked at afterwards
    home, keep_m : (n_stops,) the vehicle a stop belonged to, or -1, and metres it costs to serve it by another or not at all
    """

    must_prize_m: int | None = None
    confined_day: bool = False
    home: IntArray | None = None
    keep_m: int = 0


@dataclass(frozen=True)
class Model:
    """PyVRP's data, and what its numbers stand for.

    Attributes
    ----------
    stop_of : stop by client; clients_of: clients by stop, one for each window, in order
    dump_of : dump by depot, -1 for a start or an end; depots_of: depots by (dump, clock), one for each window
    vehicles_of : vehicles by vehicle type
    scale : units of PyVRP's cost in a metre
    """

    one: Indexed
    data: ProblemData
    stop_of: tuple[int, ...]
    clients_of: dict[int, tuple[int, ...]]
    dump_of: tuple[int, ...]
    depots_of: dict[tuple[int, Clock], tuple[int, ...]]
    vehicles_of: tuple[tuple[int, ...], ...]
    scale: int


PLAIN = Options()


def model_of(one: Indexed, options: Options = PLAIN) -> Model:
    """The problem for PyVRP.

    Parameters
    ----------
    one : the problem; it has at least one vehicle and one stop, and every stop can be served by some vehicle
    options : how to build it
    """
    return _Builder(one, options).model()


class _Builder:
    """Gathers places, depots and vehicle types; used once."""

    def __init__(self, one: Indexed, options: Options) -> None:
        self.one, self.options = one, options
        vehicles = one.vehicles
        self.scale = next(
            (
                scale
                for scale in SCALES
                if all(_whole(scale * price) for each in vehicles for price in (each.metre_m, each.second_m))
            ),
            SCALES[-1],
        )
        self.clock = shared_clock(vehicles)
        self.limited = any(each.distance_m_max is not None or each.duration_s_max is not None for each in vehicles)
        self.latest_s = max(each.shift.latest_s for each in vehicles)
        starts = [place for each in vehicles for place in (each.start, each.end)]
        dumps = [dump.place for dump in one.problem.dumps]
        self.places = np.unique(np.array([*one.place.tolist(), *starts, *dumps], dtype=np.int64))
        self.row = {place: row for row, place in enumerate(self.places.tolist())}
        self.endings: dict[Ending, int] = {}
        self.depots: list[Depot] = []
        self.dump_of: list[int] = []
        self.depot_at: dict[tuple[object, ...], int] = {}
        self.depots_of: dict[tuple[int, Clock], tuple[int, ...]] = {}
        self.confined = self._confined()

    def model(self) -> Model:
        """Everything together."""
        clients, groups, stop_of = self._clients()
        types, vehicles_of = self._types()
        distances, durations = self._matrices(vehicles_of)
        clients_of: dict[int, list[int]] = {}
        for client, stop in enumerate(stop_of):
            clients_of.setdefault(stop, []).append(client)
        return Model(
            one=self.one,
            data=ProblemData(self._locations(), clients, self.depots, types, distances, durations, groups),
            stop_of=tuple(stop_of),
            clients_of={stop: tuple(found) for stop, found in clients_of.items()},
            dump_of=tuple(self.dump_of),
            depots_of=self.depots_of,
            vehicles_of=vehicles_of,
            scale=self.scale,
        )

    def _locations(self) -> list[Location]:
        lon_lat = self.one.problem.lon_lat
        known = [Location(*map(float, lon_lat[place])) if place < len(lon_lat) else Location(0.0, 0.0) for place in self.places]
        return [*known, *[known[self.row[end]] for end, _ in self.endings]]

    def _confined(self) -> list[NDArray[np.bool_]]:
        """The sets of vehicles that stops are confined to, as rows over vehicles."""
        found = {row.tobytes(): row for row in self.one.allowed.T if not row.all()}
        return [found[key] for key in sorted(found)]

    def _clients(self) -> tuple[list[Client], list[ClientGroup], list[int]]:
        clients, groups, stop_of = list[Client](), list[ClientGroup](), list[int]()
        counted = any(each.stops_max is not None for each in self.one.vehicles)
        for stop in range(self.one.n_stops):
            windows = [self.clock.span(window) for window in self.one.windows[stop]]
            load = [*self.one.load[stop].tolist(), *[int((self.one.allowed[:, stop] == row).all()) for row in self.confined]]
            load += [1] if counted else []
            must = self.one.is_must(stop) and self.options.must_prize_m is None
            prize_m = self.options.must_prize_m if self.one.is_must(stop) else int(self.one.prize_m[stop])
            if self.options.home is not None and self.options.home[stop] >= 0:
                prize_m = (prize_m or 0) + self.options.keep_m
            alone = len(windows) == 1
            released_s = self.clock.working_s(int(self.one.release_s[stop]))
            for window in windows:
                latest_s = max(min(window.latest_s, self.latest_s), window.earliest_s)
                early_s = min(max(window.earliest_s, released_s if self.limited else 0), latest_s)
                clients.append(
                    Client(
                        self.row[int(self.one.place[stop])],
                        pickup=load,
                        service_duration=int(self.one.service_s[stop]),
                        tw_early=early_s,
                        tw_late=latest_s,
                        release_time=0 if self.limited else min(released_s, latest_s),
                        prize=0 if must else (prize_m or 0) * self.scale,
                        required=must and alone,
                        group=None if alone else len(groups),
                    )
                )
                stop_of.append(stop)
            if not alone:
                groups.append(ClientGroup(list(range(len(clients) - len(windows), len(clients))), required=must))
        return clients, groups, stop_of

    def _types(self) -> tuple[list[VehicleType], tuple[tuple[int, ...], ...]]:
        """One type for all vehicles that differ in nothing but their names; one for each where homes are priced."""
        alike: dict[int, list[int]] = {}
        for vehicle, kind in enumerate(self.one.kind_of):
            alike.setdefault(vehicle if self.options.home is not None else kind, []).append(vehicle)
        self.profiles = sorted({each.profile for each in self.one.vehicles})
        return [self._type(number, group) for number, group in enumerate(alike.values())], tuple(map(tuple, alike.values()))

    def _type(self, number: int, group: Sequence[int]) -> VehicleType:
        vehicle, subject = group[0], self.one.vehicles[group[0]]
        clock = clock_of(subject.breaks)
        shift = clock.span(subject.shift)
        dumps = self.one.dumps_of[vehicle]
        capacity, reloads_max = self._capacity(vehicle)
        limits: dict[str, Any] = {}
        if subject.duration_s_max is not None:
            limits["shift_duration"] = max(subject.duration_s_max - clock.rest_s, 0)
        if subject.distance_m_max is not None:
            limits["max_distance"] = subject.distance_m_max
        ending = (subject.end, dumps if subject.ends_empty else ())
        return VehicleType(
            len(group),
            capacity,
            self._depot(("at", subject.start), self.row[subject.start], Span(0, UNLIMITED), 0),
            self._end(ending, clock),
            fixed_cost=round(self.scale * (subject.fixed_m + subject.second_m * clock.rest_s)),
            tw_early=shift.earliest_s,
            tw_late=shift.latest_s,
            unit_distance_cost=round(self.scale * subject.metre_m),
            unit_duration_cost=round(self.scale * subject.second_m),
            profile=number if self.options.home is not None else self.profiles.index(subject.profile),
            initial_load=[*self.one.aboard[vehicle].tolist(), *[0] * (len(capacity) - self.one.aboard.shape[1])],
            reload_depots=[depot for dump in dumps for depot in self._dump(dump, clock)] if reloads_max else [],
            max_reloads=reloads_max,
            **limits,
        )

    def _capacity(self, vehicle: int) -> tuple[list[int], int]:
        """Capacities in all dimensions, and how often the vehicle may unload on the way."""
        subject = self.one.vehicles[vehicle]
        held, day = self.one.capacity[vehicle], self.one.day_capacity[vehicle]
        reloads_max = subject.reloads_max if self.one.dumps_of[vehicle] else 0
        if (day < UNLIMITED).any():
            trips = int(np.max(-(-day // np.maximum(held, 1)), initial=1, where=(held > 0) & (day < UNLIMITED)))
            reloads_max = min(reloads_max, max(trips - 1, 0) if self.options.confined_day else reloads_max)
            held = np.minimum(held, day // (reloads_max + 1) if self.options.confined_day else day)
        loads = [*held.tolist(), *[self.one.n_stops if row[vehicle] else 0 for row in self.confined]]
        if any(each.stops_max is not None for each in self.one.vehicles):
            most = self.one.n_stops if subject.stops_max is None else subject.stops_max
            loads.append(most // (reloads_max + 1) if self.options.confined_day else most)
        return loads, reloads_max

    def _depot(self, key: tuple[object, ...], row: int, window: Span, service_s: int, dump: int = -1) -> int:
        if key not in self.depot_at:
            self.depot_at[key] = len(self.depots)
            self.depots.append(Depot(row, window.earliest_s, window.latest_s, service_s))
            self.dump_of.append(dump)
        return self.depot_at[key]

    def _dump(self, dump: int, clock: Clock) -> tuple[int, ...]:
        """The depots of a dump on a clock, one for each window."""
        subject = self.one.problem.dumps[dump]
        if (dump, clock) not in self.depots_of:
            spans = [clock.span(window) for window in ordered(subject.windows)]
            row = self.row[subject.place]
            self.depots_of[dump, clock] = tuple(
                self._depot((dump, span.earliest_s, span.latest_s), row, span, subject.service_s, dump) for span in spans
            )
        return self.depots_of[dump, clock]

    def _end(self, ending: Ending, clock: Clock) -> int:
        """The depot a route ends at: the end itself, or END with a dump before it and that dump's hours."""
        end, dumps = ending
        if not dumps:
            return self._depot(("at", end), self.row[end], Span(0, UNLIMITED), 0)
        row = len(self.places) + self.endings.setdefault(ending, len(self.endings))
        seconds = next(iter(self.one.problem.matrices.values())).duration_s
        early, late = list[int](), list[int]()
        for dump in (self.one.problem.dumps[each] for each in dumps):
            after_s = dump.service_s + int(seconds[dump.place, end])
            spans = [clock.span(window) for window in ordered(dump.windows)]
            early.append(spans[0].earliest_s + after_s)
            late.append(spans[-1].latest_s + after_s)
        span = Span(min(early), min(max(late), UNLIMITED))
        return self._depot(("end", ending, clock), row, span, 0)

    def _matrices(self, vehicles_of: tuple[tuple[int, ...], ...]) -> tuple[list[Any], list[Any]]:
        """Distances and durations of all places and endings, by profile or, where homes are priced, by vehicle.

        PyVRP's stubs name arrays in a way numpy's do not, hence Any.
        """
        pairs = {profile: self._of_profile(profile) for profile in self.profiles}
        if self.options.home is None:
            return [pairs[each][0] for each in self.profiles], [pairs[each][1] for each in self.profiles]
        distances, durations = list[IntArray](), list[IntArray]()
        rows = np.array([self.row[int(place)] for place in self.one.place])
        for (vehicle,) in vehicles_of:
            metres, seconds = pairs[self.one.vehicles[vehicle].profile]
            strange = (self.options.home >= 0) & (self.options.home != vehicle)
            dearer = metres.copy()
            dearer[:, rows[strange]] += self.options.keep_m
            np.fill_diagonal(dearer, 0)
            distances.append(dearer)
            durations.append(seconds)
        return distances, durations

    def _of_profile(self, profile: str) -> tuple[IntArray, IntArray]:
        matrix = self.one.problem.matrices[profile]
        size, n = len(self.places), len(self.places) + len(self.endings)
        metres, seconds = np.zeros((n, n), np.int64), np.zeros((n, n), np.int64)
        metres[:size, :size] = matrix.distance_m[np.ix_(self.places, self.places)]
        seconds[:size, :size] = matrix.duration_s[np.ix_(self.places, self.places)]
        np.fill_diagonal(metres, 0)
        np.fill_diagonal(seconds, 0)
        for (end, dumps), at in self.endings.items():
            subjects = [self.one.problem.dumps[each] for each in dumps]
            via = np.array([each.place for each in subjects])
            out = matrix.distance_m[np.ix_(self.places, via)] + matrix.distance_m[via, end]
            best = out.argmin(axis=1)
            service = np.array([each.service_s for each in subjects])
            slow = matrix.duration_s[np.ix_(self.places, via)] + service + matrix.duration_s[via, end]
            rows = np.arange(size)
            metres[:size, size + at], seconds[:size, size + at] = out[rows, best], slow[rows, best]
        return metres, seconds


def _whole(number: float) -> bool:
    return abs(number - round(number)) < 1e-9


def solution_of(model: Model, routes: Sequence[Timed]) -> Solution:
    """Timed routes as PyVRP's solution: its warm start. Windows are those the routes use.

    A model with smaller trips takes fewer dumps than a route may have: those beyond are left out, and the search mends it.
    """
    left = {vehicle: kind for kind, group in enumerate(model.vehicles_of) for vehicle in group}
    kinds = model.data.vehicle_types()
    whole: list[Route] = []
    for each in routes:
        kind, found = left[each.vehicle], list[Activity]()
        for activity in _activities(model, each):
            if activity.is_client() or sum(one.is_depot() for one in found) < kinds[kind].max_reloads:
                found.append(activity)
        whole.append(Route(model.data, found, kind))
    return Solution(model.data, whole)


def _activities(model: Model, route: Timed) -> list[Activity]:
    one = model.one
    clock = clock_of(one.vehicles[route.vehicle].breaks)
    found: list[Activity] = []
    visits = [event for event in route.events if event.kind in {"stop", "dump"}]
    for event in visits[: len(route.steps)]:
        if event.kind == "stop":
            windows, choice = one.windows[event.number], model.clients_of[event.number]
        else:
            windows, choice = ordered(one.problem.dumps[event.number].windows), model.depots_of.get((event.number, clock), ())
        if not choice:
            continue
        at = next((at for at, window in enumerate(windows) if event.begin_s <= window.latest_s), 0)
        found.append(Activity(ActivityType.CLIENT if event.kind == "stop" else ActivityType.DEPOT, choice[at]))
    return found


def steps_in(model: Model, solution: Solution, before: dict[int, Steps] | None = None) -> dict[int, Steps]:
    """The steps of a solution, by vehicle. Vehicles of one type share out its routes so that each keeps most of `before`."""
    by_type: dict[int, list[Steps]] = {}
    for route in solution.routes():
        steps = [
            model.stop_of[each.idx] if each.is_client() else dump_step(model.dump_of[each.idx])
            for each in route
            if each.is_client() or model.dump_of[each.idx] >= 0
        ]
        by_type.setdefault(route.vehicle_type(), []).append(tuple(steps))
    found: dict[int, Steps] = {}
    for kind, routes in by_type.items():
        found.update(_shared_out(model.vehicles_of[kind], routes, before or {}))
    return found


def _shared_out(vehicles: Sequence[int], routes: Sequence[Steps], before: dict[int, Steps]) -> dict[int, Steps]:
    """Routes given to vehicles so that as many stops as can be stay where they were."""
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - only this needs it, and it takes long to load

    was = [set(before.get(vehicle, ())) for vehicle in vehicles]
    common = np.array([[len(each.intersection(route)) for each in was] for route in routes])
    rows, columns = linear_sum_assignment(common, maximize=True)
    return {vehicles[column]: routes[row] for row, column in zip(rows.tolist(), columns.tolist(), strict=True)}
