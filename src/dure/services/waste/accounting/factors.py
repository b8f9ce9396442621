"""Fuel, energy and carbon of kilometres, by dated factors; and the numbers savings are judged by."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from dure.services.waste.rules import Choice, Rule, load_pack, provisional

GRAMS = 1000
PACK = "factors"


class Use(Rule, frozen=True, kw_only=True):
    """What a class of trucks needs for a hundred kilometres."""

    fuel_l_100km: float
    energy_kwh_100km: float


class Carbon(Rule, frozen=True, kw_only=True):
    """Carbon of a litre or a kilowatt-hour [kg]."""

    value: float


class Factors(msgspec.Struct, frozen=True, kw_only=True):
    """Factors in force on a day.

    Attributes
    ----------
    use : by class of truck; a class nobody knows counts as ``truck``
    diesel_kg_l, electricity_kg_kwh : carbon
    versions : rows used, as ``factors@VERSION/table/row``
    provisional : those of them that are to be confirmed
    """

    use: dict[str, tuple[float, float]]
    diesel_kg_l: float
    electricity_kg_kwh: float
    versions: tuple[str, ...]
    provisional: tuple[str, ...]


class Energy(msgspec.Struct, frozen=True, kw_only=True):
    """What some kilometres needed."""

    fuel_l: float = 0.0
    energy_wh: float = 0.0
    co2e_g: float = 0.0

    def __add__(self, other: Energy) -> Energy:
        return Energy(
            fuel_l=self.fuel_l + other.fuel_l,
            energy_wh=self.energy_wh + other.energy_wh,
            co2e_g=self.co2e_g + other.co2e_g,
        )


class Judging(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of ``[[judging]]``."""

    wasted_below: float = 0.30
    confidence: float = 0.90
    weeks_min: int = 4
    draws: int = 2000
    block_share: float = 0.5


def factors_on(day: date, folder: Path | None = None) -> Factors:
    """The factors of a day; a city's own file wins."""
    pack = load_pack(PACK, folder)
    uses = pack.rows("use", Use, day)
    diesel, electricity = (pack.row("carbon", name, Carbon, day) for name in ("diesel", "electricity"))
    bases = [pack.basis("use", one) for one in uses] + [pack.basis("carbon", one) for one in (diesel, electricity)]
    return Factors(
        use={one.id: (one.fuel_l_100km, one.energy_kwh_100km) for one in uses},
        diesel_kg_l=diesel.value,
        electricity_kg_kwh=electricity.value,
        versions=tuple(one.rule for one in bases),
        provisional=provisional(bases),
    )


def judging_on(day: date, folder: Path | None = None) -> Judging:
    """The numbers savings are judged by on a day."""
    return msgspec.convert(numbers(day, "judging", folder), Judging, strict=False)


def numbers(day: date, table: str, folder: Path | None = None) -> dict[str, float]:
    """The values of a table of choices, by id."""
    return {one.id: float(one.value) for one in load_pack(PACK, folder).rows(table, Choice, day)}


def energy_of(distance_m: float, factors: Factors, *, profile: str = "truck", own: tuple[float, float] = (0.0, 0.0)) -> Energy:
    """Fuel, energy and carbon of some metres of one truck.

    Parameters
    ----------
    distance_m : driven [m], >= 0
    profile : class of the truck
    own : litres and kWh for a hundred kilometres as the register has them; (0, 0): those of its class
    """
    fuel_l_100km, energy_kwh_100km = own if any(own) else factors.use.get(profile, factors.use["truck"])
    hundreds = distance_m / 100_000
    fuel_l, energy_kwh = hundreds * fuel_l_100km, hundreds * energy_kwh_100km
    co2e_kg = fuel_l * factors.diesel_kg_l + energy_kwh * factors.electricity_kg_kwh
    return Energy(fuel_l=fuel_l, energy_wh=energy_kwh * GRAMS, co2e_g=co2e_kg * GRAMS)
