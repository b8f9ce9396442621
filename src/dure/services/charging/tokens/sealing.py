"""Payloads of calls sealed while they wait: a card's number passes through the house's commands and stays in no book."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from dure.core.errors import InputError

# Fields whose value names a person, or opens something.
TOKEN_FIELDS = frozenset({"idTag", "idToken", "additionalIdToken", "password", "basicAuthPassword"})
SECRET_SETTINGS = frozenset({"authorizationkey", "basicauthpassword"})


def seal(payload: dict[str, Any], key: bytes) -> str:
    """A payload that only who has the key can read."""
    return _box(key).encrypt(msgspec.json.encode(payload)).decode()


def opened(sealed: str, key: bytes) -> dict[str, Any]:
    """A payload that was sealed; else ``call.sealed``."""
    try:
        payload = msgspec.json.decode(_box(key).decrypt(sealed.encode()), type=dict[str, Any])
    except (InvalidToken, msgspec.MsgspecError) as error:
        raise InputError("call.sealed", "What was to be asked cannot be opened: it was sealed with another key.") from error
    return payload


def _box(key: bytes) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"charging calls" + key).digest()))


def redacted(part: Any, digest: Callable[[str], str]) -> Any:
    """A payload with digests for tokens and passwords, to show and to keep."""
    if isinstance(part, list):
        return [redacted(one, digest) for one in part]
    if not isinstance(part, dict):
        return part
    secret = _names_secret(part)
    return {
        name: _hidden(value, digest)
        if isinstance(value, str) and (name in TOKEN_FIELDS or (secret and name in {"value", "attributeValue"}))
        else redacted(value, digest)
        for name, value in part.items()
    }


def _hidden(value: str, digest: Callable[[str], str]) -> str:
    return f"#{digest(value)[:12]}"


def _names_secret(part: dict[str, Any]) -> bool:
    variable = part.get("variable")
    named = (part.get("key"), variable.get("name") if isinstance(variable, dict) else None)
    return any(isinstance(one, str) and one.lower() in SECRET_SETTINGS for one in named)


def names_token(payload: Any) -> bool:
    """Whether a payload holds a token or password in plain words."""
    if isinstance(payload, list):
        return any(names_token(one) for one in payload)
    if not isinstance(payload, dict):
        return False
    secret = _names_secret(payload)
    plain = (TOKEN_FIELDS | {"value", "attributeValue"}) if secret else TOKEN_FIELDS
    return any(
        (name in plain and isinstance(value, str) and bool(value)) or names_token(value) for name, value in payload.items()
    )
