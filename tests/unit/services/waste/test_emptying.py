"""Emptyings of one bin from readings, movement, taps and counters; missed pick-ups."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from dure.core.time import to_us
from dure.services.waste.belief.belief_rules import belief_rules
from dure.services.waste.belief.emptying import HOUR_US, came_back, emptyings, is_drop, missed_pickups

RULES = belief_rules(date(2026, 11, 24))
AT = to_us(datetime(2026, 11, 24, tzinfo=UTC))


def found(levels, **signs):
    time_us = AT + HOUR_US * np.arange(len(levels))
    given = {name: [AT + round(hours * HOUR_US) for hours in times] for name, times in signs.items()}
    return emptyings(time_us, np.array(levels, float), RULES, **given)


@pytest.mark.parametrize(
    ("levels", "signs", "expected"),
    [
        ([0.5, 0.6, 0.7], {}, []),
        ([0.7, 0.65, 0.7], {}, []),
        ([0.7, 0.0, 0.1], {}, [(1, "fall", False)]),
        ([0.9, 0.4, 0.45], {}, [(1, "fall", True)]),
        ([0.7, 0.0, 0.1], {"moved_us": [0.9]}, [(1, "movement", False)]),
        ([0.7, 0.0, 0.1], {"moved_us": [0.9], "taps_us": [3]}, [(1, "tap", False)]),
        ([0.7, 0.0, 0.1], {"counter_us": [1]}, [(1, "counter", False)]),
        ([0.7, 0.0, 0.7], {}, []),
        ([0.2, 0.2, 0.2], {"taps_us": [1.5]}, [(1.5, "tap", False)]),
        ([], {"taps_us": [2]}, [(2, "tap", False)]),
    ],
)
def test_an_emptying_is_found_once_with_its_surest_sign(levels, signs, expected):
    seen = [((one.at_us - AT) / HOUR_US, one.evidence, one.partial) for one in found(levels, **signs)]
    assert seen == expected


def test_what_was_in_it_before_is_kept_where_it_is_known():
    (one,) = found([0.7, 0.0])
    assert (one.before, one.left) == (0.7, 0.0)
    assert np.isnan(found([], taps_us=[1])[0].before)


def test_a_fall_must_be_more_than_the_sensors_noise():
    sd = np.array([0.02, 0.1])
    assert is_drop(np.full(2, 0.8), np.full(2, 0.5), sd, RULES.emptying).tolist() == [True, False]


def test_only_a_near_level_within_hours_is_back():
    before = np.array([0.8, 0.8, 0.8, np.nan])
    since = np.array([2, 2, 30, 2]) * HOUR_US
    assert came_back(before, since, np.array([0.75, 0.4, 0.8, 0.8]), RULES.emptying).tolist() == [True, False, False, False]


def test_a_planned_visit_that_no_emptying_followed_was_missed():
    done = found([0.7, 0.0, 0.1])
    planned = [AT, AT + 72 * HOUR_US]
    assert missed_pickups(planned, done) == [AT + 72 * HOUR_US]
    assert missed_pickups([], done) == []
