"""What is sent down to LoRaWAN sensors: their settings, by codec. So far those of the Dingtek DF702.

A ``configure`` command says ``{"setting": "upload_interval_h", "value": 4}``. On the air that is 14 ASCII characters:
``80029999``, the option, the value, each two hex digits, ``81``. That the device takes the characters as they are, and not the
bytes they spell, is to be confirmed on one. Source: TheThingsNetwork/lorawan-devices, ``vendor/dingtek/df702-codec.yaml``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from dure.core.observations import Rejected

HEAD, TAIL = "80029999", "81"
CONFIGURE = "configure"
"""Name of the command that carries a setting."""


class Option(NamedTuple):
    """One setting: its byte, and the least and greatest value the device takes."""

    code: int
    least: int
    most: int


class Setting(NamedTuple):
    """A setting by name, with its value in the unit the name says."""

    name: str
    value: int


OPTIONS: dict[str, Option] = {
    "upload_interval_h": Option(0x01, 1, 168),
    "detection_interval_min": Option(0x08, 1, 60),
    "full_alarm_cm": Option(0x02, 15, 255),
    "fire_alarm_cel": Option(0x03, 0, 255),
    "tilt_alarm_deg": Option(0x04, 15, 90),
}
SWITCH = 0x09
SWITCHES: dict[Setting, int] = {
    Setting("tilt_alarm_on", 1): 0x0A,
    Setting("tilt_alarm_on", 0): 0x09,
    Setting("range_m", 2): 0x07,
    Setting("range_m", 5): 0x13,
}
SETTINGS = tuple(dict.fromkeys([*OPTIONS, *(one.name for one in SWITCHES)]))


def encode_downlink(setting: Setting) -> str | Rejected:
    """The characters of a setting; refused with ``downlink.setting`` or ``downlink.value``."""
    if setting.name not in SETTINGS:
        why = f"There is no setting {setting.name[:40]!r}; there are {', '.join(SETTINGS)}."
        return Rejected(0, "downlink.setting", why, setting.name[:80])
    option = OPTIONS.get(setting.name)
    code, value = (option.code, setting.value) if option else (SWITCH, SWITCHES.get(setting))
    if value is None or isinstance(value, bool) or (option and not option.least <= value <= option.most):
        good = f"{option.least} to {option.most}" if option else sorted(one.value for one in SWITCHES if one.name == setting.name)
        return Rejected(0, "downlink.value", f"{setting.name} takes {good}, not {setting.value}.", str(setting.value)[:80])
    return f"{HEAD}{code:02X}{value:02X}{TAIL}"


def decode_downlink(text: str) -> Setting | Rejected:
    """The setting of a downlink's characters, in either case; refused with ``downlink.malformed``."""
    digits, body = text.upper(), text[len(HEAD) : -len(TAIL)]
    is_framed = len(text) == len(HEAD) + 4 + len(TAIL) and digits.startswith(HEAD) and digits.endswith(TAIL)
    if not is_framed or not body.isascii() or not all(one in "0123456789abcdefABCDEF" for one in body):
        return Rejected(0, "downlink.malformed", "A downlink reads 80029999, option, value, 81.", text[:80])
    code, value = divmod(int(body, 16), 256)
    for setting, raw in SWITCHES.items():
        if code == SWITCH and raw == value:
            return setting
    for name, option in OPTIONS.items():
        if code == option.code and option.least <= value <= option.most:
            return Setting(name, value)
    return Rejected(0, "downlink.malformed", f"Option {code:02X} with value {value:02X} is not described.", text[:80])


class Down(NamedTuple):
    """Bytes to be sent down, and the port."""

    f_port: int
    payload: bytes


# Codec -> (port, encoder).
ENCODERS: dict[str, tuple[int, Callable[[Setting], str | Rejected]]] = {"dingtek-df702": (3, encode_downlink)}


def downlink_of(codec: str, arguments: Mapping[str, Any]) -> Down | Rejected:
    """What a ``configure`` command sends down to a device of a codec; refused as `encode_downlink` does."""
    name, value = arguments.get("setting"), arguments.get("value")
    if codec not in ENCODERS:
        return Rejected(0, "downlink.codec", f"Settings of the codec {codec[:40]!r} cannot be sent.", codec[:80])
    if not isinstance(name, str) or isinstance(value, bool) or not isinstance(value, int):
        return Rejected(0, "downlink.setting", "A configure command says setting, a name, and value, a whole number.")
    port, encode = ENCODERS[codec]
    made = encode(Setting(name, value))
    return made if isinstance(made, Rejected) else Down(port, made.encode())
