"""What partners sign and what places show: keys that follow from one secret, signatures, and codes that change. Pure.

A partner signs ``v1``, its id, the time, a number it uses once and the digest of the body, each on a line, by HMAC-SHA-256. A
place's code names the place and the turn it is shown in. Nothing secret stands in the records: who reads them can sign nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import datetime
from typing import NamedTuple

from dure.core.time import US_PER_S, to_us

VERSION = "v1"
TAG_CHARS = 20  # 80 bits: a code is worth a few hundred won and lives for a minute
NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_CODE = re.compile(r"([a-z0-9][a-z0-9_-]{0,63})\.(\d{1,12})\.([0-9a-f]{20})")


class Code(NamedTuple):
    """What a code says; only `tag` shows that it is true."""

    place: str
    turn: int
    tag: str

    def __str__(self) -> str:
        return f"{self.place}.{self.turn}.{self.tag}"


def partner_key(secret: bytes, partner: str, key_n: int) -> str:
    """The key of a partner, as it is handed over once."""
    return base64.urlsafe_b64encode(_derived(secret, f"partner/{partner}/{key_n}")).decode().rstrip("=")


def signature(key: str, partner: str, time: str, nonce: str, body: bytes) -> str:
    """What a partner sends with a request: 64 hex digits."""
    words = "\n".join((VERSION, partner, time, nonce, hashlib.sha256(body).hexdigest()))
    return hmac.new(key.encode(), words.encode(), hashlib.sha256).hexdigest()


def same(given: str, right: str) -> bool:
    """Whether a signature is right; takes as long whether it is or not."""
    return hmac.compare_digest(given.encode(), right.encode())


def comparing_key(secret: bytes, other: str) -> bytes:
    """The key another scheme and this city hash their members' numbers by."""
    return _derived(secret, f"elsewhere/{other}")


def compared(key: bytes, number: str) -> str:
    """Hash of a person's number in another scheme; blanks and hyphens do not count."""
    plain = "".join(one for one in number if one.isalnum()).upper()
    return hmac.new(key, plain.encode(), hashlib.sha256).hexdigest()


def turn_at(at: datetime, turn_s: int) -> int:
    """The turn of an instant: how many of its length have passed since 1970."""
    return to_us(at) // (turn_s * US_PER_S)


def code_of(secret: bytes, place: str, key_n: int, turn: int) -> Code:
    """The code a place shows in a turn."""
    tag = _derived(secret, f"place/{place}/{key_n}/{turn}").hex()[:TAG_CHARS]
    return Code(place, turn, tag)


def read_code(text: str) -> Code | None:
    """What a scanned code says, alone or at the end of an address; None when it is none."""
    found = _CODE.fullmatch(text.strip().rpartition("code=")[2])
    return None if found is None else Code(found[1], int(found[2]), found[3])


def _derived(secret: bytes, label: str) -> bytes:
    return hmac.new(secret, f"dure.carbon.practice\n{label}".encode(), hashlib.sha256).digest()
