"""What `waste-policy` and `waste-dead-sensors` share: seeds, families of policies, and their replays on simulated cities."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from report import Row
from rich.console import Console
from rich.table import Table

from dure.routing.solve import solve
from dure.services.waste.accounting.kpi import Figures
from dure.services.waste.rehearsing.choosing import policy_of
from dure.services.waste.rehearsing.comparing import fewer, km_at, mean, rehearsed
from dure.services.waste.rehearsing.fleet import Fleet, ground
from dure.services.waste.rehearsing.replay import Effort
from dure.services.waste.rehearsing.world import Recipe, World, virtual_world

SEEDS = (1, 2, 3, 4, 5)
STATIC = ("static:0.4", "static:0.5", "static:0.6", "static:0.7", "static:0.75", "static:0.8")
THRESHOLD = ("threshold:0.2", "threshold:0.3", "threshold:0.4", "threshold:0.5", "threshold:0.7")
DIAL = "dial:10000"  # chosen on cities 11 to 13, which are reported nowhere
EFFORT = Effort(iterations=300)


def named(words: str, dead: float, *, later: bool = False) -> str:
    """What a row of the table is called."""
    when = "dead later" if later else "dead"
    return f"{words} {when} {dead:.0%}" if dead else words


def km_fewer(figure: str, mine: Figures, family: Sequence[Figures], bar: float | None) -> Row:
    """Kilometres saved against the best mixture of a family at our overflow."""
    return Row(
        figure=f"{figure} at overflow {mine.overflow:.1f}",
        ours=100 * fewer(mine, family),
        unit="%",
        better="higher",
        bar=bar,
        peer=km_at(mine.overflow, family),
        peer_name=f"km/day; ours {mine.km_day:.1f}",
    )


@dataclass
class Runs:
    """Figures of every policy on every seed of one kind of city."""

    recipe: Recipe
    seeds: tuple[int, ...] = SEEDS
    effort: Effort = EFFORT
    found: dict[str, list[Figures]] = field(default_factory=dict)
    cpu_s: dict[str, float] = field(default_factory=dict)

    def add(self, *policies: str, dead: float = 0.0, later: bool = False) -> None:
        """Replay policies. `dead`: share of the sensors that tell nothing: never, or, when `later`, after the warm-up."""
        for words in policies:
            name = named(words, dead, later=later)
            begun_s = time.process_time()
            self.found[name] = [self._one(words, seed, dead, later) for seed in self.seeds]
            self.cpu_s[name] = (time.process_time() - begun_s) / len(self.seeds)
            told = mean(self.found[name])
            print(f"  {name}: {told.km_day:.1f} km/day, overflow {told.overflow:.2f}, {self.cpu_s[name]:.0f} CPU s", flush=True)

    def _one(self, words: str, seed: int, dead: float, later: bool) -> Figures:  # called above only
        world: World = virtual_world(self.recipe, seed)
        if dead:
            world = world.with_dead(dead, seed, from_day=world.warm_up_d if later else 0)
        return rehearsed(world, policy_of(words, world, seed), ground(world, Fleet()), solve, self.effort).figures

    def means(self, *policies: str) -> list[Figures]:
        return [mean(self.found[one]) for one in policies]

    def tell(self, title: str) -> None:
        table = Table(title=f"{title} · mean of {len(self.seeds)} seeds")
        for name in ("policy", "km/day", "visits/day", "fill at visit", "overflow", "km/m3", "wasted", "trucks"):
            table.add_column(name, justify="left" if name == "policy" else "right")
        for name, found in self.found.items():
            one = mean(found)
            numbers = (f"{one.km_day:.1f}", f"{one.visits_day:.0f}", f"{one.fill_at_visit:.2f}", f"{one.overflow:.2f}")
            table.add_row(name, *numbers, f"{one.km_m3:.2f}", f"{one.wasted:.2f}", str(one.trucks_max))
        Console(width=140).print(table)
