"""A lost telemetry file comes back: the archive first, then the stream, which the recorder reads from its beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from dure.engines.bus.subjects import STREAM

if TYPE_CHECKING:
    from dure.engines.archive.folder import Archive
    from dure.engines.telemetry.port import Telemetry

log = structlog.get_logger("dure.rebuild")


def rebuild_if_empty(telemetry: Telemetry, archive: Archive) -> int:
    """Append every archived day to an empty store; rows appended. Days newer than the archive come from the stream."""
    if telemetry.cursor(STREAM):  # a rebuild that was cut off starts again: rows already there are recognised
        return 0
    rows = 0
    for day in archive.days():
        for batch in archive.read(day.start_us):
            rows += int(telemetry.append(batch, {}).fresh.sum())
    if rows:
        log.info("telemetry.rebuilt", rows=rows, hint="from the archive; the stream brings the rest")
    return rows
