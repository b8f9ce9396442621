"""What each bin costs the plan: metres its removal saves, and metres its insertion elsewhere would add.

Metres alone: whether another truck would also have the time and the room is not asked. For bins in the plan this is the price
of keeping them, for the others the price at which they were turned down.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from dure.routing.model import IntArray, Plan, Problem, Stop, Vehicle

NO_WAY_M = 1 << 40


class Marginal(NamedTuple):
    """Metres of a stop.

    Attributes
    ----------
    truck, added_m : the vehicle that serves it and what its removal saves; of a stop nobody serves: the vehicle that could most
        cheaply, and what it would add
    other, other_m : the next best vehicle; "" when none may
    """

    truck: str
    added_m: int
    other: str = ""
    other_m: int = 0


def marginals(problem: Problem, plan: Plan) -> dict[str, Marginal]:
    """The metres of every stop of the problem that any vehicle may serve."""
    saved = {stop: (vehicle, metres) for vehicle, stop, metres in _saved(problem, plan)}
    vehicles = [one.id for one in problem.vehicles]
    cost = _insertions(problem, plan)
    found: dict[str, Marginal] = {}
    for at, stop in enumerate(problem.stops):
        mine = saved.get(stop.id)
        column = cost[:, at].copy()
        if mine is not None:
            column[vehicles.index(mine[0])] = NO_WAY_M
        order = np.argsort(column, kind="stable")[:2].tolist()
        options = [(vehicles[one], int(column[one])) for one in order if column[one] < NO_WAY_M]
        first = mine or (options.pop(0) if options else None)
        if first is not None:
            found[stop.id] = Marginal(*first, *(options[0] if options else ("", 0)))
    return found


def _saved(problem: Problem, plan: Plan) -> Iterator[tuple[str, str, int]]:
    """(vehicle, stop, metres) that leaving it out would save."""
    vehicles = {one.id: one for one in problem.vehicles}
    for route in plan.routes:
        metres = problem.matrices[vehicles[route.vehicle].profile].distance_m
        for before, visit, after in zip(route.visits, route.visits[1:], route.visits[2:], strict=False):
            if visit.kind == "stop":
                around = metres[before.place, visit.place] + metres[visit.place, after.place]
                yield route.vehicle, visit.id, int(around - metres[before.place, after.place])


def _insertions(problem: Problem, plan: Plan) -> IntArray:
    """(n_vehicles, n_stops) metres that the cheapest insertion into each vehicle's route adds; `NO_WAY_M` where it may not."""
    routes = {one.vehicle: one for one in plan.routes if one.stops}
    place = np.array([one.place for one in problem.stops], np.int64)
    streams = frozenset(word for dump in problem.dumps for word in dump.accepts)
    words = {one.id: one.skills for one in problem.stops}
    found = np.full((len(problem.vehicles), len(place)), NO_WAY_M, np.int64)
    for at, vehicle in enumerate(problem.vehicles):
        route = routes.get(vehicle.id)
        matrix = problem.matrices[vehicle.profile]
        if route is None:
            found[at] = _alone(problem, vehicle, place)
            carried: frozenset[str] = frozenset()
        else:
            legs = np.array([(a.place, b.place) for a, b in pairwise(route.visits)], np.int64)
            metres = matrix.distance_m
            added = (
                metres[np.ix_(legs[:, 0], place)] + metres[np.ix_(place, legs[:, 1])].T - metres[legs[:, 0], legs[:, 1]][:, None]
            )
            found[at] = added.min(axis=0)
            carried = frozenset(word for stop in route.stops for word in words.get(stop, frozenset()) & streams)
        found[at][~_may(problem.stops, vehicle, carried, streams)] = NO_WAY_M
        found[at][np.isin(place, np.array([*matrix.unreached], np.int64))] = NO_WAY_M
    return found


def _alone(problem: Problem, vehicle: Vehicle, place: IntArray) -> IntArray:
    """Metres of sending a vehicle out that stays at home in the plan, what its use weighs included."""
    metres = problem.matrices[vehicle.profile].distance_m
    ends = [
        metres[place, one.place] + metres[one.place, vehicle.end] for one in problem.dumps if one.id in vehicle.dumps
    ]  # fmt: skip
    home = np.min(ends, axis=0) if ends and vehicle.ends_empty else metres[place, vehicle.end]
    return np.asarray(metres[vehicle.start, place] + home + vehicle.fixed_m, np.int64)


def _may(
    stops: tuple[Stop, ...], vehicle: Vehicle, carried: frozenset[str], streams: frozenset[str]
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether the vehicle takes each stop: its skills, and the stream it already carries."""
    return np.array(
        [one.skills <= vehicle.skills and (not carried or one.skills & streams <= carried) for one in stops], np.bool_
    )
