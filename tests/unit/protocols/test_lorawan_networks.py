"""ChirpStack v4 and The Things Stack v3."""

import json
from datetime import UTC, datetime

import pytest

from dure.core.errors import InputError
from dure.core.observations import Reading
from dure.protocols import chirpstack, the_things_stack
from dure.protocols.codec_model import load_codec, load_targets
from dure.protocols.codecs import shipped
from dure.protocols.lorawan import DeviceStatus, Joined, Uplink, uplink_readings

EUI = "0102030405060708"
INFO = {"tenantId": "t", "applicationId": "a-1", "applicationName": "air", "deviceName": "AM308-3", "devEui": EUI, "tags": {}}
CHIRPSTACK_UP = {
    "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
    "time": "2026-11-24T00:00:00.123456789Z",
    "deviceInfo": INFO,
    "devAddr": "00189440",
    "dr": 1,
    "fCnt": 10,
    "fPort": 85,
    "data": "AXVcA2c0AQRoZQ==",
    "rxInfo": [{"gatewayId": "g1", "rssi": -48, "snr": 9}, {"gatewayId": "g2", "rssi": -36, "snr": 10.5}],
}
TTS_UP = {
    "end_device_ids": {
        "device_id": "bin-7",
        "application_ids": {"application_id": "waste"},
        "dev_eui": EUI.upper(),
        "dev_addr": "00BCB929",
    },
    "received_at": "2026-11-24T00:00:01.5Z",
    "uplink_message": {
        "session_key_id": "AXA50QHUwGQ=",
        "f_port": 1,
        "frm_payload": "AQ==",
        "decoded_payload": {"temperature": 21.5, "level": "1700 mm", "full": False, "state": "Preheating"},
        "rx_metadata": [{"rssi": -35, "snr": 5.2}, {"rssi": -80}],
        "received_at": "2026-11-24T00:00:00.987654321Z",
    },
}


def body(message):
    return json.dumps(message).encode()


def test_a_chirpstack_uplink_is_read():
    assert chirpstack.parse(body(CHIRPSTACK_UP)) == Uplink(
        network="chirpstack",
        dev_eui=EUI,
        device_name="AM308-3",
        application="air",
        f_port=85,
        f_cnt=10,
        payload=bytes.fromhex("01755c03673401046865"),
        decoded=None,
        received_at=datetime(2026, 11, 24, 0, 0, 0, 123456, tzinfo=UTC),
        dedup_key="3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        rssi=-36,
        snr=10.5,
    )


def test_absent_zero_fields_of_the_things_stack_are_zero():
    uplink = the_things_stack.parse(body({"end_device_ids": {"dev_eui": EUI}, "uplink_message": {"rx_metadata": [{}]}}))
    assert isinstance(uplink, Uplink)
    assert (uplink.f_port, uplink.f_cnt, uplink.payload, uplink.decoded, uplink.received_at) == (0, 0, b"", None, None)
    assert (uplink.rssi, uplink.snr) == (None, None)


def test_a_the_things_stack_uplink_is_read():
    uplink = the_things_stack.parse(body(TTS_UP))
    assert isinstance(uplink, Uplink)
    assert (uplink.dev_eui, uplink.device_name, uplink.application) == (EUI, "bin-7", "waste")
    assert (uplink.f_port, uplink.f_cnt, uplink.payload) == (1, 0, b"\x01")
    assert uplink.received_at == datetime(2026, 11, 24, 0, 0, 0, 987654, tzinfo=UTC)
    assert (uplink.rssi, uplink.snr) == (-35, 5.2)


def test_copies_of_an_uplink_share_the_key_and_a_new_session_does_not():
    def key(**changes):
        return the_things_stack.parse(body({**TTS_UP, "uplink_message": {**TTS_UP["uplink_message"], **changes}})).dedup_key

    assert key() == key(rx_metadata=[], received_at="2026-11-24T00:00:09Z")
    assert len({key(), key(session_key_id="other"), key(f_cnt=1), key(frm_payload="Ag==")}) == 4


def test_joins_and_status_are_read_and_other_events_left():
    join = chirpstack.parse(body({"deviceInfo": INFO, "time": "2026-11-24T00:00:00Z", "deduplicationId": "d"}), "join")
    assert isinstance(join, Joined)
    status = chirpstack.parse(body({"deviceInfo": INFO, "margin": 7, "batteryLevel": 75.5}), "status")
    assert isinstance(status, DeviceStatus)
    assert (status.battery_percent, status.margin_db) == (75.5, 7)
    mains = chirpstack.parse(body({"deviceInfo": INFO, "externalPowerSource": True}), "status")
    assert (mains.battery_percent, mains.external_power) == (None, True)
    joined = the_things_stack.parse(body({"end_device_ids": {"dev_eui": EUI}, "join_accept": {"session_key_id": "s"}}), "join")
    assert isinstance(joined, Joined)
    assert chirpstack.parse(b"whatever", "txack") is None
    assert the_things_stack.parse(b"whatever", "down/sent") is None


def test_topics_name_device_and_event():
    assert chirpstack.parse_topic(f"application/a-1/device/{EUI}/event/up") == (EUI, "up")
    assert chirpstack.parse_topic(f"eu868/application/a-1/device/{EUI}/event/join") == (EUI, "join")
    assert the_things_stack.parse_topic("v3/waste@ttn/devices/bin-7/up") == ("bin-7", "up")
    assert the_things_stack.parse_topic("v3/waste@ttn/devices/bin-7/down/sent") == ("bin-7", "down/sent")


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: chirpstack.parse(b"{"), "lorawan.json_broken"),
        (lambda: chirpstack.parse(b"[" * 100_000), "lorawan.malformed"),
        (lambda: chirpstack.parse(b'{"deviceInfo": {"devEui": "\xff"}}'), "lorawan.utf8_broken"),
        (lambda: chirpstack.parse(b"{}"), "lorawan.malformed"),
        (lambda: chirpstack.parse(body({**CHIRPSTACK_UP, "fPort": 256})), "lorawan.malformed"),
        (lambda: chirpstack.parse(body({**CHIRPSTACK_UP, "data": "not base64!"})), "lorawan.payload_malformed"),
        (lambda: chirpstack.parse(body({**CHIRPSTACK_UP, "time": "noon"})), "lorawan.time_unreadable"),
        (lambda: chirpstack.parse(body({**CHIRPSTACK_UP, "deviceInfo": {"devEui": "1"}})), "lorawan.dev_eui_malformed"),
        (lambda: chirpstack.parse(body(CHIRPSTACK_UP), "up", "ffffffffffffffff"), "lorawan.topic_mismatch"),
        (lambda: chirpstack.parse(body(CHIRPSTACK_UP), "down"), "lorawan.event_unknown"),
        (lambda: chirpstack.parse_topic("up/hwaseong/st-1"), "lorawan.topic_malformed"),
        (lambda: the_things_stack.parse(body(TTS_UP), "up", "bin-8"), "lorawan.topic_mismatch"),
        (lambda: the_things_stack.parse(body(TTS_UP), "sideways"), "lorawan.event_unknown"),
        (lambda: the_things_stack.parse_topic("v3/x"), "lorawan.topic_malformed"),
    ],
)
def test_what_is_wrong_with_a_message_has_a_code(call, code):
    with pytest.raises(InputError) as raised:
        call()
    assert raised.value.code == code


def test_an_uplink_goes_through_the_codec_and_takes_the_networks_time():
    uplink = chirpstack.parse(body(CHIRPSTACK_UP))
    at = uplink.received_at
    assert uplink_readings(uplink, shipped("milesight-am308")) == (
        [
            Reading("air_temperature", 30.8, at, unit="Cel"),
            Reading("relative_humidity", 50.5, at, unit="%"),
            Reading("battery_fraction", 92.0, at, unit="%"),
        ],
        [],
    )


def test_an_uplink_that_cannot_be_decoded_is_one_rejection():
    uplink = chirpstack.parse(body(CHIRPSTACK_UP))
    assert [one.code for one in uplink_readings(uplink).rejected] == ["codec.none"]
    assert [one.code for one in uplink_readings(uplink, shipped("dingtek-df702")).rejected] == ["codec.port_unknown"]


def test_a_decoded_object_is_trusted_when_there_is_a_mapping():
    mapping = load_targets(
        {
            "temperature": {"property": "air_temperature", "unit": "Cel"},
            "level": {"property": "distance", "unit": "mm"},
            "full": {"property": "full"},
            "state": {"property": "ready", "missing": ["Preheating"]},
            "absent": {"property": "o3"},
        }
    )
    uplink = the_things_stack.parse(body(TTS_UP))
    at = uplink.received_at
    assert uplink_readings(uplink, shipped("elsys-generic"), mapping).readings == [
        Reading("air_temperature", 21.5, at, unit="Cel"),
        Reading("distance", 1700.0, at, unit="mm"),
        Reading("full", 0.0, at),
        Reading("ready", None, at),
    ]


def test_a_codec_file_can_say_what_the_networks_decoded_object_means():
    file = '[codec]\nvendor = "V"\nmodel = "M"\n[decoded]\ntemperature = { property = "air_temperature", unit = "Cel" }\n'
    uplink = the_things_stack.parse(body(TTS_UP))
    assert [one.value for one in uplink_readings(uplink, load_codec(file)).readings] == [21.5]
    bare = chirpstack.parse(body(CHIRPSTACK_UP))
    assert [one.code for one in uplink_readings(bare, load_codec(file)).rejected] == ["codec.port_unknown"]


def test_a_decoded_word_without_a_number_is_rejected_and_the_rest_kept():
    mapping = load_targets({"state": {"property": "ready"}, "temperature": {"property": "air_temperature"}})
    parsed = uplink_readings(the_things_stack.parse(body(TTS_UP)), None, mapping)
    assert [one.code for one in parsed.rejected] == ["codec.value_unusable"]
    assert len(parsed.readings) == 1
