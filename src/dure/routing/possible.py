"""What no vehicle could ever do, said before a search is asked to: a reason for each stop."""

from __future__ import annotations

from collections import Counter

from dure.routing.indexed import UNREACHABLE_M, Indexed, indexed
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
    for stop, subject in enumerate(one.problem.stops):
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
