"""The waste-collection instances of Kim, Kim and Sahoo (2006) as our problems.

Computers & Operations Research 33 (2006) 3624-3642, 10.1016/j.cor.2005.02.045. Their rules: Manhattan distance, one speed, a full
vehicle drives to a disposal site, it comes back empty, lunch begins between 11:00 and 12:00, and a day has most yards and stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dure.routing.model import Break, Dump, Matrix, Problem, Span, Stop, Vehicle

FEET_PER_MILE = 5280
LUNCH = Span(11 * 3600, 12 * 3600)
# Loads have one decimal in some files; the solver takes whole numbers.
TENTHS = 10
DEPOT, STOP, LANDFILL = 0, 1, 2


@dataclass(frozen=True)
class Line:
    """A line of a file; times in seconds of the day."""

    id: str
    x_ft: float
    y_ft: float
    early_s: int
    late_s: int
    service_s: int
    load_yd: float
    kind: int


@dataclass(frozen=True)
class Limits:
    """The five lines at the top of a file."""

    capacity_yd: float
    day_yd: float
    day_stops: int
    lunch_s: int
    speed_mph: float


def read(path: Path) -> tuple[Limits, list[Line]]:
    """A file: blanks or tabs, quoted header words, remarks after ``//``, empty columns at the end."""
    lines = [line.split("//")[0].split() for line in path.read_text("utf-8").splitlines() if line.strip()]
    capacity, day, stops, lunch, speed = (float(line[0]) for line in lines[:5])
    return Limits(capacity, day, int(stops), int(lunch), speed), [_line(words) for words in lines[6:]]


def _line(words: list[str]) -> Line:
    x, y = map(float, words[1:3])
    early, late = _clock(words[3])[1], _clock(words[4])[0]
    return Line(words[0], x, y, early, late, int(float(words[5])), float(words[6]), int(words[7]))


def _clock(text: str) -> tuple[int, int]:
    """Seconds of HHMM. One file has 1675, which is either 17:15 or 16:45: the earlier and the later reading."""
    hours, minutes = divmod(int(text), 100)
    readings = [hours * 3600 + minutes * 60]
    if minutes >= 60:
        readings.append(hours * 3600 + minutes * 36)
    return min(readings), max(readings)


def problem_of(path: Path, vehicles_n: int) -> Problem:
    """The file as a problem with so many vehicles. Its metres are feet; seconds are rounded up."""
    limits, lines = read(path)
    xy = np.array([(one.x_ft, one.y_ft) for one in lines])
    feet = np.abs(xy[:, None] - xy[None]).sum(axis=2)
    seconds = np.ceil(feet / FEET_PER_MILE * 3600 / limits.speed_mph).astype(np.int64)
    depot = next(at for at, one in enumerate(lines) if one.kind == DEPOT)
    hours = Span(lines[depot].early_s, lines[depot].late_s)
    dumps = tuple(
        Dump(id=one.id, place=at, service_s=one.service_s, windows=(Span(one.early_s, one.late_s),))
        for at, one in enumerate(lines)
        if one.kind == LANDFILL
    )
    stops = tuple(
        Stop(
            id=one.id,
            place=at,
            load=(round(one.load_yd * TENTHS),),
            service_s=one.service_s,
            windows=(Span(one.early_s, one.late_s),),
        )
        for at, one in enumerate(lines)
        if one.kind == STOP
    )
    vehicles = tuple(
        Vehicle(
            id=f"v{number + 1}",
            start=depot,
            end=depot,
            capacity=(round(limits.capacity_yd * TENTHS),),
            day_capacity=(round(limits.day_yd * TENTHS),),
            shift=hours,
            dumps=tuple(one.id for one in dumps),
            ends_empty=True,
            reloads_max=40,
            breaks=(Break(span=LUNCH, duration_s=limits.lunch_s, source="lunch"),),
            stops_max=limits.day_stops,
        )
        for number in range(vehicles_n)
    )
    matrix = Matrix("", np.rint(feet).astype(np.int64), seconds)
    return Problem(xy, stops, vehicles, {"": matrix}, dumps, ("tenth of a cubic yard",))


def miles(feet: float) -> float:
    return feet / FEET_PER_MILE
