"""Files that are whole or absent: written aside, synced, renamed, folder synced."""

from __future__ import annotations

import os
from pathlib import Path


def sync_file(path: Path) -> None:
    """Force a file's bytes to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Force a folder's entries to the disk, where the system allows it."""
    if os.name == "nt":  # Windows cannot open a folder; NTFS journals renames itself
        return
    sync_file(folder)


def settle(part: Path, target: Path) -> None:
    """Give a finished part its name, so that after a power cut it is whole under that name or not there."""
    sync_file(part)
    part.replace(target)
    sync_folder(target.parent)
