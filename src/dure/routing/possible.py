"""What no vehicle could ever do, said before a search is asked to: a reason for each stop."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from dure.routing.indexed import UNLIMITED, UNREACHABLE_M, Indexed, indexed
from dure.routing.model import Problem, Violation
from dure.routing.streams import one_stream_each
from dure.routing.timing import Timed, timed

# What a lone round trip fails by, said of the stop rather than of the route.
REASONS = {
    "route.window": "stop.window_missed",
    "route.capacity": "stop.too_big",
    "route.dump_hours": "stop.dump_closed",
    "route.dump_unknown": "stop.no_dump",
    "route.shift": "stop.too_far",
    "route.duration_max": "stop.too_far",
    "route.distance_max": "stop.too_far",
    "route.break_missing": "stop.no_break",
}


def impossible(problem: Problem) -> tuple[Violation, ...]:
    """Stops that no vehicle can serve even on a day of its own, each with its reason (`subject` is the stop).

    Codes: ``stop.no_vehicle`` (nobody is there, or has the skills), ``stop.unreachable`` (no road), ``stop.too_big``,
    ``stop.window_missed``, ``stop.dump_closed``, ``stop.no_dump``, ``stop.too_far`` (for the shift or a limit),
    ``stop.no_break``.
    """
    found = impossible_in(indexed(one_stream_each(problem)))
    return tuple(found[stop] for stop in sorted(found))


def impossible_in(one: Indexed) -> dict[int, Violation]:
    """The same by position of the stop."""
    groups = sorted(set(one.kind_of))
    found: dict[int, Violation] = {}
    sure = np.zeros(one.n_stops, dtype=np.bool_)
    for vehicle in groups:
        sure |= _surely(one, vehicle)
    for stop in np.flatnonzero(~sure).tolist():
        subject = one.problem.stops[stop]
        able = [vehicle for vehicle in groups if one.allowed[vehicle, stop]]
        if not able:
            found[stop] = Violation(code="stop.no_vehicle", subject=subject.id, words=", ".join(sorted(subject.skills)))
            continue
        codes: Counter[str] = Counter()
        for vehicle in able:
            code = _alone(one, vehicle, stop)
            if not code:
                break
            codes[code] += 1
        else:
            found[stop] = Violation(code=codes.most_common(1)[0][0], subject=subject.id)
    return found


def _surely(one: Indexed, vehicle: int) -> NDArray[np.bool_]:
    """Stops the vehicle certainly can serve, (n_stops,): by leaving at once, in the first window, home before a break is owed."""
    subject, matrix, places = one.vehicles[vehicle], one.matrix(vehicle), one.place
    out_s, latest_s = subject.shift.earliest_s, subject.shift.latest_s
    latest_s = min([latest_s, *[rest.span.latest_s for rest in subject.breaks if rest.span.latest_s > out_s]])
    latest_s = latest_s if subject.duration_s_max is None else min(latest_s, out_s + subject.duration_s_max)
    farthest_m = min(UNREACHABLE_M, UNLIMITED if subject.distance_m_max is None else subject.distance_m_max + 1)
    windows = np.array([(each[0].earliest_s, each[0].latest_s) for each in one.windows], np.int64).reshape(-1, 2)
    begin_s = np.maximum(out_s + matrix.duration_s[subject.start, places], windows[:, 0])
    leave_s, metres = begin_s + one.service_s, matrix.distance_m[subject.start, places]
    if subject.ends_empty:
        home = np.zeros(one.n_stops, dtype=np.bool_)
        for call in (one.dump_calls[dump] for dump in one.dumps_of[vehicle]):
            unload_s = np.maximum(leave_s + matrix.duration_s[places, call.place], call.windows[0].earliest_s)
            back_s = unload_s + call.service_s + matrix.duration_s[call.place, subject.end]
            out_m = metres + matrix.distance_m[places, call.place] + matrix.distance_m[call.place, subject.end]
            home |= (unload_s <= call.windows[0].latest_s) & (back_s <= latest_s) & (out_m < farthest_m)
    else:
        back_s, out_m = leave_s + matrix.duration_s[places, subject.end], metres + matrix.distance_m[places, subject.end]
        home = (back_s <= latest_s) & (out_m < farthest_m)
    fits = (one.load <= np.minimum(one.capacity[vehicle] - one.aboard[vehicle], one.day_capacity[vehicle])).all(axis=1)
    idle = subject.stops_max is not None and subject.stops_max < 1
    open_ = (begin_s <= windows[:, 1]) & (one.release_s <= out_s)
    sure: NDArray[np.bool_] = one.allowed[vehicle] & home & fits & open_ & (not idle)
    return sure


def _alone(one: Indexed, vehicle: int, stop: int) -> str:
    """Why a vehicle cannot serve a stop and nothing else; "" when it can."""
    subject, metres, place = one.vehicles[vehicle], one.matrix(vehicle).distance_m, int(one.place[stop])
    if max(int(metres[subject.start, place]), int(metres[place, subject.end])) >= UNREACHABLE_M:
        return "stop.unreachable"
    found = timed(one, vehicle, (stop,))
    if isinstance(found, Timed):
        return ""
    if found.code == "route.capacity" and one.aboard[vehicle].any() and _after_dump(one, vehicle, stop):
        return ""
    return REASONS.get(found.code, "stop.no_vehicle")


def _after_dump(one: Indexed, vehicle: int, stop: int) -> bool:
    """Whether a laden vehicle could serve the stop once it has unloaded."""
    return any(isinstance(timed(one, vehicle, (-1 - dump, stop)), Timed) for dump in one.dumps_of[vehicle])
