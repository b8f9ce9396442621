"""Flags are revised, values never: every answer, every engine, through kills, copies and the archive."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from telemetry_oracle import DAY, HOUR, STARTS, T0, Oracle, S, assert_rollup_equals, batch, every_row, rows_of

from dure.core.observations import Check, Flag, Revisions, empty_batch
from dure.core.properties import Property
from dure.core.time import from_us
from dure.engines.archive.folder import Archive
from dure.spine.rebuild import rebuild_if_empty

REVISER = Path(__file__).parent / "telemetry_reviser.py"
A, B = ("a", "temp"), ("b", "temp")
LATER = T0 + 400 * DAY
SPIKE = (int(Flag.SUSPECT), int(Check.SPIKE))
FAILED = (int(Flag.FAIL), int(Check.UNLIKE_NEIGHBOURS))


def revisions(rows):
    """Revisions of (asset, property, time_us, flag, check) rows, in order."""
    keys = sorted({(row[0], row[1]) for row in rows})
    return Revisions(
        keys,
        np.array([keys.index((row[0], row[1])) for row in rows], np.int32),
        np.array([row[2] for row in rows], np.int64),
        np.array([row[3] for row in rows], np.uint8),
        np.array([row[4] for row in rows], np.uint8),
    )


def revise(store, *rows):
    return store.append(empty_batch(), {}, revisions(rows))


def filled(store, n=6, step=600 * S, assets=("a", "b")):
    """Some good rows of two series, ten minutes apart."""
    rows = [(asset, "temp", T0 + k * step, float(k), 1, T0 + k * step, k) for asset in assets for k in range(n)]
    store.append(batch(rows), {"OBS": n})
    return rows


def settle(store):
    while store.maintain(now_us=LATER, seconds=5.0):
        pass


def judged(store, key=A):
    found = store.series(key, 0, 2**61)
    return list(zip(found.value.tolist(), found.flag.tolist(), found.check.tolist(), strict=True))


@pytest.fixture(params=["in the tail", "in the body"])
def place(request):
    return request.param


def moved(store, place):
    """Let rows move on from where appends leave them, or not."""
    if place == "in the body":
        settle(store)


def test_a_revision_shows_in_every_question_and_no_value_changes(store, place):
    filled(store)
    moved(store, place)
    found = revise(store, (*A, T0 + 1200 * S, *SPIKE), (*A, T0 + 3000 * S, *FAILED))
    assert (found.revised, found.unknown, len(found.fresh)) == (2, 0, 0)
    expected = [(float(k), 1, 0) for k in range(6)]
    expected[2], expected[5] = (2.0, *SPIKE), (5.0, *FAILED)
    for _ in range(2):  # before it is folded in, and after
        assert judged(store) == expected
        assert judged(store, B) == [(float(k), 1, 0) for k in range(6)]
        page = store.observations([A, B], 0, 2**61)
        assert [(one.value, one.flag, one.check) for one in page if one.asset == "a"] == expected
        one = store.observation(A, T0 + 1200 * S)
        assert (one.value, one.flag, one.check) == (2.0, Flag.SUSPECT, Check.SPIKE)
        newest = {row[0]: (row[4], row[5], row[6]) for row in rows_of(store.latest())}
        assert newest == {"a": (5.0, *FAILED), "b": (5.0, 1, 0)}
        assert [row[4:7] for row in every_row(store) if row[0] == "a"] == expected
        assert store.count() == 12
        settle(store)


def test_roll_ups_are_those_of_the_revised_rows_after_upkeep(store, place):
    chance = np.random.default_rng(7)
    rows = [
        (asset, name, T0 + k * 420 * S, float(chance.normal(100, 30)), int(chance.choice([1, 1, 1, 3, 4])))
        for asset in ("a", "b", "c")
        for name in ("temp", "wind_dir")
        for k in range(300)
    ]
    oracle = Oracle()
    oracle.append(batch(rows))
    store.append(batch(rows), {})
    moved(store, place)
    for turn in range(3):
        chosen = chance.choice(len(rows), 40, replace=False)
        changes = [(*rows[k][:3], *((1, 50), SPIKE, FAILED)[k % 3]) for k in chosen]
        revise(store, *changes)
        for asset, name, time_us, flag, check in changes:
            row = oracle.rows[asset, name, time_us]
            oracle.rows[asset, name, time_us] = (*row[:5], flag, check, row[7])
        late = [("a", "temp", T0 + turn * S + 1, 5.0), ("d", "wind_dir", T0 + turn * HOUR, 359.0)]
        oracle.append(batch(late))
        store.append(batch(late), {})
        settle(store)
        for name in ("temp", "wind_dir"):
            for period, start in STARTS.items():
                expected = oracle.rollup(name, start)
                assert_rollup_equals(store.rollup(name, period, 0, LATER), expected, vector=name == "wind_dir")
        total = {start: (float(np.sum(usable)), len(usable)) for (_, start), (_, usable) in sums_of(oracle).items()}
        found = {start: sums for (name, start), sums in store.totals("day", 0, LATER).items() if name == "temp"}
        assert found.keys() == total.keys()
        for start, sums in total.items():
            np.testing.assert_allclose(found[start], sums, rtol=1e-9)


def sums_of(oracle):
    """Usable values of temp by day, over all assets."""
    days = {}
    for (_, start), (counts, usable) in oracle.rollup("temp", STARTS["day"]).items():
        before = days.setdefault(("", start), (counts, []))
        before[1].extend(usable)
    return days


def test_direction_means_follow_revised_flags(store, place):
    store.append(batch([("a", "wind_dir", T0 + k * S, direction) for k, direction in enumerate((90.0, 180.0))]), {})
    moved(store, place)
    revise(store, ("a", "wind_dir", T0 + S, *FAILED))
    settle(store)
    found = store.rollup("wind_dir", "hour", T0, T0 + HOUR)
    np.testing.assert_allclose(found.mean, [90.0], atol=1e-9)
    assert (found.n_good.tolist(), found.n_fail.tolist()) == ([1], [1])


def test_the_last_revision_of_a_row_stands(store, place):
    filled(store)
    moved(store, place)
    revise(store, (*A, T0, *SPIKE), (*A, T0, *FAILED), (*A, T0, *SPIKE))
    assert judged(store)[0] == (0.0, *SPIKE)
    revise(store, (*A, T0, *FAILED))
    assert judged(store)[0] == (0.0, *FAILED)
    settle(store)
    revise(store, (*A, T0, 1, 50))
    assert judged(store)[0] == (0.0, 1, 50)
    settle(store)
    assert judged(store)[0] == (0.0, 1, 50)


def test_rows_of_the_same_batch_are_kept_as_revised(store):
    rows = [("a", "temp", T0 + k * S, float(k)) for k in range(4)]
    found = store.append(batch(rows), {"OBS": 4}, revisions([(*A, T0 + S, *SPIKE)]))
    assert (found.fresh.tolist(), found.revised, found.unknown) == ([True] * 4, 1, 0)
    assert [row[1] for row in judged(store)] == [1, 3, 1, 1]
    assert store.rollup("temp", "hour", T0, T0 + HOUR).n_suspect.tolist() == [1], "they are new: the roll-up has them at once"
    again = store.append(batch(rows), {"OBS": 4}, revisions([(*A, T0 + 2 * S, *SPIKE)]))
    assert (again.fresh.any(), again.revised) == (False, 1)
    assert [row[1] for row in judged(store)] == [1, 3, 3, 1]


def test_revisions_of_rows_that_are_not_kept_are_nothing_and_counted(store):
    filled(store)
    before = every_row(store)
    missing = [(*A, T0 + S, *FAILED), (*A, LATER, *FAILED), ("zzz", "temp", T0, *FAILED), ("a", "rain", T0, *FAILED)]
    found = revise(store, *missing, (*B, T0, *SPIKE))
    assert (found.revised, found.unknown) == (1, 4)
    store.append(batch([("a", "temp", T0 + S, 9.0), ("zzz", "temp", T0, 9.0)]), {})
    settle(store)
    assert set(store.keys()) == {A, B, ("zzz", "temp")}
    assert [row for row in every_row(store) if row[4] != 9.0] == [
        (*row[:5], *SPIKE, row[7]) if row[:3] == (*B, T0) else row for row in before
    ]
    assert {row[5] for row in every_row(store) if row[4] == 9.0} == {1}, "it came before its row and is forgotten"


def test_no_revisions_change_nothing(store):
    filled(store)
    before = every_row(store)
    found = store.append(empty_batch(), {"OBS": 9}, revisions([]))
    assert (found.revised, found.unknown, every_row(store), store.cursor("OBS")) == (0, 0, before, 9)


def test_days_with_revised_flags_are_named_and_written_to_the_archive_anew(store, tmp_path):
    day = T0 // DAY * DAY
    filled(store)
    archive = Archive(tmp_path / "archive", "c")
    now_us = day + 2 * DAY
    assert [one.start_us for one in archive.catch_up(store, now_us=now_us)] == [day]
    assert archive.catch_up(store, now_us=now_us + HOUR) == []
    revise(store, (*A, T0 + 600 * S, *FAILED))
    assert (store.revised_days(0), store.touched_days(T0 + 10 * DAY)) == ([day], [day])
    settle(store)
    assert (store.revised_days(0), store.revised_days(2**60)) == ([day], [])
    assert [one.start_us for one in archive.catch_up(store, now_us=now_us + 2 * HOUR)] == [day]
    kept = {row[:3]: row[4:7] for chunk in archive.read(day) for row in rows_of(chunk)}
    assert kept[*A, T0 + 600 * S] == (1.0, *FAILED)
    assert kept[*A, T0] == (0.0, 1, 0)
    assert archive.verify() == []


def test_a_store_rebuilt_from_the_archive_and_the_stream_has_the_last_flags(engine, tmp_path):
    first = engine.store()
    rows = filled(first, n=200, step=900 * S)
    archive = Archive(tmp_path / "archive", "c")
    old = [(*A, T0 + 900 * S * k, *SPIKE) for k in (1, 5)]
    messages = [(*A, T0 + 900 * S * 5, 1, 50), (*B, T0 + 900 * S * 199, *FAILED)]
    revise(first, *old)
    archive.catch_up(first, now_us=T0 // DAY * DAY + 2 * DAY)
    revise(first, *messages)
    again = engine.store("again")
    rebuild_if_empty(again, archive)
    again.append(batch(rows), {"OBS": 1})
    revise(again, *messages)
    assert every_row(again) == every_row(first)


def test_expired_hours_keep_their_sums_when_a_flag_of_theirs_is_revised(engine):
    store = engine.store()
    step = 600 * S
    filled(store, n=6 * 24 * 8, step=step)
    settle(store)
    temp = Property(id="temp", name={"ko": "기온", "en": "Temperature"}, unit="Cel", fail_min=-60, fail_max=60, retention_d=3)
    now_us = T0 // DAY * DAY + 10 * DAY
    assert store.expire([temp], now_us=now_us, archived_until_us=T0 + 5 * DAY) > 0
    before = store.rollup("temp", "day", 0, LATER)
    found = revise(store, (*A, T0 + step, *FAILED))
    assert (found.revised, found.unknown) == (0, 1)
    settle(store)
    after = store.rollup("temp", "day", 0, LATER)
    assert (before.n_good.tolist(), before.total.tolist()) == (after.n_good.tolist(), after.total.tolist())


def test_an_hour_whose_rows_are_not_all_there_any_more_keeps_its_sums(engine):
    store = engine.store()
    early = [("a", "temp", T0 + k * 600 * S, float(k), 1, T0) for k in range(4)]
    store.append(batch([*early, ("a", "temp", T0 + 2400 * S, 4.0, 1, T0 + 9 * DAY)]), {})
    settle(store)
    temp = Property(id="temp", name={"ko": "기온", "en": "Temperature"}, unit="Cel", fail_min=-60, fail_max=60, retention_d=3)
    assert store.expire([temp], now_us=T0 + 20 * DAY, archived_until_us=T0 + 5 * DAY) == 4
    settle(store)
    assert revise(store, (*A, T0 + 2400 * S, *FAILED)).revised == 1
    settle(store)
    assert judged(store) == [(4.0, *FAILED)]
    found = store.rollup("temp", "hour", T0, T0 + HOUR)
    assert int(found.n_good.sum() + found.n_fail.sum()) == 5, "no row is counted twice or lost"
    assert float(np.nansum(found.total)) in {6.0, 10.0}


def test_a_backup_holds_revised_flags(engine, tmp_path):
    store = engine.store()
    filled(store)
    settle(store)
    revise(store, (*A, T0, *SPIKE))
    store.backup(str(tmp_path / "copy"))
    copy = engine.restore(tmp_path / "copy")
    assert every_row(copy) == every_row(store)
    settle(copy)
    assert every_row(copy) == every_row(store)
    assert copy.rollup("temp", "hour", 0, LATER).n_suspect.tolist() == [1, 0]


def test_a_reopened_store_knows_what_was_revised(engine):
    store = engine.store()
    filled(store)
    settle(store)
    revise(store, (*A, T0, *SPIKE))
    store.close()
    again = engine.store()
    assert judged(again)[0] == (0.0, *SPIKE)
    revise(again, (*A, T0, *FAILED))
    settle(again)
    assert judged(again)[0] == (0.0, *FAILED)


def test_a_writer_killed_at_random_loses_no_revision(engine):
    acknowledged = 0
    for _ in range(engine.kills):
        process = subprocess.Popen(
            [sys.executable, str(REVISER), engine.name, engine.url("k")], stdout=subprocess.PIPE, text=True
        )
        for count, line in enumerate(process.stdout):
            acknowledged = max(acknowledged, int(line))
            if count >= 12:
                break
        process.kill()
        process.communicate()
    store = engine.store("k")
    cursor = store.cursor("OBS")
    assert cursor >= acknowledged > 0
    settle(store)
    rows = every_row(store)
    assert len({row[:3] for row in rows}) == len(rows)
    flags = {row[7]: row[5] for row in rows if row[0] == "s0"}
    assert {seq: flag for seq, flag in flags.items() if seq < cursor} == {seq: 4 if seq % 2 else 3 for seq in range(1, cursor)}
    counts = store.rollup("temp", "day", 0, LATER)
    assert counts.n_fail.sum() == sum(row[5] == 4 for row in rows)
    assert counts.n_suspect.sum() == sum(row[5] == 3 for row in rows)


def test_questions_asked_while_flags_are_revised_and_folded_see_each_row_once_and_never_an_older_flag(store):
    n = 400
    rows = [("a", "temp", T0 + k * S, float(k)) for k in range(n)]
    store.append(batch(rows), {})
    stop = threading.Event()
    trouble = []

    def ask():
        seen = np.zeros(n, np.int64)
        while not stop.is_set():
            found = store.series(A, 0, 2**61)
            if len(found.flag) < n or (found.check[:n].astype(np.int64) < seen).any():
                trouble.append(found.check[:n].tolist())
            seen = found.check[:n].astype(np.int64)

    def upkeep():
        while not stop.is_set():
            store.maintain(now_us=LATER + len(trouble), seconds=0.0)

    threads = [threading.Thread(target=ask), threading.Thread(target=upkeep)]
    for thread in threads:
        thread.start()
    try:
        for turn in range(1, 40):
            news = batch([("a", "temp", T0 + (n + turn) * S, 0.0)])
            store.append(news, {}, revisions([(*A, T0 + k * S, 3, turn) for k in range(turn % 7, n, 7)]))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert trouble == []
    settle(store)
    found = store.series(A, 0, T0 + n * S)
    assert [(c + 7 - k % 7) % 7 for k, c in enumerate(found.check.tolist()) if c] == [0] * n
    assert from_us(int(found.time_us[0])) == from_us(T0)
