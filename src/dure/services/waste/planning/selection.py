"""Which bins come into question today, what each is worth, and why the others do not.

In the model of select-and-route a bin's prize is ``dial_m * risk``: what the city would drive to avoid its overflow. Bins that
a rule or a person demands are no matter of prize. What is worth less than any conceivable detour is left out before routing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from dure.services.waste.model import Bin, Forecast
from dure.services.waste.planning.policy import Policy

Demand = Literal["risk", "interval", "locked", "moved", "fire", "wet", "reported"]
"""Why a bin must be emptied: a sure overflow, its legal interval, a person, or what is in it."""
NOBODY_KNOWS = math.nan


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What persons and rules ask of a day.

    Attributes
    ----------
    locked, banned : bins the dispatcher wants in, or out
    moved : bins the dispatcher gave to a truck
    urgent : bins that must be emptied for what is in them: ``fire``, ``wet`` or ``reported``
    done : bins emptied today already
    since_d : days since each bin was last emptied; a bin that is absent was never seen emptied
    next_chance_d : days until a truck can come again
    """

    locked: frozenset[str] = frozenset()
    banned: frozenset[str] = frozenset()
    moved: Mapping[str, str] = {}  # msgspec copies an empty default for every instance
    urgent: Mapping[str, Demand] = {}
    done: frozenset[str] = frozenset()
    since_d: Mapping[str, float] = {}
    next_chance_d: float = 1.0


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """What a bin is worth today.

    Attributes
    ----------
    level : expected fill when a truck comes; nan: nobody knows
    demand : why it must be emptied; "" when it is a matter of its prize
    dropped : why it does not come into question: ``banned``, ``done``, ``low_risk``; "" when it does
    truck : the truck a person gave it to
    """

    bin: str
    level: float
    risk: float
    prize_m: int
    demand: Demand | Literal[""] = ""
    dropped: str = ""
    truck: str = ""


def select(bins: Iterable[Bin], forecast: Forecast, policy: Policy, wishes: Wishes) -> tuple[Candidate, ...]:
    """Every bin with its worth, in the order of the bins.

    Parameters
    ----------
    bins : those that may be collected
    forecast : of these bins, in any order; a bin it does not know gets the policy's unknown risk
    policy : the city's numbers
    wishes : what persons and rules ask

    Returns
    -------
    One candidate for each bin; `prize_m` is ``round(dial_m * risk)``, also where a rule demands the bin.
    """
    row = {name: at for at, name in enumerate(forecast.bins)}
    level, risk = forecast.level.tolist(), forecast.risk.tolist()
    found = []
    for one in bins:
        at = row.get(one.id)
        known = (NOBODY_KNOWS, NOBODY_KNOWS) if at is None else (float(level[at]), float(risk[at]))
        found.append(_candidate(one, known, policy, wishes))
    return tuple(found)


def _candidate(one: Bin, known: tuple[float, float], policy: Policy, wishes: Wishes) -> Candidate:
    risk = min(max(known[1], 0.0), 1.0) if math.isfinite(known[1]) else policy.unknown_risk
    prize_m = round(policy.dial_m * risk)
    demand = _demand(one, risk, policy, wishes)
    return Candidate(
        bin=one.id,
        level=known[0],
        risk=risk,
        prize_m=prize_m,
        demand=demand,
        dropped=_dropped(one, (prize_m, demand), policy, wishes),
        truck=wishes.moved.get(one.id, ""),
    )


def _demand(one: Bin, risk: float, policy: Policy, wishes: Wishes) -> Demand | Literal[""]:
    if one.id in wishes.moved:
        return "moved"
    if one.id in wishes.locked:
        return "locked"
    if one.id in wishes.urgent:
        return wishes.urgent[one.id]
    if one.interval_d is not None and wishes.since_d.get(one.id, math.inf) + wishes.next_chance_d > one.interval_d:
        return "interval"
    return "risk" if risk >= policy.must_risk else ""


def _dropped(one: Bin, worth: tuple[int, str], policy: Policy, wishes: Wishes) -> str:
    """A ban is the last word of a person, over every rule: it is said beside the bin, with the rule it sets aside."""
    prize_m, demand = worth
    if one.id in wishes.done:
        return "done"
    if one.id in wishes.banned:
        return "banned"
    return "low_risk" if not demand and prize_m < policy.detour_m_min else ""
