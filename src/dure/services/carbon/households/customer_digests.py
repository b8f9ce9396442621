"""Customer numbers as keyed digests: the same number cannot serve two households, and nobody reads it from the records."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

from dure.engines.identity.private_key import private_key
from dure.services.carbon.companies.activity import plain_number
from dure.services.carbon.households.energy_rules import Utility

KEY_FILE = "carbon-households.key"  # 32 random bytes in the data folder, readable by the program alone
NUMBER_MIN, NUMBER_MAX = 4, 30


def digest_key(folder: Path) -> bytes:
    """The key of a data folder; raises as `private_key.private_key`."""
    return private_key(folder / KEY_FILE)


def digest_of(key: bytes, utility: Utility, number: str) -> str:
    """Digest of a customer number (HMAC-SHA-256); empty when it cannot be one."""
    plain = plain_number(number)
    if not NUMBER_MIN <= len(plain) <= NUMBER_MAX or not plain.isalnum():
        return ""
    return hmac.new(key, f"{utility}:{plain}".encode(), hashlib.sha256).hexdigest()
