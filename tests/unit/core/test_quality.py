"""The first judgement: missing, impossible, unlikely, ahead of time, in quarantine."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dure.core.observations import Check, Flag
from dure.core.properties import Property
from dure.core.quality import CLOCK_AHEAD_S_MAX, assessed, clock_ahead, gross_range, plausible, quarantine, ranges_of
from dure.core.text import Text

WIDE = Property(id="t", name=Text("기온"), unit="Cel", fail_min=-50, fail_max=60, suspect_min=-35, suspect_max=45)
PLAIN = Property(id="h", name=Text("습도"), unit="%", fail_min=0, fail_max=100)
RANGES = ranges_of([WIDE, PLAIN])
values = arrays(np.float64, st.integers(0, 30), elements=st.floats(allow_nan=True, allow_infinity=True))


@pytest.mark.parametrize(
    ("value", "series", "flag", "check"),
    [
        (20, 0, Flag.GOOD, Check.NONE),
        (-35, 0, Flag.GOOD, Check.NONE),
        (45, 0, Flag.GOOD, Check.NONE),
        (np.nextafter(45, 99), 0, Flag.SUSPECT, Check.ABOVE_LIKELY),
        (-36, 0, Flag.SUSPECT, Check.BELOW_LIKELY),
        (-50, 0, Flag.SUSPECT, Check.BELOW_LIKELY),
        (60, 0, Flag.SUSPECT, Check.ABOVE_LIKELY),
        (61, 0, Flag.FAIL, Check.ABOVE_POSSIBLE),
        (-51, 0, Flag.FAIL, Check.BELOW_POSSIBLE),
        (np.inf, 0, Flag.FAIL, Check.ABOVE_POSSIBLE),
        (-np.inf, 0, Flag.FAIL, Check.BELOW_POSSIBLE),
        (1e300, 0, Flag.FAIL, Check.ABOVE_POSSIBLE),
        (np.nan, 0, Flag.MISSING, Check.MISSING_VALUE),
        (0, 1, Flag.GOOD, Check.NONE),
        (100, 1, Flag.GOOD, Check.NONE),
        (-0.1, 1, Flag.FAIL, Check.BELOW_POSSIBLE),
        (100.1, 1, Flag.FAIL, Check.ABOVE_POSSIBLE),
    ],
)
def test_gross_range(value, series, flag, check):
    found = gross_range(np.array([value], np.float64), np.array([series], np.int32), RANGES)
    assert [column.tolist() for column in found] == [[flag], [check]]


@given(values)
def test_gross_range_judges_each_row_by_itself(column):
    series = np.zeros(len(column), np.int32)
    flag, check = gross_range(column, series, RANGES)
    backwards = gross_range(column[::-1], series, RANGES)
    assert np.array_equal(flag[::-1], backwards[0])
    assert np.array_equal(flag == Flag.MISSING, np.isnan(column))
    assert np.array_equal(flag == Flag.GOOD, check == Check.NONE)
    assert np.array_equal(flag == Flag.FAIL, (column < WIDE.fail_min) | (column > WIDE.fail_max))


@pytest.mark.parametrize(
    ("ahead_us", "before", "flag"),
    [
        (0, Flag.GOOD, Flag.GOOD),
        (CLOCK_AHEAD_S_MAX * 1_000_000, Flag.GOOD, Flag.GOOD),
        (CLOCK_AHEAD_S_MAX * 1_000_000 + 1, Flag.GOOD, Flag.SUSPECT),
        (10**12, Flag.FAIL, Flag.FAIL),
        (10**12, Flag.MISSING, Flag.MISSING),
        (-(10**12), Flag.GOOD, Flag.GOOD),
    ],
)
def test_a_clock_that_runs_ahead_makes_a_good_row_suspect(ahead_us, before, flag):
    flags, checks = np.array([before], np.uint8), np.zeros(1, np.uint8)
    now = np.array([1_700_000_000_000_000], np.int64)
    clock_ahead(flags, checks, now + ahead_us, now)
    assert flags.tolist() == [flag]
    assert (checks[0] == Check.CLOCK_AHEAD) == (flag is Flag.SUSPECT)


@pytest.mark.parametrize(
    ("before", "held", "after"),
    [
        (Flag.GOOD, True, Flag.NOT_EVALUATED),
        (Flag.SUSPECT, True, Flag.NOT_EVALUATED),
        (Flag.FAIL, True, Flag.FAIL),
        (Flag.MISSING, True, Flag.MISSING),
        (Flag.GOOD, False, Flag.GOOD),
    ],
)
def test_quarantine_holds_what_may_be_true(before, held, after):
    flags, checks = np.array([before], np.uint8), np.zeros(1, np.uint8)
    quarantine(flags, checks, np.array([held]))
    assert flags.tolist() == [after]
    assert (checks[0] == Check.QUARANTINE) == (after is Flag.NOT_EVALUATED)


@pytest.mark.parametrize(
    ("before", "says", "after"),
    [
        ((1, 0), (1, 0), (1, 0)),
        ((1, 0), (3, 31), (3, 31)),
        ((1, 0), (4, 31), (4, 31)),
        ((1, 0), (2, 0), (1, 0)),
        ((1, 0), (9, 1), (1, 0)),
        ((3, 13), (1, 0), (3, 13)),
        ((3, 13), (3, 31), (3, 31)),
        ((3, 13), (4, 31), (4, 31)),
        ((4, 11), (3, 31), (4, 11)),
        ((4, 11), (1, 0), (4, 11)),
        ((2, 2), (1, 0), (2, 2)),
        ((2, 2), (3, 31), (2, 31)),
        ((2, 2), (2, 31), (2, 31)),
        ((2, 2), (4, 31), (4, 31)),
        ((9, 1), (4, 31), (9, 1)),
        ((9, 1), (1, 0), (9, 1)),
        ((1, 0), (77, 5), (1, 0)),
    ],
)
def test_a_further_judgement_only_makes_a_flag_worse(before, says, after):
    flag, check = assessed(*(np.array([one], np.uint8) for one in (*before, *says)))
    assert (int(flag[0]), int(check[0])) == after
    assert (flag.dtype, check.dtype) == (np.uint8, np.uint8)


def test_only_what_is_still_good_or_held_by_quarantine_alone_speaks_for_a_device():
    flag = np.array([1, 1, 3, 4, 2, 2, 2], np.uint8)
    check = np.array([0, 0, 31, 31, Check.QUARANTINE, Check.QUARANTINE, 31], np.uint8)
    was_good = np.array([True, False, True, True, True, False, True])
    assert plausible(was_good, flag, check).tolist() == [True, False, False, False, True, False, False]
