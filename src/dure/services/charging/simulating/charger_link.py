"""The socket of a virtual charger: OCPP-J over WebSocket as a client, one CALL in flight, a queue that survives, reconnection.

Before it knows whether a kept message arrived it says it again, as a real charger does: the central system must not count twice.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import structlog
from picows import WSCloseCode, WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from dure.core.errors import InputError
from dure.core.time import Clock, to_us
from dure.protocols.ocpp.errors import CallError
from dure.services.charging.simulating.charger_state import Said
from dure.services.charging.simulating.speech_16 import numbered
from dure.services.charging.simulating.virtual_charger import VirtualCharger
from dure.services.charging.simulating.virtual_drivers import chance

log = structlog.get_logger("dure.simulator")

CALL, RESULT, ERROR, RESULT_ERROR, SEND = 2, 3, 4, 5, 6
ANSWER_S = 30.0
RETRY_S = (0.5, 30.0)
TRIES = 3
FLAPS_S = 20.0
BOOT_RETRY_S = (1.0, 60.0)
FRAME_MAX = 65_536


class ChargerLink:
    """Connects a charger to the central system at ``url/IDENTITY`` until cancelled."""

    def __init__(  # who, where, by which time, and who keeps what it remembers
        self,
        charger: VirtualCharger,
        url: str,
        password: str,
        clock: Clock,
        keep: Callable[[], None] = lambda: None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.charger, self._clock, self._keep, self._tls = charger, clock, keep, tls
        self._url = f"{url.rstrip('/')}/{charger.charger.identity}"
        basic = base64.b64encode(f"{charger.charger.identity}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {basic}", "Sec-WebSocket-Protocol": charger.version}
        self._transport: WSTransport | None = None
        self._waiting: Said | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._booted = False
        self.is_cut = False  # a test or a fault holds the line open-circuit
        self.refused = ""

    def _now_us(self) -> int:
        return to_us(self._clock.now())

    async def run(self) -> None:
        """Connect, and again with growing pauses whenever the connection ends."""
        fails = 0
        while True:
            lasted = await self._once()
            fails = 0 if lasted else fails + 1
            pause_s = min(RETRY_S[0] * 2**fails, RETRY_S[1])
            await asyncio.sleep(pause_s * (0.5 + chance(self.charger.seed, self.charger.charger.identity, fails)))

    async def _once(self) -> bool:
        """One connection to its end; whether it was accepted."""
        if self.is_cut:
            return False
        try:
            transport, _ = await ws_connect(
                lambda: _Listener(self),
                self._url,
                ssl_context=self._tls,
                extra_headers=self._headers,
                max_frame_size=FRAME_MAX,
                max_redirects=0,
            )
        except (OSError, WSError, TimeoutError) as error:
            if str(error) != self.refused:
                log.info("simulator.charger_refused", charger=self.charger.charger.id, why=str(error)[:200])
                self.refused = str(error)
            return False
        self.refused = ""
        try:
            if self.charger.fault == "flapping":
                asyncio.get_running_loop().call_later(FLAPS_S, transport.disconnect)
            await transport.wait_disconnected()
        finally:
            was, self._booted, self._transport = self._booted, False, None
            self._settled()
            self.charger.disconnected()
            transport.disconnect()
        return was

    @property
    def is_idle(self) -> bool:
        """Connected, nothing to say and no answer awaited."""
        return self._booted and self._waiting is None and not self.charger.state.queue

    # What the listener tells

    def opened(self, transport: WSTransport) -> None:
        """The socket is open: the first message is BootNotification."""
        self._transport = transport
        self.charger.state.boots += 1
        self._send_call(self.charger.speech.boot())

    def heard(self, raw: bytes) -> None:
        """One frame of the central system."""
        try:
            frame = msgspec.json.decode(raw, type=list[Any])
            kind, message_id = frame[0], str(frame[1])
        except (msgspec.DecodeError, IndexError):
            return
        if kind == CALL:
            self._answer(message_id, str(frame[2]), frame[3])
        elif self._waiting is None or self._waiting.id != message_id:
            return
        elif kind == RESULT:
            self._answered(self._waiting, frame[2])
        elif kind == ERROR:
            self._refused(self._waiting, str(frame[2]), str(frame[3]))

    def _answer(self, message_id: str, action: str, payload: Any) -> None:
        try:
            answer = self.charger.speech.asked(action, payload, self._now_us())
            frame = [RESULT, message_id, answer]
        except CallError as error:
            frame = [ERROR, message_id, error.code, error.description, error.details]
        except (InputError, KeyError, TypeError, ValueError, AttributeError) as error:
            frame = [ERROR, message_id, "InternalError", type(error).__name__, {}]
        self._keep()
        self._send(frame)
        self.pump()

    def _answered(self, said: Said, answer: Mapping[str, Any]) -> None:
        self._settled()
        if said.action == "BootNotification" and not self._booted:
            self._accepted(answer)
            return
        self._forget(said)
        before = len(self.charger.state.queue)
        self.charger.speech.answered(said, dict(answer), self._now_us())
        if len(self.charger.state.queue) != before:  # else nothing is lost that is not said again
            self._keep()
        self.pump()

    def _accepted(self, answer: Mapping[str, Any]) -> None:
        """Go on when the central system took it, else boot again when it says."""
        if answer["status"] == "Accepted":
            if answer.get("interval"):
                self.charger.state.variables["HeartbeatInterval"] = str(answer["interval"])
            self._booted = True
            self.charger.connected(self._now_us())
            self._keep()
            self.pump()
            return
        again_s = min(max(float(answer.get("interval") or 0), BOOT_RETRY_S[0]), BOOT_RETRY_S[1])
        self._timer = asyncio.get_running_loop().call_later(again_s, lambda: self._send_call(self.charger.speech.boot()))

    def _refused(self, said: Said, code: str, why: str) -> None:
        """A CALLERROR: what must not be lost is tried again, then given up."""
        self._settled()
        said.tries += 1
        if said.kept and said.tries < TRIES:
            self._timer = asyncio.get_running_loop().call_later(said.tries * RETRY_S[0], self.pump)
            return
        log.warning("simulator.charger_error", charger=self.charger.charger.id, action=said.action, code=code, why=why[:200])
        self._forget(said)
        self.pump()

    # Sending

    def pump(self) -> None:
        """Send what is next in the queue, unless an answer is awaited."""
        if self._transport is None or not self._booted or self._waiting is not None:
            return
        queue = self.charger.state.queue
        if queue:
            self._send_call(queue[0])
        elif self.charger.resets:
            self.charger.resets = 0
            self.cut(WSCloseCode.GOING_AWAY)

    def cut(self, code: WSCloseCode = WSCloseCode.OK) -> None:
        """End the connection; `run` comes back by itself."""
        if self._transport is not None:
            self._transport.send_close(code)
            self._transport.disconnect()

    def break_off(self) -> None:
        """The line breaks without a word."""
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    def _send_call(self, said: Said) -> None:
        self._waiting = said
        self._timer = asyncio.get_running_loop().call_later(ANSWER_S, self.break_off)
        self._send([CALL, said.id, said.action, numbered(self.charger, said)])

    def _send(self, frame: list[Any]) -> None:
        if self._transport is not None:
            self._transport.send(WSMsgType.TEXT, msgspec.json.encode(frame))

    def _settled(self) -> None:
        """No answer is awaited any more."""
        self._waiting = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _forget(self, said: Said) -> None:
        self.charger.state.queue = [one for one in self.charger.state.queue if one is not said]


class _Listener(WSListener):
    """Hands what the socket hears to its link; joins frames that came in parts."""

    def __init__(self, link: ChargerLink) -> None:
        self._link, self._parts = link, bytearray()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._link.opened(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:  # picows' signature
        if frame.msg_type in (WSMsgType.TEXT, WSMsgType.CONTINUATION):
            self._parts += frame.get_payload_as_memoryview()
            if frame.fin:
                whole, self._parts = bytes(self._parts), bytearray()
                self._link.heard(whole)
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
