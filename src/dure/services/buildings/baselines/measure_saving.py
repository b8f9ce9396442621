"""What a measure saved until a day, as a whole: energy, grams and won with their intervals, per meter and summed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

import msgspec

from dure.core.text import Text
from dure.services.buildings.baselines.assessing import (
    Bounds,
    Frozen,
    MeterSaving,
    Verdict,
    days_compared,
    summed,
    verdict,
)
from dure.services.buildings.baselines.baseline_rules import BaselineRules
from dure.services.buildings.baselines.measures import Measure
from dure.services.buildings.baselines.saving_words import sentence
from dure.services.buildings.baselines.worth import Price, Rate

METHOD = "buildings.saving.weekly_blocked_cross_validation/1"
YEAR_D = 365.0


class Normal(msgspec.Struct, frozen=True, kw_only=True):
    """Saving in a normal year [Wh], by models of before and after a whole year; or why it cannot be told yet."""

    before_wh: float = 0.0
    after_wh: float = 0.0
    saving_wh: Bounds | None = None
    years: tuple[str, ...] = ()
    code: str = ""


class MeasureSaving(msgspec.Struct, frozen=True, kw_only=True):
    """What a measure saved in local days ``[start, until)``.

    Attributes
    ----------
    energy_wh, co2e_g, won : sums over its meters; None: no meter has a way there
    expected_wh, measured_wh : over the rows that could be compared
    g14_half_width_wh : what ASHRAE Guideline 14 would say, meters in quadrature as it has it
    share : energy saved of what was expected [1]
    coverage : least share of the reporting rows that could be compared, over its meters [1]
    outside : meters that are in no sum of energy (water, generation, no calorific value)
    factors : ids of the factor rows; prices : where won came from; provisional : whether a row is to be confirmed
    refused : why a meter has no grams, by meter
    """

    measure: str
    start: date
    until: date
    verdict: Verdict
    energy_wh: Bounds | None
    co2e_g: Bounds | None
    won: Bounds | None
    expected_wh: float
    measured_wh: float
    g14_half_width_wh: float
    share: float
    coverage: float
    days: float
    meters: tuple[MeterSaving, ...]
    headline: Text
    confidence: float
    outside: tuple[str, ...] = ()
    factors: tuple[str, ...] = ()
    prices: dict[str, str] = {}  # msgspec copies an empty default for every instance
    refused: dict[str, str] = {}
    provisional: bool = False
    retrospective: bool = False
    normal: Normal | None = None
    method: str = METHOD


class Worth(msgspec.Struct, frozen=True, kw_only=True):
    """What book units are worth: by meter and local month, and the price of each meter that has one."""

    rates: Mapping[str, Mapping[str, Rate]]
    prices: Mapping[str, Price]


def measure_saving(
    measure: Measure,
    days: tuple[date, date],
    parts: Sequence[tuple[Frozen, MeterSaving]],
    worth: Worth,
    rules: BaselineRules,
) -> MeasureSaving:
    """The saving of a measure from those of its meters."""
    energy, wh = _sum(parts, worth, "wh", rules)
    grams, _ = _sum(parts, worth, "co2e_g", rules)
    within = [one for _, one in parts if one.meter in wh]
    compared = min((days_compared(one) for one in within), default=0.0)
    judged = verdict(energy, compared, rules) if energy is not None else _alone(parts)
    found = MeasureSaving(
        measure=measure.id,
        start=days[0],
        until=days[1],
        verdict=judged,
        energy_wh=energy,
        co2e_g=grams,
        won=_won(parts, worth, rules),
        expected_wh=sum(one.expected * wh[one.meter] for one in within),
        measured_wh=sum(one.measured * wh[one.meter] for one in within),
        g14_half_width_wh=sum((one.g14_half_width * wh[one.meter]) ** 2 for one in within) ** 0.5,
        share=_share(energy, sum(one.expected * wh[one.meter] for one in within)),
        coverage=min((one.coverage for _, one in parts), default=0.0),
        days=compared,
        meters=tuple(one for _, one in parts),
        headline=Text(""),
        confidence=rules.confidence,
        outside=tuple(one.meter for _, one in parts if one.meter not in wh),
        factors=tuple(sorted({rate.factor for each in worth.rates.values() for rate in each.values() if rate.factor})),
        prices={meter: f"{price.source} ({price.mark})" for meter, price in worth.prices.items()},
        refused={meter: rate.refused for meter, each in worth.rates.items() for rate in each.values() if rate.refused},
        provisional=any(rate.provisional for each in worth.rates.values() for rate in each.values())
        or any(price.mark == "to be confirmed" for price in worth.prices.values()),
        retrospective=measure.retrospective,
    )
    return msgspec.structs.replace(found, headline=sentence(found.verdict, found.energy_wh, found.share, rules))


def _sum(
    parts: Sequence[tuple[Frozen, MeterSaving]], worth: Worth, what: Literal["wh", "co2e_g"], rules: BaselineRules
) -> tuple[Bounds | None, dict[str, float]]:
    """A sum in Wh or grams by the rates of each month, and the mean rate of each meter that is in it."""
    weights: dict[str, float] = {}
    values: dict[str, float] = {}
    for _, one in parts:
        rates = [(each, getattr(worth.rates[one.meter][each.month], what)) for each in one.months]
        if not rates or any(rate is None for _, rate in rates):
            continue
        if what == "co2e_g" and not any(rate for _, rate in rates):
            continue
        values[one.meter] = sum(each.avoided * rate for each, rate in rates)
        expected = sum(each.expected for each, _ in rates)
        plain = sum(rate for _, rate in rates) / len(rates)
        weights[one.meter] = sum(each.expected * rate for each, rate in rates) / expected if expected > 0 else plain
    return (summed(parts, weights, values, rules.confidence) if weights else None), weights


def _won(parts: Sequence[tuple[Frozen, MeterSaving]], worth: Worth, rules: BaselineRules) -> Bounds | None:
    prices = {meter: price.won for meter, price in worth.prices.items()}
    values = {one.meter: one.avoided.value * prices[one.meter] for _, one in parts if one.meter in prices}
    return summed(parts, prices, values, rules.confidence) if values else None


def _alone(parts: Sequence[tuple[Frozen, MeterSaving]]) -> Verdict:
    """The verdict of a measure without energy (water): that of its only meter, else none is shown."""
    return parts[0][1].verdict if len(parts) == 1 else "none_shown"


def _share(energy: Bounds | None, expected: float) -> float:
    return energy.value / expected if energy is not None and expected > 0 else 0.0
