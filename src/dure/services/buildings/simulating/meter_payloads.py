"""What the demo's meters send: JSON by MQTT and HTTP, batches of their past, and the bytes of a pulse counter.

The encoder is the reverse of the city's codec of the same name; a test decodes what is encoded here.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice

from dure.core.time import format_instant, from_us
from dure.protocols.chirpstack import SentUp, write_up

APPLICATION = "buildings"
CODEC, PORT = "milesight-em300-di", 85
LITRES_PER_PULSE = 10
BATCH_ROWS = 2_000


def by_mqtt(values: Mapping[str, float], at: datetime) -> bytes:
    """The short JSON form of docs/en/devices.md."""
    return json.dumps({"time": format_instant(at), "values": dict(values)}, separators=(",", ":")).encode()


def em300(litres: int, charge: float) -> bytes:
    """Channels of the Milesight EM300-DI: battery, pulses."""
    return struct.pack("<BBB", 0x01, 0x75, round(100 * charge)) + struct.pack("<BBI", 0x05, 0xC8, litres // LITRES_PER_PULSE)


def uplink(dev_eui: str, litres: int, charge: float, at: datetime, f_cnt: int) -> bytes:
    """ChirpStack v4's JSON of an uplink."""
    return write_up(SentUp(dev_eui, PORT, em300(litres, charge), f_cnt, APPLICATION), at)


def history(name: str, rows: Iterable[tuple[int, float]]) -> Iterator[bytes]:
    """Rows (instant [us], value) of one property in batches as `POST /readings` takes them."""
    left = iter(rows)
    while part := list(islice(left, BATCH_ROWS)):
        readings = [{"time": format_instant(from_us(time_us)), "values": {name: value}} for time_us, value in part]
        yield json.dumps({"readings": readings}, separators=(",", ":")).encode()
