"""The numbers a household is judged by: dated rows of ``rules/households.toml``."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Literal

import msgspec

from dure.core.rules import Basis, Choice, Rule
from dure.services.carbon.households.bands import AwardOn, Band
from dure.services.carbon.households.degree_days import Bases
from dure.services.carbon.households.placebo import EVEN, place_of
from dure.services.carbon.households.saving import Spread
from dure.services.carbon.rules import load_pack

Utility = Literal["electricity", "gas", "water"]
UTILITIES: tuple[Utility, ...] = ("electricity", "gas", "water")
PACK = "households"
PERCENT = 100


class BandRow(Rule, frozen=True, kw_only=True):
    """A row of ``[[bands]]``."""

    utility: Utility
    percent: int
    won: int


class Limit(Rule, frozen=True, kw_only=True):
    """A row of ``[[limits]]``: most a home can use in a day, in `unit`."""

    utility: Utility
    most: int


class SpreadRow(Rule, frozen=True, kw_only=True):
    """A row of ``[[spreads]]``, its id a utility."""

    percent: float


class CarbonRow(Rule, frozen=True, kw_only=True):
    """A row of ``[[carbon]]``, its id a utility: the kind of factor its grams are counted with, empty for none."""

    kind: str


class BaseRow(Rule, frozen=True, kw_only=True):
    """A row of ``[[bases]]``."""

    cel: tuple[float, ...]


class JudgingRules(msgspec.Struct, frozen=True, kw_only=True):
    """All of them for one utility, as in force on a day; see the comments of the file."""

    utility: Utility
    bands: tuple[Band, ...]
    spread: Spread
    bases: Bases
    confidence: Fraction
    award_on: AwardOn
    history_months: int
    history_least: int
    season_least: int
    period_least: int
    weather_share_least: float
    noise_share_least: float
    vacant_share: float
    placebo_homes_least: int
    placebo_certainty: Fraction
    provisional: tuple[str, ...] = ()
    version: str = ""


def judging_rules(utility: Utility, on: date, folder: Path | None = None) -> JudgingRules:
    """Rules of a utility in force on a day."""
    pack = load_pack(PACK, folder)
    values = {one.id: one.value for one in pack.rows("choices", Choice, on)}
    drift = pack.row("spreads", utility, SpreadRow, on)
    rows = [one for one in pack.rows("bands", BandRow, on) if one.utility == utility]
    bases = {one.id: one.cel for one in pack.rows("bases", BaseRow, on)}
    confidence, certainty = (Fraction(str(values[one])) for one in ("confidence", "placebo_certainty"))
    least = int(values["placebo_homes_least"])
    used: list[Basis] = [pack.basis("spreads", drift), *(pack.basis("bands", one) for one in rows)]
    return JudgingRules(
        utility=utility,
        bands=tuple(Band(cut=Fraction(one.percent, PERCENT), won=one.won, rule=pack.basis("bands", one).rule) for one in rows),
        spread=Spread(
            confidence=float(confidence if certainty <= EVEN else Fraction(place_of(least, confidence, certainty), least + 1)),
            drift=drift.percent / PERCENT,
            neighbours_least=float(values["neighbours_least"]),
            neighbours_most=float(values["neighbours_most"]),
        ),
        bases=Bases(bases["heating"], bases["cooling"]),
        confidence=confidence,
        award_on="estimate" if values["award_on"] == "estimate" else "bound",
        history_months=int(values["history_months"]),
        history_least=int(values["history_least"]),
        season_least=int(values["season_least"]),
        period_least=int(values["period_least"]),
        weather_share_least=float(values["weather_share_least"]),
        noise_share_least=float(values["noise_share_least"]),
        vacant_share=float(values["vacant_share"]),
        placebo_homes_least=least,
        placebo_certainty=certainty,
        provisional=tuple(one.rule for one in used if one.provisional),
        version=f"{pack.id}@{pack.version}",
    )


def factor_kind(utility: Utility, on: date, folder: Path | None = None) -> CarbonRow:
    """What kind of factor a utility's grams are counted with."""
    return load_pack(PACK, folder).row("carbon", utility, CarbonRow, on)


def trusted_sources(on: date, folder: Path | None = None) -> frozenset[str]:
    """Sources of bills that need no officer."""
    return frozenset(str(load_pack(PACK, folder).row("choices", "trusted_sources", Choice, on).value).split())


def suppliers(utility: Utility, on: date, folder: Path | None = None) -> frozenset[str]:
    """Companies whose accounts may bring bills of a utility."""
    words = str(load_pack(PACK, folder).row("choices", "suppliers", Choice, on).value).split()
    return frozenset(company for kind, _, company in (one.partition(":") for one in words) if kind == utility)


def choice(name: str, on: date, folder: Path | None = None) -> int:
    """A whole number of ``[[choices]]``."""
    return int(load_pack(PACK, folder).row("choices", name, Choice, on).value)


def limits(utility: Utility, on: date, folder: Path | None = None) -> dict[str, int]:
    """Most a home can use in a day, by the units a bill may be in."""
    return {one.unit: one.most for one in load_pack(PACK, folder).rows("limits", Limit, on) if one.utility == utility}
