"""The log's private key: one private file in the data folder, made when it is first needed; and its follower at a change."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dure.engines.identity.private_key import private_key

FILE = "carbon-log.key"
NEXT_FILE = "carbon-log-next.key"


def signing_key(folder: Path, name: str = FILE) -> Ed25519PrivateKey:
    """The key of a data folder; raises as `private_key.private_key`. Any 32 random bytes are a key of Ed25519."""
    return Ed25519PrivateKey.from_private_bytes(private_key(folder / name))


def next_key(folder: Path) -> Ed25519PrivateKey | None:
    """The follower that waits to take over, when there is one."""
    return signing_key(folder, NEXT_FILE) if (folder / NEXT_FILE).exists() else None


def take_over(folder: Path) -> None:
    """The follower becomes the key; the old private key is gone, so that nobody can sign by it any more."""
    (folder / NEXT_FILE).replace(folder / FILE)
