"""Is there room on the disk: asked for every batch, looked up once a second."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from pathlib import Path

log = structlog.get_logger("dure.room")

LOOK_S = 1.0
MB = 1_048_576


class Room:
    """Whether a folder's disk has at least so many MB free; says once when it runs out and once when room is back."""

    def __init__(self, folder: Path, free_min_mb: int) -> None:
        self._folder, self._free_min = folder, free_min_mb * MB
        self._looked_at = -LOOK_S
        self._enough = True

    def __call__(self) -> bool:
        """The answer, at most a second old."""
        now = time.monotonic()
        if now - self._looked_at >= LOOK_S:
            self._looked_at = now
            self._note(shutil.disk_usage(self._folder).free)
        return self._enough

    def _note(self, free: int) -> None:
        enough = free >= self._free_min
        if enough != self._enough:
            say = log.info if enough else log.error
            say("disk.room_again" if enough else "disk.nearly_full", free_mb=free // MB, folder=str(self._folder))
        self._enough = enough
