"""What `dure rehearse waste` does: the city or its history as a world, policies replayed on it, sizes tried."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from dure.core.errors import InputError
from dure.routing.solve import solve
from dure.running.one_part import city_of
from dure.services.waste.bins import bins_of, fleet_of
from dure.services.waste.rehearsing.choosing import DIALS, FRONTIER, policy_of
from dure.services.waste.rehearsing.comparing import Rehearsed, rehearsed
from dure.services.waste.rehearsing.fleet import Fleet, ground
from dure.services.waste.rehearsing.recorded import Placed, places_of, readings_of, recorded_world
from dure.services.waste.rehearsing.replay import Effort
from dure.services.waste.rehearsing.sizing import Size, sensors_needed, trucks_needed
from dure.services.waste.rehearsing.world import Recipe, World, virtual_world

if TYPE_CHECKING:
    from dure.config import Settings
    from dure.services.waste.rehearsing.policies import Policy

WARM_UP_D = 14
SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
SIMULATED_MAX = 2_000
USUAL_L = 570.0
GZIP = b"\x1f\x8b"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asked of a rehearsal."""

    history: Path | None = None
    bins: Path | None = None
    full: float = 1.0
    simulate: int = 200
    policies: tuple[str, ...] = ()
    trucks: int = 4
    days: int = 56
    seed: int = 1
    iterations: int = 400
    fleet: bool = False
    sensors: bool = False


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `refused` rows of the history could not be used; `simulated`: no history was given."""

    bins: int
    days: int
    simulated: bool
    refused: int
    found: list[Rehearsed]
    trucks: list[Size] = []  # msgspec copies an empty default for every instance
    sensors: list[Size] = []  # as above
    sized: str = ""


def rehearse(settings: Settings, asked: Asked, step: Callable[[int, int], None]) -> Rehearsal:
    """Replay all policies asked for.

    Raises
    ------
    InputError : ``rehearse.history``, ``rehearse.bins``, ``rehearse.policy``, ``rehearse.size``
    """
    _check(asked)
    world, refused = _world(settings, asked)
    names = asked.policies or (*FRONTIER, *DIALS)
    policies = [policy_of(one, world, asked.seed) for one in names]
    fleet, effort = Fleet(trucks=asked.trucks), Effort(iterations=asked.iterations, seed=asked.seed)
    land = ground(world, fleet)
    total = len(policies) + asked.fleet + asked.sensors
    found = []
    for done, policy in enumerate(policies):
        step(done, total)
        found.append(rehearsed(world, policy, land, solve, effort))
    sized = names[-1]

    def make(one: World) -> Policy:
        return policy_of(sized, one, asked.seed)

    fleets = [Fleet(trucks=one) for one in range(1, asked.trucks + 1)] if asked.fleet else []
    return Rehearsal(
        bins=world.n,
        days=world.days - world.warm_up_d,
        simulated=asked.history is None,
        refused=refused,
        found=found,
        trucks=trucks_needed(world, make, fleets, solve, effort),
        sensors=sensors_needed(world, make, SHARES if asked.sensors else (), (fleet, solve, effort), asked.seed),
        sized=sized,
    )


def _check(asked: Asked) -> None:
    spans = {
        "--simulate": (asked.simulate, 2, SIMULATED_MAX),
        "--trucks": (asked.trucks, 1, 100),
        "--days": (asked.days, 2 * WARM_UP_D, 3_660),
        "--iterations": (asked.iterations, 1, 100_000),
        "--full": (asked.full, 0.01, 1_000),
    }
    for name, (value, low, high) in spans.items():
        if not low <= value <= high:
            raise InputError("rehearse.size", f"{name} must be from {low:g} to {high:g}.")


def _world(settings: Settings, asked: Asked) -> tuple[World, int]:
    if asked.history is None:
        return virtual_world(Recipe(n=asked.simulate, days=asked.days, warm_up_d=WARM_UP_D), asked.seed), 0
    places, depot = _places(settings, asked)
    with _opened(asked.history, "rehearse.history") as lines:
        readings, refused = readings_of(lines, asked.full)
    world = recorded_world(readings, places, depot, WARM_UP_D)
    return _last(world, asked.days), refused


def _places(settings: Settings, asked: Asked) -> tuple[dict[str, Placed], tuple[float, float] | None]:
    """Where bins stand, and the depot: from a list, or from the city's folder."""
    if asked.bins is not None:
        with _opened(asked.bins, "rehearse.bins") as lines:
            return places_of(lines, USUAL_L), None
    if not settings.city_dir:
        raise InputError("rehearse.bins", "Say where the bins stand: --bins FILE, or the folder of the city.")
    assets = city_of(settings).assets()
    found = {one.id: Placed(one.lon, one.lat, one.capacity_l * one.compaction) for one in bins_of(assets).bins}
    depots = fleet_of(assets).depots
    return found, (depots[0].lon, depots[0].lat) if depots else None


@contextmanager
def _opened(path: Path, code: str) -> Iterator[Iterator[str]]:
    """The lines of a CSV, plain or gzipped.

    Raises
    ------
    InputError : the code, when it is no text
    """
    with path.open("rb") as raw:
        packed = raw.read(2) == GZIP
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8-sig", newline="")
            if packed
            else path.open(encoding="utf-8-sig", newline="") as lines
        ):
            yield iter(lines)
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(code, f"{path.name} is no CSV in UTF-8, plain or gzipped: {error}.") from error


def _last(world: World, days: int) -> World:
    """The last days of a world."""
    if world.days <= days:
        return world
    return replace(
        world,
        rise=world.rise[-days:],
        noise=world.noise[-days:],
        sensing=world.sensing[-days:],
        weekday=world.weekday[-days:],
    )
