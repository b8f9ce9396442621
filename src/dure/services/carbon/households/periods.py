"""Half-years, ``2026H1`` from January to June and ``2026H2`` from July to December, and months ``2026-01``. Pure."""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

from dure.core.errors import InputError

HALF = 6
YEAR = 12
_PERIOD = re.compile(r"([1-8]\d{3})H([12])")
_MONTH = re.compile(r"([1-8]\d{3})-(0[1-9]|1[0-2])")


class Month(NamedTuple):
    """A calendar month, counted from year 0, so that neighbours differ by one."""

    place: int

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.place // YEAR, self.place % YEAR + 1, 1)

    @property
    def end(self) -> date:
        """The day after its last."""
        return Month(self.place + 1).first

    @property
    def of_year(self) -> int:
        """1 to 12."""
        return self.place % YEAR + 1

    def __str__(self) -> str:
        return f"{self.place // YEAR}-{self.of_year:02}"


class Period(NamedTuple):
    """A half-year by its first month."""

    first: Month

    @property
    def months(self) -> tuple[Month, ...]:
        """Its six months."""
        return tuple(Month(self.first.place + one) for one in range(HALF))

    @property
    def start(self) -> date:
        """Its first day."""
        return self.first.first

    @property
    def end(self) -> date:
        """The day after its last."""
        return Month(self.first.place + HALF).first

    @property
    def before(self) -> Period:
        """The half-year before."""
        return Period(Month(self.first.place - HALF))

    def __str__(self) -> str:
        return f"{self.start.year}H{1 if self.first.of_year == 1 else 2}"


def month_of(text: str) -> Month:
    """The month that ``2026-01`` names; InputError ``household.month``."""
    found = _MONTH.fullmatch(text.strip())
    if found is None:
        raise InputError("household.month", f"{text[:20]!r} is no month. Write it as 2026-01.")
    return Month(int(found[1]) * YEAR + int(found[2]) - 1)


def month_at(day: date) -> Month:
    """The month of a day."""
    return Month(day.year * YEAR + day.month - 1)


def period_of(text: str) -> Period:
    """The half-year that ``2026H1`` names; InputError ``household.period``."""
    found = _PERIOD.fullmatch(text.strip())
    if found is None:
        raise InputError("household.period", f"{text[:20]!r} is no half-year. Write it as 2026H1 or 2026H2.")
    return Period(Month(int(found[1]) * YEAR + (int(found[2]) - 1) * HALF))


def period_at(day: date) -> Period:
    """The half-year of a day."""
    return Period(Month(day.year * YEAR + (0 if day.month <= HALF else HALF)))
