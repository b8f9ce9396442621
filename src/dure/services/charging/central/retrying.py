"""When a station that was not accepted yet may boot again: spread, so that a thousand do not come in the same second. Pure."""

from __future__ import annotations

import hashlib


def retry_interval_s(identity: str, least_s: int, spread_s: int) -> int:
    """Seconds in ``[least_s, least_s + spread_s)``, evenly spread over identities; the same for the same identity."""
    digest = hashlib.sha256(identity.encode()).digest()
    return least_s + int.from_bytes(digest[:8], "big") * spread_s // 2**64
