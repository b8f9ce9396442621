"""Emissions of a use: grams of CO2 equivalent by a dated factor, with the row and the potentials it came by."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import msgspec

from dure.core.rules import Pack
from dure.core.text import Text
from dure.emissions.conversion import Refused, energy_of
from dure.emissions.quantity import UNITS, Quantity, exact
from dure.emissions.table import Factor, FactorTable, Potentials


class Emission(msgspec.Struct, frozen=True):
    """What a use emits.

    Attributes
    ----------
    co2e_g : CO2 equivalent, rounded once (half to even) [g]
    exact_g : the same before rounding [g]
    factor : the row it came by
    rules : ids of the other rows it came by
    provisional : whether a row of them is to be confirmed
    """

    co2e_g: int
    exact_g: Fraction
    factor: Factor
    rules: tuple[str, ...]
    provisional: bool


def co2e_kg(factor: Factor, potentials: Potentials | None) -> Fraction:
    """CO2 equivalent per unit of use [kg]: from its gases with potentials, or as published without."""
    if factor.total_kg is not None and (potentials is None or factor.co2_kg is None):
        return exact(factor.total_kg)
    if potentials is None or factor.co2_kg is None:
        raise ValueError("the gases of a factor need warming potentials")
    return exact(factor.co2_kg) + exact(factor.ch4_kg) * exact(potentials.ch4) + exact(factor.n2o_kg) * exact(potentials.n2o)


def emission(use: Quantity, factor: Factor, table: FactorTable, energy: Pack, on: date) -> Emission | Refused:
    """Emission of a use by a factor; fuels go through their calorific value on the factor's basis.

    Gas in m3, an energy on the other basis without both calorific values, or kg where the factor wants m3 are refused.
    """
    if not factor.heat and use.dimension != UNITS[factor.per].dimension:
        return Refused(
            "unit.mismatch",
            Text(f"{use.unit}에는 {factor.per}당 계수를 쓸 수 없습니다.", f"A factor per {factor.per} does not fit {use.unit}."),
        )
    rules: tuple[str, ...] = ()
    provisional = factor.provisional
    amount = use
    if factor.heat:
        converted = energy_of(use, factor.kind, factor.heat, energy, on)
        if isinstance(converted, Refused):
            return converted
        amount = converted.quantity
        rules = tuple(one.rule for one in converted.bases)
        provisional = provisional or converted.provisional
    potentials = table.potentials.get(factor.gwp)
    if factor.total_kg is None and potentials is None:
        words = Text(f"{factor.gwp} 지구온난화지수가 없습니다.", f"There are no warming potentials {factor.gwp}.")
        return Refused("factor.gwp", words)
    value = amount.to(factor.per).value * co2e_kg(factor, potentials if factor.total_kg is None else None) * 1_000
    return Emission(round(value), value, factor, rules, provisional)
