"""What clients say is handed on in its order, whoever fails, and before it is told that they are gone."""

from __future__ import annotations

import asyncio

from picows import WSListener, WSMsgType, ws_connect

from dure.engines.websocket.listening import Server
from dure.engines.websocket.socket import Entered, Inbox


class Talk:
    def __init__(self, told):
        self.told = told

    def opened(self, socket):  # noqa: ARG002  # the protocol names it
        self.told.append("opened")

    def heard(self, message):
        if message == b"bad":
            raise RuntimeError("a defect")
        self.told.append(message.decode())

    def closed(self, why):  # noqa: ARG002  # the same
        self.told.append("closed")


async def test_messages_of_a_turn_are_heard_in_their_order_after_it():
    told = []
    inbox, one, other = Inbox(), Talk(told), Talk(told)
    inbox.put(one, b"1")
    inbox.put(other, b"2")
    inbox.put(one, b"3")
    assert told == []
    await asyncio.sleep(0)
    assert told == ["1", "2", "3"]
    inbox.put(other, b"4")
    await asyncio.sleep(0)
    assert told == ["1", "2", "3", "4"]


async def test_a_defect_with_one_message_loses_no_other(capsys):
    told = []
    inbox = Inbox()
    for said in (b"1", b"bad", b"2"):
        inbox.put(Talk(told), said)
    await asyncio.sleep(0)
    assert told == ["1", "2"]
    shown = capsys.readouterr()
    assert "websocket.not_heard" in shown.out + shown.err


async def test_one_who_hands_on_in_the_midst_of_it_keeps_the_order():
    told = []
    inbox = Inbox()

    class Hasty(Talk):
        def heard(self, message):
            super().heard(message)
            inbox.hand_on()  # as when its connection ends now

    for n in range(5):
        inbox.put(Hasty(told), str(n).encode())
    await asyncio.sleep(0)
    assert told == ["0", "1", "2", "3", "4"]


async def test_what_a_client_said_last_is_heard_before_it_is_gone():
    told = []
    server = Server(lambda _: Entered("", Talk(told)))
    port = await server.listen("127.0.0.1", 0)
    for _ in range(20):
        told.clear()
        transport, _listener = await ws_connect(WSListener, f"ws://127.0.0.1:{port}/")
        for n in range(50):
            transport.send(WSMsgType.TEXT, str(n).encode())
        transport.send_close()
        for _ in range(500):
            if "closed" in told:
                break
            await asyncio.sleep(0.002)
        assert told == ["opened", *map(str, range(50)), "closed"]
        transport.disconnect()
    await server.close()
