"""A company's targets: from a base year down a straight line, and where it stands. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Literal

import msgspec

from dure.core.text import Text
from dure.services.carbon.companies.company import FIRST_YEAR
from dure.services.carbon.model import Refused

Measure = Literal["absolute", "per_m2", "per_output"]
Covers = Literal["scope1", "scope2-location", "scope2-market", "scope12-location", "scope12-market", "scope3"]
COVERS: tuple[Covers, ...] = ("scope12-market", "scope12-location", "scope1", "scope2-market", "scope2-location", "scope3")
LAST_YEAR = 2100


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Down to a share of the base year's value by a year.

    Attributes
    ----------
    base_g : emissions of the base year as stated [gCO2e]
    base_per : floor area [m2] or output of the base year, for an intensity target; "1" for an absolute one
    cut_ppm : how much less than the base, millionths
    """

    id: str
    company: str
    covers: Covers
    measure: Measure
    base_year: int
    base_g: int
    year: int
    cut_ppm: int
    base_per: str = "1"

    @property
    def base(self) -> Fraction:
        """Value of the base year [g, g/m2, g/unit]."""
        return self.base_g / Fraction(self.base_per)

    @property
    def goal(self) -> Fraction:
        """Value to reach."""
        return self.base * (1_000_000 - self.cut_ppm) / 1_000_000


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a company stands in a year.

    Attributes
    ----------
    path, actual : value of the line and of the year; `actual` None when it is not known
    behind_ppm : how far above the line, millionths of the base; below it negative
    """

    year: int
    path: Fraction
    actual: Fraction | None
    behind_ppm: int | None


def objection(one: Target) -> Refused | None:
    """Why a target cannot be."""
    if not FIRST_YEAR <= one.base_year < one.year <= LAST_YEAR:
        return Refused(
            "target.years", Text("기준 해가 목표 해보다 앞서야 합니다.", "The base year comes before the year of the goal.")
        )
    try:
        per = Fraction(one.base_per)
    except (ValueError, ZeroDivisionError):
        per = Fraction(0)
    if one.base_g <= 0 or per <= 0 or not 0 < one.cut_ppm <= 1_000_000 or one.covers not in COVERS:
        return Refused(
            "target.value", Text("기준값과 감축률을 확인해 주세요.", "Check the base and the cut: above 0, at most 100 %.")
        )
    return None


def path(one: Target, year: int) -> Fraction:
    """Value of the straight line in a year; flat outside it."""
    run = Fraction(min(max(year, one.base_year), one.year) - one.base_year, one.year - one.base_year)
    return one.base + (one.goal - one.base) * run


def standing(one: Target, actual: Mapping[int, Fraction]) -> tuple[Standing, ...]:
    """Every year from the base to the goal, with what is known of it."""
    found = []
    for year in range(one.base_year, one.year + 1):
        value = actual.get(year)
        line = path(one, year)
        behind = None if value is None else round((value - line) * 1_000_000 / one.base)
        found.append(Standing(year=year, path=line, actual=value, behind_ppm=behind))
    return tuple(found)
