"""Rehearsals: what was not known then decides nothing, limits hold, and perfect foresight is the least."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from made_problems import need
from made_problems import problem as one_step
from made_worlds import PER_DAY, STORAGE, changed_after, made_world

from dure.services.charging.planning.following import Wanted, followed, must_have_w
from dure.services.charging.planning.forecast_model import Recipe
from dure.services.charging.planning.rehearsing.foresight import foresight
from dure.services.charging.planning.rehearsing.learning import Learned, aim_w, backtest_job, backtests, uncontrolled
from dure.services.charging.planning.rehearsing.policies import EarliestFirst, naive, oracle, planned
from dure.services.charging.planning.rehearsing.rolling import left_wh, rolled, won
from dure.services.charging.planning.rehearsing.session_file import read_sessions
from dure.services.charging.planning.rehearsing.world_packing import packed, unpacked

PLAIN = Recipe(name="plain", horizon=64)


def test_what_comes_later_changes_nothing_that_was_done_before() -> None:
    world = made_world(days=1)
    now = world.lead + 48
    one, other = rolled(world, Learned(PLAIN, 7)), rolled(changed_after(world, now), Learned(PLAIN, 7))
    assert np.array_equal(one.import_w[:48], other.import_w[:48])
    assert not np.array_equal(one.import_w[48:], other.import_w[48:]) or not np.array_equal(
        one.export_w[48:], other.export_w[48:]
    )


@pytest.mark.parametrize("make", [EarliestFirst, lambda: naive(64), lambda: planned(PLAIN)])
def test_every_policy_keeps_the_contract_and_no_one_is_cheaper_than_foresight(make) -> None:  # a maker of policies
    world = made_world(days=2)
    outcome, best = rolled(world, make()), foresight(world)
    assert outcome.breaches == 0
    assert outcome.unmet_wh <= 0.001 * outcome.need_wh
    assert won(world, best) <= won(world, outcome) + 1.0


def test_the_machine_with_the_truth_is_as_good_as_foresight() -> None:
    world = made_world(days=2)
    most, least = won(world, uncontrolled(world)), won(world, foresight(world))
    told = won(world, rolled(world, oracle(world, 96, foresight(world).peak_w)))
    assert (most - told) / (most - least) >= 0.99


def test_a_recipe_saves_more_than_no_forecast_at_a_workplace() -> None:
    world = made_world(days=3)
    assert won(world, rolled(world, planned(PLAIN))) < won(world, rolled(world, EarliestFirst()))


def test_sun_that_is_kept_pays_when_the_days_after_it_are_dull() -> None:
    world = made_world(days=4)
    sun = np.tile(world.sun_w[:PER_DAY], world.end // PER_DAY)
    sun[world.lead + PER_DAY : world.lead + 3 * PER_DAY] *= 0.1
    dull = msgspec.structs.replace(world, sun_w=sun)
    sold, kept = (rolled(dull, planned(msgspec.structs.replace(PLAIN, kept_share=share))) for share in (0.0, 1.0))
    assert kept.peak_w < sold.peak_w
    assert won(dull, kept) < won(dull, sold)


def test_with_the_truth_nothing_is_left_when_the_span_ends_and_a_site_that_goes_on_keeps_its_sun() -> None:
    world = made_world(days=1)
    kept = rolled(world, planned(msgspec.structs.replace(PLAIN, kept_share=1.0)))
    assert left_wh(world, rolled(world, oracle(world, PER_DAY))) < 100.0
    assert left_wh(world, kept) > 0.3 * STORAGE.capacity_wh


def test_a_recipe_that_loses_gives_way_to_the_baseline() -> None:
    world = made_world(days=1, cars=2)
    blind = msgspec.structs.replace(PLAIN, sun_scale=0.0, arrivals_scale=6.0)  # sees no sun and far too many cars
    assert rolled(world, Learned(blind, 7)).policies == {"edf": PER_DAY}
    assert rolled(world, Learned(PLAIN, 7)).policies == {"lp": PER_DAY}


def test_the_aim_is_the_peak_that_foresight_kept_in_the_last_days() -> None:
    world = made_world(days=1)
    assert aim_w(world, world.lead, 7) == pytest.approx(foresight(msgspec.structs.replace(
        world, lead=world.lead - 7 * PER_DAY, sun_w=world.sun_w[: world.lead], load_w=world.load_w[: world.lead],
        price_won_kwh=world.price_won_kwh[: world.lead], export_won_kwh=world.export_won_kwh[: world.lead],
        stays=world.stays.ended(world.lead))).peak_w)  # fmt: skip


def test_backtests_put_the_cheapest_first_and_a_breach_last() -> None:
    tried = backtests(made_world(days=2), [PLAIN])
    assert {one.recipe for one in tried} == {"plain", "none", "edf"}
    assert [one.won for one in tried] == sorted(one.won for one in tried)


def test_a_backtest_goes_to_another_process_and_back_unchanged() -> None:
    world = made_world(days=1)
    again = unpacked(packed(world))
    assert np.array_equal(again.sun_w, world.sun_w)
    assert np.array_equal(again.stays.depart, world.stays.depart)
    told = backtest_job({"world": packed(world), "recipes": [msgspec.to_builtins(PLAIN)]})
    assert told == [msgspec.to_builtins(one) for one in backtests(world, [PLAIN])]


def test_the_storage_evens_out_what_the_forecast_missed() -> None:
    step = one_step(1, pv_w=2_000.0, storage=STORAGE, stored_wh=30_000.0)
    done = followed(step, Wanted(np.zeros(0), -5_000.0, 0.0))  # 5 kW were to be given back, but the sun gives only 2
    assert (done.export_w, done.discharge_w) == (5_000.0, 3_000.0)


def test_vehicles_that_can_wait_do_before_the_peak_rises() -> None:
    patient, hurried = need("patient", depart=8, need_wh=2_000), need("hurried", depart=1, need_wh=1_750)
    step = one_step(1, needs=(patient, hurried))
    done = followed(step, Wanted(np.array([7_000.0, 7_000.0]), 14_000.0, 8_000.0))
    assert done.ev_w.tolist() == [0.0, 7_000.0]  # 1 kW is below the 6 A at which it would charge at all


def test_the_contract_goes_before_a_vehicle_that_cannot_wait() -> None:
    step = one_step(1, needs=(need("hurried", depart=1, need_wh=1_750),), contract_w=5_000.0)
    done = followed(step, Wanted(np.array([7_000.0]), 7_000.0, 5_000.0))
    assert done.import_w == pytest.approx(5_000.0)


@pytest.mark.parametrize(("depart", "need_wh", "least"), [(1, 1_750, 7_000), (2, 1_750, 0), (2, 2_750, 4_000), (1, 9_999, 7_000)])
def test_a_vehicle_must_have_what_later_steps_cannot_give(depart: int, need_wh: float, least: float) -> None:
    assert must_have_w(need(depart=depart, need_wh=need_wh), 0.25) == least


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("2019-07-01T08:00:00,2019-07-01T09:00:00+09:00,5", "offset"),
        ("2019-07-01T08:00:00+09:00,2019-07-01T07:00:00+09:00,5", "leaves before"),
        ("2019-07-01T08:00:00+09:00,2019-07-01T09:00:00+09:00,-5", "outside"),
        ("2019-07-01T08:00:00+09:00,2019-07-01T09:00:00+09:00,nan", "outside"),
        ("yesterday,2019-07-01T09:00:00+09:00,5", "cannot be read"),
    ],
)
def test_a_row_that_no_vehicle_can_have_done_is_refused_with_its_reason(row: str, why: str) -> None:
    read = read_sessions(f"arrival,departure,energy_kwh\n{row}\n2019-07-01T08:00:00+09:00,2019-07-01T09:00:00+09:00,5\n")
    assert (len(read.stays), read.rejected[0].row, read.rejected[0].code) == (1, 1, "charging.study_row")
    assert why in read.rejected[0].why


def test_a_file_without_its_columns_says_which_are_missing() -> None:
    read = read_sessions("begin,end\n1,2\n")
    assert read.rejected[0].code == "charging.study_columns"
    assert "arrival, departure, energy_kwh" in read.rejected[0].why
