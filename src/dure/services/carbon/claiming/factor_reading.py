"""Grams per unit of a use, by the factors of a programme: in force on a day, as known on another. A missing one is said."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path

import msgspec

from dure.core.errors import ConfigError
from dure.core.rules import Basis, Rule
from dure.core.text import Text
from dure.emissions.emission import Emission, emission
from dure.emissions.packs import load_factors, load_pack
from dure.emissions.quantity import Quantity
from dure.emissions.table import Factor
from dure.services.carbon.model import Refused

ORDER = "programmes"


class Order(Rule, frozen=True, kw_only=True):
    """A row of ``[[programmes]]`` of the factors: where a programme looks for a factor, in this order."""

    order: tuple[str, ...]


class GramsPer(msgspec.Struct, frozen=True):
    """Grams of one unit [gCO2e/unit], exactly: the factor row, the other rows it came by, and how sure they are."""

    grams: Fraction
    row: str
    rules: tuple[str, ...]
    bases: tuple[Basis, ...]


def grams_per(asked: tuple[str, str, str], *, on: date, as_of: date, folder: Path | None = None) -> GramsPer | Refused:
    """Grams of one unit.

    Parameters
    ----------
    asked : kind of use, unit, factor programme
    on : the day the factor has to be in force; as_of : the day by which it has to be known
    """
    kind, unit, programme = asked
    table, pack = load_factors(folder), load_pack("factors", folder)
    try:
        order = pack.row(ORDER, programme, Order, on).order
    except ConfigError as error:
        if error.code != "rules.not_in_force":
            raise
        return Refused(
            "factor.unknown", Text(f"{programme} 계수의 순서가 없습니다.", f"No order of factors is known for {programme!r}.")
        )
    found = [table.factor(kind, on=on, as_of=as_of, programme=one) for one in order]
    factor = next((one for one in found if isinstance(one, Factor)), None)
    if factor is None:
        told = next((one for one in found if not isinstance(one, Factor) and one.code != "factor.unknown"), found[0])
        assert not isinstance(told, Factor)  # noqa: S101  # none of them is
        return Refused(told.code, told.why)
    worked = emission(Quantity(Fraction(1), unit), factor, table, load_pack("energy", folder), on)
    if not isinstance(worked, Emission):
        return Refused(worked.code, worked.why)
    basis = pack.basis("factors", factor)
    bases = (basis,) if not worked.provisional or basis.provisional else (basis, _unsure(worked))
    return GramsPer(worked.exact_g, factor.id, worked.rules, bases)


def _unsure(worked: Emission) -> Basis:
    """That a row behind a conversion is to be confirmed."""
    return Basis(", ".join(worked.rules), worked.factor.source, "to be confirmed")
