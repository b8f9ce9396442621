"""Advice on bins: what a sensor is worth, and a ranked list that finds what trying everything finds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dure.services.waste.placing.advice import ACTIONS, Limits, Site, advise, changes, learnt_detours, try_out
from dure.services.waste.placing.trying import tried
from dure.services.waste.placing.worth import Habit, sensor_m_year, tables

LIMITS = Limits(remove_m_max=600, move_m_max=900, shortlist=8, years=2)


def a_site(seed, n=20, sensing=0.0):
    chance = np.random.default_rng(seed)
    places = np.vstack([[1800, 0], 1500 * chance.standard_normal((n, 2))])
    metres = 1.4 * np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    rate = 0.117 * np.exp(0.75 * chance.standard_normal(n))
    habit = Habit(rate=rate, detour_m=np.full((n, 1), 800.0), rho_m=20_000.0)
    bare = Site(tuple(f"bin-{one}" for one in range(n)), metres, np.full(n, 570.0), chance.random(n) < sensing, habit)
    return learnt_detours(bare, seed, rounds=2)


SITE = a_site(1)


def test_a_sensor_is_never_worth_less_than_nothing_and_more_where_days_are_uneven():
    detour_m = np.tile([100.0, 500.0, 2_000.0], (2, 1))
    even, uneven = (
        sensor_m_year(tables(Habit(np.array([0.1, 0.3]), detour_m, 20_000.0, day_cv=cv, rate_cv=0.05))) for cv in (0.2, 1.0)
    )
    assert (even >= 0).all()
    assert (uneven > even).all()


def test_a_bin_that_fills_faster_costs_more():
    rate = np.array([0.05, 0.1, 0.2, 0.4])
    found = tables(Habit(rate, np.tile([200.0, 900.0], (4, 1)), 20_000.0))
    assert (np.diff(found.seen_m) > 0).all()
    assert (np.diff(found.blind_m) > 0).all()


def test_what_emptying_is_worth_grows_with_the_days():
    found = tables(Habit(np.array([0.1]), np.array([[500.0]]), 20_000.0))
    assert (np.diff(found.by_day[0]) >= -1e-6).all()
    assert found.by_day[0, 0] == 0


def test_days_tried_out_keep_their_waste_and_pay_for_their_way():
    rise = np.full((60, 3), 0.45)
    metres = np.abs(np.arange(4)[:, None] - np.arange(4)) * 100.0
    rules = tables(Habit(np.full(3, 0.45), np.full((3, 1), 200.0), 20_000.0))
    found = tried(rise, np.ones(3, bool), metres, rules)
    assert found.overflow == 0, "each is emptied in time"
    assert found.distance_m % 200 == pytest.approx(0)
    assert 20 * 600 <= found.distance_m <= 60 * 600
    cheap = tried(rise, np.ones(3, bool), metres, tables(Habit(np.full(3, 0.45), np.full((3, 1), 200.0), 10.0)))
    assert cheap.distance_m < found.distance_m
    assert cheap.overflow > found.overflow


def test_the_same_seed_tries_the_same_days():
    known = changes(SITE, LIMITS, ("sensor",))[:3]
    assert try_out(SITE, known, LIMITS, 5) == try_out(SITE, known, LIMITS, 5)


def test_a_bin_that_has_a_sensor_is_not_advised_one():
    seeing = replace(SITE, sensing=np.ones(20, bool))
    assert not changes(seeing, LIMITS, ("sensor",))
    assert advise(seeing, LIMITS, 1, ("sensor",)) == []


def test_a_bin_with_no_other_near_is_neither_moved_nor_taken_away():
    far = replace(SITE, distance_m=SITE.distance_m * 100)
    assert {one.action for one in changes(far, LIMITS)} == {"sensor", "enlarge"}


def test_the_list_is_ranked_and_says_what_was_tried_out():
    found = advise(SITE, LIMITS, 1)
    first = [one for one in found if one.tried]
    assert len(first) == LIMITS.shortlist
    assert [one.km_year for one in first] == sorted((one.km_year for one in first), reverse=True)
    assert all(one.beside for one in found if one.action in ("move", "remove"))
    assert {one.action for one in found} <= set(ACTIONS)
    top = first[0]
    assert top.km_year == pytest.approx((top.driven_km_year or 0) + 20 * (top.overflow_year or 0))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_ranked_list_finds_the_best_of_trying_everything(seed):
    site = a_site(seed)
    known = changes(site, LIMITS, ("sensor",))
    saved = [driven + site.habit.rho_m * over for driven, over in try_out(site, known, LIMITS, seed)]
    best = site.ids[known[int(np.argmax(saved))].row]
    assert advise(site, LIMITS, seed, ("sensor",))[0].bin == best
