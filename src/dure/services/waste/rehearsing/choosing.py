"""Policies by their names, as a person writes them: ``daily``, ``every:2``, ``static:0.6``, ``threshold:0.5``, ``dial:20000``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.core.errors import InputError
from dure.services.waste.rehearsing.forecaster import Forecaster
from dure.services.waste.rehearsing.policies import Threshold, every, static
from dure.services.waste.rehearsing.prize import Foresight, Prize

if TYPE_CHECKING:
    from collections.abc import Callable

    from dure.services.waste.rehearsing.policies import Policy
    from dure.services.waste.rehearsing.world import World

BLIND_D = 3
"""Days after which a threshold rule visits a bin whose sensor tells nothing: else it would never be emptied."""


def policy_of(words: str, world: World, seed: int) -> Policy:
    """The policy of a name, new: nothing learnt yet.

    Raises
    ------
    InputError : ``rehearse.policy``
    """
    name, _, number = words.partition(":")
    make = _MAKERS.get(name)
    if make is None:
        raise InputError("rehearse.policy", f"There is no policy {words[:40]!r}. Say {', '.join(SHOWN)}.")
    try:
        value = float(number) if number else _USUAL[name]
    except ValueError as error:
        raise InputError("rehearse.policy", f"{words[:40]!r}: what follows the colon must be a number.") from error
    low, high = _SPANS[name]
    if not low <= value <= high:
        raise InputError("rehearse.policy", f"{words[:40]!r}: the number must be from {low:g} to {high:g}.")
    return make(world, value, seed)


def _daily(world: World, value: float, seed: int) -> Policy:  # noqa: ARG001  # makers are called alike
    return every(world, 1)


def _every(world: World, value: float, seed: int) -> Policy:  # noqa: ARG001  # as above
    return every(world, round(value))


def _static(world: World, value: float, seed: int) -> Policy:
    return static(world, value, seed)


def _threshold(world: World, value: float, seed: int) -> Policy:  # noqa: ARG001  # as above
    return Threshold(f"threshold {value:.2f}", value, BLIND_D)


def _prize(world: World, value: float, seed: int) -> Policy:  # noqa: ARG001  # as above
    return Prize(f"prize {value:.0f} m", value, Forecaster(world.n, world.places_m))


def _dial(world: World, value: float, seed: int) -> Policy:  # noqa: ARG001  # as above
    return Foresight(f"dial {value:.0f} m", value, Forecaster(world.n, world.places_m))


_MAKERS: dict[str, Callable[[World, float, int], Policy]] = {
    "daily": _daily,
    "every": _every,
    "static": _static,
    "threshold": _threshold,
    "prize": _prize,
    "dial": _dial,
}
_USUAL = {"daily": 1.0, "every": 2.0, "static": 0.6, "threshold": 0.5, "prize": 20_000.0, "dial": 20_000.0}
_SPANS = {
    "daily": (1.0, 1.0),
    "every": (1.0, 28.0),
    "static": (0.05, 3.0),
    "threshold": (0.05, 1.0),
    "prize": (1.0, 10_000_000.0),
    "dial": (1.0, 10_000_000.0),
}
SHOWN = ("daily", "every:2", "static:0.6", "threshold:0.5", "prize:20000", "dial:20000")
FRONTIER = ("daily", "every:2", "every:3", "static:0.6", "threshold:0.3", "threshold:0.5", "threshold:0.7")
DIALS = ("dial:5000", "dial:10000", "dial:20000", "dial:60000")
