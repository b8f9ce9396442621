"""The nouns of routing. Seconds count from the local midnight the day of work begins with; they may pass 86,400.

Distances are metres, times seconds, both whole numbers: the solver takes no others. Costs are metres too: one cost,
so that a prize says how far a vehicle may drive for a stop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
VisitKind = Literal["start", "stop", "dump", "break", "end"]

DAY_S = 86_400


class Span(msgspec.Struct, frozen=True):
    """A time span ``[earliest_s, latest_s]`` in which something may begin."""

    earliest_s: int = 0
    latest_s: int = 2 * DAY_S


ALWAYS = Span()


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be served once.

    Attributes
    ----------
    place : row of the matrix
    load : what it adds to the vehicle, one number for each dimension of the problem, >= 0
    prize_m : how many metres the fleet may drive to serve it; None when it must be served
    windows : service begins in one of them; empty: any time of day
    skills : what the vehicle must have (a stream it takes, a lift, a key), all of them
    """

    id: str
    place: int
    load: tuple[int, ...] = ()
    service_s: int = 0
    prize_m: int | None = None
    windows: tuple[Span, ...] = ()
    release_s: int = 0
    skills: frozenset[str] = frozenset()


class Dump(msgspec.Struct, frozen=True, kw_only=True):
    """Where vehicles empty themselves. `accepts`: streams it takes, as skills of vehicles; empty: all."""

    id: str
    place: int
    service_s: int = 0
    windows: tuple[Span, ...] = ()
    accepts: frozenset[str] = frozenset()


class Break(msgspec.Struct, frozen=True, kw_only=True):
    """A rest of `duration_s` that begins within the span; `source` says which rule asks for it."""

    span: Span
    duration_s: int
    source: str = ""


class Vehicle(msgspec.Struct, frozen=True, kw_only=True):
    """One vehicle and its crew for the day.

    Attributes
    ----------
    start, end : rows of the matrix, where its day begins and ends
    capacity : most it holds, one number for each dimension of the problem
    aboard : what it already carries at its start, such as a truck re-planned in the middle of its day
    day_capacity : most it may collect in the whole day, all trips together; empty: no limit
    shift : leaves at `earliest_s` or later, is back at `latest_s` or earlier
    dumps : ids of those it may use; empty: it has none and never unloads on the way
    ends_empty : it must visit a dump after its last stop, before `end`
    reloads_max : how often it may unload on the way, the last dump not counted
    fixed_m : cost of using it at all
    second_m : cost of one second of its route, in metres
    """

    id: str
    start: int
    end: int
    capacity: tuple[int, ...] = ()
    aboard: tuple[int, ...] = ()
    day_capacity: tuple[int, ...] = ()
    shift: Span = ALWAYS
    profile: str = ""
    skills: frozenset[str] = frozenset()
    dumps: tuple[str, ...] = ()
    ends_empty: bool = False
    reloads_max: int = 8
    breaks: tuple[Break, ...] = ()
    distance_m_max: int | None = None
    duration_s_max: int | None = None
    stops_max: int | None = None
    fixed_m: int = 0
    metre_m: float = 1.0
    second_m: float = 0.0


@dataclass(frozen=True)
class Matrix:
    """Travel between n places by one profile of vehicle.

    Attributes
    ----------
    distance_m, duration_s : (n, n) int64, row = from, column = to; not symmetric
    graph_version : which roads; "" when estimated
    estimated : from distances as the crow flies, and to be said wherever a figure made of it is shown
    snap_m : (n,) metres between each place and the point of the road it was taken for
    unreached : rows no road leads to; what stands in them is no distance
    """

    profile: str
    distance_m: IntArray
    duration_s: IntArray
    graph_version: str = ""
    estimated: bool = False
    snap_m: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    unreached: tuple[int, ...] = ()

    def take(self, rows: Sequence[int] | IntArray) -> Matrix:
        """The matrix of some of the places, in that order."""
        chosen = np.asarray(rows, np.int64)
        if np.array_equal(chosen, np.arange(len(self.distance_m))):
            return self
        lost = np.isin(chosen, np.array(self.unreached, np.int64))
        return replace(
            self,
            distance_m=_cut(self.distance_m, chosen),
            duration_s=_cut(self.duration_s, chosen),
            snap_m=self.snap_m[chosen] if len(self.snap_m) else self.snap_m,
            unreached=tuple(np.flatnonzero(lost).tolist()),
        )


def _cut(table: IntArray, rows: IntArray) -> IntArray:
    """The rows and columns of a table. Runs of neighbours are copied as blocks: days of a city differ by few stops."""
    starts = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
    if 4 * len(starts) >= len(rows):
        return table[np.ix_(rows, rows)]
    ends = np.append(starts[1:], len(rows))
    found = np.empty((len(rows), len(rows)), table.dtype)
    for a, b in zip(starts.tolist(), ends.tolist(), strict=True):
        for c, d in zip(starts.tolist(), ends.tolist(), strict=True):
            found[a:b, c:d] = table[rows[a] : rows[b - 1] + 1, rows[c] : rows[d - 1] + 1]
    return found


@dataclass(frozen=True)
class Problem:
    """A day to be routed.

    Attributes
    ----------
    lon_lat : (n, 2) places, for cutting the city into sectors and for maps only
    dimensions : names of the numbers in loads and capacities, such as ("litre", "kg")
    matrices : by profile; every vehicle's profile is there
    """

    lon_lat: NDArray[np.float64]
    stops: tuple[Stop, ...]
    vehicles: tuple[Vehicle, ...]
    matrices: Mapping[str, Matrix]
    dumps: tuple[Dump, ...] = ()
    dimensions: tuple[str, ...] = ()


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a route: arrives, begins (after waiting), leaves. `id` is the stop's, the dump's or the vehicle's."""

    kind: VisitKind
    id: str
    place: int
    arrive_s: int
    begin_s: int
    leave_s: int


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A vehicle's day, from `start` to `end`."""

    vehicle: str
    visits: tuple[Visit, ...]
    distance_m: int

    @property
    def stops(self) -> tuple[str, ...]:
        """Ids of the stops in order."""
        return tuple(one.id for one in self.visits if one.kind == "stop")

    @property
    def duration_s(self) -> int:
        """From leaving to being back."""
        return self.visits[-1].leave_s - self.visits[0].leave_s if self.visits else 0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Routes of a day; `skipped` are the stops nobody serves.

    `cost_m` is what the solver minimises: driving, fixed costs, and the prizes left behind.
    """

    routes: tuple[Route, ...]
    skipped: tuple[str, ...] = ()
    cost_m: int = 0
    feasible: bool = True

    @property
    def distance_m(self) -> int:
        """Metres driven by all."""
        return sum(one.distance_m for one in self.routes)


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a plan: a stable code, where, and by how much."""

    code: str
    vehicle: str = ""
    subject: str = ""
    amount: float = 0.0
    words: str = ""


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """How long to search: processor seconds of one thread, or iterations (the same on every machine); the first to end.

    A search that must be repeatable says iterations only. With no iterations nothing is searched: the answer is the start made
    drivable, or each vehicle to the nearest stop, and PyVRP is not asked at all.
    """

    cpu_s: float | None = None
    iterations: int | None = None
    seed: int = 1
