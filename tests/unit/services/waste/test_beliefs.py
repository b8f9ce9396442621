"""Beliefs that follow observations: what raises, what empties, what is not believed, and what time alone does."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.core.time import to_us
from dure.services.waste.belief.belief import (
    Kind,
    Seen,
    advance,
    chance,
    forecast,
    observations_of,
    observe,
    outlook,
    seen_of,
    start,
    without_history,
)
from dure.services.waste.belief.belief_rules import belief_rules
from dure.services.waste.belief.learned import CITY, ClassRates, Learned
from dure.services.waste.belief.state import begun_anew, relearnt
from dure.services.waste.model import Bin, Sighting

LAWS = settings(max_examples=40, deadline=None)
RULES = belief_rules(date(2026, 11, 24))
AT = datetime(2026, 11, 23, 21, tzinfo=UTC)  # a Tuesday, six in the morning in Korea
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
GRID = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
STAY = [[0.7 if to == at else 0.3 / (5 - at) if to > at else 0.0 for to in range(6)] for at in range(5)]
STEPS = tuple(map(tuple, [*STAY, [0.0] * 5 + [1.0]]))


def gamma_city(rate=0.12, cv=0.5):
    return Learned(version="test", classes={CITY: ClassRates(rate_per_day=rate, between_cv=0.5, cv=cv)}, offset_s=32_400)


def counted_city():
    known = ClassRates(rate_per_day=0.13, between_cv=0.5, cv=1.4, method="levels", grid=GRID, transitions=STEPS)
    return Learned(version="test", classes={CITY: known}, offset_s=32_400)


def bins(n=1, **given):
    return [Bin(id=f"b{row}", lon=127.0, lat=37.2, **given) for row in range(n)]


def fresh(learned=None, n=1, **given):
    return start(bins(n, **given), learned or gamma_city(), AT, RULES)


def sensor(level, hours, bin_id="b0"):
    return Seen(bin_id, Kind.SENSOR, to_us(AT + hours * HOUR), level)


def tap(kind, hours, level=None, bin_id="b0"):
    sighting = Sighting(id=f"{kind}-{hours}", bin=bin_id, kind=kind, seen_at=AT + hours * HOUR, level=level)
    return seen_of(sighting, RULES.seeing)


def after(beliefs, *seen, untrusted=(), now=None):
    rows = [one for part in seen for one in (part if isinstance(part, list) else [part])]
    return observe(beliefs, observations_of(rows, beliefs.rows, to_us(now or AT + 400 * DAY), RULES.seeing), untrusted)


def expected(beliefs, hours, next_chance_d=1.0):
    return forecast(beliefs, AT + hours * HOUR, next_chance_d)


def codes(beliefs):
    return [one.code for one in beliefs.rejected]


# What cannot be used


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (Seen("nowhere", Kind.SENSOR, to_us(AT), 0.5), "belief.bin"),
        (Seen("b0", Kind.SENSOR, to_us(AT), 1.6), "belief.level"),
        (Seen("b0", Kind.SENSOR, to_us(AT), -0.4), "belief.level"),
        (Seen("b0", Kind.SENSOR, to_us(AT), float("nan")), "belief.level"),
        (Seen("b0", Kind.CREW, to_us(AT), 2.0), "belief.level"),
        (Seen("b0", Kind.DEPOSITS, to_us(AT), -1.0), "belief.level"),
        (Seen("b0", Kind.EMPTIED, to_us(AT + 2 * DAY), float("nan")), "belief.ahead"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_code_and_changes_nothing(seen, code):
    before = fresh()
    now = after(before, seen, now=AT + DAY)
    assert codes(now) == [code]
    assert now.level[0] == before.level[0]
    assert now.rejected[0].row == 1


def test_two_readings_out_of_order_the_older_is_told_late_and_changes_nothing():
    now = after(fresh(), sensor(0.6, 2))
    again = after(now, sensor(0.2, 1))
    assert codes(again) == ["belief.late"]
    assert (again.level[0], again.anchor_us[0]) == (now.level[0], now.anchor_us[0])


def test_in_one_delivery_readings_are_put_in_order_first():
    mixed, ordered = (after(fresh(), *rows) for rows in ([sensor(0.6, 2), sensor(0.2, 1)], [sensor(0.2, 1), sensor(0.6, 2)]))
    assert codes(mixed) == []
    assert mixed.level[0] == ordered.level[0] == pytest.approx(0.6, abs=0.03)


def test_the_same_observation_again_changes_nothing():
    now = after(fresh(), sensor(0.5, 1), tap("level", 2, 0.5))
    again = after(now, sensor(0.5, 1), tap("level", 2, 0.5))
    assert codes(again) == ["belief.late", "belief.late"]
    assert (again.level[0], again.sd[0], again.risen[0]) == (now.level[0], now.sd[0], now.risen[0])


def test_of_two_levels_of_one_instant_the_higher_counts():
    assert after(fresh(), sensor(0.2, 1), sensor(0.8, 1)).level[0] == pytest.approx(0.8)


def test_a_level_above_the_brim_is_believed_up_to_a_quarter_more():
    found = expected(after(fresh(), sensor(1.2, 1)), 2)
    assert found.level[0] == pytest.approx(1.2, abs=0.02)
    assert found.risk[0] == pytest.approx(1.0)


# Laws


@LAWS
@given(st.floats(0.0, 1.25), st.floats(0.0, 40.0), st.floats(0.01, 5.0), st.booleans())
def test_risks_are_probabilities_that_grow_with_time_and_intervals_hold_the_level(level, days, more, counted):
    beliefs = after(fresh(counted_city() if counted else gamma_city()), sensor(level, 0))
    sooner, later = (forecast(beliefs, AT + timedelta(days=days), chance_d) for chance_d in (0.5, 0.5 + more))
    assert 0 <= sooner.risk[0] <= later.risk[0] + 1e-9
    assert later.risk[0] <= 1
    assert 0 <= sooner.low[0] <= sooner.level[0] <= sooner.high[0] <= 1.25


@LAWS
@given(st.floats(0.0, 0.5), st.integers(1, 10))
def test_a_bin_that_is_not_heard_of_only_becomes_less_certain(level, days):
    beliefs = after(fresh(gamma_city(rate=0.02)), sensor(level, 0))
    early, late = (expected(beliefs, 24.0 * day) for day in (days, days + 1))
    assert late.high[0] - late.low[0] > early.high[0] - early.low[0]
    assert late.level[0] > early.level[0]
    assert late.age_d[0] == pytest.approx(early.age_d[0] + 1)


@LAWS
@given(st.permutations(range(6)))
def test_the_order_in_which_observations_of_one_instant_come_does_not_matter(order):
    rows = [
        sensor(0.7, 1),
        *tap("emptied", 1, 0.75),
        Seen("b0", Kind.DEPOSITS, to_us(AT + HOUR), 40.0),
        Seen("b0", Kind.EMPTYINGS, to_us(AT + HOUR), 3.0),
        *tap("report", 1),
    ]
    one, other = after(fresh(), *rows), after(fresh(), *(rows[n] for n in order))
    assert (one.level[0], one.sd[0], one.risen[0]) == (other.level[0], other.sd[0], other.risen[0])


@LAWS
@given(st.lists(st.floats(0.0, 0.1), min_size=2, max_size=6))
def test_observing_at_once_or_one_by_one_gives_the_same_levels(rises):
    seen = [sensor(level, 6.0 * (n + 1)) for n, level in enumerate(np.cumsum(rises))]
    stepwise = fresh()
    for one in seen:
        stepwise = after(stepwise, one)
    assert after(fresh(), *seen).level[0] == pytest.approx(stepwise.level[0], abs=1e-3)


def test_advancing_moves_only_the_instant():
    beliefs = after(fresh(), sensor(0.5, 0))
    later = advance(beliefs, AT + DAY)
    assert later.as_of_us == to_us(AT + DAY)
    assert expected(later, 30).risk == pytest.approx(expected(beliefs, 30).risk)


# Emptyings


def test_a_fall_of_the_level_is_an_emptying():
    now = after(fresh(), sensor(0.8, 0), sensor(0.05, 3))
    (one,) = now.emptied
    assert (one.bin, one.left, one.evidence) == ("b0", 0.05, "fall")
    assert one.before == pytest.approx(0.8, abs=0.01)
    assert now.level[0] == pytest.approx(0.05)


def test_a_small_fall_is_settling_and_none():
    assert after(fresh(), sensor(0.8, 0), sensor(0.75, 3)).emptied == ()


def test_a_tap_empties_and_what_was_seen_before_trains_the_rate():
    seen_full = after(fresh(), tap("emptied", 0, 0.5), tap("emptied", 48, 1.0))
    seen_low = after(fresh(), tap("emptied", 0, 0.5), tap("emptied", 48, 0.1))
    assert seen_full.level[0] == seen_low.level[0] == 0.0
    assert expected(seen_full, 50).per_day[0] > 0.12 > expected(seen_low, 50).per_day[0]
    assert [one.evidence for one in seen_full.emptied] == ["tap", "tap"]


def test_a_tap_beside_the_sensors_own_fall_is_the_same_emptying_and_keeps_what_was_left():
    now = after(fresh(), sensor(0.9, 0), sensor(0.3, 2), tap("emptied", 2.5))
    assert len(now.emptied) == 1
    assert now.level[0] == pytest.approx(0.3, abs=0.02)
    assert now.sure[0]


def test_a_level_that_is_back_after_a_fall_nobody_confirmed_was_a_slip():
    now = after(fresh(), sensor(0.8, 0), sensor(0.0, 1), sensor(0.8, 2))
    assert now.emptied == ()
    assert now.level[0] == pytest.approx(0.8)
    assert expected(now, 2).health == ("jumping",)


def test_a_sensor_that_contradicts_a_tap_is_not_believed_for_hours():
    now = after(fresh(), sensor(0.8, 0), tap("emptied", 1), sensor(0.8, 2))
    assert codes(now) == ["belief.slip"]
    assert now.level[0] < 0.1
    assert after(now, sensor(0.8, 20)).level[0] > 0.5


def test_an_emptying_nobody_told_of_trains_nothing():
    beliefs = after(fresh(), sensor(0.3, 0))
    assert after(beliefs, sensor(0.35, 24 * 12)).risen[0] == beliefs.risen[0]


def test_counters_of_emptyings_empty_once_for_each_rise():
    rows = [Seen("b0", Kind.EMPTYINGS, to_us(AT + n * HOUR), total) for n, total in enumerate((4.0, 4.0, 5.0, 0.0))]
    now = after(fresh(), sensor(0.6, 0), *rows)
    assert [one.evidence for one in now.emptied] == ["counter"]


# Other kinds


def test_a_report_raises_and_never_lowers():
    full, low = after(fresh(), sensor(0.9, 0)), after(fresh(), sensor(0.1, 0))
    assert after(full, tap("report", 1, 0.2)).level[0] == full.level[0]
    assert after(low, tap("report", 24)).level[0] > low.level[0]
    assert expected(after(low, tap("report", 24)), 25).risk[0] > expected(low, 25).risk[0]


def test_counted_deposits_raise_by_their_volume_and_sharpen():
    beliefs = after(fresh(capacity_l=334.0, deposit_l=33.4), sensor(0.0, 0), Seen("b0", Kind.DEPOSITS, to_us(AT), 100.0))
    now = after(beliefs, Seen("b0", Kind.DEPOSITS, to_us(AT + DAY), 105.0))
    assert now.level[0] == pytest.approx(0.5, abs=0.01)
    assert now.sd[0] < 0.08
    assert expected(now, 25).per_day[0] > expected(beliefs, 25).per_day[0]


def test_a_counter_that_begins_anew_says_nothing():
    beliefs = after(fresh(), sensor(0.2, 0), Seen("b0", Kind.DEPOSITS, to_us(AT), 100.0))
    now = after(beliefs, Seen("b0", Kind.DEPOSITS, to_us(AT + DAY), 3.0))
    assert now.anchor_us[0] == beliefs.anchor_us[0]
    assert after(now, Seen("b0", Kind.DEPOSITS, to_us(AT + 2 * DAY), 4.0)).level[0] > beliefs.level[0]


def test_an_untrusted_sensor_is_left_out_while_people_still_count():
    beliefs = after(fresh(), sensor(0.2, 0))
    now = after(beliefs, sensor(0.9, 1), tap("level", 2, 0.25), untrusted={"b0"})
    assert codes(now) == ["belief.untrusted"]
    assert now.level[0] == pytest.approx(0.22, abs=0.05)
    trusted_again = after(now, sensor(0.9, 1))
    assert codes(trusted_again) == ["belief.late"]


def test_blocked_and_broken_say_nothing_of_the_level():
    assert tap("blocked", 1) == tap("broken", 1) == []


# Health, rates, forecasts


def test_health_says_what_is_known_of_the_sensor():
    beliefs = start([*bins(3), Bin(id="plain", lon=127.0, lat=37.2, sensor=False)], gamma_city(), AT, RULES)
    beliefs = after(beliefs, sensor(0.1, 0, "b0"), sensor(0.1, 0, "b1"))
    found = forecast(beliefs, AT + DAY, faults={"b1": "stuck"})
    assert found.health == ("healthy", "stuck", "silent", "no_sensor")
    assert np.isnan(found.age_d[2])
    assert forecast(beliefs, AT + 3 * DAY).health[0] == "silent"


def test_lately_faster_bins_are_believed_faster_and_it_is_forgotten():
    seen = [sensor(0.0, 0), *(sensor(0.09 * day, 24.0 * day) for day in range(1, 11))]
    beliefs = after(fresh(gamma_city(rate=0.045)), *seen)
    soon, later = (forecast(beliefs, AT + timedelta(days=day)).per_day[0] for day in (10, 400))
    assert 0.05 < soon < 0.09
    assert 0.045 <= later < soon


def test_new_learning_keeps_level_and_present_rate():
    beliefs = after(fresh(gamma_city(rate=0.05)), sensor(0.1, 0), sensor(0.3, 24))
    again = relearnt(beliefs, gamma_city(rate=0.1))
    assert again.level[0] == beliefs.level[0]
    present = [one.traits.rate_per_day[0] * one.tempo(np.arange(1))[0] for one in (beliefs, again)]
    assert present[1] == pytest.approx(present[0])


def test_a_bin_begun_anew_knows_nothing_but_its_pace():
    beliefs = after(fresh(n=2), sensor(0.4, 1, "b0"), sensor(0.6, 1, "b1"))
    anew = begun_anew(beliefs, np.array([0]), AT)
    assert anew.last_us[0].max() < 0 < anew.last_us[1].max()
    assert (anew.risen == beliefs.risen).all()
    assert after(anew, sensor(0.4, 1, "b0")).level[0] == pytest.approx(0.4)


def test_bins_of_a_counted_class_go_by_their_transitions():
    beliefs = after(fresh(counted_city()), sensor(0.8, 0))
    assert chance(beliefs, AT + DAY, 1.0)[0] == pytest.approx(0.3, abs=0.01)
    assert chance(beliefs, AT + 2 * DAY, 1.0)[0] == pytest.approx(1 - 0.49, abs=0.02)
    assert expected(beliefs, 24).level[0] == pytest.approx(0.86, abs=0.01)


def test_an_outlook_holds_levels_and_risks_that_never_fall():
    beliefs = after(fresh(n=2), sensor(0.4, 0, "b0"))
    seen = outlook(beliefs, AT, (0.0, 12.0, 24.0, 48.0))
    assert seen.level.shape == (2, 4)
    assert (np.diff(seen.risk, axis=1) >= -1e-9).all()
    assert (seen.low <= seen.level).all()
    assert (seen.level <= seen.high).all()


def test_next_chances_may_differ_from_bin_to_bin():
    beliefs = after(fresh(n=2), sensor(0.5, 0, "b0"), sensor(0.5, 0, "b1"))
    found = forecast(beliefs, AT + HOUR, np.array([1.0, 4.0]))
    assert found.risk[1] > found.risk[0]


def test_no_bins_are_no_trouble():
    nothing = start([], gamma_city(), AT, RULES)
    assert forecast(after(nothing), AT).bins == ()


def test_a_city_on_its_first_day_has_an_answer():
    found = forecast(start(bins(3), without_history(RULES), AT, RULES), AT + DAY, 1.0)
    assert (found.high - found.low > 0.5).all()
    assert ((found.risk > 0.01) & (found.risk < 0.9)).all()
