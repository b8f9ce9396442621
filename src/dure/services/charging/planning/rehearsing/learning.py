"""What a site learns from its own past: the peak to aim at, and which recipe would have cost least. Pure; runs as a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from dure.services.charging.planning.forecast_model import Recipe
from dure.services.charging.planning.problem import Plan
from dure.services.charging.planning.rehearsing.foresight import foresight
from dure.services.charging.planning.rehearsing.policies import AtOnce, EarliestFirst, Planned, naive, planned
from dure.services.charging.planning.rehearsing.rolling import Outcome, rolled, won
from dure.services.charging.planning.rehearsing.world import Policy, View, World
from dure.services.charging.planning.rehearsing.world_packing import unpacked

MONTH_D = 30.0
WEEK_D = 7
NO_LIMIT_W = 1e9
BASELINE = "edf"
NONE = "none"
TINY = 1e-9


def before(world: World, now: int, days_n: int) -> World:
    """The last `days_n` days up to step `now` as a span of its own, with nothing of what came later."""
    lead = max(0, now - days_n * world.days.per_day)
    return msgspec.structs.replace(
        world,
        lead=lead,
        sun_w=world.sun_w[:now].copy(),
        load_w=world.load_w[:now].copy(),
        price_won_kwh=world.price_won_kwh[:now].copy(),
        export_won_kwh=world.export_won_kwh[:now].copy(),
        stays=world.stays.ended(now),
    )


def aim_w(world: World, now: int, days_n: int, months: float = 1.0) -> float:
    """The peak that perfect foresight would have kept to in the last days [W]: what this site can do, and so should aim at.

    The days pay `months` of the demand charge of the world.
    """
    span = before(world, now, days_n)
    return foresight(span, months).peak_w if span.end > span.lead else 0.0


def aimed(recipe: Recipe, world: World, now: int, days_n: int, months: float = 1.0) -> Recipe:
    """The recipe with the peak it aims at at step `now`, from the `days_n` days before it."""
    if recipe.aim_share <= 0:
        return recipe
    return msgspec.structs.replace(recipe, aim_w=recipe.aim_share * aim_w(world, now, days_n, months))


class Learned:
    """A recipe as a live site uses it: its aim is learned anew every midnight, and it gives way to the baseline while that wins.

    Before every week the recipe and the baseline are both rehearsed on the week that is over; the cheaper runs the next one.
    All of it rests only on what is over. A week pays `week_months` of the demand charge of the world.
    """

    def __init__(self, recipe: Recipe, days_n: int, week_months: float = WEEK_D / MONTH_D) -> None:
        self.name = recipe.name
        self._recipe, self._days_n, self._week_months = recipe, days_n, week_months
        self._planned, self._baseline = planned(recipe), EarliestFirst()
        self._loses = False

    def decide(self, view: View) -> Plan:
        """The plan from now on."""
        world, since = view.world, view.now - view.world.lead
        if since % world.days.per_day == 0:
            self._planned = planned(self._aimed(world, view.now))
        if since % (WEEK_D * world.days.per_day) == 0:
            self._loses = self._lost(before(world, view.now, WEEK_D))
        return self._baseline.decide(view) if self._loses else self._planned.decide(view)

    def _aimed(self, world: World, now: int) -> Recipe:
        return aimed(self._recipe, world, now, self._days_n)

    def _lost(self, week: World) -> bool:
        """Whether the baseline would have been cheaper over a week that is over."""
        months = self._week_months
        if week.lead < WEEK_D * week.days.per_day:
            return False  # nothing to learn from before it: the plan of what is there
        own = won(week, rolled(week, planned(self._aimed(week, week.lead))), months=months)
        return won(week, rolled(week, self._baseline), months=months) < own


def uncontrolled(world: World) -> Outcome:
    """Every vehicle at once, without any limit: from where savings are counted."""
    return rolled(msgspec.structs.replace(world, contract_w=NO_LIMIT_W), AtOnce())


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What one policy would have cost."""

    recipe: str
    won: float
    peak_w: float
    unmet_fraction: float
    breaches: int
    share: float | None
    made: dict[str, Any] | None = None


def backtests(world: World, recipes: Sequence[Recipe]) -> list[Tried]:
    """Every recipe, none, and the baseline over the span, the cheapest first; `share` of the saving of perfect foresight.

    The aim of a recipe is learned from the days before the span, as far as there are any, so that it is not chosen by what it is
    judged on; `made` has the aim of the span itself, for the days to come.
    """
    days_n = (world.end - world.lead) // world.days.per_day
    months = days_n / MONTH_D
    least, most = won(world, foresight(world, months), months=months), won(world, uncontrolled(world), months=months)
    found: list[Tried] = []
    known = [aimed(one, world, world.lead, days_n, months) for one in recipes]
    live = [aimed(one, world, world.end, days_n, months) for one in recipes]
    policies: list[tuple[Policy, Recipe | None]] = [(planned(one), after) for one, after in zip(known, live, strict=True)]
    policies += [(_none(), None), (EarliestFirst(), None)]
    for policy, recipe in policies:
        outcome = rolled(world, policy)
        cost = won(world, outcome, months=months)
        found.append(
            Tried(
                recipe=outcome.name,
                won=cost,
                peak_w=outcome.peak_w,
                unmet_fraction=outcome.unmet_wh / outcome.need_wh if outcome.need_wh > 0 else 0.0,
                breaches=outcome.breaches,
                share=(most - cost) / (most - least) if most - least > TINY else None,
                made=None if recipe is None else msgspec.to_builtins(recipe),
            )
        )
    return sorted(found, key=lambda one: (one.breaches > 0, one.won, one.recipe))


def _none() -> Planned:
    policy = naive()
    policy.name = NONE
    return policy


def backtest_job(words: dict[str, Any]) -> list[dict[str, Any]]:
    """`backtests` of a packed world, as a job."""
    world, recipes = unpacked(words["world"]), [msgspec.convert(one, Recipe) for one in words["recipes"]]
    return [msgspec.to_builtins(one) for one in backtests(world, recipes)]
