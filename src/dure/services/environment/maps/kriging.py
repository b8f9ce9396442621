"""Ordinary kriging with weights solved once per set of stations.

The weights of a place depend on where the stations stand and on the variogram, not on what they say. They are solved once; a new
map is then one sum of products. When a station drops out or comes back, only the places that used it, or would, are solved again.

Equations: with neighbours i = 1..k of a place, semivariances G = γ(|x_i - x_j|) and g = γ(|x_i - x_0|), weights w and
multiplier m solve ``[[G, 1], [1ᵀ, 0]] [w; m] = [g; 1]``; the estimate is ``wᵀ z`` and the variance ``wᵀ g + m`` (Cressie,
Statistics for Spatial Data, 1993, section 3.2). Values and variances equal PyKrige 1.7.3 with the same neighbours to rounding.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.services.environment.maps.variogram import Variogram, semivariance

if TYPE_CHECKING:
    from numpy.typing import NDArray

SETS_PER_CHUNK = 1024
PAIRS_PER_CHUNK = 4_000_000


class Weights(msgspec.Struct, frozen=True, eq=False):
    """Solved weights of `points` places, for one set of usable sites; k neighbours each.

    The places are the cells, then every site seen from the others. Where a place has fewer neighbours the rest repeats the first
    with weight 0.

    Attributes
    ----------
    usable : (sites,) the sites these weights may use
    site, weight : (k, points) the neighbours and their weights
    sd : (points,) kriging standard deviation in the unit of the property
    nearest_m, farthest_m : (points,) distance of the first neighbour, and of the k-th (infinite where there are fewer) [m]
    solved : places solved anew for this set
    """

    usable: NDArray[np.bool_]
    site: NDArray[np.intp]
    weight: NDArray[np.float64]
    sd: NDArray[np.float64]
    nearest_m: NDArray[np.float64]
    farthest_m: NDArray[np.float64]
    solved: int


class Kriging:
    """Weights of fixed cells and sites under one variogram; the sets of usable sites asked for last are kept.

    Parameters
    ----------
    sites : (sites, 2) places of the stations on a plane [m], no two the same
    cells : (cells, 2) places to estimate [m]
    variogram : of the field
    neighbours : nearest usable sites that a place uses
    sets_max : sets of usable sites whose weights are kept
    """

    def __init__(
        self,
        sites: NDArray[np.float64],
        cells: NDArray[np.float64],
        variogram: Variogram,
        neighbours: int = 16,
        sets_max: int = 3,
    ) -> None:
        self._sites = np.ascontiguousarray(sites, np.float64)
        self._points = np.concatenate([cells, sites])
        self._own = np.concatenate([np.full(len(cells), -1), np.arange(len(sites))])
        self._neighbours = neighbours
        self._kept: OrderedDict[bytes, Weights] = OrderedDict()
        self._sets_max = sets_max
        self.cells = len(cells)
        self.variogram = variogram

    def weights(self, usable: NDArray[np.bool_]) -> Weights:
        """Weights that use the usable sites only: kept, or made from the most similar set that is kept.

        Raises
        ------
        ValueError
            With fewer than two usable sites: a site could not be seen from another.
        """
        if np.count_nonzero(usable) < 2:
            raise ValueError("Kriging needs at least two usable sites.")
        key = np.packbits(usable).tobytes()
        found = self._kept.get(key)
        if found is None:
            near = min(self._kept.values(), key=lambda one: int(np.count_nonzero(one.usable != usable)), default=None)
            found = self._whole(usable) if near is None else self._changed(near, usable)
            self._kept[key] = found
            while len(self._kept) > self._sets_max:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return found

    def _whole(self, usable: NDArray[np.bool_]) -> Weights:
        k, points = self._neighbours, len(self._points)
        made = Weights(
            usable.copy(),
            np.zeros((k, points), np.intp),
            np.zeros((k, points)),
            np.zeros(points),
            np.zeros(points),
            np.full(points, np.inf),
            points,
        )
        self._solve(made, np.arange(points))
        return made

    def _changed(self, near: Weights, usable: NDArray[np.bool_]) -> Weights:
        """The weights of a similar set, with the places solved anew that lose a neighbour or gain a nearer one."""
        lost, come = near.usable & ~usable, usable & ~near.usable
        touched = lost[near.site].any(axis=0)
        for site in np.flatnonzero(come):
            if touched.all():
                break
            touched |= np.hypot(*(self._points - self._sites[site]).T) <= near.farthest_m
        made = Weights(
            usable.copy(),
            near.site.copy(),
            near.weight.copy(),
            near.sd.copy(),
            near.nearest_m.copy(),
            near.farthest_m.copy(),
            int(touched.sum()),
        )
        self._solve(made, np.flatnonzero(touched))
        return made

    def _solve(self, into: Weights, rows: NDArray[np.intp]) -> None:
        """Solve some places from the usable sites, in place."""
        usable = np.flatnonzero(into.usable)
        own = np.isin(self._own[rows], usable)  # a usable site has one neighbour fewer: itself
        for some, available in ((rows[~own], len(usable)), (rows[own], len(usable) - 1)):
            k = min(self._neighbours, available)
            into.weight[:, some], into.farthest_m[some] = 0.0, np.inf
            for part in _parts(len(some), max(1, PAIRS_PER_CHUNK // len(usable))):
                points = some[part]
                site, distance = self._nearest(points, usable, k)
                into.site[:k, points], into.site[k:, points] = site.T, site[:, 0]
                into.nearest_m[points] = distance.min(axis=1)
                if k == self._neighbours:
                    into.farthest_m[points] = distance.max(axis=1)
                weight, sd = solve(self._sites, site, distance, self.variogram)
                into.weight[:k, points], into.sd[points] = weight.T, sd

    def _nearest(self, rows: NDArray[np.intp], usable: NDArray[np.intp], k: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The k nearest usable sites of some places, by number of the site, and their distances: (rows, k) each."""
        apart = self._points[rows, None, 0] - self._sites[None, usable, 0]
        apart *= apart
        north = self._points[rows, None, 1] - self._sites[None, usable, 1]
        apart += np.multiply(north, north, out=north)
        apart[self._own[rows, None] == usable] = np.inf
        if k < len(usable):
            nearest = np.sort(np.argpartition(apart, k - 1, axis=1)[:, :k], axis=1)
        else:
            nearest = np.broadcast_to(np.arange(k), (len(rows), k))
        return usable[nearest], np.sqrt(np.take_along_axis(apart, nearest, axis=1))


def _parts(n: int, most: int) -> list[slice]:
    return [slice(first, min(n, first + most)) for first in range(0, n, most)]


def solve(
    sites: NDArray[np.float64], site: NDArray[np.intp], distance_m: NDArray[np.float64], variogram: Variogram
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Kriging weights and standard deviation of some places from their neighbours.

    Places with the same neighbours share one matrix, which is inverted once; one step of refinement brings the result to what a
    direct solution gives.

    Parameters
    ----------
    sites : (sites, 2) [m]
    site, distance_m : (points, k) neighbours in rising order of their number, and their distances [m]
    variogram : of the field

    Returns
    -------
    weight : (points, k), sum 1
    sd : (points,) in the unit of the property
    """
    points, k = site.shape
    unit = msgspec.structs.replace(variogram, psill=variogram.psill / variogram.sill, nugget=variogram.nugget / variogram.sill)
    rows = np.ascontiguousarray(site, np.int32)
    _, first, group = np.unique(rows.view(f"V{4 * k}").ravel(), return_index=True, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(len(first) + 1))
    weight, variance = np.empty((points, k)), np.empty(points)
    for sets in _parts(len(first), SETS_PER_CHUNK):
        matrix = _matrices(sites[site[first[sets]]], unit)
        inverse = _inverse(matrix)
        mine = order[starts[sets.start] : starts[sets.stop]]
        for part in _parts(len(mine), 4 * SETS_PER_CHUNK):
            chosen = mine[part]
            at = group[chosen] - sets.start
            right = np.ones((len(chosen), k + 1, 1))
            right[:, :k, 0] = semivariance(unit, distance_m[chosen])
            x = inverse[at] @ right
            x += inverse[at] @ (right - matrix[at] @ x)
            weight[chosen] = x[:, :k, 0]
            variance[chosen] = np.sum(x * right, axis=(1, 2))
    return weight, np.sqrt(np.maximum(variance, 0.0) * variogram.sill)


def _matrices(xy: NDArray[np.float64], unit: Variogram) -> NDArray[np.float64]:
    """The kriging matrix of each set of neighbours: (sets, k, 2) -> (sets, k + 1, k + 1)."""
    sets, k, _ = xy.shape
    matrix = np.ones((sets, k + 1, k + 1))
    between = xy[:, :, None, :] - xy[:, None, :, :]
    matrix[:, :k, :k] = semivariance(unit, np.hypot(between[..., 0], between[..., 1]))
    matrix[:, k, k] = 0.0
    return matrix


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverses; where one cannot be had (a smooth field, stations almost at one place), the pseudo-inverse."""
    try:
        return np.asarray(np.linalg.inv(matrix), np.float64)
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.pinv(matrix, hermitian=True), np.float64)


def estimates(weights: Weights, measured: NDArray[np.float64]) -> NDArray[np.float64]:
    """Estimates of all places: (points,) from (sites,) values; a site that is not usable is not looked at."""
    total: NDArray[np.float64] = measured[weights.site[0]] * weights.weight[0]
    for site, weight in zip(weights.site[1:], weights.weight[1:], strict=True):
        total += measured[site] * weight
    return total
