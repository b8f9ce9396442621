"""Kinds of day a tariff knows: working days, Saturdays, and free days. Pure, but for the table of holidays.

Public holidays of Korea come from the package ``holidays`` (Regulations on Holidays of Public Agencies, with substitute and
election days); a city adds its own as rows of ``[[holidays]]`` in its ``rules/charging/tariffs.toml``.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from functools import lru_cache
from typing import Literal

import holidays

DayKind = Literal["working", "saturday", "free"]
SATURDAY, SUNDAY = 5, 6


@lru_cache(maxsize=64)
def public_holidays(year: int, country: str = "KR") -> frozenset[date]:
    """Public holidays of a year; none where the country is not known to the package."""
    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError:
        return frozenset()


def kind_of(day: date, own: Collection[date] = (), *, sunday_is_free: bool = True, country: str = "KR") -> DayKind:
    """What a local day is to a tariff; a holiday wins over the day of the week."""
    if day in own or day in public_holidays(day.year, country) or (sunday_is_free and day.weekday() == SUNDAY):
        return "free"
    return "saturday" if day.weekday() == SATURDAY else "working"
