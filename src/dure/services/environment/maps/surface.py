"""The field between stations and how far to believe it: a map of estimates with their errors, scored by its own stations.

Ordinary kriging (`kriging.py`) gives every cell an estimate and a standard deviation, and every station an estimate from the
others. A cell is not to be believed when its error is near that of the field itself, or the nearest station is out of range.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.services.environment.maps.kriging import Kriging, estimates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dure.services.environment.maps.variogram import Variogram

Z_80 = 1.2815515655446004  # half-width of the central 80 % of a normal distribution, in standard deviations


class Reliability(msgspec.Struct, frozen=True, kw_only=True):
    """When an estimate is not to be believed.

    Attributes
    ----------
    sd_share_max : of the field's standard deviation; beyond it the stations say hardly more than the city's mean
    ranges_max : distance to the nearest station, in ranges of the variogram
    """

    sd_share_max: float
    ranges_max: float


class Neighbourhood(msgspec.Struct, frozen=True, kw_only=True):
    """Who takes part: neighbours of a cell, places it takes to make a map, and how near two stations are one place [m]."""

    neighbours: int = 16
    sites_min: int = 3
    merge_m: float = 1.0


class Score(msgspec.Struct, frozen=True):
    """How good a map is: each of `n` stations estimated from the others.

    `rmse` and `bias` in the unit of the property; `rmse_of_mean` is that of the other stations' plain mean; `within_80` is the
    share of stations inside their 80 % interval, 0.8 when the errors are honest.
    """

    n: int
    rmse: float
    bias: float
    rmse_of_mean: float
    within_80: float


class Surface(msgspec.Struct, frozen=True, eq=False):
    """A map: (cells,) estimate and standard deviation in the unit of the property, and whether each is to be believed.

    `clipped` is the number of cells moved to the least or most possible value; `sites` the number of places measured.
    """

    estimate: NDArray[np.float64]
    sd: NDArray[np.float64]
    reliable: NDArray[np.bool_]
    clipped: int
    sites: int
    score: Score


class NoSurface(msgspec.Struct, frozen=True):
    """Why there is no map: a code, the places measured and the places it takes."""

    code: str
    sites: int
    needed: int


def merge(xy: NDArray[np.float64], within_m: float) -> NDArray[np.intp]:
    """The site of each station: stations within a distance of an earlier site's first station share that site.

    Two stations on one mast would make the kriging matrix singular; they count as one place with the mean of their values.

    Parameters
    ----------
    xy : (stations, 2) [m]
    within_m : distance

    Returns
    -------
    (stations,) number of the site, from 0 in order of first appearance
    """
    site = np.empty(len(xy), np.intp)
    firsts: list[int] = []
    for station, place in enumerate(xy):
        near = np.hypot(*(xy[firsts] - place).T)
        at = int(np.argmin(near)) if firsts else 0
        if not firsts or near[at] > within_m:
            at = len(firsts)
            firsts.append(station)
        site[station] = at
    return site


class Mapper:
    """Maps of one property: stations in, map out.

    Parameters
    ----------
    stations : (stations, 2) [m]
    cells : (cells, 2) [m]
    variogram : of the field
    reliability : when a cell is not to be believed
    neighbourhood : who takes part
    field_sd : standard deviation of the field; that of the variogram by default
    """

    def __init__(
        self,
        stations: NDArray[np.float64],
        cells: NDArray[np.float64],
        variogram: Variogram,
        reliability: Reliability,
        neighbourhood: Neighbourhood | None = None,
        field_sd: float | None = None,
    ) -> None:
        near = neighbourhood or Neighbourhood()
        self.site_of = merge(stations, near.merge_m)
        self._sites = int(self.site_of.max(initial=-1)) + 1
        counts = np.maximum(np.bincount(self.site_of, minlength=self._sites), 1)
        places = np.stack([np.bincount(self.site_of, stations[:, axis], self._sites) / counts for axis in (0, 1)], axis=1)
        self.kriging = Kriging(places, cells, variogram, near.neighbours)
        self._reliability = reliability
        self._field_sd = variogram.sd if field_sd is None else field_sd
        self._sites_min = near.sites_min

    def surface(self, values: NDArray[np.float64], least: float | None = None, most: float | None = None) -> Surface | NoSurface:
        """The map of what the stations say now.

        Parameters
        ----------
        values : (stations,) in the unit of the property, NaN for a station that must not be used
        least, most : the possible values, where there are bounds (a concentration is never negative): estimates outside are moved
            to the bound and counted

        Returns
        -------
        The map, or why there is none
        """
        known = np.isfinite(values)
        counts = np.bincount(self.site_of[known], minlength=self._sites)
        usable = counts > 0
        n = int(usable.sum())
        if n < self._sites_min:
            return NoSurface("too_few_stations", n, self._sites_min)
        totals = np.bincount(self.site_of[known], values[known], self._sites)
        measured = np.divide(totals, counts, out=np.zeros(self._sites), where=usable)
        weights = self.kriging.weights(usable)
        whole = estimates(weights, measured)
        cells = self.kriging.cells
        estimate, sd = whole[:cells], weights.sd[:cells]
        bounded = estimate if least is None and most is None else np.clip(estimate, least, most)
        rule = self._reliability
        near = weights.nearest_m[:cells] <= rule.ranges_max * self.kriging.variogram.range_m
        reliable = near & (sd <= rule.sd_share_max * self._field_sd)
        seen = score(measured[usable], whole[cells:][usable], weights.sd[cells:][usable])
        return Surface(bounded, sd, reliable, int(np.count_nonzero(bounded != estimate)), n, seen)


def score(measured: NDArray[np.float64], estimate: NDArray[np.float64], sd: NDArray[np.float64]) -> Score:
    """How well each station is told by the others: leave-one-out cross-validation.

    Parameters
    ----------
    measured, estimate, sd : (n,) value of each station, its estimate from the others and the standard deviation of that, n >= 2
    """
    n = len(measured)
    off = estimate - measured
    off_mean = (measured.sum() - measured) / (n - 1) - measured
    return Score(
        n,
        float(np.sqrt(np.mean(off**2))),
        float(np.mean(off)),
        float(np.sqrt(np.mean(off_mean**2))),
        float(np.mean(np.abs(off) <= Z_80 * sd)),
    )
