"""Grams of CO2e of a kWh by origin, dated. Pure, but for reading the rules."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec

from dure.core.money import to_book
from dure.services.charging.rules import Mark, Rule, load_pack


class FactorRow(Rule, frozen=True, kw_only=True):
    """One row of ``[[factors]]``."""

    year: int
    g_per_kwh: float


class Factor(msgspec.Struct, frozen=True, kw_only=True):
    """A factor as a receipt keeps it."""

    rule: str
    year: int
    g_per_kwh: float
    source: str
    mark: Mark

    @property
    def provisional(self) -> bool:
        """Whether a screen must say "to be confirmed"."""
        return self.mark == "to be confirmed"

    def g_of(self, wh: int) -> int:
        """Whole grams of an energy [Wh]."""
        return to_book(Decimal(wh) * Decimal(repr(self.g_per_kwh)) / 1000)


def factor_on(day: date, kind: str = "grid", folder: Path | None = None) -> Factor:
    """The factor in use on a day.

    Raises
    ------
    ConfigError
        ``rules.not_in_force``
    """
    pack = load_pack("factors", folder)
    row = pack.row("factors", kind, FactorRow, day)
    rule = f"{pack.id}@{pack.version}/factors/{row.id}-{row.year}"
    return Factor(rule=rule, year=row.year, g_per_kwh=row.g_per_kwh, source=row.source, mark=row.mark)
