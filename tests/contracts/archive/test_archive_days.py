"""A day in the archive is whole, sorted, verified, and written anew when rows come late."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from archive_rows import D0, DAY, S, archived, readings, stored

from dure.core.errors import Corrupt, NotFound, Unavailable
from dure.core.properties import Property
from dure.engines.archive.folder import Archive
from dure.engines.telemetry.duckdb import DuckTelemetry


def test_a_day_is_read_back_row_for_row_and_split_by_kind(telemetry, archive):
    telemetry.append(readings(["bin-1", "st-2", "st-1"], D0 - DAY // 2, 300, 600 * S), {})
    day = archive.write_day(telemetry, D0)
    assert archived(archive, D0) == stored(telemetry, D0, D0 + DAY)
    assert {one.kind: one.rows for one in day.files} == {"bin": 144, "other": 288}
    assert [one.path for one in day.files] == [
        "city=hwaseong/kind=bin/day=2026-03-01/part-0.parquet",
        "city=hwaseong/kind=other/day=2026-03-01/part-0.parquet",
    ]
    assert archive.days() == [day]
    assert archive.verify() == []


def test_any_engine_finds_the_rows_sorted_with_plain_types(telemetry, archive, tmp_path):
    telemetry.append(readings(["b", "a"], D0, 20, 600 * S), {})
    telemetry.append(readings(["a"], D0, 20, 600 * S, property_id="rain"), {})
    archive.write_day(telemetry, D0)
    found = duckdb.sql(f"FROM read_parquet('{tmp_path}/archive/*/*/*/*.parquet', hive_partitioning = true)")
    assert dict(zip(found.columns, map(str, found.types), strict=True)) == {
        "asset": "VARCHAR",
        "property": "VARCHAR",
        "phenomenon_time": "TIMESTAMP WITH TIME ZONE",
        "result_time": "TIMESTAMP WITH TIME ZONE",
        "value": "DOUBLE",
        "flag": "UTINYINT",
        "check": "UTINYINT",
        "seq": "BIGINT",
        "city": "VARCHAR",
        "day": "DATE",
        "kind": "VARCHAR",
    }
    keys = [(p, a, t) for a, p, t in duckdb.sql("SELECT asset, property, epoch_us(phenomenon_time) FROM found").fetchall()]
    assert keys == sorted(keys)


def test_writing_a_day_twice_changes_nothing(telemetry, archive, tmp_path):
    telemetry.append(readings(["a", "b"], D0, 50, 600 * S), {})
    first = archive.write_day(telemetry, D0, now_us=D0 + DAY)
    assert archive.write_day(telemetry, D0, now_us=D0 + 2 * DAY) == first
    assert len(list((tmp_path / "archive").rglob("*.parquet"))) == 1


def test_late_rows_make_a_new_part_and_the_old_file_goes_after_a_day(telemetry, archive, tmp_path):
    telemetry.append(readings(["a"], D0, 50, 600 * S), {})
    archive.write_day(telemetry, D0)
    old = tmp_path / "archive" / archive.days()[0].files[0].path
    telemetry.append(readings(["b"], D0, 50, 600 * S), {})
    day = archive.write_day(telemetry, D0)
    assert day.files[0].path.endswith("part-1.parquet")
    assert archived(archive, D0) == stored(telemetry)
    now_us = int(old.stat().st_mtime * S)
    assert archive.sweep(now_us=now_us + DAY - 60 * S) == 0
    assert archive.sweep(now_us=now_us + DAY + 60 * S) == 1
    assert not old.exists()
    assert archive.verify() == []


def test_rows_that_telemetry_has_let_go_stay_in_the_archive(telemetry, archive):
    telemetry.append(readings(["a"], D0, 50, 600 * S), {})
    before = stored(telemetry)
    archive.catch_up(telemetry, now_us=D0 + 20 * DAY)
    temp = Property(id="temp", name={"ko": "기온", "en": "Temperature"}, unit="Cel", fail_min=-60, fail_max=60, retention_d=5)
    dropped = telemetry.expire([temp], now_us=D0 + 20 * DAY, archived_until_us=archive.archived_until_us())
    assert dropped == 50
    telemetry.append(readings(["b"], D0, 3, 600 * S, result_us=D0 + 21 * DAY), {})
    written = archive.catch_up(telemetry, now_us=D0 + 22 * DAY)
    assert [one.rows for one in written] == [53]
    assert archived(archive, D0) == sorted(before + stored(telemetry))


def test_catching_up_archives_every_finished_day_that_was_touched(telemetry, archive):
    telemetry.append(readings(["a"], D0 - 3 * DAY, 5 * 24, 3600 * S), {})
    now_us = D0 + DAY + 5 * S
    assert [one.start_us for one in archive.catch_up(telemetry, now_us=now_us)] == [D0 + i * DAY for i in (-3, -2, -1, 0)]
    assert archive.archived_until_us() == D0 + DAY
    assert archive.catch_up(telemetry, now_us=now_us) == []
    telemetry.append(readings(["late"], D0 - 2 * DAY, 1, S, result_us=now_us), {})
    assert [one.start_us for one in archive.catch_up(telemetry, now_us=now_us + DAY)] == [D0 - 2 * DAY, D0 + DAY]


def test_damage_is_named(telemetry, archive, tmp_path):
    for back in (0, 1, 2):
        telemetry.append(readings(["a"], D0 - back * DAY, 5, 600 * S), {})
        archive.write_day(telemetry, D0 - back * DAY)
    files = [tmp_path / "archive" / day.files[0].path for day in archive.days()]
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:-1] + b"!")
    assert [(one.day, one.why) for one in archive.verify()] == [
        ("2026-02-27", "the file is missing"),
        ("2026-02-28", "the bytes have changed"),
    ]
    with pytest.raises(Corrupt, match=r"archive\.corrupt"):
        list(archive.read(D0 - 2 * DAY))
    with pytest.raises(NotFound, match=r"archive\.no_day"):
        list(archive.read(D0 + 9 * DAY))


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from archive_rows import *
from dure.engines.archive.folder import Archive
from dure.engines.telemetry.duckdb import DuckTelemetry
folder = Path(sys.argv[1])
telemetry = DuckTelemetry(folder / "t.duckdb")
archive = Archive(folder / "archive", "hwaseong")
print("ready", flush=True)
while True:
    count = telemetry.count()
    telemetry.append(readings([f"a{count}"], D0, 40, 600 * S), {})
    archive.write_day(telemetry, D0)
    print(telemetry.count(), flush=True)
"""


def test_a_kill_at_any_instant_leaves_a_whole_day(tmp_path):
    written = 0
    for turn in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(Path(__file__).parent)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == "ready\n"
        for _ in range(turn % 3):
            written = int(process.stdout.readline())
        process.kill()
        process.communicate()
        archive = Archive(tmp_path / "archive", "hwaseong")
        assert archive.verify() == []
        if written:
            assert len(archived(archive, D0)) >= written
    telemetry = DuckTelemetry(tmp_path / "t.duckdb")
    archive.write_day(telemetry, D0)
    assert archived(archive, D0) == stored(telemetry)
    assert archive.sweep(now_us=2**60) > 0
    assert archive.verify() == []
    telemetry.close()


def test_a_lost_telemetry_file_is_rebuilt_from_the_archive_and_what_came_after(telemetry, archive, tmp_path):
    telemetry.append(readings(["a", "b"], D0 - 3 * DAY, 800, 300 * S), {"OBS": 1})
    archive.catch_up(telemetry, now_us=D0)
    rest = readings(["a", "b", "c"], D0 - DAY, 400, 300 * S)
    telemetry.append(rest, {"OBS": 2})
    rebuilt = DuckTelemetry(tmp_path / "new.duckdb")
    for day in archive.days():
        for some in archive.read(day.start_us):
            assert rebuilt.append(some, {}).fresh.all()
    stream = [readings(["a", "b"], D0 - 3 * DAY, 800, 300 * S), rest]  # the stream still holds its last days
    for number, some in enumerate(stream):
        rebuilt.append(some, {"OBS": number + 1})
    assert stored(rebuilt) == stored(telemetry)
    assert rebuilt.cursor("OBS") == 2
    rebuilt.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_is_said_and_the_day_is_written_later(telemetry, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], check=False).returncode:
        pytest.skip("this machine does not let root mount")
    try:
        telemetry.append(readings([f"a{i}" for i in range(60)], D0, 144, 600 * S), {})
        archive = Archive(small, "hwaseong")
        (small / "ballast").write_bytes(b"x" * 60_000)
        with pytest.raises(Unavailable, match=r"archive\.full"):
            archive.write_day(telemetry, D0)
        assert archive.days() == []
        (small / "ballast").unlink()
        archive.write_day(telemetry, D0)
        assert archived(archive, D0) == stored(telemetry)
    finally:
        subprocess.run(["umount", str(small)], check=True)
