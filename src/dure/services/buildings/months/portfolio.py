"""What buildings used, paid and emitted by month and fuel: the one table that rankings, filings and maps are made of.

Only main meters count. Grams are rounded once for each meter and month and then added, so that every sum of rows is exact. The
linear way of an amount to its grams and its final energy is worked out once per month and kind of meter (`_Rate`), as exact
fractions: the result is that of `factors.carbon.CarbonBook.emission`, to the gram.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select

from dure.engines.records.tables_buildings import building_months as months
from dure.services.buildings.factors.carbon import PROGRAMME, CarbonBook, carbon_book
from dure.services.buildings.fuels.conversion import Conditions, Converted, Reference, Refused, energy_of, normal_volume
from dure.services.buildings.fuels.quantity import Quantity
from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.model import SUPPLIES, Meter
from dure.services.buildings.months.month_records import known
from dure.services.buildings.reads.model import Book
from dure.services.buildings.sites import Sites

NOW = date(9999, 12, 31)  # as of now: all that was ever published


class BuildingMonth(msgspec.Struct, frozen=True):
    """One building, one month ("2026-05", of the city's clock), one fuel in one book unit: the sum of its main meters.

    Attributes
    ----------
    amount : = measured + estimated + substituted + filled [book unit]
    energy_wh : final energy, of fuels on gross calorific value [Wh]; None: water, generation, no calorific value
    co2e_g : by the dated factor of the programme [gCO2e], 0 for what emits nothing where it is used; None: see `refused`
    won : as billed; None: no bill says it
    half_width : of the 90 % interval of what was filled by model [book unit]
    coverage : least coverage among its meters [1]
    provisional : whether a row behind grams or energy is to be confirmed
    refused : why there are no grams (stable code), "" when there are
    factors : ids of the factor rows behind the grams
    meters : how many main meters are in it
    """

    building: str
    month: str
    fuel: Fuel
    book: Book
    amount: int
    energy_wh: int | None
    co2e_g: int | None
    won: int | None
    measured: int
    estimated: int
    substituted: int
    filled: int
    half_width: int
    coverage: float
    provisional: bool
    refused: str
    factors: tuple[str, ...]
    meters: int


class _Rate(NamedTuple):
    """What one book unit is in grams and in Wh, as a numerator and a denominator; None where there is no way."""

    grams: tuple[int, int] | None
    energy: tuple[int, int] | None
    provisional: bool
    refused: str
    factor: str


_COLUMNS = (
    months.c.meter, months.c.month, months.c.building, months.c.fuel, months.c.book, months.c.amount, months.c.measured,
    months.c.estimated, months.c.substituted, months.c.filled, months.c.half_width, months.c.coverage, months.c.won,
)  # fmt: skip


def portfolio(  # noqa: PLR0913  # where from, which months, and the two times of the question
    folder: Path | None,
    connection: Connection,
    sites: Sites,
    first: str,
    last: str,
    *,
    as_of: datetime | None = None,
    programme: str = PROGRAMME,
) -> tuple[BuildingMonth, ...]:
    """Months ``first <= month <= last`` of every building, by building, month, fuel and book, as known at `as_of` (None: now).

    Parameters
    ----------
    folder : the city's folder, whose own rules win (`house.city.folder`)
    sites : `sites.registered(connection)`; a month whose meter is no longer registered keeps its amount and loses its supplier
    as_of : of months and of factors alike, so that an old report comes out again as it was
    """
    query = select(*_COLUMNS).where(months.c.month >= first, months.c.month <= last, months.c.part == "main", known(as_of))
    book = carbon_book(folder, NOW if as_of is None else as_of.astimezone(UTC).date(), programme)
    rates = _Rates(book, sites.meters)
    found: dict[tuple[str, str, str, str], BuildingMonth] = {}
    for row in connection.execute(query):
        meter, month, building, fuel, unit, amount, measured, estimated, substituted, filled, half, coverage, won = row
        rate = rates.of(meter, month, fuel, unit)
        one = BuildingMonth(
            building, month, fuel, unit, amount, _share(amount, rate.energy), _share(amount, rate.grams), won, measured,
            estimated, substituted, filled, half, coverage, rate.provisional, rate.refused,
            (rate.factor,) if rate.factor else (), 1,
        )  # fmt: skip
        key = (building, month, fuel, unit)
        other = found.get(key)
        found[key] = one if other is None else _joined(other, one)
    return tuple(found[key] for key in sorted(found))


def _share(amount: int, rate: tuple[int, int] | None) -> int | None:
    """The whole number nearest to a share of an amount, half to even, exactly."""
    if rate is None:
        return None
    top, below = amount * rate[0], rate[1]
    whole, rest = divmod(top, below)
    twice = 2 * rest
    return whole + (twice > below or (twice == below and whole & 1))


def _joined(one: BuildingMonth, other: BuildingMonth) -> BuildingMonth:
    """Two meters of one building, fuel and month; grams that lack on one side lack altogether."""
    return BuildingMonth(
        one.building,
        one.month,
        one.fuel,
        one.book,
        one.amount + other.amount,
        _sum(one.energy_wh, other.energy_wh),
        _sum(one.co2e_g, other.co2e_g),
        one.won if other.won is None else other.won if one.won is None else one.won + other.won,
        one.measured + other.measured,
        one.estimated + other.estimated,
        one.substituted + other.substituted,
        one.filled + other.filled,
        one.half_width + other.half_width,
        min(one.coverage, other.coverage),
        one.provisional or other.provisional,
        one.refused or other.refused,
        tuple(sorted({*one.factors, *other.factors})),
        one.meters + other.meters,
    )


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


class _Rates:
    """Rates by what they depend on: fuel, book, who delivers, month."""

    def __init__(self, book: CarbonBook, meters: Mapping[str, Meter]) -> None:
        self._book, self._meters = book, meters
        self._found: dict[tuple[str, str, str, str, str], _Rate] = {}
        self._delivered = {one.id: (one.supplier, one.branch) for one in meters.values() if one.fuel == "heat"}

    def of(self, meter: str, month: str, fuel: Fuel, unit: Book) -> _Rate:
        """The rate of a meter's month."""
        supplier, branch = self._delivered.get(meter, ("", ""))
        key = (fuel, unit, supplier, branch, month)
        rate = self._found.get(key)
        if rate is None:
            volume = fuel == "city_gas" and unit == "L"
            like = Meter(id=meter, building="", fuel=fuel, volume=volume, supplier=supplier, branch=branch)
            rate = self._found[key] = _rate(self._book, like, date(int(month[:4]), int(month[5:]), 1))
        return rate


def _rate(book: CarbonBook, meter: Meter, on: date) -> _Rate:
    emitted = book.emission(meter, 1, on)
    energy = final_energy(book, meter, on)
    wh, unsure = (None, False) if isinstance(energy, Refused) or energy is None else energy
    per_wh = None if wh is None else (wh.numerator, wh.denominator)
    if emitted is None:
        return _Rate((0, 1), per_wh, unsure, "", "")
    if isinstance(emitted, Refused):
        return _Rate(None, per_wh, unsure, emitted.code, "")
    grams = (emitted.exact_g.numerator, emitted.exact_g.denominator)
    return _Rate(grams, per_wh, emitted.provisional or unsure, "", emitted.factor.id)


def final_energy(book: CarbonBook, meter: Meter, on: date) -> tuple[Fraction, bool] | Refused | None:
    """Final energy in one book unit of what a meter counts [Wh], fuels on gross calorific value, and whether it is provisional.

    None for what is no energy used (water, generation); refused where the calorific value is not known.
    """
    supply = meter.supply
    if not supply.energy:
        return None
    one = Converted(Quantity(Fraction(1), supply.book))
    if one.quantity.dimension == "energy":
        return one.quantity.to("Wh").value, False
    bases = one.bases
    if meter.fuel == "city_gas":
        row = book.energy.row("meter_conditions", "gas", Reference, on)
        normal = normal_volume(one.quantity, Conditions(row.temperature_c, row.pressure_kpa), book.energy, on)
        if isinstance(normal, Refused):
            return normal
        one, bases = normal, (book.energy.basis("meter_conditions", row), *normal.bases)
    held = energy_of(one.quantity, supply.factor, "GCV", book.energy, on)
    if isinstance(held, Refused):
        return held
    return held.quantity.to("Wh").value, any(ground.provisional for ground in (*bases, *held.bases))


class Total(msgspec.Struct, frozen=True):
    """A sum of building months, for a row of a table. Attributes as of `BuildingMonth`; `refused` are codes and how many rows."""

    amount: int
    energy_wh: int
    co2e_g: int
    won: int
    provisional: bool
    refused: dict[str, int]
    unknown_energy: int
    rows: int


def total(rows: Iterable[BuildingMonth]) -> Total:
    """The sum of what is known of rows, and how many lack grams or energy; amounts of one book unit only make sense together."""
    listed = list(rows)
    refused: dict[str, int] = {}
    for row in listed:
        if row.refused:
            refused[row.refused] = refused.get(row.refused, 0) + 1
    return Total(
        amount=sum(row.amount for row in listed),
        energy_wh=sum(row.energy_wh or 0 for row in listed),
        co2e_g=sum(row.co2e_g or 0 for row in listed),
        won=sum(row.won or 0 for row in listed),
        provisional=any(row.provisional for row in listed),
        refused=refused,
        unknown_energy=sum(row.energy_wh is None and SUPPLIES[row.fuel].energy for row in listed),
        rows=len(listed),
    )


def by_month_and_fuel(rows: Iterable[BuildingMonth]) -> dict[tuple[str, Fuel, Book], Total]:
    """The whole portfolio by month, fuel and book unit."""
    found: dict[tuple[str, Fuel, Book], list[BuildingMonth]] = {}
    for row in rows:
        found.setdefault((row.month, row.fuel, row.book), []).append(row)
    return {key: total(found[key]) for key in sorted(found)}


def of_buildings(rows: Iterable[BuildingMonth]) -> dict[str, list[BuildingMonth]]:
    """Rows by building, in their order."""
    found: dict[str, list[BuildingMonth]] = {}
    for row in rows:
        found.setdefault(row.building, []).append(row)
    return found
