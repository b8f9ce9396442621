"""Registers become whole Wh by interval: sums equal register differences, and what cannot be read is said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.services.charging.origin.registers import STEP_US, Counting, Exchange, Grid, Reads, Why, passed, steps_of

MINUTE_US = 60_000_000
COUNTING = Counting(rate_max_w=1e6)
NONE = np.zeros(0, np.int64)


def reads(*pairs: tuple[float, int]) -> Reads:
    """Reads of (minute, Wh)."""
    return Reads(np.array([round(at * MINUTE_US) for at, _ in pairs], np.int64), np.array([wh for _, wh in pairs], np.int64))


def quarters(n: int) -> Grid:
    return Grid(0, n)


def codes(found) -> list[Why]:
    return [note.why for note in found.notes]


def test_two_reads_at_the_bounds_are_the_difference():
    found = passed(reads((0, 1_000), (15, 1_250)), COUNTING, quarters(1))
    assert found.wh.tolist() == [250]
    assert found.known.tolist() == [True]
    assert found.estimated.tolist() == [False]


def test_a_gap_is_spread_and_marked_estimated():
    found = passed(reads((0, 0), (60, 1_001)), COUNTING, quarters(4))
    assert found.wh.tolist() == [250, 250, 250, 251]
    assert found.estimated.all()
    assert found.known.all()


def test_a_gap_in_which_nothing_passed_is_no_estimate():
    found = passed(reads((0, 500), (600, 500)), COUNTING, quarters(4))
    assert not found.estimated.any()


def test_before_the_first_and_after_the_last_read_nothing_is_known():
    found = passed(reads((15, 0), (30, 10)), COUNTING, quarters(4))
    assert found.known.tolist() == [False, True, False, False]
    assert found.wh.tolist() == [0, 10, 0, 0]


@pytest.mark.parametrize("pairs", [[], [(0, 5)]], ids=["no-read", "one-read"])
def test_fewer_than_two_reads_say_nothing(pairs):
    found = passed(reads(*pairs), COUNTING, quarters(2))
    assert found.wh.tolist() == [0, 0]
    assert not found.known.any()


def test_a_register_that_begins_again_counts_what_it_shows():
    found = passed(reads((0, 50_000), (5, 50_100), (10, 40), (15, 140)), COUNTING, quarters(1))
    assert found.wh.tolist() == [240]
    assert codes(found) == [Why.RESET]
    assert found.estimated.all()


def test_a_register_of_known_size_rolls_over():
    counting = Counting(rate_max_w=1e6, size=100_000)
    found = passed(reads((0, 99_900), (15, 60)), counting, quarters(1))
    assert found.wh.tolist() == [160]
    assert codes(found) == [Why.ROLLOVER]


def test_a_momentary_zero_is_set_aside():
    found = passed(reads((0, 5_000), (5, 0), (10, 5_200), (15, 5_300)), COUNTING, quarters(1))
    assert found.wh.tolist() == [300]
    assert codes(found) == [Why.DROP]


def test_a_spike_is_set_aside():
    found = passed(reads((0, 5_000), (5, 900_000_000), (10, 5_200), (15, 5_300)), COUNTING, quarters(1))
    assert found.wh.tolist() == [300]
    assert codes(found) == [Why.SPIKE]


def test_a_jump_that_nothing_explains_books_nothing():
    found = passed(reads((0, 5_000), (5, 900_000_000), (10, 900_000_100), (15, 900_000_300)), COUNTING, quarters(1))
    assert found.wh.tolist() == [300]
    assert codes(found) == [Why.NEW_LEVEL]
    assert found.doubted.all()


def test_an_exchange_joins_the_old_register_to_the_new_one():
    exchange = Exchange(at_us=7 * MINUTE_US, last=5_070, first=12)
    found = passed(reads((0, 5_000), (10, 42), (15, 92)), COUNTING, quarters(1), (exchange,))
    assert found.wh.tolist() == [150]
    assert codes(found) == [Why.EXCHANGE]


def test_of_two_reads_of_one_instant_the_later_sent_counts():
    found = passed(reads((0, 0), (15, 90), (15, 100)), COUNTING, quarters(1))
    assert found.wh.tolist() == [100]
    assert codes(found) == [Why.DUPLICATE]


def test_a_net_register_counts_both_ways():
    counting = Counting(rate_max_w=1e6, net=True)
    found = passed(reads((0, 100), (15, 400), (30, -50), (45, -50)), counting, quarters(3))
    assert found.wh.tolist() == [300, 0, 0]
    assert found.back.tolist() == [0, 450, 0]


series = st.lists(st.tuples(st.integers(1, 5_000), st.integers(0, 900)), min_size=2, max_size=40)


@given(series, st.randoms(use_true_random=False))
def test_the_intervals_sum_to_the_register_in_any_order_of_arrival(steps, chance):
    times = np.cumsum([seconds for seconds, _ in steps]) * 1_000_000
    wh = np.cumsum([amount for _, amount in steps]).astype(np.int64)
    order = list(range(len(steps)))
    chance.shuffle(order)
    grid = Grid(0, int(times[-1]) // STEP_US + 1)
    found = passed(Reads(times[order].astype(np.int64), wh[order]), COUNTING, grid)
    assert int(found.wh.sum()) == wh[-1] - wh[0]
    assert (found.wh >= 0).all()


@given(series, st.integers(1, 39), st.integers(0, 900))
def test_a_reset_loses_only_what_passed_unread(steps, at, unread):
    times = (np.cumsum([seconds for seconds, _ in steps]) * 1_000_000).astype(np.int64)
    amounts = np.array([amount for _, amount in steps], np.int64)
    amounts[0] = 1_000_000
    cut = min(at, len(steps) - 1)
    true = np.cumsum(amounts)
    shown = true.copy()
    shown[cut:] = np.cumsum(amounts[cut:]) + unread - amounts[cut] + min(amounts[cut], 900)
    found = steps_of(Reads(times, shown), COUNTING)
    assert found.total == int(true[cut - 1] - true[0] + shown[-1])


@given(st.lists(st.tuples(st.integers(1, 2_000_000_000), st.integers(-100, 10**12)), max_size=30), st.integers(0, 10**6))
def test_whatever_comes_is_whole_and_never_negative(pairs, size):
    found = passed(
        Reads(np.array([a for a, _ in pairs], np.int64), np.array([b for _, b in pairs], np.int64)),
        Counting(rate_max_w=50_000, size=size),
        quarters(8),
    )
    assert (found.wh >= 0).all()
    assert found.wh.dtype == np.int64
