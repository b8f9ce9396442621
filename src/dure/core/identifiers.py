"""Names that travel in subjects, file paths and addresses: short, lower case, ASCII."""

from __future__ import annotations

import re

from dure.core.errors import InputError

_ID = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
PARTITIONS = 64


def identifier(text: str, what: str = "id") -> str:
    """`text` when it is 1 to 64 of ``a-z 0-9 - _`` and starts and ends with a letter or digit; else refused."""
    if not _ID.fullmatch(text):
        raise InputError(
            "id.malformed",
            f"{text[:80]!r} is no {what}: use 1 to 64 lower-case letters, digits, '-' and '_', without these at an end.",
        )
    return text


def partition(device: str) -> int:
    """Partition 0..63 of a device, fixed for life: FNV-1a (32 bit) of the name, as nats-server's ``partition()``."""
    digest = 2_166_136_261
    for byte in device.encode():
        digest = ((digest ^ byte) * 16_777_619) & 0xFFFFFFFF
    return digest % PARTITIONS
