"""The recorder: bus -> judgement -> telemetry, exactly once.

It keeps its own cursors and commits them with what it wrote: the rows' cursor inside the telemetry transaction, and
the cursor of everything else (newest values, parked payloads, quarantine) inside one records transaction. After a
crash it reads again from the older of the two; rows already kept are recognised and dropped.
"""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import structlog

from dure.core.errors import Corrupt, EngineError, Unavailable
from dure.core.events import Event
from dure.core.observations import Rejected
from dure.core.time import from_us, to_us
from dure.engines.bus.subjects import STREAM
from dure.engines.records import assets, cursors, devices, events, latest, parked
from dure.spine.admit import parked_item
from dure.spine.assessing import Assessors
from dure.spine.judge import Judged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from dure.core.time import Clock
    from dure.engines.bus.client import Bus, Message, StreamState
    from dure.engines.bus.reader import Gap
    from dure.engines.records.devices import Device
    from dure.engines.records.store import Records
    from dure.engines.telemetry.port import Appended, Telemetry
    from dure.spine.directory import Directory
    from dure.spine.judge import Judge
    from dure.spine.live import Live, LiveValue

log = structlog.get_logger("dure.recorder")

CURSOR = "recorder"
FLUSH_S = 1.0
MESSAGES_PER_TURN = 1_000
BYTES_PER_TURN = 8_000_000
WAIT_S = 0.25
RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0)


def stream_name(state: StreamState) -> str:
    """Name of the cursors of a stream: which one it is and when it was made."""
    return f"{STREAM}@{state.born_at}"


class Progress(msgspec.Struct):
    """What the recorder did since it started, for health and metrics."""

    seq: int = 0
    rows: int = 0
    repeats: int = 0
    conflicts: int = 0
    revised: int = 0
    parked: int = 0
    gaps: int = 0
    lag: int = 0
    trouble: str = ""


class Flush(msgspec.Struct, frozen=True, eq=False):
    """What goes into the records in one transaction."""

    seq: int
    values: list[LiveValue]
    parked: list[parked.Parked]
    plausible: dict[str, int]
    seen: dict[str, int]


class Recorder:
    """Reads the stream from its cursor; one per telemetry store (or per set of partitions)."""

    def __init__(  # noqa: PLR0913, PLR0917  # the engines it joins; it has no other state than theirs
        self,
        bus: Bus,
        telemetry: Telemetry,
        records: Records,
        directory: Directory,
        judge: Judge,
        live: Live,
        clock: Clock,
        *,
        assessors: Assessors | None = None,
        quarantine_good_n: int = 10,
        on_change: Callable[[list[LiveValue]], None] | None = None,
    ) -> None:
        self._bus, self._telemetry, self._records = bus, telemetry, records
        self._directory, self._judge, self._live, self._clock = directory, judge, live, clock
        self._assessors = Assessors() if assessors is None else assessors
        self._quarantine_good_n = quarantine_good_n
        self._on_change = on_change
        self._parked: list[parked.Parked] = []
        self._plausible: dict[str, int] = {}
        self._seen: dict[str, int] = {}
        self._kept_seq = 0  # the records' cursor: everything up to here is also in the records
        self._stream = STREAM
        self._revised_seq = 0  # telemetry's cursor at the start: revisions up to here are done
        self._stored = asyncio.Condition()
        self.progress = Progress()

    async def run(self) -> None:
        """Record until cancelled; what is pending is flushed on the way out."""
        self._stream = await self._identify()
        telemetry_seq = self._revised_seq = await asyncio.to_thread(self._telemetry.cursor, self._stream)
        self._kept_seq = await asyncio.to_thread(self._read_cursor)
        if not self._kept_seq:
            await asyncio.to_thread(self._begin_numbering)
            await self._directory.changed()
        start = min(telemetry_seq, self._kept_seq)
        await self._reached(start)
        await asyncio.to_thread(self._assessors.warm, self._telemetry, to_us(self._clock.now()))
        log.info("recorder.started", stream=self._stream, seq=start)
        flusher = asyncio.create_task(self._flush_forever())
        try:
            await self._read_from(start)
        finally:
            flusher.cancel()
            await asyncio.gather(flusher, return_exceptions=True)
            await self._flush()

    async def _read_from(self, start: int) -> None:
        async for messages in self._bus.read(start, batch=MESSAGES_PER_TURN, wait_s=WAIT_S, on_gap=self._on_gap):
            if not messages:
                continue
            await self._directory.refresh_if_changed()
            for part in segments(messages):
                judged = await self._judged(part)
                if part[-1].seq <= self._revised_seq:
                    judged = msgspec.structs.replace(judged, revised=None)
                if len(self._assessors):
                    judged = await asyncio.to_thread(self._assessors.assess, judged)
                await self._keep(judged, part)

    async def _judged(self, messages: Sequence[Message]) -> Judged:
        """Rows by the newest register: an asset added a moment ago may become known before, while or after it is asked for."""
        generation = self._directory.generation
        judged = await asyncio.to_thread(self._judge.judge, messages)
        if not all(self._directory.has_asset(asset) for asset, _ in judged.batch.keys):
            try:
                await asyncio.to_thread(self._directory.refresh)
            except Unavailable as error:
                log.warning("recorder.register_away", code=error.code)
        elif generation == self._directory.generation:
            return judged
        return await asyncio.to_thread(self._judge.judge, messages)

    @property
    def _cursor(self) -> str:
        return f"{CURSOR}:{self._stream}"

    async def _identify(self) -> str:
        """Name of the cursors: the stream and when it was made. A stream made anew is read from its own beginning."""
        while True:
            try:
                return stream_name(await self._bus.state())
            except Unavailable as error:
                log.warning("recorder.bus_away", code=error.code)
                await asyncio.sleep(RETRY_S[-2])

    def _begin_numbering(self) -> None:
        """Forget places in another stream: what was released stays released, from this stream's beginning."""
        with self._records.begin() as connection:
            assets.forget_places(connection)
            devices.forget_counts(connection)

    def _on_gap(self, gap: Gap) -> None:
        self.progress.gaps += 1
        log.warning("recorder.gap", kind=gap.kind, first=gap.first, last=gap.last)
        if gap.kind == "ahead":
            raise Corrupt("recorder.stream_replaced", "The stream was made anew while it was read; reading starts again.")

    async def _keep(self, judged: Judged, messages: Sequence[Message]) -> None:
        """Append until it succeeds: readings stay on the bus while the store is away."""
        last = messages[-1].seq
        appended = None
        for attempt in range(10**9):
            try:
                appended = await asyncio.to_thread(self._telemetry.append, judged.batch, {self._stream: last}, judged.revised)
                break
            except EngineError as error:
                if not self.progress.trouble:
                    log.error("recorder.telemetry_away", code=error.code, why=error.message)  # noqa: TRY400  # expected trouble: no trace
                self.progress.trouble = error.code
                await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
        assert appended is not None  # noqa: S101  # the loop ends only with an answer
        if self.progress.trouble:
            log.info("recorder.telemetry_back", after=self.progress.trouble)
            self.progress.trouble = ""
        self._count(judged, appended)
        self._park(judged, appended.conflict.nonzero()[0].tolist())
        if messages[0].seq > self._kept_seq:
            for device, count in judged.plausible.items():
                self._seen[device] = messages[-1].time_us
                if self._directory.is_quarantined(device):
                    self._plausible[device] = self._plausible.get(device, 0) + count
        changed = self._live.update(judged.batch.take(appended.fresh), judged.revised, last)
        if changed and self._on_change:
            self._on_change(changed)
        await self._reached(last)

    async def _reached(self, seq: int) -> None:
        async with self._stored:
            self.progress.seq = seq
            self._stored.notify_all()

    def _count(self, judged: Judged, appended: Appended) -> None:
        fresh, conflicts = int(appended.fresh.sum()), int(appended.conflict.sum())
        self.progress.rows += fresh
        self.progress.conflicts += conflicts
        self.progress.repeats += len(judged.batch) - fresh - conflicts
        self.progress.revised += appended.revised
        self.progress.parked += len(judged.parked)

    def _park(self, judged: Judged, conflicts: list[int]) -> None:
        self._parked.extend(judged.parked)
        batch = judged.batch
        for row in conflicts:
            asset, property_id = batch.keys[batch.series[row]]
            content = msgspec.json.encode(
                {"asset": asset, "property": property_id, "time_us": int(batch.time_us[row]), "value": float(batch.value[row])}
            ).decode()
            why = Rejected(
                0, "reading.conflict", "Another value of the same instant is already kept; the first one stays.", content
            )
            key = parked.key("conflict", int(batch.seq[row]), asset, property_id, int(batch.time_us[row]))
            self._parked.append(parked_item(key, "mqtt", judged.origins.device_of(row), int(batch.result_us[row]), why))

    async def wait_for(self, seq: int, seconds: float) -> bool:
        """Whether everything up to `seq` was stored within the time."""
        try:
            async with asyncio.timeout(seconds), self._stored:
                await self._stored.wait_for(lambda: self.progress.seq >= seq)
        except TimeoutError:
            return False
        return True

    async def _flush_forever(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            try:
                await self._flush()
                self.progress.lag = max(0, (await self._bus.state()).last_seq - self.progress.seq)
            except Unavailable as error:
                log.error("recorder.records_away", code=error.code, why=error.message)  # noqa: TRY400  # expected trouble: no trace

    async def _flush(self) -> None:
        """Newest values, parked payloads, releases and the cursor: one records transaction."""
        seq = self.progress.seq
        values = self._live.take_unsaved()
        waiting, self._parked = self._parked, []
        plausible, self._plausible = self._plausible, {}
        seen, self._seen = self._seen, {}
        if seq == self._kept_seq and not values and not waiting:
            return
        try:
            released = await asyncio.to_thread(self._flush_now, Flush(seq, values, waiting, plausible, seen))
        except EngineError:
            self._parked = [*waiting, *self._parked]
            for device, count in plausible.items():
                self._plausible[device] = self._plausible.get(device, 0) + count
            self._seen = seen | self._seen
            self._live.return_unsaved(values)
            raise
        self._kept_seq = seq
        if released:
            await self._directory.changed()
            self._judge.forget()
            for device in released:
                log.info("device.released", device=device)

    def _flush_now(self, flush: Flush) -> list[str]:
        now = self._clock.now()
        with self._records.begin() as connection:
            latest.flush(connection, flush.values, {self._cursor: flush.seq})
            parked.park(connection, flush.parked)
            devices.seen(connection, {device: from_us(us) for device, us in flush.seen.items()})
            released = devices.count_good(connection, flush.plausible, seq=flush.seq, needed=self._quarantine_good_n, at=now)
            events.announce(connection, [_released(device, now) for device in released], now)
        return [device.id for device in released]

    def _read_cursor(self) -> int:
        with self._records.read() as connection:
            return cursors.get(connection, self._cursor)


def segments(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """Messages cut so that in each part flags come after all rows: one append keeps their order."""
    ends = [0, *(at for at in range(1, len(messages)) if _is_flags(messages[at - 1]) and not _is_flags(messages[at]))]
    for start, end in pairwise([*ends, len(messages)]):
        yield messages[start:end]


def _is_flags(message: Message) -> bool:
    return message.subject.startswith("flags.")


def _released(device: Device, now: datetime) -> Event:
    return Event(
        id=f"released-{device.id}",
        type="device.released",
        source="dure/recorder",
        time=now,
        subject=device.asset,
        data={"device": device.id, "good_n": device.good_n},
    )
