"""Rehearsals: worlds, policies, what a planner learns, and the kilometres of each at equal overflow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.core.errors import InputError
from dure.routing.greedy import greedy
from dure.routing.model import Budget
from dure.routing.solve import solve
from dure.services.waste.accounting.kpi import Figures
from dure.services.waste.planning import foresight
from dure.services.waste.planning.foresight import exceeding
from dure.services.waste.rehearsing.choosing import policy_of
from dure.services.waste.rehearsing.comparing import counted, fewer, km_at, rehearsed
from dure.services.waste.rehearsing.fleet import Fleet, ground, problem_of
from dure.services.waste.rehearsing.forecaster import Forecaster
from dure.services.waste.rehearsing.policies import Choice, Morning, Threshold, every, static
from dure.services.waste.rehearsing.recorded import Placed, Reading, places_of, readings_of, recorded_world
from dure.services.waste.rehearsing.replay import Effort, detours, replay
from dure.services.waste.rehearsing.sizing import sensors_needed, trucks_needed
from dure.services.waste.rehearsing.world import Recipe, virtual_world

SMALL = Recipe(n=30, days=35, warm_up_d=7)
WORLD = virtual_world(SMALL, 1)
LAND = ground(WORLD, Fleet())
QUICK = Effort(iterations=30)


def nearest(problem, *, budget: Budget):  # noqa: ARG001  # a router is called with a budget
    return greedy(problem)


# --- Worlds.


def test_a_seed_is_a_city():
    again, other = virtual_world(SMALL, 1), virtual_world(SMALL, 2)
    assert np.array_equal(again.rise, WORLD.rise)
    assert np.array_equal(again.lon_lat, WORLD.lon_lat)
    assert not np.array_equal(other.rise, WORLD.rise)


def test_rates_are_log_normal_as_measured():
    rate = virtual_world(Recipe(n=2000, days=1, alike=0.0), 3).rate
    assert np.median(rate) == pytest.approx(0.117, rel=0.1)
    assert np.log(rate).std() == pytest.approx(0.75, rel=0.1)


def test_neighbours_fill_alike_only_where_the_recipe_says_so():
    def likeness(alike):
        world = virtual_world(Recipe(n=600, days=1, alike=alike), 4)
        apart = np.linalg.norm(world.lon_lat[:, None] - world.lon_lat, axis=2) + np.eye(600)
        return np.corrcoef(np.log(world.rate), np.log(world.rate[apart.argmin(1)]))[0, 1]

    assert likeness(0.5) > 0.25
    assert abs(likeness(0.0)) < 0.15


def test_a_larger_share_of_dead_sensors_contains_a_smaller_one():
    some, more = WORLD.with_dead(0.3, 1).sensing[0], WORLD.with_dead(0.8, 1).sensing[0]
    assert (~some).sum() == 9
    assert (~more).sum() == 24
    assert not (more & ~some).any()


# --- Replays.


def test_what_is_thrown_in_is_collected_or_still_there():
    trace = replay(WORLD, every(WORLD, 2), LAND, nearest, QUICK)
    collected = (trace.level * trace.visited).sum(0)
    assert collected + trace.evening[-1] == pytest.approx(WORLD.rise.sum(0))


def test_every_bin_each_second_day_is_visited_every_second_day():
    trace = replay(WORLD, every(WORLD, 2), LAND, nearest, QUICK)
    assert np.array_equal(trace.visited[:-2], trace.visited[2:])
    assert trace.visited[:2].sum() == WORLD.n


def test_bins_of_a_day_lie_together_when_all_have_the_same_interval():
    turn = every(WORLD, 3).phase_d
    offset = WORLD.lon_lat - WORLD.depot
    angle = np.arctan2(offset[:, 1], offset[:, 0])
    spans = [np.ptp(angle[turn == one]) for one in range(3)]
    assert sum(spans) <= np.ptp(angle)


def test_a_static_plan_empties_each_bin_at_its_fill_on_average():
    found = rehearsed(WORLD, static(WORLD, 0.6, 1), LAND, nearest, QUICK).figures
    assert 0.35 < found.fill_at_visit <= 0.65


def test_a_threshold_never_visits_a_bin_that_tells_less():
    trace = replay(WORLD, Threshold("t", 0.5), LAND, nearest, QUICK)
    assert (trace.level[trace.visited] + WORLD.noise[trace.visited]).min() >= 0.5


def test_a_silent_sensor_hides_its_bin_from_a_threshold_unless_days_have_passed():
    silent = WORLD.with_dead(1.0, 1)
    assert not replay(silent, Threshold("t", 0.5), LAND, nearest, QUICK).visited.any()
    assert replay(silent, Threshold("t", 0.5, blind_d=3), LAND, nearest, QUICK).visited.any()


def test_the_same_replay_twice_is_the_same():
    one, two = (replay(WORLD, policy_of("dial:20000", WORLD, 1), LAND, solve, QUICK) for _ in range(2))
    assert np.array_equal(one.visited, two.visited)
    assert np.array_equal(one.distance_m, two.distance_m)


def test_bins_no_truck_can_take_are_counted_as_missed():
    tiny = ground(WORLD, Fleet(trucks=1, shift_s=1800))
    trace = replay(WORLD, every(WORLD, 1), tiny, solve, QUICK)
    assert counted(trace).missed > 0
    assert (trace.visited.sum(1) + trace.missed)[WORLD.warm_up_d :] == pytest.approx(WORLD.n)


def test_a_bin_not_worth_a_metre_is_no_stop():
    must, prize_m = np.zeros(WORLD.n, bool), np.zeros(WORLD.n)
    must[3], prize_m[5] = True, 700.0
    stops = problem_of(LAND, Choice(must, prize_m), np.full(WORLD.n, 50.0)).stops
    assert [(one.id, one.prize_m) for one in stops] == [("3", None), ("5", 700)]


def test_detours_are_what_leaving_out_saves_and_taking_in_adds():
    line = np.abs(np.arange(5)[:, None] - np.arange(5)) * 100  # depot at 0, bins at 100, 200, 300, 400
    found = detours(line, [("0", "2")])
    assert found.tolist() == [0, 0, 400, 200]  # the first two lie on the way


# --- What a planner learns.


def mornings(forecaster, levels, sd=0.0, emptied_at=None):
    chance = np.random.default_rng(1)
    for day, level in enumerate(levels):
        reading = np.clip(level + sd * chance.standard_normal(level.shape), 0, 1)
        forecaster.morning(Morning(day, day % 7, reading, np.zeros(level.size, np.int64)))
        if emptied_at is not None:
            bins = np.flatnonzero(level >= emptied_at)
            forecaster.emptied(bins, level[bins])
        forecaster.evening(day % 7)


def test_rates_are_learnt_from_readings():
    world = virtual_world(Recipe(n=40, days=60), 5)
    learnt = Forecaster(40)
    level = np.zeros(40)
    for day in range(60):
        learnt.morning(Morning(day, day % 7, np.clip(level + world.noise[day], 0, 1), np.zeros(40, np.int64)))
        full = np.flatnonzero(level > 0.6)
        learnt.emptied(full, np.round(level[full] * 4) / 4)
        learnt.evening(day % 7)
        level[full] = 0
        level = level + world.rise[day]
    usual = world.rate < 0.4
    ratio = (learnt.rates()[0] / world.rate)[usual]
    assert np.median(ratio) == pytest.approx(1, abs=0.1)
    assert learnt.day_cv() == pytest.approx(0.5, abs=0.15)


def test_rates_are_learnt_from_what_crews_tell_alone():
    world = virtual_world(Recipe(n=60, days=80), 6)
    learnt = Forecaster(60)
    level = np.zeros(60)
    for day in range(80):
        learnt.morning(Morning(day, day % 7, np.full(60, np.nan), np.zeros(60, np.int64)))
        bins = np.arange(day % 4, 60, 4)
        learnt.emptied(bins, np.minimum(np.round(level[bins] * 4) / 4, 1.25))
        learnt.evening(day % 7)
        level[bins] = 0
        level = level + world.rise[day]
    usual = (world.rate > 0.05) & (world.rate < 0.2)
    assert np.median(learnt.rates()[0][usual] / world.rate[usual]) == pytest.approx(1, abs=0.12)


def test_a_silent_sensor_only_widens_what_is_expected():
    known, silent = Forecaster(2), Forecaster(2)
    for one in (known, silent):
        mornings(one, [np.array([0.1 * day, 0.1 * day]) for day in range(5)])
    for day in range(5, 8):
        known.morning(Morning(day, day % 7, np.array([0.1 * day] * 2), np.zeros(2, np.int64)))
        for one in (known, silent):
            one.evening(day % 7)
    (mean, variance), (blind_mean, blind_variance) = known.gain(0.0), silent.gain(0.0)
    assert blind_mean == pytest.approx(mean, abs=0.1)
    assert (blind_variance > variance).all()


def test_more_time_is_more_risk_and_an_emptied_bin_has_less():
    learnt = Forecaster(3)
    mornings(learnt, [np.array([0.1, 0.4, 0.8])])
    risks = [learnt.risk(0, days) for days in (1, 2, 4)]
    assert (np.diff(risks, axis=0) >= 0).all()
    before = learnt.risk(0)
    learnt.emptied(np.arange(3), np.array([0.0, 0.5, 0.75]))
    assert (learnt.risk(0) <= before).all()


@given(st.floats(0.001, 3), st.floats(0.001, 2), st.floats(0.0001, 1))
def test_a_probability_is_one(room, mean, variance):
    one = np.array([room]), np.array([mean]), np.array([variance])
    assert 0 <= exceeding(*one)[0] <= 1
    assert exceeding(one[0] + 0.5, *one[1:])[0] <= exceeding(*one)[0] + 1e-12


def test_a_bin_over_the_brim_overflows_surely():
    assert exceeding(np.array([-0.1]), np.array([0.01]), np.array([0.01]))[0] == 1


# --- Foresight.


def test_what_emptying_is_worth_grows_with_the_level():
    gain = foresight.gain_shares(np.array([0.1, 0.3]), np.array([0.0025, 0.02]))
    value = foresight.value(gain, np.full((2, 1), 500.0), 20_000.0)
    worth = foresight.left_alone(value, gain, 20_000.0)
    assert (np.diff(worth, axis=1) >= -1e-6).all()


def bins_of(level, rate=0.15, seeing=True, level_sd=0.03):
    level = np.asarray(level, float)
    alike = np.ones_like(level)
    return foresight.Expected(
        level, level_sd * alike, 0 * alike, rate * alike, 0.02 * alike, 0.5 * alike, np.full(level.size, seeing)
    )


def offers(n, *detours_m):
    plain = np.tile(np.array(detours_m, float), (n, 1))
    return foresight.Detours(plain, plain)


@pytest.mark.parametrize("seeing", [True, False])
def test_foresight_pays_a_short_detour_for_a_half_full_bin_that_has_no_risk_yet(seeing):
    half = bins_of([0.5], seeing=seeing)
    risk = exceeding(np.array([0.5]), np.array([0.15]), np.array([0.006]))[0]
    assert 20_000 * risk < 50
    assert foresight.worth(half, offers(1, *[50] * 3, *[3_000] * 7), 20_000.0)[0] > 150


@pytest.mark.parametrize("seeing", [True, False])
def test_what_emptying_is_worth_grows_with_what_is_known_to_lie_in_the_bin(seeing):
    level = np.linspace(0.05, 1.0, 12)
    found = foresight.worth(bins_of(level, seeing=seeing), offers(12, 50, 800, 3_000), 20_000.0)
    assert (np.diff(found) > -1e-6).all()
    assert found[-1] > 5_000


@pytest.mark.parametrize("seeing", [True, False])
def test_a_street_served_often_makes_no_special_trip_worth_while(seeing):
    bins = bins_of([0.4, 0.6], seeing=seeing)
    often, seldom = (foresight.worth(bins, offers(2, one), 20_000.0) for one in (30, 3_000))
    assert (often < seldom).all()


def test_a_bin_that_nobody_sees_is_thought_ahead_as_by_plain_iteration():
    bins, found = bins_of([0.2, 0.5, 0.8], seeing=False), []
    detours_ = foresight.Detours(np.array([[900.0, 2_000.0]] * 3), np.array([[40.0, 700.0, 1_500.0]] * 3))
    days = np.arange(float(foresight.BLIND_D))
    over = [
        exceeding(1 - level, bins.rate[:, None] * (days + 1), (0.075**2) * (days + 1) + (0.02 * (days + 1)) ** 2 + sd**2)
        for level, sd in ((np.zeros((3, 1)), 0.0), (bins.level[:, None], 0.03))
    ]
    emptied = np.zeros(3)
    for first, chain in (*[(False, over[0])] * 800, (True, over[1])):
        tomorrow = emptied + detours_.other.mean(1)
        for day in range(foresight.BLIND_D - 1, -1, -1):
            alone = 20_000 * chain[:, day] + foresight.FUTURE * tomorrow
            offered = detours_.after if day == 1 and not first else detours_.other
            tomorrow = np.minimum(offered + emptied[:, None], alone[:, None]).mean(1)
        if first:
            found = alone - emptied
        else:
            emptied = alone
    assert foresight.worth(bins, detours_, 20_000.0) == pytest.approx(np.maximum(found, 0), abs=0.5)


def test_a_planners_word_on_todays_risk_is_heard():
    bins = bins_of([0.5, 0.5])
    told = foresight.Expected(**{**vars(bins), "risk": np.array([0.0, 0.3])})
    found = foresight.worth(told, offers(2, 500), 20_000.0)
    assert found[1] - found[0] == pytest.approx(6_000, rel=0.01)


@settings(max_examples=20)
@given(st.floats(0.02, 0.35), st.floats(100, 5_000))
def test_shares_of_a_rise_sum_to_one(rate, detour_m):
    gain = foresight.gain_shares(np.array([rate]), np.array([(0.5 * rate) ** 2]))
    assert gain.sum() == pytest.approx(1)
    assert gain @ foresight.GRID == pytest.approx(rate, abs=0.03)
    assert (foresight.value(gain, np.array([[detour_m]]), 20_000.0) >= 0).all()


# --- Comparing.


def told(km, overflow):
    return Figures(
        km_day=km, hours_day=0, visits_day=0, fill_at_visit=0, overflow=overflow, wasted=0, km_m3=0, hours_m3=0, m3_day=0
    )


def test_kilometres_at_an_overflow_are_read_between_a_familys_points():
    family = [told(100, 5), told(60, 15), told(90, 10), told(95, 4)]
    assert km_at(10, family) == pytest.approx(95 - 35 * 6 / 11)
    assert km_at(1, family) == 95
    assert km_at(99, family) == 60
    assert fewer(told(47.5, 4), family) == pytest.approx(0.5)


def test_the_dial_drives_less_than_thresholds_and_intervals_at_equal_overflow():
    world = virtual_world(Recipe(n=80, days=42), 1)
    land, effort = ground(world, Fleet()), Effort(iterations=60)

    def found(*words):
        return [rehearsed(world, policy_of(one, world, 1), land, solve, effort).figures for one in words]

    (ours,) = found("dial:20000")
    assert fewer(ours, found("static:0.5", "static:0.7")) > 0.1
    assert fewer(ours, found("threshold:0.3", "threshold:0.5")) > 0.1


# --- Sizes.


def test_too_few_trucks_miss_bins_and_enough_miss_none():
    sizes = trucks_needed(
        WORLD, lambda world: every(world, 1), [Fleet(trucks=one, shift_s=3600) for one in (1, 4)], nearest, QUICK
    )
    assert sizes[0].figures.missed > 0
    assert sizes[0].figures.missed > sizes[1].figures.missed
    assert [one.trucks for one in sizes] == [1, 4]


def test_sensors_are_tried_by_their_share():
    sizes = sensors_needed(WORLD, lambda world: policy_of("threshold:0.5", world, 1), (0.0, 1.0), (Fleet(), nearest, QUICK), 1)
    assert [one.sensors for one in sizes] == [0.0, 1.0]
    assert sizes[0].figures.fill_at_visit != sizes[1].figures.fill_at_visit


# --- Names of policies.


@pytest.mark.parametrize("words", ["daily", "every:3", "static:0.5", "threshold:0.4", "prize:5000", "dial", "dial:1e4"])
def test_a_policy_has_a_name(words):
    assert policy_of(words, WORLD, 1).name


@pytest.mark.parametrize("words", ["nightly", "static:x", "threshold:7", "every:0", "dial:-5", "static:nan"])
def test_a_policy_nobody_knows_is_refused(words):
    with pytest.raises(InputError) as refused:
        policy_of(words, WORLD, 1)
    assert refused.value.code == "rehearse.policy"


# --- Histories.

START = datetime(2026, 1, 5, tzinfo=UTC)


def readings(days=30):
    return [Reading("a", START + timedelta(days=day), round(0.2 * (day % 5), 2)) for day in range(days)]


PLACES = {"a": Placed(126.9, 37.2, 500.0)}


def test_a_history_becomes_a_world():
    world = recorded_world(readings(), PLACES, (126.9, 37.3), 7)
    assert world.days == 30
    assert world.rate[0] == pytest.approx(0.16, abs=0.01)
    assert world.weekday[:2] == (0, 1)
    assert world.sensing.all()


def test_two_readings_of_one_instant_count_as_the_fuller():
    twice = [*readings(), Reading("a", START + timedelta(days=4), 0.3)]
    assert np.array_equal(recorded_world(twice, PLACES, None, 7).rise, recorded_world(readings(), PLACES, None, 7).rise)


def test_columns_are_found_by_their_usual_names_and_bad_rows_are_counted():
    lines = ["Serial,Date,Fullness", "a,2026-01-05,8", "a,nonsense,3", "a,2026-01-06,99", "a,2026-01-07,"]
    found, refused = readings_of(lines, 10)
    assert found == [Reading("a", START, 0.8)]
    assert refused == 3
    assert places_of(["serial,longitude,latitude", "a,126.9,37.2", "b,,"], 570) == {"a": Placed(126.9, 37.2, 570)}


@pytest.mark.parametrize(
    ("work", "code"),
    [
        (lambda: readings_of(["bin,level", "a,1"], 1), "rehearse.history"),
        (lambda: readings_of(["bin,time,level", "a,x,1"], 1), "rehearse.history"),
        (lambda: places_of(["bin,lon", "a,1"], 1), "rehearse.bins"),
        (lambda: places_of(["bin,lon,lat", "a,x,y"], 1), "rehearse.bins"),
        (lambda: recorded_world(readings(), {"b": PLACES["a"]}, None, 7), "rehearse.bins"),
        (lambda: recorded_world(readings(20), PLACES, None, 7), "rehearse.history"),
    ],
)
def test_a_history_that_cannot_be_used_says_why(work, code):
    with pytest.raises(InputError) as refused:
        work()
    assert refused.value.code == code
