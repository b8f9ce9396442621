"""Months as words ("2026-05") and the floor area that holds in them."""

from __future__ import annotations

from datetime import date

from dure.core.errors import InputError
from dure.services.buildings.model import Building


def month_of(text: str) -> str:
    """A month that reads YYYY-MM; refused otherwise."""
    try:
        first_day(text)
    except ValueError as error:
        raise InputError("time.unreadable", f"{text[:40]!r} is no month: it reads YYYY-MM.") from error
    return text


def first_day(month: str) -> date:
    """First day of a month."""
    if len(month) != 7:
        raise ValueError(month)
    return date.fromisoformat(f"{month}-01")


def shifted(month: str, months_n: int) -> str:
    """The month so many months later, or earlier when negative."""
    index = int(month[:4]) * 12 + int(month[5:]) - 1 + months_n
    return f"{index // 12:04d}-{index % 12 + 1:02d}"


def months_between(first: str, last: str) -> tuple[str, ...]:
    """Months ``first <= month <= last`` in order."""
    found = []
    month = first
    while month <= last:
        found.append(month)
        month = shifted(month, 1)
    return tuple(found)


def months_ending(last: str, months_n: int) -> tuple[str, ...]:
    """The `months_n` months that end with `last`."""
    return months_between(shifted(last, 1 - months_n), last)


def area_m2(building: Building, on: date) -> float:
    """Gross floor area in force on a day [m2]; 0 when nobody entered one."""
    found = building.area_m2
    for day, value in building.areas:
        if date.fromisoformat(day) <= on:
            found = value
    return found


def mean_area_m2(building: Building, months: tuple[str, ...]) -> float:
    """Mean over months of the area in force on their first day [m2]."""
    if not building.areas:
        return building.area_m2
    return sum(area_m2(building, first_day(month)) for month in months) / len(months)
