"""Which bins come into question today, what each is worth, and why the others do not.

In the model of select-and-route a bin's prize is ``dial_m * risk``, what the city would drive to avoid its overflow, and the
later trip that emptying it today saves, at the same dial (see `foresight`). Bins that a rule or a person demands are no matter
of prize. What is worth less than any conceivable detour is left out before routing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec
import numpy as np

from dure.services.waste.model import Bin, Forecast
from dure.services.waste.planning.detours import Learnt, expected_of
from dure.services.waste.planning.foresight import Expected, worth
from dure.services.waste.planning.policy import Policy

Demand = Literal["risk", "interval", "locked", "moved", "fire", "wet", "reported"]
"""Why a bin must be emptied: a sure overflow, its legal interval, a person, or what is in it."""
NOBODY_KNOWS = math.nan
SEEN_D = 1.5  # a level heard of no longer ago comes from a sensor that will tell tomorrow's too
TOLD = frozenset({"healthy", "low_battery"})
SPREAD_SD = 2 * 1.2816  # standard deviations between the ends of an 80 % interval


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
    prize_m : what the city would drive for it today; of it `later_m` for the later trip it saves, the rest for today's risk
    demand : why it must be emptied; "" when it is a matter of its prize
    dropped : why it does not come into question: ``banned``, ``done``, ``low_risk``; "" when it does
    truck : the truck a person gave it to
    """

    bin: str
    level: float
    risk: float
    prize_m: int
    later_m: int = 0
    demand: Demand | Literal[""] = ""
    dropped: str = ""
    truck: str = ""


def select(
    bins: Iterable[Bin], forecast: Forecast, policy: Policy, wishes: Wishes, later_m: Mapping[str, float] | None = None
) -> tuple[Candidate, ...]:
    """Every bin with its worth, in the order of the bins.

    Parameters
    ----------
    bins : those that may be collected
    forecast : of these bins, in any order; a bin it does not know gets the policy's unknown risk
    policy : the city's numbers
    wishes : what persons and rules ask
    later_m : metres each bin is worth beyond its risk today, see `later`; a bin that is absent: nothing

    Returns
    -------
    One candidate for each bin, with its prize also where a rule demands the bin.
    """
    row = {name: at for at, name in enumerate(forecast.bins)}
    level, risk, more = forecast.level.tolist(), forecast.risk.tolist(), later_m or {}
    found = []
    for one in bins:
        at = row.get(one.id)
        known = (NOBODY_KNOWS, NOBODY_KNOWS, 0.0) if at is None else (float(level[at]), float(risk[at]), more.get(one.id, 0.0))
        found.append(_candidate(one, known, policy, wishes))
    return tuple(found)


def later(forecast: Forecast, policy: Policy, learnt: Learnt) -> dict[str, float]:
    """Metres emptying each bin today is worth beyond its risk today; bins too little is known of are absent.

    Negative for a bin that had better wait: its street is served on another day anyway.
    """
    known = np.isfinite(np.stack([forecast.level, forecast.low, forecast.high, forecast.risk, forecast.per_day])).all(0)
    known &= forecast.per_day > 0
    if not policy.look_ahead or not known.any():
        return {}
    told = np.array([one in TOLD for one in forecast.health], bool)
    risk = np.clip(forecast.risk, 0.0, 1.0)
    expected = Expected(
        level=np.maximum(forecast.level, 0.0),
        level_sd=np.maximum(forecast.high - forecast.low, 0.0) / SPREAD_SD,
        since_d=np.zeros(len(known)),
        rate=forecast.per_day,
        rate_sd=policy.rate_cv * forecast.per_day,
        day_cv=np.full(len(known), policy.day_cv),
        seeing=told & (np.nan_to_num(forecast.age_d, nan=np.inf) < SEEN_D),
        risk=risk,
    ).of(known)
    names = [one for one, is_ in zip(forecast.bins, known.tolist(), strict=True) if is_]
    prize_m = worth(expected, expected_of(learnt, names, policy.detour_usual_m), policy.dial_m)
    return dict(zip(names, (prize_m - policy.dial_m * risk[known]).tolist(), strict=True))


def _candidate(one: Bin, known: tuple[float, float, float], policy: Policy, wishes: Wishes) -> Candidate:
    sure = math.isfinite(known[1])
    risk = min(max(known[1], 0.0), 1.0) if sure else policy.unknown_risk
    prize_m = max(round(policy.dial_m * risk + (known[2] if sure else 0.0)), 0)
    demand = _demand(one, risk, policy, wishes)
    return Candidate(
        bin=one.id,
        level=known[0],
        risk=risk,
        prize_m=prize_m,
        later_m=prize_m - round(policy.dial_m * risk),
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
