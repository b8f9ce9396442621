"""A live site's past as a world to rehearse on: what was metered, and the tariff of those days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.core.time import from_us
from dure.services.charging.planning.forecast_rules import ForecastRules
from dure.services.charging.planning.rehearsing.world import World
from dure.services.charging.planning.seen import joined
from dure.services.charging.planning.site_past import Grid, past_of
from dure.services.charging.pricing.site_prices import site_prices
from dure.services.charging.pricing.tariffs import tariff_book

if TYPE_CHECKING:
    from dure.services.charging.model import Site
    from dure.spine.house import House


def world_of_site(house: House, site: Site, grid: Grid, rules: ForecastRules) -> World:
    """The last `backtest_d` days before the grid's now, with the days before them to learn from.

    Raises
    ------
    ConfigError : the site's tariff is not known, or no version of it was in force
    """
    past = past_of(house, site, grid, rules)
    book = tariff_book(house.city.folder, house.city.zone)
    prices = site_prices(book, site.tariff, from_us(grid.start_us), grid.now, grid.step_s)
    return World(
        start_us=grid.start_us,
        step_s=grid.step_s,
        lead=max(0, grid.now - rules.backtest_d * grid.days.per_day),
        days=grid.days,
        sun_w=past.sun_w,
        load_w=past.load_w,
        price_won_kwh=prices.buy_won_kwh,
        export_won_kwh=prices.export_won_kwh,
        stays=past.stays,
        contract_w=site.contract_w,
        demand_won_kw=prices.demand_won_kw,
        storage=joined(site.storage),
        grid_to_ess=site.grid_to_ess,
    )
