"""Frames of OCPP-J: one JSON array in one text message, read and written.

====  ================  =====================================================================
type  name              rest of the array
====  ================  =====================================================================
2     CALL              message id, action, payload
3     CALLRESULT        message id, payload
4     CALLERROR         message id, code, description, details
5     CALLRESULTERROR   the same, from who got a CALLRESULT that it cannot use (OCPP 2.1)
6     SEND              message id, action, payload; never answered (OCPP 2.1)
====  ================  =====================================================================

What cannot be read is a `Broken`, with the CALLERROR it is answered with. Source: OCPP-J 1.6 (2015) section 4; OCPP 2.0.1 part 4
(2020) section 4; OCPP 2.1 part 4 (2025) section 4. A message id has at most 36 characters; where it cannot be read, the answer
carries ``-1``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dure.protocols.ocpp.actions import Version
from dure.protocols.ocpp.errors import CallError, ErrorCode

CALL, CALLRESULT, CALLERROR, CALLRESULTERROR, SEND = 2, 3, 4, 5, 6
MESSAGE_BYTES_MAX = 65_536
MESSAGE_ID_MAX = 36
DESCRIPTION_MAX = 255
NO_ID = "-1"


class Call(msgspec.Struct, frozen=True):
    """A question. `sent`: as SEND, which nobody answers."""

    id: str
    action: str
    payload: dict[str, Any]
    sent: bool = False


class Result(msgspec.Struct, frozen=True):
    """The answer to a question."""

    id: str
    payload: dict[str, Any]


class Fault(msgspec.Struct, frozen=True):
    """The answer that a question (or, `of_result`, an answer) cannot be used."""

    id: str
    code: str
    description: str
    details: dict[str, Any]
    of_result: bool = False


class Broken(msgspec.Struct, frozen=True):
    """What is no frame. `code` is empty where the standard wants no answer."""

    id: str
    code: ErrorCode | None
    why: str


Frame = Call | Result | Fault | Broken

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_SIZES = {CALL: (4, 4), CALLRESULT: (3, 3), CALLERROR: (4, 5), CALLRESULTERROR: (4, 5), SEND: (4, 4)}


def read(data: bytes | str, version: Version) -> Frame:
    """What a text message says."""
    try:
        found = _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Broken(NO_ID, _rpc(version), _unread(error))
    if type(found) is list and len(found) == 4 and found[0] == CALL and type(found[0]) is int:  # nearly all that comes
        message_id, action, payload = found[1], found[2], found[3]
        if type(message_id) is str and 0 < len(message_id) <= MESSAGE_ID_MAX and type(action) is str and type(payload) is dict:
            return Call(message_id, action, payload)
    return _read_carefully(found, version)


def _read_carefully(found: Any, version: Version) -> Frame:
    if not isinstance(found, list) or not found:
        return Broken(NO_ID, _rpc(version), "The message is no JSON array with a message type.")
    kind = found[0]
    message_id = _id_of(found)
    if not _known(kind, version):
        # OCPP-J 1.6, 4.1.3: a message of a type that is not listed is ignored.
        code: ErrorCode | None = None if version == "ocpp1.6" else "MessageTypeNotSupported"
        return Broken(message_id, code, "This message type is not supported.")
    answered: ErrorCode | None = _rpc(version) if kind == CALL else None
    if message_id == NO_ID:
        return Broken(NO_ID, answered, f"The message id is no text of 1 to {MESSAGE_ID_MAX} characters.")
    least, most = _SIZES[kind]
    if not least <= len(found) <= most:
        return Broken(message_id, answered, f"The array has {len(found)} items; it must have {most}.")
    return _of_parts(kind, message_id, found[2:], version)


def _of_parts(kind: int, message_id: str, rest: list[Any], version: Version) -> Frame:
    """A frame of the items behind type and message id."""
    asked = kind in {CALL, SEND}
    answered: ErrorCode | None = _rpc(version) if kind == CALL else None
    if kind == CALLRESULT:
        if isinstance(rest[0], dict):
            return Result(message_id, rest[0])
        return Broken(message_id, None, "The payload is no JSON object.")
    if not isinstance(rest[0], str):
        return Broken(message_id, answered, "The action is no text." if asked else "The error code is no text.")
    if asked:
        if not isinstance(rest[1], dict):
            return Broken(message_id, form_violation(version) if kind == CALL else None, "The payload is no JSON object.")
        return Call(message_id, rest[0], rest[1], kind == SEND)
    description = rest[1] if isinstance(rest[1], str) else ""
    details = rest[2] if len(rest) == 3 and isinstance(rest[2], dict) else {}
    return Fault(message_id, rest[0], description, details, kind == CALLRESULTERROR)


def call(message_id: str, action: str, payload: dict[str, Any]) -> bytes:
    """A CALL."""
    return _encode((CALL, message_id, action, payload))


def result(message_id: str, payload: dict[str, Any]) -> bytes:
    """A CALLRESULT."""
    return _encode((CALLRESULT, message_id, payload))


def error(message_id: str, fault: CallError) -> bytes:
    """A CALLERROR."""
    return _encode((CALLERROR, message_id, fault.code, fault.description[:DESCRIPTION_MAX], fault.details))


def result_error(message_id: str, fault: CallError) -> bytes:
    """A CALLRESULTERROR (OCPP 2.1)."""
    return _encode((CALLRESULTERROR, message_id, fault.code, fault.description[:DESCRIPTION_MAX], fault.details))


def form_violation(version: Version) -> ErrorCode:
    """The code for what is not formed as the standard says; 1.6 spells it otherwise."""
    return "FormationViolation" if version == "ocpp1.6" else "FormatViolation"


def occurrence_violation(version: Version) -> ErrorCode:
    """The code for a field that is missing, or there too often; 1.6 spells it otherwise."""
    return "OccurenceConstraintViolation" if version == "ocpp1.6" else "OccurrenceConstraintViolation"


def _rpc(version: Version) -> ErrorCode:
    """The code for what is no RPC message; 1.6 has no code of its own for it."""
    return "FormationViolation" if version == "ocpp1.6" else "RpcFrameworkError"


def _known(kind: Any, version: Version) -> bool:
    return type(kind) is int and (kind in {CALL, CALLRESULT, CALLERROR} or (version == "ocpp2.1" and kind in _SIZES))


def _id_of(found: list[Any]) -> str:
    given = found[1] if len(found) > 1 else None
    return given if isinstance(given, str) and 0 < len(given) <= MESSAGE_ID_MAX else NO_ID


def _unread(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "The message is no UTF-8."
    if isinstance(error, RecursionError):
        return "The message is nested too deeply."
    return f"The message is no JSON that can be read: {str(error)[:120]}"
