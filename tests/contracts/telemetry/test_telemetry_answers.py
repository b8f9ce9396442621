"""The questions: series, pages, roll-ups, totals, latest, days."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from telemetry_oracle import DAY, HOUR, STARTS, T0, Oracle, S, assert_rollup_equals, batch, day_start, every_row, rows_of


def test_a_series_is_half_open_in_time_order_and_limited(store):
    store.append(batch([("a", "temp", T0 + i * S, float(i)) for i in (3, 1, 2, 0)]), {})
    assert store.series(("a", "temp"), T0 + S, T0 + 3 * S).value.tolist() == [1.0, 2.0]
    assert store.series(("a", "temp"), T0, T0 + DAY, limit=2).value.tolist() == [0.0, 1.0]
    assert len(store.series(("a", "other"), T0, T0 + DAY).value) == 0


def test_as_of_shows_what_was_known_then(store):
    store.append(batch([("a", "temp", T0, 1.0, 1, T0 + S), ("a", "temp", T0 + S, 2.0, 1, T0 + HOUR)]), {})
    assert store.series(("a", "temp"), 0, T0 + DAY, as_of_us=T0 + S).value.tolist() == [1.0]
    assert len(store.observations([("a", "temp")], 0, T0 + DAY, as_of_us=T0 + HOUR)) == 2
    assert len(store.observations([("a", "temp")], 0, T0 + DAY, as_of_us=T0 + HOUR - 1)) == 1
    assert rows_of(store.latest(as_of_us=T0 + S)) == [("a", "temp", T0, T0 + S, 1.0, 1, 0, 0)]


def test_pages_follow_each_other_without_gap_or_repeat(store):
    rows = [(a, p, T0 + i * S, float(i)) for a in ("a", "b", "c") for p in ("rain", "temp") for i in range(7)]
    store.append(batch(rows), {})
    store.maintain(now_us=T0)
    store.append(batch([("a", "rain", T0 + 7 * S, 7.0)]), {})
    keys = [("a", "rain"), ("a", "temp"), ("c", "temp"), ("x", "temp")]
    seen, after = [], None
    while page := store.observations(keys, T0, T0 + DAY, after=after, limit=4):
        seen += [(one.phenomenon_time, one.asset, one.property) for one in page]
        after = (T0 + round((page[-1].phenomenon_time - seen[0][0]).total_seconds()) * S, page[-1].asset, page[-1].property)
    assert len(seen) == 22
    assert seen == sorted(set(seen))


def test_the_newest_row_of_each_series_is_by_phenomenon_time(store):
    store.append(batch([("a", "temp", T0 + HOUR, 2.0), ("b", "temp", T0, None, 9)]), {})
    store.append(batch([("a", "temp", T0, 1.0)]), {})
    found = {row[:2]: row[2] for row in rows_of(store.latest())}
    assert found == {("a", "temp"): T0 + HOUR, ("b", "temp"): T0}


def test_a_day_comes_sorted_by_property_asset_and_time(store):
    rows = [(a, p, T0 + i * HOUR, 1.0) for i in (5, 1, 30) for a in ("b", "a") for p in ("temp", "rain")]
    store.append(batch(rows), {})
    start = day_start(T0 + 5 * HOUR)
    found = [row for chunk in store.day(start, start + DAY) for row in rows_of(chunk)]
    assert found == sorted(found, key=lambda row: (row[1], row[0], row[2]))
    assert len(found) == 4


def test_touched_days_are_those_that_received_rows(store):
    store.append(batch([("a", "temp", T0 - 40 * DAY, 1.0, 1, T0), ("a", "temp", T0, 1.0, 1, T0 - 1)]), {})
    assert store.touched_days(T0) == [day_start(T0 - 40 * DAY)]
    assert store.touched_days(T0 - 1) == [day_start(T0 - 40 * DAY), day_start(T0)]
    assert store.count(T0, T0 + 1) == 1


@pytest.mark.parametrize("period", ["hour", "day", "month"])
def test_rollups_are_whole_periods_that_overlap_the_interval(store, period):
    start_of = STARTS[period]
    rows = [("a", "temp", T0 + i * 20 * 60 * S, float(i)) for i in range(300)]
    store.append(batch(rows), {})
    oracle = Oracle()
    oracle.append(batch(rows))
    middle = T0 + 33 * HOUR + 1
    found = store.rollup("temp", period, middle, middle + HOUR)
    wanted = {k: v for k, v in oracle.rollup("temp", start_of).items() if start_of(middle) <= k[1] <= start_of(middle + HOUR)}
    assert_rollup_equals(found, wanted)


def test_a_month_ends_where_the_calendar_says(store):
    ends = np.array(
        ["2025-12-31T23:59:59.999999", "2026-01-01", "2026-02-28T23:59", "2026-03-01", "2024-02-29"], "datetime64[us]"
    )
    store.append(batch([("a", "temp", int(t), 1.0) for t in ends.astype(np.int64)]), {})
    found = store.rollup("temp", "month", 0, T0 + 400 * DAY)
    assert found.start_us.astype("datetime64[us]").astype("datetime64[M]").astype(str).tolist() == [
        "2024-02",
        "2025-12",
        "2026-01",
        "2026-02",
        "2026-03",
    ]
    assert store.totals("month", T0, T0 + 1) == {("temp", int(np.datetime64("2026-01-01", "us").astype(np.int64))): (1.0, 1)}


def test_rollups_can_name_their_assets(store):
    store.append(batch([(a, "temp", T0, 1.0) for a in "dbca"]), {})
    store.maintain(now_us=T0 + DAY)
    store.append(batch([(a, "temp", T0 + 1, 3.0) for a in "dbca"]), {})
    found = store.rollup("temp", "hour", T0, T0 + HOUR, assets=["c", "a", "zz"])
    assert list(found.asset) == ["a", "c"]
    assert found.mean.tolist() == [2.0, 2.0]


def test_the_mean_of_a_direction_is_that_of_its_unit_vectors(store):
    store.append(batch([("a", "wind_dir", T0, 350.0), ("b", "wind_dir", T0, 90.0), ("b", "wind_dir", T0 + S, 270.0)]), {})
    store.maintain(now_us=T0 + DAY)
    store.append(batch([("a", "wind_dir", T0 + S, 20.0), ("c", "wind_dir", T0, None, 9)]), {})
    found = store.rollup("wind_dir", "hour", T0, T0 + HOUR)
    np.testing.assert_allclose(found.mean[0], 5.0, atol=1e-9)
    assert np.isnan(found.mean[1])  # opposite winds point nowhere
    assert np.isnan(found.mean[2])  # a missing reading has no direction
    np.testing.assert_allclose(store.rollup("wind_dir", "month", T0, T0 + HOUR).mean[0], 5.0, atol=1e-9)


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.sampled_from(["temp", "rain"]),
        st.integers(0, 400).map(lambda i: T0 + i * 13 * 60 * S),
        st.one_of(st.none(), st.floats(-1e6, 1e6)),
        st.sampled_from([1, 2, 3, 4]),
    ).map(lambda row: (*row[:4], 9 if row[3] is None else row[4])),
    max_size=30,
)


@seed(2)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(ROWS, min_size=1, max_size=4), upkeep=st.sets(st.integers(0, 3)))
def test_rollups_and_totals_are_exact_to_the_last_append_whatever_was_rolled_up(engine, batches, upkeep):
    engine.count = getattr(engine, "count", 0) + 1
    store, oracle = engine.store(f"h{engine.count}"), Oracle()
    for number, rows in enumerate(batches):
        store.append(batch(rows), {})
        oracle.append(batch(rows))
        if number in upkeep:
            while store.maintain(now_us=T0 + number * HOUR, seconds=0.0):
                pass
    for period, start_of in STARTS.items():
        totals = store.totals(period, T0, T0 + 10 * DAY)
        for property_id in ("temp", "rain"):
            expected = oracle.rollup(property_id, start_of)
            assert_rollup_equals(store.rollup(property_id, period, T0, T0 + 10 * DAY), expected)
            for start in {start for _, start in expected}:
                values = [v for (_, s), (_, usable) in expected.items() if s == start for v in usable]
                total, count = totals[property_id, start]
                assert count == len(values)
                np.testing.assert_allclose(total, sum(values), rtol=1e-9, atol=1e-6)
    assert every_row(store) == sorted(oracle.rows.values())
    store.close()


def test_upkeep_changes_no_answer(store):
    rng = np.random.default_rng(3)
    for number in range(6):
        times = T0 + rng.integers(0, 20 * 24 * 60, 500) * 60 * S
        store.append(batch([(f"s{i % 9}", "temp", int(t), float(i)) for i, t in enumerate(times)]), {"OBS": number})
        before = every_row(store), store.totals("day", 0, T0 + 99 * DAY)
        while store.maintain(now_us=T0 + number * HOUR, seconds=0.0):
            pass
        assert every_row(store) == before[0]
        assert store.totals("day", 0, T0 + 99 * DAY).keys() == before[1].keys()
        for key, (total, count) in store.totals("day", 0, T0 + 99 * DAY).items():
            assert count == before[1][key][1]
            np.testing.assert_allclose(total, before[1][key][0])
    assert all(a <= b for a, b in pairwise(store.series(("s1", "temp"), 0, 2**61).time_us.tolist()))
