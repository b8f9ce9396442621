"""Spans of months: texts like "2026-05" of the city's clock."""

from __future__ import annotations

from typing import NamedTuple

from dure.services.buildings.comparing.spans import months_between, shifted


class Span(NamedTuple):
    """Months ``first <= month <= last``."""

    first: str
    last: str

    @property
    def months(self) -> tuple[str, ...]:
        """Every month of it."""
        return months_between(self.first, self.last)

    def holds(self, month: str) -> bool:
        """Whether a month is in it."""
        return self.first <= month <= self.last

    def __str__(self) -> str:
        return f"{self.first}..{self.last}"

    @property
    def before(self) -> Span:
        """The same months a year earlier."""
        return Span(shifted(self.first, -12), shifted(self.last, -12))


def year_of(year: int | str) -> Span:
    """A calendar year."""
    return Span(f"{int(year):04}-01", f"{int(year):04}-12")


def twelve(last: str) -> Span:
    """The twelve months that end with this one."""
    return Span(shifted(last, -11), last)
