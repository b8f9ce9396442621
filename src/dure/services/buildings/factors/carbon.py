"""The carbon of a booked amount: which factor a filing takes for it, and what it makes of it."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path

import msgspec

from dure.emissions.conversion import Conditions, Converted, Reference, Refused, normal_volume
from dure.emissions.emission import Emission, emission
from dure.emissions.quantity import Quantity
from dure.emissions.table import Factor, FactorTable, factor_table
from dure.services.buildings.model import Meter
from dure.services.buildings.rules import Pack, Rule, load_pack

PROGRAMME = "NGMS"  # what screens show when nobody asks for another


class Programme(Rule, frozen=True, kw_only=True):
    """One row of ``[[programmes]]``: the programmes a factor is looked for in, in their order."""

    order: tuple[str, ...]


class CarbonBook(msgspec.Struct, frozen=True):
    """All that turns amounts into grams for one programme, as known on a day."""

    programme: str
    as_of: date
    table: FactorTable
    energy: Pack
    order: tuple[str, ...]

    def factor(self, meter: Meter, on: date) -> Factor | Refused:
        """The factor of what a meter counts, on a day; the reason of the first programme when none has one."""
        first: Refused | None = None
        for programme in self.order:
            heat = meter.fuel == "heat"
            supplier, branch = (meter.supplier, meter.branch) if heat else ("", "")
            found = self.table.factor(
                meter.supply.factor, on=on, as_of=self.as_of, programme=programme, supplier=supplier, branch=branch
            )
            if isinstance(found, Factor):
                return found
            if first is None or first.code == "factor.unknown":
                first = found
        assert first is not None  # noqa: S101  # every order names a programme
        return first

    def emission(self, meter: Meter, amount: int, on: date) -> Emission | Refused | None:
        """Grams of an amount [book unit] on a day; None for what emits nothing where it is used (water, generation)."""
        supply = meter.supply
        if not supply.factor:
            return None
        factor = self.factor(meter, on)
        if isinstance(factor, Refused):
            return factor
        if meter.fuel == "city_gas" and supply.book == "L":
            converted = self._normal(amount, on)
        else:
            converted = Converted(Quantity(Fraction(amount), supply.book, "GCV" if supply.book == "kJ" else ""))
        if isinstance(converted, Refused):
            return converted
        found = emission(converted.quantity, factor, self.table, self.energy, on)
        if isinstance(found, Refused) or not converted.bases:
            return found
        rules = (*(one.rule for one in converted.bases), *found.rules)
        return msgspec.structs.replace(found, rules=rules, provisional=found.provisional or converted.provisional)

    def _normal(self, litres: int, on: date) -> Converted | Refused:
        """Metered gas [L] in Nm3, by the state a volume meter counts at."""
        row = self.energy.row("meter_conditions", "gas", Reference, on)
        found = normal_volume(Quantity(Fraction(litres), "L"), Conditions(row.temperature_c, row.pressure_kpa), self.energy, on)
        if isinstance(found, Refused):
            return found
        return Converted(found.quantity, (self.energy.basis("meter_conditions", row), *found.bases))


def carbon_book(folder: Path | None, as_of: date, programme: str = PROGRAMME) -> CarbonBook:
    """The book of a city's folder (its own rules win) for a programme as known on a day."""
    row = load_pack("factors", folder).row("programmes", programme, Programme, as_of)
    return CarbonBook(programme, as_of, _table(folder), load_pack("energy", folder), row.order)


@cache
def _table(folder: Path | None) -> FactorTable:
    return factor_table(load_pack("factors", folder))
