"""What buildings used, paid and emitted by month and fuel: the one table that rankings, filings and maps are made of.

Only main meters count. Grams are rounded once for each meter and month and then added, so that every sum of rows is exact. The
linear way of an amount to its grams and its final energy is worked out once per month and kind of meter (`_Rate`), as exact
fractions: the result is that of `factors.carbon.CarbonBook.emission`, to the gram.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from fractions import Fraction
from itertools import repeat
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from dure.emissions.conversion import Conditions, Converted, Reference, Refused, energy_of, normal_volume
from dure.emissions.quantity import Quantity
from dure.services.buildings.factors.carbon import PROGRAMME, CarbonBook, carbon_book
from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.model import SUPPLIES, Meter
from dure.services.buildings.months.month_columns import Alike, Run, runs_of
from dure.services.buildings.reads.model import Book
from dure.services.buildings.sites import Sites

NOW = date(9999, 12, 31)  # as of now: all that was ever published
INT64_MAX = 2**63 - 1


class BuildingMonth(msgspec.Struct, frozen=True, gc=False):  # tens of thousands of them, none in a cycle
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
    factors: tuple[str, ...]


class Question(NamedTuple):
    """Months ``first <= month <= last`` as known at `as_of` (None: now), with the factors of a programme as known then."""

    first: str
    last: str
    as_of: datetime | None = None
    programme: str = PROGRAMME


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
    question = Question(first, last, as_of, programme)
    rates = _Rates(_book_of(folder, question))
    found: list[BuildingMonth] = []
    for run in _runs(connection, sites, question):
        rate, n = rates.of(run.alike), len(run)
        month, fuel, book, _ = run.alike
        energy, grams = (_shares(run, one) for one in (rate.energy, rate.grams))
        found += map(
            BuildingMonth, run.buildings, repeat(month, n), repeat(fuel), repeat(book), run.amounts, energy, grams, run.won,
            *run.sums, repeat(rate.provisional), repeat(rate.refused), repeat(rate.factors), repeat(1),
        )  # fmt: skip
    found.sort(key=attrgetter("building"))  # stable: within a building they stay by month, fuel and book
    return tuple(_apart(found))


def _apart(rows: list[BuildingMonth]) -> list[BuildingMonth]:
    """One row for each building, month, fuel and book."""
    found: list[BuildingMonth] = []
    key: tuple[str, str, str, str] | None = None
    for row in rows:
        own = (row.building, row.month, row.fuel, row.book)
        if own == key:
            found[-1] = _joined(found[-1], row)
        else:
            found.append(row)
            key = own
    return found


def month_totals(
    folder: Path | None, connection: Connection, sites: Sites, question: Question
) -> dict[tuple[str, Fuel, Book], Total]:
    """The whole portfolio by month, fuel and book unit: `by_month_and_fuel` of `portfolio`, without its rows.

    The same grams, and the same energy: every meter's month is rounded once. `rows` counts meters' months here.
    """
    rates = _Rates(_book_of(folder, question))
    groups: dict[tuple[str, Fuel, Book], list[tuple[_Rate, Run]]] = {}
    for run in _runs(connection, sites, question):
        groups.setdefault(run.alike[:3], []).append((rates.of(run.alike), run))
    return {key: _total_of(groups[key]) for key in sorted(groups)}


def _total_of(parts: list[tuple[_Rate, Run]]) -> Total:
    refused: dict[str, int] = {}
    for rate, run in parts:
        if rate.refused:
            refused[rate.refused] = refused.get(rate.refused, 0) + len(run)
    return Total(
        amount=sum(int(run.array.sum()) for _, run in parts),
        energy_wh=sum(_shared_sum(run, rate.energy) for rate, run in parts),
        co2e_g=sum(_shared_sum(run, rate.grams) for rate, run in parts),
        won=sum(sum(filter(None, run.won)) for _, run in parts),
        provisional=any(rate.provisional for rate, _ in parts),
        refused=refused,
        unknown_energy=sum(len(run) for rate, run in parts if rate.energy is None and SUPPLIES[run.alike.fuel].energy),
        rows=sum(len(run) for _, run in parts),
    )


def _runs(connection: Connection, sites: Sites, question: Question) -> list[Run]:
    runs = runs_of(connection, sites.meters, question.as_of)
    return [run for run in runs if question.first <= run.alike.month <= question.last]


def _book_of(folder: Path | None, question: Question) -> CarbonBook:
    as_of = NOW if question.as_of is None else question.as_of.astimezone(UTC).date()
    return carbon_book(folder, as_of, question.programme)


def _share(amount: int, rate: tuple[int, int] | None) -> int | None:
    """The whole number nearest to a share of an amount, half to even, exactly."""
    if rate is None:
        return None
    top, below = rate
    if below == 1:
        return amount * top
    whole, rest = divmod(amount * top, below)
    twice = 2 * rest
    return whole + 1 if twice > below or (twice == below and whole & 1) else whole


def _shares(run: Run, rate: tuple[int, int] | None) -> Iterable[int | None]:
    """`_share` of every amount, by columns where the products fit 64 bits."""
    if rate is None:
        return repeat(None, len(run))
    if rate == (1, 1):
        return run.amounts
    whole = _whole(run, rate)
    return [_share(amount, rate) for amount in run.amounts] if whole is None else whole.tolist()


def _shared_sum(run: Run, rate: tuple[int, int] | None) -> int:
    """The sum of `_shares`."""
    if rate is None:
        return 0
    whole = _whole(run, rate)
    return sum(_share(amount, rate) or 0 for amount in run.amounts) if whole is None else int(whole.sum())


def _whole(run: Run, rate: tuple[int, int]) -> NDArray[np.int64] | None:
    top, below = rate
    if int(np.abs(run.array).max(initial=0)) * max(top, 1) >= INT64_MAX or below >= INT64_MAX // 2:
        return None
    whole, rest = np.divmod(run.array * top, below)
    up = (2 * rest > below) | ((2 * rest == below) & (whole & 1 == 1))
    found: NDArray[np.int64] = whole + up
    return found


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
    """Rates by what they depend on."""

    def __init__(self, book: CarbonBook) -> None:
        self._book = book
        self._found: dict[Alike, _Rate] = {}

    def of(self, alike: Alike) -> _Rate:
        """The rate of a run."""
        rate = self._found.get(alike)
        if rate is None:
            month, fuel, book, (supplier, branch) = alike
            volume = fuel == "city_gas" and book == "L"
            like = Meter(id="", building="", fuel=fuel, volume=volume, supplier=supplier, branch=branch)
            rate = self._found[alike] = _rate(self._book, like, date(int(month[:4]), int(month[5:]), 1))
        return rate


def _rate(book: CarbonBook, meter: Meter, on: date) -> _Rate:
    emitted = book.emission(meter, 1, on)
    energy = final_energy(book, meter, on)
    wh, unsure = (None, False) if isinstance(energy, Refused) or energy is None else energy
    per_wh = None if wh is None else (wh.numerator, wh.denominator)
    if emitted is None:
        return _Rate((0, 1), per_wh, unsure, "", ())
    if isinstance(emitted, Refused):
        return _Rate(None, per_wh, unsure, emitted.code, ())
    grams = (emitted.exact_g.numerator, emitted.exact_g.denominator)
    return _Rate(grams, per_wh, emitted.provisional or unsure, "", (emitted.factor.id,))


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
