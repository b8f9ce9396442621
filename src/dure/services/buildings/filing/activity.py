"""Activity data: what each facility used of each fuel, by month, in the unit it is filed in, with factor and grams.

Grams are rounded once for each meter and month and then added, as everywhere (`months.portfolio`). Pure: `activities` of rows of
`months.month_records.find`, meters and a `CarbonBook`; `explain` runs it again for ``building/ID/carbon/FROM..TO`` and
``body/NAME/carbon/YEAR``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction

import msgspec

from dure.core.errors import ConfigError
from dure.emissions.conversion import Calorific, Conditions, Reference, Refused, normal_volume
from dure.emissions.emission import Emission
from dure.emissions.quantity import Quantity, exact
from dure.emissions.table import Factor
from dure.services.buildings.comparing.spans import first_day
from dure.services.buildings.factors.carbon import CarbonBook
from dure.services.buildings.filing.filing_rules import FilingUnit
from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.model import SUPPLIES, Meter
from dure.services.buildings.months.month_use import MonthUse
from dure.services.buildings.months.portfolio import final_energy
from dure.services.buildings.reads.model import Book


class Cell(msgspec.Struct, frozen=True):
    """One month of a series.

    Attributes
    ----------
    amount : in the book unit; filed : in the filing unit, None where there is no way to it
    co2e_g : None where no factor holds, see `refused` (stable code)
    energy_wh : final energy, None where it is not known
    """

    month: str
    amount: int
    filed: Fraction | None
    co2e_g: int | None
    energy_wh: int | None
    factor: str
    refused: str
    provisional: bool
    uncertain: int  # estimated + substituted + filled [book unit]
    coverage: float


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """A facility's use of a fuel from one supplier's branch; `unit` is the filing unit."""

    building: str
    fuel: Fuel
    book: Book
    supplier: str
    branch: str
    unit: str
    decimals: int
    cells: tuple[Cell, ...]

    @property
    def filed(self) -> Fraction | None:
        """Sum in the filing unit; None where a month has no way to it."""
        values = [one.filed for one in self.cells if one.filed is not None]
        return sum(values, Fraction(0)) if len(values) == len(self.cells) else None

    @property
    def co2e_g(self) -> int | None:
        """Sum of grams; None where a month has no factor."""
        return None if any(one.co2e_g is None for one in self.cells) else sum(one.co2e_g or 0 for one in self.cells)

    @property
    def energy_wh(self) -> int | None:
        """Sum of final energy; None where a month's is not known."""
        return None if any(one.energy_wh is None for one in self.cells) else sum(one.energy_wh or 0 for one in self.cells)

    @property
    def factors(self) -> tuple[str, ...]:
        """Ids of the factor rows."""
        return tuple(sorted({one.factor for one in self.cells if one.factor}))


class Worked(msgspec.Struct, frozen=True):
    """Series in order, and the factor rows they came by."""

    series: tuple[Activity, ...]
    factors: dict[str, Factor]

    @property
    def co2e_g(self) -> int:
        """Grams of all months that have a factor."""
        return sum(cell.co2e_g or 0 for one in self.series for cell in one.cells)

    @property
    def refused_n(self) -> int:
        """Months without a factor."""
        return sum(bool(cell.refused) for one in self.series for cell in one.cells)


def activities(
    uses: Iterable[MonthUse], meters: Mapping[str, Meter], book: CarbonBook, units: Mapping[str, FilingUnit]
) -> Worked:
    """Activity of main meters by building, fuel, book unit, supplier and branch. What is no energy used is left out."""
    rates = _Rates(book, units)
    found: dict[tuple[str, Fuel, Book, str, str], dict[str, Cell]] = {}
    for use in uses:
        if use.part != "main" or not SUPPLIES[use.fuel].energy:
            continue
        meter = _like(use, meters)
        key = (use.building, use.fuel, use.book, meter.supplier, meter.branch)
        cell = rates.cell(use, meter)
        before = found.setdefault(key, {}).get(use.month)
        found[key][use.month] = cell if before is None else _joined(before, cell)
    series = []
    for key in sorted(found):
        building, fuel, unit_book, supplier, branch = key
        unit = units.get(fuel)
        series.append(
            Activity(
                building=building,
                fuel=fuel,
                book=unit_book,
                supplier=supplier,
                branch=branch,
                unit=unit.unit if unit else unit_book,
                decimals=unit.decimals if unit else 0,
                cells=tuple(found[key][month] for month in sorted(found[key])),
            )
        )
    return Worked(tuple(series), dict(sorted(rates.factors.items())))


def _like(use: MonthUse, meters: Mapping[str, Meter]) -> Meter:
    """The meter of a row; of one that left the register what its row says, without a supplier. Only heat has a branch."""
    volume = use.fuel == "city_gas" and use.book == "L"
    known = meters.get(use.meter)
    supplier, branch = (known.supplier, known.branch) if known is not None and use.fuel == "heat" else ("", "")
    return Meter(id=use.meter, building=use.building, fuel=use.fuel, volume=volume, supplier=supplier, branch=branch)


class _Rate(msgspec.Struct, frozen=True):
    """What one book unit is."""

    grams: Fraction | None
    energy: Fraction | None
    filed: Fraction | None
    factor: str
    refused: str
    provisional: bool


class _Rates:
    """Rates by fuel, book, supplier, branch and month: worked out once, so that a hundred buildings are quick."""

    def __init__(self, book: CarbonBook, units: Mapping[str, FilingUnit]) -> None:
        self._book, self._units = book, units
        self._known: dict[tuple[str, str, str, str, str], _Rate] = {}
        self.factors: dict[str, Factor] = {}

    def cell(self, use: MonthUse, meter: Meter) -> Cell:
        key = (use.fuel, use.book, meter.supplier, meter.branch, use.month)
        rate = self._known.get(key)
        if rate is None:
            rate = self._known[key] = self._rate(meter, first_day(use.month))
        return Cell(
            month=use.month,
            amount=use.amount,
            filed=None if rate.filed is None else use.amount * rate.filed,
            co2e_g=None if rate.grams is None else round(use.amount * rate.grams),
            energy_wh=None if rate.energy is None else round(use.amount * rate.energy),
            factor=rate.factor,
            refused=rate.refused,
            provisional=rate.provisional,
            uncertain=use.estimated + use.substituted + use.filled,
            coverage=use.coverage,
        )

    def _rate(self, meter: Meter, on: date) -> _Rate:
        emitted = self._book.emission(meter, 1, on)
        energy = final_energy(self._book, meter, on)
        unsure = not isinstance(energy, Refused) and energy is not None and energy[1]
        wh = None if isinstance(energy, Refused) or energy is None else energy[0]
        unit = self._units.get(meter.fuel)
        filed = None if unit is None else in_unit(meter, unit.unit, self._book, on)
        if isinstance(emitted, Emission):
            self.factors[emitted.factor.id] = emitted.factor
            return _Rate(emitted.exact_g, wh, filed, emitted.factor.id, "", emitted.provisional or unsure)
        refused = emitted.code if isinstance(emitted, Refused) else ""
        return _Rate(None if refused else Fraction(0), wh, filed, "", refused, unsure)


def in_unit(meter: Meter, unit: str, book: CarbonBook, on: date) -> Fraction | None:
    """How much of the filing unit one book unit of a meter is; None where no dated row leads there."""
    one = Quantity(Fraction(1), meter.supply.book)
    wanted = Quantity(Fraction(0), unit)
    if one.dimension == wanted.dimension:
        return one.to(unit).value
    if meter.fuel != "city_gas" or unit != "Nm3":
        return None
    if one.dimension == "volume":
        row = book.energy.row("meter_conditions", "gas", Reference, on)
        normal = normal_volume(one, Conditions(row.temperature_c, row.pressure_kpa), book.energy, on)
        return None if isinstance(normal, Refused) else normal.quantity.to("Nm3").value
    try:
        held = book.energy.row("calorific", meter.supply.factor, Calorific, on)
    except ConfigError:
        return None
    return None if held.gcv_mj is None else one.to("MJ").value / exact(held.gcv_mj)


def _joined(one: Cell, other: Cell) -> Cell:
    """Two meters of one series in one month."""
    return Cell(
        month=one.month,
        amount=one.amount + other.amount,
        filed=None if one.filed is None or other.filed is None else one.filed + other.filed,
        co2e_g=None if one.co2e_g is None or other.co2e_g is None else one.co2e_g + other.co2e_g,
        energy_wh=None if one.energy_wh is None or other.energy_wh is None else one.energy_wh + other.energy_wh,
        factor=one.factor or other.factor,
        refused=one.refused or other.refused,
        provisional=one.provisional or other.provisional,
        uncertain=one.uncertain + other.uncertain,
        coverage=min(one.coverage, other.coverage),
    )
