"""Who stands near whom, and the two spatial checks of titanlib (Båserud et al., 2020, doi 10.5194/asr-17-153-2020).

Written anew; `buddy_check` and `isolation_check` give titanlib's flags. Dure judges with its own round, `network_round`.

Two differences from titanlib are on purpose: a missing value neither judges nor is judged (there it makes the mean of
its neighbours NaN, and they pass), and two stations at one place are neighbours of each other.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

EARTH_RADIUS_M = 6_378_137.0  # equatorial radius of WGS 84, as titanlib takes it
BLOCK = 512


class Neighbourhoods(msgspec.Struct, frozen=True, eq=False):
    """Who stands near whom, built once for a set of n stations; each row is sorted by distance and filled up with -1.

    Attributes
    ----------
    index : (n, k) station number of each neighbour, -1 where there are no more
    distance_m : (n, k) chord to it [m], inf where none
    east_m, north_m : (n, k) its place seen from the station on the local plane [m], 0 where none
    rise_m : (n, k) the station's height above it [m], 0 where none, NaN where a height is unknown
    placed : (n,) whether the station's own place is known
    """

    index: NDArray[np.intp]
    distance_m: FloatArray
    east_m: FloatArray
    north_m: FloatArray
    rise_m: FloatArray
    placed: BoolArray

    def __len__(self) -> int:
        return len(self.index)


def surround(
    lon: FloatArray, lat: FloatArray, elevation_m: FloatArray | None = None, *, radius_m: float, most: int | None = None
) -> Neighbourhoods:
    """Neighbours within a radius, at most the `most` nearest ones.

    Parameters
    ----------
    lon, lat : (n,) place in degrees WGS 84; NaN where unknown: such a station has no neighbours
    elevation_m : (n,) height [m], NaN where unknown; None where heights do not matter or are not known of most
    radius_m : [m], compared with the chord, which in a city is the way on the ground
    """
    n = len(lon)
    longitude, latitude = np.radians(lon), np.radians(lat)
    place = np.stack((np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)), axis=1)
    rows = [
        _nearest(place[first : first + BLOCK] * EARTH_RADIUS_M, place * EARTH_RADIUS_M, first, radius_m, most)
        for first in range(0, n, BLOCK)
    ]
    width = max((one[0].shape[1] for one in rows), default=0)
    index = np.full((n, width), -1, np.intp)
    distance_m = np.full((n, width), np.inf)
    for number, (near, apart) in enumerate(rows):
        here = slice(number * BLOCK, number * BLOCK + len(near))
        index[here, : near.shape[1]], distance_m[here, : near.shape[1]] = near, apart
    there = index >= 0
    own = np.arange(n)[:, None]
    safe = np.where(there, index, own)  # an empty slot points at the station itself: all differences are 0
    north_m = EARTH_RADIUS_M * (latitude[safe] - latitude[own])
    east_m = EARTH_RADIUS_M * np.cos(latitude[own]) * (longitude[safe] - longitude[own])
    height = np.zeros(n) if elevation_m is None else np.asarray(elevation_m, np.float64)
    placed = np.isfinite(lon) & np.isfinite(lat)
    rise_m = np.where(there, height[own] - height[safe], 0.0)
    return Neighbourhoods(index, distance_m, np.where(there, east_m, 0.0), np.where(there, north_m, 0.0), rise_m, placed)


def _nearest(
    some: FloatArray, all_: FloatArray, first: int, radius_m: float, most: int | None
) -> tuple[NDArray[np.intp], FloatArray]:
    """Neighbours of a block of stations, nearest first, filled up with -1 and inf."""
    with np.errstate(invalid="ignore"):
        squared = ((some[:, None, :] - all_[None, :, :]) ** 2).sum(axis=2)
        squared[np.arange(len(some)), first + np.arange(len(some))] = np.inf
        near = squared <= radius_m**2
    width = int(near.sum(axis=1).max(initial=0))
    width = width if most is None else min(width, most)
    squared[~near] = np.inf
    order = np.argsort(squared, axis=1, kind="stable")[:, :width]
    apart = np.sqrt(np.take_along_axis(squared, order, axis=1))
    return np.where(np.isfinite(apart), order, -1), apart


def isolation_check(places: Neighbourhoods, least: int = 1, rise_m_max: float | None = None) -> BoolArray:
    """(n,) whether a station has fewer than `least` neighbours (at less than `rise_m_max` of height from it), as titanlib."""
    there = places.index >= 0
    if rise_m_max is not None:
        there &= np.abs(places.rise_m) < rise_m_max
    return np.asarray(there.sum(axis=1) < least)


class BuddyRule(msgspec.Struct, frozen=True, kw_only=True):
    """titanlib's arguments: `threshold` in standard deviations of the neighbours, `sd_min` and `gradient_per_m` in units."""

    least: int
    threshold: float
    rise_m_max: float = 200.0
    gradient_per_m: float = -0.0065
    sd_min: float = 1.0
    rounds: int = 2


def buddy_check(values: FloatArray, places: Neighbourhoods, rule: BuddyRule) -> BoolArray:
    """(n,) whether a value differs too much from the mean of its neighbours, with titanlib's flags.

    In every round all stations are compared with the neighbours that no earlier round flagged.
    """
    there = places.index >= 0
    if rule.rise_m_max > 0:
        there &= np.abs(places.rise_m) <= rule.rise_m_max
    missing = np.isnan(values)
    there &= ~missing[places.index]
    moved = np.where(there, values[places.index], 0.0)
    if rule.rise_m_max > 0:
        moved += np.where(there, places.rise_m * rule.gradient_per_m, 0.0)
    flagged = np.zeros(len(values), np.bool_)
    for _ in range(rule.rounds):
        flagged |= _beyond(values, moved, there & ~flagged[places.index], rule) & ~missing
    return flagged


def _beyond(values: FloatArray, moved: FloatArray, used: BoolArray, rule: BuddyRule) -> BoolArray:
    """Whether a value is more than the threshold from the mean of the neighbours used."""
    count = used.sum(axis=1)
    some = np.maximum(count, 1)
    mean = np.where(used, moved, 0.0).sum(axis=1) / some
    variance = (np.where(used, moved - mean[:, None], 0.0) ** 2).sum(axis=1) / some
    sd = np.maximum(np.sqrt(variance + variance / some), rule.sd_min)
    with np.errstate(invalid="ignore"):
        return np.asarray((count >= rule.least) & (np.abs(values - mean) > rule.threshold * sd))
