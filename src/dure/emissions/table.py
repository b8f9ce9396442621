"""Emission factors in two times: the time they hold for, and the time they became known.

A question names what, when, for which programme and supplier, and *as of* which day; it is answered by one row or not at all. The
same question with the same `as_of` is answered alike for ever, whatever is published later: rows are added, never changed.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Literal, TypeVar

import msgspec

from dure.core.errors import ConfigError, InputError
from dure.core.rules import Pack, Rule
from dure.core.text import Text
from dure.emissions.conversion import Refused
from dure.emissions.quantity import Basis, Quantity

GasSet = Literal["SAR", "AR5"]
K = TypeVar("K", bound=Rule)


class Factor(Rule, frozen=True, kw_only=True):
    """One row of ``[[factors]]``; ``effective_from`` and ``effective_to`` are the days it holds for.

    Attributes
    ----------
    kind : what is used, for example electricity, city_gas_lng, district_heat
    programme : the filing it belongs to; the same use has other factors in other programmes
    per : the unit of use its values are per
    published_at : the day it became known
    co2_kg, ch4_kg, n2o_kg : gases per `per` [kg]; `co2_kg` None when only the total is published
    total_kg : CO2 equivalent per `per` as published [kg]; None when it follows from the gases
    gwp : the set of warming potentials its total is made with
    heat : the calorific basis it is per, for fuels
    supplier, branch : who delivers; a district-heat factor holds for one branch only
    document_hash : SHA-256 of the document, when it is held
    """

    kind: str
    programme: str
    per: str
    published_at: date
    co2_kg: float | None = None
    ch4_kg: float = 0.0
    n2o_kg: float = 0.0
    total_kg: float | None = None
    gwp: GasSet = "SAR"
    heat: Basis = ""
    supplier: str = ""
    branch: str = ""
    document_hash: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        Quantity(Fraction(0), self.per, self.heat)  # refuses a unit that is none, or a basis that does not fit it
        if self.co2_kg is None and self.total_kg is None:
            raise ValueError("a factor needs its gases or its total")


class Potentials(Rule, frozen=True, kw_only=True):
    """A row of ``[[gwp]]``: warming potentials over 100 years, CO2 = 1."""

    ch4: float
    n2o: float


class FactorTable(msgspec.Struct, frozen=True):
    """All rows, and the warming potentials by the name of their set."""

    rows: tuple[Factor, ...]
    potentials: dict[str, Potentials]
    version: str = ""

    def factor(
        self, kind: str, *, on: date, as_of: date, programme: str, supplier: str = "", branch: str = ""
    ) -> Factor | Refused:
        """The factor in force on a day as it was known on another; never a neighbour of it.

        Among the rows that hold, the one published last wins. Rows published on one day that differ are ambiguous.
        """
        asked = f"{kind}, {programme}" + (f", {supplier} {branch}".rstrip() if supplier or branch else "")
        same = [row for row in self.rows if row.kind == kind and row.programme == programme]
        if not same:
            return _refused("factor.unknown", asked, on, as_of)
        delivered = [row for row in same if (row.supplier, row.branch) == (supplier, branch)]
        if not delivered:
            return _refused("factor.supplier", asked, on, as_of)
        known = [row for row in delivered if row.published_at <= as_of]
        if not known:
            return _refused("factor.not_published", asked, on, as_of)
        valid = [row for row in known if row.effective_from <= on and (row.effective_to is None or on < row.effective_to)]
        if not valid:
            return _refused("factor.not_in_force", asked, on, as_of)
        newest = max(row.published_at for row in valid)
        last = [row for row in valid if row.published_at == newest]
        return last[0] if len(last) == 1 else _refused("factor.ambiguous", asked, on, as_of)


def factor_table(pack: Pack) -> FactorTable:
    """All rows of the pack ``factors``, whatever day they hold for; a row that does not fit stops the start, not a report."""
    return FactorTable(
        tuple(_rows(pack, "factors", Factor)), {row.id: row for row in _rows(pack, "gwp", Potentials)}, pack.version
    )


def _rows(pack: Pack, table: str, kind: type[K]) -> list[K]:
    try:
        return [msgspec.convert(dict(row), kind) for row in pack.tables.get(table, ())]
    except (msgspec.ValidationError, InputError) as error:
        raise ConfigError("rules.invalid", f"{pack.file}, [[{table}]]: {error}.") from error


_REASONS: dict[str, tuple[str, str]] = {
    "factor.unknown": ("이 프로그램의 계수가 하나도 없습니다.", "There is no factor of this programme at all."),
    "factor.supplier": (
        "이 공급자·지사의 계수가 없습니다. 지사마다 크게 다르므로 다른 지사 것을 쓰지 않습니다.",
        "There is none for this supplier and branch; that of another branch is never used, they differ widely.",
    ),
    "factor.not_published": ("그 시점에는 아직 공표되지 않았습니다.", "None was published by then."),
    "factor.not_in_force": ("그날 유효한 계수가 없습니다.", "None is in force on that day."),
    "factor.ambiguous": (
        "같은 날 공표된 계수가 둘 이상입니다. 하나를 끝내 주세요.",
        "Two or more published on one day hold at once. End one of them.",
    ),
}


def _refused(code: str, asked: str, on: date, as_of: date) -> Refused:
    ko, en = _REASONS[code]
    return Refused(code, Text(f"{asked} ({on}, {as_of} 기준): {ko}", f"{asked} (on {on}, as of {as_of}): {en}"))
