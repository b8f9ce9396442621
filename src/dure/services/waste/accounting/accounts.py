"""The account of one day: what was driven and spilt, and what the baseline would have on the same waste."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from dure.services.waste.accounting.factors import Energy, Factors, energy_of
from dure.services.waste.accounting.fills import spill
from dure.services.waste.accounting.kpi import collected_m3, overflow_minutes

if TYPE_CHECKING:
    from dure.services.waste.bins import Truck
    from dure.services.waste.model import BoolArray, FloatArray

Source = Literal["tracker", "planned", "taps"]
"""Where kilometres come from: a vehicle's tracker, the published plan, or the order of the crews' taps."""
LEVEL_DECIMALS = 3


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """What one truck drove on the day."""

    truck: str
    distance_m: int
    duration_s: int


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One day on one side: what was done, or what the baseline would have.

    Attributes
    ----------
    distance_m, duration_s, trucks_n : of all trucks
    fuel_l, energy_wh, co2e_g : by the factors of the day
    visits_n, wasted_n : emptyings, and those of bins less full than `wasted_below`
    fill_at_visit : mean level of emptied bins [1]; 0 without visits
    collected_m3 : of loose waste
    overflow_n, overflow_min : bins over the brim in the evening, and minutes all bins stood so
    """

    distance_m: int
    duration_s: int
    trucks_n: int
    fuel_l: float
    energy_wh: float
    co2e_g: float
    visits_n: int
    wasted_n: int
    fill_at_visit: float
    collected_m3: float
    overflow_n: int
    overflow_min: float


class DayAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A day's account against one baseline.

    Attributes
    ----------
    actual, baseline : both replayed on the same waste
    source : of the actual kilometres; those of the baseline are always planned
    estimated : distances are crow-fly estimates, not along roads
    planned_n, missed_n, unplanned_n : bins of the published plan, of these not emptied, and emptied beside it
    outside_n : emptied bins the baseline does not know; their kilometres count, so the saving is told too low
    watched : share of bins whose day lies between two observations [1]; the rest fill at their usual rate
    bins, rise, actual_level, baseline_level : of the day's end, to go on from and to check by; [1]
    factors, provisional : rows of the factors used, and those of them to be confirmed
    readings_sha256 : digest of the observations it rests on
    """

    day: date
    baseline_id: str
    actual: Side
    baseline: Side
    source: Source
    estimated: bool
    planned_n: int
    missed_n: int
    unplanned_n: int
    outside_n: int
    watched: float
    bins: tuple[str, ...]
    rise: tuple[float, ...]
    actual_level: tuple[float, ...]
    baseline_level: tuple[float, ...]
    factors: tuple[str, ...]
    provisional: tuple[str, ...]
    readings_sha256: str
    plan: str = ""

    @property
    def adherence(self) -> float | None:
        """Share of the planned bins that were emptied [1]; None without a plan."""
        return 1 - self.missed_n / self.planned_n if self.planned_n else None


@dataclass(frozen=True, eq=False)
class Waste:
    """One day's waste in n bins.

    Attributes
    ----------
    rise : (n,) thrown in [1]; watched : (n,) whether observed from begin to end
    capacity_l : (n,) litres to the brim, compaction counted
    readings_sha256 : digest of what it was read from
    """

    bins: tuple[str, ...]
    rise: FloatArray
    watched: BoolArray
    capacity_l: FloatArray
    readings_sha256: str


@dataclass(frozen=True, eq=False)
class Done:
    """What one side did on the day: (n,) emptied, (n,) level in the morning before [1], and what was driven."""

    emptied: BoolArray
    morning: FloatArray
    legs: Sequence[Leg]


def side_of(done: Done, waste: Waste, trucks: Mapping[str, Truck], factors: Factors, wasted_below: float) -> Side:
    """All figures of one side. A truck the register does not know any more counts as of class ``truck``."""
    morning, evening = spill(waste.rise[None, :], done.emptied[None, :], done.morning)
    after = np.where(done.emptied, 0.0, morning[0])
    at_visit = morning[0][done.emptied]
    energy = Energy()
    for leg in done.legs:
        truck = trucks.get(leg.truck)
        own = (truck.fuel_l_100km, truck.energy_kwh_100km) if truck else (0.0, 0.0)
        energy += energy_of(leg.distance_m, factors, profile=truck.profile if truck else "truck", own=own)
    return Side(
        distance_m=sum(leg.distance_m for leg in done.legs),
        duration_s=sum(leg.duration_s for leg in done.legs),
        trucks_n=sum(1 for leg in done.legs if leg.distance_m > 0),
        fuel_l=energy.fuel_l,
        energy_wh=energy.energy_wh,
        co2e_g=energy.co2e_g,
        visits_n=int(done.emptied.sum()),
        wasted_n=int((at_visit < wasted_below).sum()),
        fill_at_visit=float(at_visit.mean()) if at_visit.size else 0.0,
        collected_m3=collected_m3(at_visit, waste.capacity_l[done.emptied]),
        overflow_n=int((evening[0] > 1).sum()),
        overflow_min=float(overflow_minutes(after, evening[0]).sum()),
    )


def evening_of(done: Done, rise: FloatArray) -> tuple[float, ...]:
    """(n,) levels at the end of the day, as they are kept [1]."""
    level = np.where(done.emptied, 0.0, done.morning) + rise
    return tuple(np.round(level, LEVEL_DECIMALS).tolist())


def per_m3(side: Side) -> dict[str, float]:
    """Kilometres, hours, litres, kWh and kg CO2e for a cubic metre collected; empty when nothing was."""
    if side.collected_m3 <= 0:
        return {}
    whole = {
        "km": side.distance_m / 1000,
        "hours": side.duration_s / 3600,
        "fuel_l": side.fuel_l,
        "energy_kwh": side.energy_wh / 1000,
        "co2e_kg": side.co2e_g / 1000,
    }
    return {name: value / side.collected_m3 for name, value in whole.items()}


def quantities(side: Side) -> dict[str, float]:
    """The quantities savings are judged on, of one day."""
    return {
        "km": side.distance_m / 1000,
        "hours": side.duration_s / 3600,
        "fuel_l": side.fuel_l,
        "energy_kwh": side.energy_wh / 1000,
        "co2e_kg": side.co2e_g / 1000,
        "overflow": float(side.overflow_n),
    }
