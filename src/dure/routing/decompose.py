"""Large plans improved in parts: groups of neighbouring routes, cut by angle and cut elsewhere each round.

A local search spends most of its time on moves between stops that have nothing to do with each other. A group of a few routes
is a small problem of its own; solved from what it is now, it comes back no worse. The cut is turned every round, so that routes
that met a border once stand in the middle next time. Groups by angle: Taillard 1993, 10.1002/net.3230230804.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyvrp import Activity, ActivityType, Client, ClientGroup, ProblemData, Route, Solution

from dure.routing.search import Penalties, Search
from dure.routing.stopping import Stopwatch


@dataclass(frozen=True)
class Part:
    """Some routes of a solution as a problem of their own; `clients` and `types` are the numbers in the whole."""

    data: ProblemData
    start: Solution
    clients: tuple[int, ...]
    types: tuple[int, ...]


def improved_in_parts(search: Search, whole: Solution, stop: Stopwatch, parts_n: int, turn: float) -> Solution:
    """The solution after one round: every group of routes searched with an equal share of the watch.

    Parameters
    ----------
    search : the search of the whole; the parts take over its tuning and penalties
    whole : the solution to improve
    stop : what the round may spend
    parts_n : into how many groups
    turn : where the cut begins, in parts of a turn
    """
    groups = groups_by_angle(search.data, whole, parts_n, turn)
    waiting = unserved_by_group(search.data, whole, groups)
    kept: dict[int, list[Route]] = {at: [route] for at, route in enumerate(whole.routes())}
    for number, group in enumerate(groups):
        watch = stop.share(1 / (len(groups) - number))
        part = part_of(search.data, whole, Group(group, waiting[number], number, len(groups)))
        found = Search(part.data, search.seed + number, search.tuning, _for(part.data, search.penalties))
        better = found.run(part.start, watch)
        stop.spend(watch)
        if better.is_feasible() or not part.start.is_feasible():
            kept.update({at: list[Route]() for at in group})
            kept[group[0]] = _in_whole(search.data, part, better)
    return Solution(search.data, [route for routes in kept.values() for route in routes])


def _for(data: ProblemData, penalties: Penalties | None) -> Penalties | None:
    return penalties if penalties is not None and len(penalties[0]) == data.num_load_dimensions else None


def groups_by_angle(data: ProblemData, whole: Solution, parts_n: int, turn: float) -> list[list[int]]:
    """Numbers of the routes, in groups of about equally many stops by the angle of their middles seen from the centre of all."""
    places = np.array([(one.x, one.y) for one in data.locations()])
    clients = np.array([one.location for one in data.clients()])
    routes = whole.routes()
    middles = np.array([places[[clients[each.idx] for each in one if each.is_client()] or [0]].mean(axis=0) for one in routes])
    centre = np.array([places[data.depot(one.start_depot()).location] for one in routes]).mean(axis=0)
    angle = (np.arctan2(*(middles - centre).T) / (2 * np.pi) + turn) % 1.0
    sizes = np.array([one.num_clients() for one in routes])
    order = np.argsort(angle, kind="stable")
    part = np.minimum((np.cumsum(sizes[order]) - sizes[order] / 2) * parts_n // max(int(sizes.sum()), 1), parts_n - 1)
    return [order[part == each].tolist() for each in range(parts_n) if (part == each).any()]


@dataclass(frozen=True)
class Group:
    """Numbers of routes, the stops nobody serves that lie next to theirs, and which of how many groups it is."""

    routes: Sequence[int]
    waiting: Sequence[int]
    number: int
    of: int


def part_of(data: ProblemData, whole: Solution, group: Group) -> Part:
    """A group of routes as a problem: their stops, their vehicles, a share of the idle ones, and stops that wait nearby."""
    routes = whole.routes()
    clients = [each.idx for at in group.routes for each in routes[at] if each.is_client()]
    clients += group.waiting
    chosen, groups = _whole_groups(data, clients)
    depots, vehicle_types = data.depots(), data.vehicle_types()
    rows = sorted({data.client(one).location for one in chosen} | {one.location for one in depots})
    row = {place: at for at, place in enumerate(rows)}
    types, counts = _fleet(data, whole, group)
    cut = np.ix_(rows, rows)
    locations, old = data.locations(), data.clients()
    member = {client: at for at, one in enumerate(groups) for client in one}
    sub = ProblemData(
        [locations[place] for place in rows],
        [_moved(old[one], row, member.get(at)) for at, one in enumerate(chosen)],
        [type(one)(row[one.location], one.tw_early, one.tw_late, one.service_duration) for one in depots],
        [vehicle_types[kind].replace(num_available=counts[kind]) for kind in types],
        _cut(data.distance_matrices(), cut),
        _cut(data.duration_matrices(), cut),
        [ClientGroup(one, required=data.group(old[chosen[one[0]]].group or 0).required) for one in groups],
    )
    at_client = {one: at for at, one in enumerate(chosen)}
    at_type = {kind: at for at, kind in enumerate(types)}
    start = Solution(sub, [Route(sub, _steps(routes[at], at_client), at_type[routes[at].vehicle_type()]) for at in group.routes])
    return Part(sub, start, tuple(chosen), tuple(types))


def unserved_by_group(data: ProblemData, whole: Solution, groups: Sequence[Sequence[int]]) -> list[list[int]]:
    """The stops nobody serves, each with the group that has the nearest stop; they may come in there."""
    found: list[list[int]] = [[] for _ in groups]
    waiting = _unserved(data, whole)
    routes = whole.routes()
    served = [(at, each.idx) for at, group in enumerate(groups) for one in group for each in routes[one] if each.is_client()]
    if not waiting or not served:
        return found
    places = np.array([(one.x, one.y) for one in data.locations()], float)
    clients = np.array([one.location for one in data.clients()])
    there = places[clients[[client for _, client in served]]]
    for client in waiting:
        nearest = int(((there - places[clients[client]]) ** 2).sum(axis=1).argmin())
        found[served[nearest][0]].append(client)
    return found


def _unserved(data: ProblemData, whole: Solution) -> list[int]:
    """The clients nobody visits, in whatever window; one for each group."""
    idle = {each.idx for each in whole.unplanned() if each.is_client()}
    found: list[int] = []
    for client in sorted(idle):
        of = data.client(client).group
        together = [client] if of is None else list(data.group(of).clients)
        if client == together[0] and idle.issuperset(together):
            found.append(client)
    return found


def _cut(matrices: Sequence[Any], cut: tuple[Any, ...]) -> list[Any]:
    """The rows and columns of a part; PyVRP's stubs name arrays in a way numpy's do not."""
    return [matrix[cut] for matrix in matrices]


def _whole_groups(data: ProblemData, clients: Sequence[int]) -> tuple[list[int], list[list[int]]]:
    """The clients with the others of their groups, and the groups by position in that list."""
    chosen: list[int] = []
    seen: set[int] = set()
    groups: list[list[int]] = []
    for client in clients:
        if client in seen:
            continue
        of = data.client(client).group
        together = [client] if of is None else list(data.group(of).clients)
        if of is not None:
            groups.append(list(range(len(chosen), len(chosen) + len(together))))
        chosen += together
        seen.update(together)
    return chosen, groups


def _moved(client: Client, row: dict[int, int], group: int | None) -> Client:
    """The client at its row of the smaller matrix."""
    return Client(
        row[client.location],
        client.delivery,
        client.pickup,
        client.service_duration,
        client.tw_early,
        client.tw_late,
        client.release_time,
        client.prize,
        client.required,
        group,
    )


def _fleet(data: ProblemData, whole: Solution, group: Group) -> tuple[list[int], dict[int, int]]:
    """Vehicle types of a part and how many of each: those its routes use, and its share of the idle ones."""
    routes = whole.routes()
    used, mine = dict[int, int](), dict[int, int]()
    for one in routes:
        used[one.vehicle_type()] = used.get(one.vehicle_type(), 0) + 1
    for at in group.routes:
        mine[routes[at].vehicle_type()] = mine.get(routes[at].vehicle_type(), 0) + 1
    counts = {
        kind: mine.get(kind, 0) + len(range(group.number, one.num_available - used.get(kind, 0), group.of))
        for kind, one in enumerate(data.vehicle_types())
    }
    types = [kind for kind, count in counts.items() if count > 0]
    return types, counts


def _steps(route: Route, at_client: dict[int, int]) -> list[Activity]:
    """A route's clients and reloads with the numbers of the part."""
    inner = list(route)[1:-1]
    return [
        Activity(ActivityType.CLIENT, at_client[each.idx]) if each.is_client() else Activity(each.type, each.idx)
        for each in inner
    ]


def _in_whole(data: ProblemData, part: Part, found: Solution) -> list[Route]:
    """The routes of a part with the numbers of the whole."""
    routes: list[Route] = []
    for route in found.routes():
        inner = list(route)[1:-1]
        steps = [
            Activity(ActivityType.CLIENT, part.clients[each.idx]) if each.is_client() else Activity(each.type, each.idx)
            for each in inner
        ]
        routes.append(Route(data, steps, part.types[route.vehicle_type()]))
    return routes
