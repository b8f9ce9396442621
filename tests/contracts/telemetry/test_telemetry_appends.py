"""Appending: every observation once, whatever comes again, late, or out of order."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from telemetry_oracle import DAY, HOUR, T0, Oracle, S, batch, every_row, rows_of

from dure.core.observations import Batch


def test_an_empty_store_answers_every_question(store):
    assert store.cursor("OBS") == 0
    assert store.keys() == []
    assert store.count() == 0
    assert len(store.series(("a", "temp"), 0, T0).value) == 0
    assert store.observations([("a", "temp")], 0, T0) == []
    assert store.observation(("a", "temp"), T0) is None
    assert len(store.rollup("temp", "hour", 0, T0).start_us) == 0
    assert len(store.rollup("temp", "month", 0, T0, assets=["a"]).start_us) == 0
    assert store.totals("month", 0, T0) == {}
    assert len(store.latest()) == 0
    assert list(store.day(0, T0)) == []
    assert store.touched_days(0) == []
    assert store.maintain(now_us=T0) is False
    store.check()


def test_an_empty_batch_moves_the_cursor(store):
    kept = store.append(batch([]), {"OBS": 7})
    assert len(kept.fresh) == len(kept.conflict) == 0
    assert store.cursor("OBS") == 7


def test_rows_come_back_as_they_were_given(store):
    given_rows = [("a", "temp", T0, 21.5, 3, T0 + 5, 9, 12), ("b", "rain", T0, None, 9, T0 + 6, 10, 1)]
    store.append(batch(given_rows), {"OBS": 10})
    assert every_row(store) == sorted([("a", "temp", T0, T0 + 5, 21.5, 3, 12, 9), ("b", "rain", T0, T0 + 6, None, 9, 1, 10)])
    one = store.observation(("b", "rain"), T0)
    assert one is not None
    assert (one.value, int(one.flag), int(one.check), one.seq) == (None, 9, 1, 10)


def test_a_repeat_is_dropped_and_another_value_is_a_conflict(store):
    store.append(batch([("a", "temp", T0, 1.0), ("a", "temp", T0 + S, None, 9)]), {"OBS": 1})
    kept = store.append(
        batch(
            [
                ("a", "temp", T0, 1.0),
                ("a", "temp", T0, 2.0),
                ("a", "temp", T0 + S, None, 9),
                ("a", "temp", T0 + S, 5.0),
                ("a", "temp", T0 + 2 * S, 3.0),
            ]
        ),
        {"OBS": 2},
    )
    assert kept.fresh.tolist() == [False, False, False, False, True]
    assert kept.conflict.tolist() == [False, True, False, True, False]
    assert store.series(("a", "temp"), 0, T0 + DAY).value.tolist()[::2] == [1.0, 3.0]


def test_the_first_of_equal_rows_in_one_batch_wins(store):
    kept = store.append(batch([("a", "temp", T0, 1.0), ("a", "temp", T0, 2.0), ("a", "temp", T0, 1.0)]), {})
    assert kept.fresh.tolist() == [True, False, False]
    assert kept.conflict.tolist() == [False, True, False]
    assert store.series(("a", "temp"), 0, T0 + DAY).value.tolist() == [1.0]


def test_late_rows_are_kept_in_their_place_also_after_upkeep(store):
    store.append(batch([("a", "temp", T0 + 10 * HOUR, 10.0)]), {})
    while store.maintain(now_us=T0 + DAY):
        pass
    kept = store.append(batch([("a", "temp", T0 + 5 * HOUR, 5.0), ("a", "temp", T0 + 10 * HOUR, 10.0)]), {})
    assert kept.fresh.tolist() == [True, False]
    assert store.series(("a", "temp"), 0, T0 + DAY).value.tolist() == [5.0, 10.0]


def test_cursors_of_several_streams_are_kept_apart_and_the_newest_wins(engine):
    store = engine.store()
    store.append(batch([("a", "temp", T0, 1.0)]), {"OBS": 5, "IMPORT": 2})
    store.append(batch([("a", "temp", T0 + S, 1.0)]), {"OBS": 9})
    store.append(batch([]), {"OBS": 3})  # a stream made anew starts again
    assert (store.cursor("OBS"), store.cursor("IMPORT"), store.cursor("none")) == (3, 2, 0)
    store.close()
    again = engine.store()
    assert (again.cursor("OBS"), again.cursor("IMPORT")) == (3, 2)


def test_a_reopened_store_still_knows_repeats(engine):
    store = engine.store()
    rows = [("a", "temp", T0 + i * S, float(i)) for i in range(50)]
    store.append(batch(rows), {"OBS": 1})
    store.maintain(now_us=T0)
    store.append(batch([("b", "temp", T0, 1.0)]), {"OBS": 2})
    store.close()
    again = engine.store()
    kept = again.append(batch([*rows, ("b", "temp", T0, 2.0), ("b", "temp", T0 + S, 2.0)]), {"OBS": 3})
    assert kept.fresh.sum() == 1
    assert kept.conflict.sum() == 1
    assert again.count() == 52


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["temp", "wind_dir"]),
        st.integers(0, 40).map(lambda i: T0 + i * 5 * 60 * S),
        st.one_of(st.none(), st.sampled_from([0.0, 1.5, -3.0, 359.0])),
        st.sampled_from([1, 2, 3, 4, 9]),
    ),
    max_size=25,
)


@seed(1)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(ROWS, min_size=1, max_size=5), upkeep=st.integers(0, 5))
def test_any_order_of_any_rows_is_kept_as_the_oracle_keeps_it(engine, batches, upkeep):
    engine.count = getattr(engine, "count", 0) + 1
    store, oracle = engine.store(f"h{engine.count}"), Oracle()
    for number, rows in enumerate(batches):
        some = batch(rows)
        kept = store.append(some, {"OBS": number + 1})
        fresh, conflict = oracle.append(some)
        assert kept.fresh.tolist() == fresh
        assert kept.conflict.tolist() == conflict
        if number == upkeep:
            store.maintain(now_us=T0 + DAY)
    assert every_row(store) == sorted(oracle.rows.values())
    assert store.count() == len(oracle.rows)
    store.close()


def test_a_batch_of_many_series_is_kept_whole(store):
    n = 20_000
    keys = [(f"asset-{i:05d}", f"p{i % 7}") for i in range(n)]
    some = Batch(
        keys,
        np.arange(n, dtype=np.int32),
        np.full(n, T0),
        np.full(n, T0 + S),
        np.arange(n, dtype=float),
        np.ones(n, np.uint8),
        np.zeros(n, np.uint8),
        np.arange(n),
    )
    assert store.append(some, {"OBS": n}).fresh.all()
    assert not store.append(some, {"OBS": n}).fresh.any()
    assert sorted(store.keys()) == sorted(keys)
    assert len(rows_of(store.latest())) == n
