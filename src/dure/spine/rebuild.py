"""A lost telemetry file comes back: the archive first, then the stream, which the recorder reads from its beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from dure.core.observations import empty_batch

if TYPE_CHECKING:
    from dure.engines.archive.folder import Archive
    from dure.engines.telemetry.port import Telemetry

log = structlog.get_logger("dure.rebuild")


REBUILT = "archive"  # a cursor: 1 once the archive is in


def rebuild_if_empty(telemetry: Telemetry, archive: Archive) -> int:
    """Append every archived day to a new store; rows appended. Days newer than the archive come from the stream.

    A rebuild that was cut off starts again: rows already there are recognised.
    """
    if telemetry.cursor(REBUILT):
        return 0
    rows = 0
    for day in archive.days():
        for batch in archive.read(day.start_us):
            rows += int(telemetry.append(batch, {}).fresh.sum())
    telemetry.append(empty_batch(), {REBUILT: 1})
    if rows:
        log.info("telemetry.rebuilt", rows=rows, hint="from the archive; the stream brings the rest")
    return rows
