"""What a station must be told, worked out anew with `json` and `jsonschema`: nothing of ours but the official schemas is asked.

The rule: the frame first, then whether the action is known, then whether a station may ask it, then the schema; of several
violations occurrence before type before value before unknown field (`dure.protocols.ocpp.schemas`).
"""

from __future__ import annotations

import datetime as dt
import json
import re
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import ocpp

STAMP = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")
FOLDERS = {"ocpp1.6": "v16", "ocpp2.0.1": "v201", "ocpp2.1": "v21"}
RANKS = (
    ("required", "minItems", "maxItems"),
    ("type", "format"),
    ("enum", "maxLength", "minLength", "minimum", "maximum", "multipleOf", "pattern"),
    ("additionalProperties",),
)
CODES = ("OccurrenceConstraintViolation", "TypeConstraintViolation", "PropertyConstraintViolation", "FormatViolation")
SPELT_16 = {
    "OccurrenceConstraintViolation": "OccurenceConstraintViolation",
    "FormatViolation": "FormationViolation",
    "RpcFrameworkError": "FormationViolation",
}
checker = jsonschema.FormatChecker(formats=())


@checker.checks("date-time")
def is_stamp(value: Any) -> bool:
    """RFC 3339, section 5.6."""
    if not isinstance(value, str):
        return True
    if not STAMP.fullmatch(value):
        return False
    try:
        dt.datetime.fromisoformat(value[:19].upper())
    except ValueError:
        return False
    offset = re.search(r"[+-](\d{2}):(\d{2})$", value)
    return offset is None or (int(offset[1]) < 24 and int(offset[2]) < 60)


class Expected(NamedTuple):
    """What must come back: an answer or error with an id, nothing, or the end of the connection."""

    kind: str  # "answer", "error", "nothing", "closed"
    id: str = ""
    code: str = ""


@cache
def schema_folder(version: str) -> Path:
    return Path(str(resources.files(ocpp))) / FOLDERS[version] / "schemas"


@cache
def validator(version: str, action: str) -> jsonschema.protocols.Validator | None:
    suffix = "" if version == "ocpp1.6" else "Request"
    for name in (f"{action}{suffix}.json", f"{action}.json"):
        file = schema_folder(version) / name
        if file.exists() and not name.endswith("Response.json"):
            schema = json.loads(file.read_text("utf-8-sig"))
            kind = jsonschema.validators.validator_for(
                schema
            )  # the security whitepaper's of 1.6 are of draft 6: 1.0 is whole there
            return kind(schema, format_checker=checker)
    return None


def expected(message: bytes, version: str, may_ask: frozenset[str]) -> Expected:
    """What must come back."""
    found = _expected(message, version, may_ask)
    return found._replace(code=SPELT_16.get(found.code, found.code)) if version == "ocpp1.6" else found


def _expected(message: bytes, version: str, may_ask: frozenset[str]) -> Expected:
    try:
        text = message.decode()
    except UnicodeDecodeError:
        return Expected("closed")
    try:
        frame = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        json.dumps(frame, ensure_ascii=False).encode()  # halves of surrogate pairs
    except (ValueError, RecursionError):
        return Expected("error", "-1", "RpcFrameworkError")
    if not isinstance(frame, list) or not frame:
        return Expected("error", "-1", "RpcFrameworkError")
    return _of_frame(frame, version, may_ask)


def _of_frame(frame: list[Any], version: str, may_ask: frozenset[str]) -> Expected:
    named = len(frame) > 1 and isinstance(frame[1], str) and 0 < len(frame[1]) <= 36
    name = frame[1] if named else "-1"
    kinds = (2, 3, 4, 5, 6) if version == "ocpp2.1" else (2, 3, 4)
    if type(frame[0]) is not int or frame[0] not in kinds:
        return Expected("nothing") if version == "ocpp1.6" else Expected("error", name, "MessageTypeNotSupported")
    if frame[0] != 2:
        return Expected("nothing")
    if not named or len(frame) != 4 or not isinstance(frame[2], str):
        return Expected("error", name, "RpcFrameworkError")
    if not isinstance(frame[3], dict):
        return Expected("error", name, "FormatViolation")
    return _of_payload(name, frame[2], frame[3], version, may_ask)


def _of_payload(name: str, action: str, payload: dict[str, Any], version: str, may_ask: frozenset[str]) -> Expected:
    schema = validator(version, action) if re.fullmatch(r"\w+", action) else None
    if schema is None:
        return Expected("error", name, "NotImplemented")
    if action not in may_ask:
        return Expected("error", name, "NotSupported")
    keywords = {error.validator for error in schema.iter_errors(payload)}
    for rank, code in zip(RANKS, CODES, strict=True):
        if keywords & set(rank):
            return Expected("error", name, code)
    assert not keywords, keywords
    return Expected("answer", name)


def _refuse(text: str) -> float:
    raise ValueError(text)


def _finite(text: str) -> float:
    value = float(text)
    if value in {float("inf"), float("-inf")}:
        raise ValueError(text)
    return value
