"""Bins that no truck can empty today, whatever else it did: no road, no truck that takes them, a window or a dump missed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from dure.routing.model import Problem
from dure.routing.possible import impossible

CODES: Mapping[str, str] = {
    "stop.no_vehicle": "no_truck_for",
    "stop.unreachable": "unreachable",
    "stop.too_big": "too_big",
    "stop.window_missed": "window_missed",
    "stop.dump_closed": "dump_closed",
    "stop.no_dump": "no_dump",
    "stop.too_far": "shift_short",
    "stop.no_break": "shift_short",
}


def obstacles(problem: Problem) -> dict[str, str]:
    """Stops no vehicle can serve on a day of its own, each with its reason; the problem has its matrices."""
    if not problem.vehicles:
        return {one.id: "no_truck" for one in problem.stops}
    lost = set.intersection(*(set(problem.matrices[one.profile].unreached) for one in problem.vehicles))
    found = {one.id: "unreachable" for one in problem.stops if one.place in lost}
    for one in impossible(without(problem, found)):
        found[one.subject] = CODES[one.code]
    return found


def without(problem: Problem, stops: Iterable[str]) -> Problem:
    """The problem without some of its stops; rows of the matrix stay as they are."""
    gone = set(stops)
    return replace(problem, stops=tuple(one for one in problem.stops if one.id not in gone)) if gone else problem
