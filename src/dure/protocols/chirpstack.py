"""ChirpStack v4, JSON encoding: its HTTP integration (``?event=up``) and MQTT (``application/{id}/device/{devEui}/event/up``).

A field at its default (0, false, "") may be absent, as protobuf's JSON allows.
Source: ChirpStack documentation, "Integrations > Event types" (UplinkEvent, JoinEvent, StatusEvent).
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec

from dure.core.errors import InputError
from dure.core.time import format_instant
from dure.protocols.lorawan import DeviceStatus, Joined, Message, Uplink, bytes_of, eui_of, instant_of, key_of, read
from dure.protocols.readings import shown

if TYPE_CHECKING:
    from datetime import datetime

_TOPIC = re.compile(r"(?:.*/)?application/([^/]+)/device/([^/]+)/event/([a-z]+)")
UNUSED_EVENTS = frozenset({"ack", "txack", "log", "location", "integration"})


class _DeviceInfo(msgspec.Struct, rename="camel"):
    dev_eui: str
    device_name: str = ""
    application_id: str = ""
    application_name: str = ""


class _Reception(msgspec.Struct):
    rssi: float | None = None
    snr: float | None = None


class _Up(msgspec.Struct, rename="camel"):
    device_info: _DeviceInfo
    deduplication_id: str = ""
    time: str = ""
    dev_addr: str = ""
    f_cnt: Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)] = 0
    f_port: Annotated[int, msgspec.Meta(ge=0, le=255)] = 0
    data: str = ""
    object: dict[str, Any] | None = None
    rx_info: list[_Reception] = []


class _Join(msgspec.Struct, rename="camel"):
    device_info: _DeviceInfo
    deduplication_id: str = ""
    time: str = ""
    dev_addr: str = ""


class _Status(msgspec.Struct, rename="camel"):
    device_info: _DeviceInfo
    deduplication_id: str = ""
    time: str = ""
    margin: float = 0
    external_power_source: bool = False
    battery_level_unavailable: bool = False
    battery_level: float = 0


_UP = msgspec.json.Decoder(_Up)
_JOIN = msgspec.json.Decoder(_Join)
_STATUS = msgspec.json.Decoder(_Status)


def parse_topic(topic: str) -> tuple[str, str]:
    """(device EUI, event) of an MQTT topic, under any prefix."""
    found = _TOPIC.fullmatch(topic)
    if found is None:
        raise InputError("lorawan.topic_malformed", f"{shown(topic)} is no ChirpStack topic: application/ID/device/EUI/event/up.")
    return eui_of(found[2]), found[3]


def parse(body: bytes, event: str = "up", dev_eui: str = "") -> Message | None:
    """The message of one event; None for an event that Dure does not use.

    `dev_eui` is the one the topic names, which the message must agree with.
    """
    if event in UNUSED_EVENTS:
        return None
    if event == "up":
        message: Message = _uplink(read(body, _UP, "ChirpStack"))
    elif event == "join":
        message = _joined(read(body, _JOIN, "ChirpStack"))
    elif event == "status":
        message = _status(read(body, _STATUS, "ChirpStack"))
    else:
        raise InputError("lorawan.event_unknown", f"ChirpStack has no event {shown(event)}. Use up, join or status.")
    if dev_eui and message.dev_eui != dev_eui:
        raise InputError("lorawan.topic_mismatch", f"The topic names {dev_eui}, the message {message.dev_eui}.")
    return message


def _uplink(up: _Up) -> Uplink:
    info, payload = up.device_info, bytes_of(up.data)
    dev_eui = eui_of(info.dev_eui)
    best = max(up.rx_info, key=lambda one: -1e9 if one.rssi is None else one.rssi, default=_Reception())
    return Uplink(
        network="chirpstack",
        dev_eui=dev_eui,
        device_name=info.device_name,
        application=info.application_name or info.application_id,
        f_port=up.f_port,
        f_cnt=up.f_cnt,
        payload=payload,
        decoded=up.object or None,
        received_at=instant_of(up.time),
        dedup_key=up.deduplication_id or key_of(dev_eui, up.dev_addr, up.f_cnt, payload.hex()),
        rssi=best.rssi,
        snr=best.snr,
    )


def _joined(join: _Join) -> Joined:
    dev_eui = eui_of(join.device_info.dev_eui)
    return Joined(
        network="chirpstack",
        dev_eui=dev_eui,
        device_name=join.device_info.device_name,
        application=join.device_info.application_name or join.device_info.application_id,
        received_at=instant_of(join.time),
        dedup_key=join.deduplication_id or key_of(dev_eui, join.dev_addr, join.time),
    )


def _status(status: _Status) -> DeviceStatus:
    dev_eui = eui_of(status.device_info.dev_eui)
    known = not (status.battery_level_unavailable or status.external_power_source)
    return DeviceStatus(
        network="chirpstack",
        dev_eui=dev_eui,
        device_name=status.device_info.device_name,
        application=status.device_info.application_name or status.device_info.application_id,
        received_at=instant_of(status.time),
        dedup_key=status.deduplication_id or key_of(dev_eui, status.time),
        battery_percent=status.battery_level if known else None,
        external_power=status.external_power_source,
        margin_db=status.margin,
    )


class SentUp(NamedTuple):
    """An uplink as a virtual device sends it."""

    dev_eui: str
    f_port: int
    payload: bytes
    f_cnt: int
    application: str


def write_up(sent: SentUp, at: datetime) -> bytes:
    """ChirpStack v4's JSON of an uplink, for simulators; as protobuf does, a counter of 0 is left out."""
    eui = sent.dev_eui
    message = {
        "deduplicationId": hashlib.sha256(f"{eui} {sent.f_cnt} {at.isoformat()}".encode()).hexdigest()[:32],
        "time": format_instant(at),
        "deviceInfo": {"tenantName": "demo", "applicationName": sent.application, "deviceName": eui, "devEui": eui},
        "devAddr": eui[-8:],
        "fPort": sent.f_port,
        "data": base64.b64encode(sent.payload).decode(),
        "rxInfo": [{"gatewayId": "d0e5a1ffffff0001", "rssi": -97, "snr": 6.5}],
    }
    if sent.f_cnt:
        message["fCnt"] = sent.f_cnt
    return msgspec.json.encode(message)


def write_down(application: str, dev_eui: str, f_port: int, payload: bytes) -> tuple[str, bytes]:
    """MQTT topic and JSON of a downlink that ChirpStack v4 queues for a device.

    Source: ChirpStack documentation, "Integrations > MQTT", scheduling a downlink.
    """
    body = {"devEui": dev_eui, "confirmed": False, "fPort": f_port, "data": base64.b64encode(payload).decode()}
    return f"application/{application}/device/{dev_eui}/command/down", msgspec.json.encode(body)


def application_of(topic: str) -> str:
    """The application an MQTT topic of a device names; empty when it is none."""
    found = _TOPIC.fullmatch(topic)
    return found[1] if found else ""
