"""The numbers of calibration and drift finding, as typed rows of ``rules/calibration.toml``."""

from __future__ import annotations

from datetime import date
from typing import Literal, TypeVar

import msgspec

from dure.core.errors import ConfigError
from dure.services.environment.rules import Choice, Pack, Rule, load_pack

PACK = "calibration"


class Humidity(Rule, frozen=True, kw_only=True):
    """corrected = gain * raw + humidity * RH + offset, with its sd `uncertainty`."""

    property: str
    gain: float
    humidity: float
    offset: float
    uncertainty: float


class Smoke(Rule, frozen=True, kw_only=True):
    """What takes the place of a humidity correction at extreme smoke: quadratic * raw^2 + linear * raw + constant.

    Between `blend_from` and `blend_to` both are mixed; the quadratic weighs ``weight_gain * raw + weight_offset``.
    """

    property: str
    blend_from: float
    blend_to: float
    weight_gain: float
    weight_offset: float
    quadratic: float
    linear: float
    constant: float


class Scale(Rule, frozen=True, kw_only=True):
    """How the residual of a property (`id`) is made: ``ratio`` = ln(value / estimate), ``difference`` = value - estimate.

    `floor` [unit]: hours with a lower estimate are left out. `noise`, `noise_min`: usual and least daily sd of the residual.
    """

    kind: Literal["ratio", "difference"]
    floor: float
    noise: float
    noise_min: float


class FitRules(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of a fit by co-location."""

    hours_min: float
    weeks_min: float
    folds_max: float
    huber_k: float
    humidity_cap: float
    growth_max: float
    growth_step: float
    reference_span_min: float
    outside_widening: float


class DriftRules(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the drift finder; what is counted in sd is counted in daily sd of the sensor."""

    quiet_days: float
    reference_days: float
    profile_days: float
    allowance: float
    threshold: float
    clip: float
    hours_min: float
    gap_days_max: float
    noise_days: float
    noise_memory_days: float


class ChannelRules(msgspec.Struct, frozen=True, kw_only=True):
    """When two channels of one sensor are apart."""

    difference_max: float
    fraction_max: float
    share_max: float


class MonthlyRules(msgspec.Struct, frozen=True, kw_only=True):
    """When zero or span of a month is told to have moved."""

    low_quantile: float
    high_quantile: float
    hours_min: float
    zero_max: float
    span_max: float


class CalibrationRules(msgspec.Struct, frozen=True, kw_only=True):
    """All rules of calibration in force on a day. `version` names the pack, for the lineage of what was made by it."""

    version: str
    humidity: tuple[Humidity, ...]
    smoke: tuple[Smoke, ...]
    scale: tuple[Scale, ...]
    fit: FitRules
    drift: DriftRules
    channels: ChannelRules
    monthly: MonthlyRules

    def scale_of(self, property_id: str) -> Scale | None:
        """How residuals of the property are made; None where drift is not looked for."""
        return next((one for one in self.scale if one.id == property_id), None)

    def humidity_of(self, property_id: str) -> Humidity | None:
        """The published humidity correction of the property; None where there is none."""
        return next((one for one in self.humidity if one.property == property_id), None)


S = TypeVar("S", bound=msgspec.Struct)


def calibration_rules(day: date, pack: Pack | None = None) -> CalibrationRules:
    """The rules in force on a day.

    Raises
    ------
    ConfigError
        ``rules.not_in_force`` or ``rules.invalid``, when a row is missing or does not fit
    """
    given = pack or load_pack(PACK)
    smoke = given.rows("smoke", Smoke, day) if given.as_of(day).get("smoke") else ()
    return CalibrationRules(
        version=f"{given.id}@{given.version}",
        humidity=given.rows("humidity", Humidity, day),
        smoke=smoke,
        scale=given.rows("scale", Scale, day),
        fit=_numbers(given, "fit", FitRules, day),
        drift=_numbers(given, "drift", DriftRules, day),
        channels=_numbers(given, "channels", ChannelRules, day),
        monthly=_numbers(given, "monthly", MonthlyRules, day),
    )


def _numbers(pack: Pack, table: str, kind: type[S], day: date) -> S:
    """A table of single numbers as one struct: each row's id is a field."""
    try:
        return msgspec.convert({row.id: row.value for row in pack.rows(table, Choice, day)}, kind)
    except msgspec.ValidationError as error:
        raise ConfigError("rules.invalid", f"{pack.file}, [[{table}]]: {error}.") from error
