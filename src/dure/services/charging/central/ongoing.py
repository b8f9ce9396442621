"""Work of the central system that must not end while it runs: a defect in it is told, and it begins again."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

log = structlog.get_logger("dure.charging.central")

AGAIN_S = (1.0, 2.0, 5.0, 15.0, 30.0)


@asynccontextmanager
async def ongoing(name: str, work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Keep `work` going while the block runs."""
    task = asyncio.create_task(_keep_going(name, work), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _keep_going(name: str, work: Callable[[], Awaitable[None]]) -> None:
    for fall in itertools.count():
        try:
            await work()
        except Exception:
            again_s = AGAIN_S[min(fall, len(AGAIN_S) - 1)]
            log.exception("csms.work_failed", work=name, again_in_s=again_s)
            await asyncio.sleep(again_s)
        else:
            return
