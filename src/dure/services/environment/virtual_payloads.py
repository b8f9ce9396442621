"""The bytes that real LoRaWAN sensors would send for given values, and ChirpStack's message around them.

Each encoder is the reverse of the codec of the same name in protocols/codecs; a test decodes what is encoded here.
Sources: data sheets of Decentlab DL-PM and DL-CTD10 (payload protocol 2) and Milesight WTS506.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from datetime import datetime

from dure.protocols.chirpstack import SentUp, write_up

DECENTLAB_PROTOCOL = 2
DECENTLAB_PORT = 1
MILESIGHT_PORT = 85

Values = Mapping[str, float]


def decentlab_pm(values: Values, device_no: int) -> bytes:
    """DL-PM: battery, dust by size, temperature and humidity, pressure."""
    fine, coarse = values["pm2_5"], values["pm10"]
    masses = [_word(10 * one) for one in (0.8 * fine, fine, (fine + coarse) / 2, coarse)]
    counts = [_word(500)] + [_word(10 * share * fine) for share in (6.2, 7.1, 7.3, 7.4, 7.4)]
    climate = [
        _word((values["air_temperature"] + 46.85) * 65_536 / 175.72),
        _word((values["relative_humidity"] + 6) * 65_536 / 125),
    ]
    pressure = [_word(values["air_pressure"] * 100 / 2)]
    return _decentlab(device_no, 0b1111, [_word(1000 * values["battery_voltage"]), *masses, *counts, *climate, *pressure])


def decentlab_ctd10(values: Values, device_no: int) -> bytes:
    """DL-CTD10: depth, temperature, conductivity, freezing flag; battery."""
    words = [
        _word(1000 * values["water_level"] + 32_768),
        _word(10 * values["water_temperature"] + 32_768),
        _word(values["electrical_conductivity"]),
        0,
        _word(1000 * values["battery_voltage"]),
    ]
    return _decentlab(device_no, 0b11, words)


def milesight_wts506(values: Values, device_no: int) -> bytes:  # noqa: ARG001  # all encoders are called alike
    """WTS506 without its battery and rain gauge: temperature, humidity, wind direction and speed, pressure."""
    return b"".join(
        (
            struct.pack("<BBh", 0x03, 0x67, round(10 * values["air_temperature"])),
            struct.pack("<BBB", 0x04, 0x68, round(2 * values["relative_humidity"])),
            struct.pack("<BBH", 0x05, 0x84, round(10 * values["wind_direction"])),
            struct.pack("<BBH", 0x06, 0x73, round(10 * values["air_pressure"])),
            struct.pack("<BBH", 0x07, 0x92, round(10 * values["wind_speed"])),
        )
    )


# Codec -> (port, encoder).
ENCODERS: dict[str, tuple[int, Callable[[Values, int], bytes]]] = {
    "decentlab-dl-pm": (DECENTLAB_PORT, decentlab_pm),
    "decentlab-dl-ctd10": (DECENTLAB_PORT, decentlab_ctd10),
    "milesight-wts506": (MILESIGHT_PORT, milesight_wts506),
}


def chirpstack_uplink(dev_eui: str, codec: str, values: Values, at: datetime, f_cnt: int) -> bytes:
    """ChirpStack v4's JSON of an uplink."""
    port, encode = ENCODERS[codec]
    return write_up(SentUp(dev_eui, port, encode(values, int(dev_eui[-4:], 16)), f_cnt, "environment"), at)


def _decentlab(device_no: int, flags: int, words: list[int]) -> bytes:
    return struct.pack(f">BHH{len(words)}H", DECENTLAB_PROTOCOL, device_no, flags, *words)


def _word(value: float) -> int:
    """An unsigned 16-bit word; what does not fit is cut at its end, as the devices do."""
    return min(0xFFFF, max(0, round(value)))
