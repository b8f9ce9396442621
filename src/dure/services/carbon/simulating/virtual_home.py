"""A made-up home and its bills in the weather a station told: what it used is invented, the weather is not chosen. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from dure.services.carbon.households.degree_days import DAY, days_between
from dure.services.carbon.households.energy_rules import Utility
from dure.services.carbon.households.model import MILLI, Bill
from dure.services.carbon.households.periods import Month, month_at
from dure.services.carbon.simulating.seeded import between

KNOWN_LEAST = 0.95  # share of a month's days whose temperature must be known
HEATING_BASE_C, COOLING_BASE_C = 18.0, 24.0
SCATTER = 0.03


class Habit(msgspec.Struct, frozen=True, kw_only=True):
    """What the home uses of one utility a day, at 0 degree days and for each of them, and what is left since it changed."""

    utility: Utility
    unit: str
    number: str
    base: float
    heating: float = 0.0
    cooling: float = 0.0
    changed: float = 1.0


# A new boiler and tight windows cut the gas; electricity goes on as before. Levels are those of a flat of 84 m2, roughly.
HABITS: tuple[Habit, ...] = (
    Habit(utility="electricity", unit="kWh", number="0198765432", base=8.2, heating=0.05, cooling=1.4),
    Habit(utility="gas", unit="Nm3", number="4409876543", base=0.42, heating=0.27, changed=0.62),
)
WATER = Habit(utility="water", unit="m3", number="7701234567", base=0.47)


def bills_of(seed: int, habit: Habit, weather: Mapping[date, float], months: Sequence[Month], changed_on: date) -> list[Bill]:
    """Bills of months whose weather is known.

    Parameters
    ----------
    weather : mean temperature of days [Cel]
    changed_on : since when the home uses less
    """
    found = []
    for month in months:
        known = [weather[day] for day in days_between(month.first, month.end) if day in weather]
        days = (month.end - month.first).days
        if len(known) < KNOWN_LEAST * days:
            continue
        heating = math.fsum(max(0.0, HEATING_BASE_C - one) for one in known) / len(known)
        cooling = math.fsum(max(0.0, one - COOLING_BASE_C) for one in known) / len(known)
        a_day = habit.base + habit.heating * heating + habit.cooling * cooling
        used = days * a_day * (habit.changed if month.first >= changed_on else 1.0)
        used *= between(seed, f"home {habit.utility}", 1 - SCATTER, 1 + SCATTER, month.place)
        found.append(
            Bill(
                utility=habit.utility,
                month=month.place,
                first=month.first,
                end=month.end,
                milli=round(used * MILLI),
                unit=habit.unit,
            )
        )
    return found


def last_months(today: date, count: int) -> list[Month]:
    """The last whole months, oldest first."""
    this = month_at(today).place
    return [Month(place) for place in range(this - count, this)]


def first_day(months: Sequence[Month]) -> date:
    """The day their weather begins."""
    return months[0].first - DAY
