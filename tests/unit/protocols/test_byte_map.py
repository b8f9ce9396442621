"""The byte-map language: what a codec file can say, and what it answers to wrong bytes and wrong files."""

import msgspec
import pytest

from dure.core.errors import ConfigError
from dure.core.observations import Reading, Rejected
from dure.protocols.bytemap import decode, load_codec, readings_of
from dure.protocols.codec_model import Records, Step, Target, load_targets

ABOUT = '[codec]\nvendor = "V"\nmodel = "M"\n'


def codec(text):
    return load_codec(ABOUT + text)


def one(fields):
    return codec(f"[[frames]]\nfields = [{fields}]")


def run(fields, payload, port=1):
    return decode(one(fields), port, bytes.fromhex(payload))


@pytest.mark.parametrize(
    ("field", "payload", "expected"),
    [
        ('type = "u8"', "ff", 255),
        ('type = "i8"', "ff", -1),
        ('type = "u16"', "0102", 258),
        ('type = "u16le"', "0102", 513),
        ('type = "i24"', "fffffe", -2),
        ('type = "u32", divide = 1000', "00000539", 1.337),
        ('type = "f32"', "41b9999a", 23.200000762939453),
        ('type = "f32", round = 1', "41b9999a", 23.2),
        ('type = "f64le"', "000000000000f03f", 1.0),
        ('type = "bcd", size = 2', "1234", 1234),
        ('type = "hex", size = 2', "0aff", "0AFF"),
        ('type = "ascii", size = 4', "41420043", "AB"),
        ('type = "u8", at = -1', "0007", 7),
        ('type = "u8", at = 1', "0007", 7),
        ('type = "u8", bit = 3', "08", True),
        ('type = "u8", bits = [4, 4]', "a5", 10),
        ('type = "u8", scale = 0.5, add = -10', "1e", 5.0),
        ('type = "u8", value = "x * 2 if x > 3 else 0"', "04", 8),
        ('type = "u8", lookup = { 1 = "on" }, otherwise = "?"', "01", "on"),
        ('type = "u8", lookup = { 1 = "on" }, otherwise = "?"', "02", "?"),
        ('type = "u16", format = "{} mm"', "06a4", "1700 mm"),
        ('type = "u8", format = "{:03d}"', "07", "007"),
        ('type = "u8", extra = { unit = "V" }', "07", {"unit": "V", "value": 7}),
        ("const = 5", "", 5),
        ('value = "u16(0) + size + port"', "0100", 259),
    ],
)
def test_each_kind_of_field_is_read(field, payload, expected):
    assert run(f'{{ name = "a", {field} }}', payload) == {"a": expected}


@pytest.mark.parametrize(
    ("field", "payload"),
    [
        ('type = "u16", missing = [0xffff]', "ffff"),
        ('type = "f32"', "7fc00000"),
        ('type = "bcd", size = 1', "fa"),
        ('type = "u8", when = "x == 1"', "07"),
        ('type = "u8", lookup = { 1 = "on" }', "07"),
        ('type = "u8", hidden = true', "07"),
        ('type = "u8", when = "u8(9) == 1"', "07"),
    ],
)
def test_a_missing_field_is_left_out(field, payload):
    assert run(f'{{ name = "a", {field} }}', payload) == {}


def test_a_missing_field_can_be_null():
    assert run('{ name = "a", type = "u8", missing = [255], null = true }', "ff") == {"a": None}


def test_nested_names_and_computed_fields():
    fields = '{ var = "raw", type = "u8" }, { name = "a/b", from = "raw", divide = 2 }, { name = "c", value = "raw + b" }'
    assert run(fields, "05") == {"a": {"b": 2.5}, "c": 7.5}


def test_loops_make_lists():
    item = '{ name = "n", repeat = "u8(0)", fields = [{ name = ".", type = "u16" }] }'
    assert run('{ type = "skip", size = 1 }, ' + item, "0200010002") == {"n": [1, 2]}
    pairs = '{ name = "n", repeat = "end", fields = [{ name = "a", type = "u8" }, { name = "b", type = "u8" }] }'
    assert run(pairs, "01020304") == {"n": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]}


TLV = """
[[frames]]
fields = [{ records = "r" }]
[records.r]
key_size = 2
%s
[records.r.cases]
"0167 0267" = [{ name = "temperature", type = "i16le", divide = 10 }]
"0301" = [{ name = "stop", stop = true }]
"""


def test_tagged_records_end_at_an_unknown_one():
    assert decode(codec(TLV % ""), 1, bytes.fromhex("0167d600" + "9999" + "02670000")) == {"temperature": 21.4}


def test_tagged_records_with_a_length_skip_an_unknown_one():
    records = codec(TLV % 'length_size = 1\notherwise = "skip"')
    assert decode(records, 1, bytes.fromhex("03999905" + "040167d600")) == {"temperature": 21.4}
    assert decode(records, 1, bytes.fromhex("090167d600")).code == "codec.short"


def test_an_unknown_record_can_be_refused():
    assert decode(codec(TLV % 'otherwise = "fail"'), 1, bytes.fromhex("9999")).code == "codec.record_unknown"


FRAMES = """
[[frames]]
ports = [1]
size = 2
fields = [{ name = "a", type = "u16" }]
[[frames]]
ports = [1]
when = "u8(0) == 7"
size_min = 4
fields = [{ name = "b", type = "u8" }]
[[frames]]
ports = [2]
fields = [{ fail = "a configuration reply, no reading" }]
"""


@pytest.mark.parametrize(
    ("port", "payload", "expected"),
    [
        (1, "0001", {"a": 1}),
        (1, "07000000", {"b": 7}),
        (1, "070000", "codec.short"),
        (1, "08000000", "codec.frame_unknown"),
        (1, "", "codec.frame_unknown"),
        (2, "00", "codec.refused"),
        (3, "00", "codec.port_unknown"),
        (1, "00" * 1025, "codec.long"),
    ],
)
def test_a_frame_is_known_by_port_size_and_condition(port, payload, expected):
    found = decode(codec(FRAMES), port, bytes.fromhex(payload))
    assert (found.code if isinstance(found, Rejected) else found) == expected


@pytest.mark.parametrize(
    ("fields", "payload", "code"),
    [
        ('{ name = "a", type = "u16" }', "01", "codec.short"),
        ('{ name = "a", type = "u8", at = -2 }', "01", "codec.short"),
        ('{ name = "a", type = "hex", size = "u8(0)" }', "05", "codec.short"),
        ('{ name = "a", type = "u8", value = "1 / x" }', "00", "codec.expression"),
        ('{ name = "a", type = "hex", size = 1, scale = 2.5 }', "00", "codec.expression"),
        ('{ name = "a", type = "hex", size = 1, bit = 1 }', "0a", "codec.expression"),
        ('{ name = "a", type = "u8", format = "{:d}", value = "text(x)" }', "00", "codec.expression"),
        ('{ repeat = "end", fields = [{ name = "a", const = 1 }] }', "00", "codec.refused"),
        ('{ name = "n", repeat = 600, fields = [{ name = "a", const = 1 }] }', "00", "codec.refused"),
        ('{ name = "a", const = 1 }, { name = "a/b", const = 1 }', "", "codec.refused"),
    ],
)
def test_bytes_that_do_not_fit_are_rejected_with_a_code(fields, payload, code):
    assert run(fields, payload).code == code


@pytest.mark.parametrize(
    "text",
    [
        "not toml",
        "frames = []",
        '[[frames]]\nfields = [{ name = "a", type = "u9" }]',
        '[[frames]]\nfields = [{ name = "a", typo = "u8" }]',
        '[[frames]]\nfields = [{ name = "a" }]',
        '[[frames]]\nfields = [{ name = "a", type = "hex" }]',
        '[[frames]]\nfields = [{ name = "a", type = "u8", size = 1 }]',
        '[[frames]]\nfields = [{ name = "a", type = "u8", const = 1 }]',
        '[[frames]]\nfields = [{ name = "a", type = "u8", divide = 0 }]',
        '[[frames]]\nfields = [{ name = "a", type = "u8", lookup = "nowhere" }]',
        '[[frames]]\nfields = [{ name = "a", type = "u8", format = "mm" }]',
        '[[frames]]\nfields = [{ name = "a", type = "u8", format = "{:>999999999}" }]',
        '[[frames]]\nfields = [{ name = "a", type = "u8", value = "nobody + 1" }]',
        '[[frames]]\nfields = [{ name = "a", type = "u8", when = "import os" }]',
        '[[frames]]\nfields = [{ records = "nowhere" }]',
        "[[frames]]\nports = [300]\nfields = []",
        '[[frames]]\nfields = []\n[records.r.cases]\n"1" = []',
        '[[frames]]\nfields = []\n[properties]\na = { property = "A b" }',
        '[[frames]]\nfields = []\n[properties]\na = { property = "a", unit = "furlong" }',
        "[[frames]]\nfields = [" + "{ fields = [" * 12 + '{ name = "a", type = "u8" }' + "] }" * 12 + "]",
    ],
)  # fmt: skip
def test_a_wrong_codec_file_is_refused_when_it_is_read(text):
    with pytest.raises(ConfigError) as raised:
        codec(text)
    assert raised.value.code == "codec.invalid"


def test_decoded_fields_become_readings_by_path_and_selector():
    targets = load_targets(
        {
            "a/b": {"property": "p1", "unit": "Cel", "scale": 0.1, "add": 1},
            "pm1.0": {"property": "p2"},
            "list[id=7]/v": {"property": "p3"},
            "list[id=8]/v": {"property": "p4"},
            "on": {"property": "p5"},
            "word": {"property": "p6", "values": {"ON": 1}},
            "nothing": {"property": "p7"},
        }
    )
    values = {"a": {"b": 200}, "pm1.0": 3, "list": [{"id": 7, "v": 4}], "on": True, "word": "ON", "nothing": None}
    assert readings_of(values, targets).readings == [
        Reading("p1", 21.0, unit="Cel"),
        Reading("p2", 3.0),
        Reading("p3", 4.0),
        Reading("p5", 1.0),
        Reading("p6", 1.0),
        Reading("p7", None),
    ]


def test_every_key_of_a_codec_file_is_documented(request):
    for language in ("en", "ko"):
        text = (request.config.rootpath / "docs" / language / "codecs.md").read_text("utf-8")
        for struct in (Step, Records, Target):
            keys = [field.encode_name for field in msgspec.structs.fields(struct)]
            assert [key for key in keys if f"`{key}`" not in text] == []
