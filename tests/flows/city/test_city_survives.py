"""What a city keeps when it is ended, loses a file, fills its disk or moves to another machine."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

import httpx
import pytest
from city_running import CityRunning, reading, settings_of, until, us_ago, write_city

from dure.running import backups, desk

DAY_S = 86_400
OLD_D = 3


def fill(city, n=40):
    """Readings of today and of days that ended, by HTTP and MQTT, some missing, unlikely and impossible."""
    values = [None if k % 9 == 4 else 99.0 if k % 9 == 5 else 40.0 + k / n for k in range(n)]
    city.post("st-01", [reading(value, 60 + k) for k, value in enumerate(values)])
    city.post("st-02", [reading(value, OLD_D * DAY_S + 60 * k) for k, value in enumerate(values)])
    with city.device("st-03") as sender:
        for k in range(5):
            sender.send(reading(float(k), 50 - k))
        city.until_rows("st-03", 5)
    city.recorded()
    return city.all_rows()


def reopened(city):
    city.stop()
    return city.start()


def test_a_city_ended_in_the_middle_keeps_every_acknowledged_reading_once(own_city):
    city = own_city.start()
    before = fill(city)
    with city.device("st-04") as sender:
        for k in range(300):
            sender.send(reading(float(k), 400 - k))  # returns at the broker's acknowledgement
    city = reopened(city)
    city.until_rows("st-04", 300)
    city.recorded()
    assert [value for value, _ in city.rows("st-04")] == [float(k) for k in range(300)]
    assert [row for row in city.all_rows() if row[0] != "st-04"] == before
    assert city.latest("st-03") == {"air_temperature": 4.0}


def test_a_lost_telemetry_file_is_rebuilt_from_archive_and_stream_row_for_row(own_city):
    city = own_city.start()
    before = fill(city)
    written = city.house.archive.catch_up(city.house.telemetry, now_us=us_ago(0))
    assert sum(day.rows for day in written) == 40
    city.stop()
    for name in ("telemetry.duckdb", "telemetry.duckdb.wal"):
        (city.settings.data / name).unlink(missing_ok=True)
    city.start()
    until(lambda: len(city.all_rows()) >= len(before))
    city.recorded()
    assert city.all_rows() == before


def test_days_the_stream_no_longer_has_come_from_the_archive(own_city):
    city = own_city.start()
    before = fill(city)
    city.house.archive.catch_up(city.house.telemetry, now_us=us_ago(0))
    city.stop()
    for name in ("telemetry.duckdb", "telemetry.duckdb.wal"):
        (city.settings.data / name).unlink(missing_ok=True)
    shutil.rmtree(city.settings.data / "bus")
    city.start()
    old = [row for row in before if row[0] == "st-02"]
    until(lambda: len(city.all_rows()) >= len(old))
    assert city.all_rows() == old
    city.post("st-01", [reading(1.5)])
    assert city.rows("st-01") == [(1.5, 1)]


def test_a_broken_telemetry_file_is_set_aside_and_rebuilt(own_city):
    city = own_city.start()
    before = fill(city)
    city.house.archive.catch_up(city.house.telemetry, now_us=us_ago(0))
    city.stop()
    file = city.settings.data / "telemetry.duckdb"
    file.write_bytes(b"no database" * 1000)
    city.start()
    until(lambda: len(city.all_rows()) >= len(before))
    assert city.all_rows() == before
    assert list(city.settings.data.glob("telemetry.broken-*.duckdb"))


def mounted(folder, *how):
    folder.mkdir(parents=True, exist_ok=True)
    return subprocess.run(["mount", *how, str(folder)], capture_output=True, check=False).returncode == 0


@pytest.fixture
def city_on_a_small_disk(tmp_path):
    """A city whose telemetry has 24 MB; its bus and records lie on another disk."""
    data = tmp_path / "data"
    if os.geteuid() or not mounted(data, "-t", "tmpfs", "-o", "size=24m", "tmpfs"):
        pytest.skip("a small disk can only be made by root")
    (tmp_path / "bus").mkdir()
    assert mounted(data / "bus", "--bind", str(tmp_path / "bus"))
    write_city(tmp_path / "city", ["st-01", "st-02"])
    city = CityRunning(settings_of(tmp_path, records_url=f"sqlite:///{tmp_path}/records.sqlite")).start()
    yield city
    city.stop()
    subprocess.run(["umount", data / "bus"], check=True)
    subprocess.run(["umount", "-l", data], check=True)


def health(city):
    return httpx.get(f"{city.url}/api/v1/health", timeout=30).json()["status"]


def test_while_telemetry_has_no_room_the_bus_keeps_all_and_nothing_is_lost(city_on_a_small_disk):
    city, ballast = city_on_a_small_disk, city_on_a_small_disk.settings.data / "ballast"
    city.post("st-01", [reading(1.0, 900_000)])
    assert health(city) == "ok"
    fill_up(ballast)
    sent = 0
    with city.device("st-01") as sender:
        while not city.house.recorder.progress.trouble:
            sender.send([reading(float(k % 40), 800_000 - sent - k) for k in range(2_000)])
            sent += 2_000
            assert sent < 400_000, "the disk never filled"
    assert (city.house.recorder.progress.trouble, health(city)) == ("telemetry.full", "degraded")
    with city.device("st-02") as sender:
        sender.send(reading(2.0, 10))
    ballast.unlink()
    until(lambda: not city.house.recorder.progress.trouble, 60)
    city.recorded()
    assert len(city.rows("st-01")) == sent + 1
    assert city.rows("st-02") == [(2.0, 1)]
    until(lambda: health(city) == "ok")


def fill_up(file):
    """Leave no room on the disk."""
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as ballast:
        while ballast.write(b"\0" * 65_536):
            pass


class Stream:
    """A device that keeps sending; what was acknowledged is known."""

    def __init__(self, city, asset):
        self.acknowledged = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._send, args=(city, asset))
        self._thread.start()

    def _send(self, city, asset):
        with city.device(asset) as sender:
            while not self._end.is_set():
                value = float(len(self.acknowledged))
                sender.send(reading(value, 10_000 - value))
                self.acknowledged.append(value)

    def end(self):
        self._end.set()
        self._thread.join(60)


def test_a_backup_of_a_running_city_starts_elsewhere_with_every_reading_acknowledged_before_it_ended(own_city, tmp_path):
    city = own_city.start()
    before = fill(city)
    waiting = city.parked()
    stream = Stream(city, "st-04")
    until(lambda: len(stream.acknowledged) > 50)
    made = tmp_path / "backup"
    sure = list(stream.acknowledged)
    manifest = city.call(backups.backup(city.house, made))
    stream.end()
    city.stop()

    write_city(tmp_path / "moved" / "city", [f"st-0{n}" for n in range(1, 6)])
    moved = CityRunning(settings_of(tmp_path / "moved"))
    assert desk.restore(moved.settings, made) == manifest
    moved.start()
    try:
        moved.until_rows("st-04", len(sure))
        moved.recorded()
        kept = [value for value, _ in moved.rows("st-04")]
        assert kept == [float(n) for n in range(len(kept))]
        assert len(kept) >= len(sure)
        assert [row for row in moved.all_rows() if row[0] != "st-04"] == before
        assert {one.id for one in moved.parked()} >= {one.id for one in waiting}
        with moved.device("st-05") as sender:  # its secret moved along
            sender.send(reading(1.0))
            assert moved.until_rows("st-05", 1) == [(1.0, 1)]
    finally:
        moved.stop()


def test_a_device_released_before_a_move_stays_live_after_it(tmp_path):
    write_city(tmp_path / "city", ["st-01"], ("new-1",))
    city = CityRunning(settings_of(tmp_path)).start()
    for k in range(30):
        city.post("st-01", [reading(float(k), 100 - k)])
    with city.device("new-1") as sender:
        for k in range(5):
            sender.send(reading(5 + k / 100, 100 - k))
        until(lambda: city.house.directory.is_public("new-1"))
    city.call(backups.backup(city.house, tmp_path / "backup"))
    city.stop()
    moved = CityRunning(settings_of(tmp_path, data_dir=str(tmp_path / "moved")))
    desk.restore(moved.settings, tmp_path / "backup")
    moved.start()
    try:
        moved.post("new-1", [reading(5.1, 5)])
        assert moved.rows("new-1")[-1] == (5.1, 1)
    finally:
        moved.stop()


def test_a_backup_goes_only_into_a_new_folder_and_only_a_finished_one_is_restored(own_city, tmp_path):
    city = own_city.start()
    full = tmp_path / "full"
    full.mkdir()
    (full / "letter").touch()
    with pytest.raises(Exception, match=r"backup\.not_empty"):
        city.call(backups.backup(city.house, full))
    with pytest.raises(Exception, match=r"backup\.unreadable"):
        desk.restore(settings_of(tmp_path / "other"), full)
    assert not Path(tmp_path / "other" / "data").exists()
    (full / "backup.json").write_text(
        json.dumps({"form": 99, "city": "c", "made_at": "", "cursor": 0, "tail": 0, "rows": 0}), "utf-8"
    )
    with pytest.raises(Exception, match=r"backup\.form"):
        desk.restore(settings_of(tmp_path / "other"), full)
