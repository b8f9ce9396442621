"""Every night each site's forecasts are rehearsed on its own last days; what wins is used until the next night.

A night is done once, also across restarts: the cursor of the records says which. A site with too few days of sessions has none.
"""

from __future__ import annotations

import asyncio
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from dure.core.errors import ConfigError, Unavailable
from dure.core.time import day_interval, day_of, to_us
from dure.engines.jobs.port import Job, decode_result, encode_job, perform
from dure.engines.records import cursors
from dure.services.charging.planning import backtest_records
from dure.services.charging.planning.backtest_records import Backtest
from dure.services.charging.planning.forecast_rules import ForecastRules, forecast_rules
from dure.services.charging.planning.rehearsing.learning import Tried
from dure.services.charging.planning.rehearsing.world_packing import packed
from dure.services.charging.planning.site_past import first_session_at, grid_at
from dure.services.charging.planning.site_world import world_of_site
from dure.services.charging.planning.stays import DAY_S, MICRO
from dure.services.charging.sites import registered

if TYPE_CHECKING:
    from dure.services.charging.model import Site
    from dure.spine.house import House

log = structlog.get_logger("dure.charging")
CURSOR = "charging-backtests"
JOB = "dure.services.charging.planning.rehearsing.learning.backtest_job"
STEP_S = 900
LASTS_S_MAX = 600.0


class ForecastWatch:
    """Backtests of all sites of one house."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> int:
        """One round; how many sites were rehearsed."""
        house = self._house
        now = house.clock.now()
        today = day_of(now, house.city.zone)
        rules = forecast_rules(today, house.city.folder)
        if now.astimezone(house.city.zone).hour < rules.backtest_hour:
            return 0
        sites = await asyncio.to_thread(self._due, today)
        done = 0
        for site in sites:
            done += await self.rehearse(site, today, rules)
        if sites:
            await asyncio.to_thread(self._done, today)
            log.info("forecasts.rehearsed", sites=done)
        return done

    def _due(self, today: date) -> list[Site]:
        with self._house.records.read() as connection:
            if cursors.get(connection, CURSOR) >= today.toordinal():
                return []
            return list(registered(connection).sites.values())

    def _done(self, today: date) -> None:
        with self._house.records.begin() as connection:
            cursors.advance(connection, {CURSOR: today.toordinal()})

    async def rehearse(self, site: Site, today: date, rules: ForecastRules) -> int:
        """Backtests of one site, kept; 0 when it has too little past, or nobody could work it out."""
        words = await asyncio.to_thread(self._gathered, site, today, rules)
        if words is None:
            return 0
        try:
            tried = await self._worked_out(words)
        except Unavailable:
            log.warning("forecasts.failed", asset=site.id)
            return 0
        await asyncio.to_thread(self._keep, site, today, rules, tried)
        return 1

    def _gathered(self, site: Site, today: date, rules: ForecastRules) -> dict[str, Any] | None:
        house = self._house
        midnight = to_us(day_interval(today, house.city.zone).start)
        since = first_session_at(house, site)
        if since is None or to_us(since) > midnight - rules.least_d * DAY_S * MICRO:
            return None
        grid = grid_at(house, midnight, STEP_S, rules, since=since)
        try:
            world = world_of_site(house, site, grid, rules)
        except ConfigError as error:
            log.warning("forecasts.no_price", asset=site.id, code=error.code)
            return None
        return {"world": packed(world), "recipes": [msgspec.to_builtins(one) for one in rules.recipes]}

    async def _worked_out(self, words: dict[str, Any]) -> list[Tried]:
        jobs = self._house.jobs
        if jobs is None:
            data = encode_job(Job("backtest", JOB, {"words": words}))
            result = decode_result(await asyncio.to_thread(perform, data))
        else:
            result = await jobs.run(JOB, {"words": words}, timeout_s=LASTS_S_MAX, lasts_s_max=LASTS_S_MAX)
        if not result.done:
            raise Unavailable(result.code, result.message)
        return [msgspec.convert(one, Tried) for one in result.value]

    def _keep(self, site: Site, today: date, rules: ForecastRules, tried: list[Tried]) -> None:
        at = self._house.clock.now()
        rows = [
            Backtest(
                site=site.id,
                day=today,
                recipe=one.recipe,
                made_at=at,
                days_n=rules.backtest_d,
                won=one.won,
                live=place == 0,
                facts={
                    "recipe": one.made,
                    "peak_w": round(one.peak_w),
                    "unmet_fraction": one.unmet_fraction,
                    "breaches": one.breaches,
                    "share": one.share,
                },
            )
            for place, one in enumerate(tried)
        ]
        with self._house.records.begin() as connection:
            backtest_records.store(connection, rows)
