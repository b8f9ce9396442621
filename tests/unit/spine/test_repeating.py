"""Work that must not end begins anew when it fails."""

from __future__ import annotations

import structlog
from structlog.testing import capture_logs

from dure.spine.repeating import keep_going

log = structlog.get_logger("test")


async def test_work_that_fails_begins_anew_and_is_told_each_time_until_it_returns() -> None:
    runs = []

    async def work() -> None:
        runs.append(1)
        if len(runs) < 4:
            raise ZeroDivisionError

    with capture_logs() as lines:
        await keep_going("meters", work, log, (0.0, 0.001))
    assert len(runs) == 4
    told = [(one["event"], one["part"], one["restart_in_s"]) for one in lines]
    assert told == [("part.failed", "meters", 0.0), ("part.failed", "meters", 0.001), ("part.failed", "meters", 0.001)]
