"""What proves that a phone started a charge: a signed cookie that names the EVSE and the digest of the token. Pure.

The cookie holds no card number. Only who has it may stop the charge from the page; everybody else may look.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from dure.core.time import from_us, to_us

CLAIMS_MAX = 4  # of one phone
SIGNATURE_BYTES = 16
_PURPOSE = b"dure.charging.claim\x00"


class Claim(msgspec.Struct, frozen=True, array_like=True):
    """A phone asked an EVSE to start: with which token (its digest), when [us], by which call."""

    evse: str
    token: str
    at_us: int
    call: str = ""


def sealed(claims: Sequence[Claim], key: bytes) -> str:
    """The newest claims as the text of a cookie."""
    body = msgspec.json.encode(sorted(claims, key=lambda one: one.at_us)[-CLAIMS_MAX:])
    return f"{_text(body)}.{_text(_signature(body, key))}"


def opened(text: str, key: bytes, now: datetime, longest: timedelta) -> tuple[Claim, ...]:
    """The claims of a cookie that are not too old; none of one that was altered, or is not ours."""
    body_text, _, signature = text.partition(".")
    try:
        body, told = _bytes(body_text), _bytes(signature)
        if not hmac.compare_digest(told, _signature(body, key)):
            return ()
        claims = msgspec.json.decode(body, type=list[Claim])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return ()
    return tuple(one for one in claims if now - longest < from_us(one.at_us) <= now + timedelta(minutes=1))


def with_claim(claims: Iterable[Claim], new: Claim) -> tuple[Claim, ...]:
    """The claims with a new one in the place of an older one of the same EVSE."""
    return (*(one for one in claims if one.evse != new.evse), new)


def claim_of(claims: Iterable[Claim], evse: str) -> Claim | None:
    """The claim on an EVSE."""
    return next((one for one in claims if one.evse == evse), None)


def claimed_at(claim: Claim) -> datetime:
    """When it was made."""
    return from_us(claim.at_us)


def made(evse: str, token: str, at: datetime, call: str = "") -> Claim:
    """A new claim."""
    return Claim(evse, token, to_us(at), call)


def _signature(body: bytes, key: bytes) -> bytes:
    return hmac.new(key, _PURPOSE + body, hashlib.sha256).digest()[:SIGNATURE_BYTES]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode("ascii", "strict") + b"=" * (-len(text) % 4))
