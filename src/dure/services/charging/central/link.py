"""One connected station: what it asks is answered in the order it came; it is asked one thing at a time.

The two directions do not wait for each other. An answer leaves when what the station said is on the disk; one that keeps nothing
leaves at once, unless an earlier one still waits.
"""

from __future__ import annotations

import asyncio
import itertools
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from dure.core.errors import InputError, Unavailable
from dure.protocols.ocpp import frames, schemas
from dure.protocols.ocpp.errors import CallError
from dure.protocols.ocpp.frames import Broken, Call, Fault, Result
from dure.services.charging.central.clock_guard import ClockGuard
from dure.services.charging.central.port import Answer, Heard

if TYPE_CHECKING:
    from dure.engines.websocket.socket import Socket
    from dure.services.charging.central.desk import Desk
    from dure.services.charging.central.words import Word
    from dure.services.charging.model import Charger, Version

log = structlog.get_logger("dure.charging.central")

UNANSWERED_MAX = 64  # answers that wait for the disk before the station is read no further
QUEUE_MAX = 100  # questions that wait for their turn
BAD_MAX = 50  # messages in a row that are no frames: who sends them is no station
POLICY, NO_UTF8 = 1008, 1007


class Link:
    """A conversation with one station (see `dure.engines.websocket.socket.Conversation`)."""

    __slots__ = (
        "_asked", "_bad_n", "_clock", "_desk", "_held", "_last", "_numbers", "_socket", "_turn", "_unanswered_n", "_waiting_n",
        "certificate", "charger", "version",
    )  # fmt: skip

    def __init__(self, desk: Desk, charger: Charger, version: Version, certificate: str = "") -> None:
        self.charger = charger
        self.certificate = certificate
        self.version: Version = version
        self._desk = desk
        self._socket: Socket | None = None
        self._asked: tuple[str, asyncio.Future[Result | Fault]] | None = None
        self._turn: asyncio.Lock | None = None
        self._numbers = itertools.count(1)
        self._waiting_n = 0
        self._unanswered_n = 0
        self._held = False
        self._bad_n = 0
        self._last: tuple[str, bytes, bytes] | None = None  # the last question's id, its bytes, and our answer
        self._clock = ClockGuard()

    def opened(self, socket: Socket) -> None:
        """The station is in."""
        self._socket = socket
        self._desk.linked(self)

    def closed(self, why: str) -> None:
        """The station is gone; who waits for its answer is told."""
        self._socket = None
        if self._asked is not None and not self._asked[1].done():
            self._asked[1].set_exception(_offline(self.charger.identity))
        self._desk.unlinked(self, why)

    def close(self, code: int, why: str) -> None:
        """End the conversation."""
        if self._socket is not None:
            self._socket.close(code, why)

    def heard(self, message: bytes) -> None:
        """A message came."""
        now_us = self._desk.now_us()
        self._desk.log.note(self.charger.identity, now_us, message, out=False)
        found = frames.read(message, self.version)
        if type(found) is Call:
            self._bad_n = 0
            self._heard_call(found, message, now_us)
        elif type(found) is Broken:
            self._heard_broken(found, message)
        elif isinstance(found, Result | Fault):
            self._heard_answer(found)

    def _heard_call(self, asked: Call, message: bytes, now_us: int) -> None:
        last = self._last
        if last is not None and last[0] == asked.id and not asked.sent:
            if last[1] == message:
                if last[2]:  # the same question again: the same answer, and nothing is done twice
                    self._reply(last[2], now_us)
                return
            fault = CallError(
                "RpcFrameworkError" if self.version != "ocpp1.6" else "GenericError", "This message id was used before."
            )
            self._answer_after("", frames.error(asked.id, fault), ())
            return
        answer, reply = self._answered(asked, now_us)
        drift = self._clock.drifted(asked.action, asked.payload, now_us)
        words = answer.words if drift is None else (*answer.words, self._desk.drifted(self.charger, drift, now_us))
        if asked.sent:
            self._desk.journal.keep(words)
            return
        # What failed on our side may be said again under its id, and is then tried again.
        self._last = None if answer is _UNDONE else (asked.id, message, b"")
        self._answer_after(asked.id, reply, words)

    def _answered(self, asked: Call, now_us: int) -> tuple[Answer, bytes]:
        """What is kept, and what the station gets."""
        if self._desk.journal.choked:
            return _UNDONE, frames.error(asked.id, _CHOKED)
        try:
            schemas.check_asked(self.version, asked.action, asked.payload, sent=asked.sent)
            answer = self._desk.answering.answer(Heard(self.charger, self.version, asked.action, asked.payload, now_us, asked.id))
        except CallError as fault:
            return _NOTHING, frames.error(asked.id, fault)
        except Exception as error:  # noqa: BLE001  # a defect of one message must not end a station's conversation
            _tell_defect(self.charger.id, asked.action, error)
            return _UNDONE, frames.error(asked.id, _FAILED)
        try:
            schemas.check_answer(self.version, asked.action, answer.payload)
        except CallError as fault:  # our fault: what the station said is kept all the same
            log.error("station.wrong_answer", charger=self.charger.id, action=asked.action, why=str(fault))  # noqa: TRY400
            return answer, frames.error(asked.id, _FAILED)
        return answer, frames.result(asked.id, answer.payload)

    def _answer_after(self, asked_id: str, reply: bytes, words: tuple[Word, ...]) -> None:
        if not words and not self._unanswered_n:
            self._answer_now(asked_id, reply, self._desk.now_us())
            return
        self._unanswered_n += 1
        if self._unanswered_n >= UNANSWERED_MAX and not self._held and self._socket is not None:
            self._held = True
            self._socket.hold_reading()
        self._desk.journal.keep(words, partial(self._kept, asked_id, reply))

    def _kept(self, asked_id: str, reply: bytes, now_us: int) -> None:
        self._unanswered_n -= 1
        self._answer_now(asked_id, reply, now_us)
        if self._held and self._unanswered_n <= UNANSWERED_MAX // 2:
            self._held = False
            if self._socket is not None:
                self._socket.go_on_reading()

    def _answer_now(self, asked_id: str, reply: bytes, now_us: int) -> None:
        last = self._last
        if last is not None and last[0] == asked_id:
            self._last = (last[0], last[1], reply)
        self._reply(reply, now_us)

    def _reply(self, reply: bytes, now_us: int) -> None:
        if self._socket is not None:
            self._desk.log.note(self.charger.identity, now_us, reply, out=True)
            self._socket.send(reply)

    def _heard_broken(self, found: Broken, message: bytes) -> None:
        self._bad_n += 1
        try:
            message.decode()
        except UnicodeDecodeError:
            self.close(NO_UTF8, "a text message is no UTF-8")  # RFC 6455, 8.1
            return
        if self._bad_n > BAD_MAX:
            self.close(POLICY, "too many messages that are no OCPP")
        elif found.code is not None:
            self._answer_after("", frames.error(found.id, CallError(found.code, found.why)), ())

    def _heard_answer(self, found: Result | Fault) -> None:
        asked = self._asked
        if asked is None or asked[0] != found.id or asked[1].done():
            return  # nobody waits for it (any more)
        asked[1].set_result(found)

    async def ask(self, action: str, payload: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """The station's answer (see `port.Calling`)."""
        try:
            schemas.check_asking(self.version, action, payload)
        except CallError as fault:
            raise InputError("ocpp.payload", f"{action} cannot be asked so: {fault}") from None
        if self._waiting_n >= QUEUE_MAX:
            raise Unavailable("station.busy", f"{self._waiting_n} questions wait for {self.charger.identity} already.")
        if self._turn is None:
            self._turn = asyncio.Lock()
        self._waiting_n += 1
        try:
            async with asyncio.timeout(timeout_s), self._turn:
                return await self._ask_now(action, payload)
        except TimeoutError:
            raise Unavailable("station.silent", f"{self.charger.identity} did not answer {action} in {timeout_s:g} s.") from None
        finally:
            self._waiting_n -= 1

    async def _ask_now(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        if self._socket is None:
            raise _offline(self.charger.identity)
        message_id = f"{self._desk.prefix}-{next(self._numbers)}"
        future: asyncio.Future[Result | Fault] = asyncio.get_running_loop().create_future()
        self._asked = (message_id, future)
        try:
            self._reply(frames.call(message_id, action, payload), self._desk.now_us())
            found = await future
        finally:
            self._asked = None
        if isinstance(found, Fault):
            raise InputError(
                "station.refused",
                f"{self.charger.identity} answered {action} with {found.code}: {found.description}"[:300],
                error=found.code,
                description=found.description[:255],
            )
        return self._checked(action, message_id, found)

    def _checked(self, action: str, message_id: str, found: Result) -> dict[str, Any]:
        try:
            schemas.check_answer(self.version, action, found.payload)
        except CallError as fault:
            if self.version == "ocpp2.1":
                self._reply(frames.result_error(message_id, fault), self._desk.now_us())
            raise InputError(
                "station.answer", f"The answer of {self.charger.identity} to {action} is not valid: {fault}"
            ) from None
        return found.payload


_NOTHING, _UNDONE = Answer({}), Answer({})
_CHOKED = CallError("InternalError", "What was said before is not kept yet. Say this again later.")
_FAILED = CallError("InternalError", "The central system failed at this message.")


def _tell_defect(charger: str, action: str, error: Exception) -> None:
    """Where it was, and not what: a whole traceback shows values, and one of them may be a card's number."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{last.filename.rpartition('dure/')[2]}:{last.lineno}"
    log.error("station.not_answered", charger=charger, action=action, error=type(error).__name__, where=where)


def _offline(identity: str) -> Unavailable:
    return Unavailable("station.offline", f"The charger {identity} is not connected.")
