"""Why emissions changed between two periods, for a building or all of them: activity, factor, weather and floor area. Pure.

Each meter is one use. Its weather index is what its own model expects in the weather of the period over what it expects in the
same days of a normal year; a meter without a model has an index of 1, so that its weather counts as activity, and that is told.

=======================  =========================================================================
``bridge.no_model``      the weather of the meter's building counts as activity
``bridge.no_area``       the building's floor area is not known: no effect of area is told
``bridge.empty``         there is nothing to compare in one of the periods
=======================  =========================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction

import msgspec

from dure.core.text import Text
from dure.emissions.bridge import Bridge, Use, bridge
from dure.emissions.conversion import Refused
from dure.services.buildings.factors.carbon import CarbonBook
from dure.services.buildings.model import Building, Meter
from dure.services.buildings.months.month_use import MonthUse

INDEX_DIGITS = 6  # of a weather index, as a decimal fraction


class Told(msgspec.Struct, frozen=True):
    """Something about a meter or building that the bridge rests on."""

    code: str
    subject: str


class Bridged(msgspec.Struct, frozen=True, kw_only=True):
    """The change from one period to another.

    Attributes
    ----------
    before, after : first and last month of each period
    total : of all meters; buildings : of each building
    weather : index of each meter in both periods
    told : what is left out or taken as 1
    provisional : whether a factor is to be confirmed
    """

    before: tuple[str, str]
    after: tuple[str, str]
    total: Bridge
    buildings: dict[str, Bridge]
    weather: dict[str, tuple[float, float]]
    told: tuple[Told, ...]
    factors: tuple[str, ...]
    provisional: bool


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """What one period is made of: months ``first <= month <= last``, rows of main meters, and weather indices by meter."""

    first: str
    last: str
    rows: Sequence[MonthUse]
    weather: Mapping[str, float]


class _Uses:
    """Uses of one period by meter, and what was noticed."""

    def __init__(self, book: CarbonBook, meters: Mapping[str, Meter], buildings: Mapping[str, Building]) -> None:
        self._book, self._meters, self._buildings = book, meters, buildings
        self.told: set[Told] = set()
        self.factors: set[str] = set()
        self.provisional = False

    def of(self, period: Period) -> dict[str, Use]:
        """The use of every meter that emits."""
        grams: dict[str, Fraction] = {}
        amounts: dict[str, int] = {}
        refused: set[str] = set()
        for row in period.rows:
            meter = self._meters.get(row.meter)
            if meter is None or row.part != "main":
                continue
            found = self._book.emission(meter, row.amount, date.fromisoformat(f"{row.month}-01"))
            if found is None:
                continue
            if isinstance(found, Refused):
                self.told.add(Told(found.code, row.meter))
                refused.add(row.meter)
                continue
            self.factors.add(found.factor.id)
            self.provisional = self.provisional or found.provisional
            grams[row.meter] = grams.get(row.meter, Fraction(0)) + found.exact_g
            amounts[row.meter] = amounts.get(row.meter, 0) + row.amount
        return {
            meter: self._use(meter, amount, grams[meter], period)
            for meter, amount in amounts.items()
            if amount > 0 and meter not in refused
        }

    def _use(self, meter: str, amount: int, grams: Fraction, period: Period) -> Use:
        building = self._buildings[self._meters[meter].building]
        area = mean_area(building, period.first, period.last)
        if area <= 0:
            self.told.add(Told("bridge.no_area", building.id))
        index = period.weather.get(meter)
        if index is None:
            self.told.add(Told("bridge.no_model", meter))
        return Use(
            energy_wh=amount,  # in the meter's book unit: the factor is per the same unit
            area_m2=area if area > 0 else Fraction(1),
            weather=Fraction(1) if index is None else Fraction(round(index * 10**INDEX_DIGITS), 10**INDEX_DIGITS),
            g_per_wh=grams / amount,
        )


def bridged(
    before: Period, after: Period, book: CarbonBook, meters: Mapping[str, Meter], buildings: Mapping[str, Building]
) -> Bridged | Refused:
    """The change over all meters, and of each building; every sum is exact to the gram."""
    uses = _Uses(book, meters, buildings)
    old, new = uses.of(before), uses.of(after)
    if not old or not new:
        words = Text("견줄 사용량이 한 기간에 없습니다.", "There is no use to compare in one of the periods.")
        return Refused("bridge.empty", words)
    both = {one for one in old.keys() & new.keys() if (one in before.weather) != (one in after.weather)}
    old, new = _plain(old, both), _plain(new, both)
    uses.told |= {Told("bridge.no_model", one) for one in both}
    total = bridge(old, new)
    if isinstance(total, Refused):
        return total
    parts: dict[str, Bridge] = {}
    for building in sorted({meters[one].building for one in (*old, *new)}):
        own = bridge(_within(old, building, meters), _within(new, building, meters))
        if isinstance(own, Refused):
            return own
        parts[building] = own
    return Bridged(
        before=(before.first, before.last),
        after=(after.first, after.last),
        total=total,
        buildings=parts,
        weather={one: (float(old[one].weather), float(new[one].weather)) for one in sorted(old.keys() & new.keys())},
        told=tuple(sorted(uses.told, key=lambda one: (one.code, one.subject))),
        factors=tuple(sorted(uses.factors)),
        provisional=uses.provisional,
    )


def _plain(uses: Mapping[str, Use], names: Iterable[str]) -> dict[str, Use]:
    """Uses without a weather index for some: an index of one period alone says nothing."""
    plain = set(names)
    return {name: msgspec.structs.replace(use, weather=Fraction(1)) if name in plain else use for name, use in uses.items()}


def _within(uses: Mapping[str, Use], building: str, meters: Mapping[str, Meter]) -> dict[str, Use]:
    return {name: use for name, use in uses.items() if meters[name].building == building}


def mean_area(building: Building, first: str, last: str) -> Fraction:
    """Mean floor area over the months of a period, by the row in force on each month's first day [m2]; 0: not known."""
    months = months_between(first, last)
    found = [Fraction(str(area_on(building, f"{month}-01"))) for month in months]
    return sum(found, Fraction(0)) / len(found) if found else Fraction(0)


def area_on(building: Building, day: str) -> float:
    """Floor area on a day [m2]: of the last dated row in force, else that of the register."""
    past = [area for since, area in building.areas if since <= day]
    return past[-1] if past else building.area_m2


def months_between(first: str, last: str) -> list[str]:
    """Months ``first <= month <= last``."""
    found, year, month = [], int(first[:4]), int(first[5:7])
    while f"{year:04}-{month:02}" <= last:
        found.append(f"{year:04}-{month:02}")
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return found
