"""The journal: what stations said is on the disk before they get their answer.

Many answers share one commit. While one is written the next are gathered, so that a commit holds as much as came meanwhile, and
waits for more a moment (`GATHER_S`), in a rush up to three. Nothing that was said is dropped: while the records are away the same
row is tried again, what comes behind it waits, and when too much waits new messages are refused before anyone acts on them
(`choked`).

A try whose answer was lost may have been kept all the same. It is made again with the same number and the same words, and is
there once. Where other words have the number (a copy of the data folder writes under the same name), the next free one is taken.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import structlog

from dure.core.errors import Corrupt
from dure.core.time import to_us
from dure.services.charging.central import journal_records
from dure.services.charging.central.journal_records import Kept
from dure.spine.repeating import keep_going

if TYPE_CHECKING:
    from dure.core.time import Clock
    from dure.engines.records.store import Records
    from dure.services.charging.central.words import Word

log = structlog.get_logger("dure.charging.central")

GATHER_S = 0.004
RUSH_N = 32  # words that come in this time when it pays to wait once more: a commit costs as much as ten of them
GATHERINGS_MAX = 3
WORDS_MAX = 2_000  # of one row
WAITING_MAX = 50_000  # words that may wait before new ones are refused
AGAIN_S = (0.2, 0.5, 1.0, 2.0, 5.0)
TOLD_EVERY = 12  # tries between two lines of the log about records that are away: a minute

Then = Callable[[int], None]  # with the time by our clock


class Journal:
    """One writer's journal. Started in the event loop it is used in; what it calls back runs there too."""

    def __init__(self, records: Records, clock: Clock, writer: str) -> None:
        self.writer = writer
        self._records = records
        self._clock = clock
        self._seq = 0
        self._words: list[bytes] = []  # said and not kept, oldest first
        self._part: list[bytes] = []  # the first of them, of which a row is being kept
        self._then: deque[tuple[int, Then]] = deque()  # who is told when so many words are kept
        self._said_n = self._kept_n = 0
        self._filled = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="charging-journal")
        self._task: asyncio.Task[None] | None = None
        self.choked = False
        self.rows_n = 0

    async def start(self) -> None:
        """Take up the number of the last row, and begin."""
        self._seq = await asyncio.get_running_loop().run_in_executor(self._thread, self._last)
        self._task = asyncio.create_task(keep_going("charging journal", self._write_on, log, AGAIN_S), name="charging journal")

    def keep(self, words: tuple[Word, ...], then: Then | None = None) -> None:
        """Keep words; `then` is called when they, and all that was said before, are on the disk."""
        self._words.extend(map(journal_records.packed, words))
        self._said_n += len(words)
        if then is not None:
            self._then.append((self._said_n, then))
        self._filled.set()
        if len(self._words) > WAITING_MAX:
            self.choked = True

    @property
    def waiting_n(self) -> int:
        """Words that wait to be kept."""
        return len(self._words)

    async def flush(self) -> None:
        """Wait until everything said so far is on the disk."""
        kept = asyncio.Event()
        self.keep((), lambda _: kept.set())
        await kept.wait()

    async def close(self) -> None:
        """Write what waits, if the records take it at once, and end."""
        if self._task is not None:
            try:
                await asyncio.wait_for(self.flush(), 5.0)
            except TimeoutError:
                log.error("journal.left", words=self.waiting_n, hint="their stations were not answered")  # noqa: TRY400  # no traceback
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._thread.shutdown(wait=True)

    async def _write_on(self) -> None:
        """Write until cancelled. Where a defect ends it, it begins again with what was said and still waits."""
        while True:
            await self._filled.wait()
            await self._gather()
            self._filled.clear()
            upto = self._said_n
            while self._kept_n < upto:
                self._part = self._part or self._words[:WORDS_MAX]  # one that was tried is tried again as it was
                await self._write(self._part)
                self._seq += 1
                self.rows_n += 1
                del self._words[: len(self._part)]
                self._kept_n += len(self._part)
                self._part = []
                self.choked = len(self._words) > WAITING_MAX
                self._tell()
            self._tell()

    async def _gather(self) -> None:
        for _ in range(GATHERINGS_MAX):
            before_n = len(self._words)
            if before_n >= WORDS_MAX:
                return
            await asyncio.sleep(GATHER_S)
            if len(self._words) - before_n < RUSH_N:
                return

    def _tell(self) -> None:
        now_us = to_us(self._clock.now())
        while self._then and self._then[0][0] <= self._kept_n:
            then = self._then.popleft()[1]
            try:
                then(now_us)
            except Exception:  # one answer that cannot be sent must not keep the others back
                log.exception("journal.answer_not_sent")

    async def _write(self, part: list[bytes]) -> None:
        """A row of these words, tried until it is kept."""
        loop = asyncio.get_running_loop()
        for attempt in itertools.count():
            try:
                await loop.run_in_executor(self._thread, self._keep, self._seq + 1, part)
            except Corrupt as error:
                log.error("journal.written_by_two", code=error.code, writer=self.writer, seq=self._seq + 1)  # noqa: TRY400  # it goes on
                self._seq = await loop.run_in_executor(self._thread, self._last)
            except Exception as error:  # noqa: BLE001  # whatever it is: nothing that was said is dropped
                if attempt % TOLD_EVERY == 0:
                    log.error("journal.waits", code=getattr(error, "code", repr(error)), words=len(self._words))  # noqa: TRY400  # tried again
                await asyncio.sleep(AGAIN_S[min(attempt, len(AGAIN_S) - 1)])
            else:
                if attempt:
                    log.warning("journal.goes_on", attempts=attempt + 1)
                return

    def _last(self) -> int:
        with self._records.read() as connection:
            return journal_records.last_seq(connection, self.writer)

    def _keep(self, seq: int, words: list[bytes]) -> None:
        row = Kept(self.writer, seq, to_us(self._clock.now()), len(words), journal_records.row_of(words))
        journal_records.keep(self._records, row)
