"""The newest values, and the pages that follow them."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.observations import Batch, Check, Flag, Revisions, empty_batch
from dure.spine.live import Live, LiveValue

A, B = ("st-1", "t"), ("st-2", "t")


def batch(*rows):
    """Rows of (key, time, value)."""
    keys = list(dict.fromkeys(row[0] for row in rows))
    n = len(rows)
    time_us = np.array([row[1] for row in rows], np.int64)
    return Batch(
        keys,
        np.array([keys.index(row[0]) for row in rows], np.int32),
        time_us,
        time_us,
        np.array([row[2] for row in rows], np.float64),
        np.full(n, Flag.GOOD, np.uint8),
        np.zeros(n, np.uint8),
        np.arange(n, dtype=np.int64),
    )


def shown(live):
    return {(one.asset, one.property): (one.time_us, one.value) for one in live.all()}


def test_newest_is_by_event_time_and_late_rows_change_nothing():
    live = Live()
    assert {one.value for one in live.update(batch((A, 10, 1.0), (A, 30, 3.0), (A, 20, 2.0), (B, 5, 9.0)))} == {3.0, 9.0}
    assert live.update(batch((A, 25, 2.5), (B, 5, 1.0))) == []
    assert shown(live) == {A: (30, 3.0), B: (5, 9.0)}
    assert live.get(*A).value == 3.0
    assert [one.asset for one in live.of_property("t")] == ["st-1", "st-2"]
    assert live.of_asset("st-9") == {}


def test_a_missing_value_is_newest_too_and_not_usable():
    live = Live()
    live.update(batch((A, 1, np.nan)))
    assert live.get(*A).value is None
    assert not live.get(*A).is_usable()


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.integers(0, 50), st.floats(0, 1)), max_size=25), st.integers(1, 6))
def test_any_cut_of_the_rows_leaves_the_newest_of_each_series(rows, size):
    live = Live()
    for at in range(0, len(rows), size):
        live.update(batch(*rows[at : at + size]))
    newest = {}
    for key, time_us, _ in rows:
        newest[key] = max(newest.get(key, 0), time_us)
    assert {key: time_us for key, (time_us, _) in shown(live).items()} == newest


def test_no_rows_change_nothing():
    assert Live().update(empty_batch()) == []


def test_unsaved_values_are_given_once_and_come_back_after_a_failed_flush():
    live = Live()
    live.update(batch((A, 1, 1.0), (B, 1, 1.0)))
    taken = live.take_unsaved()
    assert (len(taken), live.take_unsaved()) == (2, [])
    live.update(batch((A, 2, 2.0)))
    live.return_unsaved(taken)
    assert {(one.asset, one.value) for one in live.take_unsaved()} == {("st-1", 2.0), ("st-2", 1.0)}


def value(time_us, number):
    return LiveValue("st-1", "t", time_us, time_us, number, Flag.GOOD, 0)


def test_values_of_another_process_count_only_when_newer_and_need_no_saving():
    live = Live()
    live.take([value(10, 1.0)])
    live.take([value(10, 2.0), value(9, 3.0)])
    assert (live.get(*A).value, live.take_unsaved()) == (1.0, [])
    live.load([value(11, 4.0)])
    assert (live.get(*A).value, len(live.take_unsaved())) == (4.0, 1)


def revisions(*rows):
    """Revisions of (key, time, flag) rows."""
    keys = list(dict.fromkeys(row[0] for row in rows))
    return Revisions(
        keys,
        np.array([keys.index(row[0]) for row in rows], np.int32),
        np.array([row[1] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.uint8),
        np.full(len(rows), Check.SPIKE, np.uint8),
    )


def test_a_revised_newest_value_changes_its_flag_and_keeps_its_number():
    live = Live()
    live.update(batch((A, 10, 1.0), (B, 10, 2.0)))
    live.take_unsaved()
    changed = live.update(empty_batch(), revisions((A, 9, 4), (A, 10, 4), (A, 10, 3), (("st-9", "t"), 1, 4)), 70)
    assert [(one.asset, one.value, one.flag, one.check, one.seq, one.revised) for one in changed] == [
        ("st-1", 1.0, 3, Check.SPIKE, 70, True)
    ]
    assert live.take_unsaved() == changed
    assert (live.get(*A), live.get(*B).flag) == (changed[0], Flag.GOOD)
    assert live.update(empty_batch(), revisions((A, 10, 3)), 71) == [], "the same once more is no change"
    assert live.update(empty_batch(), revisions(), 72) == []


def test_a_row_and_its_revision_that_come_together_are_told_once():
    live = Live()
    changed = live.update(batch((A, 10, 1.0), (B, 10, 2.0)), revisions((A, 10, 4)), 5)
    assert {one.asset: one.flag for one in changed} == {"st-1": 4, "st-2": 1}
    assert live.update(batch((A, 20, 3.0)), None)[0].revised is False


def test_another_process_takes_in_a_flag_that_changed_at_the_same_instant_and_no_older_one():
    live = Live()
    first = value(10, 1.0)
    failed = msgspec.structs.replace(first, flag=Flag.FAIL, check=int(Check.SPIKE), seq=7, revised=True)
    live.take([first])
    live.take([failed])
    assert live.get(*A) == failed
    live.take([first])
    assert live.get(*A) == failed, "a copy of before comes late"


@contextlib.asynccontextmanager
async def following(live):
    changes = live.follow()
    first = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0)
    yield changes, first
    await changes.aclose()


async def test_a_follower_gets_each_change_in_order():
    live = Live()
    async with following(live) as (changes, first):
        live.update(batch((A, 1, 1.0)))
        live.update(batch((A, 1, 5.0)))
        live.update(batch((A, 2, 2.0)))
        assert [one.value for one in await first] == [1.0]
        assert [one.value for one in await anext(changes)] == [2.0]


async def test_a_slow_follower_loses_its_oldest_changes_and_never_blocks():
    live = Live()
    async with following(live) as (changes, first):
        live.update(batch((A, 1, 1.0)))
        await first
        many = live.FOLLOWER_BACKLOG_MAX + 10
        for n in range(many):
            live.update(batch((A, 2 + n, float(n))))
        got = [(await asyncio.wait_for(anext(changes), 5))[0].value for _ in range(live.FOLLOWER_BACKLOG_MAX)]
    assert got == [float(n) for n in range(10, many)]


async def test_a_follower_that_left_is_forgotten():
    live = Live()
    async with following(live) as (_, first):
        live.update(batch((A, 1, 1.0)))
        await first
    live.update(batch((A, 2, 2.0)))
    assert live._followers == set()  # noqa: SLF001  # a leak of pages would show nowhere else


@pytest.mark.parametrize(("flag", "usable"), [(1, True), (3, True), (2, False), (4, False), (9, False)])
def test_a_screen_shows_good_and_suspect_numbers(flag, usable):
    assert LiveValue("a", "t", 1, 1, 1.0, flag, 0).is_usable() is usable
