"""Planning again without turning the day upside down: after an edit, a breakdown, a bin that called.

Drivers know their rounds, and a stop that changes trucks has to be told to two people. So a stop served by another truck than
before, or left out, costs metres (`keep_m`): the model gives every truck a map of its own, on which other trucks' stops are
farther away.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from dure.routing.build import Options, model_of, solution_of, steps_in
from dure.routing.draft import Draft, draft_of
from dure.routing.greedy import nearest_first
from dure.routing.indexed import Indexed, Steps, indexed, steps_of
from dure.routing.model import Budget, IntArray, Plan, Problem
from dure.routing.room import refilled, with_room
from dure.routing.search import Search, tuning_for
from dure.routing.solve import better_of, must_prize_m, with_lost, without_impossible
from dure.routing.stopping import Stopwatch, watch
from dure.routing.streams import one_stream_each

# One map for each truck: so many numbers in all of them together are held at once.
CELLS_MAX = 16_000_000
# In a short search fewer: making the maps must not take longer than searching.
CELLS_PER_CPU_S = 4_000_000
# What moving a stop costs at first, in mean legs of the plan, and by how much it rises when too many moved.
LEGS_FIRST, LEGS_RISE, ATTEMPTS = 0.3, 4.0, 3


def resolve(problem: Problem, before: Plan, budget: Budget, keep: float) -> Plan:
    """A plan of the changed day that leaves most stops with the truck they had.

    Parameters
    ----------
    problem : the day as it is now; a truck that broke down is no longer among its vehicles
    before : the plan everybody knows; stops of vehicles that are gone are free to go anywhere
    budget : for all of it
    keep : the largest share of the untouched stops that may change trucks to save metres, in [0, 1]; those that must, because
        their truck cannot serve them any more, come on top

    Returns
    -------
    A plan every route of which keeps every rule, as `solve.solve` returns it.
    """
    stop = watch(budget)
    problem = one_stream_each(problem, before)
    kept, lost = without_impossible(problem)
    one = indexed(kept)
    if not one.vehicles or one.n_stops == 0:
        return with_lost(problem, Draft(one).plan(), lost)
    known = steps_of(one, before)
    warm = draft_of(one, known, fill=False)
    if not warm.complete:
        warm = with_room(one, warm)
    if not warm.complete:
        warm = better_of(warm, _squeezed(one, warm))
    warm = refilled(warm)
    best = _improved(one, warm, keep, (stop, budget.seed), homes_of(one, known))
    return with_lost(problem, best.plan(), lost)


def homes_of(one: Indexed, steps: dict[int, Steps]) -> IntArray:
    """The vehicle of each stop, (n_stops,); -1 where it has none."""
    homes = np.full(one.n_stops, -1, dtype=np.int64)
    for vehicle, route in steps.items():
        homes[[step for step in route if step >= 0]] = vehicle
    return homes


def moved(draft: Draft, homes: IntArray) -> set[int]:
    """The stops that had a vehicle and are not served by it any more: by another, or by none."""
    now = homes_of(draft.one, draft.steps())
    return set(np.flatnonzero((homes >= 0) & (now != homes)).tolist())


def _squeezed(one: Indexed, warm: Draft) -> Draft:
    """Room made for stops that must be served: the optional ones are taken out first, and come back where there is room."""
    steps = {
        vehicle: tuple(step for step in route.steps if step < 0 or one.is_must(step)) for vehicle, route in warm.routes.items()
    }
    bare = draft_of(one, steps)
    return bare if bare.complete else better_of(bare, nearest_first(one))


def _improved(one: Indexed, warm: Draft, keep: float, limits: tuple[Stopwatch, int], homes: IntArray) -> Draft:
    """The cheapest draft found that moves few enough stops; the first one when there is none."""
    stop, seed = limits
    forced = moved(warm, homes)
    most = keep * float((homes >= 0).sum()) + len(forced)
    cells_max = CELLS_MAX if stop.cpu_s is None else min(CELLS_MAX, int(CELLS_PER_CPU_S * stop.cpu_s))
    around = _around(one, warm, homes, cells_max)
    legs = sum(len(route.steps) + 1 for route in warm.routes.values())
    leg_m = sum(route.distance_m for route in warm.routes.values()) / max(legs, 1)
    best, price_m = warm, LEGS_FIRST * leg_m
    for attempt in range(ATTEMPTS):
        if stop.over():
            break
        share = stop.share(0.6 if attempt < ATTEMPTS - 1 else 1.0)
        found = _searched(one, best, around, (share, seed + attempt), (homes, round(price_m)))
        stop.spend(share)
        if len(moved(found, homes)) > most:
            price_m *= LEGS_RISE
            continue
        best = better_of(best, found)
    return best


def _around(one: Indexed, warm: Draft, homes: IntArray, cells_max: int) -> list[int]:
    """The vehicles worth planning again: those with stops new to them, then their nearest, as many as maps may be held of."""
    fresh = {step for vehicle, route in warm.routes.items() for step in route.steps if step >= 0 and homes[step] != vehicle}
    lon_lat = one.problem.lon_lat
    middle = {
        vehicle: lon_lat[one.place[[step for step in route.steps if step >= 0]]].mean(axis=0)
        for vehicle, route in warm.routes.items()
    }
    touched = [vehicle for vehicle, route in warm.routes.items() if fresh.intersection(route.steps)]
    seeds = np.array([middle[vehicle] for vehicle in touched or warm.routes])
    apart = {vehicle: float(np.hypot(*(seeds - at).T).min()) if len(seeds) else 0.0 for vehicle, at in middle.items()}
    idle = [vehicle for vehicle in range(len(one.vehicles)) if vehicle not in warm.routes]
    chosen: list[int] = []
    stops_n = len(warm.left_out)
    for vehicle in [*sorted(apart, key=lambda each: (each not in touched, apart[each])), *idle]:
        stops_n += len(warm.routes[vehicle].steps) if vehicle in warm.routes else 0
        if chosen and (len(chosen) + 1) * stops_n**2 > cells_max:
            break
        chosen.append(vehicle)
    return sorted(chosen)


def _searched(one: Indexed, warm: Draft, around: list[int], limits: tuple[Stopwatch, int], price: tuple[IntArray, int]) -> Draft:
    """A draft in which the vehicles around were planned again with a price on every move."""
    stop, seed = limits
    homes, keep_m = price
    stops = sorted([*[step for vehicle in around if vehicle in warm.routes for step in _stops(warm, vehicle)], *warm.left_out])
    part = part_of(one, around, stops)
    at_vehicle = {vehicle: at for at, vehicle in enumerate(around)}
    home = np.array([at_vehicle.get(int(homes[stop_]), -1) for stop_ in stops], dtype=np.int64)
    at_stop = {stop_: at for at, stop_ in enumerate(stops)}
    first = Draft(part)
    for vehicle in around:
        if vehicle in warm.routes:
            first.put(at_vehicle[vehicle], [at_stop[step] if step >= 0 else step for step in warm.routes[vehicle].steps])
    options = Options(None if first.complete else must_prize_m(part), home=home, keep_m=keep_m, confined_day=True)
    model = model_of(part, options)
    search = Search(model.data, seed, tuning_for(len(stops)))
    found = steps_in(model, search.run(search.first(solution_of(model, list(first.routes.values()))), stop))
    steps = {vehicle: route.steps for vehicle, route in warm.routes.items() if vehicle not in at_vehicle}
    steps |= {around[at]: tuple(stops[step] if step >= 0 else step for step in route) for at, route in found.items()}
    return draft_of(one, steps, fill=False)


def part_of(one: Indexed, vehicles: Iterable[int], stops: Iterable[int]) -> Indexed:
    """Some vehicles and some stops as a problem of their own; dumps and places keep their numbers."""
    problem = one.problem
    return indexed(
        replace(
            problem,
            stops=tuple(problem.stops[stop] for stop in stops),
            vehicles=tuple(problem.vehicles[vehicle] for vehicle in vehicles),
        )
    )


def _stops(draft: Draft, vehicle: int) -> list[int]:
    return [step for step in draft.routes[vehicle].steps if step >= 0]
