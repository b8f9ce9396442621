"""Work of the central system that must not end while it runs: a defect in it is told, and it begins again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from dure.spine.repeating import keep_going

log = structlog.get_logger("dure.charging.central")


@asynccontextmanager
async def ongoing(name: str, work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Keep `work` going while the block runs."""
    task = asyncio.create_task(keep_going(name, work, log), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
