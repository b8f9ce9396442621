"""Advice as a job: a question in plain values, its answer too, worked out in another process."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from dure.services.waste.placing.advice import Advice, Limits, Site, advise
from dure.services.waste.placing.worth import Habit
from dure.services.waste.planning import travel as roads

ADVISE = "dure.services.waste.placing.advice_jobs.advised"
SEED = 1


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """n bins that stand together, and what is known of them.

    Attributes
    ----------
    depot : (longitude, latitude); profile : of the truck that drives the rounds
    rho_m : metres one bin-day of overflow is worth
    limits : numbers of the rules
    lon_lat : (n, 2) degrees
    capacity_l : (n,) litres to the brim, pressed
    sensing : (n,) whether each has a sensor
    rate : (n,) mean rise [1/d]; day_cv : from day to day
    detour_m : (n, q) equally likely metres a visit adds to a day's routes
    """

    depot: tuple[float, float]
    profile: str
    rho_m: float
    limits: Limits
    bins: tuple[str, ...] = ()
    lon_lat: tuple[tuple[float, float], ...] = ()
    capacity_l: tuple[float, ...] = ()
    sensing: tuple[bool, ...] = ()
    rate: tuple[float, ...] = ()
    detour_m: tuple[tuple[float, ...], ...] = ()
    day_cv: float = 0.5


def advised(question: dict[str, Any], ground: dict[str, Any]) -> dict[str, Any]:
    """The advice of one question that saves anything, the best first, and whether its distances are estimated.

    Bins that no road leads to are left out.
    """
    asked = msgspec.convert(question, Question)
    matrix = roads.travel(
        msgspec.convert(ground, roads.Ground), asked.profile, np.array([asked.depot, *asked.lon_lat], np.float64)
    )
    rows = [row for row in range(len(asked.bins)) if row + 1 not in matrix.unreached] if 0 not in matrix.unreached else []
    if not rows:
        return {"advice": [], "estimated": matrix.estimated}
    site = Site(
        ids=tuple(asked.bins[row] for row in rows),
        distance_m=matrix.take([0, *(row + 1 for row in rows)]).distance_m.astype(np.float64),
        capacity_l=np.array(asked.capacity_l)[rows],
        sensing=np.array(asked.sensing, bool)[rows],
        habit=Habit(
            rate=np.array(asked.rate)[rows],
            detour_m=np.array(asked.detour_m)[rows],
            rho_m=asked.rho_m,
            day_cv=asked.day_cv,
        ),
    )
    found = [_apart(one, site) for one in advise(site, asked.limits, SEED) if one.km_year > 0]
    return {"advice": [msgspec.to_builtins(one) for one in found], "estimated": matrix.estimated}


def _apart(one: Advice, site: Site) -> Advice:
    """The advice with how far the other bin is along the road."""
    if not one.beside:
        return one
    row, other = site.ids.index(one.bin), site.ids.index(one.beside)
    return msgspec.structs.replace(one, beside_m=float(site.distance_m[row + 1, other + 1]))
