"""The log's private key: one private file in the data folder, made when it is first needed; and its follower at a change."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dure.core.errors import ConfigError

FILE = "carbon-log.key"
NEXT_FILE = "carbon-log-next.key"
KEY_BYTES = 32


def signing_key(folder: Path, name: str = FILE) -> Ed25519PrivateKey:
    """The key of a data folder, made when there is none. Two programs that start at once get the same.

    Raises
    ------
    ConfigError : others may read the file (``secrets.exposed``), or it is no key (``secrets.unreadable``)
    """
    file = folder / name
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(file)
    if file.stat().st_mode & 0o077:
        raise ConfigError("secrets.exposed", f"Others on this machine could read {file}. Run `chmod 600 {file}`.")
    key = file.read_bytes()
    if len(key) != KEY_BYTES:
        raise ConfigError("secrets.unreadable", f"{file} is no key of the log: restore it from a backup.")
    return Ed25519PrivateKey.from_private_bytes(key)


def next_key(folder: Path) -> Ed25519PrivateKey | None:
    """The follower that waits to take over, when there is one."""
    return signing_key(folder, NEXT_FILE) if (folder / NEXT_FILE).exists() else None


def take_over(folder: Path) -> None:
    """The follower becomes the key; the old private key is gone, so that nobody can sign by it any more."""
    (folder / NEXT_FILE).replace(folder / FILE)


def _make(file: Path) -> None:
    part = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(Ed25519PrivateKey.generate().private_bytes_raw())
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(part, file)  # fails when another program was first: theirs is the one
    except FileExistsError:
        pass
    finally:
        part.unlink()
