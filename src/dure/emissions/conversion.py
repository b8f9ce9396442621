"""From what a meter or a bill says to energy, by dated rows of ``rules/energy.toml``. A row that is missing is said, not guessed.

Gas: a meter counts m3 at its own temperature and pressure; a calorific value holds for Nm3. As an ideal gas
``V_N = V * (p / p_N) * (T_N / T)``; compressibility is taken as 1. The reference conditions are a row of data.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import TypeVar

import msgspec

from dure.core.errors import ConfigError
from dure.core.rules import Basis as Ground
from dure.core.rules import Choice, Pack, Rule
from dure.core.text import Text
from dure.emissions.quantity import Basis, Quantity, exact

R = TypeVar("R", bound=Rule)
ABSOLUTE_ZERO_C = Fraction("-273.15")


class Refused(msgspec.Struct, frozen=True):
    """Why there is no answer: a stable code and words."""

    code: str
    why: Text


class Calorific(Rule, frozen=True, kw_only=True):
    """A row of ``[[calorific]]``: energy in one unit of a fuel [MJ/unit]; None where it is not traced."""

    per: str
    gcv_mj: float | None = None
    ncv_mj: float | None = None

    def value_mj(self, basis: Basis) -> float | None:
        """Calorific value on a basis [MJ/unit]."""
        return self.gcv_mj if basis == "GCV" else self.ncv_mj


class Reference(Rule, frozen=True, kw_only=True):
    """A row of ``[[normal_conditions]]``: the state in which a gas is one Nm3."""

    temperature_c: float
    pressure_kpa: float


class Conditions(msgspec.Struct, frozen=True):
    """The state of the gas in the meter: temperature [°C] and absolute pressure [kPa]."""

    temperature_c: float
    pressure_kpa: float


class Converted(msgspec.Struct, frozen=True):
    """A quantity and the rules it came by."""

    quantity: Quantity
    bases: tuple[Ground, ...] = ()

    @property
    def provisional(self) -> bool:
        """Whether a screen must say "to be confirmed"."""
        return any(one.provisional for one in self.bases)


def normal_volume(volume: Quantity, conditions: Conditions, pack: Pack, on: date) -> Converted | Refused:
    """A gas volume as metered [L, m3] in Nm3."""
    if volume.dimension != "volume":
        return _wrong(volume, "volume")
    row = _row(pack, "normal_conditions", "gas", Reference, on)
    if row is None:
        return _missing("normal_conditions", "gas", on)
    kelvin = exact(conditions.temperature_c) - ABSOLUTE_ZERO_C
    if kelvin <= 0 or conditions.pressure_kpa <= 0:
        words = f"{conditions.temperature_c} °C, {conditions.pressure_kpa} kPa"
        return Refused("fuel.conditions", Text(f"기체의 상태가 될 수 없는 값입니다: {words}.", f"No gas can be at {words}."))
    part = exact(conditions.pressure_kpa) / exact(row.pressure_kpa)
    part *= (exact(row.temperature_c) - ABSOLUTE_ZERO_C) / kelvin
    return Converted(Quantity(volume.to("m3").value * part, "Nm3"), (pack.basis("normal_conditions", row),))


def energy_of(amount: Quantity, fuel: str, basis: Basis, pack: Pack, on: date) -> Converted | Refused:
    """Energy [MJ] that an amount of fuel holds on a calorific basis; energy itself only on its own basis.

    Gas in m3 is refused: it must be Nm3 first.
    """
    if amount.dimension == "energy":
        return Converted(amount.to("MJ")) if amount.basis == basis else as_basis(amount, fuel, basis, pack, on)
    row = _row(pack, "calorific", fuel, Calorific, on)
    if row is None:
        return _missing("calorific", fuel, on)
    value = row.value_mj(basis)
    if value is None:
        return _missing("calorific", f"{fuel} {basis}", on)
    if Quantity(Fraction(0), row.per).dimension != amount.dimension:
        return _wrong(amount, row.per)
    energy = Quantity(amount.to(row.per).value * exact(value), "MJ", basis)
    return Converted(energy, (pack.basis("calorific", row),))


def as_basis(energy: Quantity, fuel: str, basis: Basis, pack: Pack, on: date) -> Converted | Refused:
    """Energy of a fuel from gross to net calorific value or back."""
    if energy.dimension != "energy":
        return _wrong(energy, "energy")
    if energy.basis == basis:
        return Converted(energy.to("MJ"))
    row = _row(pack, "calorific", fuel, Calorific, on)
    if row is None or not energy.basis or not basis:
        return _missing("calorific", f"{fuel} {energy.basis or '?'} -> {basis or '?'}", on)
    from_, to = row.value_mj(energy.basis), row.value_mj(basis)
    if from_ is None or to is None:
        return _missing("calorific", f"{fuel} GCV/NCV", on)
    value = energy.to("MJ").value * exact(to) / exact(from_)
    return Converted(Quantity(value, "MJ", basis), (pack.basis("calorific", row),))


def primary_energy(energy: Quantity, kind: str, pack: Pack, on: date) -> Converted | Refused:
    """Primary energy [kWh] of final energy; `kind` is a row of ``[[primary]]``, for example electricity or district_heat."""
    found = _number("primary", kind, pack, on)
    if energy.dimension != "energy":
        return _wrong(energy, "energy")
    if isinstance(found, Refused):
        return found
    number, ground = found
    return Converted(Quantity(energy.to("kWh").value * number, "kWh"), (ground,))


def oil_equivalent(energy: Quantity, kind: str, pack: Pack, on: date) -> Converted | Refused:
    """Oil equivalent [toe]: electricity by its own consumption-end row [toe/kWh], all else by heat content [GJ/toe]."""
    electric = kind == "electricity"
    found = _number("toe", "electricity" if electric else "heat_content", pack, on)
    if energy.dimension != "energy":
        return _wrong(energy, "energy")
    if isinstance(found, Refused):
        return found
    number, ground = found
    value = energy.to("kWh").value * number if electric else energy.to("GJ").value / number
    return Converted(Quantity(value, "toe"), (ground,))


def _number(table: str, row_id: str, pack: Pack, on: date) -> tuple[Fraction, Ground] | Refused:
    row = _row(pack, table, row_id, Choice, on)
    if row is None or isinstance(row.value, (bool, str)):
        return _missing(table, row_id, on)
    return exact(row.value), pack.basis(table, row)


def _row(pack: Pack, table: str, row_id: str, kind: type[R], on: date) -> R | None:
    try:
        return pack.row(table, row_id, kind, on)
    except ConfigError as error:
        if error.code == "rules.not_in_force":
            return None
        raise


def _missing(table: str, what: str, on: date) -> Refused:
    return Refused(
        "factor.missing",
        Text(
            f"{on}에 쓸 수 있는 {what} 값이 [[{table}]]에 없습니다. 출처와 함께 규칙 파일에 적어 주세요.",
            f"No row of [[{table}]] holds {what} on {on}. Enter it, with its source, in the rule file.",
        ),
    )


def _wrong(amount: Quantity, wanted: str) -> Refused:
    return Refused(
        "unit.mismatch",
        Text(
            f"{amount.unit}({amount.dimension})는 {wanted}에 쓸 수 없습니다. 단위를 확인해 주세요.",
            f"{amount.unit} ({amount.dimension}) does not fit {wanted}. Check the unit.",
        ),
    )
