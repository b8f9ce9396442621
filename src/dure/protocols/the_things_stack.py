"""The Things Stack v3: its webhooks and MQTT (``v3/{app}@{tenant}/devices/{id}/up``).

Trap: it omits empty fields. An absent ``f_port``, ``f_cnt`` or ``frm_payload`` is 0 or empty, not unknown.
Source: The Things Stack documentation, "Data formats" and "MQTT server".
"""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec

from dure.core.errors import InputError
from dure.protocols.lorawan import Joined, Message, Uplink, bytes_of, eui_of, instant_of, key_of, read
from dure.protocols.readings import shown

_TOPIC = re.compile(r"v3/([^/]+)/devices/([^/]+)/([a-z]+(?:/[a-z]+)?)")
UNUSED_EVENTS = frozenset({
    "down/queued", "down/sent", "down/ack", "down/nack", "down/failed", "down/push", "down/replace",
    "queue/invalidated", "service/data", "location/solved",
})  # fmt: skip


class _ApplicationIds(msgspec.Struct):
    application_id: str = ""


class _Ids(msgspec.Struct):
    dev_eui: str
    device_id: str = ""
    application_ids: _ApplicationIds = msgspec.field(default_factory=_ApplicationIds)
    dev_addr: str = ""


class _Reception(msgspec.Struct):
    rssi: float | None = None
    snr: float = 0.0


class _UplinkMessage(msgspec.Struct):
    session_key_id: str = ""
    f_port: Annotated[int, msgspec.Meta(ge=0, le=255)] = 0
    f_cnt: Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)] = 0
    frm_payload: str = ""
    decoded_payload: dict[str, Any] | None = None
    rx_metadata: list[_Reception] = []
    received_at: str = ""


class _JoinAccept(msgspec.Struct):
    session_key_id: str = ""
    received_at: str = ""


class _Body(msgspec.Struct):
    end_device_ids: _Ids
    received_at: str = ""
    uplink_message: _UplinkMessage | None = None
    join_accept: _JoinAccept | None = None


_BODY = msgspec.json.Decoder(_Body)


def parse_topic(topic: str) -> tuple[str, str]:
    """(device id, event) of an MQTT topic."""
    found = _TOPIC.fullmatch(topic)
    if found is None:
        raise InputError("lorawan.topic_malformed", f"{shown(topic)} is no The Things Stack topic: v3/APP@TENANT/devices/ID/up.")
    return found[2], found[3]


def parse(body: bytes, event: str = "up", device_id: str = "") -> Message | None:
    """The message of a webhook or MQTT body; None for an event that Dure does not use.

    A webhook may send every event to one address: the body itself says what it is, `event` only what to ignore.
    """
    if event in UNUSED_EVENTS:
        return None
    if event not in ("up", "join"):
        raise InputError("lorawan.event_unknown", f"The Things Stack has no event {shown(event)}. Use up or join.")
    found = read(body, _BODY, "The Things Stack")
    if device_id and found.end_device_ids.device_id not in ("", device_id):
        named = shown(found.end_device_ids.device_id)
        raise InputError("lorawan.topic_mismatch", f"The topic names {shown(device_id)}, the message {named}.")
    if found.uplink_message is not None:
        return _uplink(found, found.uplink_message)
    if found.join_accept is not None:
        return _joined(found, found.join_accept)
    return None


def _uplink(body: _Body, up: _UplinkMessage) -> Uplink:
    ids, payload = body.end_device_ids, bytes_of(up.frm_payload)
    dev_eui = eui_of(ids.dev_eui)
    best = max(up.rx_metadata, key=lambda one: -1e9 if one.rssi is None else one.rssi, default=None)
    return Uplink(
        network="the_things_stack",
        dev_eui=dev_eui,
        device_name=ids.device_id,
        application=ids.application_ids.application_id,
        f_port=up.f_port,
        f_cnt=up.f_cnt,
        payload=payload,
        decoded=up.decoded_payload or None,
        received_at=instant_of(up.received_at or body.received_at),
        dedup_key=key_of(dev_eui, up.session_key_id or ids.dev_addr, up.f_cnt, payload.hex()),
        rssi=None if best is None else best.rssi,
        snr=None if best is None or best.rssi is None else best.snr,
    )


def _joined(body: _Body, join: _JoinAccept) -> Joined:
    ids = body.end_device_ids
    dev_eui = eui_of(ids.dev_eui)
    return Joined(
        network="the_things_stack",
        dev_eui=dev_eui,
        device_name=ids.device_id,
        application=ids.application_ids.application_id,
        received_at=instant_of(join.received_at or body.received_at),
        dedup_key=key_of(dev_eui, join.session_key_id or ids.dev_addr, join.received_at),
    )
