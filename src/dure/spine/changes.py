"""Newest values from the recorder's process to the others, over the bus."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from dure.spine.live import Live, LiveValue, live_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from dure.engines.bus.client import Bus, Received
    from dure.engines.telemetry.port import Telemetry

VALUES_PER_MESSAGE = 2_000
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[LiveValue])


def subject(city: str) -> str:
    """Where changes are told."""
    return f"live.{city}"


def teller(bus: Bus, city: str) -> Callable[[list[LiveValue]], None]:
    """A function for the recorder that tells the other processes what changed."""
    pending: set[asyncio.Task[None]] = set()

    async def send(changed: list[LiveValue]) -> None:
        for at in range(0, len(changed), VALUES_PER_MESSAGE):
            await bus.send(subject(city), _encoder.encode(changed[at : at + VALUES_PER_MESSAGE]))

    def tell(changed: list[LiveValue]) -> None:
        task = asyncio.create_task(send(changed))
        pending.add(task)
        task.add_done_callback(_settled(pending))

    return tell


def _settled(pending: set[asyncio.Task[None]]) -> Callable[[asyncio.Task[None]], None]:
    def settle(task: asyncio.Task[None]) -> None:
        pending.discard(task)
        if not task.cancelled():
            task.exception()  # a page that misses a change gets the next one; the recorder says when the bus is away

    return settle


async def follow(bus: Bus, city: str, live: Live) -> None:
    """Take in what the recorder tells."""

    async def hear(received: Received) -> None:
        live.take(_decoder.decode(received.payload))

    await bus.subscribe(subject(city), hear)


async def newest(telemetry: Telemetry) -> list[LiveValue]:
    """The newest value of every series."""
    return live_values(await asyncio.to_thread(telemetry.latest))


async def load(telemetry: Telemetry, live: Live) -> None:
    """Take in the newest value of every series at the recorder's start."""
    live.load(await newest(telemetry))
