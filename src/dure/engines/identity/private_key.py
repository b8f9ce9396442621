"""A secret of one part of the program: 32 random bytes in a private file of the data folder, made when it is first needed."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from dure.core.errors import ConfigError

KEY_BYTES = 32


def private_key(file: Path) -> bytes:
    """The bytes of a file, made when there is none. Two programs that start at once get the same.

    Raises
    ------
    ConfigError : others may read the file (``secrets.exposed``), or it is no key (``secrets.unreadable``)
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(file)
    if file.stat().st_mode & 0o077:
        raise ConfigError("secrets.exposed", f"Others on this machine could read {file}. Run `chmod 600 {file}`.")
    key = file.read_bytes()
    if len(key) != KEY_BYTES:
        raise ConfigError("secrets.unreadable", f"{file} is no key of {KEY_BYTES} bytes: restore it from a backup.")
    return key


def _make(file: Path) -> None:
    part = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(secrets.token_bytes(KEY_BYTES))
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(part, file)  # fails when another program was first: theirs is the one
    except FileExistsError:
        pass
    finally:
        part.unlink()
