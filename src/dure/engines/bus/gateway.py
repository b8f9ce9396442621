"""The coalescing gateway: what devices send at MQTT QoS 0 or plain NATS, packed and kept on disk.

One disk sync per pack instead of one per reading. Nobody waits for these messages, so the gateway counts: what came in
is packed, refused by name, or told as dropped. Give it ears of their own: a connection on which it only hears can stop
reading while packs are behind, and the server then slows the senders.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import structlog

from dure.core.errors import DureError, InputError, TooLarge
from dure.core.identifiers import partition
from dure.engines.bus import packing, subjects

if TYPE_CHECKING:
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

    from dure.engines.bus.client import Bus

log = structlog.get_logger(__name__)

QUEUE = "gateway"
PACK_PAYLOADS = 200
PACK_BYTES = 256 * 1024
PACK_S = 0.05
PAYLOAD_BYTES_MAX = 512 * 1024
PACKS_IN_FLIGHT = 128
# While the disk is behind, packs grow instead of waiting side by side: its syncs are then shared by more readings.
PACK_PAYLOADS_BEHIND = 4_000
PENDING_MESSAGES = 262_144
PENDING_BYTES = 64 * 1_048_576
ROUTES_MAX = 200_000
SEND_S = 5.0
STOP_S = 10.0


class GatewayCounts(msgspec.Struct):
    """Messages since the start. received = kept + refused + lost + still held.

    `dropped` were thrown away unread; `cuts` counts how often the bus cut our ears off (restart, or 256 MB waiting):
    what was under way then is lost, in a number nobody knows.
    """

    received: int = 0
    kept: int = 0
    packs: int = 0
    acknowledged_elsewhere: int = 0
    refused: int = 0
    dropped: int = 0
    lost: int = 0
    cuts: int = 0


class _Open:
    """A pack being filled."""

    __slots__ = ("bytes", "city", "frames", "partition", "since")

    def __init__(self, city: str, partition_no: int, since: float) -> None:
        self.city = city
        self.partition = partition_no
        self.since = since
        self.frames: list[bytes] = []
        self.bytes = 0


class Gateway:
    """Hears ``up.>``, leaves out what MQTT already keeps (QoS 1 and 2), packs the rest by city and partition."""

    def __init__(self, bus: Bus, ears: Bus | None = None, *, now_us: Callable[[], int] | None = None) -> None:
        self.counts = GatewayCounts()
        self._bus = bus
        self._ears = ears or bus
        self._ears.wait_when_slow = ears is not None and ears is not bus
        self._now_us = now_us or (lambda: time.time_ns() // 1_000)
        self._routes: dict[str, tuple[str, int, bytes] | None] = {}
        self._open: dict[tuple[str, int], _Open] = {}
        self._slots = asyncio.Semaphore(PACKS_IN_FLIGHT)
        self._sending: set[asyncio.Task[None]] = set()
        self._subscription: Subscription | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._cuts_before = 0
        self._give_up_at = float("inf")

    @property
    def held(self) -> int:
        """Messages taken in and not yet on disk."""
        counts = self.counts
        return counts.received - counts.kept - counts.refused - counts.lost

    async def start(self) -> None:
        """Hear from when this returns."""
        self._subscription = await self._ears.client.subscribe(
            subjects.UP_ALL,
            queue=QUEUE,
            cb=self._hear,
            pending_msgs_limit=PENDING_MESSAGES,
            pending_bytes_limit=PENDING_BYTES,
        )
        await self._ears.flush()
        self._cuts_before = self._ears.reconnections
        self._ticker = asyncio.create_task(self._tick(), name="gateway")

    async def stop(self) -> None:
        """Hear no more, keep what is held, count what could not be kept."""
        if self._subscription is not None:
            with contextlib.suppress(Exception):  # the connection may be gone; what is held is still flushed below
                await asyncio.wait_for(self._subscription.drain(), STOP_S)  # type: ignore[no-untyped-call]
        if self._ticker is not None:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker
        self._give_up_at = time.monotonic() + STOP_S
        for pack in list(self._open.values()):
            await self._send(pack)
        if self._sending:
            await asyncio.wait(set(self._sending))
        log.info("gateway stopped", **msgspec.structs.asdict(self.counts))

    async def _hear(self, msg: Msg) -> None:
        headers = msg.headers
        if headers is not None and headers.get("Nmqtt-Pub", "0") != "0":
            self.counts.acknowledged_elsewhere += 1
            return
        self.counts.received += 1
        route = self._routes.get(msg.subject) or self._route(msg.subject)
        if route is None or len(msg.data) > PAYLOAD_BYTES_MAX:
            self.counts.refused += 1
            return
        city, partition_no, device = route
        key = (city, partition_no)
        pack = self._open.get(key)
        if pack is None:
            pack = self._open[key] = _Open(city, partition_no, time.monotonic())
        part = packing.frame(device, self._now_us(), msg.data)
        pack.frames.append(part)
        pack.bytes += len(part)
        if pack.bytes >= PACK_BYTES or len(pack.frames) >= PACK_PAYLOADS:
            behind = self._slots.locked()
            if not behind or pack.bytes >= PACK_BYTES or len(pack.frames) >= PACK_PAYLOADS_BEHIND:
                await self._send(pack)

    def _route(self, subject: str) -> tuple[str, int, bytes] | None:
        if len(self._routes) >= ROUTES_MAX:
            self._routes.clear()
        route: tuple[str, int, bytes] | None
        try:
            city, device = subjects.parse_up(subject)
            route = (city, partition(device), device.encode("ascii"))
        except InputError as error:
            log.warning("message on a malformed subject refused", subject=subject[:200], code=error.code)
            route = None
        self._routes[subject] = route
        return route

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(PACK_S / 2)
            self._count_losses()
            due = time.monotonic() - PACK_S / 2  # looked at every half period: nothing waits longer than a period
            for pack in [each for each in self._open.values() if each.since <= due]:
                if self._slots.locked():
                    break
                await self._send(pack)

    def _count_losses(self) -> None:
        self.counts.dropped = self._ears.dropped
        cuts = self._ears.reconnections - self._cuts_before
        if cuts != self.counts.cuts:
            self.counts.cuts = cuts
            log.error("the gateway was cut off: QoS 0 messages under way were lost", code="bus.gateway_cut", cuts=cuts)

    async def _send(self, pack: _Open) -> None:
        """Close a pack and send it; waits while too many are on their way, and so slows the hearing."""
        if self._open.get((pack.city, pack.partition)) is pack:
            del self._open[(pack.city, pack.partition)]
        await self._slots.acquire()
        task = asyncio.create_task(self._keep(pack))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _keep(self, pack: _Open) -> None:
        msg_id = f"pack-{self._bus.new_id()}"
        subject, data, n = subjects.pack(pack.city, pack.partition), packing.join(pack.frames), len(pack.frames)
        try:
            while True:
                try:
                    await self._bus.publish(subject, data, msg_id, timeout_s=SEND_S)
                except TooLarge:  # cannot be: packs are far smaller than the limit
                    self.counts.lost += n
                    raise
                except DureError as error:
                    if time.monotonic() >= self._give_up_at:
                        self.counts.lost += n
                        log.error("readings lost at stop: the bus took no more", readings=n, code=error.code)  # noqa: TRY400  # expected, no trace
                        return
                else:
                    self.counts.kept += n
                    self.counts.packs += 1
                    return
                await asyncio.sleep(0.1)
        finally:
            self._slots.release()
