"""Room made for stops that must be served in a day that is full: optional stops give way, as few and as cheap as can be."""

from __future__ import annotations

import numpy as np

from dure.routing.draft import Draft
from dure.routing.indexed import Indexed, Steps

# How many routes near a stop are tried, and how many stops of one may give way.
ROUTES_TRIED, GIVE_WAY_MAX = 4, 12
# Optional stops that found no room one after another, until the others are not asked: the most wanted are asked first.
PATIENCE = 3


def with_room(one: Indexed, draft: Draft) -> Draft:
    """The draft with every must stop put in that can be where optional stops give way."""
    made = Draft(one, dict(draft.routes))
    for stop in [each for each in made.left_out if one.is_must(each)]:
        if not made.insert(stop):
            _insert(one, made, stop)
    return made


def refilled(draft: Draft) -> Draft:
    """The draft with the most wanted of the stops left out put in where there is room for them; it is changed."""
    one, failed = draft.one, 0
    for stop in sorted(draft.left_out, key=lambda each: -int(one.prize_m[each])):
        if failed >= PATIENCE:
            break
        failed = 0 if draft.insert(stop, limit_m=float(max(one.prize_m[stop], 0))) else failed + 1
    return draft


def _insert(one: Indexed, draft: Draft, stop: int) -> None:
    """Serve the stop by the route in which the least is lost; nothing changes where no route can."""
    best: tuple[float, Draft] | None = None
    for vehicle in _nearest(one, draft, stop):
        tried = _tried(one, draft, vehicle, stop)
        if tried is not None and (best is None or tried.cost_m() < best[0]):
            best = tried.cost_m(), tried
    if best is not None:
        draft.routes = best[1].routes


def _nearest(one: Indexed, draft: Draft, stop: int) -> list[int]:
    """The vehicles on the road that may serve the stop, those that pass nearest first."""
    here = int(one.place[stop])
    near: dict[int, int] = {}
    for vehicle, route in draft.routes.items():
        stops = [step for step in route.steps if step >= 0]
        if one.allowed[vehicle, stop] and stops:
            near[vehicle] = int(one.matrix(vehicle).distance_m[one.place[stops], here].min())
    return sorted(near, key=lambda each: near[each])[:ROUTES_TRIED]


def _tried(one: Indexed, draft: Draft, vehicle: int, stop: int) -> Draft | None:
    """The draft with the stop in this route, its cheapest optional stops taken out until it fits; None when it never does."""
    tried = Draft(one, dict(draft.routes))
    for _ in range(GIVE_WAY_MAX):
        steps = _without_cheapest(one, vehicle, tried.routes[vehicle].steps) if vehicle in tried.routes else None
        if steps is None or not tried.put(vehicle, steps):
            return None
        if tried.insert(stop, vehicles=[vehicle]):
            return tried
    return None


def _without_cheapest(one: Indexed, vehicle: int, steps: Steps) -> Steps | None:
    """The steps without the optional stop whose prize, less the detour to it, is least; None when all must stay."""
    optional = [at for at, step in enumerate(steps) if step >= 0 and not one.is_must(step)]
    if not optional:
        return None
    subject, metres = one.vehicles[vehicle], one.matrix(vehicle).distance_m
    places = np.array([subject.start, *[one.place_of(step) for step in steps], subject.end])
    before, here, after = places[:-2], places[1:-1], places[2:]
    saved = subject.metre_m * (metres[before, here] + metres[here, after] - metres[before, after])
    at = min(optional, key=lambda each: float(one.prize_m[steps[each]]) - float(saved[each]))
    return (*steps[:at], *steps[at + 1 :])
