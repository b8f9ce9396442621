"""Limits of the diagnosis of stations: rows of rules/diagnosis.toml as structs."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from dure.core.observations import Check, Flag
from dure.services.environment.rules import Rule, load_pack


class UnitLimits(Rule, frozen=True, kw_only=True):
    """A unit is mixed up when the value as sent is `off_least` usual differences away and the converted one at most `near_most`.

    The usual difference is the `usual_quantile` of the stations' median differences from their neighbours.
    """

    off_least: float
    near_most: float
    better_share: float
    instants_least: int
    stations_least: int
    usual_quantile: float
    rival: float


class Conversion(Rule, frozen=True, kw_only=True):
    """What a property reads when it is sent in another unit: ``sent = factor * value + offset``; `unit` is the property's own.

    `difference_least` [unit] is the least usual difference between neighbours, for networks that agree too well.
    """

    property: str
    sent: str
    factor: float
    difference_least: float
    offset: float = 0.0


class PlaceLimits(Rule, frozen=True, kw_only=True):
    """When a series belongs to another place: it goes with that place at least so much, and so much better than with its own.

    `middle_most` is how far the middle of its neighbours may be from a station, and `near` how far a place is still its own, both
    as a share of how far the last of the `neighbours` usually is.
    """

    properties: tuple[str, ...]
    neighbours: int
    likeness_least: float
    gain_least: float
    neighbours_like: float
    settled_least: float
    near: float
    middle_most: float
    days_least: float
    filled_least: float
    stations_least: int


class DoubledLimits(Rule, frozen=True, kw_only=True):
    """Two devices under one id: values or gaps alternate, or two values stand at one instant."""

    readings_least: int
    step_share: float
    flips_least: float
    same_instant_share: float
    rate_least: float


class ClockLimits(Rule, frozen=True, kw_only=True):
    """A clock is off by whole hours up to `hours_most`, give or take `tolerance_s`, in `steady_share` of the readings."""

    readings_least: int
    hours_most: int
    tolerance_s: float
    steady_share: float


class GapLimits(Rule, frozen=True, kw_only=True):
    """Readings are missing: a share of the expected ones, or one gap of so many periods."""

    missing_share: float
    gap_periods: float
    expected_least: int


class CheckLimits(Rule, frozen=True, kw_only=True):
    """A station is stuck or spiking when its own checks held this share of the readings, and at least so many."""

    checks: tuple[str, ...]
    share_least: float
    readings_least: int
    held_least: int


class Hold(Rule, frozen=True, kw_only=True):
    """What values get while a finding of this kind (the id) is not closed."""

    flag: str
    check: str


class DiagnosisRules(msgspec.Struct, frozen=True, kw_only=True):
    """All limits in force on a day."""

    unit: UnitLimits
    conversions: tuple[Conversion, ...]
    place: PlaceLimits
    doubled: DoubledLimits
    clock: ClockLimits
    gaps: GapLimits
    checks: tuple[CheckLimits, ...]
    holds: tuple[Hold, ...]


def diagnosis_rules_on(day: date, city: Path | None = None) -> DiagnosisRules:
    """The limits in force on a day; a city's own file wins.

    Raises
    ------
    ConfigError
        ``rules.not_in_force`` on a day before the first row, else as `load_pack`
    """
    pack = load_pack("diagnosis", city)
    return DiagnosisRules(
        unit=pack.row("unit", "unit_mixed", UnitLimits, day),
        conversions=pack.rows("conversions", Conversion, day),
        place=pack.row("place", "place", PlaceLimits, day),
        doubled=pack.row("doubled", "doubled", DoubledLimits, day),
        clock=pack.row("clock", "clock_off", ClockLimits, day),
        gaps=pack.row("gaps", "gaps", GapLimits, day),
        checks=pack.rows("checks", CheckLimits, day),
        holds=pack.rows("holds", Hold, day),
    )


def held_by(rules: DiagnosisRules) -> dict[str, tuple[Flag, Check]]:
    """Kind of finding -> flag and check of new values while it is not closed; a kind without a row holds nothing back."""
    return {one.id: (Flag[one.flag], Check[one.check]) for one in rules.holds}
