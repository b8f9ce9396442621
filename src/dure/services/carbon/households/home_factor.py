"""Grams per unit of a bill, by the factors of a programme. A gas bill in MJ is on the gross calorific value, as it is billed."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path

import msgspec

from dure.core.text import Text
from dure.emissions.conversion import Converted, energy_of
from dure.emissions.packs import load_pack
from dure.emissions.quantity import Quantity
from dure.services.carbon.claiming.factor_reading import GramsPer, grams_per
from dure.services.carbon.households.energy_rules import Utility, factor_kind
from dure.services.carbon.model import Refused


def home_factor(asked: tuple[Utility, str, str], on: date, as_of: date, folder: Path | None = None) -> GramsPer | Refused:
    """Grams of one unit; 0 for a utility whose grams are not counted.

    Parameters
    ----------
    asked : utility, unit of its bills, factor programme
    on : the day the factor has to be in force; as_of : the day by which it has to be known
    """
    utility, unit, programme = asked
    kind = factor_kind(utility, on, folder).kind
    if not kind:
        return GramsPer(Fraction(0), "", (), ())
    if unit != "MJ":
        return grams_per((kind, unit, programme), on=on, as_of=as_of, folder=folder)
    per_volume = grams_per((kind, "Nm3", programme), on=on, as_of=as_of, folder=folder)
    if isinstance(per_volume, Refused):
        return per_volume
    held = energy_of(Quantity(Fraction(1), "Nm3"), kind, "GCV", load_pack("energy", folder), on)
    if not isinstance(held, Converted) or held.quantity.value <= 0:
        return Refused(
            "factor.missing",
            Text("가스의 총발열량이 규칙 파일에 없습니다.", "The gross calorific value of the gas is not in the rule file."),
        )
    return msgspec.structs.replace(per_volume, grams=per_volume.grams / held.quantity.value)
