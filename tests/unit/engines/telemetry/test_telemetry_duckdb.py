"""What is DuckDB's own: opening, damage, locks, a full disk, sorted runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading

import duckdb
import msgspec
import numpy as np
import pytest

from dure.core.errors import Corrupt, Unavailable
from dure.core.observations import Batch
from dure.engines.telemetry import duckdb_upkeep
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.engines.telemetry.duckdb_upkeep import LEVEL, MERGE_ROWS_MAX, mergeable

T0 = 1_770_000_000_000_000


def readings(number, series=100, n=2_000):
    index = np.arange(number * n, (number + 1) * n)
    return Batch(
        [(f"a{i:03d}", "temp") for i in range(series)],
        (index % series).astype(np.int32),
        T0 + index // series * 60_000_000,
        T0 + index // series * 60_000_000,
        index % 97 / 10,
        np.ones(n, np.uint8),
        np.zeros(n, np.uint8),
        index,
    )


def test_a_file_that_is_no_database_is_corrupt_and_says_what_to_do(tmp_path):
    (tmp_path / "t.duckdb").write_bytes(b"not a database" * 1000)
    with pytest.raises(Corrupt, match=r"rebuilt from the archive and the stream.*telemetry\.corrupt"):
        DuckTelemetry(tmp_path / "t.duckdb")


def test_a_log_that_cannot_be_replayed_is_corrupt_and_another_file_can_start(tmp_path):
    store = DuckTelemetry(tmp_path / "t.duckdb")
    store.append(readings(0), {"OBS": 1})
    shutil.copy(tmp_path / "t.duckdb", tmp_path / "copy.duckdb")
    log = bytearray((tmp_path / "t.duckdb.wal").read_bytes())
    store.close()
    log[len(log) // 2 : len(log) // 2 + 64] = bytes(64)
    (tmp_path / "copy.duckdb.wal").write_bytes(log)
    with pytest.raises(Corrupt, match=r"Move it and its \.wal aside"):
        DuckTelemetry(tmp_path / "copy.duckdb")
    (tmp_path / "copy.duckdb").unlink()
    (tmp_path / "copy.duckdb.wal").unlink()
    DuckTelemetry(tmp_path / "copy.duckdb").close()


def test_a_file_of_another_format_is_refused(tmp_path):
    DuckTelemetry(tmp_path / "t.duckdb").close()
    with duckdb.connect(str(tmp_path / "t.duckdb")) as db:
        db.execute("UPDATE format SET version = 99")
    with pytest.raises(Corrupt, match=r"telemetry\.corrupt"):
        DuckTelemetry(tmp_path / "t.duckdb")


def test_a_file_open_in_another_process_is_locked(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); sys.stdin.read()",
         str(tmp_path / "t.duckdb")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        holder.stdout.readline()
        with pytest.raises(Unavailable, match=r"telemetry\.locked"):
            DuckTelemetry(tmp_path / "t.duckdb")
    finally:
        holder.communicate()
    DuckTelemetry(tmp_path / "t.duckdb").close()


def test_a_closed_store_says_so(tmp_path):
    store = DuckTelemetry(tmp_path / "t.duckdb")
    store.close()
    store.close()
    for ask in (store.check, store.count, lambda: store.append(readings(0), {})):
        with pytest.raises(Unavailable, match=r"telemetry\.closed"):
            ask()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_is_said_and_nothing_is_lost_or_doubled_when_there_is_room_again(tmp_path):
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(tmp_path)], check=False).returncode:
        pytest.skip("this machine does not let root mount")
    store = None
    try:
        store = DuckTelemetry(tmp_path / "t.duckdb")
        (tmp_path / "ballast").write_bytes(bytes(3_000_000))
        number = 0
        with pytest.raises(Unavailable, match=r"telemetry\.full"):  # noqa: PT012  # the disk fills at some append
            while True:
                store.append(readings(number, n=8_000), {"OBS": number + 1})
                number += 1
        (tmp_path / "ballast").unlink()
        kept = store.append(readings(number, n=8_000), {"OBS": number + 1})
        assert kept.fresh.all()
        store.check()
        assert store.count() == (number + 1) * 8_000
        assert store.cursor("OBS") == number + 1
    finally:
        if store is not None:
            store.close()
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_failed_append_leaves_memory_and_file_agreed(tmp_path):
    store = DuckTelemetry(tmp_path / "t.duckdb")
    store.append(readings(0), {"OBS": 1})
    some = readings(1)
    broken = msgspec.structs.replace(some, keys=[*some.keys, ("new", "temp")])
    with pytest.raises(Unavailable, match=r"telemetry\.down"):
        store.append(broken, {"OBS": 2**70})
    assert store.count() == 2_000
    assert store.append(broken, {"OBS": 2}).fresh.all()
    assert not store.append(broken, {"OBS": 2}).fresh.any()
    assert ("new", "temp") in set(store.keys())
    store.close()


def test_runs_merge_and_a_series_is_read_from_few_places(tmp_path, monkeypatch):
    monkeypatch.setattr(duckdb_upkeep, "FLUSH_ROWS", 1_000)
    store = DuckTelemetry(tmp_path / "t.duckdb")
    for number in range(40):
        store.append(readings(number), {"OBS": number})
        store.maintain(now_us=T0, seconds=0.0)
    while store.maintain(now_us=T0):
        pass
    store.close()
    with duckdb.connect(str(tmp_path / "t.duckdb")) as db:
        assert db.execute("SELECT count(DISTINCT run) < 14, count(*) FROM body").fetchone() == (True, 80_000)
        assert db.execute("SELECT count(*) FROM (FROM daily) WHERE bucket IS NULL").fetchone() == (0,)
        assert db.execute("SELECT sum(n1) FROM hourly").fetchone() == db.execute("SELECT sum(n1) FROM daily").fetchone()


def test_the_oldest_eight_runs_of_a_level_merge_and_full_runs_are_left():
    assert mergeable({1: 5, 2: 5}) == []
    assert mergeable(dict.fromkeys(range(1, 11), 5)) == list(range(1, 9))
    half = MERGE_ROWS_MAX // 2
    assert mergeable({1: half, 2: half, 3: 5}) == [1, 2]
    assert mergeable({1: half + 1, 2: half + 1}) == []
    assert mergeable({1: 5} | dict.fromkeys(range(LEVEL + 1, LEVEL + 9), 7)) == list(range(LEVEL + 1, LEVEL + 9))


def test_old_cursors_are_trimmed_and_the_newest_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(duckdb_upkeep, "CURSOR_ROWS_MAX", 10)
    store = DuckTelemetry(tmp_path / "t.duckdb")
    empty = readings(0).take(np.zeros(2_000, bool))
    for number in range(30):
        store.append(empty, {"A": number, "B": -number})
    store.maintain(now_us=T0)
    store.close()
    with duckdb.connect(str(tmp_path / "t.duckdb")) as db:
        assert db.execute("SELECT count(*) FROM cursors").fetchone() == (2,)
    again = DuckTelemetry(tmp_path / "t.duckdb")
    assert (again.cursor("A"), again.cursor("B")) == (29, -29)
    again.close()


def test_a_question_during_a_move_counts_no_row_twice(tmp_path):
    telemetry = DuckTelemetry(tmp_path / "t.duckdb")
    kept, seen, done = [0], [], threading.Event()

    def write() -> None:
        for n in range(50):
            rows = np.arange(n * 200_000, (n + 1) * 200_000)
            ones = np.ones(len(rows), np.uint8)
            columns = ((rows % 500).astype(np.int32), rows // 500 * 1_000_000, rows, rows * 1.0, ones, ones * 0, rows)
            telemetry.append(Batch([(f"s{i}", "p") for i in range(500)], *columns), {})
            kept[0] = int(rows[-1]) + 1
        done.set()

    def ask() -> None:
        while not done.is_set():
            before, counted = kept[0], telemetry.count()
            seen.append(before <= counted <= kept[0] + 200_000)  # one batch may be there and not yet told

    askers = [threading.Thread(target=one) for one in (write, ask, ask)]
    for one in askers:
        one.start()
    hour_us = 0
    while not done.is_set():
        hour_us += 3_600_000_000  # each new hour moves what waits
        telemetry.maintain(now_us=hour_us, seconds=0.2)
    for one in askers:
        one.join()
    exact = telemetry.count()
    telemetry.close()

    assert exact == 10_000_000
    assert all(seen)
