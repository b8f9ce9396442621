"""What a station gets as CALLERROR, by the names of its version.

Source: OCPP-J 1.6 (2015), table 7 (its spelling ``FormationViolation`` and ``OccurenceConstraintViolation`` included); OCPP 2.0.1
part 4 (2020) and 2.1 part 4 (2025), RPC framework error codes.
"""

from __future__ import annotations

from typing import Literal

ErrorCode = Literal[
    "FormatViolation",
    "FormationViolation",
    "GenericError",
    "InternalError",
    "MessageTypeNotSupported",
    "NotImplemented",
    "NotSupported",
    "OccurrenceConstraintViolation",
    "OccurenceConstraintViolation",
    "PropertyConstraintViolation",
    "ProtocolError",
    "RpcFrameworkError",
    "SecurityError",
    "TypeConstraintViolation",
]


class CallError(Exception):
    """A CALL that is answered with CALLERROR; not an error of the house (the station did wrong)."""

    def __init__(self, code: ErrorCode, description: str, details: dict[str, object] | None = None) -> None:
        super().__init__(f"{code}: {description}")
        self.code: ErrorCode = code
        self.description = description[:255]
        self.details = details or {}
