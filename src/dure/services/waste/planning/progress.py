"""How far the trucks are at some moment of their day, from the plan in force and what crews said they emptied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from dure.routing.model import Route, Visit
from dure.services.waste.model import Bin
from dure.services.waste.planning.day import Underway, loads
from dure.services.waste.planning.plan import DayPlan, driven


class Emptied(NamedTuple):
    """A bin emptied today: by which truck, when [s after midnight], and how full it was seen; None: nobody said."""

    bin: str
    truck: str
    at_s: int
    level: float | None = None


def underway(
    plan: DayPlan, emptied: Iterable[Emptied], bins: Mapping[str, Bin], depots: Mapping[str, tuple[float, float]], now_s: int
) -> tuple[Underway, ...]:
    """Trucks that have left by now.

    A truck stands at the last bin it emptied, or still at its depot. It unloaded where the plan says so before that bin. What
    it carries is what was seen, else what was expected. Bins of its route that it passed over are still to be done.

    Parameters
    ----------
    plan : in force
    emptied : today, by any truck
    bins : by id
    depots : lon, lat of the depot of each truck
    now_s : seconds after midnight
    """
    level = {one.bin: one.level for one in plan.verdicts}
    by_truck: dict[str, dict[str, Emptied]] = {}
    for one in sorted(emptied, key=lambda one: one.at_s):
        by_truck.setdefault(one.truck, {})[one.bin] = one
    found = []
    for route in plan.routes:
        mine = by_truck.get(route.vehicle, {})
        if mine or (route.visits and route.visits[0].leave_s <= now_s):
            found.append(_underway(route, mine, bins, (depots, level), now_s))
    return tuple(one for one in found if one is not None)


def _underway(
    route: Route,
    mine: Mapping[str, Emptied],
    bins: Mapping[str, Bin],
    known: tuple[Mapping[str, tuple[float, float]], Mapping[str, float | None]],
    now_s: int,
) -> Underway | None:
    depots, level = known
    visits = driven(route, frozenset(mine))
    done = tuple(name for name in mine if name in bins)
    if route.vehicle not in depots:
        return None
    lon, lat = depots[route.vehicle]
    if done:
        lon, lat = bins[done[-1]].lon, bins[done[-1]].lat
    aboard = [loads(bins[name], _seen(mine[name], level)) for name in _since_dump(visits, done)]
    part = sum(one.kind != "start" for one in visits) / max(1, len(route.visits) - 1)
    return Underway(
        truck=route.vehicle,
        at_s=now_s,
        lon=lon,
        lat=lat,
        aboard_l=float(sum(litres for litres, _ in aboard)),
        aboard_kg=float(sum(kilograms for _, kilograms in aboard)),
        done=done,
        breaks_n=sum(one.kind == "break" for one in visits),
        metres=round(route.distance_m * part),
    )


def _seen(one: Emptied, level: Mapping[str, float | None]) -> float:
    found = one.level if one.level is not None else level.get(one.bin)
    return 1.0 if found is None else found


def _since_dump(visits: tuple[Visit, ...], done: tuple[str, ...]) -> list[str]:
    """Bins emptied after the last dump of what was driven; those emptied off the plan are taken to be still aboard."""
    last = max((at for at, one in enumerate(visits) if one.kind == "dump"), default=-1)
    unloaded = {one.id for one in visits[: last + 1]}
    return [name for name in done if name not in unloaded]
