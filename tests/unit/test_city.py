import shutil
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dure.city import read_city
from dure.city_lists import DeviceSeed
from dure.core.errors import ConfigError
from dure.core.geo import Point
from dure.core.properties import Properties, Property
from dure.core.text import Text

CITY = """
id = "testville"
name = { ko = "시험시", en = "Testville" }
time_zone = "Asia/Seoul"
seed = 7
attributions = [{ ko = "출처", en = "Source" }]
"""
ZONES = """{"type":"FeatureCollection","features":[
{"type":"Feature","id":"west","properties":{"name_ko":"서동","name_en":"Seo-dong","code":"1"},
 "geometry":{"type":"Polygon","coordinates":[[[126,37],[127,37],[127,38],[126,38],[126,37]]]}},
{"type":"Feature","id":"east","properties":{"name_ko":"동동","code":"2"},
 "geometry":{"type":"Polygon","coordinates":[[[127,37],[128,37],[128,38],[127,38],[127,37]]]}}]}"""
HEAD = "id,kind,name_ko,name_en,lon,lat,state,device,dev_eui,codec,properties,mast_m"
ROW = "s1,station,하나,One,126.5,37.5,live,d1,24E124136B502217,decentlab-dl-pm,air_temperature pm10,4"
TEMPERATURE = Property(id="air_temperature", name=Text("기온"), unit="Cel", fail_min=-50, fail_max=50, source="test")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "city.toml").write_text(CITY, "utf-8")
    (tmp_path / "zones.geojson").write_text(ZONES, "utf-8")
    (tmp_path / "assets").mkdir()
    write_assets(tmp_path, ROW)
    return tmp_path


def write_assets(folder: Path, *rows: str, head: str = HEAD) -> None:
    (folder / "assets" / "stations.csv").write_text("\n".join([head, *rows, ""]), "utf-8")


def refusal(folder: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read_city(folder)
    return caught.value


def test_a_city_is_read_from_its_folder(folder):
    city = read_city(folder)
    assert (city.id, city.name("en"), city.country, city.seed, city.languages) == (
        "testville",
        "Testville",
        "KR",
        7,
        ("ko", "en"),
    )
    assert city.zone == ZoneInfo("Asia/Seoul")
    assert city.bounds == (126, 37, 128, 38)
    assert city.center == Point(127, 37.5)
    assert [zone.id for zone in city.zones] == ["west", "east"]
    assert city.attributions == [Text("출처", "Source")]
    assert city.notices == []


def test_an_asset_gets_its_zone_its_device_and_every_further_column_as_attribute(folder):
    city = read_city(folder)
    (asset,) = city.assets()
    assert (asset.kind, asset.state, asset.name.en) == ("station", "live", "One")
    assert asset.attributes == {"zone": "west", "properties": ["air_temperature", "pm10"], "mast_m": "4"}
    assert city.devices() == [DeviceSeed("d1", "s1", "24e124136b502217", "decentlab-dl-pm")]


def test_a_point_finds_its_zone(folder):
    city = read_city(folder)
    found = [city.zone_of(Point(lon, 37.5)) for lon in (126.5, 127.5, 129)]
    assert [zone and zone.id for zone in found] == ["west", "east", None]
    assert city.zone_by_id("east") == city.zones[1]
    assert city.zone_by_id("north") is None


def test_a_station_outside_every_zone_is_kept_and_noted(folder):
    write_assets(folder, ROW.replace("126.5,37.5", "120.0,30.0"))
    city = read_city(folder)
    assert [(one.code, one.line) for one in city.notices] == [("city.outside", 2)]
    assert "zone" not in city.assets()[0].attributes


def test_a_station_without_coordinates_is_no_mistake(folder):
    write_assets(folder, "s1,station,하나,,,,,,,,,")
    city = read_city(folder)
    assert (city.assets()[0].place, city.assets()[0].state, city.devices()) == (None, "quarantined", [])


def test_a_zone_named_in_a_row_is_believed_when_it_exists(folder):
    write_assets(folder, "s1,station,하나,east", head="id,kind,name_ko,zone")
    assert read_city(folder).assets()[0].attributes["zone"] == "east"


def test_a_file_saved_by_excel_with_a_byte_order_mark_is_read(folder):
    file = folder / "assets" / "stations.csv"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert [asset.id for asset in read_city(folder).assets()] == ["s1"]


# what is done to the folder, the code, and words that the message must hold
MISTAKES = {
    "no zones file": ("zones.geojson", None, "city.missing", ["zones.geojson", "examples/hwaseong"]),
    "no city file": ("city.toml", None, "city.missing", ["city.toml"]),
    "bad TOML": ("city.toml", "id = x", "city.unreadable", ["city.toml", "line 1"]),
    "a word too many": ("city.toml", CITY + "\ncolour = 1", "city.invalid", ["city.toml", "colour", "docs/en/city.md"]),
    "a city id with capitals": (
        "city.toml",
        CITY.replace("testville", "Test Ville"),
        "city.invalid",
        ["city.toml", "Test Ville"],
    ),
    "unknown time zone": ("city.toml", CITY.replace("Seoul", "Soul"), "city.time_zone", ["Asia/Soul", "Asia/Seoul"]),
    "centre nowhere": ("city.toml", CITY + "center = [999, 0]", "city.invalid", ["city.toml", "999"]),
    "zones no JSON": ("zones.geojson", "{", "city.unreadable", ["zones.geojson", "scripts/zones.py"]),
    "no zone": ("zones.geojson", '{"features":[]}', "city.invalid", ["at least one"]),
    "zone twice": ("zones.geojson", ZONES.replace('"east"', '"west"'), "city.duplicate", ["feature 2", "'west'", "feature 1"]),
    "zone without name": ("zones.geojson", ZONES.replace('"name_ko":"동동",', ""), "city.invalid", ["feature 2", "name_ko"]),
    "zone off the earth": ("zones.geojson", ZONES.replace("[127,38]", "[527,38]"), "city.coordinates", ["feature 1"]),
    "zone is a point": (
        "zones.geojson",
        '{"features":[{"id":"a","properties":{"name_ko":"가"},"geometry":{"type":"Point","coordinates":[1,2]}}]}',
        "city.coordinates",
        ["Polygon", "Point"],
    ),
    "zone of words": (
        "zones.geojson",
        '{"features":[{"id":"a","properties":{"name_ko":"가"},"geometry":{"type":"Polygon","coordinates":"x"}}]}',
        "city.coordinates",
        ["feature 1"],
    ),
    "own range of no source": ("properties.toml", "[ph]\nfail_min = 1", "city.invalid", ["properties.toml", "source"]),
    "integration without topics": (
        "integrations.toml",
        '[[lorawan]]\nid = "a"\nserver = "tts"\nurl = "mqtt://x"',
        "city.invalid",
        ["topics"],
    ),
    "integration of another kind": (
        "integrations.toml",
        '[[zigbee]]\nid = "a"\nserver = "tts"\nurl = "mqtt://x"\ntopics = ["a"]',
        "city.invalid",
        ["zigbee"],
    ),
    "integration of an unknown server": (
        "integrations.toml",
        '[[lorawan]]\nid = "a"\nserver = "helium"\nurl = "mqtt://x"\ntopics = ["a"]',
        "city.invalid",
        ["helium", "server"],
    ),
    "integration twice": (
        "integrations.toml",
        '[[lorawan]]\nid = "a"\nserver = "tts"\nurl = "mqtt://x"\ntopics = ["a"]\n' * 2,
        "city.duplicate",
        ["[[lorawan]] 2", "'a'"],
    ),
    "integration by another protocol": (
        "integrations.toml",
        '[[lorawan]]\nid = "a"\nserver = "tts"\nurl = "http://x"\ntopics = ["a"]',
        "city.invalid",
        ["mqtt", "url"],
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_file_is_refused_by_name_with_what_to_do(folder, mistake):
    name, text, code, words = MISTAKES[mistake]
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(text, "utf-8")
    error = refusal(folder)
    assert error.code == code, error.message
    assert [word for word in [str(folder), *words] if word not in error.message] == [], error.message


ROW_MISTAKES = {
    "id twice": ([ROW, ROW.replace("d1", "d2")], "city.duplicate", ["line 3", "'s1'", "line 2"]),
    "device twice": ([ROW, ROW.replace("s1", "s2")], "city.duplicate", ["line 3", "device", "'d1'"]),
    "bad id": ([ROW.replace("s1", "S 1")], "city.invalid", ["line 2", "S 1"]),
    "bad device": ([ROW.replace("d1", "D.1")], "city.invalid", ["line 2", "D.1"]),
    "words for a longitude": ([ROW.replace("126.5", "east")], "city.coordinates", ["line 2", "east", "degrees"]),
    "latitude and longitude swapped": ([ROW.replace("126.5,37.5", "37.5,126.5")], "city.coordinates", ["line 2", "126.5"]),
    "longitude is no number": ([ROW.replace("126.5", "nan")], "city.coordinates", ["line 2"]),
    "unknown state": ([ROW.replace("live", "alive")], "city.invalid", ["line 2", "alive", "quarantined"]),
    "no Korean name": ([ROW.replace("하나", "")], "city.invalid", ["line 2", "name_ko"]),
    "short EUI": ([ROW.replace("24E124136B502217", "24E1")], "city.invalid", ["line 2", "16 hexadecimal"]),
    "a comma too many": ([ROW + ",x"], "city.invalid", ["line 2", "commas"]),
    "a comma too few": (["s1,station"], "city.invalid", ["line 2", "commas"]),
    "an open quote": (['s1,"station'], "city.unreadable", ["line 2", "quotes"]),
}


@pytest.mark.parametrize("mistake", ROW_MISTAKES)
def test_a_mistake_in_a_row_is_refused_by_file_and_line(folder, mistake):
    rows, code, words = ROW_MISTAKES[mistake]
    write_assets(folder, *rows)
    error = refusal(folder)
    assert error.code == code, error.message
    assert [word for word in ["stations.csv", *words] if word not in error.message] == [], error.message


def test_an_unknown_zone_in_a_row_is_refused(folder):
    write_assets(folder, "s1,station,하나,north", head="id,kind,name_ko,zone")
    error = refusal(folder)
    assert error.code == "city.zone_unknown"
    assert "line 2" in error.message
    assert "'north'" in error.message


def test_a_missing_column_is_named(folder):
    write_assets(folder, "s1,하나", head="id,name_ko")
    assert "'kind' is missing" in refusal(folder).message


def test_a_file_in_another_encoding_is_refused_with_the_line_and_the_remedy(folder):
    (folder / "assets" / "stations.csv").write_bytes((HEAD + "\n" + ROW + "\n").encode("cp949"))
    error = refusal(folder)
    assert error.code == "city.encoding"
    assert "line 2" in error.message
    assert "CSV UTF-8" in error.message


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    assert refusal(tmp_path / "nowhere").code == "city.missing"


def test_the_citys_own_range_wins_and_the_rest_stays(folder):
    (folder / "properties.toml").write_text('[air_temperature]\nsuspect_max = 41\nsource = "our own"', "utf-8")
    properties = Properties([TEMPERATURE])
    read_city(folder).apply_ranges(properties)
    own = properties["air_temperature"]
    assert (own.suspect_max, own.fail_max, own.source) == (41, 50, "our own")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('[air_temprature]\nsource = "typo"', "city.property_unknown"),
        ('[air_temperature]\nfail_min = 60\nsource = "reversed"', "city.invalid"),
    ],
)
def test_an_impossible_or_misspelt_range_is_refused(folder, text, code):
    (folder / "properties.toml").write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        read_city(folder).apply_ranges(Properties([TEMPERATURE]))
    assert caught.value.code == code
    assert "properties.toml" in caught.value.message


def test_codecs_mappings_and_integrations_are_found(folder):
    for name in ("codecs", "mappings"):
        (folder / name).mkdir()
        (folder / name / "own.toml").write_text("", "utf-8")
    (folder / "integrations.toml").write_text(
        '[[lorawan]]\nid = "main"\nserver = "chirpstack"\nurl = "mqtt://127.0.0.1:1883"\n'
        'topics = ["application/+/device/+/event/up"]\npassword_env = "CHIRPSTACK_PASSWORD"',
        "utf-8",
    )
    city = read_city(folder)
    assert [file.name for file in (*city.codecs, *city.mappings)] == ["own.toml", "own.toml"]
    assert [(one.id, one.server, one.password_env) for one in city.integrations] == [
        ("main", "chirpstack", "CHIRPSTACK_PASSWORD")
    ]


def test_an_unreadable_file_says_so(folder):
    file = folder / "properties.toml"
    file.mkdir()
    error = refusal(folder)
    assert error.code == "city.unreadable"
    shutil.rmtree(file)
