"""A building's intensity in normal weather, from a model that was really fitted to a year of hours."""

from __future__ import annotations

import asyncio
import sys
from datetime import date
from pathlib import Path

import pytest

from dure.engines.records.store import Records
from dure.services.buildings.baselines.refit_watch import RefitWatch
from dure.services.buildings.comparing.comparison_desk import asked, compared
from dure.services.buildings.comparing.normal_weather import Normal, normal_intensity
from dure.services.buildings.months import month_records
from dure.services.buildings.months.month_use import MonthUse
from dure.services.buildings.sites import registered as register

sys.path.insert(0, str(Path(__file__).parents[3] / "contracts" / "records"))
from savings_world import FROZEN_ON, house_of, lived, months, registered

FIRST = date(2024, 11, 1)


@pytest.fixture
def house(tmp_path):
    records = Records(f"sqlite:///{tmp_path}/records.db")
    records.migrate()
    registered(records, meters=("power",))
    house = house_of(records, tmp_path, FROZEN_ON)
    lived(house)
    rows = [
        MonthUse(
            meter="power", month=f"{first:%Y-%m}", known_at=house.clock.now(), building="school", fuel="electricity",
            part="main", book="Wh", amount=20_000_000, measured=20_000_000,
        )
        for first, _ in months(FIRST, 12)
    ]  # fmt: skip
    with records.begin() as connection:
        month_records.put(connection, rows)
    yield house
    house.telemetry.close()
    records.close()


def told(house):
    with house.records.read() as connection:
        sites = register(connection)
        whole = compared(house.city.folder, connection, asked(house, "2025-10"), FROZEN_ON, sites)
        found = whole.standings["school"].eui
        return found, normal_intensity(house, connection, sites, found)


def test_without_a_model_it_is_not_told_and_with_one_it_is(house):
    found, before = told(house)
    assert before.code == "eui.no_model"

    asyncio.run(RefitWatch(house).look())
    _, after = told(house)

    assert isinstance(after, Normal)
    assert after.modelled_share == pytest.approx(1.0)
    assert after.kwh_m2 == pytest.approx(found.kwh_m2, rel=0.05)  # one year of weather is known: it is its own normal
