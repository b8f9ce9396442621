"""Labels of devices: what a scanned one says, and the QR code of Dure's own. Pure.

Read are LoRa Alliance TR005 ("LoRaWAN Device Identification QR Codes", 2020: ``LW:D0:JoinEUI:DevEUI:ProfileID`` and the
optional ``:O`` owner token, ``:S`` serial number, ``:P`` proprietary, ``:C`` CRC-16/MODBUS of the text before it) with its
draft 3 (``URN:LW:DP:`` and ``URN:DEV:LW:``), a plain DevEUI, an address with ``devEui=``, JSON, and Dure's own label.
Keys (AppKey) that some makers print are never read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec
import segno

from dure.core.errors import InputError
from dure.core.identifiers import identifier
from dure.core.text import Text
from dure.services.environment.enrolling.enrolment_cells import BadCell, read_eui

if TYPE_CHECKING:
    from collections.abc import Mapping

LABEL_CHARS_MAX = 1_000
LABEL_PATH = "/environment/enrol"
_EUI_TOKEN = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{2}(?:[:\- ]?[0-9A-Fa-f]{2}){7}(?![0-9A-Fa-f])")
_NAMED_EUI = re.compile(r"dev(?:ice)?[\s_-]*eui\W{0,4}((?:[0-9A-Fa-f]{2}[:\- ]?){7}[0-9A-Fa-f]{2})(?![0-9A-Fa-f])", re.IGNORECASE)
_DRAFT = re.compile(r"URN:(?:LW:DP|DEV:LW):([0-9A-F]{16})[:_]([0-9A-F]{16})[:_]([0-9A-F]{8})(?:_(.*))?", re.IGNORECASE)
_HEX_8 = re.compile(r"[0-9A-Fa-f]{8}")


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """What a label says. `profile_id` is TR005's: vendor id and the vendor's own profile, 4 hexadecimal digits each."""

    form: str
    dev_eui: str = ""
    join_eui: str = ""
    profile_id: str = ""
    serial: str = ""
    device: str = ""
    asset: str = ""

    def cells(self) -> dict[str, str]:
        """What it says, by the names of the batch file's columns; what it does not say is left out."""
        names = ("device", "asset", "dev_eui", "join_eui", "serial")
        return {name: said for name in names if (said := getattr(self, name))}


WHY: dict[str, Text] = {
    "label.unreadable": Text(
        "아는 라벨이 아닙니다. DevEUI가 든 QR을 찍거나 16자리를 직접 적어 주세요.",
        "No label that is known here. Scan the code with the DevEUI, or type its 16 digits.",
    ),
    "label.checksum": Text("라벨이 다 읽히지 않았습니다. 다시 찍어 주세요.", "The label was not read whole. Scan it again."),
    "label.schema": Text(
        "모르는 판의 LoRaWAN 라벨입니다. DevEUI를 적어 주세요.", "A LoRaWAN label of an unknown version. Type the DevEUI."
    ),
    "label.dev_eui": Text(
        "라벨의 DevEUI가 16진수 16자리가 아닙니다. 다시 찍어 주세요.", "The DevEUI is not 16 digits. Scan it again."
    ),
    "label.too_long": Text("라벨의 글이 너무 깁니다.", "The text is too long for a label."),
    "label.differs": Text(
        "라벨과 칸에 적은 것이 다릅니다. 라벨과 맞춰 보고 한쪽을 지워 주세요.",
        "The label and a cell of the row do not agree. Compare them and empty one.",
    ),
}


def labelled(cells: Mapping[str, str]) -> dict[str, str]:
    """The cells of a row with what its label says in place of the label's text.

    Raises
    ------
    BadCell : the label cannot be read, or the row says another device, asset or DevEUI than its label (``label.…``)
    """
    text = cells.get("label", "").strip()
    said = {name: cell for name, cell in cells.items() if name != "label"}
    if not text:
        return said
    try:
        label = read_label(text).cells()
    except InputError as error:
        raise BadCell(error.code, WHY[error.code]) from error
    for name in label.keys() & {"device", "asset", "dev_eui"}:
        beside = said.get(name, "").strip().lower()
        if beside and (read_eui(beside) if name == "dev_eui" else beside) != label[name]:
            raise BadCell("label.differs", WHY["label.differs"])
    return said | label


def read_label(text: str) -> Label:
    """What a label says, by the first form that fits.

    Raises
    ------
    InputError : ``label.unreadable``, or where the form is clear but its content is not: ``label.checksum``,
        ``label.schema``, ``label.dev_eui``, ``label.too_long``
    """
    words = text.strip()
    if len(words) > LABEL_CHARS_MAX:
        raise InputError("label.too_long", f"A label holds at most {LABEL_CHARS_MAX} characters; this text has {len(words)}.")
    upper = words.upper()
    if upper.startswith("LW:"):
        return _tr005(words)
    if draft := _DRAFT.fullmatch(words):
        return _draft(draft)
    if words.startswith("{"):
        return _json(words)
    if re.match(r"https?://", words, re.IGNORECASE):
        return _address(words)
    return _plain(words)


def label_address(public_url: str, *, device: str = "", asset: str = "", dev_eui: str = "") -> str:
    """The address of Dure's own label: short, so that its QR code stays small; a phone's camera opens it."""
    return f"{public_url.rstrip('/')}/ko{LABEL_PATH}?d={quote(f'{device}.{asset}.{dev_eui}', safe='')}"


def qr_svg(text: str, title: str) -> str:
    """The QR code of a text as SVG to stand in a page: error correction M, its title for who cannot see it."""
    code = segno.make(text, error="m", micro=False)
    svg: str = code.svg_inline(scale=1, border=4, omitsize=True, title=title, svgclass="qr", lineclass="qr-line")
    return svg


def _tr005(words: str) -> Label:
    parts = words.split(":")
    if parts[1].upper() != "D0":
        raise InputError("label.schema", f"The label is of LoRaWAN's schema {parts[1][:8]!r}; only D0 is known. Type the DevEUI.")
    if len(parts) < 5 or not _HEX_8.fullmatch(parts[4]):
        raise _unreadable(words)
    said = {part[:1].upper(): part[1:] for part in parts[5:] if part}
    if checksum := said.get("C"):
        body = words[: words.upper().rindex(":C")]
        if f"{_crc16_modbus(body.encode()):04X}" != checksum.upper():
            raise InputError("label.checksum", "The label was not read whole: its checksum does not fit. Scan it again.")
    return Label(
        form="tr005",
        join_eui=_eui(parts[2], "JoinEUI"),
        dev_eui=_eui(parts[3]),
        profile_id=parts[4].upper(),
        serial=said.get("S", ""),
    )


def _draft(found: re.Match[str]) -> Label:
    said = {part[:1].upper(): part[1:] for part in (found[4] or "").split("_") if part}
    join_eui, dev_eui = _eui(found[1], "JoinEUI"), _eui(found[2])
    return Label(form="tr005", join_eui=join_eui, dev_eui=dev_eui, profile_id=found[3].upper(), serial=said.get("S", ""))


def _json(words: str) -> Label:
    try:
        said = msgspec.json.decode(words, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise _unreadable(words) from error
    return _named({name: str(value) for name, value in said.items() if isinstance(value, str | int)}, "json", words)


def _address(words: str) -> Label:
    try:
        address = urlsplit(words)
        said = dict(parse_qsl(address.query))
    except ValueError as error:
        raise _unreadable(words) from error
    if address.path.rstrip("/").endswith(LABEL_PATH) and "d" in said:
        return _own(said["d"], words)
    return _named(said, "address", words)


def _own(content: str, words: str) -> Label:
    device, dot, rest = content.partition(".")
    asset, dot_too, dev_eui = rest.partition(".")
    if not (dot and dot_too) or not (device or asset or dev_eui):
        raise _unreadable(words)
    try:
        names = {name: identifier(text) for name, text in (("device", device), ("asset", asset)) if text}
    except InputError as error:
        raise _unreadable(words) from error
    return Label(form="dure", dev_eui=_eui(dev_eui) if dev_eui else "", **names)


_MEANT = {
    "deveui": "dev_eui", "deviceeui": "dev_eui", "eui": "dev_eui", "joineui": "join_eui", "appeui": "join_eui",
    "profileid": "profile_id", "serial": "serial", "sn": "serial", "serialnumber": "serial",
}  # fmt: skip


def _named(said: Mapping[str, str], form: str, words: str) -> Label:
    found: dict[str, str] = {}
    for name, text in said.items():
        meant = _MEANT.get(re.sub(r"[\s_-]", "", name).lower())
        if meant and text:
            found[meant] = text.strip()[:64]
    if "dev_eui" not in found:
        raise _unreadable(words)
    found["dev_eui"] = _eui(found["dev_eui"])
    if "join_eui" in found:
        found["join_eui"] = _eui(found["join_eui"], "JoinEUI")
    return Label(form=form, **found)


def _plain(words: str) -> Label:
    """A DevEUI alone or after its name, or the only EUI among other words."""
    named = _NAMED_EUI.search(words)
    tokens = {re.sub(r"[^0-9a-f]", "", one.lower()) for one in _EUI_TOKEN.findall(words)}
    if named:
        return Label(form="dev_eui", dev_eui=_eui(named[1]))
    if len(tokens) != 1:
        raise _unreadable(words)
    return Label(form="dev_eui", dev_eui=_eui(tokens.pop()))


def _eui(text: str, what: str = "DevEUI") -> str:
    if what == "JoinEUI" and text == "0" * 16:
        return text
    try:
        return read_eui(text, what)
    except BadCell as bad:
        raise InputError("label.dev_eui", f"{bad.why.en} The label may have been read only in part: scan it again.") from bad


def _unreadable(words: str) -> InputError:
    return InputError(
        "label.unreadable",
        f"{words[:60]!r} is no label that is known here: scan the code with the DevEUI, or type its 16 digits.",
    )


def _crc16_modbus(body: bytes) -> int:
    """CRC-16/MODBUS: polynomial 0x8005 reflected, start 0xFFFF."""
    crc = 0xFFFF
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc
