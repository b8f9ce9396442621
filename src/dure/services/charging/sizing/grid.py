"""Every combination of sizes, rehearsed: perfect foresight beside what plans reach. Pure; runs as a job."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from dure.services.charging.model import Storage
from dure.services.charging.planning.forecast_model import Recipe
from dure.services.charging.planning.rehearsing.foresight import foresight
from dure.services.charging.planning.rehearsing.learning import WEEK_D, Learned
from dure.services.charging.planning.rehearsing.policies import EarliestFirst
from dure.services.charging.planning.rehearsing.rolling import Outcome, rolled, won
from dure.services.charging.planning.rehearsing.world import World
from dure.services.charging.planning.rehearsing.world_packing import unpacked
from dure.services.charging.sizing.model import Answer, Point
from dure.services.charging.sizing.sizing_rules import Equipment

YEAR_D, MONTH_D = 365.0, 365.0 / 12
KW = 1_000.0


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """The sizes to compare and what they cost.

    Attributes
    ----------
    storage_hours : hours in which a storage is filled at full power
    basic_won_kw : basic charge where it is billed on the contract [won per kW and month]; 0 where it is on the peak
    """

    solar_kw: tuple[float, ...]
    storage_kwh: tuple[float, ...]
    contract_kw: tuple[float, ...]
    storage_hours: float
    basic_won_kw: float
    equipment: Equipment
    wear_won_kwh: float = 15.0


def annuity(interest: float, years: float) -> float:
    """Share of an investment that is paid back each year [1/a]; the plain share without interest."""
    if interest <= 0:
        return 1.0 / years
    share: float = interest / (1.0 - (1.0 + interest) ** -years)
    return share


def built_won(sizes: Sizes, solar_kw: float, storage_kwh: float) -> float:
    """A year's cost of the equipment: annuity and upkeep [won/a]."""
    how = sizes.equipment
    solar, storage = solar_kw * how.solar_won_kw, storage_kwh * how.storage_won_kwh
    paid = solar * annuity(how.interest, how.solar_years) + storage * annuity(how.interest, how.storage_years)
    return paid + how.upkeep_fraction * (solar + storage)


def studied(per_kw: World, sizes: Sizes, recipe: Recipe) -> Answer:
    """Every combination over the span of a world whose sun is that of one kW."""
    points = tuple(
        _point(per_kw, sizes, recipe, (solar, storage, contract))
        for solar in sizes.solar_kw
        for storage in sizes.storage_kwh
        for contract in sizes.contract_kw
    )
    served = per_kw.served()
    days_n = (per_kw.end - per_kw.lead) // per_kw.days.per_day
    return Answer(points=points, days_n=days_n, stays_n=len(served), energy_kwh=round(float(served.need_wh.sum()) / KW, 1))


def _point(per_kw: World, sizes: Sizes, recipe: Recipe, size: tuple[float, float, float]) -> Point:
    solar, storage, contract = size
    world = _built(per_kw, sizes, size)
    days_n = (world.end - world.lead) / world.days.per_day
    # The span stands for its part of a month, and so does the price of its peak.
    world = msgspec.structs.replace(world, demand_won_kw=world.demand_won_kw * days_n / MONTH_D)
    made = rolled(world, Learned(recipe, int(days_n), week_months=WEEK_D / days_n))
    fixed = sizes.basic_won_kw * contract * 12

    def year_won(outcome: Outcome) -> float:
        return round(won(world, outcome) * YEAR_D / days_n + fixed)

    sun_wh = float(world.sun_w[world.lead :].sum())
    return Point(
        solar_kw=solar,
        storage_kwh=storage,
        contract_kw=contract,
        foresight_won=year_won(foresight(world)),
        plan_won=year_won(made),
        edf_won=year_won(rolled(world, EarliestFirst())),
        built_won=round(built_won(sizes, solar, storage)),
        peak_kw=round(made.peak_w / KW, 1),
        unmet_fraction=made.unmet_wh / made.need_wh if made.need_wh else 0.0,
        breaches=made.breaches,
        sun_share=None if sun_wh <= 0 else round(1.0 - float(made.export_w.sum()) / sun_wh, 3),
    )


def _built(per_kw: World, sizes: Sizes, size: tuple[float, float, float]) -> World:
    solar, storage_kwh, contract = size
    storage = None
    if storage_kwh > 0:
        power = storage_kwh * KW / sizes.storage_hours
        storage = Storage(
            id="study",
            site="study",
            capacity_wh=storage_kwh * KW,
            charge_w=power,
            discharge_w=power,
            wear_won_kwh=sizes.wear_won_kwh,
        )
    return msgspec.structs.replace(per_kw, sun_w=per_kw.sun_w * solar, contract_w=contract * KW, storage=storage)


def study_job(words: dict[str, Any]) -> dict[str, Any]:
    """`studied` of packed values, as a job."""
    world = unpacked(words["world"])
    found = studied(world, msgspec.convert(words["sizes"], Sizes), msgspec.convert(words["recipe"], Recipe))
    told: dict[str, Any] = msgspec.to_builtins(found)
    return told


def moved_by_weeks(first_us: int, wanted_us: int) -> int:
    """Whole weeks [us] to move a record so that what began at `first_us` begins about `wanted_us`, weekdays kept."""
    week = 7 * 86_400 * 1_000_000
    return int(np.floor((wanted_us - first_us) / week)) * week
