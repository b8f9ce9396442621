"""The lane of alarms: from the bus to the records by itself, so that no plan, belief or telemetry can hold one back.

It reads the stream from a cursor of its own, takes the few messages that name an alarm at all, judges them as the recorder
does, and commits alarms, events and cursor in one transaction: after a kill it reads on where it was, and nothing is told
twice. A message without alarms costs a search in its bytes.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

import structlog

from dure.core.errors import Corrupt, Unavailable
from dure.core.time import day_of
from dure.engines.bus.packing import unpack
from dure.engines.records import cursors
from dure.services.waste.model import ALARMS
from dure.services.waste.safety import alarm_records
from dure.services.waste.safety.alarms import signals_of
from dure.services.waste.safety.escalation import escalation_policy
from dure.spine.judge import Judge
from dure.spine.recorder import stream_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dure.engines.bus.client import Gap, Message
    from dure.services.waste.safety.alarms import Signal, Step
    from dure.spine.house import House

log = structlog.get_logger("dure.waste")
T = TypeVar("T")

CURSOR = "waste-alarms"
SAVE_S = 5.0  # where nothing was raised the cursor alone is kept this often
WAIT_S = 0.5
RETRY_S = (0.1, 0.2, 0.5, 1.0)
_NAMES = tuple(name.encode() for name in ALARMS)


class AlarmLane:
    """Reads for one house until cancelled. Two of them do no harm: what one has raised is on record for the other."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._judge = Judge(house.directory, house.properties, _unpacked)
        house.directory.on_change(self._judge.forget)
        self._cursor = CURSOR
        self._kept_seq = 0
        self._kept_at = 0.0
        self._troubled = False

    async def run(self) -> None:
        """Take alarms in, for ever."""
        house = self._house
        self._cursor = f"{CURSOR}:{await self._stream()}"
        self._kept_seq = await self._sure(self._read_cursor)
        subjects = [f"{form}.{house.city.id}.>" for form in ("raw", "rows", "pack")]
        log.info("alarms.started", seq=self._kept_seq)
        async for messages in house.bus.read(self._kept_seq, subjects=subjects, wait_s=WAIT_S, on_gap=self._on_gap):
            if messages:
                await self._take(messages)

    async def _take(self, messages: Sequence[Message]) -> None:
        last = messages[-1].seq
        telling = [one for one in messages if names_alarm(one.payload)]
        if not telling and time.monotonic() - self._kept_at < SAVE_S:
            return
        signals = await self._signals(telling) if telling else []
        steps = await self._sure(lambda: self._keep(signals, last))
        for step in steps:
            alarm = step.alarm
            log.warning(
                "alarm.heard", what=step.happened, city=self._house.city.id, asset=alarm.bin, id=alarm.id, kind=alarm.kind
            )

    async def _signals(self, messages: Sequence[Message]) -> list[Signal]:
        """What they say; judged once more with a newer register when a sender or property is not known yet."""
        await self._house.directory.refresh_if_changed()
        judged = await asyncio.to_thread(self._judge.judge, messages)
        if judged.parked:
            try:
                await asyncio.to_thread(self._house.directory.refresh)
            except Unavailable as error:
                log.warning("alarms.register_away", code=error.code)
            judged = await asyncio.to_thread(self._judge.judge, messages)
        return list(signals_of(judged.batch))

    def _keep(self, signals: Iterable[Signal], seq: int) -> list[Step]:
        """Alarms, events and cursor in one transaction; blocks."""
        house = self._house
        now = house.clock.now()
        holds = escalation_policy(day_of(now, house.city.zone), house.city.folder).holds
        with house.records.begin() as connection:
            steps = alarm_records.take(connection, signals, now, holds)
            cursors.advance(connection, {self._cursor: seq})
        self._kept_seq, self._kept_at = seq, time.monotonic()
        return steps

    async def _sure(self, work: Callable[[], T]) -> T:
        """Do it until the records take it: the readings stay on the bus meanwhile."""
        for attempt in range(10**9):
            try:
                done = await asyncio.to_thread(work)
            except Unavailable as error:
                if not self._troubled:
                    log.error("alarms.records_away", code=error.code, why=error.message)  # noqa: TRY400  # expected trouble: no trace
                self._troubled = True
                await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
            else:
                if self._troubled:
                    log.info("alarms.records_back")
                self._troubled = False
                return done
        raise AssertionError("unreachable")

    async def _stream(self) -> str:
        """Name of the stream; one made anew is read from its own beginning."""
        while True:
            try:
                return stream_name(await self._house.bus.state())
            except Unavailable as error:
                log.warning("alarms.bus_away", code=error.code)
                await asyncio.sleep(RETRY_S[-1])

    def _read_cursor(self) -> int:
        with self._house.records.read() as connection:
            return cursors.get(connection, self._cursor)

    def _on_gap(self, gap: Gap) -> None:
        log.error("alarms.gap", kind=gap.kind, first=gap.first, last=gap.last)
        if gap.kind == "ahead":
            raise Corrupt("recorder.stream_replaced", "The stream was made anew while it was read; reading starts again.")


def names_alarm(payload: bytes) -> bool:
    """Whether a message can hold an alarm: payloads, packs and rows all spell the names of their properties."""
    return any(name in payload for name in _NAMES)


def _unpacked(payload: bytes) -> list[tuple[str, int, bytes]]:
    return [(one.device, one.received_us, one.payload) for one in unpack(payload)]
