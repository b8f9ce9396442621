"""No input bytes ever raise anything but InputError from a decoder."""

import json
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.core.errors import InputError
from dure.core.observations import Reading, Rejected
from dure.protocols import chirpstack, the_things_stack
from dure.protocols.bytemap import decode, load_targets, readings_of
from dure.protocols.codecs import shipped, shipped_names
from dure.protocols.geojson import read_assets, read_features
from dure.protocols.mapping import load_mapping, read_rows, rows_to_assets, rows_to_readings
from dure.protocols.readings import Parsed, parse, parse_json, parse_ndjson, write_json
from dure.protocols.readings_csv import parse_csv

MAPPING = load_mapping(
    'time_zone = "Asia/Seoul"\n[columns]\ntime = "time"\nasset_name = "a"\n[[measures]]\ncolumn = "b"\nproperty = "b"\n'
    '[assets]\nkind = "k"\nname = "a"\nlon = "time"\nlat = "b"\n'
)
TARGETS = load_targets({"a": {"property": "a"}, "a/b[c=1]/d": {"property": "b", "scale": 1e300}})
NAMES = """readings property value values time asset unit pm10 type features geometry coordinates id properties deviceInfo devEui
object data fPort rxInfo end_device_ids dev_eui uplink_message a b c"""
KEYS = st.sampled_from(NAMES.split()) | st.text(max_size=5)
WORDS = "2026-11-24T09:00:00+09:00 pm10 FeatureCollection Feature Point Polygon 0102030405060708 AQID"
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from(WORDS.split(" ")))
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=20
)
JSON = DOCUMENTS.map(lambda document: json.dumps(document).encode("utf-8", "replace"))
NUMBERS = st.sampled_from(["1", "1e999", "nan", "-", "", "2026-01-01", "9" * 400, '"', "가"])
CSV = st.lists(st.lists(NUMBERS | st.text(max_size=4), min_size=1, max_size=4), max_size=5).map(
    lambda rows: "\n".join(["time,a,b", *(",".join(row) for row in rows)]).encode("utf-8", "replace")
)
BYTES = st.binary(max_size=200) | JSON | CSV
FUZZ = settings(deadline=None, derandomize=True)  # no clock decides a test; the same cases every time


def is_storable(parsed: Parsed) -> None:
    for reading in parsed.readings:
        assert isinstance(reading, Reading)
        assert reading.time is None or reading.time.utcoffset().total_seconds() == 0
    msgspec.json.encode(parsed.readings)
    msgspec.json.encode(parsed.rejected)
    assert all(rejected.code and rejected.why for rejected in parsed.rejected)


@FUZZ
@given(BYTES)
def test_device_payloads_never_raise(body):
    for read in (parse_json, parse_ndjson, parse_csv, lambda b: parse(b, "text/csv"), lambda b: parse(b, "")):
        is_storable(read(body))


@FUZZ
@given(st.lists(DOCUMENTS, max_size=4))
def test_good_neighbours_of_a_bad_row_survive(rows):
    good = {"property": "pm10", "value": 1, "asset": "the-good-one"}
    parsed = parse_json(json.dumps({"readings": [good, *rows, good]}).encode("utf-8", "replace"))
    assert sum(one.asset == "the-good-one" for one in parsed.readings) == 2


@FUZZ
@given(st.lists(st.builds(Reading, st.just("pm10"), st.none() | st.floats(allow_nan=False, allow_infinity=False)), max_size=20))
def test_what_is_written_is_read_again(readings):
    assert parse_json(write_json(readings)) == (readings, [])


@FUZZ
@given(BYTES)
def test_network_messages_raise_nothing_but_input_errors(body):
    for event in ("up", "join", "status"):
        with suppress(InputError):
            chirpstack.parse(body, event)
        with suppress(InputError):
            the_things_stack.parse(body, event)


@FUZZ
@given(st.text(max_size=60))
def test_topics_raise_nothing_but_input_errors(topic):
    for read in (chirpstack.parse_topic, the_things_stack.parse_topic):
        with suppress(InputError):
            read(topic)


@FUZZ
@given(BYTES)
def test_geojson_raises_nothing_but_input_errors(body):
    with suppress(InputError):
        read_features(body)
        is_storable(Parsed([], read_assets(body, "c", "k").rejected))


@FUZZ
@given(BYTES)
def test_imports_raise_nothing_but_input_errors(body):
    with suppress(InputError):
        rows, rejected = read_rows(MAPPING, body)
        is_storable(Parsed([], rejected))
        is_storable(rows_to_readings(MAPPING, rows, {"1": "a", "가": None}))
        is_storable(Parsed([], rows_to_assets(MAPPING, rows, "c").rejected))


@FUZZ
@given(st.dictionaries(st.sampled_from(["a", "b"]), DOCUMENTS))
def test_decoded_objects_never_raise(values):
    is_storable(readings_of(values, TARGETS))


@pytest.mark.parametrize("name", shipped_names())
@settings(max_examples=60, deadline=None, derandomize=True)
@given(port=st.sampled_from([1, 2, 3, 4, 6, 7, 8, 10, 11, 12, 13, 15, 85, 88]), payload=st.binary(max_size=60), head=st.data())
def test_no_payload_breaks_a_shipped_codec(name, port, payload, head):
    codec = shipped(name)
    keys = [bytes.fromhex(key) for records in codec.records.values() for keys in records.cases for key in keys.split()]
    if keys:
        payload = head.draw(st.sampled_from(keys)) + payload
    found = decode(codec, port, payload)
    if not isinstance(found, Rejected):
        msgspec.json.encode(found)
        is_storable(readings_of(found, codec.properties))
