"""Batches for the telemetry contract, and what the answers must be, worked out in plain NumPy."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

import numpy as np

from dure.core.observations import Batch
from dure.core.time import to_us

S = 1_000_000
HOUR = 3_600 * S
DAY = 24 * HOUR
T0 = to_us(datetime(2026, 1, 30, 22, tzinfo=UTC))  # near the end of a month, so that intervals cross it
COLUMNS = ("time_us", "result_us", "value", "flag", "check", "seq")


def batch(rows):
    """A batch of (asset, property, time_us, value[, flag[, result_us[, seq[, check]]]]) rows."""
    keys = sorted({(row[0], row[1]) for row in rows})
    place = {key: index for index, key in enumerate(keys)}
    full = [tuple(row) + (1, row[2] + S, 0, 0)[len(row) - 4 :] for row in rows]
    return Batch(
        keys,
        np.array([place[row[0], row[1]] for row in full], np.int32),
        np.array([row[2] for row in full], np.int64),
        np.array([row[5] for row in full], np.int64),
        np.array([np.nan if row[3] is None else row[3] for row in full], np.float64),
        np.array([row[4] for row in full], np.uint8),
        np.array([row[7] for row in full], np.uint8),
        np.array([row[6] for row in full], np.int64),
    )


def rows_of(some):
    """The rows of a batch as tuples, NaN as None, so that they can be compared."""
    return [
        (*some.keys[s], t, r, None if v != v else v, f, c, q)  # noqa: PLR0124  # NaN
        for s, t, r, v, f, c, q in zip(
            *(
                column.tolist()
                for column in (some.series, some.time_us, some.result_us, some.value, some.flag, some.check, some.seq)
            ),
            strict=True,
        )
    ]


def every_row(store):
    """All rows of a store, sorted."""
    return sorted(row for chunk in store.day(0, 2**61) for row in rows_of(chunk))


class Oracle:
    """Keeps rows as the port says, first wins, and answers from them."""

    def __init__(self):
        self.rows = {}

    def append(self, some):
        fresh, conflict = [], []
        for row in rows_of(some):
            key = row[:3]
            known = self.rows.get(key)
            fresh.append(known is None)
            conflict.append(known is not None and known[4] != row[4])
            self.rows.setdefault(key, row)
        return fresh, conflict

    def rollup(self, property_id, start_of):
        """(asset, start) -> (counts by flag, usable values)."""
        groups = defaultdict(lambda: (defaultdict(int), []))
        for asset, prop, time_us, _, value, flag, _, _ in self.rows.values():
            if prop == property_id:
                counts, usable = groups[asset, start_of(time_us)]
                counts[flag] += 1
                if flag in {1, 3} and value is not None:
                    usable.append(value)
        return dict(sorted(groups.items()))


def hour_start(time_us):
    return time_us // HOUR * HOUR


def day_start(time_us):
    return time_us // DAY * DAY


def month_start(time_us):
    at = np.datetime64(time_us, "us").astype("datetime64[M]").astype("datetime64[us]")
    return int(at.astype(np.int64))


STARTS = {"hour": hour_start, "day": day_start, "month": month_start}


def assert_rollup_equals(found, expected, *, vector=False):
    """Roll-up columns against the oracle's groups, in order."""
    assert list(zip(found.asset, found.start_us.tolist(), strict=True)) == list(expected)
    for index, (counts, usable) in enumerate(expected.values()):
        by_flag = (found.n_good, found.n_not_evaluated, found.n_suspect, found.n_fail, found.n_missing)
        assert [int(column[index]) for column in by_flag] == [counts[flag] for flag in (1, 2, 3, 4, 9)]
        if not usable:
            assert np.isnan([found.total[index], found.mean[index], found.low[index], found.high[index]]).all()
            continue
        np.testing.assert_allclose(found.total[index], np.sum(usable), rtol=1e-9, atol=1e-9)
        assert (found.low[index], found.high[index]) == (min(usable), max(usable))
        if not vector:
            np.testing.assert_allclose(found.mean[index], np.mean(usable), rtol=1e-9, atol=1e-9)
