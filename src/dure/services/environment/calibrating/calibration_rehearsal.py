"""Seeded sensors beside a reference or among neighbours: what fits and drift finding are rehearsed on, in tests and benchmarks.

What is put in, so that nobody takes the figures for those of a field trial:

* PM2.5 of the air: log-normal with hourly autocorrelation 0.97, a daily course, and episodes of several days;
* humidity and temperature with daily and synoptic courses, humidity up to 99 %;
* a sensor that counts the light of swollen particles: true * growth(RH; kappa) * gain + offset + noise, rounded to 0.1; its
  own warmth dries the air in its chamber to 0.86 of the humidity outside, which the fit does not know;
* a residual to the neighbours' estimate, hour by hour as ln(value / estimate): constant bias, course over the day, season,
  synoptic days (AR 1), hourly weather (AR 1), measurement noise, local events (bonfires, traffic), missing hours and days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.core.time import US_PER_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOUR_US = 3600 * US_PER_S
START_US = 1_767_225_600 * US_PER_S  # 2026-01-01


class CoLocation(msgspec.Struct, frozen=True, eq=False):
    """A sensor beside a reference, hourly: (n,) columns, NaN where missing."""

    time_us: NDArray[np.int64]
    raw: NDArray[np.float64]
    rh: NDArray[np.float64]
    temperature: NDArray[np.float64]
    reference: NDArray[np.float64]


class Residuals(msgspec.Struct, frozen=True, eq=False):
    """A sensor and its neighbours' estimate, hourly: (n,) columns, NaN where missing."""

    time_us: NDArray[np.int64]
    value: NDArray[np.float64]
    estimate: NDArray[np.float64]


def co_located(seed: int, weeks: int = 8, *, kappa: float = 0.4, gain: float | None = None) -> CoLocation:
    """A swelling, mis-scaled sensor beside a reference; `kappa` of the particles, `gain` drawn from 0.9-1.5 unless given."""
    rng = np.random.default_rng(seed)
    n = weeks * 168
    hour = np.arange(n)
    truth = _air(rng, n)
    weather = _ar(rng, n, 0.985)
    rh = np.clip(68 + 14 * np.cos(2 * np.pi * (hour % 24 - 5) / 24) + 13 * weather + rng.normal(0, 2, n), 15, 99)
    temperature = 12 - 5 * np.cos(2 * np.pi * (hour % 24 - 5) / 24) + 6 * _ar(rng, n, 0.99) + rng.normal(0, 0.4, n)
    activity = 0.86 * rh / 100
    growth = 1 + kappa / 1.65 * activity / (1 - activity)
    drawn_gain = rng.uniform(0.9, 1.5) if gain is None else gain
    offset, warmth = rng.uniform(-3, 6), rng.uniform(-0.004, 0.004)
    raw = truth * growth * drawn_gain * (1 + warmth * (temperature - 12)) * np.exp(rng.normal(0, 0.06, n)) + offset
    raw = _rounded(raw + rng.normal(0, 1.0, n), 1)
    reference = _rounded(truth + rng.normal(0, 1.2, n), 0)
    raw[rng.random(n) < 0.01] *= 2.5  # what quality control let pass
    raw[rng.random(n) < 0.03] = np.nan
    reference[rng.random(n) < 0.04] = np.nan
    rh[rng.random(n) < 0.01] = np.nan
    return CoLocation(START_US + hour * HOUR_US, raw, _rounded(rh, 0), np.asarray(temperature.round(1), np.float64), reference)


def beside_neighbours(
    seed: int, days: int, *, drift_per_day: float = 0.0, drift_from_day: int = 0, noise: float = 1.0, outages: bool = True
) -> Residuals:
    """A PM2.5 sensor among neighbours; from a day on its gain grows by `drift_per_day` (0.01 = 1 %/d) of what it was.

    `noise` multiplies what is chance in every hour; 1 makes a daily sd of 0.018 to 0.028 of ln(value / estimate). Without
    `outages` hours and single days are still missing.
    """
    rng = np.random.default_rng(seed)
    n = days * 24
    hour = np.arange(n)
    day = hour / 24
    estimate = _air(rng, n)
    bias, season, phase = rng.normal(0, 0.15), rng.uniform(0, 0.06), rng.uniform(0, 2 * np.pi)
    course = rng.uniform(0.02, 0.12) * np.cos(2 * np.pi * (hour % 24 - rng.uniform(0, 24)) / 24)
    synoptic = np.repeat(_ar(rng, days, 0.6), 24)
    chance = 0.008 * synoptic + 0.03 * _ar(rng, n, 0.8) + rng.normal(0, 0.05, n)
    steady = bias + course + season * np.sin(2 * np.pi * day / 365.25 + phase)
    drift = np.log1p(np.maximum(day - drift_from_day, 0) * drift_per_day)
    value = estimate * np.exp(steady + noise * rng.uniform(0.8, 1.2) * chance + _events(rng, n) + drift)
    value = _rounded(value, 1)
    value[_missing(rng, days, outages=outages)] = np.nan
    return Residuals(START_US + hour * HOUR_US, value, estimate)


def _rounded(values: NDArray[np.float64], decimals: int) -> NDArray[np.float64]:
    """As an instrument shows it: not below zero, with so many decimals."""
    return np.asarray(np.maximum(values, 0.0).round(decimals), np.float64)


def _air(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """True PM2.5 [ug/m3]: median about 17, episodes above 60."""
    hour = np.arange(n)
    level = 0.45 * _ar(rng, n, 0.97) + 0.4 * _ar(rng, n, 0.995)
    return np.asarray(17 * np.exp(level + 0.15 * np.cos(2 * np.pi * (hour % 24 - 8) / 24)), np.float64)


def _ar(rng: np.random.Generator, n: int, phi: float) -> NDArray[np.float64]:
    """AR(1) of unit variance."""
    steps = rng.normal(0, np.sqrt(1 - phi**2), n)
    steps[0] = rng.normal()
    found = np.empty(n)
    last = 0.0
    for i, step in enumerate(steps.tolist()):
        last = phi * last + step
        found[i] = last
    return found


def _events(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Local events: two a month, one to eight hours, up to +0.8."""
    found = np.zeros(n)
    for start in np.flatnonzero(rng.random(n) < 2 / (30 * 24)):
        found[start : start + rng.integers(1, 9)] += rng.uniform(0.2, 0.8)
    return found


def _missing(rng: np.random.Generator, days: int, *, outages: bool) -> NDArray[np.bool_]:
    """Single hours, whole days, and once or twice a year an outage of three to ten days."""
    hours = rng.random(days * 24) < 0.04
    hours |= np.repeat(rng.random(days) < 0.03, 24)
    for start in np.flatnonzero(rng.random(days) < (1.5 / 365 if outages else 0.0)):
        hours[start * 24 : (start + rng.integers(3, 11)) * 24] = True
    return hours
