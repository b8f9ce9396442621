"""What the demo's bins send: the bytes of real sensors in ChirpStack's message, JSON by MQTT, and a maker's list.

Each encoder is the reverse of the codec of the same name in protocols/codecs; a test decodes what is encoded here.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from dure.core.time import format_instant, to_us
from dure.protocols.chirpstack import SentUp, write_up

Values = Mapping[str, float]
APPLICATION = "waste"


def df702(values: Values) -> bytes:
    """A 17-byte data frame of the Dingtek DF702."""
    alarms = (values["full_alarm"] != 0) << 4 | (values["fire_alarm"] != 0)
    state = (values["tilted"] != 0) << 4 | (values["battery_low"] != 0)
    level_mm = min(0xFFFF, max(0, round(1000 * values["distance"])))
    degrees = round(values["device_temperature"])
    return struct.pack(">5BH1Bb2B2B4B", 0x80, 0, 1, 1, 0x11, level_mm, 0, degrees, 0, 0, alarms, state, 0, 0, 0, 0x81)


def em400(values: Values) -> bytes:
    """Channels of the Milesight EM400-TLD: battery, temperature, distance, position."""
    return b"".join(
        (
            struct.pack("<BBB", 0x01, 0x75, round(100 * values["battery_fraction"])),
            struct.pack("<BBh", 0x03, 0x67, round(10 * values["device_temperature"])),
            struct.pack("<BBH", 0x04, 0x82, min(0xFFFF, max(0, round(1000 * values["distance"])))),
            struct.pack("<BBB", 0x05, 0x00, int(values["tilted"] != 0)),
        )
    )


# Codec -> (port, encoder).
ENCODERS: dict[str, tuple[int, Callable[[Values], bytes]]] = {"dingtek-df702": (3, df702), "milesight-em400": (85, em400)}


def uplink(dev_eui: str, codec: str, values: Values, at: datetime, f_cnt: int) -> bytes:
    """ChirpStack v4's JSON of an uplink."""
    port, encode = ENCODERS[codec]
    return write_up(SentUp(dev_eui, port, encode(values), f_cnt, APPLICATION), at)


def by_mqtt(values: Values, at: datetime) -> bytes:
    """The short JSON form of docs/en/devices.md."""
    return json.dumps({"time": format_instant(at), "values": dict(values)}, separators=(",", ":")).encode()


def bigbelly_list(bins: Iterable[tuple[str, float, datetime, datetime | None]]) -> bytes:
    """A list of assets as Bigbelly sends it, of (serial, level, last call, last collection)."""
    assets = [
        {
            "serialNumber": int(serial),
            "description": f"demo {serial}",
            "latestFullness": round(10 * level),
            "fullnessThreshold": 6,
            "ageThreshold": 0,
            "reason": "FULLNESS" if level >= 0.6 else "NOT_READY",
            "status": "IN_SERVICE",
            "disposition": "OPERATIONAL",
            "streamType": "TRASH",
            "lastCall": to_us(called_at) // 1000,
            **({"lastCollection": {"timestamp": to_us(emptied_at) // 1000}} if emptied_at else {}),
        }
        for serial, level, called_at, emptied_at in bins
    ]
    return json.dumps({"assets": assets}, separators=(",", ":")).encode()
