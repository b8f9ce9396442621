"""How many trucks a policy needs, and how many sensors: the same days again with fewer of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from dure.services.waste.accounting.kpi import Figures
from dure.services.waste.rehearsing.comparing import rehearsed
from dure.services.waste.rehearsing.fleet import ground

if TYPE_CHECKING:
    from dure.services.waste.rehearsing.fleet import Fleet, Router
    from dure.services.waste.rehearsing.policies import Policy
    from dure.services.waste.rehearsing.replay import Effort
    from dure.services.waste.rehearsing.world import World

Making = Callable[["World"], "Policy"]


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """One size tried: trucks, or the share of bins with a sensor that tells something."""

    trucks: int
    sensors: float
    figures: Figures


def trucks_needed(world: World, make: Making, fleets: Sequence[Fleet], router: Router, effort: Effort) -> list[Size]:
    """The policy with each fleet. Enough is the first whose `missed` is 0 and whose overflow does not fall with one more."""
    found = []
    for fleet in fleets:
        one = rehearsed(world, make(world), ground(world, fleet), router, effort)
        found.append(Size(trucks=fleet.trucks, sensors=float(world.sensing.any(0).mean()), figures=one.figures))
    return found


def sensors_needed(
    world: World, make: Making, shares: Sequence[float], how: tuple[Fleet, Router, Effort], seed: int
) -> list[Size]:
    """The policy where only a share of the bins has a sensor, drawn by seed: what sensors add to what crews tell."""
    fleet, router, effort = how
    land = ground(world, fleet)
    found = []
    for share in shares:
        own = world.with_dead(1 - share, seed)
        one = rehearsed(own, make(own), land, router, effort)
        found.append(Size(trucks=fleet.trucks, sensors=share, figures=one.figures))
    return found
