"""A city of bins for rehearsals: where they stand, what is thrown in on each day, what sensors tell of it.

Pure and seeded. The same world is replayed under every policy, so that policies are compared on the same days (common
random numbers). A day begins with the morning's readings, then trucks empty bins, then the day's waste is thrown in.

What is put in, so that nobody takes a figure for that of a field trial (measured parameters: reference waste.md, 3.6):

* rates of bins: log-normal, median 11.7 % of the bin a day, sigma 0.75 (Philadelphia, 968 compactors);
* rates change with the weekday as in Wyndham; noise of a day: gamma with a coefficient of variation of 0.5, or 1.0;
* places: a dense middle that thins outwards (normal around it), at the size at which daily rounds of 200 bins take 172 km;
* neighbours fill alike: half of the variance of the log rates falls off over a kilometre and a half (own choice; 0 for none);
* sensors: standard deviation 3 % of the bin, a reading each morning, saturated at the brim; some are dead throughout;
* crews tell the level they see when they empty a bin in quarters, more than full as 1.25.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from dure.services.waste.model import BoolArray, FloatArray

EARTH_M = 6_371_008.8  # mean radius, IUGG
WEEKDAYS = (1.04, 1.04, 1.14, 1.07, 0.78, 1.01, 0.94)  # Monday to Sunday, Wyndham 2018-2021 (measured, waste.md 3.6)


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """What a simulated city is made of.

    Attributes
    ----------
    days, warm_up_d : days replayed; of these the first are learnt from and not counted
    rate_median, rate_sigma : of the log-normal rates of bins [1/d], [1]
    day_cv : coefficient of variation of a day's waste in one bin
    capacity_l : litres to the brim
    spread_m : standard deviation of corners around the middle, east and north
    at_corner, corner_m : bins that stand at one corner on the average, and how far from it (standard deviation)
    alike, alike_m : share of the variance of log rates that neighbours have in common [1], and how far that reaches
    dead : share of bins whose sensor tells nothing
    sensor_sd : noise of a reading [1]
    """

    n: int = 200
    days: int = 56
    warm_up_d: int = 14
    rate_median: float = 0.117
    rate_sigma: float = 0.75
    day_cv: float = 0.5
    weekdays: tuple[float, ...] = WEEKDAYS
    capacity_l: float = 570.0
    spread_m: float = 2_400.0
    at_corner: float = 1.0
    corner_m: float = 15.0
    alike: float = 0.5
    alike_m: float = 1_500.0
    dead: float = 0.0
    sensor_sd: float = 0.03
    center: tuple[float, float] = (126.83, 37.2)


@dataclass(frozen=True, eq=False)
class World:
    """n bins on t days.

    Attributes
    ----------
    lon_lat : (n, 2) places of bins; `depot` (2,) where trucks start, end and unload
    capacity_l : (n,) litres to the brim
    rate : (n,) true mean rise [1/d]; only peers that are to be judged at their best may look at it
    rise : (t, n) what is thrown in on each day, as a share of the bin [1]
    noise : (t, n) error of each morning's reading [1]
    sensing : (t, n) whether the sensor tells anything that morning
    weekday : (t,) 0 Monday
    warm_up_d : first days that are not counted
    """

    ids: tuple[str, ...]
    lon_lat: FloatArray
    depot: FloatArray
    capacity_l: FloatArray
    rate: FloatArray
    rise: FloatArray
    noise: FloatArray
    sensing: BoolArray
    weekday: tuple[int, ...]
    warm_up_d: int = 14

    @property
    def days(self) -> int:
        """How many days it holds."""
        return int(self.rise.shape[0])

    @property
    def n(self) -> int:
        """How many bins it holds."""
        return len(self.ids)

    @property
    def places_m(self) -> FloatArray:
        """(n, 2) metres east and north of the depot, as if the city were flat."""
        apart = np.radians(self.lon_lat - self.depot) * EARTH_M
        return np.asarray(apart * [math.cos(math.radians(self.depot[1])), 1.0])

    def with_dead(self, share: float, seed: int, from_day: int = 0) -> World:
        """The same city with so many sensors dead from a day on, seeded; a larger share contains a smaller one."""
        dead = np.zeros(self.n, bool)
        dead[np.random.default_rng([seed, 7]).permutation(self.n)[: round(share * self.n)]] = True
        sensing = self.sensing.copy()
        sensing[from_day:] = ~dead
        return replace(self, sensing=sensing)

    def with_sensors(self, has: BoolArray) -> World:
        """The same city where only these bins, (n,), have a sensor."""
        return replace(self, sensing=np.broadcast_to(has, self.sensing.shape).copy())


def virtual_world(recipe: Recipe, seed: int) -> World:
    """A seeded city."""
    rng = np.random.default_rng(seed)
    corners = recipe.spread_m * rng.standard_normal((max(1, round(recipe.n / recipe.at_corner)), 2))
    own = rng.integers(len(corners), size=recipe.n)
    xy = corners[own] + recipe.corner_m * rng.standard_normal((recipe.n, 2))
    depot = np.array([1.1 * recipe.spread_m, 0.0])  # beside the middle, as yards are
    rate = recipe.rate_median * np.exp(recipe.rate_sigma * _likeness(recipe, xy, rng))
    weekday = tuple(day % 7 for day in range(recipe.days))
    factor = np.array(recipe.weekdays)[list(weekday)]
    shape = 1 / recipe.day_cv**2
    rise = rate * factor[:, None] * rng.gamma(shape, 1 / shape, (recipe.days, recipe.n))
    world = World(
        ids=tuple(f"bin-{one:04d}" for one in range(recipe.n)),
        lon_lat=_lon_lat(xy, recipe.center),
        depot=_lon_lat(depot[None, :], recipe.center)[0],
        capacity_l=np.full(recipe.n, recipe.capacity_l),
        rate=rate,
        rise=rise,
        noise=recipe.sensor_sd * rng.standard_normal((recipe.days, recipe.n)),
        sensing=np.ones((recipe.days, recipe.n), bool),
        weekday=weekday,
        warm_up_d=recipe.warm_up_d,
    )
    return world.with_dead(recipe.dead, seed) if recipe.dead else world


def distances(lon_lat: FloatArray, factor: float) -> FloatArray:
    """(n, n) metres between places as the crow flies (haversine) times a road factor; symmetric."""
    lon, lat = np.radians(lon_lat[:, 0]), np.radians(lon_lat[:, 1])
    half = np.sin((lat[:, None] - lat) / 2) ** 2 + np.cos(lat[:, None]) * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    return np.asarray(factor * 2 * EARTH_M * np.arcsin(np.sqrt(np.clip(half, 0, 1))))


def _likeness(recipe: Recipe, xy: FloatArray, rng: np.random.Generator) -> FloatArray:
    """(n,) standard normal values of which neighbours have a share in common (Gaussian field, exponential covariance)."""
    own = rng.standard_normal(recipe.n)
    apart_m = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    root = np.linalg.cholesky(np.exp(-apart_m / recipe.alike_m) + 1e-9 * np.eye(recipe.n))
    return np.asarray(math.sqrt(recipe.alike) * (root @ rng.standard_normal(recipe.n)) + math.sqrt(1 - recipe.alike) * own)


def _lon_lat(xy: FloatArray, center: tuple[float, float]) -> FloatArray:
    lat = center[1] + np.degrees(xy[:, 1] / EARTH_M)
    lon = center[0] + np.degrees(xy[:, 0] / (EARTH_M * math.cos(math.radians(center[1]))))
    return np.column_stack([lon, lat])
