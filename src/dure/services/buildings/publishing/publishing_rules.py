"""The rows of rules/publishing.toml in force on a day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from dure.core.text import Text
from dure.services.buildings.rules import Choice, load_pack


class Licence(Choice, frozen=True, kw_only=True):
    """Under which licence open data are given away."""

    name: Text
    url: str


class PublishingRules(msgspec.Struct, frozen=True, kw_only=True):
    """What may be shown of a building by itself, and from when figures may be compared.

    Attributes
    ----------
    people_min, area_min_m2 : below either a building is shown in groups only
    group_min : least number of such buildings in a group, and of users of a fuel whose sum is shown (k)
    share_max : the most that one building may hold of a group's energy [1]
    rounding_kwh, rounding_co2e_kg : sums of groups are rounded to these
    coverage_min : a month is known when so much of it is [1]
    lag_months : how many months ago the newest whole year may end
    change_min : a smaller change between years is called the same [1]
    years_shown : how many calendar years a public page shows
    silent_h, late_months : when staff are told of a meter that is silent, and of a month that lacks
    profile_weeks : over how many weeks a load profile is the mean
    """

    people_min: int
    area_min_m2: float
    group_min: int
    share_max: float
    rounding_kwh: int
    rounding_co2e_kg: int
    coverage_min: float
    lag_months: int
    change_min: float
    years_shown: int
    silent_h: float
    late_months: int
    profile_weeks: int
    licence: Licence


def publishing_rules(day: date, folder: Path | None = None) -> PublishingRules:
    """The rules of a day; a city's own file wins."""
    pack = load_pack("publishing", folder)

    def value(table: str, name: str) -> float:
        return float(pack.row(table, name, Choice, day).value)

    return PublishingRules(
        people_min=round(value("anonymity", "people_min")),
        area_min_m2=value("anonymity", "area_min_m2"),
        group_min=max(2, round(value("anonymity", "group_min"))),  # a group of one is no group, whatever a city writes
        share_max=value("anonymity", "share_max"),
        rounding_kwh=max(1, round(value("anonymity", "rounding_kwh"))),
        rounding_co2e_kg=max(1, round(value("anonymity", "rounding_co2e_kg"))),
        coverage_min=value("reading", "coverage_min"),
        lag_months=round(value("reading", "lag_months")),
        change_min=value("reading", "change_min"),
        years_shown=round(value("reading", "years_shown")),
        silent_h=value("desk", "silent_h"),
        late_months=round(value("desk", "late_months")),
        profile_weeks=round(value("desk", "profile_weeks")),
        licence=pack.row("licences", "open_data", Licence, day),
    )
