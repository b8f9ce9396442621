"""Energy use intensity: final energy of twelve months over the floor area in force [kWh/m2]. Never primary energy.

A month counts when every fuel the building uses in the span is known for at least the share that ``coverage_min`` asks for.
What is short is told with fuel and month; such a figure is shown, but neither ranked nor graded. Pure: `explain` runs `eui` again
with the rows of `months.portfolio` that it was made of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from dure.core.text import Text
from dure.emissions.conversion import Refused
from dure.services.buildings.comparing.compare_rules import CompareRules
from dure.services.buildings.comparing.spans import mean_area_m2, months_ending
from dure.services.buildings.model import SUPPLIES, Building
from dure.services.buildings.months.portfolio import BuildingMonth

WH_PER_KWH = 1_000


class Short(msgspec.Struct, frozen=True, gc=False):
    """A month that does not count, and how much of it is known [1]."""

    fuel: str
    month: str
    coverage: float


class Eui(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Energy use intensity of a building over ``first <= month <= last``.

    Attributes
    ----------
    energy_wh : final energy of what is known, fuels on gross calorific value [Wh]
    area_m2 : mean floor area of the months, > 0 [m2]
    short : months that do not count; unknown : fuels whose energy is not known
    estimated_share, filled_share : of the energy [1]
    co2e_g : emissions by the factors of the comparison's programme [gCO2e]; None: a factor is missing
    factors : ids of the factor rows; provisional : a row behind it is to be confirmed
    """

    building: str
    first: str
    last: str
    energy_wh: int
    by_fuel: dict[str, int]
    area_m2: float
    short: tuple[Short, ...] = ()
    unknown: tuple[str, ...] = ()
    estimated_share: float = 0.0
    filled_share: float = 0.0
    co2e_g: int | None = None
    factors: tuple[str, ...] = ()
    provisional: bool = False

    @property
    def kwh_m2(self) -> float:
        """Energy use intensity [kWh/m2]."""
        return self.energy_wh / WH_PER_KWH / self.area_m2

    @property
    def co2e_kg_m2(self) -> float | None:
        """Emission intensity [kgCO2e/m2]."""
        return None if self.co2e_g is None else self.co2e_g / 1_000 / self.area_m2

    @property
    def comparable(self) -> bool:
        """Whether every month counts and every fuel's energy is known."""
        return not self.short and not self.unknown

    @property
    def figure(self) -> str:
        """The id `explain` knows it by."""
        return f"building/{self.building}/eui/{self.first}..{self.last}"


def eui(building: Building, rows: Sequence[BuildingMonth], last: str, rules: CompareRules) -> Eui | Refused:
    """Energy use intensity of the months that end with `last`; rows of other months and of other buildings are left out.

    Refused: ``eui.no_area`` without a floor area, ``eui.no_energy`` when no month of any fuel is known.
    """
    months = months_ending(last, rules.months_n)
    area = mean_area_m2(building, months)
    if not area > 0:
        return no_area()
    counted = [
        one for one in rows if one.building == building.id and months[0] <= one.month <= last and SUPPLIES[one.fuel].energy
    ]
    if not counted:
        return no_energy(months[0], last)
    by_fuel: dict[str, int] = {}
    for one in counted:
        by_fuel[one.fuel] = by_fuel.get(one.fuel, 0) + (one.energy_wh or 0)
    energy_wh = sum(by_fuel.values())
    grams = [one.co2e_g for one in counted]
    return Eui(
        building=building.id,
        first=months[0],
        last=last,
        energy_wh=energy_wh,
        by_fuel=by_fuel,
        area_m2=area,
        short=short_months(counted, months, rules.coverage_min),
        unknown=tuple(sorted({one.fuel for one in counted if one.energy_wh is None})),
        estimated_share=_share(counted, energy_wh, lambda one: one.estimated),
        filled_share=_share(counted, energy_wh, lambda one: one.filled),
        co2e_g=None if None in grams else sum(one or 0 for one in grams),
        factors=tuple(sorted({row for one in counted for row in one.factors})),
        provisional=any(one.provisional for one in counted),
    )


def no_area() -> Refused:
    """Why a building without a floor area has no intensity."""
    words = Text("연면적이 없습니다. 건물에 넣어 주세요.", "The building has no floor area. Enter it in the register.")
    return Refused("eui.no_area", words)


def no_energy(first: str, last: str) -> Refused:
    """Why a building whose use is not known has none."""
    return Refused("eui.no_energy", Text(f"{first}~{last}에 아는 사용량이 없습니다.", f"No use of {first} to {last} is known."))


def short_months(rows: Sequence[BuildingMonth], months: Sequence[str], coverage_min: float) -> tuple[Short, ...]:
    """Months of each fuel in `rows` that are known for less than `coverage_min`; a month without a row is known for 0."""
    known: dict[str, dict[str, float]] = {}
    for one in rows:
        of_fuel = known.setdefault(one.fuel, {})
        of_fuel[one.month] = min(of_fuel.get(one.month, 1.0), one.coverage)
    return tuple(
        Short(fuel, month, of_fuel.get(month, 0.0))
        for fuel, of_fuel in sorted(known.items())
        for month in months
        if of_fuel.get(month, 0.0) < coverage_min
    )


def _share(rows: Sequence[BuildingMonth], energy_wh: int, part: Callable[[BuildingMonth], int]) -> float:
    """How much of the energy a part of the amounts stands for [1]."""
    if energy_wh <= 0:
        return 0.0
    return sum((one.energy_wh or 0) * part(one) / one.amount for one in rows if one.amount) / energy_wh


def no_model() -> Refused:
    """Why an intensity is not told for normal weather."""
    words = Text("한 해를 아는 모델이 없어 날씨를 고르지 않습니다.", "No model of a whole year: weather is not evened out.")
    return Refused("eui.no_model", words)
