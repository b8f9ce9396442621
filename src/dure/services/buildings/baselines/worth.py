"""What one book unit of a meter is in Wh, grams and won on a day, with the rows it came by. Pure.

Grams come by the dated factor that filings use (`factors.carbon`), Wh of fuels on gross calorific value. A price is the average
of the meter's own bills; where there are none, the dated row of its supply (`finding.prices`), which says how sure it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from pathlib import Path

import msgspec

from dure.core.errors import ConfigError
from dure.emissions.conversion import Conditions, Converted, Reference, Refused, energy_of, normal_volume
from dure.emissions.quantity import Quantity
from dure.services.buildings.baselines.series import Bill
from dure.services.buildings.factors.carbon import CarbonBook
from dure.services.buildings.finding.prices import price_of, supply_id
from dure.services.buildings.model import Meter
from dure.services.buildings.rules import Pack

MANY = 10**9  # book units, so that rounding to grams is of no account


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Of one book unit.

    Attributes
    ----------
    wh : final energy [Wh]; None: water, generation, or no calorific value
    co2e_g : [gCO2e]; None: no factor (`refused` says why); 0: it emits nothing where it is used
    factor : the row it came by; provisional : whether a row behind it is to be confirmed
    """

    wh: float | None
    co2e_g: float | None
    factor: str = ""
    provisional: bool = False
    refused: str = ""


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """Won per book unit, and where that is from."""

    won: float
    source: str
    mark: str = "verified source"


def rate_of(meter: Meter, on: date, book: CarbonBook) -> Rate:
    """What one book unit of a meter is on a day."""
    wh, shaky = _energy(meter, on, book.energy)
    found = book.emission(meter, MANY, on)
    if found is None:
        return Rate(wh=wh, co2e_g=0.0, provisional=shaky)
    if isinstance(found, Refused):
        return Rate(wh=wh, co2e_g=None, provisional=shaky, refused=found.code)
    grams = float(found.exact_g / MANY)
    return Rate(wh=wh, co2e_g=grams, factor=found.factor.id, provisional=shaky or found.provisional)


def price_of_bills(bills: Iterable[Bill], last: date) -> Price | None:
    """The average price of bills that end by a day; None where no bill says what it cost."""
    paid = [one for one in bills if one.won is not None and one.amount > 0 and one.end <= last]
    amount = sum(one.amount for one in paid)
    if not amount:
        return None
    won = sum(one.won or 0 for one in paid)
    first, end = min(one.first for one in paid), max(one.end for one in paid)
    return Price(won=won / amount, source=f"{len(paid)} bills, {first} to {end}")


def price_of_rows(meter: Meter, on: date, folder: Path | None = None) -> Price | None:
    """The dated price of what a meter counts; None where no row is in force."""
    try:
        found = price_of(folder, supply_id(meter), on)
    except ConfigError as error:
        if error.code == "rules.not_in_force":
            return None
        raise
    return Price(won=found.won_of(MANY, meter.supply.book) / MANY, source=found.source, mark=found.mark)


def _energy(meter: Meter, on: date, pack: Pack) -> tuple[float | None, bool]:
    supply = meter.supply
    if not supply.energy:
        return None, False
    if supply.book == "Wh":
        return 1.0, False
    if supply.book == "kJ":
        return 1 / 3.6, False
    amount, shaky = Quantity(Fraction(MANY), supply.book), False
    if meter.fuel == "city_gas":
        row = pack.row("meter_conditions", "gas", Reference, on)
        state = Conditions(row.temperature_c, row.pressure_kpa)
        normal = normal_volume(amount, state, pack, on)
        if not isinstance(normal, Converted):
            return None, False
        amount, shaky = normal.quantity, normal.provisional or row.provisional
    found = energy_of(amount, supply.factor, "GCV", pack, on)
    if not isinstance(found, Converted):
        return None, False
    return float(found.quantity.to("Wh").value / MANY), shaky or found.provisional
