"""Chance that only depends on its arguments. Pure."""

from __future__ import annotations

import hashlib


def chance(seed: int, name: str, number: int = 0) -> float:
    """A number in (0, 1)."""
    digest = hashlib.blake2b(f"{seed}/{name}/{number}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / (2**64 + 1)


def between(seed: int, name: str, low: float, high: float, number: int = 0) -> float:
    """A number between two."""
    return low + (high - low) * chance(seed, name, number)
