"""A reader of the bus ends when it is told to, also at the moment at which something arrives."""

from __future__ import annotations

import asyncio

import pytest
from nats.aio.client import Client

from dure.engines.bus.reader import Request, StreamReader


class Idle(StreamReader):
    """A reader whose server is well and has nothing; it waits until `told`."""

    def __init__(self) -> None:
        super().__init__(Client(), Request(stream="OBS", after_seq=0, subjects=(), batch=10, wait_s=60), None, lambda: 0)

    async def wait(self) -> None:
        await self._wait()

    def told(self) -> None:
        self._something.set()

    async def _heal(self) -> None:
        await asyncio.sleep(0)

    async def _refill(self) -> None:
        await asyncio.sleep(0)


@pytest.mark.parametrize("ticks", range(6))
async def test_a_reader_that_is_ended_as_something_arrives_ends(ticks):
    reader = Idle()
    waiting = asyncio.create_task(reader.wait())
    for _ in range(3):
        await asyncio.sleep(0)

    reader.told()
    for _ in range(ticks):
        await asyncio.sleep(0)
    waiting.cancel()

    done, _ = await asyncio.wait([waiting], timeout=5)
    waiting.cancel()
    assert done == {waiting}
    assert waiting.cancelled()
