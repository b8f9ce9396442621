"""The legal target of a building (에너지원단위 목표): final energy over floor area, by use, size class and region [kWh/m2]."""

from __future__ import annotations

import msgspec

from dure.core.text import Text
from dure.emissions.conversion import Refused
from dure.services.buildings.comparing.compare_rules import CompareRules
from dure.services.buildings.model import Building
from dure.services.buildings.rules import Basis

NONE = Refused(
    "legal.none",
    Text("이 용도와 크기에는 법정 목표가 등록되어 있지 않습니다.", "No legal target is entered for this use and size class."),
)


class Legal(msgspec.Struct, frozen=True, gc=False):
    """A legal target and the rows it rests on.

    Attributes
    ----------
    kwh_m2 : target, weighed by region [kWh/m2]
    table_kwh_m2 : as the table has it [kWh/m2]; weight : of the region [1]
    """

    kwh_m2: float
    table_kwh_m2: float
    weight: float
    bases: tuple[Basis, ...]

    @property
    def provisional(self) -> bool:
        """Whether a screen must say "to be confirmed"."""
        return any(one.provisional for one in self.bases)


def legal_target(building: Building, area_m2: float, rules: CompareRules) -> Legal | Refused:
    """The target in force; ``legal.none`` where none is entered for its use and size class."""
    use, size = rules.uses.get(building.use), rules.size_of(area_m2)
    if use is not None and use.legal and size is not None:
        for row in rules.legal:
            if (row.use, row.size) == (use.legal, size.id):
                weight = rules.weights.get(building.region) or rules.weights["default"]
                bases = (rules.basis("legal_targets", row), rules.basis("regional_weights", weight))
                return Legal(row.kwh_m2 * weight.weight, row.kwh_m2, weight.weight, bases)
    return NONE
