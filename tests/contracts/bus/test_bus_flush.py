"""When a flush is over the server has what went before it: seen by a peer that notes the protocol as it comes."""

from __future__ import annotations

import asyncio

import pytest

from dure.engines.bus.client import Bus

INFO = b'INFO {"server_id":"X","version":"2.11.0","max_payload":1048576,"headers":true,"proto":1}\r\n'


class Peer:
    """Speaks enough of the NATS protocol to be connected to."""

    def __init__(self) -> None:
        self.verbs: list[str] = []

    async def speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(INFO)
        while line := await reader.readline():
            verb = line.split(maxsplit=1)[0].decode() if line.strip() else ""
            if verb in ("SUB", "PUB", "HPUB"):
                self.verbs.append(verb)
            if verb == "PING":
                self.verbs.append(verb)
                writer.write(b"PONG\r\n")
        writer.close()


@pytest.fixture
async def peer():
    one = Peer()
    server = await asyncio.start_server(one.speak, "127.0.0.1", 0)
    one.url = f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield one
    server.close()


async def test_a_ping_is_answered_after_the_subscription_has_come(peer):
    bus = await Bus.connect(peer.url, "user", "password")

    async def hear(_received):
        pass

    await bus.subscribe("up.*.*", hear, queue="gateway")
    assert "PING" in peer.verbs[peer.verbs.index("SUB") :]
    await bus.send("up.c.d1", b"1")
    await bus.flush()
    assert "PING" in peer.verbs[peer.verbs.index("PUB") :]
    await bus.close()
