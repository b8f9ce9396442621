"""How unlike two places are, by the distance between them: the variogram of a field, measured at its stations and fitted.

A variogram is half the mean squared difference of a quantity at two places a distance apart. Kriging (`surface.py`) turns it into
weights and an error. It is fitted from what the stations said over the last hours; where too little is known, or what is found
makes no sense, the usual one of the property stands in and the reasons say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Model = Literal["spherical", "exponential", "gaussian", "linear"]

SAME_PLACE_M = 1e-10  # two places nearer than this are one: there the semivariance is 0, also with a nugget


class Variogram(msgspec.Struct, frozen=True, kw_only=True):
    """Semivariance by distance: `nugget` at once, then `psill` more, reached (95 % of it or all) at `range_m`.

    `psill` and `nugget` are in the squared unit of the property. A linear variogram grows without end; its `range_m` is the
    distance at which it has grown by `psill`.
    """

    model: Model
    psill: float
    range_m: float
    nugget: float = 0.0

    def __post_init__(self) -> None:
        if not (self.psill >= 0 and self.nugget >= 0 and self.range_m > 0 and self.psill + self.nugget > 0):
            raise ValueError(f"A variogram needs a sill and a range above 0: {self.psill=}, {self.nugget=}, {self.range_m=}")

    @property
    def sill(self) -> float:
        """Semivariance of places that have nothing to do with each other."""
        return self.psill + self.nugget

    @property
    def sd(self) -> float:
        """Standard deviation of the field, in the unit of the property."""
        return float(np.sqrt(self.sill))


class FitRule(msgspec.Struct, frozen=True, kw_only=True):
    """What a fit needs and what it may find.

    Attributes
    ----------
    models : tried in this order; the first of two equally good ones wins
    stations_min, times_min, pairs_min : stations and times for any fit; pairs of stations and times for a lag to count
    lags : classes of distance up to `lag_share` of the largest distance between two stations
    ranges : ranges tried between `range_m_min` and `range_m_max`
    gain_min, nugget_share_max : share of the weighted squares about a constant that a fit must explain, and share of the sill
        that may be nugget; else there is no structure
    gaussian_nugget_min : share of the sill; a smooth field without a nugget cannot be solved safely
    """

    models: tuple[Model, ...]
    stations_min: int
    times_min: int
    pairs_min: int
    lags: int
    lag_share: float
    ranges: int
    range_m_min: float
    range_m_max: float
    gain_min: float
    nugget_share_max: float
    gaussian_nugget_min: float


class Usual(msgspec.Struct, frozen=True, kw_only=True):
    """The usual variogram of a property: its form, and the standard deviation where the stations do not tell."""

    model: Model
    range_m: float
    nugget_share: float
    sd: float


class Empirical(msgspec.Struct, frozen=True, eq=False):
    """A measured variogram: mean distance [m], semivariance and number of pairs of each lag, (lags,) each."""

    distance_m: NDArray[np.float64]
    semivariance: NDArray[np.float64]
    pairs: NDArray[np.int64]


class Fitted(msgspec.Struct, frozen=True):
    """The variogram to use. `reasons` are codes, empty when it was fitted; else they say why another stands in, or what to mind.

    `field_sd` is the spread that was seen, where the sill of the variogram was not; `moment_sd` what joined the nugget because
    the values of a moment scatter more than the means it was fitted from.
    """

    variogram: Variogram
    stations: int
    times: int
    gain: float | None = None
    reasons: tuple[str, ...] = ()
    field_sd: float | None = None
    moment_sd: float = 0.0


def semivariance(variogram: Variogram, distance_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Semivariance at each distance.

    Parameters
    ----------
    variogram : the model and its parameters
    distance_m : any shape [m], >= 0

    Returns
    -------
    Same shape, in the squared unit of the property; 0 at distance 0, `nugget` and more beyond

    References
    ----------
    Kitanidis, Introduction to Geostatistics, Cambridge 1997; the forms and the meaning of the range are those of PyKrige 1.7.3.
    """
    grown = _grown(variogram.model, distance_m / variogram.range_m) * variogram.psill + variogram.nugget
    grown[distance_m <= SAME_PLACE_M] = 0.0
    return grown


def _grown(model: Model, ranges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the partial sill reached at a distance in units of the range."""
    if model == "spherical":
        within = np.minimum(ranges, 1.0)
        return within * (1.5 - 0.5 * within * within)
    if model == "exponential":
        return -np.expm1(-3.0 * ranges)
    if model == "gaussian":
        scaled = ranges * (7.0 / 4.0)
        return -np.expm1(-scaled * scaled)
    return ranges.copy()


def empirical(xy: NDArray[np.float64], values: NDArray[np.float64], rule: FitRule) -> Empirical:
    """Measured variogram, robust against single wild values.

    Parameters
    ----------
    xy : (n, 2) places of the stations on a plane [m]
    values : (n,) or (times, n), NaN where missing; pairs are made within one time and pooled over times
    rule : lags and the least number of pairs of a lag

    Returns
    -------
    Lags with enough pairs, by distance

    References
    ----------
    Cressie and Hawkins, Robust estimation of the variogram: I, Mathematical Geology 12 (1980) 115-125, doi 10.1007/BF01035243.
    """
    rows = np.atleast_2d(values)
    first, second = np.triu_indices(len(xy), 1)
    distance = np.hypot(*(xy[first] - xy[second]).T)
    reach = rule.lag_share * distance.max(initial=0.0)
    near = (distance > SAME_PLACE_M) & (distance <= reach)
    first, second, distance = first[near], second[near], distance[near]
    lag = np.minimum((distance / reach * rule.lags).astype(np.intp), rule.lags - 1) if len(distance) else np.empty(0, np.intp)
    total, pairs, metres = np.zeros(rule.lags), np.zeros(rule.lags, np.int64), np.zeros(rule.lags)
    for row in rows:
        apart = np.sqrt(np.abs(row[first] - row[second]))
        known = np.isfinite(apart)
        total += np.bincount(lag[known], apart[known], rule.lags)
        metres += np.bincount(lag[known], distance[known], rule.lags)
        pairs += np.bincount(lag[known], minlength=rule.lags)
    enough = pairs >= max(1, rule.pairs_min)
    n = pairs[enough]
    half = 0.5 * (total[enough] / n) ** 4 / (0.457 + 0.494 / n)
    return Empirical(metres[enough] / n, half, n)


def usual_variogram(usual: Usual, sd: float | None = None) -> Variogram:
    """The usual variogram of a property, with the spread the stations show where it is known."""
    sill = (sd or usual.sd) ** 2
    return Variogram(
        model=usual.model, psill=sill * (1 - usual.nugget_share), range_m=usual.range_m, nugget=sill * usual.nugget_share
    )


def fit(xy: NDArray[np.float64], values: NDArray[np.float64], rule: FitRule, usual: Usual) -> Fitted:
    """The variogram of a field from what its stations said.

    Every model and range of the rule is tried; nugget and partial sill follow by weighted least squares, never below 0. The first
    weights are the pairs of a lag, the second pairs / semivariance² of the first result, so that near lags, which decide the map,
    count. The best is taken unless it explains too little.
    Where the stations show no structure, none is assumed: the variogram is all nugget, and no cell of the map is to be believed.

    Parameters
    ----------
    xy : (n, 2) places of the stations on a plane [m]
    values : (n,) or (times, n) in the unit of the property, NaN where missing
    rule : what is tried and what is believed
    usual : what stands in

    Returns
    -------
    The variogram with its reasons: ``too_few_stations``, ``no_variation``, ``too_few_times``, ``too_few_pairs``,
    ``no_structure``, ``range_at_bound``

    References
    ----------
    Weights: Cressie, Fitting variogram models by weighted least squares, Mathematical Geology 17 (1985) 563-586, doi
    10.1007/BF01032109.
    """
    rows = np.atleast_2d(values)
    seen = np.isfinite(rows)
    stations, times = int(seen.any(axis=0).sum()), int(seen.any(axis=1).sum())
    spread = _spread(rows)
    if stations < rule.stations_min:
        known_sd = spread if stations >= 3 and spread > 0 else None
        return Fitted(usual_variogram(usual, known_sd), stations, times, None, ("too_few_stations",))
    if not spread > 0:
        return Fitted(usual_variogram(usual), stations, times, None, ("no_variation",))
    measured = empirical(xy, rows, rule)
    if times < rule.times_min or len(measured.pairs) < 4:
        reason = "too_few_times" if times < rule.times_min else "too_few_pairs"
        return Fitted(usual_variogram(usual, spread), stations, times, None, (reason,))
    found, gain = _best(measured, rule)
    if found is None or gain < rule.gain_min or found.nugget > rule.nugget_share_max * found.sill:
        nothing = Variogram(model=usual.model, psill=0.0, range_m=usual.range_m, nugget=_level(measured))
        return Fitted(nothing, stations, times, gain, ("no_structure",))
    if found.range_m >= rule.range_m_max:  # a trend across the city: its sill was never seen
        return Fitted(found, stations, times, gain, ("range_at_bound",), min(spread, found.sd))
    return Fitted(found, stations, times, gain)


def _spread(rows: NDArray[np.float64]) -> float:
    """Robust standard deviation between stations, over all times: from the median distance to each time's median."""
    deviations = np.concatenate(
        [np.abs(known - np.median(known)) for row in rows if len(known := row[np.isfinite(row)])] or [[0.0]]
    )
    middle = 1.4826 * float(np.median(deviations))
    return middle or float(np.sqrt(np.mean(deviations**2)))


def of_moments(fitted: Fitted, now: NDArray[np.float64], means: NDArray[np.float64]) -> Fitted:
    """A variogram fitted from means, made fit for the values of a moment: their scatter about the means joins the nugget.

    Parameters
    ----------
    fitted : from means over an hour or so
    now, means : (n,) each station's value now and its newest mean, NaN where missing; a change common to all does not count
    """
    off = now - means
    off = off[np.isfinite(off)]
    if len(off) < 3:
        return fitted
    scatter = 1.4826 * float(np.median(np.abs(off - np.median(off))))
    more = msgspec.structs.replace(fitted.variogram, nugget=fitted.variogram.nugget + scatter**2)
    field = None if fitted.field_sd is None else float(np.hypot(fitted.field_sd, scatter))
    return msgspec.structs.replace(fitted, variogram=more, moment_sd=scatter, field_sd=field)


def _level(measured: Empirical) -> float:
    return float(np.average(measured.semivariance, weights=measured.pairs))


def _best(measured: Empirical, rule: FitRule) -> tuple[Variogram | None, float]:
    """The best of all models and ranges, and the share of squares about a constant that it explains."""
    first, _ = _search(measured, rule, measured.pairs.astype(np.float64))
    expected = np.full(len(measured.pairs), _level(measured)) if first is None else semivariance(first, measured.distance_m)
    return _search(measured, rule, measured.pairs / np.maximum(expected, 1e-300) ** 2)


def _search(measured: Empirical, rule: FitRule, weight: NDArray[np.float64]) -> tuple[Variogram | None, float]:
    target = measured.semivariance
    constant = float(np.sum(weight * (target - np.average(target, weights=weight)) ** 2))
    shortest = max(rule.range_m_min, float(measured.distance_m[1]))  # a shorter range would rest on one lag
    if shortest >= rule.range_m_max:
        return None, 0.0
    ranges = np.geomspace(shortest, rule.range_m_max, rule.ranges)
    best, least = None, constant
    for model in rule.models:
        shape = _grown(model, measured.distance_m / ranges[:, None])
        floor = rule.gaussian_nugget_min if model == "gaussian" else 0.0
        nugget, psill = _levels(shape, target, weight, floor)
        left = np.sum(weight * (nugget[:, None] + psill[:, None] * shape - target) ** 2, axis=1)
        left[psill <= 0] = np.inf
        at = int(np.argmin(left))
        if left[at] < least * (1 - 1e-9):
            least = float(left[at])
            best = Variogram(model=model, psill=float(psill[at]), range_m=float(ranges[at]), nugget=max(0.0, float(nugget[at])))
    return best, (1 - least / constant if constant > 0 else 0.0)


def _levels(
    shape: NDArray[np.float64], target: NDArray[np.float64], weight: NDArray[np.float64], floor: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nugget and partial sill of each range by weighted least squares, neither below 0.

    Parameters
    ----------
    shape : (ranges, lags) share of the partial sill reached
    target, weight : (lags,)
    floor : least share of the sill that is nugget
    """
    w, wy = weight.sum(), float(weight @ target)
    ws, wss, wsy = shape @ weight, (shape * shape) @ weight, (shape * target) @ weight
    determinant = np.maximum(w * wss - ws * ws, 1e-300)
    nugget, psill = (wss * wy - ws * wsy) / determinant, (w * wsy - ws * wy) / determinant
    ratio = floor / (1 - floor)
    tied = nugget < ratio * psill  # the nugget would be below its floor: fit the sum of both as one
    lifted = shape + ratio
    alone = ((lifted * target) @ weight) / np.maximum((lifted * lifted) @ weight, 1e-300)
    psill = np.where(tied, alone, psill)
    return np.where(tied, ratio * psill, nugget), psill
