"""What a finding comes to in a year if nothing is done: energy, won, CO2 equivalent, and by which price and factor. Pure."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import msgspec

from dure.emissions.conversion import Refused
from dure.emissions.emission import Emission
from dure.emissions.quantity import Quantity
from dure.services.buildings.factors.carbon import CarbonBook
from dure.services.buildings.finding.findings import Finding
from dure.services.buildings.finding.prices import Price
from dure.services.buildings.model import Meter


class Worth(msgspec.Struct, frozen=True, kw_only=True):
    """Of a year.

    Attributes
    ----------
    amount_year : [book unit]; energy_wh_year : where it is energy by itself; None: water, or counted by volume or mass
    won_year : 0 where no price is known or the excess is not known
    co2e_g_year : 0 where it emits nothing where it is used; `refused` says why where no factor holds
    price, price_mark, factor : what it was reckoned by
    provisional : whether price, factor or threshold is to be confirmed
    """

    amount_year: int
    energy_wh_year: int | None
    won_year: int
    co2e_g_year: int
    price: str = ""
    price_mark: str = ""
    factor: str = ""
    refused: str = ""
    provisional: bool = False


def worth_of(finding: Finding, meter: Meter, price: Price | None, book: CarbonBook, on: date) -> Worth:
    """What a finding comes to in a year.

    Parameters
    ----------
    finding : with its excess per hour and the hours of a year it would run
    meter : what is counted
    price : won of a unit; None where none is known
    book : factors of the programme screens show
    on : the day whose factor and price hold
    """
    amount = max(round(finding.excess_year), 0)
    supply = meter.supply
    emitted = book.emission(meter, amount, on) if amount else None
    grams = emitted.co2e_g if isinstance(emitted, Emission) else 0
    shaky = finding.provisional or bool(price and price.provisional)
    return Worth(
        amount_year=amount,
        energy_wh_year=_energy_wh(amount, supply.book) if supply.energy else None,
        won_year=0 if price is None else round(price.won_of(amount, supply.book)),
        co2e_g_year=grams,
        price="" if price is None else price.source,
        price_mark="" if price is None else price.mark,
        factor=emitted.factor.id if isinstance(emitted, Emission) else "",
        refused=emitted.code if isinstance(emitted, Refused) else "",
        provisional=shaky or (isinstance(emitted, Emission) and emitted.provisional),
    )


def _energy_wh(amount: int, book: str) -> int | None:
    if book == "Wh":
        return amount
    return round(Quantity(Fraction(amount), book).to("Wh").value) if book == "kJ" else None
