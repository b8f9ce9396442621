"""What a period saved: every quantity with its interval, the sentences, and the means of both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import msgspec
import numpy as np

from dure.core.text import Text
from dure.services.waste.accounting.accounts import DayAccount, per_m3, quantities
from dure.services.waste.accounting.baseline import Baseline
from dure.services.waste.accounting.factors import Judging
from dure.services.waste.accounting.savings import Paired, Saving, saving_of
from dure.services.waste.accounting.savings_words import QUANTITIES, headline, sentence


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """Savings of some days against one baseline.

    Attributes
    ----------
    savings : by quantity (`savings_words.QUANTITIES`), those that occur; confidence : two-sided, of their intervals [1]
    sentences : the same in words; `headline` the one for the council
    days_n : days accounted; `days_lost` days of the span without account
    sources : how many days' kilometres come from where
    actual, baseline : sums by name of `Side`
    provisional : factors to be confirmed
    """

    start: date
    end: date
    baseline_id: str
    savings: dict[str, Saving]
    sentences: dict[str, Text]
    headline: Text
    days_n: int
    days_lost: int
    sources: dict[str, int]
    estimated_n: int
    outside_n: int
    adherence: float | None
    actual: dict[str, float]
    baseline: dict[str, float]
    actual_m3: dict[str, float]
    baseline_m3: dict[str, float]
    confidence: float
    provisional: tuple[str, ...] = ()


SUMS = (
    "distance_m",
    "duration_s",
    "fuel_l",
    "energy_wh",
    "co2e_g",
    "visits_n",
    "wasted_n",
    "collected_m3",
    "overflow_n",
    "overflow_min",
)


def period_of(accounts: Sequence[DayAccount], baseline: Baseline, judging: Judging, seed: int) -> Period | None:
    """The savings of some days' accounts against their baseline, in any order; None without any."""
    days = {one.day: one for one in accounts}
    if not days:
        return None
    start, last = min(days), max(days)
    span = [start + timedelta(days=one) for one in range((last - start).days + 1)]
    savings = _savings(span, days, baseline, judging, seed)
    plain = [days[one] for one in sorted(days)]
    planned, missed = sum(one.planned_n for one in plain), sum(one.missed_n for one in plain)
    return Period(
        start=start,
        end=last + timedelta(days=1),
        baseline_id=baseline.id,
        savings=savings,
        sentences={name: sentence(name, one) for name, one in savings.items()},
        headline=headline(savings["km"], savings["overflow"]),
        days_n=len(plain),
        days_lost=len(span) - len(plain),
        sources={name: sum(one.source == name for one in plain) for name in sorted({one.source for one in plain})},
        estimated_n=sum(one.estimated for one in plain),
        outside_n=sum(one.outside_n for one in plain),
        adherence=1 - missed / planned if planned else None,
        actual=_sums(plain, "actual"),
        baseline=_sums(plain, "baseline"),
        actual_m3=_per_m3(plain, "actual"),
        baseline_m3=_per_m3(plain, "baseline"),
        confidence=judging.confidence,
        provisional=tuple(sorted({rule for one in plain for rule in one.provisional})),
    )


def _savings(
    span: Sequence[date], days: Mapping[date, DayAccount], baseline: Baseline, judging: Judging, seed: int
) -> dict[str, Saving]:
    found = {}
    for name in QUANTITIES:
        actual, planned = (
            np.array([quantities(getattr(days[one], side))[name] if one in days else np.nan for one in span], np.float64)
            for side in ("actual", "baseline")
        )
        if name in ("km", "overflow") or np.nansum(np.abs(actual) + np.abs(planned)) > 0:
            before = _before(baseline) if name == "km" and _tracked(days) else None
            found[name] = saving_of(Paired(actual, planned), judging, seed, before)
    return found


def _tracked(days: Mapping[date, DayAccount]) -> bool:
    """Whether kilometres are a tracker's: only then is the before period, which is, compared with them."""
    return all(one.source == "tracker" for one in days.values())


def _before(baseline: Baseline) -> Paired | None:
    if not baseline.before:
        return None
    first, last = (date.fromisoformat(one) for one in (min(baseline.before), max(baseline.before)))
    span = [(first + timedelta(days=one)).isoformat() for one in range((last - first).days + 1)]
    driven, planned = (
        np.array([baseline.before[one][side] / 1000 if one in baseline.before else np.nan for one in span], np.float64)
        for side in (0, 1)
    )
    return Paired(driven, planned)


def _sums(accounts: Sequence[DayAccount], side: str) -> dict[str, float]:
    return {name: float(sum(getattr(getattr(one, side), name) for one in accounts)) for name in SUMS}


def _per_m3(accounts: Sequence[DayAccount], side: str) -> dict[str, float]:
    sums = _sums(accounts, side)
    whole = msgspec.convert({**sums, "trucks_n": 0, "fill_at_visit": 0.0}, type(getattr(accounts[0], side)), strict=False)
    return per_m3(whole)
