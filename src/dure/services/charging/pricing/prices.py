"""What drivers pay, dated: rows of energy, fees and discounts, chosen by what a session is. Pure, but for reading the rules.

What is wrong in the file is refused when it is read:

====================  ==========================================================================================
``price.negative``    a price, fee or discount is below zero
``price.absurd``      it is above the most the file itself allows: most likely a slip of the unit
``price.unknown``     a site names a price that is not there
``price.none``        no row of energy fits a session
``price.ambiguous``   two rows fit a session equally well
====================  ==========================================================================================
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from dure.core.errors import ConfigError
from dure.core.text import Text
from dure.services.charging.pricing.tariffs import Band, Season, check_price
from dure.services.charging.rules import Basis, Choice, Pack, Rule, load_pack

Member = Literal["member", "guest"]
Rounding = Literal["half_even", "down"]
CODES = ("price.negative", "price.absurd")
Row = TypeVar("Row", bound=Rule)


class PriceRow(Rule, frozen=True, kw_only=True):
    """One row of ``[[prices]]``: a list of prices that a site may name."""

    name: Text


class EnergyRow(Rule, frozen=True, kw_only=True):
    """Won of a kWh; a filter that is left out fits everything. ``power_kw_from <= power of the EVSE < power_kw_below``."""

    price: str
    won_kwh: float
    power_kw_from: float = 0.0
    power_kw_below: float | None = None
    member: Member | None = None
    season: Season | None = None
    band: Band | None = None

    @property
    def filters_n(self) -> int:
        """How many filters it has."""
        given = (self.member, self.season, self.band)
        return sum(one is not None for one in given) + (self.power_kw_from > 0) + (self.power_kw_below is not None)


class FeeRow(Rule, frozen=True, kw_only=True):
    """A fee: once a session when it is connected, or per minute that a vehicle stays after `free_min` when charging is over."""

    price: str
    kind: Literal["connection", "idle"]
    won: float
    per: Literal["session", "minute"]
    member: Member | None = None
    free_min: float = 0.0
    most_won: float | None = None


class DiscountRow(Rule, frozen=True, kw_only=True):
    """What is taken off for each kWh of renewable origin."""

    price: str
    kind: Literal["renewable"]
    won_kwh: float
    member: Member | None = None


class PriceList(msgspec.Struct, frozen=True, kw_only=True):
    """One list of prices as in force on a day."""

    id: str
    name: Text
    day: date
    energy: tuple[EnergyRow, ...]
    fees: tuple[FeeRow, ...]
    discounts: tuple[DiscountRow, ...]
    rounding: Rounding
    pack: Pack

    @property
    def by_hour(self) -> bool:
        """Whether the price depends on season or hour."""
        return any(one.season is not None or one.band is not None for one in self.energy)

    def energy_row(self, power_kw: float, member: Member, season: Season, band: Band) -> EnergyRow:
        """The row of a kWh; refused with ``price.none`` or ``price.ambiguous``."""
        fits = [
            one
            for one in self.energy
            if one.power_kw_from <= power_kw
            and (one.power_kw_below is None or power_kw < one.power_kw_below)
            and one.member in {None, member}
            and one.season in {None, season}
            and one.band in {None, band}
        ]
        if not fits:
            raise ConfigError(
                "price.none", f"{self.pack.file}: no row of {self.id!r} fits {power_kw:g} kW, {member}, {season}, {band}."
            )
        most = max(one.filters_n for one in fits)
        best = [one for one in fits if one.filters_n == most]
        if len(best) > 1:
            names = " and ".join(one.id for one in best)
            raise ConfigError(
                "price.ambiguous", f"{self.pack.file}: {names} fit {power_kw:g} kW, {member}, {season}, {band} equally well."
            )
        return best[0]

    def basis(self, row: EnergyRow | FeeRow | DiscountRow) -> Basis:
        """Where a row comes from."""
        table = {EnergyRow: "energy", FeeRow: "fees", DiscountRow: "discounts"}[type(row)]
        return self.pack.basis(table, row)


class PriceBook:
    """All lists of prices of a city, with every version."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        _check(pack)

    def names(self, day: date) -> Mapping[str, Text]:
        """Lists in force on a day."""
        return {row.id: row.name for row in self.pack.rows("prices", PriceRow, day)}

    def choice(self, name: str, day: date) -> bool | float | str:
        """A choice of the file."""
        return self.pack.row("choices", name, Choice, day).value

    def listed(self, price: str, day: date) -> PriceList:
        """A list of prices on a day; an empty name is the default one.

        Raises
        ------
        ConfigError : ``price.unknown``, ``rules.not_in_force``
        """
        pack = self.pack
        known = price or str(self.choice("default_price", day))
        if not any(row["id"] == known for row in pack.tables.get("prices", ())):
            raise ConfigError("price.unknown", f"There is no price {known[:80]!r} in {pack.file}. Name one that is there.")
        head = pack.row("prices", known, PriceRow, day)
        in_force = pack.as_of(day)
        rounding: Rounding = "half_even" if self.choice("rounding", day) == "half_even" else "down"
        return PriceList(
            id=known,
            name=head.name,
            day=day,
            energy=tuple(one for one in pack.rows("energy", EnergyRow, day) if one.price == known),
            fees=tuple(one for one in _rows(pack, in_force, "fees", FeeRow, day) if one.price == known),
            discounts=tuple(one for one in _rows(pack, in_force, "discounts", DiscountRow, day) if one.price == known),
            rounding=rounding,
            pack=pack,
        )


def _rows(pack: Pack, in_force: Mapping[str, tuple[object, ...]], table: str, kind: type[Row], day: date) -> tuple[Row, ...]:
    """The rows of a table that may be empty."""
    return pack.rows(table, kind, day) if in_force.get(table) else ()


@lru_cache(maxsize=16)
def price_book(folder: Path | None) -> PriceBook:
    """The prices of a city; its own rules win. Read once.

    Raises
    ------
    ConfigError
        what cannot be a price, with the codes above, or ``rules.…``
    """
    return PriceBook(load_pack("prices", folder))


def _check(pack: Pack) -> None:
    for table, field, most in (
        ("energy", "won_kwh", "won_kwh_most"),
        ("discounts", "won_kwh", "won_kwh_most"),
        ("fees", "won", "fee_won_most"),
        ("fees", "free_min", "fee_won_most"),
        ("fees", "most_won", "fee_won_most"),
    ):
        for row in pack.tables.get(table, ()):
            if field in row or field in {"won_kwh", "won"}:
                limit = pack.row("choices", most, Choice, row["effective_from"]).value
                check_price(f"{pack.file}, [[{table}]] {row['id']}: {field}", row.get(field, math.nan), float(limit), CODES)
