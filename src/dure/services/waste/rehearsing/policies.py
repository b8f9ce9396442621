"""Policies: which bins are to be emptied on a day, from what is known that morning.

A policy answers a `Choice`: the bins that must be visited, and for the others how far a truck may drive for them. What peers
do is here beside ours: every bin each 1st, 2nd, 3rd day; the interval of each bin (given the true rates: the best a fixed
plan can be); a threshold on the level a sensor tells.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from dure.routing.model import IntArray
    from dure.services.waste.model import BoolArray, FloatArray
    from dure.services.waste.rehearsing.world import World


@dataclass(frozen=True, eq=False)
class Morning:
    """What a policy may know at the start of a day.

    Attributes
    ----------
    day, weekday : number of the day; 0 Monday
    reading : (n,) level told by the sensor this morning [1], nan where it is silent
    since_d : (n,) days since the bin was last emptied
    """

    day: int
    weekday: int
    reading: FloatArray
    since_d: IntArray


@dataclass(frozen=True, eq=False)
class Choice:
    """(n,) bins that must be emptied; (n,) metres that may be driven for each of the others, 0: not to be considered."""

    must: BoolArray
    prize_m: FloatArray


@dataclass(frozen=True, eq=False)
class Outcome:
    """What is known after the trucks were out.

    Attributes
    ----------
    bins : (k,) numbers of the bins that were emptied, before the day's waste
    level : (k,) how full the crews say each was, in quarters; 1.25: more than full
    detour_m : (n,) metres each bin cost (when visited) or would have cost beside the day's routes
    """

    bins: IntArray
    level: FloatArray
    detour_m: FloatArray


class Policy(Protocol):
    """Chooses bins each morning; may learn from what crews saw."""

    name: str

    def choose(self, morning: Morning) -> Choice:
        """The bins of a day."""
        ...

    def seen(self, morning: Morning, outcome: Outcome) -> None:
        """Learn from the day."""
        ...


@dataclass(eq=False)
class Fixed:
    """Bins by a calendar of their own: bin i on days with (day + phase) divisible by its interval."""

    name: str
    interval_d: IntArray
    phase_d: IntArray

    def choose(self, morning: Morning) -> Choice:
        """The bins whose turn it is."""
        return required((morning.day + self.phase_d) % self.interval_d == 0)

    def seen(self, morning: Morning, outcome: Outcome) -> None:
        """A calendar learns nothing."""


@dataclass(eq=False)
class Threshold:
    """Bins whose sensor tells at least `level`; what a silent sensor hides is not emptied unless `blind_d` days have passed."""

    name: str
    level: float
    blind_d: int | None = None

    def choose(self, morning: Morning) -> Choice:
        """The bins that tell enough."""
        full = np.nan_to_num(morning.reading, nan=-1.0) >= self.level
        if self.blind_d is not None:
            full |= np.isnan(morning.reading) & (morning.since_d >= self.blind_d)
        return required(full)

    def seen(self, morning: Morning, outcome: Outcome) -> None:
        """A threshold learns nothing."""


def required(must: BoolArray) -> Choice:
    """These bins and no others."""
    return Choice(must, np.zeros(must.size))


def every(world: World, interval_d: int) -> Fixed:
    """All bins each `interval_d` days, sector after sector around the depot, so that a day's bins lie together."""
    offset = world.lon_lat - world.depot
    order = np.argsort(np.arctan2(offset[:, 1], offset[:, 0]), kind="stable")
    sector = np.empty(world.n, np.int64)
    sector[order] = np.arange(world.n) * interval_d // world.n
    return Fixed(f"every {interval_d} d", np.full(world.n, interval_d), sector)


def static(world: World, fill: float, seed: int) -> Fixed:
    """Each bin at the interval at which it is `fill` full on average (interval = fill / true rate, whole days), seeded phases."""
    interval = np.maximum(1, np.floor(fill / world.rate)).astype(np.int64)
    phase = np.random.default_rng([seed, 3]).integers(0, interval)
    return Fixed(f"static {fill:.2f}", interval, phase)


def static_by_sector(world: World, fill: float) -> Fixed:
    """As `static`, but bins of one interval take turns by sector: neighbours of one interval share their day."""
    interval = np.maximum(1, np.floor(fill / world.rate)).astype(np.int64)
    offset = world.lon_lat - world.depot
    turn = (np.arctan2(offset[:, 1], offset[:, 0]) + math.pi) / (2 * math.pi)
    return Fixed(f"static by sector {fill:.2f}", interval, np.floor(turn * interval).astype(np.int64) % interval)
