"""What a scanned label says, and Dure's own."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import InputError
from dure.services.environment.enrolling.labels import label_address, qr_svg, read_label

# The example of LoRa Alliance TR005 itself, with its checksum.
TR005 = "LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122:OAABBCCDDEEFF:SYYWWNNNNNN:PFOOBAR:CAF2C"


def test_the_example_of_the_standard_is_read_and_its_checksum_fits():
    label = read_label(TR005)
    assert (label.form, label.dev_eui, label.join_eui) == ("tr005", "aabbccddeeff0011", "1122334455667788")
    assert (label.profile_id, label.serial) == ("AABB1122", "YYWWNNNNNN")


def test_one_wrong_sign_is_found_by_the_checksum():
    with pytest.raises(InputError) as refused:
        read_label(TR005.replace("EEFF0011", "EEFF0012"))
    assert refused.value.code == "label.checksum"


@pytest.mark.parametrize(
    ("text", "form", "eui"),
    [
        ("LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122", "tr005", "aabbccddeeff0011"),
        ("lw:d0:0000000000000000:aabbccddeeff0011:aabb1122", "tr005", "aabbccddeeff0011"),
        ("URN:DEV:LW:1122334455667788_AABBCCDDEEFF0011_AABB1122_V0001", "tr005", "aabbccddeeff0011"),
        ("24E124136B502217", "dev_eui", "24e124136b502217"),
        (" 24:E1:24:13:6B:50:22:17 ", "dev_eui", "24e124136b502217"),
        ("DevEUI: 24e124136b502217 AppEUI: 1122334455667788", "dev_eui", "24e124136b502217"),
        (
            "https://maker.example/a?devEui=24E124136B502217&appKey=00112233445566778899aabbccddeeff",
            "address",
            "24e124136b502217",
        ),
        ('{"devEui": "24E124136B502217", "appKey": "00112233445566778899aabbccddeeff"}', "json", "24e124136b502217"),
    ],
)
def test_labels_of_makers_are_read(text, form, eui):
    label = read_label(text)
    assert (label.form, label.dev_eui) == (form, eui)


def test_a_key_on_a_label_is_never_read():
    key = "00112233445566778899aabbccddeeff"
    for text in (f"24E124136B502217 {key}", f'{{"devEui": "24E124136B502217", "appKey": "{key}"}}'):
        assert key not in str(read_label(text))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "label.unreadable"), ("hello", "label.unreadable"), ("https://city.example/", "label.unreadable"),
        ("1122334455667788 24E124136B502217", "label.unreadable"), ("{broken", "label.unreadable"), ("[1]", "label.unreadable"),
        ('{"serial": "1"}', "label.unreadable"), ("LW:D0:11:22", "label.unreadable"),
        ("LW:D1:1", "label.schema"), ("LW:", "label.schema"),
        ("LW:D0:1122334455667788:AABB:AABB1122", "label.dev_eui"), ("https://x.example/?devEui=12", "label.dev_eui"),
        ("https://x.example/ko/environment/enrol?d=..", "label.unreadable"),
        ("https://x.example/ko/environment/enrol?d=A..", "label.unreadable"),
        ("https://[x/?devEui=1", "label.unreadable"), ("x" * 1_001, "label.too_long"),
    ],
)  # fmt: skip
def test_what_is_no_label_is_refused_with_a_code(text, code):
    with pytest.raises(InputError) as refused:
        read_label(text)
    assert refused.value.code == code


@given(st.text(max_size=300))
def test_any_text_is_a_label_or_a_refusal(text):
    with contextlib.suppress(InputError):  # a refusal is an answer; anything else fails
        read_label(text)


def test_dures_own_label_says_what_was_put_on_it():
    address = label_address("https://city.example/", device="air-101", asset="dongtan_1", dev_eui="24e124136b502217")
    label = read_label(address)
    assert (label.form, label.device, label.asset, label.dev_eui) == ("dure", "air-101", "dongtan_1", "24e124136b502217")
    assert read_label(label_address("http://localhost:8600", device="air-101")).device == "air-101"


def test_the_code_is_drawn_with_a_title_and_no_style_or_script():
    svg = qr_svg("https://city.example/ko/environment/enrol?d=a..", "air-101")
    assert svg.startswith("<svg")
    assert "<title>air-101</title>" in svg
    assert "style=" not in svg
    assert "<script" not in svg
