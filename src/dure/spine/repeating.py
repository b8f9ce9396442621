"""Work that is done again and again, and work that must not end: what fails is said, and tried again a little later."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from dure.core.errors import DureError

RESTART_S = (1.0, 2.0, 5.0, 15.0, 30.0)


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


async def keep_going(part: str, work: Callable[[], Awaitable[None]], log: Any, restart_s: Sequence[float] = RESTART_S) -> None:
    """Begin `work` anew whenever it fails, each time a little later, until it returns. Log line ``part.failed``.

    Parameters
    ----------
    restart_s : pauses before it begins anew [s]; the last goes on
    """
    for attempt in itertools.count():
        try:
            await work()
        except Exception:  # whatever it is: nobody but us would begin it again
            pause_s = restart_s[min(attempt, len(restart_s) - 1)]
            log.exception("part.failed", part=part, restart_in_s=pause_s)
            await asyncio.sleep(pause_s)
        else:
            return
