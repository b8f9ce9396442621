"""Errors of the house, one tree.

::

    DureError
    ├── InputError            what was sent cannot be used          (the sender fixes it, do not retry)
    │   ├── TooLarge          over a stated limit
    │   └── Conflict          it contradicts what is already kept
    ├── NotFound              the thing named does not exist        (the sender fixes it)
    ├── NotSignedIn           no or wrong credential                (the sender fixes it)
    ├── NotAllowed            signed in, but may not                (an admin fixes it)
    ├── RateLimited           too much at once                      (retry after `retry_after_s`)
    ├── ConfigError           a setting or a city file is wrong     (the operator fixes it)
    └── EngineError           something we run on failed            (the operator fixes it)
        ├── Unavailable       it does not answer now                (retry)
        └── Corrupt           what it holds cannot be read          (restore or rebuild)

A bad *reading* is not an error but a result: see `Rejected` and the flags of `core.observations`.
Every code is listed with its remedy in docs/en/errors.md; a test keeps the list complete.
"""

from __future__ import annotations

from typing import ClassVar, Literal

Fixer = Literal["sender", "admin", "operator", "nobody"]


class DureError(Exception):
    """An expected kind of trouble, with a stable code, who can fix it and whether trying again helps."""

    who: ClassVar[Fixer] = "nobody"
    retry: ClassVar[bool] = False

    def __init__(self, code: str, message: str, **detail: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.message} [{self.code}]"


class InputError(DureError):
    """What was sent cannot be used."""

    who = "sender"


class TooLarge(InputError):
    """What was sent is over a stated limit."""


class Conflict(InputError):
    """What was sent contradicts what is already kept."""


class NotFound(DureError):
    """The thing named does not exist."""

    who = "sender"


class NotSignedIn(DureError):
    """No credential, or a wrong or revoked one."""

    who = "sender"


class NotAllowed(DureError):
    """The actor is known but may not do this."""

    who = "admin"


class RateLimited(DureError):
    """Too much at once; `detail['retry_after_s']` says when to come back."""

    who = "sender"
    retry = True


class ConfigError(DureError):
    """A setting or a city file is wrong."""

    who = "operator"


class EngineError(DureError):
    """Something we run on failed."""

    who = "operator"


class Unavailable(EngineError):
    """An engine does not answer now."""

    retry = True


class Corrupt(EngineError):
    """What an engine holds cannot be read."""
