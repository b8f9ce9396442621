"""Trucks that are out and have nothing more to empty still unload and come home: a router that plans stops forgets them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dure.routing.model import Dump, Matrix, Plan, Problem, Route, Vehicle, Visit


def homeward(problem: Problem, plan: Plan) -> Plan:
    """The plan with a way home for each vehicle that is away or laden and has no route."""
    busy = {one.vehicle for one in plan.routes}
    added = [
        _home(problem, one)
        for one in problem.vehicles
        if one.id not in busy and (any(one.aboard) or one.start != one.end) and one.profile in problem.matrices
    ]
    if not added:
        return plan
    cost = plan.cost_m + round(
        sum(route.distance_m * vehicle.metre_m for route in added for vehicle in problem.vehicles if vehicle.id == route.vehicle)
    )
    return msgspec.structs.replace(plan, routes=(*plan.routes, *added), cost_m=cost)


def _home(problem: Problem, vehicle: Vehicle) -> Route:
    """Straight home, by the dump that lets it be home first when it must unload; a closed one is waited for."""
    matrix = problem.matrices[vehicle.profile]
    dumps = [one for one in problem.dumps if one.id in vehicle.dumps] if vehicle.ends_empty and any(vehicle.aboard) else []
    ways = [_way(vehicle, matrix, [one]) for one in dumps] or [_way(vehicle, matrix, [])]
    return min(ways, key=lambda route: route.visits[-1].arrive_s)


def _way(vehicle: Vehicle, matrix: Matrix, dumps: Iterable[Dump]) -> Route:
    at_s, place, metres = vehicle.shift.earliest_s, vehicle.start, 0
    visits = [Visit(kind="start", id=vehicle.id, place=place, arrive_s=at_s, begin_s=at_s, leave_s=at_s)]
    for dump in dumps:
        arrive_s = at_s + int(matrix.duration_s[place, dump.place])
        begins = [max(arrive_s, one.earliest_s) for one in dump.windows if arrive_s <= one.latest_s]
        begin_s = min(begins, default=arrive_s)
        metres, at_s = metres + int(matrix.distance_m[place, dump.place]), begin_s + dump.service_s
        place = dump.place
        visits.append(Visit(kind="dump", id=dump.id, place=place, arrive_s=arrive_s, begin_s=begin_s, leave_s=at_s))
    at_s += int(matrix.duration_s[place, vehicle.end])
    metres += int(matrix.distance_m[place, vehicle.end])
    visits.append(Visit(kind="end", id=vehicle.id, place=vehicle.end, arrive_s=at_s, begin_s=at_s, leave_s=at_s))
    return Route(vehicle=vehicle.id, visits=tuple(visits), distance_m=metres)
