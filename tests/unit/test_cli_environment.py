"""`dure environment`: on files alone, and as a visitor of a running city."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import re
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "flows" / "city"))
from city_running import CityRunning, settings_of, write_city

from dure import cli_environment
from dure.city import read_city
from dure.cli import main
from dure.core.observations import Check, Flag, Reading
from dure.core.text import Text
from dure.core.time import format_instant, to_us
from dure.engines.records.audit import By
from dure.engines.telemetry.port import SeriesColumns
from dure.running.parts import ALL, open_house
from dure.services.environment.alerting.alert_model import Facts
from dure.services.environment.alerting.alert_records import open_alert
from dure.services.environment.alerting.alerts import Transition
from dure.services.environment.checks.quality import Limits, interpreted_kernel
from dure.services.environment.checks.quality_history import judged_anew
from dure.services.environment.faults import findings
from dure.spine.directory import IMPORTER

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
DAY_AGO = NOW - 24 * HOUR
RULES = """
id = "quality"
version = "ours-1"
name = { ko = "우리 도시의 한계", en = "Our limits" }

[[spike]]
id = "air_temperature"
unit = "Cel"
suspect = 1.0
fail = 8.0
effective_from = 2020-01-01
source = "our own summer of 2026"
mark = "own choice"
"""


class Told(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def dure(capsys, monkeypatch, tmp_path):
    """Runs the command in this process, on a wide screen."""
    for name in [name for name in os.environ if name.startswith("DURE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.chdir(tmp_path)

    def run(*words):
        with monkeypatch.context() as now:
            now.setattr(sys, "argv", ["dure", "environment", *map(str, words)])
            now.setattr(cli_environment.out, "_width", 250)
            try:
                main()
            except SystemExit as ended:
                return Told(int(ended.code or 0), *capsys.readouterr())
        return Told(0, *capsys.readouterr())

    return run


# A file alone


def written(file, values, start=NOW):
    """A CSV of minutes with Korean headings."""
    lines = [f"{format_instant(start + n * MINUTE)},{value}" for n, value in enumerate(values)]
    file.write_text("\n".join(["일시,기온", *lines]) + "\n", "utf-8")
    return file


def steady(n):
    return [f"{8 + 0.1 * (k % 3):.1f}" for k in range(n)]


def test_a_file_is_judged_row_by_row_and_written_in_its_order(dure, tmp_path):
    values = steady(60)
    values[20], values[40] = "99", ""
    told = dure("qc", written(tmp_path / "x.csv", values), "--property", "air_temperature", "--out", "flags.csv")
    assert told.code == 0, told.err
    assert "60 rows" in told.out
    assert "M rows/s" in told.out
    rows = list(csv.DictReader(io.StringIO((tmp_path / "flags.csv").read_text("utf-8-sig"))))
    assert [row["value"] for row in rows] == values
    assert (rows[20]["gross_range"], rows[20]["flag"], rows[20]["check"]) == ("4", "4", "above_possible")
    assert (rows[40]["flag"], rows[40]["check"]) == ("9", "missing_value")
    assert {row["flag"] for number, row in enumerate(rows) if number not in {20, 40}} == {"1"}


def test_rows_out_of_order_get_the_flags_of_their_time(dure, tmp_path):
    values = steady(30)
    values[10] = "14"
    file = written(tmp_path / "x.csv", values)
    head, *lines = file.read_text("utf-8").splitlines()
    file.write_text("\n".join([head, *reversed(lines)]) + "\n", "utf-8")
    assert dure("qc", file, "--property", "air_temperature", "--out", "flags.csv").code == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "flags.csv").read_text("utf-8-sig"))))
    assert [row["spike"] for row in rows if row["value"] == "14"] == ["3"]


def test_a_citys_own_limits_judge_a_file_too(dure, tmp_path):
    city = write_city(tmp_path / "city", ["a"])
    values = steady(30)
    values[10] = "10"
    file = written(tmp_path / "x.csv", values)
    words = ("qc", file, "--property", "air_temperature", "--out", "flags.csv")

    def flag():
        return list(csv.DictReader(io.StringIO((tmp_path / "flags.csv").read_text("utf-8-sig"))))[10]["spike"]

    dure(*words)
    assert flag() == "1"
    (city / "rules").mkdir()
    (city / "rules" / "quality.toml").write_text(RULES, "utf-8")
    told = dure(*words, "--city", city)
    assert (told.code, flag()) == (0, "3"), told.err


@pytest.mark.parametrize(
    ("words", "code", "name"),
    [
        (("qc", "x.csv", "--property", "nothing"), "property.unknown", "nothing"),
        (("qc", "x.csv", "--property", "pm10"), "qc.column", "--value"),
        (("qc", "bad.csv", "--property", "air_temperature"), "reading.value_not_a_number", "Row 3"),
        (("qc", "when.csv", "--property", "air_temperature"), "time.unreadable", "Row 2"),
        (("findings", "--state", "lost"), "cli.usage", "acknowledged"),
        (("alerts", "--state", "acknowledged"), "cli.usage", "closed"),
        (("map", "pm2_5", "x.png"), "export.form", ".geojson"),
        (("index",), "city.not_named", "--city"),
    ],
)
def test_a_wrong_word_is_one_line_with_its_code(dure, tmp_path, words, code, name):
    written(tmp_path / "x.csv", steady(3))
    (tmp_path / "bad.csv").write_text("time,value\n2026-11-24T09:00:00Z,1\n2026-11-24T09:01:00Z,warm\n", "utf-8")
    (tmp_path / "when.csv").write_text("time,value\nyesterday,1\n", "utf-8")
    told = dure(*words)
    assert (told.code, f"[{code}]" in told.err, name in told.err) == (2, True, True), told.err


# History, pure


def kept(values, flags, checks):
    n = len(values)
    times = np.arange(n, dtype=np.int64) * 60_000_000
    return SeriesColumns(
        times, times, np.array(values, float), np.array(flags, np.uint8), np.array(checks, np.uint8), np.zeros(n, np.int64)
    )


LIMITS = Limits(gross_fail=(-50, 50), gross_suspect=(-40, 40), spike_suspect=3, spike_fail=8, gap_s=600)


def anew(values, flags, checks, pinned=None):
    found = judged_anew(kept(values, flags, checks), LIMITS, pinned, kernel=interpreted_kernel())
    return found.flag.tolist(), found.check.tolist(), found.changed.tolist()


def test_flags_of_the_tests_themselves_become_better_and_worse():
    flag, check, changed = anew([5, 9, 5, 5, 5], [1, 1, 1, 3, 1], [0, 0, 0, Check.SPIKE, 0])
    assert flag == [1, 3, 1, 1, 1]
    assert check[1] == Check.SPIKE
    assert changed == [False, True, False, True, False]


def test_flags_of_others_only_get_worse():
    checks = [0, Check.UNLIKE_NEIGHBOURS, Check.QUARANTINE, Check.STATION_DOUBTFUL, 0]
    flag, check, changed = anew([5, 5, 5, 99, 5], [1, 3, 2, 3, 1], checks)
    assert flag == [1, 3, 2, 4, 1]
    assert check[1:4] == [Check.UNLIKE_NEIGHBOURS, Check.QUARANTINE, Check.ABOVE_POSSIBLE]
    assert changed == [False, False, False, True, False]


def test_what_a_person_decided_stays():
    checks = [0, Check.RELEASED_BY_PERSON, 0, Check.HELD_BY_PERSON, 0]
    flag, _, changed = anew([5, 13, 5, 5, 5], [1, 1, 1, 4, 1], checks)
    assert (flag[1], flag[3]) == (1, 4)
    assert (changed[1], changed[3]) == (False, False)


def test_a_pinned_row_is_not_released():
    pinned = np.array([False, True, False])
    assert anew([5, 5, 5], [1, 3, 1], [0, Check.SPIKE, 0], pinned)[0] == [1, 3, 1]


# In a running city

PLACES = {f"s{n}": (126.82 + 0.04 * (n % 4), 37.13 + 0.06 * (n // 4)) for n in range(8)}


class WithoutRounds(CityRunning):
    """A running city whose environment service does nothing by itself."""

    async def _main(self):
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        city = read_city(Path(self.settings.city_dir))
        async with open_house(self.settings, city, parts=ALL - {"environment"}) as self.house:
            self._ready.set()
            await asyncio.Event().wait()


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """Eight stations with a day of weather and air, and a dust sensor that ran five weeks beside a reference."""
    folder = tmp_path_factory.mktemp("cli-environment")
    lines = tuple(f"{name},station,{name} 측정소,Station {name},{lon},{lat},live,,," for name, (lon, lat) in PLACES.items())
    write_city(folder / "city", ["sensor", "reference"], lines=lines)
    running = WithoutRounds(settings_of(folder)).start()
    try:
        send(running, weather())
        send(running, air())
        send(running, dust())
        yield running
    finally:
        running.stop()


def send(running, readings):
    work = running.house.intake.accept(IMPORTER, readings, way="import", received_at=datetime.now(UTC))
    answer = running.call(work)
    assert not answer.rejected, answer.rejected[:3]
    running.recorded()


def weather():
    """A bump of two degrees at one station, which no limit of ours minds."""
    for n in range(60):
        yield Reading("air_temperature", 12.0 if n == 30 else 10 + 0.1 * (n % 3), DAY_AGO + 10 * n * MINUTE, "s0")


def air():
    """The last hours of four stations, one of them without ozone."""
    values = {"pm10": 60.0, "pm2_5": 40.0, "o3": 0.02, "no2": 0.015}
    for n in range(12 * 60):
        for station in ("s0", "s1", "s2", "s3"):
            for name, value in values.items():
                if (station, name) != ("s3", "o3"):
                    yield Reading(
                        name, value * (1 + 0.1 * np.sin(n / 9 + int(station[1]))), NOW - 12 * HOUR + n * MINUTE, station
                    )


def dust():
    chance = np.random.default_rng(1)
    start = NOW - 24 * 36 * HOUR
    for n in range(24 * 35):
        at = start + n * HOUR
        true = 20 + 12 * np.sin(n / 29) + 6 * np.sin(n / 7) + chance.normal(0, 1)
        humidity = 60 + 25 * np.sin(n / 12)
        yield Reading("relative_humidity", float(humidity), at, "sensor")
        yield Reading("pm2_5", float(max(0, true)), at, "reference")
        yield Reading("pm2_5", float(max(0, 1.7 * true + 0.12 * humidity + chance.normal(0, 1))), at, "sensor")


def place(city):
    return ("--city", city.settings.city_dir, "--data", city.settings.data_dir)


def test_stored_history_is_judged_by_the_limits_of_today_and_changed_only_when_told(dure, city, tmp_path):
    own = Path(shutil.copytree(city.settings.city_dir, tmp_path / "stricter"))
    (own / "rules").mkdir()
    (own / "rules" / "quality.toml").write_text(RULES, "utf-8")
    words = ("assess", "--asset", "s0", "--property", "air_temperature", "--city", own, "--data", city.settings.data_dir)
    told = dure(*words)
    assert told.code == 0, told.err
    assert re.search(r"s0 +│ air_temperature │ 60 +│ 1 +│ 0", told.out), told.out
    assert "Nothing was changed" in told.out
    assert city.rows("s0")[30][1] == Flag.GOOD
    before = dure(*words, "--end", format_instant(DAY_AGO + 5 * HOUR), "--apply")
    assert "0 got another flag" in before.out
    assert "1 got another flag" in dure(*words, "--apply").out
    assert city.rows("s0")[30][1] == Flag.SUSPECT
    loose = ("assess", "--asset", "s0", "--property", "air_temperature", *place(city), "--apply")
    assert re.search(r"s0 +│ air_temperature │ 60 +│ 1", dure(*loose).out)
    assert city.rows("s0")[30][1] == Flag.GOOD


def test_what_names_no_series_is_said(dure, city):
    told = dure("assess", "--asset", "no-such", *place(city))
    assert (told.code, "[export.nothing]" in told.err) == (2, True)
    told = dure("assess", "--start", "2026-11-02T00:00Z", "--end", "2026-11-01T00:00Z", *place(city))
    assert (told.code, "[time.interval_reversed]" in told.err) == (2, True)


def test_an_index_names_what_decides_and_what_is_missing(dure, city):
    told = dure("index", "--at", format_instant(NOW), *place(city))
    assert told.code == 0, told.err
    rows = [[cell.strip() for cell in line.split("│")] for line in told.out.splitlines() if "cai" in line]
    lines = {cells[1]: cells for cells in rows}
    assert {"s0", "s1", "s2", "s3"} <= set(lines)
    assert int(lines["s0"][4]) > 0
    assert lines["s0"][6].startswith("PM")
    assert lines["s3"][4] == ""
    assert lines["s3"][7] == "ozone"
    one = dure("index", "--station", "s1", "--at", format_instant(NOW), *place(city))
    assert ("s1" in one.out, "s0" in one.out) == (True, False)


def test_without_a_kept_index_it_says_so(dure, city):
    assert "There is no index yet" in dure("index", *place(city)).out


def test_a_map_is_written_or_refused_with_the_reason(dure, city, tmp_path):
    recent = [Reading("pm2_5", 20.0 + n, datetime.now(UTC), name) for n, name in enumerate(PLACES)]
    send(city, recent)
    told = dure("map", "pm2_5", "now.csv", *place(city))
    assert told.code == 0, told.err
    lines = (tmp_path / "now.csv").read_text("utf-8").splitlines()
    assert lines[0] == "lon,lat,estimate,sd,reliable"
    assert f"{len(lines) - 1:,} cells" in told.out
    told = dure("map", "pm2_5", "now.geojson", *place(city))
    assert told.code == 0, told.err
    assert json.loads((tmp_path / "now.geojson").read_bytes())["features"]
    for name in ("air_temperature", "noise_leq"):
        told = dure("map", name, "no.csv", *place(city))
        assert (told.code, "[map.none]" in told.err) == (2, True), told
    assert not (tmp_path / "no.csv").exists()
    assert "[property.unknown]" in dure("map", "happiness", "no.csv", *place(city)).err


def test_a_list_of_devices_is_looked_at_then_enrolled_with_secrets_for_the_owner_only(dure, city, tmp_path):
    rows = '장치 이름,이름,좌표\nnew-1,새 측정소 1,"37.20, 126.95"\nnew-2,새 측정소 2,"95, 126.95"\n'
    (tmp_path / "list.csv").write_text(rows, "cp949")
    looked = dure("enrol", "list.csv", "--check", *place(city))
    assert looked.code == 0, looked.err
    assert "1 new" in looked.out
    assert "1 refused" in looked.out
    told = dure("enrol", "list.csv", "--secrets", "secrets.csv", *place(city))
    assert told.code == 0, told.err
    assert (tmp_path / "secrets.csv").stat().st_mode & 0o777 == 0o600
    head, line = (tmp_path / "secrets.csv").read_text("utf-8").splitlines()
    assert (head, line.split(",")[0]) == ("device,secret", "new-1")
    assert line.split(",")[1] not in told.out
    again = dure("enrol", "list.csv", "--secrets", "secrets.csv", *place(city))
    assert (again.code, "[cli.file_exists]" in again.err) == (2, True)
    assert "1 unchanged" in dure("enrol", "list.csv", *place(city)).out


def test_a_list_of_which_nothing_is_taken_ends_with_status_1(dure, city, tmp_path):
    (tmp_path / "list.csv").write_text("device,name\nBAD NAME!,\n", "utf-8")
    told = dure("enrol", "list.csv", *place(city))
    assert (told.code, "1 refused" in told.out) == (1, True), told
    (tmp_path / "list.csv").write_text("colour\nred\n", "utf-8")
    told = dure("enrol", "list.csv", "--secrets", "s.csv", *place(city))
    assert (told.code, "[enrolment.no_columns]" in told.err) == (2, True)
    assert not (tmp_path / "s.csv").exists()


def test_a_secret_without_a_file_is_shown_once(dure, city, tmp_path):
    (tmp_path / "list.csv").write_text('device,name,position\nnew-9,새 측정소 9,"37.21, 126.95"\n', "utf-8")
    told = dure("enrol", "list.csv", *place(city))
    assert re.search(r"secret of new-9: \S{16,}", told.out), told.out


def test_a_fit_beside_a_reference_is_scored_and_put_in_force(dure, city):
    span = ("--start", format_instant(NOW - 24 * 36 * HOUR), "--end", format_instant(NOW - 24 * HOUR))
    words = ("calibrate", "--asset", "sensor", "--property", "pm2_5", "--reference", "reference", *span, *place(city))
    told = dure(*words)
    assert told.code == 0, told.err
    rmse = {cells[1].strip(): float(cells[3]) for line in told.out.splitlines() if (cells := line.split("│")) and len(cells) > 6}
    assert rmse["Corrected"] <= 0.5 * rmse["Raw"]
    assert "A candidate" in told.out
    assert "In force" in dure(*words, "--activate").out


def test_a_fit_that_cannot_be_made_says_why(dure, city):
    span = ("--start", format_instant(NOW - 48 * HOUR), "--end", format_instant(NOW))
    words = ("calibrate", "--asset", "sensor", "--property", "pm2_5", "--reference")
    assert "[asset.unknown]" in dure(*words, "no-such", *span, *place(city)).err
    told = dure(*words, "reference", *span, "--activate", *place(city))
    assert (told.code, "Not used" in told.out) == (1, True), told
    assert "[calibration.property]" in dure(*words[:3], "--property", "o3", "--reference", "reference", *span, *place(city)).err


def test_findings_are_listed_by_state_with_what_to_do_first(dure, city):
    assert "Nothing was found" in dure("findings", *place(city)).out
    with city.house.records.begin() as connection:
        seen = findings.Seen(asset="s1", property="wind_speed", kind="unit_mixed", evidence={})
        [one] = findings.note(connection, [seen], NOW)
    told = dure("findings", *place(city))
    assert ("Another unit is sent" in told.out, "s1" in told.out) == (True, True)
    with city.house.records.begin() as connection:
        findings.settle(connection, one.id, "closed", "the codec was corrected", By("kim", NOW))
    assert "Nothing was found" in dure("findings", *place(city)).out
    assert "Another unit is sent" in dure("findings", "--state", "closed", *place(city)).out


def test_alerts_name_place_level_and_who_has_seen_them(dure, city):
    assert "There is no alert" in dure("alerts", *place(city)).out
    change = Transition(
        rule="pm10", scope="all", before=0, after=1, start_us=to_us(NOW), since_us=to_us(NOW), at=NOW, values={"s0": 160.0},
        source="s0", value=160.0, limit=150.0, periods=2, reasons=(), version="air_warning@1",
    )  # fmt: skip
    facts = Facts(name=Text("전체", "All"), alarmed_at=NOW, level_max=1, version="air_warning@1")
    with city.house.records.begin() as connection:
        open_alert(connection, change, facts, "a-decision")
    told = dure("alerts", *place(city))
    row = next(line for line in told.out.splitlines() if "pm10" in line)
    assert [cell.strip() for cell in row.split("│")][3:8] == ["pm10", "All", "1", "open", "nobody yet"]
    assert "There is no alert" in dure("alerts", "--state", "closed", *place(city)).out
