"""The socket of a virtual charger against a plain `websockets` server: sign-in, order, repetition, reconnection."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json

import pytest
from charging_site_made import MINUTE_US, NOON_US, charger, visit
from websockets.asyncio.server import serve

from dure.core.time import from_us
from dure.services.charging.simulating.charger_link import ChargerLink

DEADLINE_S = 20


class Standing:
    """A clock that is set."""

    at_us = NOON_US

    def now(self):
        return from_us(self.at_us)


class Central:
    """Answers what the standard says; `mute` actions get no answer but a broken line, `wrong` ones a CALLERROR."""

    def __init__(self):
        self.heard, self.headers, self.mute, self.wrong, self.boots = [], [], set(), {}, []
        self.socket = None

    async def __call__(self, socket):
        self.socket = socket
        self.headers.append((socket.request.path, dict(socket.request.headers), socket.subprotocol))
        with contextlib.suppress(Exception):
            async for raw in socket:
                kind, message_id, *rest = json.loads(raw)
                if kind == 2:
                    self.heard.append((message_id, *rest))
                    if rest[0] in self.mute:
                        self.mute.discard(rest[0])
                        socket.transport.abort()
                        return
                    await socket.send(json.dumps(self.answer(message_id, rest[0])))

    def answer(self, message_id, action):
        if self.wrong.get(action, 0):
            self.wrong[action] -= 1
            return [4, message_id, "InternalError", "not now", {}]
        if action == "BootNotification":
            status = self.boots.pop(0) if self.boots else "Accepted"
            return [3, message_id, {"status": status, "currentTime": "2026-06-15T03:00:00Z", "interval": 1}]
        token = {
            "Authorize": {"idTokenInfo": {"status": "Accepted"}},
            "TransactionEvent": {"idTokenInfo": {"status": "Accepted"}},
        }
        return [3, message_id, token.get(action, {})]

    def told(self, action):
        return [payload for _, name, payload in self.heard if name == action]

    def steps(self):
        return [(payload["eventType"], payload["seqNo"]) for payload in self.told("TransactionEvent")]


@contextlib.asynccontextmanager
async def linked(central, one, **more):
    """A charger on its line; the line and its clock."""
    clock = Standing()
    async with serve(central, "127.0.0.1", 0, subprotocols=["ocpp2.0.1"], close_timeout=1) as server:
        port = server.sockets[0].getsockname()[1]
        link = ChargerLink(one, f"ws://127.0.0.1:{port}/ocpp", "s3cret", clock, **more)
        task = asyncio.create_task(link.run())
        try:
            yield link, clock
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def until(ask):
    async with asyncio.timeout(DEADLINE_S):
        while not (found := ask()):  # noqa: ASYNC110  # what is waited for is seen from outside
            await asyncio.sleep(0.01)
        return found


def play(one, clock, minutes, link):
    for _ in range(minutes):
        one.flow(clock.at_us, MINUTE_US)
        clock.at_us += MINUTE_US
        one.look(clock.at_us)
    link.pump()


async def test_a_charger_signs_in_as_itself_with_its_version_and_boots_first():
    central = Central()
    async with linked(central, charger()):
        await until(lambda: len(central.told("StatusNotification")) == 2)
    path, headers, spoken = central.headers[0]
    assert (path, spoken) == ("/ocpp/dev-ch-1", "ocpp2.0.1")
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")) == b"dev-ch-1:s3cret"
    assert central.heard[0][1] == "BootNotification"


async def test_a_charger_that_is_not_taken_yet_boots_again_when_it_may():
    central = Central()
    central.boots = ["Pending"]
    async with linked(central, charger()):
        await until(lambda: len(central.told("BootNotification")) == 2)
        await until(lambda: central.told("StatusNotification"))


@pytest.mark.parametrize("lost", ["Authorize", "TransactionEvent"])
async def test_what_was_not_answered_before_the_line_broke_is_said_again_with_the_same_number(lost):
    central, one = Central(), charger()
    async with linked(central, one) as (link, clock):
        await until(lambda: one.online)
        one.plug(1, visit(minutes=30), clock.at_us)
        central.mute = {lost}
        play(one, clock, 2, link)
        await until(lambda: len(central.told("BootNotification")) == 2)
        await until(lambda: one.online)
        play(one, clock, 1, link)  # a card that got no answer is held to the reader again
        await until(lambda: one.state.evses[1].tx)
        play(one, clock, 40, link)
        await until(lambda: central.steps() and central.steps()[-1][0] == "Ended")
    numbers = [number for _, number in central.steps()]
    assert sorted(set(numbers)) == list(range(max(numbers) + 1))  # none is missing
    assert len(numbers) - len(set(numbers)) == (lost == "TransactionEvent")  # the lost one came twice
    ids = [message_id for message_id, action, _ in central.heard if action == "TransactionEvent"]
    assert len(set(ids)) == len(set(numbers))


async def test_what_the_central_system_could_not_take_is_tried_again_and_the_rest_waits_in_order():
    central, one = Central(), charger()
    central.wrong = {"TransactionEvent": 2}
    async with linked(central, one) as (link, clock):
        await until(lambda: one.online)
        one.plug(1, visit(minutes=3), clock.at_us)
        play(one, clock, 1, link)
        await until(lambda: central.told("TransactionEvent"))
        play(one, clock, 10, link)
        await until(lambda: central.steps()[-1][0] == "Ended")
    assert central.steps()[:3] == [("Started", 0)] * 3
    assert [number for _, number in central.steps()[2:]] == list(range(len(central.steps()) - 2))


async def test_the_central_system_is_answered_and_what_follows_is_said_after_the_answer():
    central, one = Central(), charger()
    kept = []
    async with linked(central, one, keep=lambda: kept.append(len(one.state.queue))) as (_, clock):
        await until(lambda: len(central.told("StatusNotification")) == 2)
        one.plug(1, visit(card=-1), clock.at_us)
        await central.socket.send(
            json.dumps(
                [
                    2,
                    "q1",
                    "RequestStartTransaction",
                    {"remoteStartId": 4, "evseId": 1, "idToken": {"idToken": "G", "type": "Central"}},
                ]
            )
        )
        await until(lambda: central.told("TransactionEvent"))
        await central.socket.send(json.dumps([2, "q2", "Nonsense", {}]))
        await central.socket.send(json.dumps([2, "q3", "SetVariables", {"setVariableData": "wrong"}]))
        await until(lambda: one.state.evses[1].tx)
    assert central.told("TransactionEvent")[0]["transactionInfo"]["remoteStartId"] == 4
    assert any(kept)  # it was written down before it was said


async def test_a_reset_comes_back_with_another_boot():
    central, one = Central(), charger()
    async with linked(central, one) as (_, _clock):
        await until(lambda: len(central.told("StatusNotification")) == 2)
        await central.socket.send(json.dumps([2, "q1", "Reset", {"type": "Immediate"}]))
        await until(lambda: len(central.told("BootNotification")) == 2)
