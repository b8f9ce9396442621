"""Quantities with dimension and calorific basis. Exact (fractions), so that nothing depends on the order of steps.

Within one dimension units convert by definition (SI; 1 cal = 4.1868 J, the International Table calorie, ISO 80000-5). From one
dimension to another - m3 to Nm3, Nm3 to MJ, kWh to toe - leads only a dated row of data (`conversion`).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, NamedTuple

import msgspec

from dure.core.errors import InputError

Basis = Literal["", "GCV", "NCV"]  # of an energy that comes from burning: gross or net calorific value


class _Unit(NamedTuple):
    dimension: str
    scale: Fraction  # one of it, in the dimension's first unit


UNITS: dict[str, _Unit] = {
    "Wh": _Unit("energy", Fraction(1)),
    "kWh": _Unit("energy", Fraction(1_000)),
    "MWh": _Unit("energy", Fraction(1_000_000)),
    "J": _Unit("energy", Fraction(1, 3_600)),
    "kJ": _Unit("energy", Fraction(1_000, 3_600)),
    "MJ": _Unit("energy", Fraction(1_000_000, 3_600)),
    "GJ": _Unit("energy", Fraction(10**9, 3_600)),
    "TJ": _Unit("energy", Fraction(10**12, 3_600)),
    "kcal": _Unit("energy", Fraction(41_868, 36_000)),
    "Mcal": _Unit("energy", Fraction(41_868_000, 36_000)),
    "Gcal": _Unit("energy", Fraction(41_868_000_000, 36_000)),
    "toe": _Unit("oil equivalent", Fraction(1)),
    "L": _Unit("volume", Fraction(1)),
    "m3": _Unit("volume", Fraction(1_000)),
    "Nm3": _Unit("normal volume", Fraction(1)),
    "g": _Unit("mass", Fraction(1)),
    "kg": _Unit("mass", Fraction(1_000)),
    "t": _Unit("mass", Fraction(1_000_000)),
    "m": _Unit("distance", Fraction(1)),
    "km": _Unit("distance", Fraction(1_000)),
    "pkm": _Unit("passenger distance", Fraction(1)),
    "KRW": _Unit("money", Fraction(1)),
}
SPELLINGS: dict[str, str] = {
    "㎥": "m3", "m³": "m3", "m^3": "m3", "㎾h": "kWh", "KWH": "kWh", "kwh": "kWh", "KWh": "kWh", "Kwh": "kWh", "㎿h": "MWh",
    "MWH": "MWh", "mwh": "MWh", "N㎥": "Nm3", "Nm³": "Nm3", "ℓ": "L", "l": "L", "liter": "L", "리터": "L", "㎏": "kg", "KG": "kg",
    "Kg": "kg", "톤": "t", "ton": "t", "㎉": "kcal", "TOE": "toe", "루베": "m3", "입방미터": "m3",
    "메가줄": "MJ", "킬로그램": "kg", "인km": "pkm", "인·km": "pkm", "킬로미터": "km", "㎞": "km", "원": "KRW",
    "won": "KRW", "krw": "KRW", "₩": "KRW",
}  # fmt: skip


class Quantity(msgspec.Struct, frozen=True):
    """A value in a unit; `basis` says on which calorific value an energy of combustion rests."""

    value: Fraction
    unit: str
    basis: Basis = ""

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise InputError("unit.unknown", f"The unit {self.unit[:40]!r} is not known. Use one of {', '.join(UNITS)}.")
        if self.basis and self.dimension != "energy":
            raise InputError("unit.mismatch", f"Only an energy has a calorific basis, {self.unit} has none.")

    @property
    def dimension(self) -> str:
        """What it is an amount of."""
        return UNITS[self.unit].dimension

    def to(self, unit: str) -> Quantity:
        """The same amount in another unit of its dimension; refused across dimensions."""
        other = Quantity(Fraction(0), unit)
        if other.dimension != self.dimension:
            raise _mismatch(self, f"be read as {unit} ({other.dimension}); only a dated factor leads there")
        return Quantity(self.value * UNITS[self.unit].scale / UNITS[unit].scale, unit, self.basis)

    def __add__(self, other: Quantity) -> Quantity:
        if self.basis != other.basis:
            raise _mismatch(self, f"be added to an energy on the basis {other.basis or 'none'!r}")
        return Quantity(self.value + other.to(self.unit).value, self.unit, self.basis)

    def __sub__(self, other: Quantity) -> Quantity:
        return self + Quantity(-other.value, other.unit, other.basis)

    def book(self, unit: str) -> int:
        """The whole number of a unit nearest to it (half to even), as the books hold it."""
        return round(self.to(unit).value)


def unit_of(text: str) -> str:
    """The unit that a code or a usual spelling stands for; refused when it is none."""
    word = text.strip().replace(" ", "")
    found = word if word in UNITS else SPELLINGS.get(word, "")
    if not found:
        raise InputError("unit.unknown", f"The unit {text[:40]!r} is not known. Use one of {', '.join(UNITS)}.")
    return found


def exact(number: float | str | Fraction) -> Fraction:
    """The number as written: 0.4173 is 4173/10000, not the binary float next to it."""
    return number if isinstance(number, Fraction) else Fraction(str(number))


def _mismatch(one: Quantity, words: str) -> InputError:
    return InputError("unit.mismatch", f"{one.unit} ({one.dimension}{', ' + one.basis if one.basis else ''}) cannot {words}.")
