"""Sizing studies: what is refused, what a size costs, and that nothing reached is cheaper than what was possible."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from forecast_house import NOW, SITE, add_sessions, forecast_house
from made_worlds import made_world

from dure.core.errors import InputError
from dure.engines.records.audit import By
from dure.services.charging.planning.forecast_model import Recipe
from dure.services.charging.planning.stays import Days, Stay
from dure.services.charging.sizing import study_records
from dure.services.charging.sizing.asking import checked, sizes_of, stays_of_file
from dure.services.charging.sizing.drivers import made_stays
from dure.services.charging.sizing.grid import Sizes, annuity, built_won, moved_by_weeks, studied
from dure.services.charging.sizing.model import Asked
from dure.services.charging.sizing.sizing_rules import Equipment, sizing_rules
from dure.services.charging.sizing.sky import Plane, clear_w_per_kw, made_sun_w
from dure.services.charging.sizing.study_desk import ask
from dure.services.charging.sizing.study_watch import StudyWatch
from dure.spine.house import House

HOW = Equipment(
    solar_won_kw=1_000_000, storage_won_kwh=500_000, solar_years=20, storage_years=10, interest=0.0, upkeep_fraction=0.01
)
TIES_WON = 1_000  # of a year: what settles ties between equal plans may cost so much
PLAIN = Recipe(name="plain", horizon=48)
ASKED = Asked(
    site=SITE, source="scenario", solar_kw=(20.0,), storage_kwh=(0.0,), contract_kw=(60.0,), scenario="workplace", cars=4
)
HWASEONG = Plane(37.2, 126.83)
MIDSUMMER_S, MIDWINTER_S = 1_782_000_000.0, 1_797_724_800.0  # 2026-06-21 00:00, 2026-12-20 00:00 UTC


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = forecast_house(tmp_path)
    yield made
    made.telemetry.close()
    made.records.close()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"site": "nowhere"}, "charging.study_site"),
        ({"solar_kw": ()}, "charging.study_sizes"),
        ({"storage_kwh": (-1.0,)}, "charging.study_sizes"),
        ({"contract_kw": (0.0,)}, "charging.study_sizes"),
        ({"contract_kw": (float("nan"),)}, "charging.study_sizes"),
        ({"solar_kw": tuple(float(n) for n in range(37))}, "charging.study_points"),
        ({"scenario": "moon"}, "charging.study_scenario"),
        ({"cars": 0}, "charging.study_scenario"),
        ({"source": "file", "stays": (Stay(0, 1, 1.0),)}, "charging.study_file"),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(change: dict[str, object], code: str) -> None:
    with pytest.raises(InputError) as refused:
        checked(msgspec.structs.replace(ASKED, **change), {SITE}, {"workplace"})
    assert refused.value.code == code


def test_sizes_are_numbers_parted_by_commas_each_once() -> None:
    assert sizes_of("100, 50 50") == (50.0, 100.0)
    with pytest.raises(InputError):
        sizes_of("fifty")


def test_a_file_without_its_columns_is_refused() -> None:
    with pytest.raises(InputError) as refused:
        stays_of_file("a,b\n1,2\n")
    assert refused.value.code == "charging.study_columns"


@pytest.mark.parametrize(("interest", "years", "share"), [(0.0, 20, 0.05), (0.05, 20, 0.080243), (0.045, 12, 0.109666)])
def test_an_annuity_pays_back_with_interest(interest: float, years: float, share: float) -> None:
    assert annuity(interest, years) == pytest.approx(share, abs=1e-6)


def test_equipment_costs_its_share_of_a_year_and_its_upkeep() -> None:
    sizes = Sizes(solar_kw=(), storage_kwh=(), contract_kw=(), storage_hours=3, basic_won_kw=0, equipment=HOW)
    assert built_won(sizes, 10, 20) == 10e6 / 20 + 10e6 / 10 + 0.01 * 20e6


def test_nothing_that_is_reached_is_cheaper_than_what_was_possible() -> None:
    world = made_world(days=1)
    per_kw = msgspec.structs.replace(world, sun_w=world.sun_w / 30)
    sizes = Sizes(
        solar_kw=(0.0, 30.0), storage_kwh=(0.0, 60.0), contract_kw=(40.0,), storage_hours=3, basic_won_kw=0.0, equipment=HOW
    )
    found = studied(per_kw, sizes, PLAIN)
    assert [(one.solar_kw, one.storage_kwh) for one in found.points] == [(0, 0), (0, 60), (30, 0), (30, 60)]
    assert all(one.foresight_won <= min(one.plan_won, one.edf_won) + TIES_WON for one in found.points)
    assert found.points[3].foresight_won < found.points[0].foresight_won
    assert found.points[0].built_won == 0
    assert found.points[0].sun_share is None


def test_a_size_is_run_as_a_live_site_which_leaves_a_recipe_that_lost_the_week_before() -> None:
    world = made_world(days=1, cars=2)
    per_kw = msgspec.structs.replace(world, sun_w=world.sun_w / 30)
    sizes = Sizes(solar_kw=(30.0,), storage_kwh=(60.0,), contract_kw=(40.0,), storage_hours=3, basic_won_kw=0.0, equipment=HOW)
    blind = msgspec.structs.replace(PLAIN, sun_scale=0.0, arrivals_scale=6.0)  # sees no sun and far too many cars
    (left,), (kept,) = studied(per_kw, sizes, blind).points, studied(per_kw, sizes, PLAIN).points
    assert left.plan_won == left.edf_won
    assert kept.plan_won < kept.edf_won


def test_the_sun_stands_high_in_summer_and_is_gone_at_night() -> None:
    hours = np.arange(24) * 3_600.0
    summer, winter = (clear_w_per_kw(HWASEONG, day + hours) for day in (MIDSUMMER_S, MIDWINTER_S))
    assert 900 < summer.max() < 1_100
    assert abs(int(summer.argmax()) - 3.5) <= 1  # noon by the sun's clock is 3:30 UTC there
    assert summer.sum() > winter.sum() > 0
    assert winter[12:20].max() == 0.0


def test_the_same_seed_makes_the_same_sky_and_the_same_drivers() -> None:
    time_s = MIDSUMMER_S + np.arange(960) * 900.0
    assert np.array_equal(made_sun_w(HWASEONG, time_s, (0.65, 0.8), 3), made_sun_w(HWASEONG, time_s, (0.65, 0.8), 3))
    row, days = sizing_rules(NOW.date()).scenarios["public"], Days(per_day=96, weekday=0)
    assert made_stays(row, days, 0, 7, 20, 3) == made_stays(row, days, 0, 7, 20, 3)
    assert made_stays(row, days, 0, 7, 20, 3) != made_stays(row, days, 0, 7, 20, 4)


def test_a_record_is_moved_by_whole_weeks() -> None:
    week = 7 * 86_400 * 1_000_000
    assert moved_by_weeks(100, 100 + 3 * week + 5) == 3 * week


async def test_a_study_is_worked_out_and_kept(house: House) -> None:
    made = ask(house, "First", ASKED, By("person", NOW))
    watch = StudyWatch(house)
    assert (await watch.look(), await watch.look()) == (1, 0)
    with house.records.read() as connection:
        found = study_records.get(connection, made.id)
    assert (found.state, found.code) == ("done", "")
    assert found.answer is not None
    assert (len(found.answer.points), found.answer.notes) == (1, ("made_sun",))
    assert all(one.breaches == 0 for one in found.answer.points)


async def test_a_study_of_a_site_without_sessions_fails_with_its_reason(house: House) -> None:
    made = ask(house, "", msgspec.structs.replace(ASKED, source="site"), By("person", NOW))
    await StudyWatch(house).look()
    with house.records.read() as connection:
        found = study_records.get(connection, made.id)
    assert (found.state, found.code, found.name) == ("failed", "charging.study_empty", SITE)


async def test_a_study_takes_a_sites_own_sessions(house: House) -> None:
    add_sessions(house, 25, cars=3)
    made = ask(house, "", msgspec.structs.replace(ASKED, source="site", solar_kw=(10.0,)), By("person", NOW))
    await StudyWatch(house).look()
    with house.records.read() as connection:
        found = study_records.get(connection, made.id)
    assert found.answer is not None
    assert found.answer.stays_n == 15  # five working days of three cars
