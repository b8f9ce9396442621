"""Values sent in another unit, and two quantities of one station exchanged: told by the neighbours' level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dure.services.environment.faults.diagnosis_finding import Finding
from dure.services.environment.faults.diagnosis_rules import Conversion, DiagnosisRules, UnitLimits
from dure.services.environment.faults.diagnosis_window import Window, began, median_where, of_neighbours
from dure.services.environment.neighbours.network import FloatArray

NEIGHBOURS_MOST, NEIGHBOURS_LEAST = 8, 3


def usual_difference(off: FloatArray, limits: UnitLimits, least: float) -> FloatArray:
    """(n,) difference from the neighbours that the *other* stations of the network have at most, as a rule [unit].

    Parameters
    ----------
    off : (n,) median absolute difference of each station from its neighbours [unit], NaN where unknown
    least : no network is taken for more agreed than this [unit]
    """
    n = len(off)
    others = np.where(np.eye(n, dtype=np.bool_), np.nan, off[None, :])
    count = np.isfinite(others).sum(axis=1)
    ordered = np.sort(others, axis=1)
    at = np.minimum((limits.usual_quantile * count).astype(np.intp), np.maximum(count - 1, 0))
    usual = np.maximum(ordered[np.arange(n), at], least)
    return np.where(count >= limits.stations_least, usual, np.nan)


def units_mixed(window: Window, rules: DiagnosisRules) -> list[Finding]:
    """Findings "unit_mixed": the value as sent is far from the neighbours, converted from a known unit it agrees with them."""
    conversions = [one for one in rules.conversions if one.property == window.property]
    if not conversions or len(window.assets) <= rules.unit.stations_least:
        return []
    said = of_neighbours(window.values, window.places, NEIGHBOURS_MOST, NEIGHBOURS_LEAST)
    off = np.abs(window.values - said)
    instants = np.isfinite(off).sum(axis=1)
    median_off = median_where(off, axis=1, least=rules.unit.instants_least)
    usual = usual_difference(median_off, rules.unit, max(one.difference_least for one in conversions))
    ask = np.flatnonzero((instants >= rules.unit.instants_least) & (median_off > rules.unit.off_least * usual))
    found = (_unit_of(window, int(i), said[int(i)], float(usual[i]), conversions, rules.unit) for i in ask)
    return [one for one in found if one is not None]


def _unit_of(
    window: Window, station: int, said: FloatArray, usual: float, conversions: Sequence[Conversion], limits: UnitLimits
) -> Finding | None:
    """The unit that brings a station back to its neighbours; those that do nearly as well are named with it."""
    sent = window.values[station]
    off = np.abs(sent - said)
    near = {one.sent: np.abs((sent - one.offset) / one.factor - said) for one in conversions}
    left = {unit: float(np.nanmedian(error)) for unit, error in near.items()}
    unit = min(left, key=lambda one: left[one])
    known = np.isfinite(off)
    gain = off - near[unit]
    since = began(np.where(known, gain, 0.0))
    better = float((gain[since:][known[since:]] > 0).mean()) if known[since:].any() else 0.0
    if left[unit] > limits.near_most * usual or better < limits.better_share:
        return None
    taken = next(one for one in conversions if one.sent == unit)
    return Finding(
        kind="unit_mixed",
        asset=window.assets[station],
        property=window.property,
        confidence=round(1 - min(1.0, left[unit] / float(np.nanmedian(off))), 3),
        since_us=window.at_us(since),
        evidence={
            "unit": taken.unit,
            "sent_in": [
                one for one in sorted(left, key=lambda one: left[one]) if left[one] <= limits.rival * max(left[unit], usual)
            ],
            "factor": taken.factor,
            "offset": taken.offset,
            "difference": round(float(np.nanmedian(off)), 4),
            "difference_converted": round(left[unit], 4),
            "usual_difference": round(usual, 4),
        },
    )


def channels_swapped(one: Window, other: Window, rules: DiagnosisRules) -> list[Finding]:
    """Findings "channels_swapped": two quantities of one station each agree with the neighbours' other one.

    The two windows hold the same stations on the same grid; a station that lacks one of them is a row of NaN.
    """
    limits = rules.unit
    said = [of_neighbours(each.values, each.places, NEIGHBOURS_MOST, NEIGHBOURS_LEAST) for each in (one, other)]
    own = [
        median_where(np.abs(each.values - what), 1, limits.instants_least) for each, what in zip((one, other), said, strict=True)
    ]
    cross = [
        median_where(np.abs(each.values - what), 1, limits.instants_least)
        for each, what in zip((one, other), said[::-1], strict=True)
    ]
    usual = [usual_difference(off, limits, 1e-9) for off in own]
    with np.errstate(invalid="ignore"):
        far = (own[0] > limits.off_least * usual[0]) & (own[1] > limits.off_least * usual[1])
        fits = (cross[0] < limits.near_most * usual[1]) & (cross[1] < limits.near_most * usual[0])
    return [
        Finding(
            kind="channels_swapped",
            asset=one.assets[i],
            property=each.property,
            confidence=round(1 - min(1.0, float(cross[number][i] / own[number][i])), 3),
            since_us=one.at_us(began(np.abs(each.values[i] - said[number][i]) - np.abs(each.values[i] - said[1 - number][i]))),
            evidence={
                "with": (other, one)[number].property,
                "difference": round(float(own[number][i]), 4),
                "difference_exchanged": round(float(cross[number][i]), 4),
            },
        )
        for i in map(int, np.flatnonzero(far & fits))
        for number, each in enumerate((one, other))
    ]
