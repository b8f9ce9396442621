"""The journal: what stations said is on the disk before they get their answer.

Many answers share one commit. While one is written the next are gathered, so that a commit holds as much as came meanwhile, and
waits at most `GATHER_S` for more. Nothing that was said is dropped: while the records are away the same row is tried again, what
comes behind it waits, and when too much waits new messages are refused before anyone acts on them (`choked`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import structlog

from dure.core.time import to_us
from dure.services.charging.central import journal_records
from dure.services.charging.central.journal_records import Kept

if TYPE_CHECKING:
    from dure.core.time import Clock
    from dure.engines.records.store import Records
    from dure.services.charging.central.words import Word

log = structlog.get_logger("dure.charging.central")

GATHER_S = 0.004
WORDS_MAX = 2_000  # of one row
WAITING_MAX = 50_000  # words that may wait before new ones are refused
AGAIN_S = (0.2, 0.5, 1.0, 2.0, 5.0)

Then = Callable[[], None]


class Journal:
    """One writer's journal. Started in the event loop it is used in; what it calls back runs there too."""

    def __init__(self, records: Records, clock: Clock, writer: str) -> None:
        self.writer = writer
        self._records = records
        self._clock = clock
        self._seq = 0
        self._words: list[bytes] = []
        self._then: list[Then] = []
        self._filled = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="charging-journal")
        self._task: asyncio.Task[None] | None = None
        self.choked = False
        self.rows_n = 0

    async def start(self) -> None:
        """Take up the number of the last row, and begin."""
        self._seq = await asyncio.get_running_loop().run_in_executor(self._thread, self._last)
        self._task = asyncio.create_task(self._write_on(), name="charging journal")

    def keep(self, words: tuple[Word, ...], then: Then | None = None) -> None:
        """Keep words; `then` is called when they, and all that was said before, are on the disk."""
        self._words.extend(map(journal_records.packed, words))
        if then is not None:
            self._then.append(then)
        if not self._filled.is_set():
            self._filled.set()
            self._idle.clear()
        if len(self._words) > WAITING_MAX:
            self.choked = True

    @property
    def waiting_n(self) -> int:
        """Words that wait to be written."""
        return len(self._words)

    async def flush(self) -> None:
        """Wait until everything said so far is on the disk."""
        await self._idle.wait()

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
        while True:
            await self._filled.wait()
            if len(self._words) < WORDS_MAX:
                await asyncio.sleep(GATHER_S)
            words, then = self._words, self._then
            self._words, self._then = [], []
            self._filled.clear()
            await self._write(words)
            self.choked = len(self._words) > WAITING_MAX
            for one in then:
                _call(one)
            if not self._filled.is_set():
                self._idle.set()

    async def _write(self, words: list[bytes]) -> None:
        """Rows of these words, in order, each until it is kept."""
        loop = asyncio.get_running_loop()
        for start in range(0, len(words), WORDS_MAX):
            part = words[start : start + WORDS_MAX]
            row = Kept(self.writer, self._seq + 1, to_us(self._clock.now()), len(part), journal_records.row_of(part))
            for attempt in range(10**9):
                try:
                    await loop.run_in_executor(self._thread, self._keep, row)
                except Exception as error:  # noqa: BLE001  # whatever it is: nothing that was said is dropped
                    if attempt == 0:
                        log.error("journal.waits", code=getattr(error, "code", repr(error)), words=len(part))  # noqa: TRY400  # tried again
                    await asyncio.sleep(AGAIN_S[min(attempt, len(AGAIN_S) - 1)])
                else:
                    if attempt:
                        log.warning("journal.goes_on", attempts=attempt + 1)
                    break
            self._seq += 1
            self.rows_n += 1

    def _last(self) -> int:
        with self._records.read() as connection:
            return journal_records.last_seq(connection, self.writer)

    def _keep(self, row: Kept) -> None:
        with self._records.begin() as connection:
            journal_records.append(connection, row)


def _call(then: Then) -> None:
    try:
        then()
    except Exception:
        log.exception("journal.answer_not_sent")
