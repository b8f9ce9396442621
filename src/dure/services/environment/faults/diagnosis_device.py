"""Faults that one series shows by itself: two devices under one id, a clock off by hours, gaps, stuck or spiking."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.core.observations import Check
from dure.services.environment.faults.diagnosis_finding import Finding
from dure.services.environment.faults.diagnosis_rules import CheckLimits, ClockLimits, DoubledLimits, GapLimits
from dure.services.environment.neighbours.network import FloatArray

US_PER_S = 1_000_000
US_PER_HOUR = 3600 * US_PER_S


class Series(msgspec.Struct, frozen=True, eq=False):
    """One property of one station as it came in, sorted by phenomenon time; instants may stand twice.

    Attributes
    ----------
    time_us, arrival_us : (m,) phenomenon time and arrival [µs since 1970 UTC]
    value : (m,) NaN where missing
    check : (m,) `Check` that decided the flag of each value
    period_s : how often the station promises to send [s]
    """

    asset: str
    property: str
    time_us: NDArray[np.int64]
    arrival_us: NDArray[np.int64]
    value: FloatArray
    check: NDArray[np.uint8]
    period_s: float


def doubled(series: Series, limits: DoubledLimits) -> Finding | None:
    """Two devices under one id: two values at one instant, or two levels or two rhythms in turn."""
    there = np.isfinite(series.value)
    time_us, value = series.time_us[there], series.value[there]
    if len(value) < limits.readings_least:
        return None
    same = np.flatnonzero((np.diff(time_us) == 0) & (np.diff(value) != 0))
    apart = np.diff(time_us) > 0
    gaps_s = np.diff(time_us)[apart] / US_PER_S
    rate = series.period_s / float(np.mean(gaps_s)) if len(gaps_s) else 0.0
    levels, rhythm = alternation(value), alternation(gaps_s)
    evidence: dict[str, object] = {"readings": len(value), "readings_per_period": round(rate, 2)}
    if len(same) >= limits.same_instant_share * len(value):
        first, sure = int(same[0]), 1.0
        evidence |= {"sign": "two_values_at_one_instant", "share": round(len(same) / len(value), 3)}
    elif levels.step <= limits.step_share and levels.flips >= limits.flips_least:
        first, sure = 0, levels.flips * (1 - levels.step)
        evidence |= {
            "sign": "levels_in_turn",
            "low": float(np.median(value[levels.low])),
            "high": float(np.median(value[~levels.low])),
        }
    elif rate >= limits.rate_least and rhythm.step <= limits.step_share and rhythm.flips >= limits.flips_least:
        first, sure = 0, rhythm.flips * (1 - rhythm.step)
        evidence |= {"sign": "rhythms_in_turn", "gaps_s": sorted(float(np.median(gaps_s[part::2])) for part in (0, 1))}
    else:
        return None
    return Finding(
        kind="doubled",
        asset=series.asset,
        property=series.property,
        confidence=round(float(sure), 3),
        since_us=int(time_us[first]),
        evidence=evidence,
    )


class Alternation(msgspec.Struct, frozen=True, eq=False):
    """Whether a series goes up and down in turn.

    Attributes
    ----------
    step : step to the value before last over the step to the last one, medians; 1 where it stands still
    flips : share of the steps that turn round
    low : (m,) which values stand below the one before or, at the start, the one after
    """

    step: float
    flips: float
    low: NDArray[np.bool_]


def alternation(value: FloatArray) -> Alternation:
    """How much a series alternates between two levels; white noise has a step near 1 and turns at two thirds."""
    steps = np.diff(value)
    near = float(np.median(np.abs(steps))) if len(steps) else 0.0
    if len(value) < 4 or near == 0:
        return Alternation(1.0, 0.0, np.zeros(len(value), np.bool_))
    second = float(np.median(np.abs(value[2:] - value[:-2])))
    low = np.concatenate(([steps[0] > 0], steps < 0))
    return Alternation(second / near, float((steps[1:] * steps[:-1] < 0).mean()), low)


def clock_off(series: Series, limits: ClockLimits) -> Finding | None:
    """A clock that is steadily ahead (+) or behind (-) by whole hours: phenomenon time less arrival."""
    if len(series.time_us) < limits.readings_least:
        return None
    ahead_h = (series.time_us - series.arrival_us) / US_PER_HOUR
    middle_h = float(np.median(ahead_h))
    hours = round(middle_h)
    if hours == 0 or abs(hours) > limits.hours_most:
        return None
    near = np.abs(ahead_h - hours) * 3600 <= limits.tolerance_s
    share = float(near.mean())
    if share < limits.steady_share:
        return None
    return Finding(
        kind="clock_off",
        asset=series.asset,
        property=series.property,
        confidence=round(share, 3),
        since_us=int(series.arrival_us[int(np.argmax(near))]),
        evidence={"hours": hours, "ahead_s": round(middle_h * 3600, 1), "share": round(share, 3), "readings": len(near)},
    )


def gaps(series: Series, start_us: int, end_us: int, limits: GapLimits) -> Finding | None:
    """Readings that did not come in ``[start, end)``: their share by the period, and the longest gap, its ends included."""
    period_us = int(series.period_s * US_PER_S)
    expected = (end_us - start_us) // period_us
    if expected < limits.expected_least:
        return None
    time_us = np.unique(series.time_us[(series.time_us >= start_us) & (series.time_us < end_us) & np.isfinite(series.value)])
    came = len(np.unique((time_us - start_us) // period_us))
    edges = np.concatenate(([start_us], time_us, [end_us]))
    longest = int(np.argmax(np.diff(edges)))
    longest_us = int(edges[longest + 1] - edges[longest])
    missing = 1 - min(1.0, came / expected)
    if missing < limits.missing_share and longest_us < limits.gap_periods * period_us:
        return None
    return Finding(
        kind="gaps",
        asset=series.asset,
        property=series.property,
        confidence=1.0,
        since_us=int(edges[longest]),
        evidence={
            "expected": int(expected),
            "came": came,
            "missing_share": round(missing, 4),
            "longest_gap_s": longest_us / US_PER_S,
            "longest_gap_from_us": int(edges[longest]),
        },
    )


def by_checks(series: Series, limits: Sequence[CheckLimits]) -> list[Finding]:
    """Findings "stuck" and "spiking" from the checks that held the station's own values."""
    found = []
    for one in limits:
        held = np.isin(series.check, [Check[name] for name in one.checks])
        share = float(held.mean()) if len(held) else 0.0
        if len(held) >= one.readings_least and held.sum() >= one.held_least and share >= one.share_least:
            counts = {name.lower(): int((series.check == Check[name]).sum()) for name in one.checks}
            found.append(
                Finding(
                    kind="stuck" if one.id == "stuck" else "spiking",
                    asset=series.asset,
                    property=series.property,
                    confidence=round(min(1.0, share / one.share_least / 2), 3),
                    since_us=int(series.time_us[int(np.argmax(held))]),
                    evidence={"share": round(share, 4), "readings": len(held), "checks": {k: v for k, v in counts.items() if v}},
                )
            )
    return found
