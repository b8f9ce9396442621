"""Reading the stream in order from a cursor: no acks, no gaps, no doubles, through any restart of the bus.

The cursor is the reader's own; the server only holds a throw-away pull consumer, made anew from the last delivered
sequence whenever the connection, the server or the consumer is lost. A pull is refilled only while little is waiting,
so a slow reader slows the server, not the memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import nats.errors
import nats.js.errors
import structlog
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription
    from nats.js import JetStreamContext

log = structlog.get_logger(__name__)

PULL_MESSAGES = 1_000
PULL_BYTES = 8 * 1_048_576
PULL_S = 30.0
HEARTBEAT_S = 1.5
DEAD_AFTER_S = 4.0
IDLE_CONSUMER_S = 60.0
AHEAD_PATIENCE_S = 5.0
BACK_OFF_S = (0.05, 0.1, 0.25, 0.5, 1.0)
_TROUBLE = (nats.errors.Error, nats.js.errors.Error, TimeoutError, OSError)


class Message(msgspec.Struct, frozen=True):
    """One message of the stream; `time_us` is when the bus stored it."""

    subject: str
    seq: int
    time_us: int
    payload: bytes
    headers: Mapping[str, str] | None = None


class Gap(msgspec.Struct, frozen=True):
    """Sequences a reader can no longer have.

    ``expired``: the bus dropped `first`..`last` before they were read (rebuild them from the archive). ``ahead``: the
    stream ends before the cursor, because it was reset or restored; reading goes on at its first message.
    """

    kind: Literal["expired", "ahead"]
    first: int
    last: int


OnGap = Callable[[Gap], None]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What to read: after which sequence, which subjects (all when empty), how much at once, how long to wait."""

    stream: str
    after_seq: int
    subjects: Sequence[str] = ()
    batch: int = PULL_MESSAGES
    wait_s: float = 1.0


class StreamReader:
    """One pass over the stream; use `batches` once."""

    def __init__(self, client: Client, request: Request, on_gap: OnGap | None, epoch: Callable[[], int]) -> None:
        self._client = client
        self._js: JetStreamContext = client.jetstream(timeout=3)
        self._request = request
        self._on_gap = on_gap
        self._epoch = epoch  # changes at every reconnection
        self._epoch_seen = -1
        self._last_seq = request.after_seq
        self._consumer_seq = 0
        self._consumer = ""
        self._subscription: Subscription | None = None
        self._arrived: deque[Message] = deque()
        self._something = asyncio.Event()
        self._pull_left = 0
        self._heard_at = 0.0
        self._broken = True

    async def batches(self) -> AsyncIterator[list[Message]]:
        """Lists of 1 to `batch` messages; an empty list when nothing came for `wait_s`."""
        try:
            while True:
                if not self._arrived:
                    await self._heal()
                    await self._refill()
                    await self._wait()
                yield self._take()
                await self._refill()
        finally:
            await self._drop_consumer()

    def _take(self) -> list[Message]:
        arrived, size = self._arrived, self._request.batch
        if len(arrived) <= size:
            taken = list(arrived)
            arrived.clear()
        else:
            taken = [arrived.popleft() for _ in range(size)]
        return taken

    async def _wait(self) -> None:
        deadline = time.monotonic() + self._request.wait_s
        while not self._arrived:
            left = deadline - time.monotonic()
            if left <= 0:
                return
            self._something.clear()
            with contextlib.suppress(TimeoutError):
                # Not `wait_for`: until Python 3.12 it loses a cancellation that comes as something arrives.
                async with asyncio.timeout(min(left, 0.5)):
                    await self._something.wait()
            if not self._arrived:
                await self._heal()
                await self._refill()

    # The consumer

    async def _heal(self) -> None:
        attempt = 0
        while self._is_lost():
            await self._drop_consumer()
            try:
                await self._make_consumer()
            except _TROUBLE as error:
                if attempt in {0, 20}:
                    log.warning("stream cannot be read now", stream=self._request.stream, error=repr(error))
                await asyncio.sleep(BACK_OFF_S[min(attempt, len(BACK_OFF_S) - 1)])
                attempt += 1

    def _is_lost(self) -> bool:
        silent = self._pull_left > 0 and time.monotonic() - self._heard_at > DEAD_AFTER_S
        return self._broken or silent or self._epoch_seen != self._epoch()

    async def _make_consumer(self) -> None:
        self._epoch_seen = self._epoch()
        await self._look_for_gap()
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self._last_seq + 1,
            ack_policy=AckPolicy.NONE,
            filter_subjects=list(self._request.subjects) or None,
            inactive_threshold=IDLE_CONSUMER_S,
            mem_storage=True,
            num_replicas=1,
        )
        self._consumer_seq = 0
        inbox = self._client.new_inbox()
        self._subscription = await self._client.subscribe(inbox, cb=self._receive)
        info = await self._js.add_consumer(self._request.stream, config=config, timeout=3)
        self._consumer = info.name
        self._pull_left = 0
        self._broken = False

    async def _look_for_gap(self) -> None:
        deadline = time.monotonic() + AHEAD_PATIENCE_S
        state = (await self._js.stream_info(self._request.stream)).state
        while self._last_seq > state.last_seq and time.monotonic() < deadline:
            await asyncio.sleep(0.25)  # a new leader may still be taking in what the old one had acknowledged
            state = (await self._js.stream_info(self._request.stream)).state
        if self._last_seq > state.last_seq:
            self._tell_gap(Gap("ahead", state.last_seq + 1, self._last_seq))
            self._last_seq = max(0, state.first_seq - 1)
        elif self._last_seq + 1 < state.first_seq:
            self._tell_gap(Gap("expired", self._last_seq + 1, state.first_seq - 1))
            self._last_seq = state.first_seq - 1

    def _tell_gap(self, gap: Gap) -> None:
        log.error("gap in the stream", stream=self._request.stream, kind=gap.kind, first=gap.first, last=gap.last)
        if self._on_gap is not None:
            self._on_gap(gap)

    async def _drop_consumer(self) -> None:
        subscription, self._subscription = self._subscription, None
        consumer, self._consumer = self._consumer, ""
        self._broken = True
        self._pull_left = 0
        with contextlib.suppress(*_TROUBLE):
            if subscription is not None:
                await subscription.unsubscribe()
            if consumer and self._client.is_connected:
                await self._client.publish(f"$JS.API.CONSUMER.DELETE.{self._request.stream}.{consumer}")

    # Pulling and receiving

    async def _refill(self) -> None:
        if self._pull_left or self._broken or len(self._arrived) > PULL_MESSAGES or self._subscription is None:
            return
        wanted: dict[str, Any] = {
            "batch": PULL_MESSAGES,
            "max_bytes": PULL_BYTES,
            "expires": int(PULL_S * 1e9),
            "idle_heartbeat": int(HEARTBEAT_S * 1e9),
        }
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._request.stream}.{self._consumer}"
        self._pull_left = PULL_MESSAGES
        self._heard_at = time.monotonic()
        try:
            await self._client.publish(subject, msgspec.json.encode(wanted), reply=self._subscription.subject)
        except _TROUBLE:
            self._broken = True

    async def _receive(self, msg: Msg) -> None:
        if self._subscription is None or msg.sid != self._subscription._id or self._broken:  # noqa: SLF001  # of an earlier consumer
            return
        if not msg.reply:
            self._take_status(msg)
            return
        tokens = msg.reply.split(".")
        seq, consumer_seq, stamp_ns = tokens[-4:-1] if len(tokens) == 9 else tokens[7:10]
        if int(consumer_seq) != self._consumer_seq + 1:
            self._broken = True
            self._something.set()
            return
        self._consumer_seq += 1
        self._pull_left -= 1
        self._last_seq = int(seq)
        self._arrived.append(Message(msg.subject, self._last_seq, int(stamp_ns) // 1000, msg.data, msg.headers))
        if not self._pull_left:
            self._heard_at = time.monotonic()
            await self._refill()
        self._something.set()

    def _take_status(self, msg: Msg) -> None:
        self._heard_at = time.monotonic()
        headers = msg.headers or {}
        status, reason = headers.get("Status", ""), headers.get("Description", "")
        if status == "100":
            return
        self._pull_left = 0
        if status not in {"404", "408"} and "MaxBytes" not in reason:
            self._broken = True
        self._something.set()
