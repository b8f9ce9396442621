"""Kills, copies, retention: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
from telemetry_oracle import DAY, HOUR, T0, S, batch, every_row

from dure.core.observations import Batch
from dure.core.properties import Property

WRITER = Path(__file__).parent / "telemetry_writer.py"
PER_MESSAGE = 40


def test_a_writer_killed_at_random_loses_and_doubles_nothing(engine):
    chance = random.Random(5)  # noqa: S311  # chance of a test
    acknowledged = 0
    for _ in range(engine.kills):
        process = subprocess.Popen([sys.executable, str(WRITER), engine.name, engine.url("k")], stdout=subprocess.PIPE, text=True)
        for line in process.stdout:
            acknowledged = max(acknowledged, int(line))
            if chance.random() < 0.04:
                break
        process.kill()
        process.communicate()
    store = engine.store("k")
    cursor = store.cursor("OBS")
    assert cursor >= acknowledged > 0
    rows = every_row(store)
    assert len(rows) == store.count()
    assert sum(count for _, count in store.totals("day", 0, T0 + 400 * DAY).values()) == len(rows)
    assert {row[7] for row in rows} >= set(range(1, cursor + 1))
    assert len({row[:3] for row in rows}) == len(rows)
    assert sum(row[7] <= cursor for row in rows) == cursor * PER_MESSAGE


def test_a_backup_holds_one_instant_while_appends_go_on(engine, tmp_path):
    store = engine.store()
    stop = threading.Event()
    sent = [0]

    def write():
        while not stop.is_set():
            number = sent[0] + 1
            rows = [(f"s{i}", "temp", T0 + number * S, float(i)) for i in range(20)]
            store.append(batch([(*row, 1, row[2], number) for row in rows]), {"OBS": number})
            sent[0] = number

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while sent[0] < 5:
            stop.wait(0.01)
        before = sent[0]
        store.backup(str(tmp_path / "backup"))
    finally:
        stop.set()
        writer.join()
    copy = engine.restore(tmp_path / "backup")
    cursor = copy.cursor("OBS")
    assert before <= cursor <= sent[0]
    known = [row for row in every_row(copy) if row[7] <= cursor]
    assert known == [row for row in every_row(store) if row[7] <= cursor]
    assert len(known) == cursor * 20
    assert sum(count for _, count in copy.totals("day", 0, T0 + DAY).values()) == copy.count()


TEMP = Property(id="temp", name={"ko": "기온", "en": "Temperature"}, unit="Cel", fail_min=-60, fail_max=60, retention_d=3)


def test_expiry_drops_archived_rows_past_their_retention_and_keeps_the_rollups(engine):
    store = engine.store()
    rows = [(a, p, T0 + i * HOUR, float(i)) for i in range(24 * 9) for a in ("a", "b") for p in ("temp", "rain")]
    store.append(batch(rows), {})
    now_us = T0 + 9 * DAY
    before = store.totals("day", 0, now_us + DAY)
    assert store.expire([TEMP], now_us=now_us, archived_until_us=T0 + DAY) > 0
    again = store.expire([TEMP], now_us=now_us, archived_until_us=now_us)
    assert again > 0
    horizon = (now_us - 3 * DAY) // DAY * DAY
    assert store.series(("a", "temp"), 0, now_us).time_us[0] == horizon
    assert len(store.series(("a", "rain"), 0, now_us).time_us) == 24 * 9
    after = store.totals("day", 0, now_us + DAY)
    assert after.keys() == before.keys()
    assert [count for _, count in after.values()] == [before[key][1] for key in after]
    assert store.expire([TEMP], now_us=now_us, archived_until_us=now_us) == 0
    while store.maintain(now_us=now_us):
        pass
    assert store.totals("day", 0, now_us + DAY).keys() == before.keys()


def test_rows_late_for_an_expired_hour_add_to_its_rollup(engine):
    store = engine.store()
    store.append(batch([("a", "temp", T0 + i * S, 1.0) for i in range(10)]), {})
    assert store.expire([TEMP], now_us=T0 + 30 * DAY, archived_until_us=T0 + 29 * DAY) == 10
    store.append(batch([("a", "temp", T0 + 20 * S, 5.0, 1, T0 + 30 * DAY)]), {})
    assert store.rollup("temp", "hour", T0, T0 + 1).total.tolist() == [15.0]
    while store.maintain(now_us=T0 + 31 * DAY):
        pass
    assert store.rollup("temp", "hour", T0, T0 + 1).total.tolist() == [15.0]
    assert store.expire([TEMP], now_us=T0 + 40 * DAY, archived_until_us=T0 + 39 * DAY) == 1
    while store.maintain(now_us=T0 + 41 * DAY):
        pass
    assert store.rollup("temp", "day", T0, T0 + 1).total.tolist() == [15.0]


def test_rows_that_arrived_after_the_archive_was_written_do_not_expire(engine):
    store = engine.store()
    store.append(batch([("a", "temp", T0, 1.0), ("a", "temp", T0 + S, 1.0, 1, T0 + 30 * DAY)]), {})
    assert store.expire([TEMP], now_us=T0 + 30 * DAY, archived_until_us=T0 + 29 * DAY) == 1
    assert store.series(("a", "temp"), 0, T0 + DAY).time_us.tolist() == [T0 + S]


def test_many_threads_read_while_one_writes(engine):
    store = engine.store()
    failures = []
    done = threading.Event()

    def read():
        seen = 0
        while not done.is_set():
            now = len(store.series(("s1", "temp"), 0, 2**61).value)
            total = store.totals("month", 0, T0 + 400 * DAY)
            if now < seen or any(count % 20 for _, count in total.values()):
                failures.append((seen, now, total))
            seen = now

    readers = [threading.Thread(target=read) for _ in range(4)]
    for one in readers:
        one.start()
    for number in range(60):
        store.append(batch([(f"s{i}", "temp", T0 + number * S, float(i)) for i in range(20)]), {"OBS": number})
        if number % 20 == 7:
            store.maintain(now_us=T0 + number * HOUR, seconds=0.0)
    done.set()
    for one in readers:
        one.join()
    assert failures == []


def test_a_million_rows_are_counted_and_summed_exactly(store):
    n, step = 1_000_000, 65_536
    index = np.arange(n)
    keys = [(f"asset-{i:04d}", f"p{i % 5}") for i in range(2_000)]
    value = np.round(np.random.default_rng(1).normal(20, 5, n), 1)
    time_us = T0 + index // 2_000 * 600 * S
    for start in range(0, n, step):
        part = slice(start, start + step)
        rows = len(index[part])
        some = Batch(
            keys,
            (index[part] % 2_000).astype(np.int32),
            time_us[part],
            time_us[part],
            value[part],
            np.ones(rows, np.uint8),
            np.zeros(rows, np.uint8),
            index[part],
        )
        assert store.append(some, {"OBS": start}).fresh.all()
    while store.maintain(now_us=T0 + 99 * DAY):
        pass
    totals = store.totals("month", 0, T0 + 99 * DAY)
    assert sum(count for _, count in totals.values()) == store.count() == n
    np.testing.assert_allclose(sum(total for total, _ in totals.values()), value.sum())
    found = store.rollup("p3", "day", T0, T0 + 9 * DAY)
    assert int(found.n_good.sum()) == n // 5
