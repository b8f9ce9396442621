"""The world a study is rehearsed on: its drivers, one kW of sun, and the tariff of the weeks before today."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.core.time import from_us, to_us
from dure.services.charging.planning.forecast_rules import forecast_rules
from dure.services.charging.planning.problem import Floats
from dure.services.charging.planning.rehearsing.world import World
from dure.services.charging.planning.site_past import Grid, grid_at, past_of
from dure.services.charging.planning.stays import DAY_S, MICRO, Stay, Stays, stays_of
from dure.services.charging.pricing.site_prices import SitePrices, site_prices
from dure.services.charging.pricing.tariffs import tariff_book
from dure.services.charging.sizing.drivers import made_stays
from dure.services.charging.sizing.grid import Sizes, moved_by_weeks
from dure.services.charging.sizing.model import Asked
from dure.services.charging.sizing.sizing_rules import SizingRules, sizing_rules
from dure.services.charging.sizing.sky import Plane, made_sun_w

if TYPE_CHECKING:
    from dure.services.charging.model import Site
    from dure.spine.house import House

STEP_S = 900
SEEN_W_PER_KW = 100.0  # a generator that never gave as much was not there, or not metered


class Study(msgspec.Struct, frozen=True, eq=False):
    """What a study's job is given, and what a person should know of it."""

    world: World
    sizes: Sizes
    notes: tuple[str, ...]


def study_of(house: House, site: Site, asked: Asked) -> Study:
    """Put a question's world together.

    Raises
    ------
    ConfigError : the site's tariff is not known, or no version of it was in force in these weeks
    """
    now = house.clock.now()
    today = now.astimezone(house.city.zone).date()
    rules = sizing_rules(today, house.city.folder)
    midnight = to_us(datetime(today.year, today.month, today.day, tzinfo=house.city.zone))
    grid = _cut(grid_at(house, midnight, STEP_S, forecast_rules(today, house.city.folder)), rules)
    book = tariff_book(house.city.folder, house.city.zone)
    prices = site_prices(book, site.tariff, from_us(grid.start_us), grid.now, STEP_S)
    sun, notes = _sun_per_kw(house, site, grid, rules, asked.seed)
    world = World(
        start_us=grid.start_us,
        step_s=STEP_S,
        lead=rules.lead_d * grid.days.per_day,
        days=grid.days,
        sun_w=sun,
        load_w=np.zeros(grid.now),
        price_won_kwh=prices.buy_won_kwh,
        export_won_kwh=prices.export_won_kwh,
        stays=_stays(house, site, asked, grid, rules),
        contract_w=site.contract_w,
        demand_won_kw=prices.demand_won_kw,
        grid_to_ess=site.grid_to_ess,
    )
    return Study(world, _sizes(site, asked, rules, prices), notes)


def _sizes(site: Site, asked: Asked, rules: SizingRules, prices: SitePrices) -> Sizes:
    return Sizes(
        solar_kw=asked.solar_kw,
        storage_kwh=asked.storage_kwh,
        contract_kw=asked.contract_kw,
        storage_hours=rules.storage_hours,
        basic_won_kw=0.0 if prices.demand_won_kw else prices.basic_won_kw,
        equipment=rules.equipment,
        wear_won_kwh=site.storage[0].wear_won_kwh if site.storage else 15.0,
    )


def _cut(grid: Grid, rules: SizingRules) -> Grid:
    """The last days of a grid: those rehearsed and those to learn from."""
    whole = grid.now // grid.days.per_day
    skip = max(0, whole - rules.lead_d - rules.days)
    days = msgspec.structs.replace(
        grid.days,
        weekday=(grid.days.weekday + skip) % 7,
        holidays=frozenset(one - skip for one in grid.days.holidays if one >= skip),
        since=0,
    )
    return Grid(grid.start_us + skip * DAY_S * MICRO, grid.step_s, grid.now - skip * grid.days.per_day, days)


def _stays(house: House, site: Site, asked: Asked, grid: Grid, rules: SizingRules) -> Stays:
    today = from_us(int(grid.edges_us[-1])).astimezone(house.city.zone).date()
    usual_w = forecast_rules(today, house.city.folder).usual_w
    if asked.source == "site":
        return past_of(house, site, grid, forecast_rules(today, house.city.folder)).stays
    if asked.source == "scenario":
        row = rules.scenarios[asked.scenario]
        made = made_stays(row, grid.days, grid.start_us, rules.lead_d + rules.days, asked.cars, asked.seed)
        return stays_of(made, grid.start_us, grid.step_s, usual_w)
    last = max(one.arrived_us for one in asked.stays)
    by = moved_by_weeks(last, int(grid.edges_us[-1]))
    moved = [Stay(one.arrived_us + by, one.departed_us + by, one.energy_wh, one.max_w) for one in asked.stays]
    return stays_of(moved, grid.start_us, grid.step_s, usual_w)


def _sun_per_kw(house: House, site: Site, grid: Grid, rules: SizingRules, seed: int) -> tuple[Floats, tuple[str, ...]]:
    """Sun of one kW (now,) [W]: the site's own generator's where it was metered, else a made sky over the site."""
    today = from_us(int(grid.edges_us[-1])).astimezone(house.city.zone).date()
    peak_kw = sum(one.peak_w for one in site.solar) / 1_000
    if peak_kw > 0:
        own = past_of(house, site, grid, forecast_rules(today, house.city.folder)).sun_w / peak_kw
        if float(own.max(initial=0.0)) >= SEEN_W_PER_KW:
            return own, ("own_sun",)
    time_s = grid.edges_us[:-1] / MICRO + STEP_S / 2
    plane = Plane(site.lat, site.lon)
    return made_sun_w(plane, time_s, (rules.clearness_mean, rules.performance), seed), ("made_sun",)
