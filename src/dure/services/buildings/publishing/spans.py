"""Months as people count them: texts like "2026-05" of the city's clock, and spans of them."""

from __future__ import annotations

import re
from typing import NamedTuple

MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


class Span(NamedTuple):
    """Months ``first <= month <= last``."""

    first: str
    last: str

    @property
    def months(self) -> tuple[str, ...]:
        """Every month of it."""
        return tuple(shifted(self.first, n) for n in range(count(self.first, self.last)))

    def holds(self, month: str) -> bool:
        """Whether a month is in it."""
        return self.first <= month <= self.last

    def __str__(self) -> str:
        return f"{self.first}..{self.last}"


def shifted(month: str, by: int) -> str:
    """The month so many months later (or earlier, when negative)."""
    number = int(month[:4]) * 12 + int(month[5:]) - 1 + by
    return f"{number // 12:04}-{number % 12 + 1:02}"


def count(first: str, last: str) -> int:
    """How many months ``first..last`` holds."""
    return (int(last[:4]) - int(first[:4])) * 12 + int(last[5:]) - int(first[5:]) + 1


def year_of(year: int | str) -> Span:
    """A calendar year."""
    return Span(f"{int(year):04}-01", f"{int(year):04}-12")


def twelve(last: str) -> Span:
    """The twelve months that end with this one."""
    return Span(shifted(last, -11), last)
