"""What a LoRaWAN network server says, whichever it is: an uplink, a join, a device status."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeVar

import msgspec

from dure.core.errors import InputError
from dure.core.observations import Reading, Rejected
from dure.core.time import parse_instant
from dure.protocols.bytemap import Codec, Target, decode, readings_of
from dure.protocols.readings import Parsed, shown

Network = Literal["chirpstack", "the_things_stack"]
_EUI = re.compile(r"[0-9a-f]{16}")
T = TypeVar("T")


class Uplink(msgspec.Struct, frozen=True, kw_only=True):
    """A payload that a device sent. `decoded` is the object a codec at the network server made of it, if any.

    `received_at` is the network's time; None when it states none. `dedup_key` is the same for every copy of the uplink.
    `rssi` [dBm] and `snr` [dB] are those of the best gateway.
    """

    network: Network
    dev_eui: str
    device_name: str
    f_port: int
    f_cnt: int
    payload: bytes
    decoded: dict[str, Any] | None
    received_at: datetime | None
    dedup_key: str
    application: str = ""
    rssi: float | None = None
    snr: float | None = None


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """A device has (re)joined: its frame counter starts again."""

    network: Network
    dev_eui: str
    device_name: str
    received_at: datetime | None
    dedup_key: str
    application: str = ""


class DeviceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a device says of itself: battery [%], None when unknown or on mains, and the margin of its link [dB]."""

    network: Network
    dev_eui: str
    device_name: str
    received_at: datetime | None
    dedup_key: str
    application: str = ""
    battery_percent: float | None = None
    external_power: bool = False
    margin_db: float | None = None


Message = Uplink | Joined | DeviceStatus


def read(body: bytes, decoder: msgspec.json.Decoder[T], network: str) -> T:
    """The network's message, typed; what does not fit is refused."""
    try:
        return decoder.decode(body)
    except UnicodeDecodeError as error:
        raise InputError("lorawan.utf8_broken", f"Byte {error.start + 1} of the {network} message is no UTF-8.") from error
    except msgspec.ValidationError as error:
        raise InputError("lorawan.malformed", f"The {network} message does not fit: {error}.") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError("lorawan.json_broken", f"The {network} message is no JSON: {error}.") from error


def eui_of(text: str) -> str:
    """Device EUI as 16 lower-case hex digits; '-' and ':' between them are dropped."""
    eui = text.lower().replace("-", "").replace(":", "")
    if not _EUI.fullmatch(eui):
        raise InputError("lorawan.dev_eui_malformed", f"{shown(text)} is no device EUI: 16 hex digits.")
    return eui


def bytes_of(text: str) -> bytes:
    """Payload of a base64 text."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError("lorawan.payload_malformed", f"The payload is no base64: {shown(text)}.") from error


def instant_of(text: str) -> datetime | None:
    """Aware UTC of a network time, nanoseconds cut; None for an empty text."""
    if not text:
        return None
    try:
        return parse_instant(text)
    except InputError as error:
        raise InputError("lorawan.time_unreadable", f"{shown(text)} is no RFC 3339 time.") from error


def key_of(*parts: object) -> str:
    """A short deduplication key of parts."""
    return hashlib.sha256("\n".join(map(str, parts)).encode("utf-8", "replace")).hexdigest()[:32]


def uplink_readings(uplink: Uplink, codec: Codec | None = None, mapping: Mapping[str, Target] | None = None) -> Parsed:
    """Readings of an uplink, with the network's time.

    The object a codec at the network server made is trusted when `mapping`, or the ``[decoded]`` table of `codec`, says
    what its fields mean; else the payload goes through `codec`. With neither, the uplink is rejected as a whole.
    """
    if mapping is None and codec is not None and codec.decoded:
        mapping = codec.decoded
    if mapping is not None and uplink.decoded is not None:
        values: dict[str, Any] = uplink.decoded
        targets = mapping
    elif codec is not None:
        decoded = decode(codec, uplink.f_port, uplink.payload)
        if isinstance(decoded, Rejected):
            return Parsed([], [decoded])
        values, targets = decoded, codec.properties
    else:
        why = f"There is no codec for {uplink.dev_eui}. Give its asset a codec, or a mapping of the network's decoded fields."
        return Parsed([], [Rejected(0, "codec.none", why, f"f_port {uplink.f_port}: {uplink.payload.hex()}")])
    readings, rejected = readings_of(values, targets)
    return Parsed([_at(reading, uplink.received_at) for reading in readings], rejected)


def _at(reading: Reading, time: datetime | None) -> Reading:
    return Reading(reading.property, reading.value, time, reading.asset, reading.unit)
