"""A WebSocket server on picows: who may enter is asked once per connection; pings; limits per address; TLS.

Its own protocol factory instead of `picows.ws_create_server`: who judges at the door must see the peer's address and certificate.
One task pings all clients in turn, where picows' own pings cost a task for each.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiofastnet
import structlog
from picows import WSAutoPingStrategy, WSUpgradeRequest, WSUpgradeResponse, WSUpgradeResponseWithListener
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # its stub leaves it out

from dure.core.errors import ConfigError
from dure.engines.websocket.socket import Entered, Inbox, Judge, Limits, Peer, Refused, Request, Socket

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = structlog.get_logger("dure.websocket")

BACKLOG = 4_096  # asyncio's 100 makes a rush of clients wait a second for their SYN to be sent again
HANDSHAKE_S = 10.0
READ_BUFFER_BYTES = 2_048  # grows with what comes
TURNS = 16  # clients are pinged in this many parts, so that they are not all pinged at once
# The suites OCPP asks of a central system (2.0.1 part 2, A00.FR.318 and 319), and TLS 1.3's own.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:AES128-GCM-SHA256:AES256-GCM-SHA384"

_quiet = logging.getLogger("dure.websocket.frames")
_quiet.setLevel(logging.CRITICAL)  # what clients do wrong is told by who owns the conversation, not once more by the parser
_LOGGER = logging.LoggerAdapter(_quiet, {})  # an adapter: picows copies a Logger for every connection


def tls_context(certificate: Path, key: Path, client_ca: Path | None = None, client_ca_pem: str = "") -> ssl.SSLContext:
    """TLS 1.2 or newer without compression; client certificates of these authorities are asked for, and judged at the door."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_ciphers(CIPHERS)
    try:
        context.load_cert_chain(certificate, key)
        if client_ca is not None:
            context.load_verify_locations(client_ca)
        if client_ca_pem:
            context.load_verify_locations(cadata=client_ca_pem)
        if client_ca is not None or client_ca_pem:
            context.verify_mode = ssl.CERT_OPTIONAL
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            "websocket.certificate", f"The certificate, its key or the client CA cannot be used: {error}"
        ) from error
    return context


# What picows' class takes by place: host, path, whether we are the client; then whether an exception of ours disconnects, how
# long a handshake may take, no pings of its own (which cost a task each), and that it answers pings itself.
_SERVER_SIDE = (None, None, False)
_HANDSHAKE = (True, HANDSHAKE_S, False, 20.0, 20.0, WSAutoPingStrategy.PING_WHEN_IDLE, True)


class _Connection(WSProtocol):  # type: ignore[misc]  # a C class without stub
    """One connection, counted by its address from the first byte on."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._address = ""
        super().__init__(*_SERVER_SIDE, self._enter, _LOGGER, *_HANDSHAKE, server.limits.message_bytes, None, READ_BUFFER_BYTES)

    def connection_made(self, transport: Any) -> None:
        """Count it; over the limit of its address it is closed before it says a word."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if peer else ""
        if not self._server.counted(self._address):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it out."""
        self._server.gone(self._address)
        super().connection_lost(exc)

    def _enter(self, asked: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        return self._server.enter(asked, self._peer())

    def _peer(self) -> Peer:
        below = self.transport.underlying_transport
        found = below.get_extra_info("ssl_object")
        certificate = found.getpeercert(binary_form=True) if found is not None else None
        return Peer(self._address, found is not None, certificate)


class Server:
    """Listens at one or two ports (plain and TLS) for one judge."""

    def __init__(self, judge: Judge, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.sockets: set[Socket] = set()
        self._judge = judge
        self._inbox = Inbox()
        self._by_address: Counter[str] = Counter()
        self._servers: list[Any] = []
        self._pinging: asyncio.Task[None] | None = None

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Begin to listen; the port."""
        loop = asyncio.get_running_loop()
        try:
            server = await aiofastnet.create_server(
                loop, lambda: _Connection(self), host, port, backlog=BACKLOG, ssl=tls, reuse_address=True
            )
        except OSError as error:
            raise ConfigError("websocket.port_taken", f"Nothing can listen on {host}:{port}: {error.strerror}.") from error
        self._servers.append(server)
        if self._pinging is None:
            self._pinging = asyncio.create_task(self._ping_in_turn(), name="websocket pings")
        return int(server.sockets[0].getsockname()[1])

    def counted(self, address: str) -> bool:
        """Count a new connection of an address; False when it has too many."""
        self._by_address[address] += 1
        return self._by_address[address] <= self.limits.per_address

    def gone(self, address: str) -> None:
        """Count a connection out."""
        self._by_address[address] -= 1
        if self._by_address[address] <= 0:
            del self._by_address[address]

    def enter(self, asked: WSUpgradeRequest, peer: Peer) -> WSUpgradeResponseWithListener:
        """Ask the judge, and give the client its answer."""
        offered = ",".join(asked.headers.getall("Sec-WebSocket-Protocol", []))
        protocols = tuple(one for part in offered.split(",") if (one := part.strip()))
        path = asked.path.decode("ascii", "replace")
        found = self._judge(Request(path, asked.headers, protocols, peer))
        if isinstance(found, Refused):
            return WSUpgradeResponseWithListener(_refusal(found), None)
        return WSUpgradeResponseWithListener(
            _acceptance(found), Socket(found.conversation, self.limits, self.sockets, self._inbox)
        )

    async def _ping_in_turn(self) -> None:
        for turn in range(10**9):
            await asyncio.sleep(self.limits.ping_s / TURNS)
            for socket in self._of_turn(turn % TURNS):
                try:
                    if socket.pinged:
                        socket.give_up("it did not answer a ping")
                    else:
                        socket.ping()
                except Exception:  # a defect with one must not leave the others without pings
                    log.exception("websocket.ping_failed")

    def _of_turn(self, turn: int) -> Iterator[Socket]:
        return iter([one for one in self.sockets if (id(one) >> 6) % TURNS == turn])

    async def close(self, why: str = "the server is closing") -> None:
        """Stop listening and end every conversation."""
        for server in self._servers:
            server.close()
        if self._pinging is not None:
            self._pinging.cancel()
            await asyncio.gather(self._pinging, return_exceptions=True)
            self._pinging = None
        for socket in list(self.sockets):
            socket.close(1001, why)
        await asyncio.sleep(0)
        for socket in list(self.sockets):
            socket.give_up(why)
        for server in self._servers:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(server.wait_closed(), 1.0)
        self._servers.clear()


def _refusal(found: Refused) -> WSUpgradeResponse:
    answer: WSUpgradeResponse = WSUpgradeResponse.create_error_response(
        HTTPStatus(found.status), found.why.encode(), [*found.headers, ("Content-Type", "text/plain; charset=utf-8")]
    )
    return answer


def _acceptance(found: Entered) -> WSUpgradeResponse:
    chosen = {"Sec-WebSocket-Protocol": found.protocol} if found.protocol else {}
    answer: WSUpgradeResponse = WSUpgradeResponse.create_101_response(extra_headers=chosen)
    return answer
