"""A plan at once: each vehicle drives to the nearest stop it can still serve, then what is left is put in where it costs least.

What a search starts from, and what there is when a search finds nothing better.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dure.routing.breaks import Clock, clock_of
from dure.routing.draft import Draft, draft_of, route_cost_m
from dure.routing.indexed import UNLIMITED, Indexed, dump_step, indexed, ordered
from dure.routing.model import IntArray, Plan, Problem
from dure.routing.streams import one_stream_each

WAITED_M_PER_S = 2.0


def greedy(problem: Problem) -> Plan:
    """A plan that keeps every rule, quickly and not well; `feasible` is False when a stop that must be served is not."""
    return nearest_first(indexed(one_stream_each(problem))).plan()


def nearest_first(one: Indexed, *, fill: bool = True) -> Draft:
    """The same as a draft; `fill`: optional stops too, which a search does better by itself."""
    open_stops = one.prize_m < 0
    steps: dict[int, tuple[int, ...]] = {}
    windows = {}
    for vehicle, subject in enumerate(one.vehicles):
        clock = clock_of(subject.breaks)
        if clock not in windows:
            windows[clock] = _windows(one, clock)
        if open_stops.any():
            steps[vehicle] = _Drive(one, vehicle, clock, windows[clock]).through(open_stops)
            open_stops[[step for step in steps[vehicle] if step >= 0]] = False
    draft = draft_of(one, {vehicle: found for vehicle, found in steps.items() if found}, fill=fill)
    if fill:
        _send_idle(one, draft, windows)
    return draft


def _send_idle(one: Indexed, draft: Draft, windows: dict[Clock, tuple[IntArray, IntArray]]) -> None:
    """Rounds of their own for vehicles still at home, through optional stops that together are worth the way."""
    for vehicle, subject in enumerate(one.vehicles):
        open_stops = np.isin(np.arange(one.n_stops), draft.left_out) & (one.prize_m > 0)
        if vehicle in draft.routes or not open_stops.any():
            continue
        clock = clock_of(subject.breaks)
        steps = _Drive(one, vehicle, clock, windows[clock]).through(open_stops)
        prizes_m = float(one.prize_m[[step for step in steps if step >= 0]].sum())
        if draft.put(vehicle, steps) and vehicle in draft.routes and route_cost_m(one, draft.routes[vehicle]) >= prizes_m:
            del draft.routes[vehicle]


def _windows(one: Indexed, clock: Clock) -> tuple[IntArray, IntArray]:
    """Earliest and latest begins on the working clock, (n_stops, most windows); unused ones never open."""
    most = max((len(each) for each in one.windows), default=1)
    early = np.full((one.n_stops, most), UNLIMITED, dtype=np.int64)
    late = np.full((one.n_stops, most), -1, dtype=np.int64)
    for stop, spans in enumerate(one.windows):
        for at, span in enumerate(spans):
            early[stop, at], late[stop, at] = clock.working_s(span.earliest_s), clock.working_s(span.latest_s)
    return early, late


@dataclass
class _Drive:
    """One vehicle on its way through the day, on its working clock."""

    one: Indexed
    vehicle: int
    clock: Clock
    windows: tuple[IntArray, IntArray]
    steps: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.subject = self.one.vehicles[self.vehicle]
        self.matrix = self.one.matrix(self.vehicle)
        self.at, self.now_s = self.subject.start, self.clock.working_s(self.subject.shift.earliest_s)
        self.set_out_s, self.back_s = self.now_s, self.clock.working_s(self.subject.shift.latest_s)
        if self.subject.duration_s_max is not None:
            self.back_s = min(self.back_s, self.now_s + self.subject.duration_s_max - self.clock.rest_s)
        self.held, self.day = self.one.aboard[self.vehicle].copy(), np.zeros_like(self.one.aboard[self.vehicle])
        self.metres = 0
        self.home_m, self.home_s = self._home()

    def through(self, open_stops: NDArray[np.bool_]) -> tuple[int, ...]:
        """The steps through the stops still open, until nothing can be added."""
        left = open_stops & self.one.allowed[self.vehicle]
        if self.subject.stops_max is not None and self.subject.stops_max <= 0:
            return ()
        while left.any():
            stops = np.flatnonzero(left)
            begin_s, could = self._could(stops)
            fits = could & (self.held + self.one.load[stops] <= self.one.capacity[self.vehicle]).all(axis=1)
            if not fits.any():
                if could.any() and self._unload():
                    continue
                break
            metres = self.matrix.distance_m[self.at, self.one.place[stops]]
            waited_s = begin_s - self.now_s - self.matrix.duration_s[self.at, self.one.place[stops]]
            best = int(np.argmin(np.where(fits, metres + WAITED_M_PER_S * waited_s, np.inf)))
            self._serve(int(stops[best]), int(begin_s[best]), int(metres[best]))
            left[stops[best]] = False
            if self.subject.stops_max is not None and sum(step >= 0 for step in self.steps) >= self.subject.stops_max:
                break
        return tuple(self.steps)

    def _could(self, stops: IntArray) -> tuple[IntArray, NDArray[np.bool_]]:
        """When each stop could begin, and whether time, metres and the day's limit allow it."""
        one, places = self.one, self.one.place[stops]
        arrive_s = (self.now_s + self.matrix.duration_s[self.at, places])[:, None]
        early, late = (each[stops] for each in self.windows)
        begins = np.maximum(arrive_s, early)
        begin_s = np.where(begins <= late, begins, UNLIMITED).min(axis=1)
        could = begin_s + one.service_s[stops] + self.home_s[places] <= self.back_s
        could &= one.release_s[stops] <= self.set_out_s
        could &= (self.day + one.load[stops] <= one.day_capacity[self.vehicle]).all(axis=1)
        if self.subject.distance_m_max is not None:
            out = self.metres + self.matrix.distance_m[self.at, places] + self.home_m[places]
            could &= out <= self.subject.distance_m_max
        return begin_s, could

    def _serve(self, stop: int, begin_s: int, metres: int) -> None:
        self.steps.append(stop)
        self.at, self.now_s = int(self.one.place[stop]), begin_s + int(self.one.service_s[stop])
        self.held, self.day = self.held + self.one.load[stop], self.day + self.one.load[stop]
        self.metres += metres

    def _unload(self) -> bool:
        """Drive to the nearest open dump; False when there is none, or nothing to unload."""
        if not self.held.any() or sum(step < 0 for step in self.steps) >= self.subject.reloads_max:
            return False
        found: list[tuple[int, int, int]] = []
        for dump in self.one.dumps_of[self.vehicle]:
            subject = self.one.problem.dumps[dump]
            arrive_s = self.now_s + int(self.matrix.duration_s[self.at, subject.place])
            spans = [self.clock.span(window) for window in ordered(subject.windows)]
            begins = [max(arrive_s, span.earliest_s) for span in spans if max(arrive_s, span.earliest_s) <= span.latest_s]
            if begins and begins[0] + subject.service_s + int(self.home_s[subject.place]) <= self.back_s:
                found.append((int(self.matrix.distance_m[self.at, subject.place]), dump, begins[0] + subject.service_s))
        if not found:
            return False
        metres, dump, self.now_s = min(found)
        self.steps.append(dump_step(dump))
        self.at, self.set_out_s = self.one.problem.dumps[dump].place, self.now_s
        self.held, self.metres = np.zeros_like(self.held), self.metres + metres
        return True

    def _home(self) -> tuple[IntArray, IntArray]:
        """Metres and seconds from every place to the end, by the nearest dump where the vehicle has to end empty."""
        metres, seconds, end = self.matrix.distance_m, self.matrix.duration_s, self.subject.end
        dumps = [self.one.problem.dumps[dump] for dump in self.one.dumps_of[self.vehicle]]
        if not self.subject.ends_empty or not dumps:
            return metres[:, end], seconds[:, end]
        via = np.array([dump.place for dump in dumps])
        best = (metres[:, via] + metres[via, end]).argmin(axis=1)
        rows, service_s = np.arange(len(metres)), np.array([dump.service_s for dump in dumps])
        out_m = metres[:, via] + metres[via, end]
        out_s = seconds[:, via] + service_s + seconds[via, end]
        return out_m[rows, best], out_s[rows, best]
