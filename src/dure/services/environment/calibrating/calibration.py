"""Corrected values from raw ones, by a model with a lineage. Raw values never change: what is corrected is a property of its own.

Methods
-------
``humidity_us_epa`` : gain * raw + humidity * RH + offset, with another curve at extreme smoke. A fit to sensors in the United
    States (Barkjohn et al. 2021, doi 10.5194/amt-14-4617-2021; smoke: Sensors 2022, 22(24) 9669): a *starting* model only.
``co_location`` : a robust fit beside a reference (`calibration_fit`), linear in raw, RH, T, in raw * RH too, or with raw
    divided by a hygroscopic growth term, 1 + growth * aw / (1 - aw), aw = RH / 100 (Crilley et al. 2018,
    doi 10.5194/amt-11-709-2018, after Petters and Kreidenweis 2007, doi 10.5194/acp-7-1961-2007).
``zero_span`` : gain * raw + offset, as a calibration with zero and span gas gives it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from dure.core.errors import InputError
from dure.core.observations import Flag, SeriesKey
from dure.core.time import to_us

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dure.services.environment.calibrating.calibration_rules import CalibrationRules

Method = Literal["humidity_us_epa", "co_location", "zero_span"]
State = Literal["candidate", "active", "retired", "rejected"]
METHODS: tuple[Method, ...] = ("humidity_us_epa", "co_location", "zero_span")
SUFFIX = "_corrected"
CORRECTED: tuple[str, ...] = tuple(f"{one}{SUFFIX}" for one in ("pm2_5", "pm10"))
USABLE = (Flag.GOOD, Flag.SUSPECT)
_FOLLOWS_HUMIDITY = ("humidity", "interaction", "growth")


class Why(IntEnum):
    """Why a corrected value is missing, or less certain than others."""

    NONE = 0
    RAW_MISSING = 1
    RAW_NOT_USABLE = 2
    HUMIDITY_MISSING = 3
    TEMPERATURE_MISSING = 4
    NO_MODEL = 5
    OUTSIDE_TRAINED = 10
    RAISED_TO_ZERO = 11


class Reason(msgspec.Struct, frozen=True):
    """A reason as data: a stable code and the numbers it speaks of."""

    code: str
    values: dict[str, float] = {}


class Score(msgspec.Struct, frozen=True):
    """How a series agrees with the reference over n hours.

    `rmse`, `bias` (mean error) [unit of the property]; `slope` of the series on the reference [1]; `r2` [1].
    """

    n: int
    rmse: float
    slope: float
    bias: float
    r2: float


class Span(msgspec.Struct, frozen=True):
    """What a model was trained on, from lowest to highest."""

    low: float
    high: float


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """Where a model comes from: what it was made of, by which rules, how sure it is.

    `uncertainty` is one sd of a corrected value inside the trained spans [unit of the property]. `sample` holds raw, corrected
    and reference of some held-out hours, for the picture.
    """

    uncertainty: float
    reference: str = ""
    start_at: datetime | None = None
    end_at: datetime | None = None
    hours: int = 0
    weeks: int = 0
    spans: dict[str, Span] = {}
    widening: float = 2.0
    version: str = ""
    source: str = ""
    sample: tuple[tuple[float, float, float], ...] = ()


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A calibration of one property of one asset, in force in ``[valid_from, valid_to)`` while it is active.

    `scores` compares on held-out weeks: ``raw``, ``corrected`` and, where there is one, the ``starting`` model.
    """

    id: str
    asset: str
    property: str
    method: Method
    parameters: dict[str, float]
    valid_from: datetime
    valid_to: datetime | None = None
    state: State = "candidate"
    scores: dict[str, Score] = {}
    reasons: tuple[Reason, ...] = ()
    inputs: Inputs
    created_by: str = ""
    created_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError("calibration.method", f"There is no method {str(self.method)[:40]!r}. Known: {', '.join(METHODS)}.")
        if not all(np.isfinite(value) for value in self.parameters.values()):
            raise InputError("calibration.parameters", "Every parameter of a calibration must be a finite number.")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise InputError("time.interval_reversed", "The validity ends before it starts.")

    def target(self) -> str:
        """The property its corrected values belong to."""
        return f"{self.property}{SUFFIX}"


class Corrected(msgspec.Struct, frozen=True, eq=False):
    """Corrected values as columns (n,): value and its sd [unit of the property], NaN where there is none, and `Why`."""

    value: NDArray[np.float64]
    sd: NDArray[np.float64]
    why: NDArray[np.uint8]


def model_id(series: SeriesKey, method: Method, at: datetime) -> str:
    """A short stable id of a model made at an instant."""
    words = f"{series[0]}|{series[1]}|{method}|{to_us(at)}"
    return f"cal-{hashlib.blake2b(words.encode(), digest_size=8).hexdigest()}"


def starting_model(asset: str, property_id: str, rules: CalibrationRules, at: datetime) -> Model | None:
    """The published humidity correction of a property, to begin with until a fit of one's own; None where there is none."""
    row = rules.humidity_of(property_id)
    if row is None:
        return None
    smoke = next((one for one in rules.smoke if one.property == property_id), None)
    parameters = {"gain": row.gain, "humidity": row.humidity, "offset": row.offset}
    if smoke is not None:
        names = ("blend_from", "blend_to", "weight_gain", "weight_offset", "quadratic", "linear", "constant")
        parameters |= {name: float(getattr(smoke, name)) for name in names}
    return Model(
        id=model_id((asset, property_id), "humidity_us_epa", at),
        asset=asset,
        property=property_id,
        method="humidity_us_epa",
        parameters=parameters,
        valid_from=at,
        reasons=(Reason("foreign_fit"),),
        inputs=Inputs(uncertainty=row.uncertainty, version=rules.version, source=row.source),
    )


def corrected(
    raw: NDArray[np.float64],
    rh: NDArray[np.float64],
    temperature: NDArray[np.float64],
    model: Model,
    flag: NDArray[np.uint8] | None = None,
) -> Corrected:
    """Values a model makes of raw ones; `raw` itself is left as it is.

    Parameters
    ----------
    raw : (n,) values as measured [unit of the property], NaN where missing
    rh, temperature : (n,) relative humidity [%] and air temperature [Cel] at the sensor, NaN where missing
    flag : (n,) quality flags of the raw values; what is neither good nor suspect is not corrected

    Returns
    -------
    Columns (n,). The sd widens outside the trained spans. A value below zero is raised to zero, and says so
    """
    why = _missing(raw, rh, temperature, model, flag)
    usable = why == Why.NONE
    value, sd = np.full(len(raw), np.nan), np.full(len(raw), np.nan)
    given = (raw[usable], rh[usable], temperature[usable])
    found = predicted(*given, model.method, model.parameters)
    outside = _outside(given, model.inputs.spans)
    codes = np.where(outside > 0, np.uint8(Why.OUTSIDE_TRAINED), np.uint8(Why.NONE))
    codes = np.where(found < 0, np.uint8(Why.RAISED_TO_ZERO), codes)
    value[usable] = np.maximum(found, 0.0)
    sd[usable] = model.inputs.uncertainty * np.where(outside > 0, model.inputs.widening * (1 + outside), 1.0)
    why[usable] = codes
    return Corrected(value, sd, why)


def corrected_by_lineage(
    time_us: NDArray[np.int64],
    raw: NDArray[np.float64],
    weather: tuple[NDArray[np.float64], NDArray[np.float64]],
    models: Sequence[Model],
    flag: NDArray[np.uint8] | None = None,
) -> tuple[Corrected, NDArray[np.int64]]:
    """Values corrected each by the model in force at its instant, and which that was: (n,) index into `models`, or -1.

    Parameters
    ----------
    time_us : (n,) phenomenon times [us since 1970 UTC]
    weather : relative humidity [%] and air temperature [Cel], (n,) each
    models : active and retired models of the series, whose validities do not overlap
    """
    n = len(time_us)
    out = Corrected(np.full(n, np.nan), np.full(n, np.nan), np.full(n, Why.NO_MODEL, np.uint8))
    used = np.full(n, -1, np.int64)
    for number, model in enumerate(models):
        held = time_us >= to_us(model.valid_from)
        if model.valid_to is not None:
            held &= time_us < to_us(model.valid_to)
        rows = np.flatnonzero(held)
        part = corrected(raw[rows], weather[0][rows], weather[1][rows], model, None if flag is None else flag[rows])
        out.value[rows], out.sd[rows], out.why[rows], used[rows] = part.value, part.sd, part.why, number
    return out, used


def predicted(
    raw: NDArray[np.float64],
    rh: NDArray[np.float64],
    temperature: NDArray[np.float64],
    method: Method,
    parameters: Mapping[str, float],
) -> NDArray[np.float64]:
    """The bare formula of a method (n,): no limits, no reasons; terms without a parameter are left out.

    offset + gain * raw / growth(RH) + humidity * RH + temperature * T + interaction * raw * RH
    """
    given = parameters.get
    x = raw / growth(rh, given("growth", 0.0), given("humidity_cap", 100.0)) if "growth" in parameters else raw
    found = given("offset", 0.0) + given("gain", 1.0) * x
    for name, term in (("humidity", rh), ("temperature", temperature), ("interaction", raw * rh)):
        if name in parameters:
            found = found + given(name, 0.0) * term
    return _smoke(raw, found, parameters) if method == "humidity_us_epa" and "quadratic" in parameters else found


def growth(rh: NDArray[np.float64], factor: float, cap: float) -> NDArray[np.float64]:
    """How much more a swollen particle scatters: 1 + factor * aw / (1 - aw), aw = RH / 100 kept below `cap` [%]."""
    activity = np.clip(rh, 0.0, min(cap, 99.0)) / 100
    return np.asarray(1 + factor * activity / (1 - activity), np.float64)


def _smoke(raw: NDArray[np.float64], usual: NDArray[np.float64], parameters: Mapping[str, float]) -> NDArray[np.float64]:
    p = parameters
    extreme = p["quadratic"] * raw**2 + p["linear"] * raw + p["constant"]
    weight = np.clip(p["weight_gain"] * raw + p["weight_offset"], 0.0, 1.0)
    weight = np.where(raw < p["blend_from"], 0.0, np.where(raw >= p["blend_to"], 1.0, weight))
    return np.asarray(weight * extreme + (1 - weight) * usual, np.float64)


def _missing(
    raw: NDArray[np.float64],
    rh: NDArray[np.float64],
    temperature: NDArray[np.float64],
    model: Model,
    flag: NDArray[np.uint8] | None,
) -> NDArray[np.uint8]:
    """Why there can be no corrected value; the first reason counts."""
    why = np.full(len(raw), Why.NONE, np.uint8)
    if "temperature" in model.parameters:
        why[~np.isfinite(temperature)] = Why.TEMPERATURE_MISSING
    if any(name in model.parameters for name in _FOLLOWS_HUMIDITY):
        why[~np.isfinite(rh)] = Why.HUMIDITY_MISSING
    if flag is not None:
        why[~np.isin(flag, USABLE)] = Why.RAW_NOT_USABLE
    why[~np.isfinite(raw)] = Why.RAW_MISSING
    return why


def _outside(
    given: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], spans: Mapping[str, Span]
) -> NDArray[np.float64]:
    """How far outside the trained spans, in widths of the span that is left furthest; 0 inside."""
    found = np.zeros(len(given[0]))
    for name, column in zip(("raw", "rh", "temperature"), given, strict=True):
        span = spans.get(name)
        if span is not None:
            beyond = np.maximum(span.low - column, column - span.high) / max(span.high - span.low, 1e-9)
            found = np.fmax(found, beyond)
    return found
