"""The name under which one process writes the journal: its own, and the same again after a restart.

The lowest free number of the data folder, held by a lock on its file while the process lives; the file says a name that no other
machine has, so that several may write to one PostgreSQL.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITERS_MAX = 64


@contextmanager
def writer_of(folder: Path) -> Iterator[str]:
    """The name, this process's own while the block runs."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for number in range(1, WRITERS_MAX + 1):
        handle = os.open(folder / f"writer-{number}", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield _named(handle, number)
            return
        finally:
            os.close(handle)
    raise AssertionError(f"more than {WRITERS_MAX} central systems in one data folder")


def _named(handle: int, number: int) -> str:
    said = os.read(handle, 100).decode("ascii", "replace").strip()
    if not said:
        said = f"csms-{number}-{secrets.token_hex(4)}"
        os.write(handle, said.encode() + b"\n")
        os.fsync(handle)
    return said
