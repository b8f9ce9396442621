"""Laws of the quality control of series: streaming is batch, time and bad input do no harm, reasons say what was compared."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_series import LIGHT_LIMITS, WALK_LIMITS, light, seeded

from dure.core.observations import Check
from dure.services.environment.checks.quality import Limits, Stream, interpreted_kernel, qualify_series
from dure.services.environment.checks.quality_reasons import why

US = 1_000_000
RANK = np.array([0, 2, 1, 3, 4, 0, 0, 0, 0, 0])  # by flag: 4 > 3 > 1 > 2 > 9
START_US = 1_700_000_000 * US
MINUTES = START_US + 60 * US * np.arange(400)
FULL = Limits(
    gross_fail=(-50, 50),
    gross_suspect=(-30, 40),
    climate_suspect={11: (-10, 30)},
    utc_offset_s=32_400,
    spike_suspect=2,
    spike_fail=5,
    rate_suspect=0.05,
    rate_fail=0.1,
    rate_step_s=60,
    flat_suspect_s=600,
    flat_fail_s=1200,
    flat_tolerance=0.2,
    window_s=900,
    window_n_min=4,
    spread_suspect=0.2,
    spread_fail=0.05,
    gap_s=7200,
)


def final_flags(stream: Stream, slots: np.ndarray, time_us: np.ndarray, value: np.ndarray, cuts: list[int]) -> np.ndarray:
    """Spike and aggregate of all rows pushed in pieces, late words on spikes put in their place by time."""
    spike, flag = np.zeros(len(value), np.uint8), np.zeros(len(value), np.uint8)
    newest: dict[int, int] = {}
    for first, last in zip([0, *cuts], [*cuts, len(value)], strict=True):
        pushed = stream.push(slots[first:last], time_us[first:last], value[first:last])
        spike[first:last], flag[first:last] = pushed.rows.tests[:, 2], pushed.rows.flag
        for row, at_us, late in zip(pushed.earlier, pushed.earlier_us, pushed.earlier_flag, strict=True):
            meant = newest[slots[first + row]]
            assert time_us[meant] == at_us
            spike[meant] = late
            flag[meant] = late if RANK[late] > RANK[flag[meant]] else flag[meant]
        newest |= {int(slots[first + row]): first + int(row) for row in pushed.newest}
    return np.stack([spike, flag])


def whole_flags(time_us: np.ndarray, value: np.ndarray, limits: Limits) -> np.ndarray:
    found = qualify_series(time_us, value, limits)
    return np.stack([found.tests[:, 2], found.flag])


@pytest.mark.parametrize("make", [light, lambda: seeded(6, regular=False), lambda: seeded(7, regular=True)])
def test_one_by_one_gives_the_flags_of_the_whole_series(make):
    time_us, value = make()
    limits = LIGHT_LIMITS if make is light else WALK_LIMITS
    stream = Stream([limits])
    stream.open(("a", "p"))
    answers = [stream.push_one(("a", "p"), *row) for row in zip(time_us.tolist(), value.tolist(), strict=True)]
    whole = qualify_series(time_us, value, limits)
    spikes = np.array([late for _, late in answers[1:]] + [2])
    known = whole.tests[:, 2] != 9
    assert np.array_equal(spikes[known], whole.tests[known, 2])
    flags = np.array([flag for flag, _ in answers])
    assert np.array_equal(np.where((RANK[spikes] > RANK[flags]) & known, spikes, flags), whole.flag)


series = st.lists(
    st.tuples(
        st.sampled_from([0, -30, 1, 60, 60, 60, 61, 3600, 8000, 31_536_000]),
        st.sampled_from([1.0, 1.0, 1.1, 1.3, 2.0, 20.0, 45.0, -60.0, math.nan, math.inf, -math.inf, 1e308, -1e308]),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=80,
)


@settings(max_examples=150, deadline=None)
@given(rows=series, data=st.data())
def test_cutting_and_mixing_series_changes_no_flag(rows, data):
    steps, values, slots = (np.array(column) for column in zip(*rows, strict=True))
    time_us, slots = (START_US + np.cumsum(steps) * US).astype(np.int64), slots.astype(np.int64)
    values = values.astype(float)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=10)))
    stream = Stream([FULL])
    for name in "abc":
        stream.open((name, "p"))
    mixed = final_flags(stream, slots, time_us, values, cuts)
    alone = np.zeros_like(mixed)
    for slot in range(3):
        mine = slots == slot
        alone[:, mine] = whole_flags(time_us[mine], values[mine], FULL)
    assert np.array_equal(mixed, alone)


@settings(max_examples=60, deadline=None)
@given(rows=series)
def test_compiled_and_interpreted_code_agree_in_flags_and_statistics(rows):
    steps, values, _ = (np.array(column) for column in zip(*rows, strict=True))
    time_us = (START_US + np.cumsum(steps) * US).astype(np.int64)
    compiled = qualify_series(time_us, values.astype(float), FULL)
    with np.errstate(all="ignore"):
        plain = qualify_series(time_us, values.astype(float), FULL, kernel=interpreted_kernel())
    assert np.array_equal(compiled.tests, plain.tests)
    assert np.allclose(compiled.statistic, plain.statistic, rtol=1e-12, equal_nan=True)


def test_a_seeded_series_is_judged_alike_by_interpreted_code_while_its_queues_grow():
    time_us, value = seeded(8, 3_000, regular=False)
    plain = qualify_series(time_us, value, WALK_LIMITS, kernel=interpreted_kernel())
    assert np.array_equal(qualify_series(time_us, value, WALK_LIMITS).tests, plain.tests)


def test_no_value_at_all_gives_no_flags():
    assert len(qualify_series(np.empty(0, np.int64), np.empty(0), FULL).flag) == 0


def test_a_single_value_is_judged_by_itself():
    found = qualify_series(MINUTES[:1], np.array([60.0]), FULL)
    assert found.tests.tolist() == [[4, 3, 2, 2, 2, 2]]
    assert found.check.tolist() == [Check.ABOVE_POSSIBLE]


@pytest.mark.parametrize("nothing", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_missing_in_every_test(nothing):
    found = qualify_series(MINUTES[:3], np.array([1.0, nothing, 1.2]), FULL)
    assert found.tests[1].tolist() == [9] * 6
    assert found.check[1] == Check.MISSING_VALUE
    assert found.flag.tolist() == [1, 9, 1]


def test_a_series_of_missing_values_is_missing():
    assert qualify_series(MINUTES, np.full(400, math.nan), FULL).flag.tolist() == [9] * 400


def test_a_series_of_equal_values_fails_once_it_lasted():
    found = qualify_series(MINUTES, np.full(400, 7.0), FULL)
    assert found.tests[:21, 4].tolist() == [1] * 10 + [3] * 10 + [4]
    assert set(found.tests[20:, 4].tolist()) == {4}
    assert found.statistic[-1, 4] == 399 * 60


def test_equal_times_leave_no_trace_in_later_flags():
    value = 10 + np.sin(np.arange(400))
    doubled = np.repeat(MINUTES, 2)
    values = np.stack([value, np.full(400, 25.0)], axis=1).ravel()
    found = qualify_series(doubled, values, FULL)
    assert found.tests[1::2, 2:].tolist() == [[2, 2, 2, 2]] * 400
    assert np.array_equal(found.tests[::2], qualify_series(MINUTES, value, FULL).tests)


def test_a_time_that_went_backward_leaves_no_trace_either():
    value = 10 + np.sin(np.arange(400))
    time_us, values = np.insert(MINUTES, 200, START_US - 10**12), np.insert(value, 200, -20.0)
    found = qualify_series(time_us, values, FULL)
    assert found.tests[200].tolist() == [1, 3, 2, 2, 2, 2]
    assert np.array_equal(np.delete(found.tests, 200, axis=0), qualify_series(MINUTES, value, FULL).tests)


def test_after_a_gap_of_a_year_nothing_is_compared_with_what_was():
    time_us = np.concatenate([MINUTES[:30], MINUTES[:30] + 31_536_000 * US])
    found = qualify_series(time_us, np.full(60, 5.0), FULL)
    assert found.tests[30].tolist() == [1, 1, 2, 2, 1, 2]
    assert found.tests[29, 2] == 2
    assert found.statistic[30, 4] == 0


def test_a_huge_value_leaves_the_spread_of_later_windows_exact():
    value = 10 + 0.3 * np.sin(np.arange(400))
    value[50] = 1e18
    found = qualify_series(MINUTES, value, FULL, feeds=None).statistic[:, 5]
    alone = [np.std(value[row - 14 : row + 1]) for row in range(66, 400)]
    assert np.allclose(found[66:], alone, rtol=1e-12)


def test_the_month_is_the_local_one():
    midnight_kst = 1_730_386_800 * US  # 2024-11-01 00:00 in Seoul, still October in UTC
    found = qualify_series(np.array([midnight_kst - 1, midnight_kst]), np.array([35.0, 35.0]), FULL)
    assert found.tests[:, 1].tolist() == [2, 3]


def test_a_rounding_step_between_quick_readings_is_no_jump():
    found = qualify_series(START_US + US * np.arange(3), np.array([1.0, 1.1, 1.1]), FULL)
    assert found.tests[:, 3].tolist() == [1, 1, 1]


def test_reasons_name_what_was_compared_with_what_and_over_which_time():
    value = np.full(100, 7.0)
    value[50] = 13.0
    spike = {one.test: one for one in why(MINUTES[:100], value, FULL, 50)}["spike"]
    assert (spike.flag, spike.statistic, spike.suspect, spike.fail) == (4, 6.0, (None, 2), (None, 5))
    assert (spike.start_us, spike.end_us, spike.n_values) == (MINUTES[49], MINUTES[51], 3)
    flat = {one.test: one for one in why(MINUTES[:100], value, FULL, 99)}["flat_line"]
    assert (flat.flag, flat.statistic, flat.start_us, flat.n_values) == (4, 48 * 60, MINUTES[51], 49)


def test_reasons_have_the_flags_of_the_series_for_every_row():
    time_us, value = seeded(9, 300, regular=False)
    flags = qualify_series(time_us, value, WALK_LIMITS).tests
    told = [[one.flag for one in why(time_us, value, WALK_LIMITS, row)] for row in range(300)]
    assert np.array_equal(told, flags)


def test_values_that_differ_by_the_tolerance_itself_are_not_flat():
    found = qualify_series(MINUTES, 1.0 + 0.5 * (np.arange(400) % 2), Limits(flat_fail_s=600, flat_tolerance=0.5))
    assert set(found.tests[:, 4].tolist()) == {1}
