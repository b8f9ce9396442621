"""Dure's own round over a network: which stations agree with their neighbours at one instant.

A robust local plane is laid through the trusted neighbours; limits stand in the property's own unit and are learned from the
network itself (`network_rules.learn_thresholds`); the worst station is taken out first, so that one gross error condemns
no neighbour.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.core.observations import Check, Flag
from dure.services.environment.neighbours.network import BoolArray, FloatArray, Neighbourhoods
from dure.services.environment.neighbours.network_rules import SD_PER_MAD, Thresholds

BISQUARE = 4.685  # Tukey's bisquare at 95 % efficiency (Holland and Welsch, 1977, doi 10.1080/03610927708827533)
REWEIGHTINGS = 2
SLOPE_RIDGE = 0.1  # the slope is believed as if a tenth of a neighbour more saw none: keeps one-sided places calm
REMOVALS_MAX = 10


class Reason(IntEnum):
    """Why the network says what it says of a station."""

    AGREES = 0
    UNLIKE_NEIGHBOURS = 1
    TOO_FEW_NEIGHBOURS = 2
    NO_PLACE = 3
    MISSING_VALUE = 4
    HELD_ALREADY = 5


class Round(msgspec.Struct, frozen=True, eq=False):
    """The judgement of n stations at one instant.

    Attributes
    ----------
    flag, check : (n,) `Flag` and `Check`; only GOOD means that neighbours were asked and agree
    reason : (n,) `Reason`
    estimate : (n,) what the neighbours say [unit], NaN where too few
    deviation : (n,) value less estimate [unit]
    deviation_sd : (n,) the same in standard deviations of the network at this place
    suspect, fail : (n,) deviation from which the value is suspect, fails [unit]
    used : (n, k) which of the neighbours were used
    places : the neighbourhoods asked
    """

    flag: NDArray[np.uint8]
    check: NDArray[np.uint8]
    reason: NDArray[np.uint8]
    estimate: FloatArray
    deviation: FloatArray
    deviation_sd: FloatArray
    suspect: FloatArray
    fail: FloatArray
    used: BoolArray
    places: Neighbourhoods

    def neighbours(self, station: int) -> list[int]:
        """Numbers of the stations that were used to judge this one, nearest first."""
        return [int(one) for one in self.places.index[station][self.used[station]]]

    def evidence(self, station: int) -> dict[str, Any]:
        """What is kept with a verdict: plain numbers, None where there is none."""
        numbers = {
            "estimate": self.estimate,
            "deviation": self.deviation,
            "deviation_sd": self.deviation_sd,
            "suspect": self.suspect,
            "fail": self.fail,
        }
        told = {name: float(column[station]) if np.isfinite(column[station]) else None for name, column in numbers.items()}
        return {"reason": Reason(self.reason[station]).name.lower(), "neighbours": self.neighbours(station)} | told


def network_round(
    values: FloatArray,
    places: Neighbourhoods,
    limits: Thresholds,
    *,
    held: BoolArray | None = None,
    usual: FloatArray | None = None,
) -> Round:
    """Judge every station by its trusted neighbours, worst first.

    A station beyond its limit is taken out when none of its neighbours is further beyond; then all others are asked again.
    At the end each one that was taken out is compared once more with those that are left, and stands if it agrees.

    Parameters
    ----------
    values : (n,) one property at one instant [unit], NaN where missing
    limits : of the property
    held : (n,) values that failed another check already: they neither judge nor are judged
    usual : (n,) known difference of each station from its neighbours [unit], e.g. a street that is always warmer
    """
    level = values if usual is None else values - usual
    asked = np.isfinite(values) & places.placed
    if held is not None:
        asked &= ~held
    trusted = asked.copy()
    near = places.index >= 0
    fit = Fit(np.full(len(values), np.nan), np.full(len(values), np.nan), np.zeros(near.shape, np.bool_))
    stale = asked
    for _ in range(REMOVALS_MAX):
        fit.refresh(np.flatnonzero(stale), level, places, trusted, limits)
        size = fit.size(level, trusted)
        around = np.where(near, size[places.index], -np.inf).max(axis=1, initial=-np.inf)
        worst = (size > limits.rule.suspect_sd) & (size >= around)
        if not worst.any():
            break
        trusted &= ~worst
        stale = asked & (near & worst[places.index]).any(axis=1)
    return _told(values, level, places, limits, (asked, fit, held))


def _told(
    values: FloatArray,
    level: FloatArray,
    places: Neighbourhoods,
    limits: Thresholds,
    found: tuple[BoolArray, Fit, BoolArray | None],
) -> Round:
    """Flags and reasons of a round that has come to rest."""
    asked, fit, held = found
    deviation = np.where(asked, level - fit.estimate, np.nan)
    size = deviation / fit.sd
    reason = np.select(
        [
            np.isnan(values),
            np.zeros(len(values), np.bool_) if held is None else held,
            ~places.placed,
            np.isnan(size),
            np.abs(size) > limits.rule.suspect_sd,
        ],
        [
            Reason.MISSING_VALUE,
            Reason.HELD_ALREADY,
            Reason.NO_PLACE,
            Reason.TOO_FEW_NEIGHBOURS,
            Reason.UNLIKE_NEIGHBOURS,
        ],
        Reason.AGREES,
    ).astype(np.uint8)
    flag = np.full(len(values), Flag.NOT_EVALUATED, np.uint8)
    flag[reason == Reason.AGREES] = Flag.GOOD
    flag[reason == Reason.MISSING_VALUE] = Flag.MISSING
    unlike = reason == Reason.UNLIKE_NEIGHBOURS
    flag[unlike] = np.where(np.abs(size[unlike]) > limits.rule.fail_sd, Flag.FAIL, Flag.SUSPECT)
    check = np.where(unlike, Check.UNLIKE_NEIGHBOURS, Check.NONE).astype(np.uint8)
    check[reason == Reason.MISSING_VALUE] = Check.MISSING_VALUE
    estimate = fit.estimate if level is values else fit.estimate + (values - level)
    return Round(
        flag=flag,
        check=check,
        reason=reason,
        estimate=np.where(asked, estimate, np.nan),
        deviation=deviation,
        deviation_sd=size,
        suspect=limits.rule.suspect_sd * fit.sd,
        fail=limits.rule.fail_sd * fit.sd,
        used=fit.used & asked[:, None],
        places=places,
    )


class Fit(msgspec.Struct, eq=False):
    """What the neighbours say of each of n stations: (n,) estimate and its standard deviation [unit], NaN where too few."""

    estimate: FloatArray
    sd: FloatArray
    used: BoolArray

    def refresh(
        self, rows: NDArray[np.intp], level: FloatArray, places: Neighbourhoods, trusted: BoolArray, limits: Thresholds
    ) -> None:
        """Ask the trusted neighbours of some stations again."""
        index = places.index[rows]
        rise_m = places.rise_m[rows] if limits.rule.gradient_per_m else np.zeros(index.shape)
        used = (index >= 0) & trusted[index] & np.isfinite(rise_m)
        self.used[rows], self.estimate[rows], self.sd[rows] = used, np.nan, np.nan
        enough = used.sum(axis=1) >= limits.rule.neighbours_least
        rows, index, used, rise_m = rows[enough], index[enough], used[enough], rise_m[enough]
        if len(rows) == 0:
            return
        moved = np.where(used, level[index] + limits.rule.gradient_per_m * np.where(used, rise_m, 0.0), 0.0)
        self.estimate[rows], spread, leverage = local_plane(moved, used, places.east_m[rows], places.north_m[rows], limits.sd)
        usual = np.maximum(limits.sd, limits.rule.relative * np.abs(self.estimate[rows]))
        ragged = np.sqrt((usual**2 + spread**2) / 2)  # half believed: the spread of a dozen neighbours is itself uncertain
        self.sd[rows] = np.clip(ragged, usual, limits.rule.spread_most * usual) * np.sqrt(1 + leverage)

    def size(self, level: FloatArray, trusted: BoolArray) -> FloatArray:
        """(n,) deviation in standard deviations, -inf where not trusted or not evaluated."""
        size = np.abs(level - self.estimate) / self.sd
        return np.where(trusted & np.isfinite(size), size, -np.inf)


def local_plane(
    level: FloatArray, used: BoolArray, east_m: FloatArray, north_m: FloatArray, sd_least: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The value a robust plane through the neighbours has at the station itself.

    Iteratively reweighted least squares with Tukey's bisquare from the median of the neighbours, nearer ones weighing more;
    the two slopes are held back by a ridge.

    Parameters
    ----------
    level : (m, k) values of the neighbours [unit], anything where not used
    used : (m, k) at least one in each row
    east_m, north_m : (m, k) places seen from the station [m]
    sd_least : no spread is taken for smaller [unit], > 0

    Returns
    -------
    (m,) estimate [unit], (m,) spread of the neighbours about the plane [unit], (m,) leverage: variance of the estimate over
    that of one neighbour
    """
    count = used.sum(axis=1)
    squared = np.where(used, east_m**2 + north_m**2, 0.0)
    reach = np.sqrt(squared.sum(axis=1) / count) + 1e-9
    design = np.stack((used.astype(np.float64), np.where(used, east_m, 0.0), np.where(used, north_m, 0.0)), axis=2)
    design[:, :, 1:] /= reach[:, None, None]
    nearness = np.where(used, 1 / (1 + squared / reach[:, None] ** 2), 0.0)
    ridge = np.diag((0.0, SLOPE_RIDGE, SLOPE_RIDGE))
    rest = level - median_of(level, used)[:, None]
    estimate = np.zeros(len(level))
    spread = np.full(len(level), sd_least)
    inverse = np.zeros((len(level), 3, 3))
    for _ in range(REWEIGHTINGS):
        spread = np.maximum(SD_PER_MAD * median_of(np.abs(rest), used), sd_least)
        weight = nearness * np.maximum(1 - (rest / (BISQUARE * spread[:, None])) ** 2, 0.0) ** 2
        weighted = design * weight[:, :, None]
        inverse = np.linalg.inv(weighted.transpose(0, 2, 1) @ design + ridge)
        slopes = (inverse @ (weighted.transpose(0, 2, 1) @ level[:, :, None]))[:, :, 0]
        estimate = slopes[:, 0]
        rest = np.where(used, level - (design @ slopes[:, :, None])[:, :, 0], 0.0)
    row = inverse[:, 0, :]
    leverage = np.einsum("mi,mij,mj->m", row, (design * (weight**2)[:, :, None]).transpose(0, 2, 1) @ design, row)
    spread = SD_PER_MAD * median_of(np.abs(rest), used) * np.sqrt(count / np.maximum(count - 2, 1))
    return estimate, spread, leverage


def median_of(values: FloatArray, used: BoolArray) -> FloatArray:
    """(m,) median of the values used in each row of (m, k), NaN where none is."""
    count = used.sum(axis=1)
    sorted_ = np.sort(np.where(used, values, np.inf), axis=1)
    rows = np.arange(len(values))
    middle = (sorted_[rows, np.maximum(count - 1, 0) // 2] + sorted_[rows, np.minimum(count // 2, values.shape[1] - 1)]) / 2
    return np.where(count > 0, middle, np.nan)
