"""One WebSocket on picows: whole text messages pass both ways, until it is closed with a reason.

picows parses frames in C; what it leaves to its user is here: fragments, sizes of whole messages, binary frames, clients that do
not read.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol, cast

import structlog
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

log = structlog.get_logger("dure.websocket")

CLOSE_GRACE_S = 2.0
TEXT = WSMsgType.TEXT  # looked up once: an enumeration's attribute is dear on the way of every message
PROTOCOL_ERROR, UNSUPPORTED_DATA, MESSAGE_TOO_BIG = 1002, 1003, 1009  # RFC 6455, 7.4.1


class Peer(NamedTuple):
    """Who is at the door. `certificate` is its client certificate (DER), verified, or None."""

    address: str
    secure: bool
    certificate: bytes | None


class Request(NamedTuple):
    """What a client asks for in its opening handshake; header names in any case of letters."""

    path: str
    headers: Mapping[str, str]
    protocols: tuple[str, ...]
    peer: Peer


class Refused(NamedTuple):
    """The HTTP answer to who may not enter."""

    status: int
    why: str
    headers: tuple[tuple[str, str], ...] = ()


class Conversation(Protocol):
    """One who talks with a client, from its entry to its end."""

    def opened(self, socket: Socket) -> None:
        """The client is in."""
        ...

    def heard(self, message: bytes) -> None:
        """A whole text message came."""
        ...

    def closed(self, why: str) -> None:
        """The client is gone."""
        ...


class Entered(NamedTuple):
    """Who may enter: the subprotocol chosen (empty: none fits), and who talks with it."""

    protocol: str
    conversation: Conversation


Judge = Callable[[Request], Refused | Entered]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server bears.

    Attributes
    ----------
    message_bytes : longest text message, fragments together; longer closes with 1009
    per_address : connections of one address at a time
    ping_s : a client is pinged this often; one that has sent nothing at all by the next time is given up
    write_bytes : what may wait to be sent to a client that does not read; more aborts
    """

    message_bytes: int = 65_536
    per_address: int = 2_000
    ping_s: float = 60.0
    write_bytes: int = 1_048_576


class Inbox:
    """Whole messages of all clients, handed on together when the loop has read what there was to read.

    Reading from sockets and making something of what came are much code each. In turns for every message they drive each other
    out of the processor's caches: a TransactionEvent then costs a central system a fifteenth more.
    """

    def __init__(self) -> None:
        self._came: deque[tuple[Conversation, bytes]] = deque()

    def put(self, conversation: Conversation, message: bytes) -> None:
        """A whole message came."""
        if not self._came:
            asyncio.get_running_loop().call_soon(self.hand_on)
        self._came.append((conversation, message))

    def hand_on(self) -> None:
        """Tell the conversations what came, in its order."""
        while self._came:
            conversation, message = self._came.popleft()
            try:
                conversation.heard(message)
            except Exception:  # a defect with one message must not lose those of others
                log.exception("websocket.not_heard")


class Socket(WSListener):
    """One client that entered."""

    __slots__ = ("_conversation", "_inbox", "_limits", "_parts", "_size", "_slow", "_sockets", "_transport", "pinged", "why")

    def __init__(self, conversation: Conversation, limits: Limits, sockets: set[Socket], inbox: Inbox) -> None:
        self._conversation = conversation
        self._inbox = inbox
        self._limits = limits
        self._sockets = sockets
        self._transport: WSTransport | None = None
        self._parts: list[bytes] | None = None
        self._size = 0
        self._slow = False
        self.pinged = False
        self.why = ""

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is done."""
        self._transport = transport
        self._sockets.add(self)
        self._conversation.opened(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """A frame came; whole text messages go on."""
        self.pinged = False
        kind = frame.msg_type
        if kind == TEXT and frame.fin and self._parts is None and not (frame.rsv1 or frame.rsv2 or frame.rsv3):
            self._inbox.put(self._conversation, frame.get_payload_as_bytes())
        elif kind == WSMsgType.CLOSE:
            self.why = self.why or f"closed by the client {frame.get_close_reason()}".strip()
            if not transport.is_close_frame_sent:
                transport.send_close(WSCloseCode.OK)
            transport.disconnect()
        elif kind == WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif kind != WSMsgType.PONG:
            self._take_part(frame)

    def _take_part(self, frame: WSFrame) -> None:
        kind = frame.msg_type
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            self.close(PROTOCOL_ERROR, "reserved bits are set")
        elif kind == WSMsgType.BINARY:
            self.close(UNSUPPORTED_DATA, "only text is understood")
        elif (kind == WSMsgType.CONTINUATION) == (self._parts is None):
            self.close(PROTOCOL_ERROR, "fragments are out of order")
        else:
            self._keep_part(frame)

    def _keep_part(self, frame: WSFrame) -> None:
        parts = self._parts = self._parts or []
        parts.append(frame.get_payload_as_bytes())
        self._size += len(parts[-1])
        if self._size > self._limits.message_bytes:
            self.close(MESSAGE_TOO_BIG, f"more than {self._limits.message_bytes} bytes")
        elif frame.fin:
            self._parts, self._size = None, 0
            self._inbox.put(self._conversation, b"".join(parts))

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The connection is over."""
        self._sockets.discard(self)
        self._inbox.hand_on()  # what it said before is heard before
        conversation, self._conversation = self._conversation, _NOBODY
        handshake = transport.close_handshake
        sent = handshake.sent if handshake else None
        conversation.closed(self.why or (f"closed: {sent.reason}" if sent else "connection lost"))

    def send(self, message: bytes) -> None:
        """Send a text message; a client that does not read what it is sent is given up."""
        transport = self._transport
        if transport is not None:  # picows drops it when the connection is closing
            transport.send(TEXT, message)
            if self._slow and self._waiting_bytes() > self._limits.write_bytes:
                self.why = self.why or "it did not read what it was sent"
                transport.disconnect(graceful=False)

    def ping(self) -> None:
        """Ask for a sign of life."""
        if self._transport is not None and not self._transport.is_disconnected:
            self.pinged = True
            self._transport.send_ping()

    def pause_writing(self) -> None:
        """The client reads slower than it is sent to: what waits is kept up to a limit."""
        self._slow = True

    def resume_writing(self) -> None:
        """The client reads again."""
        self._slow = False

    def _waiting_bytes(self) -> int:
        return 0 if self._transport is None else int(self._transport.underlying_transport.get_write_buffer_size())

    def hold_reading(self) -> None:
        """Read no more from this client until `go_on_reading`."""
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.underlying_transport.pause_reading()

    def go_on_reading(self) -> None:
        """Read again."""
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.underlying_transport.resume_reading()

    def give_up(self, why: str) -> None:
        """Cut the connection."""
        self.why = self.why or why
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    def close(self, code: int, why: str) -> None:
        """Say good-bye with a reason; who does not answer is cut off."""
        self.why = self.why or why
        transport = self._transport
        if transport is None or transport.is_disconnected or transport.is_close_frame_sent:
            return
        transport.send_close(cast("WSCloseCode", code), why.encode()[:120])  # the C function takes any number
        asyncio.get_running_loop().call_later(CLOSE_GRACE_S, transport.disconnect, False)  # noqa: FBT003  # not graceful


class _Nobody:
    def opened(self, socket: Socket) -> None: ...

    def heard(self, message: bytes) -> None: ...

    def closed(self, why: str) -> None: ...


_NOBODY = _Nobody()
