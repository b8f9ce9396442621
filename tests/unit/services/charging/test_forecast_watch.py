"""Forecasts of a live site: none without a past, rehearsed every night, used only while they win."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
from forecast_house import NOW, SITE, add_sessions, add_sun, forecast_house

from dure.core.time import to_us
from dure.engines.clock import FixedClock
from dure.services.charging.model import Site
from dure.services.charging.planning import backtest_records
from dure.services.charging.planning.backtest_records import Backtest
from dure.services.charging.planning.forecast_model import Recipe
from dure.services.charging.planning.forecast_watch import ForecastWatch
from dure.services.charging.planning.forecasts import forecast_for
from dure.services.charging.planning.site_past import power_of_reads
from dure.services.charging.sites import registered
from dure.spine.house import House

TODAY = date(2026, 11, 24)
HOUR = 4  # steps


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = forecast_house(tmp_path)
    yield made
    made.telemetry.close()
    made.records.close()


def site_of(house: House) -> Site:
    with house.records.read() as connection:
        return registered(connection).sites[SITE]


def judged(house: House, recipe: str, made: object) -> None:
    """A backtest that was won."""
    row = Backtest(site=SITE, day=TODAY, recipe=recipe, made_at=NOW, days_n=14, won=1.0, live=True, facts={"recipe": made})
    with house.records.begin() as connection:
        backtest_records.store(connection, [row])


def test_a_site_without_a_backtest_expects_nothing(house: House) -> None:
    add_sessions(house, 30)
    told = forecast_for(house, site_of(house), to_us(NOW), 96, 900)
    assert (told.expected, told.policy, told.used["why"]) == ((), "lp", "no_backtest")
    assert not told.pv_w.any()


def test_a_site_whose_recipe_won_expects_vehicles_and_sun(house: House) -> None:
    add_sessions(house, 30)
    add_sun(house, 20)
    judged(house, "careful", msgspec.to_builtins(Recipe(name="careful", aim_w=5_000.0, kept_share=0.5)))
    told = forecast_for(house, site_of(house), to_us(NOW), 96, 900)
    assert 40_000 < sum(one.need_wh for one in told.expected) < 80_000  # six cars of 10 kWh
    assert told.pv_w.max() == pytest.approx(25_000, rel=0.05)
    assert int(np.argmax(told.pv_w)) == pytest.approx(9 * HOUR, abs=2)  # nine hours after three in the morning
    assert told.kept_share == 0.5
    assert (told.aim_w, told.used["why"], told.used["day"]) == (5_000.0, "backtest_wins", "2026-11-24")


@pytest.mark.parametrize(("recipe", "policy", "why"), [
    ("edf", "edf", "baseline_wins"), ("none", "lp", "no_forecast_wins"),
])  # fmt: skip
def test_a_site_whose_forecasts_lost_is_run_without_them(house: House, recipe: str, policy: str, why: str) -> None:
    add_sessions(house, 30)
    judged(house, recipe, None)
    told = forecast_for(house, site_of(house), to_us(NOW), 96, 900)
    assert (told.expected, told.policy, told.used["why"]) == ((), policy, why)


async def test_every_night_the_recipes_are_rehearsed_once_and_the_cheapest_goes_live(house: House) -> None:
    add_sessions(house, 25)
    add_sun(house, 25)
    watch = ForecastWatch(house)
    assert (await watch.look(), await watch.look()) == (1, 0)
    with house.records.read() as connection:
        tried, live = backtest_records.latest(connection, SITE), backtest_records.live(connection, SITE)
    assert {one.recipe for one in tried} >= {"even", "careful", "none", "edf"}
    assert live is not None
    assert live.won == min(one.won for one in tried)
    assert [one.live for one in tried].count(True) == 1


async def test_a_site_with_a_few_days_of_sessions_is_not_rehearsed(house: House) -> None:
    add_sessions(house, 10)
    assert await ForecastWatch(house).look() == 0
    with house.records.read() as connection:
        assert backtest_records.latest(connection, SITE) == []


async def test_nothing_is_rehearsed_before_its_hour(house: House) -> None:
    add_sessions(house, 25)
    house.clock = FixedClock(NOW - timedelta(hours=2))
    assert await ForecastWatch(house).look() == 0


def test_a_register_that_falls_counts_as_nothing_and_silence_as_no_power() -> None:
    edges = np.arange(0, 6) * 900_000_000
    reads_us = np.array([0, 900, 1_800, 2_700]) * 1_000_000
    told = power_of_reads(reads_us, np.array([100.0, 350.0, 0.0, 250.0]), edges, 900)
    assert told.tolist() == [1_000.0, 0.0, 1_000.0, 0.0, 0.0]
