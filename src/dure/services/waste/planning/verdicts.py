"""Every bin of the day with the verdict on it: in or out, why, and the numbers it rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import msgspec

from dure.routing.model import Plan
from dure.services.waste.planning.marginal import Marginal
from dure.services.waste.planning.selection import Candidate

Code = Literal[
    # in
    "risk", "interval", "locked", "moved", "fire", "wet", "reported", "worth_it",
    # out
    "done", "banned", "low_risk", "not_worth_it", "no_room",
    "no_truck", "no_truck_for", "too_big", "unreachable", "window_missed", "dump_closed", "no_dump", "shift_short",
]  # fmt: skip
DEMANDS = frozenset({"risk", "interval", "locked", "moved", "fire", "wet", "reported"})


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a bin is in or out.

    Attributes
    ----------
    code : the reason; words of it are in `plan_words`
    demand, must : the rule or person that demands the bin, also where it could not be done; whether there is one
    level, risk : expected fill and probability of overflow before the next chance; level None: nobody knows
    prize_m : what the city would drive for it; of it `later_m` for the later trip it saves
    truck, position : who empties it, and as which of its stops, from 1
    added_m : metres that leaving it out would save; of a bin left out: that taking it in would add, by `truck`
    other, other_m : the next best truck, and what it would add there
    """

    bin: str
    served: bool
    code: Code
    demand: str = ""
    must: bool = False
    level: float | None = None
    risk: float = 0.0
    prize_m: int = 0
    later_m: int = 0
    truck: str = ""
    position: int = 0
    added_m: int | None = None
    other: str = ""
    other_m: int | None = None


def verdicts(
    candidates: tuple[Candidate, ...], plan: Plan, marginal: Mapping[str, Marginal], impossible: Mapping[str, str]
) -> tuple[Verdict, ...]:
    """One verdict for each candidate, in their order.

    Parameters
    ----------
    candidates : every bin of the day
    plan : the routes
    marginal : metres of the bins that came into question, see `marginal.marginals`
    impossible : bins no truck could empty, see `obstacles.obstacles`
    """
    position = {stop: at for route in plan.routes for at, stop in enumerate(route.stops, 1)}
    return tuple(
        _verdict(one, position.get(one.bin, 0), marginal.get(one.bin), impossible.get(one.bin, "")) for one in candidates
    )


def _verdict(one: Candidate, position: int, metres: Marginal | None, impossible: str) -> Verdict:
    return Verdict(
        bin=one.bin,
        served=position > 0,
        code=_code(one, position, metres, impossible),
        demand=one.demand,
        must=bool(one.demand),
        level=one.level if math.isfinite(one.level) else None,
        risk=one.risk,
        prize_m=one.prize_m,
        later_m=one.later_m,
        truck=metres.truck if metres else "",
        position=position,
        added_m=metres.added_m if metres else None,
        other=metres.other if metres else "",
        other_m=metres.other_m if metres and metres.other else None,
    )


def _code(one: Candidate, position: int, metres: Marginal | None, impossible: str) -> Code:
    """A bin left out though its detour is shorter than its prize is out for want of time or room."""
    if position:
        return one.demand or "worth_it"
    if one.dropped:
        return one.dropped  # type: ignore[return-value]  # its three words are codes
    if impossible:
        return impossible  # type: ignore[return-value]  # so are the obstacles
    if one.demand or (metres is not None and metres.added_m < one.prize_m):
        return "no_room"
    return "not_worth_it"
