"""Revised flags laid over rows: the last one of each row, and no other row."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dure.core.observations import Revisions
from dure.engines.telemetry.pending import none_pending, pending_of

cells = st.lists(st.tuples(st.integers(0, 3), st.integers(-3, 3), st.sampled_from([1, 2, 3, 4]), st.integers(0, 9)), max_size=20)
places = st.lists(st.tuples(st.integers(0, 4), st.integers(-4, 4)), min_size=1, max_size=20, unique=True)


def revisions(some):
    columns = list(zip(*some, strict=True)) if some else [(), (), (), ()]
    types = (np.int32, np.int64, np.uint8, np.uint8)
    return Revisions([(str(k), "t") for k in range(4)], *(np.array(c, t) for c, t in zip(columns, types, strict=True)))


@given(cells, cells, places, st.permutations(range(4)))
def test_rows_get_the_last_revision_that_means_them(first, second, rows, numbers):
    one, _ = pending_of(revisions(first), numbers)
    other, _ = pending_of(revisions(second), numbers, len(first))
    pending = one.plus(other)
    expected = {(numbers[series], time_us): (flag, check) for series, time_us, flag, check in [*first, *second]}
    assert len(pending) == len(expected)
    series = np.array([row[0] for row in rows], np.int32)
    time_us = np.array([row[1] for row in rows], np.int64)
    flag, check = pending.patched(series, time_us, np.full(len(rows), 1, np.uint8), np.zeros(len(rows), np.uint8))
    assert list(zip(flag.tolist(), check.tolist(), strict=True)) == [expected.get(row, (1, 0)) for row in rows]
    for number in range(5):
        at = np.arange(-4, 5)
        flag, _ = pending.patched(number, at, np.full(9, 1, np.uint8), np.zeros(9, np.uint8))
        assert flag.tolist() == [expected.get((number, one), (1, 0))[0] for one in at.tolist()]
    assert pending.own(series, time_us).sum() == len(expected.keys() & set(rows))


@given(cells)
def test_revisions_of_unknown_series_are_counted_once_for_each_row(some):
    found, unknown = pending_of(revisions(some), [0, -1, -1, 0])
    assert unknown == len({(series, time_us) for series, time_us, *_ in some if series in {1, 2}})
    assert len(found) == len({time_us for series, time_us, *_ in some if series in {0, 3}})


def test_a_fold_leaves_what_came_after_it():
    pending, _ = pending_of(revisions([(0, 1, 3, 1), (1, 1, 4, 2)]), [0, 1, 2, 3], 10)
    assert pending.newer_than(10).series.tolist() == [1]
    assert len(none_pending().newer_than(5)) == len(pending.newer_than(11)) == 0
