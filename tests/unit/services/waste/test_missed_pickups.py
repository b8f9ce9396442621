"""A planned visit without a drop is a missed one, where the sensor would have shown the drop."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from dure.services.waste.belief.belief_rules import belief_rules
from dure.services.waste.driving.missed import Due, Levels, missed_visit

RULES = belief_rules(date(2026, 11, 24))
HOUR = 3_600_000_000
DUE = Due("b", "truck-1", 100 * HOUR)


def seen(*rows, taps=(), counter=()):
    """Levels as (hours from the visit, level)."""
    time_us = np.array([DUE.at_us + round(hours * HOUR) for hours, _ in rows], np.int64)
    signs = [[DUE.at_us + round(hours * HOUR) for hours in one] for one in (taps, counter)]
    return Levels(time_us, np.array([level for _, level in rows], np.float64), *signs)


def test_a_bin_that_stays_full_was_missed():
    found = missed_visit(DUE, seen((-2, 0.7), (2, 0.72), (9, 0.8)), RULES)
    assert found is not None
    assert (found.due, found.before, found.since) == (DUE, 0.7, 0.8)


@pytest.mark.parametrize(
    "levels",
    [
        seen((-2, 0.7), (1, 0.02), (9, 0.1)),
        seen((-2, 0.7), (-1, 0.02), (9, 0.1)),
        seen((-2, 0.7), (2, 0.72), (9, 0.8), taps=[1]),
        seen((-2, 0.7), (2, 0.72), (9, 0.8), counter=[1]),
    ],
    ids=["it fell", "it fell shortly before", "a crew tapped", "the device counted"],
)
def test_a_bin_that_was_emptied_was_not_missed(levels):
    assert missed_visit(DUE, levels, RULES) is None


@pytest.mark.parametrize(
    "levels",
    [seen(), seen((2, 0.7), (9, 0.7)), seen((-30, 0.7), (9, 0.7)), seen((-2, 0.7), (1, 0.7)), seen((-2, 0.1), (9, 0.12))],
    ids=["nothing", "nothing before", "too long before", "nothing late enough", "too low to see a fall"],
)
def test_a_sensor_that_cannot_tell_says_nothing(levels):
    assert missed_visit(DUE, levels, RULES) is None
