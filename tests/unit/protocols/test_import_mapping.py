"""The mapping file of `dure import`."""

from datetime import UTC, datetime

import pytest

from dure.core.assets import Asset
from dure.core.errors import ConfigError, InputError
from dure.core.observations import Reading
from dure.core.text import Text
from dure.protocols.mapping import load_mapping, name_index, read_rows, rows_to_assets, rows_to_readings

KMA = """
time_zone = "Asia/Seoul"

[columns]
asset_name = "station_name"

[constants]
time = "2024-06-02T15:00:00"

[[measures]]
column = "air_temperature_c"
property = "air_temperature"
unit = "Cel"

[assets]
kind = "station"
name = "station_name"
id_prefix = "kma-"
"""
LONG = """
delimiter = ";"
decimal_comma = true
time_zone = "Asia/Seoul"
time_format = "%Y%m%d %H:%M"
missing = ["-999"]
values = { "맑음" = 0 }

[columns]
time = "when"
asset = "who"
property = "what"
value = "how_much"
unit = "in"

[properties]
"기온" = "air_temperature"
"""


def codes(rejected):
    return [(one.row, one.code) for one in rejected]


def long(*rows):
    mapping = load_mapping(LONG)
    found, rejected = read_rows(mapping, "\n".join(["when;who;what;how_much;in", *rows]).encode("cp949"))
    parsed = rows_to_readings(mapping, found, {})
    return parsed.readings, codes(rejected + parsed.rejected)


def test_the_kma_list_rejects_its_four_nameless_rows_by_number_and_merges_none(environment_data):
    body = (environment_data / "kma_stations_2024-06-02.csv").read_bytes()
    nameless = [number for number, line in enumerate(body.decode("utf-8-sig").splitlines(), 1) if line.startswith(",")]
    mapping = load_mapping(KMA)
    rows, _ = read_rows(mapping, body)
    stations = rows_to_assets(mapping, rows, "hwaseong")
    assert codes(stations.rejected) == [(number, "import.asset_nameless") for number in nameless]
    assert (len(rows), len(stations.assets), len(nameless)) == (97, 93, 4)
    assert "홍성(예)" in {station.name.ko for station in stations.assets}
    parsed = rows_to_readings(mapping, rows, name_index(stations.assets))
    assert codes(parsed.rejected) == [(number, "import.asset_missing") for number in nameless]
    assert len(parsed.readings) == 93
    assert {one.time for one in parsed.readings} == {datetime(2024, 6, 2, 6, tzinfo=UTC)}


def test_ids_made_of_names_are_the_same_in_every_import(environment_data):
    mapping = load_mapping(KMA)
    rows, _ = read_rows(mapping, (environment_data / "kma_stations_2024-06-02.csv").read_bytes())
    forwards, backwards = rows_to_assets(mapping, rows, "c").assets, rows_to_assets(mapping, rows[::-1], "c").assets
    assert {one.name.ko: one.id for one in forwards} == {one.name.ko: one.id for one in backwards}


def test_a_long_table_with_korean_names_decimal_commas_and_own_times_is_read():
    readings, rejected = long(
        "20261124 09:00;st-1;기온;1.021,5;°C", "20261124 09:00;st-1;기온;-999;", "20261124 09:00;st-1;sky;맑음;"
    )
    at = datetime(2026, 11, 24, tzinfo=UTC)
    assert readings == [
        Reading("air_temperature", 1021.5, at, "st-1", "°C"),
        Reading("air_temperature", None, at, "st-1"),
        Reading("sky", 0.0, at, "st-1"),
    ]
    assert rejected == []


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("20261124 09:00;;기온;1;", "import.asset_missing"),
        (";st-1;기온;1;", "import.time_missing"),
        ("2026-11-24;st-1;기온;1;", "reading.time_unreadable"),
        ("20261124 09:00;동탄;기온;1;", "reading.asset_malformed"),
        ("20261124 09:00;st-1;습도;1;", "reading.property_malformed"),
        ("20261124 09:00;st-1;기온;흐림;", "reading.value_not_a_number"),
        ("20261124 09:00;st-1;기온", "table.row_width"),
    ],
)
def test_a_bad_row_is_named_by_its_number_and_its_neighbours_kept(row, code):
    readings, rejected = long("20261124 09:00;st-1;기온;1;", row, "20261124 09:00;st-1;기온;3;")
    assert rejected == [(3, code)]
    assert [one.value for one in readings] == [1.0, 3.0]


def test_names_that_two_assets_share_are_not_guessed():
    assets = [Asset(id=f"st-{n}", city="c", kind="station", name=Text("중앙동")) for n in (1, 2)]
    parsed = rows_to_readings(load_mapping(KMA), [(2, {"station_name": "중앙동", "air_temperature_c": "1"})], name_index(assets))
    assert codes(parsed.rejected) == [(2, "import.asset_ambiguous")]
    parsed = rows_to_readings(load_mapping(KMA), [(2, {"station_name": "동탄", "air_temperature_c": "1"})], {})
    assert codes(parsed.rejected) == [(2, "import.asset_unknown")]


def test_values_of_a_typed_file_are_read_too():
    rows = [(2, {"station_name": "동탄", "air_temperature_c": 21.5})]
    assert rows_to_readings(load_mapping(KMA), rows, {"동탄": "st-1"}).readings[0].value == 21.5


def test_a_list_with_positions_places_its_assets():
    mapping = load_mapping('[assets]\nkind = "bin"\nname = "n"\nid = "i"\nlon = "x"\nlat = "y"\nattributes = { make = "m" }\n')
    rows, _ = read_rows(mapping, b"i,n,x,y,m\nb-1,A,127.1,37.2,D\nb-1,B,127.1,37.2,\nb-3,C,999,37.2,\nb-4,D,abc,37,\n!,E,1,1,\n")
    listed = rows_to_assets(mapping, rows, "hwaseong")
    assert [(one.id, one.place.coordinates, one.attributes) for one in listed.assets] == [("b-1", [127.1, 37.2], {"make": "D"})]
    assert codes(listed.rejected) == [
        (3, "import.asset_twice"), (4, "geo.out_of_range"), (5, "reading.value_not_a_number"), (6, "id.malformed"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "not toml", "", 'typo = 1\n[columns]\nvalue = "v"\n', '[columns]\nvalue = "v"\n',
        'time_zone = "Mars/Base"\n' + KMA.split("\n", 2)[2],
        '[[measures]]\ncolumn = "a"\nproperty = "A b"\n', '[[measures]]\ncolumn = "a"\nproperty = "a"\nunit = "furlong"\n',
        '[columns]\nvalue = "v"\nproperty = "p"\n[[measures]]\ncolumn = "a"\nproperty = "a"\n',
    ],
)  # fmt: skip
def test_a_wrong_mapping_file_is_refused(text):
    with pytest.raises(ConfigError) as raised:
        load_mapping(text)
    assert raised.value.code == "mapping.invalid"


def test_a_file_without_a_mapped_column_is_refused_by_name():
    with pytest.raises(InputError, match="air_temperature_c") as raised:
        read_rows(load_mapping(KMA), b"station_name\nA\n")
    assert raised.value.code == "mapping.column_missing"


def test_a_mapping_without_assets_lists_none():
    with pytest.raises(ConfigError):
        rows_to_assets(load_mapping(LONG), [], "c")
