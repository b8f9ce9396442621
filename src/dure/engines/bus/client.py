"""Dure's connection to the bus: publish and be sure, read from a cursor, ask and answer."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import nats.errors
import nats.js.errors
import structlog
from nats.aio.client import Client
from nats.nuid import NUID

from dure.core.errors import ConfigError, EngineError, NotFound, TooLarge, Unavailable
from dure.core.time import parse_instant, to_us
from dure.engines.bus.reader import Gap, Message, OnGap, Request, StreamReader
from dure.engines.bus.streams import StreamPolicy, ensure_streams
from dure.engines.bus.subjects import STREAM

if TYPE_CHECKING:
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription
    from nats.js import JetStreamContext

__all__ = ["Bus", "Gap", "Message", "Received", "StreamPolicy", "StreamState"]

log = structlog.get_logger(__name__)

IN_FLIGHT_MAX = 1_000
ATTEMPT_S = 2.0
RETRY_S = 0.1
# Codes of the server: no room in the store, in the account, in the stream.
_FULL = {10023, 10028, 10047, 10077}
_TOO_LARGE = {10054}


class Received(msgspec.Struct, frozen=True):
    """A message that passes by on the bus and is not kept."""

    subject: str
    payload: bytes
    reply: str = ""
    headers: Mapping[str, str] | None = None


class StreamState(msgspec.Struct, frozen=True):
    """What the stream holds."""

    first_seq: int
    last_seq: int
    messages: int
    bytes: int
    born_at: str = ""  # when the stream was made: another stream has another, though its name and sequences look alike


Handler = Callable[[Received], Awaitable[None]]


class Bus:
    """One connection, which comes back by itself for as long as it is open."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._js: JetStreamContext = client.jetstream(timeout=ATTEMPT_S)
        self._slots = asyncio.Semaphore(IN_FLIGHT_MAX)
        self._ids = NUID()
        self._id_prefix = self._ids.next().decode()
        self._sent = 0
        self._reconnections = 0
        self._slow = 0
        self._refused = False  # a try was refused; what goes wrong after it, such as the end of the connection, says less
        self.wait_when_slow = False
        """Stop reading while a handler is behind, which slows the senders. Only for a connection that awaits no answers."""

    @classmethod
    async def connect(
        cls, urls: str | Sequence[str], user: str, password: str, *, name: str = "dure", timeout_s: float = 10.0
    ) -> Bus:
        """Connect, or say why not; later losses of the connection heal by themselves."""
        servers = urls.split(",") if isinstance(urls, str) else list(urls)
        bus = cls(Client())
        try:
            await asyncio.wait_for(
                bus.client.connect(
                    servers=[url.strip() for url in servers],
                    user=user,
                    password=password,
                    name=name,
                    allow_reconnect=True,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=0.2,  # type: ignore[arg-type]  # seconds, a fraction works
                    connect_timeout=5,
                    ping_interval=10,
                    max_outstanding_pings=2,
                    pending_size=8 * 1_048_576,
                    error_cb=bus._on_error,
                    disconnected_cb=bus._on_lost,
                    reconnected_cb=bus._on_back,
                ),
                timeout_s,
            )
        except (nats.errors.Error, OSError, TimeoutError) as error:
            with contextlib.suppress(Exception):
                await bus.client.close()
            if bus._refused or _is_refusal(error):  # the client library goes on trying
                raise ConfigError("bus.refused", f"The bus at {_shown(servers)} refused the user {user!r}.") from error
            raise Unavailable("bus.unavailable", f"The bus at {_shown(servers)} does not answer: {error!r}") from error
        return bus

    @property
    def connected(self) -> bool:
        """Whether the connection stands now."""
        return bool(self.client.is_connected)

    @property
    def reconnections(self) -> int:
        """How often the connection was lost and came back."""
        return self._reconnections

    @property
    def dropped(self) -> int:
        """Messages of core subscriptions that were dropped because their handler was too slow."""
        return self._slow

    async def ensure_streams(self, policy: StreamPolicy) -> None:
        """Make the stream and its source, or bring them up to the policy."""
        await ensure_streams(self.client, policy)

    async def publish(self, subject: str, payload: bytes, msg_id: str | None = None, *, timeout_s: float = 6.0) -> int:
        """Sequence under which the stream keeps the message, on disk; tried again until `timeout_s`, kept once.

        Raises `Unavailable` (``bus.unavailable``: unknown whether it was kept, send it again with the same `msg_id`;
        ``bus.full``: not kept, no room) and `TooLarge`.
        """
        headers = {"Nats-Msg-Id": msg_id or self.new_id()}
        deadline = time.monotonic() + timeout_s
        async with self._slots:
            while True:
                left = deadline - time.monotonic()
                try:
                    acked = await self._js.publish(
                        subject, payload, timeout=max(0.05, min(ATTEMPT_S, left)), headers=dict(headers)
                    )
                except (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError) as error:
                    trouble = _explain(error, subject, len(payload))
                    if not trouble.retry or trouble.code == "bus.full" or time.monotonic() + RETRY_S >= deadline:
                        raise trouble from error
                    await asyncio.sleep(RETRY_S)
                else:
                    return int(acked.seq)

    def new_id(self) -> str:
        """An id no other message has."""
        self._sent += 1
        return f"{self._id_prefix}{self._sent:x}"

    async def read(
        self,
        after_seq: int,
        *,
        subjects: Sequence[str] | None = None,
        batch: int = 1_000,
        wait_s: float = 1.0,
        on_gap: OnGap | None = None,
    ) -> AsyncIterator[list[Message]]:
        """Messages of the stream after a sequence, in order, for ever, whatever happens to the bus.

        Yields lists of 1 to `batch` as soon as there are any, and an empty list when nothing came for `wait_s`. What
        can no longer be read is told to `on_gap`, before the messages that follow it.
        """
        wanted = Request(stream=STREAM, after_seq=after_seq, subjects=tuple(subjects or ()), batch=batch, wait_s=wait_s)
        reader = StreamReader(self.client, wanted, on_gap, lambda: self._reconnections)
        async with contextlib.aclosing(reader.batches()) as batches:  # type: ignore[type-var]
            async for messages in batches:
                yield messages

    async def message(self, seq: int) -> Message:
        """The message kept under a sequence; `NotFound` when there is none."""
        try:
            answer = await self.client.request(
                f"$JS.API.DIRECT.GET.{STREAM}", msgspec.json.encode({"seq": seq}), timeout=ATTEMPT_S
            )
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise _explain(error, STREAM, 0) from error
        headers = dict(answer.headers or {})
        if headers.get("Status"):
            raise NotFound("bus.no_message", f"The stream keeps no message {seq}: it has expired or was never there.", seq=seq)
        at = parse_instant(headers["Nats-Time-Stamp"])
        kept = {name: value for name, value in headers.items() if name not in _DIRECT_HEADERS}
        return Message(headers["Nats-Subject"], int(headers["Nats-Sequence"]), to_us(at), answer.data, kept or None)

    async def state(self) -> StreamState:
        """First and last sequence, messages and bytes of the stream."""
        try:
            info = await self._js.stream_info(STREAM)
        except (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError) as error:
            raise _explain(error, STREAM, 0) from error
        state = info.state
        born_at = "" if info.created is None else info.created.strftime("%Y%m%dT%H%M%S.%f")
        return StreamState(state.first_seq, state.last_seq, state.messages, state.bytes, born_at)

    async def gap(self, after_seq: int) -> Gap | None:
        """What a reader that starts after a sequence can no longer have."""
        state = await self.state()
        if after_seq > state.last_seq:
            return Gap("ahead", state.last_seq + 1, after_seq)
        return Gap("expired", after_seq + 1, state.first_seq - 1) if after_seq + 1 < state.first_seq else None

    async def send(self, subject: str, payload: bytes) -> None:
        """Tell whoever listens now; nothing is kept."""
        try:
            await self.client.publish(subject, payload)
        except (nats.errors.Error, OSError) as error:
            raise _explain(error, subject, len(payload)) from error

    async def flush(self, timeout_s: float = ATTEMPT_S) -> None:
        """Wait until the server has taken in all that was sent and subscribed."""
        try:
            # The client library writes its ping before what waits to be written: only a second one comes behind all of it.
            async with asyncio.timeout(timeout_s):
                await self.client.flush(timeout=timeout_s)  # type: ignore[arg-type]
                await self.client.flush(timeout=timeout_s)  # type: ignore[arg-type]
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise _explain(error, "flush", 0) from error

    async def subscribe(self, subject: str, handler: Handler, *, queue: str = "") -> Callable[[], Awaitable[None]]:
        """Hear what passes on a subject, from when this returns; call the result to stop.

        Within a queue group each message reaches one member.
        """

        async def hear(msg: Msg) -> None:
            await handler(Received(msg.subject, msg.data, msg.reply, msg.headers))

        subscription = await self.client.subscribe(subject, queue=queue, cb=hear)
        await self.flush()

        async def stop() -> None:
            with contextlib.suppress(nats.errors.Error):
                await subscription.unsubscribe()

        return stop

    async def request(self, subject: str, payload: bytes, *, timeout_s: float = 5.0) -> bytes:
        """Ask and wait for the answer; `Unavailable` when nobody answers."""
        try:
            return bytes((await self.client.request(subject, payload, timeout=timeout_s)).data)
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise _explain(error, subject, len(payload)) from error

    async def reply(
        self, subject: str, answer: Callable[[Received], Awaitable[bytes]], *, queue: str = ""
    ) -> Callable[[], Awaitable[None]]:
        """Answer requests on a subject; call the result to stop."""

        async def hear(received: Received) -> None:
            if received.reply:
                await self.send(received.reply, await answer(received))

        return await self.subscribe(subject, hear, queue=queue)

    async def close(self) -> None:
        """Send what is waiting and leave."""
        if self.client.is_closed:
            return
        with contextlib.suppress(Exception):  # leaving is not the time to complain
            if self.client.is_connected:
                await self.flush(3)
        with contextlib.suppress(Exception):
            await self.client.close()

    async def _on_error(self, error: Exception) -> None:
        self._refused = self._refused or _is_refusal(error)
        if isinstance(error, nats.errors.SlowConsumerError):
            self._slow += 1
            if not self._slow & (self._slow - 1):  # say it at 1, 2, 4, 8, …
                log.error("messages dropped: a handler is too slow", subject=error.subject, dropped=self._slow)
            if self.wait_when_slow:
                await self._wait_until_half(error.sub)
        elif self.connected:
            log.warning("bus error", error=repr(error))

    async def _wait_until_half(self, subscription: Subscription) -> None:
        # The client library awaits this in its read loop, so nothing more is read meanwhile.
        until = subscription.pending_msgs // 2
        while subscription.pending_msgs > until and self.connected:  # noqa: ASYNC110  # the queue tells no one when it shrinks
            await asyncio.sleep(0.002)

    async def _on_lost(self) -> None:
        if not self.client.is_closed:
            log.warning("connection to the bus lost; reconnecting")

    async def _on_back(self) -> None:
        self._reconnections += 1
        log.info("connection to the bus is back")


_DIRECT_HEADERS = frozenset(
    {"Nats-Stream", "Nats-Subject", "Nats-Sequence", "Nats-Time-Stamp", "Nats-Num-Pending", "Nats-Last-Sequence"}
)


def _shown(servers: Sequence[str]) -> str:
    return ", ".join(url.rsplit("@", 1)[-1] for url in servers)


def _explain(error: Any, subject: str, size: int) -> EngineError | TooLarge:
    """The house's error for one of the client library's."""
    code = getattr(error, "err_code", None)
    if code in _TOO_LARGE or isinstance(error, nats.errors.MaxPayloadError):
        return TooLarge("bus.too_large", f"A message of {size} bytes is over the bus's limit of 1 MiB.", bytes=size)
    if code in _FULL:
        return Unavailable("bus.full", f"The bus has no room left ({getattr(error, 'description', error)}); nothing was kept.")
    return Unavailable("bus.unavailable", f"The bus did not answer on {subject}: {error!r}")


def _is_refusal(error: Exception) -> bool:
    return "uthorization" in repr(error)
