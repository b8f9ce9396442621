"""What a unit of a supply costs: by the meter's own bills, else by a dated row. Pure, but for reading the rules."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from pathlib import Path

import msgspec

from dure.emissions.quantity import Quantity
from dure.services.buildings.model import Meter
from dure.services.buildings.months.month_use import MonthUse
from dure.services.buildings.rules import Mark, Rule, load_pack

VOLUME = "city_gas_volume"  # gas that is counted in litres has a row of its own
MONTHS = 12


class PriceRow(Rule, frozen=True, kw_only=True):
    """One row of ``[[prices]]``: won of one `per`."""

    won: float
    per: str


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """Won of one `per` (kWh, MJ, m3, kg, L, or a book unit), and where it is from."""

    won_per_unit: float
    per: str
    source: str
    mark: Mark

    @property
    def provisional(self) -> bool:
        """Whether a screen must say "to be confirmed"."""
        return self.mark == "to be confirmed"

    def won_of(self, amount: float, book: str) -> float:
        """What an amount in a book unit costs [won]."""
        if self.per == book:
            return amount * self.won_per_unit
        return float(Quantity(Fraction(amount), book).to(self.per).value) * self.won_per_unit


def supply_id(meter: Meter) -> str:
    """The row of a meter's price."""
    return VOLUME if meter.volume and meter.fuel == "city_gas" else meter.fuel


def price_of(folder: Path | None, supply: str, on: date) -> Price:
    """The dated price of a supply; a city's own rules win.

    Raises
    ------
    ConfigError
        ``rules.not_in_force`` when no row is in force on that day
    """
    row = load_pack("prices", folder).row("prices", supply, PriceRow, on)
    return Price(won_per_unit=row.won, per=row.per, source=f"rules/prices.toml, {row.id}: {row.source}", mark=row.mark)


def price_of_months(months: Iterable[MonthUse]) -> Price | None:
    """The average price of the last twelve billed months of a meter; None where no bill says what it cost."""
    billed = [one for one in months if one.won is not None and one.amount > 0]
    billed = sorted(billed, key=lambda one: one.month)[-MONTHS:]
    amount = sum(one.amount for one in billed)
    if not amount:
        return None
    won = sum(one.won or 0 for one in billed)
    source = f"{len(billed)} billed months, {billed[0].month} to {billed[-1].month}"
    return Price(won_per_unit=won / amount, per=billed[0].book, source=source, mark="verified source")
