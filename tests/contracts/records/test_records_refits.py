"""Models on both engines: fitted by night and once, at once for a new meter, refused with a reason, and able to predict again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from savings_world import FIRST, SEOUL, billed, hours, house_of, kept, lived, months, registered

from dure.core.time import day_interval
from dure.engines.clock import FixedClock
from dure.engines.jobs.pool import PoolJobs
from dure.engines.records.store import Records
from dure.engines.records.tables_buildings import building_models
from dure.services.buildings.baselines import model_records
from dure.services.buildings.baselines.refit_watch import RefitWatch
from dure.services.buildings.modelling.rows import HourlyRows
from dure.spine.house import House

DAY = timedelta(days=1)
TODAY = FIRST + 380 * DAY


@pytest.fixture
def house(records: Records, tmp_path: Path) -> Iterator[House]:
    registered(records, meters=("power", "gas"))
    found = house_of(records, tmp_path)
    at(found, TODAY, 12)
    yield found
    found.telemetry.close()


def at(house: House, day: date, hour: int) -> None:
    house.clock = FixedClock(day_interval(day, SEOUL).start + timedelta(hours=hour, minutes=10))


def standing(house: House):  # fits by meter and kind
    with house.records.read() as connection:
        return {key: one.fit for key, one in model_records.standing(connection).items()}


async def test_a_new_meter_is_fitted_at_once_and_a_night_is_done_once(house: House) -> None:
    lived(house, saved=0.0, until=TODAY + 2 * DAY)
    at(house, TODAY, 1)
    assert await RefitWatch(house).look() == 4  # two of the meter with hours; the other has nothing: two refusals
    assert await RefitWatch(house).look() == 0
    at(house, TODAY, 3)
    assert await RefitWatch(house).look() == 0  # the night of the same days finds nothing new
    assert await RefitWatch(house).look() == 0
    watch = RefitWatch(house)
    at(house, TODAY + DAY, 1)
    await watch.look()  # too early for the night: only the meter that has nothing is looked at
    assert standing(house)["power", "hourly"].end_day == TODAY.isoformat()
    at(house, TODAY + DAY, 2)
    assert await watch.look() == 2
    assert standing(house)["power", "hourly"].end_day == (TODAY + DAY).isoformat()
    assert await watch.look() == 0
    assert await RefitWatch(house).look() == 0


async def test_a_fit_predicts_again_what_it_predicted(house: House) -> None:
    lived(house, saved=0.0, until=TODAY)
    await RefitWatch(house).look()
    fits = standing(house)
    hourly, daily = fits["power", "hourly"], fits["power", "daily"]
    assert (hourly.short, daily.short) == (False, False)
    assert hourly.goodness["cv_rmse"] < 0.12
    assert hourly.sources[0]["asset"] == "aws-7"
    n = 400
    rows = HourlyRows(np.linspace(-5, 30, n), np.ones(n), np.arange(n) % 168, np.arange(n) % 12, np.arange(n))
    told = hourly.of_rows().of_rows(rows)
    assert np.isfinite(told).all()
    assert told == pytest.approx(hourly.of_rows().of_rows(rows), rel=0)


async def test_a_meter_without_readings_is_refused_with_a_reason_and_looked_at_again_after_an_hour(house: House) -> None:
    lived(house, saved=0.0, until=TODAY)
    watch = RefitWatch(house)
    await watch.look()
    assert standing(house)["gas", "hourly"].code == "too_few"
    at_us = hours(FIRST, TODAY)
    kept(house.telemetry, ("gas", "gas_energy_use"), at_us, 1_000 + (at_us // 3_600_000_000) % 24 * 50.0)
    assert await watch.look() == 0
    at(house, TODAY, 14)
    assert await watch.look() == 2
    assert standing(house)["gas", "hourly"].fitted


async def test_a_meter_with_bills_alone_gets_a_model_of_its_bills(house: House, records: Records) -> None:
    lived(house, saved=0.0, until=TODAY)
    rows = [(first, end, 1_000_000 + 100_000 * abs(first.month - 7), None) for first, end in months(date(2024, 12, 1), 11)]
    billed(records, "gas", rows)
    await RefitWatch(house).look()
    fit = standing(house)["gas", "billing"]
    assert fit.fitted
    assert fit.model["kind"] == "billing"


async def test_without_weather_there_is_no_model_and_it_is_said(house: House) -> None:
    at_us = hours(FIRST, TODAY)
    kept(house.telemetry, ("power", "electricity_use"), at_us, np.full(len(at_us), 500.0))
    await RefitWatch(house).look()
    assert {fit.code for fit in standing(house).values()} == {"weather.none"}


async def test_a_meter_of_a_month_is_fitted_and_marked_short(house: House) -> None:
    at(house, FIRST + 60 * DAY, 12)
    lived(house, saved=0.0, until=FIRST + 60 * DAY)
    await RefitWatch(house).look()
    fits = standing(house)
    assert fits["power", "hourly"].fitted
    assert fits["power", "hourly"].short
    assert fits["power", "hourly"].coverage == pytest.approx(60 / 365, abs=0.01)


async def test_models_are_fitted_by_processes_of_their_own_as_they_are_here(house: House) -> None:
    lived(house, saved=0.0, until=TODAY)
    await RefitWatch(house).look()
    here = standing(house)
    with house.records.begin() as connection:
        connection.execute(building_models.delete())
    house.jobs = PoolJobs(1)
    try:
        assert await RefitWatch(house).look() == 4
    finally:
        await house.jobs.close()
    assert standing(house) == here
