"""When a station that was not accepted yet may boot again: spread, so that a thousand do not come in the same second. Pure."""

from __future__ import annotations

import hashlib

LEAST_S = 60
SPREAD_S = 120


def retry_interval_s(identity: str, seed: int = 0, least_s: int = LEAST_S, spread_s: int = SPREAD_S) -> int:
    """Seconds in ``[least_s, least_s + spread_s)``, evenly spread over identities; the same for the same identity and seed."""
    digest = hashlib.sha256(f"{seed}:{identity}".encode()).digest()
    return least_s + int.from_bytes(digest[:8], "big") * spread_s // 2**64
