"""The payload a device sends: JSON, NDJSON or CSV, to readings. One bad row never spoils its neighbours.

JSON forms, told apart by their keys in this order:

1. ``{"readings": [...]}`` or a top-level array: each element is one of the forms 2 to 4
2. single, has ``property`` or ``value``: ``{"property": "air_temperature", "value": 21.3, "time": …, "unit": …, "asset": …}``
3. short, has ``values``: ``{"time": …, "values": {"air_temperature": 21.3, "relative_humidity": 55}}``
4. flat, none of these: every key but ``time`` and ``asset`` is a property: ``{"air_temperature": 21.3}``

A typed decode takes well-formed payloads at full speed; only when it fails does the tolerant one look at each row.
docs/en/devices.md is the device maker's page.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from dure.core.errors import InputError
from dure.core.observations import Reading, Rejected
from dure.core.time import EPOCH, parse_instant

CONTENT_CHARS_MAX = 200
UNIT_CHARS_MAX = 32
EPOCH_MS_FROM = 100_000_000_000  # 10^11: as seconds the year 5138, as milliseconds 1973
EPOCH_MS_UNTIL = 100_000_000_000_000  # 10^14: as milliseconds the year 5138; beyond it no unit is guessed
DIGITS_MAX = 400  # more digits than any double has: such a number is infinite to us
_ID = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
_ABSENT: Any = object()


class Parsed(NamedTuple):
    """What a payload held: the readings, and the rows that cannot become one."""

    readings: list[Reading]
    rejected: list[Rejected]


class Refused(Exception):
    """Why one row cannot be a reading. It never leaves this package: it becomes a `Rejected`."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


class _NotFinite:
    """Stands for the tokens NaN and Infinity, which are no JSON numbers."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __repr__(self) -> str:
        return self.token


class _Envelope(msgspec.Struct):
    """The object forms 1 to 3 in one typed decode."""

    readings: list[Reading] | msgspec.UnsetType = msgspec.UNSET
    property: str | msgspec.UnsetType = msgspec.UNSET
    value: float | msgspec.UnsetType | None = msgspec.UNSET
    values: dict[str, float | None] | msgspec.UnsetType = msgspec.UNSET
    time: datetime | None = None
    asset: str = ""
    unit: str = ""


_ROWS = msgspec.json.Decoder(list[Reading])
_ENVELOPE = msgspec.json.Decoder(_Envelope)
_ROW = msgspec.json.Decoder(Reading)


def parse(body: bytes, media_type: str = "application/json") -> Parsed:
    """Readings of a body by its media type: JSON unless it says NDJSON or CSV."""
    from dure.protocols.readings_csv import parse_csv  # noqa: PLC0415  # the CSV reader builds on this module

    kind = media_type.partition(";")[0].strip().lower()
    if kind in {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}:
        return parse_ndjson(body)
    if kind in {"text/csv", "application/csv", "text/tab-separated-values"}:
        return parse_csv(body)
    return parse_json(body)


def parse_json(body: bytes) -> Parsed:
    """Readings of a JSON payload. A `Rejected` names the element counted from 1; row 0 is the whole payload."""
    fast = _typed(body)
    if fast is not None and _sound(fast):
        return Parsed(fast, [])
    try:
        document = loads(body)
    except InputError as error:
        return Parsed([], [Rejected(0, error.code, error.message, shown(body))])
    rows = document.get("readings", document) if isinstance(document, dict) else document
    if not isinstance(rows, list):
        rows = [document]
    return _tolerant(enumerate(rows, 1))


def parse_ndjson(body: bytes) -> Parsed:
    """Readings of one JSON object per line. A `Rejected` names the line, counted from 1."""
    try:
        fast = _ROW.decode_lines(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    else:
        if _sound(fast):
            return Parsed([_utc(row) for row in fast], [])
    parsed = Parsed([], [])
    for number, line in enumerate(body.split(b"\n"), 1):
        if line.strip():
            of_line = parse_json(line)
            parsed.readings.extend(of_line.readings)
            parsed.rejected.extend(msgspec.structs.replace(rejected, row=number) for rejected in of_line.rejected)
    return parsed


def write_json(readings: Sequence[Reading]) -> bytes:
    """The batch form of readings, as `parse_json` reads it."""
    return msgspec.json.encode({"readings": readings})


def _typed(body: bytes) -> list[Reading] | None:
    """The readings of a payload in which nothing is wrong or unusual; None sends it to the tolerant reader."""
    try:
        if body[:1] == b"[":
            return [_utc(row) for row in _ROWS.decode(body)]
        found = _ENVELOPE.decode(body)
        if found.readings is not msgspec.UNSET:
            return [_utc(row) for row in found.readings]
        if found.property is not msgspec.UNSET and found.value is not msgspec.UNSET:
            return [_utc(Reading(found.property, found.value, found.time, found.asset, found.unit))]
        if found.values is not msgspec.UNSET and found.property is msgspec.UNSET and found.value is msgspec.UNSET:
            time, asset, unit = found.time, found.asset, found.unit
            return [_utc(Reading(name, value, time, asset, unit)) for name, value in found.values.items()] if not unit else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError):
        return None
    return None


def _utc(row: Reading) -> Reading:
    time = row.time
    if time is None or time.tzinfo is UTC:
        return row
    if time.tzinfo is None:
        raise msgspec.ValidationError("naive")
    return Reading(row.property, row.value, time.astimezone(UTC), row.asset, row.unit)


def _sound(rows: Sequence[Reading]) -> bool:
    """Whether names and units are well formed: few are distinct, so each is looked at once."""
    if len(rows) == 1:
        (one,) = rows
        return (
            _is_id(one.property)
            and (not one.asset or _is_id(one.asset))
            and len(one.unit) <= UNIT_CHARS_MAX
            and (one.time is None or one.time.tzinfo is not None)
        )
    return (
        all(_is_id(name) for name in {row.property for row in rows})
        and all(_is_id(asset) for asset in {row.asset for row in rows} if asset)
        and all(len(unit) <= UNIT_CHARS_MAX for unit in {row.unit for row in rows})
        and all(row.time is None or row.time.tzinfo is not None for row in rows)
    )


@lru_cache(4096)
def _is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


# --- tolerant ------------------------------------------------------------------------------------------------------


def loads(body: bytes) -> Any:
    """JSON of bytes; broken text is refused with its position. NaN and Infinity are kept as no number."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("reading.utf8_broken", f"Byte {error.start + 1} is no UTF-8. Send JSON as UTF-8.") from error
    try:
        return json.loads(text, parse_constant=_NotFinite, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise InputError("reading.json_broken", f"No JSON at line {error.lineno}, column {error.colno}: {error.msg}.") from error
    except RecursionError as error:
        raise InputError("reading.json_broken", "The JSON is nested too deeply to be readings.") from error


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= DIGITS_MAX else math.inf


def _tolerant(rows: Iterator[tuple[int, Any]] | enumerate[Any]) -> Parsed:
    parsed = Parsed([], [])
    for number, row in rows:
        for cell in _cells(row):
            try:
                parsed.readings.append(reading_of(cell))
            except Refused as refused:
                parsed.rejected.append(Rejected(number, refused.code, refused.why, shown(cell)))
    return parsed


def _cells(row: Any) -> Iterator[Any]:
    """The single readings that one element of any form stands for."""
    if not isinstance(row, dict) or "property" in row or "value" in row:
        yield row
        return
    head = {key: row[key] for key in ("time", "asset") if key in row}
    values = row["values"] if "values" in row else {key: value for key, value in row.items() if key not in head}
    if not isinstance(values, dict) or not values:
        yield row
        return
    for name, value in values.items():
        yield {**head, "property": name, "value": value}


def reading_of(cell: Any) -> Reading:
    """The reading of one object of the single form, or `Refused`."""
    if not isinstance(cell, Mapping):
        raise Refused("reading.not_an_object", "A reading is a JSON object with property and value.")
    if "property" not in cell:
        raise Refused("reading.property_missing", "The reading names no property.")
    return Reading(
        property=_name(cell["property"], "property"),
        value=value_of(cell.get("value", _ABSENT)),
        time=time_of(cell.get("time")),
        asset=_name(cell["asset"], "asset") if cell.get("asset") not in (None, "") else "",
        unit=_unit(cell.get("unit")),
    )


def _name(text: Any, what: str) -> str:
    if not isinstance(text, str) or not _is_id(text):
        raise Refused(
            f"reading.{what}_malformed", f"{shown(text)} is no {what} id: use a-z, 0-9, '-' and '_', 1 to 64 characters."
        )
    return text


def _unit(text: Any) -> str:
    if text is None:
        return ""
    if not isinstance(text, str) or len(text) > UNIT_CHARS_MAX or not _encodable(text):
        raise Refused("reading.unit_malformed", f"{shown(text)} is no unit. Send a UCUM code, for example Cel or ug/m3.")
    return text.strip()


def value_of(value: Any) -> float | None:
    """The number of a value; null is a missing value. Booleans, texts and what is not finite are refused."""
    if value is _ABSENT:
        raise Refused("reading.value_missing", "The reading has no value. Send null when the sensor has none.")
    if value is None:
        return None
    if isinstance(value, _NotFinite):
        raise Refused("reading.value_not_finite", f"{value.token} is no number. Send null when the sensor has none.")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(
            "reading.value_not_a_number", f"{shown(value)} is no number. Send it without quotes, and 1 or 0 for yes or no."
        )
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Refused("reading.value_not_finite", "The value is beyond any number that can be kept.")
    return number


def time_of(time: Any) -> datetime | None:
    """Aware UTC of an RFC 3339 text or of epoch seconds or milliseconds; None when absent.

    A number below 10^11 is seconds (a fraction is allowed), an integer from 10^11 to below 10^14 milliseconds.
    """
    if time is None:
        return None
    if isinstance(time, str):
        try:
            return parse_instant(time)
        except InputError as error:
            code = "reading.time_naive" if error.code == "time.naive" else "reading.time_unreadable"
            raise Refused(code, _printable(error.message)) from error
    if isinstance(time, int | float) and not isinstance(time, bool):
        if 0 <= time < EPOCH_MS_FROM:
            return EPOCH + timedelta(seconds=time)
        if isinstance(time, int) and EPOCH_MS_FROM <= time < EPOCH_MS_UNTIL:
            return EPOCH + timedelta(milliseconds=time)
    raise Refused(
        "reading.time_unreadable", f"Not a time: {shown(time)}. Send 2026-11-24T09:00:00+09:00, or epoch seconds or milliseconds."
    )


def shown(content: Any) -> str:
    """A short text of anything, safe to store and to print."""
    if isinstance(content, bytes):
        content = content[: CONTENT_CHARS_MAX * 4].decode("utf-8", "replace")
    elif not isinstance(content, str):
        try:
            content = json.dumps(content, ensure_ascii=False, default=repr)
        except (RecursionError, ValueError):
            content = type(content).__name__
    return _printable(content[:CONTENT_CHARS_MAX])


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "�")


def _encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
