"""Forecasts of one site: only what was known then, nothing from nothing, and near to what comes where days are alike."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from made_worlds import PER_DAY, STEP_S, changed_after, made_world

from dure.services.charging.planning.forecast_model import Forecast, Past, Recipe
from dure.services.charging.planning.forecasting import caution, expected_needs, forecast, load_forecast, sun_forecast
from dure.services.charging.planning.rehearsing.world import World
from dure.services.charging.planning.stays import MICRO, Days, Stay, stays_of

PLAIN = Recipe(name="plain")
MONDAY, SATURDAY = 0, 5


def empty_past() -> Past:
    return Past(
        days=Days(per_day=PER_DAY, weekday=0),
        step_s=STEP_S,
        sun_w=np.zeros(0),
        load_w=np.zeros(0),
        stays=stays_of([], 0, STEP_S, 7e3),
        came=np.zeros(0, np.int64),
    )


def test_nothing_is_expected_of_a_site_without_a_past() -> None:
    made = forecast(empty_past(), 96, PLAIN)
    assert not made.pv_w.any()
    assert not made.load_w.any()
    assert made.expected == ()


def test_a_stay_that_gave_nothing_or_came_before_the_grid_is_left_out() -> None:
    rows = [
        Stay(-5 * MICRO, 3_600 * MICRO, 5_000.0),
        Stay(10 * MICRO, 3_600 * MICRO, 0.0),
        Stay(900 * MICRO, 4_000 * MICRO, 2_000.0),
    ]
    kept = stays_of(rows, 0, STEP_S, 7_000.0)
    assert kept.arrive.tolist() == [1]
    assert kept.depart.tolist() == [4]


def test_a_vehicle_is_known_of_from_the_first_whole_step_after_it_came() -> None:
    kept = stays_of([Stay(901 * MICRO, 5_000 * MICRO, 500.0)], 0, STEP_S, 7_000.0)
    assert kept.arrive.tolist() == [2]


def test_a_stay_shorter_than_a_step_keeps_one_step_and_the_power_it_must_have_had() -> None:
    kept = stays_of([Stay(910 * MICRO, 1_000 * MICRO, 5_000.0)], 0, STEP_S, 7_000.0)
    assert (int(kept.depart[0]) - int(kept.arrive[0]), float(kept.max_w[0])) == (1, 20_000.0)


@pytest.mark.parametrize("hour", [3, 8, 13])
def test_what_comes_later_changes_no_forecast(hour: int) -> None:
    world = made_world()
    now = world.lead + hour * 4
    before, other = world.past(now), changed_after(world, now).past(now)
    assert msgspec.to_builtins(forecast(before, 96, PLAIN).expected) == msgspec.to_builtins(forecast(other, 96, PLAIN).expected)
    assert np.array_equal(sun_forecast(before, 96), sun_forecast(other, 96))


def test_vehicles_of_working_days_are_expected_on_working_days_only() -> None:
    world = made_world(days=6)
    on_monday = expected_needs(world.past(world.lead), PER_DAY, PLAIN)
    on_saturday = expected_needs(world.past(world.lead + SATURDAY * PER_DAY), PER_DAY, PLAIN)
    assert 60_000 < sum(one.need_wh for one in on_monday) < 100_000  # 8 cars of 10 kWh
    assert on_saturday == ()
    assert all(one.expected and 0 < one.arrive < one.depart <= PER_DAY for one in on_monday)


def test_an_empty_morning_expects_less_to_come_and_a_full_one_no_more() -> None:
    past = made_world().past(made_world().lead + 32)
    today = past.came >= past.days.per_day * (past.now // past.days.per_day)
    full = msgspec.structs.replace(past, came=np.sort(np.concatenate([past.came, np.repeat(past.now, 20)])))
    none = msgspec.structs.replace(past, came=past.came[~today])
    needs = [sum(one.need_wh for one in expected_needs(one, 48, PLAIN)) for one in (none, past, full)]
    assert needs[0] < needs[1]
    assert needs[2] == pytest.approx(
        sum(one.need_wh for one in expected_needs(msgspec.structs.replace(past, came=full.came[:-1]), 48, PLAIN))
    )


def test_nothing_is_taken_off_the_sun_of_now() -> None:
    past = made_world().past(made_world().lead + 48)
    factor = caution(past, 96, 0.8)
    assert factor[0] == 1.0
    assert factor[-1] == pytest.approx(0.8, abs=0.001)


def test_a_holiday_is_like_a_sunday() -> None:
    world = made_world()
    past = world.past(world.lead)
    day = world.lead // PER_DAY
    with_holiday = msgspec.structs.replace(past, days=msgspec.structs.replace(past.days, holidays=frozenset({day})))
    assert expected_needs(with_holiday, PER_DAY, PLAIN) == ()


def test_the_sun_of_equal_days_is_told_as_it_comes() -> None:
    world = made_world()
    clear = msgspec.structs.replace(world, sun_w=np.tile(world.sun_w[:PER_DAY], world.end // PER_DAY))
    told = sun_forecast(clear.past(clear.lead + 40), 48)
    assert np.allclose(told, clear.sun_w[clear.lead + 40 : clear.lead + 88], atol=1.0)


def test_a_dull_morning_dims_the_hours_after_it() -> None:
    world = made_world()
    even = np.tile(world.sun_w[:PER_DAY], world.end // PER_DAY)
    now = world.lead + 44
    dull = even.copy()
    dull[now - 16 : now] *= 0.3
    told = sun_forecast(msgspec.structs.replace(world, sun_w=dull).past(now), 8)
    assert told.sum() < 0.5 * even[now : now + 8].sum()


def even_sky(dull_day: int | None = None) -> World:
    """Days of one sky, one of them at a third of it."""
    world = made_world()
    sun = np.tile(world.sun_w[:PER_DAY], world.end // PER_DAY)
    if dull_day is not None:
        sun[dull_day * PER_DAY : (dull_day + 1) * PER_DAY] *= 0.3
    return msgspec.structs.replace(world, sun_w=sun)


@pytest.mark.parametrize("hour", [18, 23])
def test_a_dull_day_is_remembered_through_the_night_and_less_the_day_after(hour: int) -> None:
    world = even_sky(dull_day=20)
    now = 20 * PER_DAY + hour * 4
    clear = world.sun_w[:PER_DAY].sum()
    told = sun_forecast(world.past(now), 3 * PER_DAY)
    tomorrow, after = (told[21 * PER_DAY - now :][k * PER_DAY : (k + 1) * PER_DAY].sum() for k in (0, 1))
    assert 0.3 * clear < tomorrow < 0.7 * clear
    assert tomorrow < after < clear


def test_a_dull_day_of_last_week_says_little_after_a_clear_one() -> None:
    world = even_sky(dull_day=15)
    told = sun_forecast(world.past(21 * PER_DAY), PER_DAY)
    assert told.sum() > 0.95 * world.sun_w[:PER_DAY].sum()


@pytest.mark.parametrize("step", range(0, PER_DAY, 7))
def test_a_site_without_sun_expects_none_at_any_time_of_day(step: int) -> None:
    world = msgspec.structs.replace(made_world(), sun_w=np.zeros(made_world().end))
    assert not sun_forecast(world.past(world.lead + step), PER_DAY).any()


def test_other_load_follows_days_of_the_same_kind() -> None:
    world = made_world()
    load = np.where(np.arange(world.end) // PER_DAY % 7 < SATURDAY, 5_000.0, 1_000.0)
    past = msgspec.structs.replace(world, load_w=load).past(world.lead)
    assert np.allclose(load_forecast(past, 6 * PER_DAY), load[world.lead - 7 * PER_DAY :][: 6 * PER_DAY])


def test_a_window_past_the_horizon_needs_its_share_up_to_there() -> None:
    world = made_world()
    whole = sum(one.need_wh for one in expected_needs(world.past(world.lead), PER_DAY, PLAIN))
    part = sum(one.need_wh for one in expected_needs(world.past(world.lead), 44, PLAIN))
    assert 0 < part < 0.6 * whole


def test_no_forecast_is_a_forecast_of_nothing() -> None:
    assert Forecast.none(4).pv_w.tolist() == [0, 0, 0, 0]
