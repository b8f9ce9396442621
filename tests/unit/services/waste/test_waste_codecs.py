"""Bin sensors against the published vectors: 17 of the Dingtek DF702, 4 of the Milesight EM400-TLD; Sensoneo by its struct.

Sources: TheThingsNetwork/lorawan-devices `vendor/dingtek/df702-codec.yaml` and codec; Milesight-IoT/SensorDecoders
`em-series/em400-tld/README.md`; for Sensoneo the struct only (no published vector: this one is put together by hand).
"""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.observations import Rejected
from dure.protocols.bytemap import decode, readings_of
from dure.protocols.codecs import shipped
from dure.protocols.downlinks import OPTIONS, SWITCHES, Setting, decode_downlink, encode_downlink

DF702, EM400, SENSONEO = (shipped(name) for name in ("dingtek-df702", "milesight-em400", "sensoneo-single-3"))
PLAIN = "80 00 01 01 11 07 D0 00 19 00 00 00 00 00 00 00 81"
PLACED = "80 00 01 01 19 07 D0 01 CD 03 E9 42 EF 27 20 42 19 00 00 00 00 00 00 00 81"
SETTINGS = "80 00 01 03 19 01 04 18 01 1E 4B 1E 00 00 00 00 00 00 00 00 00 00 00 00 81"


def read(codec, text, port=3):
    return decode(codec, port, bytes.fromhex(text))


def measured(codec, text, port=3):
    found = readings_of(read(codec, text, port), codec.properties)
    assert found.rejected == []
    return {one.property: (one.value, one.unit) for one in found.readings}


def with_bytes(text, **changes):
    raw = bytearray.fromhex(text)
    for place, value in changes.items():
        raw[int(place[1:])] = value
    return raw.hex()


# --- DF702: uplinks ------------------------------------------------------------------------------------------------


def test_a_plain_frame_of_the_df702_reads_as_published():
    assert read(DF702, PLAIN) == {
        "level": "2000 mm",
        "full": False,
        "fire": False,
        "tilt": False,
        "battery": False,
        "angle": "0 °",
        "temperature": "25 ℃",
    }


def test_the_level_of_the_df702_is_kept_as_the_distance_it_is():
    assert measured(DF702, PLAIN) == {
        "distance": (2000, "mm"),
        "device_temperature": (25, "Cel"),
        "full_alarm": (0, "1"),
        "fire_alarm": (0, "1"),
        "tilted": (0, "1"),
        "battery_low": (0, "1"),
    }


def test_a_frame_with_position_reads_within_the_published_artefact_of_ieee_754():
    found = read(DF702, PLACED)
    assert {name: found[name] for name in ("level", "full", "fire", "tilt", "battery", "angle", "temperature")} == read(
        DF702, PLAIN
    )
    assert (found["longitude"], found["latitude"]) == ("116.507430", "40.038999")  # the public codec's own arithmetic
    exact = struct.unpack("<ff", bytes.fromhex(PLACED)[8:16])
    assert exact == pytest.approx((116.507423, 40.038998), abs=1e-6)
    position = measured(DF702, PLACED)
    assert (position["position_lon"][0], position["position_lat"][0]) == pytest.approx(exact, abs=1e-5)


def test_a_parameter_frame_tells_settings_and_no_reading():
    assert read(DF702, SETTINGS) == {
        "periodic_interval": "24 hours",
        "detection_interval": "1 minutes",
        "full_alarm_threshold": "30 cm",
        "fire_alarm_threshold": "75 ℃",
        "tilt_alarm_threshold": "30 °",
        "tilt_enable": False,
        "ultrasonic_range": "2000 mm",
    }
    assert measured(DF702, SETTINGS) == {}


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("b11", 0x10, {"full_alarm": 1, "fire_alarm": 0}),
        ("b11", 0x01, {"full_alarm": 0, "fire_alarm": 1}),
        ("b12", 0x10, {"tilted": 1, "battery_low": 0}),
        ("b12", 0x01, {"tilted": 0, "battery_low": 1}),
    ],
)
def test_each_alarm_of_the_df702_is_a_nibble_of_its_own(place, value, said):
    found = measured(DF702, with_bytes(PLAIN, **{place: value}))
    assert {name: found[name][0] for name in said} == said


def test_the_angle_has_its_sign_where_the_public_codec_makes_every_angle_negative():
    assert read(DF702, with_bytes(PLAIN, b10=45))["angle"] == "45 °"
    assert read(DF702, with_bytes(PLAIN, b9=1, b10=45))["angle"] == "-45 °"


def test_a_winter_temperature_is_read_as_signed_to_be_confirmed_on_a_device():
    assert measured(DF702, with_bytes(PLAIN, b8=0xF6))["device_temperature"] == (-10, "Cel")


@pytest.mark.parametrize("text", ["", "80", PLAIN[:-3], PLACED[:-3], PLAIN + "00"])
def test_a_frame_of_another_length_is_refused_with_a_code(text):
    assert read(DF702, text).code == "codec.frame_unknown"


def test_another_port_is_refused():
    assert read(DF702, PLAIN, port=4).code == "codec.port_unknown"


# --- DF702: downlinks ----------------------------------------------------------------------------------------------

DOWNLINKS = [
    (Setting("upload_interval_h", 4), "80029999010481"),
    (Setting("detection_interval_min", 10), "80029999080A81"),
    (Setting("full_alarm_cm", 35), "80029999022381"),
    (Setting("fire_alarm_cel", 70), "80029999034681"),
    (Setting("tilt_alarm_deg", 45), "80029999042D81"),
    (Setting("tilt_alarm_on", 1), "80029999090A81"),
    (Setting("range_m", 5), "80029999091381"),
]


@pytest.mark.parametrize(("setting", "text"), DOWNLINKS)
def test_a_setting_encodes_as_published(setting, text):
    assert encode_downlink(setting) == text


@pytest.mark.parametrize(("setting", "text"), DOWNLINKS)
def test_a_downlink_decodes_as_published(setting, text):
    assert decode_downlink(text) == setting
    assert decode_downlink(text.lower()) == setting


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        (Setting("upload_interval_h", 0), "downlink.value"),
        (Setting("upload_interval_h", 169), "downlink.value"),
        (Setting("full_alarm_cm", 14), "downlink.value"),
        (Setting("tilt_alarm_deg", 91), "downlink.value"),
        (Setting("range_m", 3), "downlink.value"),
        (Setting("tilt_alarm_on", 2), "downlink.value"),
        (Setting("colour", 1), "downlink.setting"),
    ],
)
def test_a_setting_the_device_does_not_take_is_refused(setting, code):
    assert encode_downlink(setting).code == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8002999901048",
        "800299990104811",
        "70029999010481",
        "80029999010482",
        "8002999901GG81",
        "80029999FF0481",
        "80029999010081",
    ],
)
def test_a_downlink_that_is_none_is_refused(text):
    assert decode_downlink(text).code == "downlink.malformed"


_RANGED = [Setting(name, value) for name, one in OPTIONS.items() for value in range(one.least, one.most + 1)]


@given(st.sampled_from([*_RANGED, *SWITCHES]))
def test_every_setting_comes_back_from_its_downlink(setting):
    assert decode_downlink(encode_downlink(setting)) == setting


@given(st.text(max_size=20))
def test_any_text_gives_a_setting_or_a_code(text):
    assert isinstance(decode_downlink(text), Setting | Rejected)


# --- EM400-TLD -----------------------------------------------------------------------------------------------------


def test_a_periodic_frame_of_the_em400_reads_as_published():
    text = "01 75 5C 03 67 01 01 04 82 44 08 05 00 01"
    assert read(EM400, text, 85) == {"battery": 92, "temperature": 25.7, "distance": 2116, "position": "tilt"}
    assert measured(EM400, text, 85)["tilted"] == (1, "1")


def test_an_alarm_frame_of_the_em400_reads_as_published():
    assert read(EM400, "83 67 E8 00 01 84 82 41 06 01", 85) == {
        "temperature": 23.2,
        "temperature_abnormal": True,
        "distance": 1601,
        "distance_alarm": True,
    }


def test_a_location_frame_has_latitude_first_where_the_published_sample_has_it_wrong():
    found = read(EM400, "06 88 36 BF 77 01 F0 00 09 07 22", 85)
    assert found == {"latitude": 24.62495, "longitude": 118.030576, "geofence": "unset", "motion": "moving"}


def test_the_payload_of_an_nb_iot_frame_reads_as_published():
    text = "01 75 64 03 67 0B 01 04 82 3B 01 05 00 01"
    assert read(EM400, text, 85) == {"battery": 100, "temperature": 26.7, "distance": 315, "position": "tilt"}
    assert measured(EM400, text, 85)["battery_fraction"] == (100, "%")


def test_an_em400_frame_cut_short_is_refused_with_a_code():
    assert read(EM400, "01 75 5C 03 67 01", 85).code == "codec.short"


# --- Sensoneo ------------------------------------------------------------------------------------------------------


def sensoneo(events=1, sonars=(50, 52, 48, 0), voltage=110, temperature=-3, angle=2, count=7):
    return struct.pack("<4sIB4BBbBB", b"\x01\x02\x03\x04", 70_001, events, *sonars, voltage, temperature, angle, count).hex()


def test_a_sensoneo_struct_has_17_bytes_and_reads_by_its_fields():
    assert len(bytes.fromhex(sensoneo())) == 17
    found = read(SENSONEO, sensoneo(), 1)
    assert (found["id"], found["voltage"], found["temperature"], found["angle"], found["count"]) == (70_001, 3600, -3, 2, 7)
    assert (found["measurement"], found["fire"], found["tilt"]) == (True, False, False)


def test_the_surface_is_the_mean_of_the_sonars_that_heard_an_echo():
    assert measured(SENSONEO, sensoneo(), 1)["distance"] == (100, "cm")
    assert measured(SENSONEO, sensoneo(sonars=(0, 0, 0, 0)), 1)["distance"] == (0, "cm")


def test_fire_and_tilt_of_a_sensoneo_are_bits_of_its_events():
    found = measured(SENSONEO, sensoneo(events=2 | 4), 1)
    assert (found["fire_alarm"][0], found["tilted"][0]) == (1, 1)
