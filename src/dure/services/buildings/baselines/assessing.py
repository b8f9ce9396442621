"""What a measure saved: avoided energy of each meter with its interval, and sums of meters whose intervals are right. Pure.

The interval of a sum comes from sums: the same weeks of all meters were held out together, so what their models missed together
adds up week by week, whatever moves them alike (weather, holidays). Sums of meters that were judged by different kinds of rows
(hours, bills) have no weeks in common: their half widths are added, which is never too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.services.buildings.baselines.baseline_rules import BaselineRules
from dure.services.buildings.baselines.measures import MeterBaseline
from dure.services.buildings.baselines.models import Kind
from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.modelling.goodness import Goodness, savings_uncertainty
from dure.services.buildings.modelling.rows import Model, Rows
from dure.services.buildings.modelling.savings import Misses
from dure.services.buildings.reads.model import Book

Verdict = Literal["saving", "none_shown", "more", "too_short"]


class Bounds(msgspec.Struct, frozen=True):
    """A figure with its interval."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> Bounds:
        """In another unit, or per something."""
        low, high = sorted((self.low * factor, self.high * factor))
        return Bounds(self.value * factor, low, high)

    @property
    def half_width(self) -> float:
        """Of the interval."""
        return (self.high - self.low) / 2


class MonthSaved(msgspec.Struct, frozen=True):
    """A local month of a meter [book unit]: what was expected and measured in the rows that have both, and their share [1]."""

    month: str
    expected: float
    measured: float
    coverage: float

    @property
    def avoided(self) -> float:
        """Expected less measured."""
        return self.expected - self.measured


class MeterSaving(msgspec.Struct, frozen=True, kw_only=True):
    """What a meter saved [book unit].

    Attributes
    ----------
    avoided : expected - measured with its interval from weeks no model had seen
    g14_half_width : what ASHRAE Guideline 14 would say
    coverage : share of the reporting rows that could be compared [1]; weeks : how many weeks (or bills) they are
    readings_sha256, weather_sha256 : of what the reporting rows were made from
    """

    meter: str
    fuel: Fuel
    book: Book
    kind: Kind
    expected: float
    measured: float
    avoided: Bounds
    g14_half_width: float
    coverage: float
    weeks: float
    verdict: Verdict
    months: tuple[MonthSaved, ...]
    readings_sha256: str = ""
    weather_sha256: str = ""


class Frozen(msgspec.Struct, frozen=True, eq=False):
    """A frozen baseline with its model, ready to be asked."""

    baseline: MeterBaseline
    model: Model


def meter_saving(
    frozen: Frozen, rows: Rows, month: Sequence[str], rules: BaselineRules, digests: tuple[str, str] = ("", "")
) -> MeterSaving:
    """What a meter saved in the rows of a reporting period.

    Parameters
    ----------
    month : (n,) local month of each row
    digests : of the readings and of the weather the rows were made from
    """
    one = frozen.baseline
    expected = frozen.model.of_rows(rows) if len(rows.usage) else np.empty(0)
    told = np.isfinite(expected) & np.isfinite(rows.usage)
    predicted, measured = float(expected[told].sum()), float(rows.usage[told].sum())
    weeks = int(told.sum()) / rows.per_week
    half = half_width([(one, 1.0)], {one.kind: weeks}, rules.confidence) if weeks else 0.0
    avoided = predicted - measured
    bounds = Bounds(avoided, avoided - half, avoided + half)
    return MeterSaving(
        meter=one.meter,
        fuel=one.fuel,
        book=one.book,
        kind=one.kind,
        expected=predicted,
        measured=measured,
        avoided=bounds,
        g14_half_width=savings_uncertainty(goodness_of(one), predicted, int(told.sum()), rules.confidence),
        coverage=float(told.mean()) if len(told) else 0.0,
        weeks=weeks,
        verdict=verdict(bounds, _days(one.kind, weeks), rules),
        months=_months(expected, rows.usage, told, month),
        readings_sha256=digests[0],
        weather_sha256=digests[1],
    )


def goodness_of(one: MeterBaseline) -> Goodness:
    """The goodness of a frozen fit; NaN for what could not be told (R2 of use that never varies)."""
    told = {each.name: one.goodness.get(each.name, math.nan) for each in fields(Goodness)}
    return Goodness(**told | {"n": int(told["n"]), "coefficients": int(told["coefficients"])})  # type: ignore[arg-type]


def verdict(bounds: Bounds, days: float, rules: BaselineRules) -> Verdict:
    """Whether a saving is shown: only when its interval leaves 0 out."""
    if days < rules.report_d_min:
        return "too_short"
    if bounds.low > 0:
        return "saving"
    return "more" if bounds.high < 0 else "none_shown"


def half_width(parts: Sequence[tuple[MeterBaseline, float]], weeks: Mapping[Kind, float], confidence: float) -> float:
    """Half width of the interval of a weighted sum of meters over a reporting period.

    Parameters
    ----------
    parts : baselines with the weight of each [unit of the sum / book unit]
    weeks : weeks (or bills) that were compared, by kind of rows
    """
    total = 0.0
    by_blocks: dict[bool, list[tuple[MeterBaseline, float]]] = {}
    for one, weight in parts:
        by_blocks.setdefault(one.kind == "billing", []).append((one, weight))
    for some in by_blocks.values():
        span = max(weeks.get(one.kind, 0.0) for one, _ in some)
        if not span:
            continue
        folds = min(len(one.missed) for one, _ in some)
        missed = sum((np.array(one.missed[:folds]) * weight for one, weight in some), np.zeros(folds))
        held = np.mean([one.held[:folds] for one, _ in some], axis=0)
        errors = Misses(missed, held, max(one.dealt for one, _ in some), min(one.weeks for one, _ in some)).errors()
        total += errors.half_width(span, confidence)
    return total


def summed(
    parts: Sequence[tuple[Frozen, MeterSaving]], weights: Mapping[str, float], values: Mapping[str, float], confidence: float
) -> Bounds:
    """A sum over meters with its interval.

    Parameters
    ----------
    weights : of the interval, by meter [unit of the sum / book unit]; a meter without one is not in the sum
    values : the avoided figure of each meter [unit of the sum] (months may have weights of their own)
    """
    within = [(frozen.baseline, weights[one.meter]) for frozen, one in parts if one.meter in weights]
    weeks: dict[Kind, float] = {}
    for _, one in parts:
        if one.meter in weights:
            weeks[one.kind] = max(weeks.get(one.kind, 0.0), one.weeks)
    total = float(sum(values[one.meter] for _, one in parts if one.meter in weights))
    half = half_width(within, weeks, confidence) if within else 0.0
    return Bounds(total, total - half, total + half)


def _days(kind: Kind, blocks: float) -> float:
    """Days of so many weeks, or of so many bills: a bill is taken as a month of 30 days."""
    return blocks * (30.0 if kind == "billing" else 7.0)


def days_compared(one: MeterSaving) -> float:
    """Days that could be compared."""
    return _days(one.kind, one.weeks)


def _months(
    expected: NDArray[np.float64], usage: NDArray[np.float64], told: NDArray[np.bool_], month: Sequence[str]
) -> tuple[MonthSaved, ...]:
    found = []
    names = np.asarray(month)
    for name in sorted(set(month)):
        own = names == name
        both = own & told
        found.append(
            MonthSaved(name, float(expected[both].sum()), float(usage[both].sum()), float(both.sum() / max(1, own.sum())))
        )
    return tuple(found)
