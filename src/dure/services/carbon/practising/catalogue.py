"""Practices as dated rows of ``rules/practices.toml``: what is paid for it, how it is proved, and what it is worth in tonnes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from dure.core.errors import ConfigError, NotFound
from dure.core.rules import Choice, Mark, Rule
from dure.core.text import Text
from dure.services.carbon.model import Tier
from dure.services.carbon.programmes import Programme, programmes
from dure.services.carbon.rules import load_pack

PACK = "practices"
DECIMAL = r"^\d{1,12}(\.\d{1,12})?$"
G_PER_T = 1_000_000

ProofKind = Literal["partner", "qr", "weigh", "photo"]
Counted = Literal["count", "kg", "km"]
Span = Literal["instant", "ride", "day", "month", "year"]
Grade = Literal["verified", "moderate", "low", "very low", "none"]
BASE: Mapping[Counted, int] = {"count": 1, "kg": 1_000, "km": 1_000}  # base units in one unit: pieces, g, m
BASE_UNIT: Mapping[Counted, str] = {"count": "count", "kg": "g", "km": "m"}


class Scheme(Rule, frozen=True, kw_only=True):
    """A row of ``[[schemes]]``: whose rates and limits of a person they are [KRW, times]; 0: no such limit."""

    name: Text
    offered: bool
    person_year_won: int = 0
    person_month_won: int = 0
    person_week_times: int = 0


class Practice(Rule, frozen=True, kw_only=True):
    """A row of ``[[practices]]``.

    Attributes
    ----------
    scheme, programme : whose rates they are, and whose budget pays; deed : what is done, the same in several schemes
    won_per_unit : reward [KRW per piece, kg or km]; unit : which of these
    span : what one proof takes of the deed's time
    grams_per_unit : emissions avoided [gCO2e per unit], a decimal in text; empty where no source says
    most_per_act, most_per_day, most_per_year, unlikely_per_h, impossible_per_h : in base units (pieces, g, m); 0: no such limit
    unlikely_km_h, impossible_km_h : of a ride
    review : a person looks at every photo of it
    """

    scheme: str
    deed: str
    name: Text
    won_per_unit: int
    unit: Counted
    span: Span
    proofs: tuple[ProofKind, ...]
    programme: str = "green-practice"
    grams_per_unit: str = ""
    grams_source: str = ""
    grams_mark: Mark = "to be confirmed"
    most_per_act: int = 0
    most_per_day: int = 0
    most_per_year: int = 0
    unlikely_per_h: int = 0
    impossible_per_h: int = 0
    unlikely_km_h: float = 0.0
    impossible_km_h: float = 0.0
    review: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.won_per_unit < 0 or not self.proofs:
            raise ValueError("a practice pays nothing or more, and is proved somehow")
        if bool(self.grams_per_unit) != bool(self.grams_source):
            raise ValueError("grams need a source, and a source needs grams")

    @property
    def base(self) -> int:
        """Base units in one unit."""
        return BASE[self.unit]

    @property
    def base_unit(self) -> str:
        """``count``, ``g`` or ``m``."""
        return BASE_UNIT[self.unit]

    @property
    def ref(self) -> str:
        """``id@first day``, as claims keep it."""
        return f"{self.id}@{self.effective_from}"


class Elsewhere(Rule, frozen=True, kw_only=True):
    """A row of ``[[elsewhere]]``: another scheme that pays for the same deeds."""

    name: Text
    deeds: tuple[str, ...]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of ``[[limits]]``, by their ids."""

    ahead_s: int
    late_h: int
    begun_h: int
    begun_most: int
    signed_s: int
    photo_sample_share: float
    photo_copy_bits: int
    photo_near_bits: int
    photo_kept_d: int
    travel_km_h: float
    shown_from: int
    outlook_d: int
    payout_least_won: int
    payout_programme: str


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """All that is in force on a day."""

    schemes: Mapping[str, Scheme]
    practices: Mapping[str, Practice]
    elsewhere: Mapping[str, Elsewhere]
    programmes: Mapping[str, Programme]
    limits: Limits
    version: str

    def practice(self, ident: str) -> Practice:
        """One of them; NotFound ``practice.unknown``."""
        found = self.practices.get(ident)
        if found is None:
            raise NotFound("practice.unknown", f"There is no practice {ident[:80]!r} today.")
        return found

    def offered(self, one: Practice) -> bool:
        """Whether this city runs its scheme."""
        return self.schemes[one.scheme].offered

    def tier(self, one: Practice) -> Tier:
        """Tier of its claims."""
        return self.programmes[one.programme].tier


class Worth(msgspec.Struct, frozen=True, kw_only=True):
    """What a practice is worth: won for each tonne by its best estimate, and how far that can be trusted.

    Attributes
    ----------
    won_per_tonne : None where no source says what it saves, or nothing is saved
    """

    tier: Tier
    won_per_tonne: int | None
    grade: Grade
    grams_per_unit: str
    source: str


@cache
def catalogue(on: date, folder: Path | None = None) -> Catalogue:
    """What is in force on a day.

    Raises
    ------
    ConfigError
        ``rules.not_in_force``, ``rules.invalid``: also when a row names a scheme or programme that is not there, or claims tonnes
        in a programme of participation
    """
    pack = load_pack(PACK, folder)
    rows = pack.rows(PACK, Practice, on)
    found = Catalogue(
        schemes={one.id: one for one in pack.rows("schemes", Scheme, on)},
        practices={one.id: one for one in rows},
        elsewhere={one.id: one for one in _some(pack.as_of(on).get("elsewhere", ()))},
        programmes=programmes(on, folder),
        limits=msgspec.convert({one.id: one.value for one in pack.rows("limits", Choice, on)}, Limits),
        version=pack.version,
    )
    for one in rows:
        _check(found, one, pack.file)
    return found


def worth(one: Practice, tier: Tier) -> Worth:
    """What it is worth. Pure."""
    grams = Fraction(one.grams_per_unit or 0)
    return Worth(
        tier=tier,
        won_per_tonne=None if not grams else won_per_tonne(one.won_per_unit, grams),
        grade=_grade(one, tier),
        grams_per_unit=one.grams_per_unit,
        source=one.grams_source,
    )


def grams_rule(name: str, folder: Path | None = None) -> Practice | None:
    """The row that a source of grams names (``practices@VERSION/practices/ID@FIRST_DAY``); None when there is none."""
    pack = load_pack(PACK, folder)
    for row in pack.tables.get(PACK, ()):
        if name.endswith(f"/{PACK}/{row['id']}@{row['effective_from']}"):
            return msgspec.convert(dict(row), Practice)
    return None


def won_per_tonne(won: int, grams: Fraction) -> int:
    """Won for each tonne [KRW/t], rounded half to even, of what pays `won` for `grams` > 0."""
    return round(Fraction(won) * G_PER_T / grams)


def won_for(one: Practice, quantity: int) -> int:
    """The reward of a quantity in base units [KRW], rounded down once."""
    return quantity * one.won_per_unit // one.base


def _grade(one: Practice, tier: Tier) -> Grade:
    if not one.grams_per_unit:
        return "none"
    if tier == "A":
        return "verified"
    grades: Mapping[Mark, Grade] = {"verified source": "moderate", "secondary source": "low"}
    return grades.get(one.grams_mark, "very low")


def _some(rows: tuple[Mapping[str, object], ...]) -> list[Elsewhere]:
    return [msgspec.convert(dict(row), Elsewhere) for row in rows]


def _check(found: Catalogue, one: Practice, file: str) -> None:
    programme = found.programmes.get(one.programme)
    if one.scheme not in found.schemes or programme is None:
        raise ConfigError("rules.invalid", f"{file}, [[practices]] {one.id}: its scheme or programme is not in force.")
    if (programme.tier == "C") == bool(one.grams_per_unit):
        raise ConfigError(
            "rules.invalid", f"{file}, [[practices]] {one.id}: grams go into a programme of tonnes, and only there."
        )
