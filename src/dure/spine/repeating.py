"""Work that is done again and again: what fails is said once, tried again in the next round, and said once when it works."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from dure.core.errors import DureError


class Round(NamedTuple):
    """Some work and how often it is begun [s]; work that takes longer is begun again at once."""

    name: str
    pause_s: float
    work: Callable[[], Awaitable[object]]


async def repeat_all(rounds: Sequence[Round], log: Any, part: str) -> None:
    """All rounds side by side until cancelled. Log lines are ``round.failed`` and ``round.works_again``.

    Only our own errors are expected: any other ends all rounds, and who runs them starts them again.
    """
    async with asyncio.TaskGroup() as group:
        for one in rounds:
            group.create_task(_repeat(one, log, part))


async def _repeat(one: Round, log: Any, part: str) -> None:
    failing = False
    while True:
        started = time.monotonic()
        try:
            await one.work()
        except DureError as error:
            if not failing:
                log.error("round.failed", part=part, round=one.name, code=error.code, why=error.message)  # noqa: TRY400  # expected trouble: no trace
            failing = True
        else:
            if failing:
                log.info("round.works_again", part=part, round=one.name)
            failing = False
        await asyncio.sleep(max(0.0, one.pause_s - (time.monotonic() - started)))
