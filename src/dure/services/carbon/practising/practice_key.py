"""The secret that partners' keys and places' codes follow from: one private file in the data folder, made when first needed."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from dure.core.errors import ConfigError

FILE = "carbon-practice.key"
KEY_BYTES = 32


def practice_key(folder: Path) -> bytes:
    """The secret of a data folder. Two programs that start at once get the same.

    Raises
    ------
    ConfigError : others may read the file (``secrets.exposed``), or it is no secret of ours (``secrets.unreadable``)
    """
    file = folder / FILE
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(file)
    if file.stat().st_mode & 0o077:
        raise ConfigError("secrets.exposed", f"Others on this machine could read {file}. Run `chmod 600 {file}`.")
    key = file.read_bytes()
    if len(key) != KEY_BYTES:
        raise ConfigError("secrets.unreadable", f"{file} is no secret of practices: restore it from a backup.")
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
