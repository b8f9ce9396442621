"""How books are written for people and for XBRL: grams as tonnes, Wh as MWh, exactly. Pure."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from dure.services.carbon.statements.statement import FigureUnit


class Shown(msgspec.Struct, frozen=True):
    """A unit as it is written: its name, how many digits of the book's whole number stand behind the point, XBRL unit."""

    name: str
    decimals: int
    xbrl: str


SHOWN: dict[FigureUnit, Shown] = {
    "gCO2e": Shown("tCO2e", 6, "tCO2e"),
    "g": Shown("t", 6, "t"),
    "Wh": Shown("MWh", 6, "MWh"),
    "KRW": Shown("KRW", 0, "KRW"),
    "ppm": Shown("%", 4, "pure"),
    "mgCO2e/m2": Shown("kgCO2e/m²", 6, "kgCO2e_m2"),
    "Wh/m2": Shown("kWh/m²", 3, "kWh_m2"),
    "hundredths": Shown("", 2, "pure"),
    "1": Shown("", 0, "pure"),
}


def amount(whole: int, unit: FigureUnit) -> Decimal:
    """The amount in the unit that is shown, exact."""
    return Decimal(whole).scaleb(-SHOWN[unit].decimals)


def spelled(whole: int, unit: FigureUnit) -> str:
    """With thousands separators and all its digits."""
    return f"{amount(whole, unit):,.{SHOWN[unit].decimals}f}"


def written(whole: int, unit: FigureUnit) -> str:
    """As people read it: three digits behind the point, or all where these would make nothing of something; and the unit."""
    places = min(3, SHOWN[unit].decimals)
    if whole and not round(amount(whole, unit), places):
        places = SHOWN[unit].decimals
    return f"{amount(whole, unit):,.{places}f} {SHOWN[unit].name}".strip()
