"""The central system of one process: sockets, doors, links, journal, and the house's commands to stations."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from dure.core.errors import DureError, Unavailable
from dure.core.time import to_us
from dure.engines.identity.secrets import Secrets
from dure.engines.websocket.listening import Server
from dure.engines.websocket.socket import Entered, Limits, Refused, Request, Socket
from dure.protocols.ocpp import schemas
from dure.services.charging.central import doors, journal_records
from dure.services.charging.central.attempts import Attempts
from dure.services.charging.central.commands import Commands
from dure.services.charging.central.desk import Desk
from dure.services.charging.central.doors import Let, Turned
from dure.services.charging.central.journal import Journal
from dure.services.charging.central.kept_messages import KeptMessages
from dure.services.charging.central.link import Link
from dure.services.charging.central.listening import listen
from dure.services.charging.central.message_desk import serve_messages
from dure.services.charging.central.message_log import Shown, digest_of
from dure.services.charging.central.ongoing import ongoing
from dure.services.charging.central.register import Register
from dure.services.charging.central.turned_away import TurnedAway
from dure.services.charging.central.writer import writer_of
from dure.services.charging.model import VERSIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from dure.services.charging.central.port import Answering
    from dure.services.charging.model import Version
    from dure.spine.house import House

log = structlog.get_logger("dure.charging.central")

FOLDER = "csms"
NO_VERSION = 1002
FIRST_EXPIRY_S, DAY_S = 600.0, 86_400.0
EXPIRY_PAUSE_S = 0.2


class Central:
    """Stations connected to this process (see `port.Calling`). Made by `opened`."""

    def __init__(self, house: House, desk: Desk, register: Register, turned_away: TurnedAway) -> None:
        self.desk = desk
        self.register = register
        self.port = 0
        self.tls_port = 0
        self._house = house
        self._turned_away = turned_away
        self._attempts = Attempts()
        self.digest: Callable[[str], str] = digest_of(Secrets.load(house.settings.data).session_key.encode())
        register.on_change(self._end_revoked)
        register.on_change(self._keep_logs)

    def judge(self, asked: Request) -> Refused | Entered:
        """Whether a station may enter."""
        loop_s = asyncio.get_running_loop().time()
        identity = doors.identity_of(asked.path)
        known = self.register.find(identity)
        wait_s = self._attempts.wait_s(asked.peer.address, identity, loop_s)
        if wait_s:
            return Turned("station.attempts", identity, known and known.charger, asked.peer.address).refused(wait_s)
        found = doors.judged(asked, known, self._house.clock.now())
        if isinstance(found, Let):
            flapping_s = self.desk.flapping_s(identity)
            if not flapping_s:
                return self._let(found)
            found = Turned("station.flapping", identity, found.known.charger, asked.peer.address)
            return found.refused(flapping_s)
        self._attempts.refused(asked.peer.address, identity, loop_s)
        self._turned_away.keep(found, self.desk.now_us())
        if found.code in {"station.unknown", "station.credential"}:
            self.register.ask()
        return found.refused()

    def _let(self, found: Let) -> Entered:
        charger = found.known.charger
        if found.version is None:
            self._turned_away.keep(Turned("station.version", charger.identity, charger, ""), self.desk.now_us())
            return Entered("", _NoVersion())
        return Entered(found.version, Link(self.desk, charger, found.version, found.certificate))

    def _keep_logs(self) -> None:
        self.desk.log.kept = self.register.keeping_logs()

    def _end_revoked(self) -> None:
        """Who is not talked to any more: its device or certificate is revoked, its charger gone, or of another profile now."""
        for identity, link in list(self.desk.links.items()):
            known = self.register.find(identity)
            if known is None or known.credential.state == "revoked":
                link.close(1008, "this station is not registered any more")
            elif link.certificate in known.revoked:
                link.close(1008, "this station's certificate was revoked")
            elif known.charger.security_profile != link.charger.security_profile:
                link.close(1008, "this station must come with another security profile")
            else:
                link.charger = known.charger

    async def call(self, identity: str, action: str, payload: dict[str, Any], timeout_s: float = 30.0) -> dict[str, Any]:
        """A station's answer (see `port.Calling`)."""
        link = self.desk.links.get(identity)
        if link is None:
            raise Unavailable("station.offline", f"The charger {identity[:80]!r} is not connected.")
        return await link.ask(action, payload, timeout_s)

    def version_of(self, identity: str) -> Version | None:
        """What a connected station speaks."""
        link = self.desk.links.get(identity)
        return link.version if link else None

    def connected(self) -> dict[str, Version]:
        """Who is connected here, and what each speaks."""
        return {identity: link.version for identity, link in self.desk.links.items()}

    def messages(self, identity: str, limit: int = 200) -> list[Shown]:
        """The last messages of a station, newest first, without secrets."""
        return self.desk.log.shown(identity, self.digest, limit)


class _NoVersion:
    """OCPP-J: a station that offers no version of ours is let in without a subprotocol, and closed at once."""

    def opened(self, socket: Socket) -> None:
        socket.close(NO_VERSION, "none of the offered versions of OCPP is spoken here")

    def heard(self, message: bytes) -> None:
        """It is closing."""

    def closed(self, why: str) -> None:
        """It went."""


_running: dict[int, Central] = {}


def of(house: House) -> Central | None:
    """The central system of this process; None where another process has it."""
    return _running.get(id(house))


@asynccontextmanager
async def opened(house: House, answering: Answering | None = None) -> AsyncIterator[Central]:
    """The central system, reachable by stations while the block runs. `answering`: `stations.answering.Stations` unless given.

    Raises
    ------
    ConfigError
        ``ocpp.no_schemas``: better now than at a station's first message
    """
    for version in VERSIONS:
        schemas.validators(version)
    if answering is None:
        from dure.services.charging.stations.answering import Stations  # noqa: PLC0415  # the one who answers imports our port

        answering = Stations(house)
    async with AsyncExitStack() as stack:
        writer = stack.enter_context(writer_of(house.settings.data / FOLDER))
        journal = Journal(house.records, house.clock, writer)
        await journal.start()
        stack.push_async_callback(journal.close)
        desk = Desk(answering, journal, house.clock)
        register = Register(house)
        turned_away = TurnedAway(house.records, journal, house.clock)
        stack.push_async_callback(turned_away.close)
        central = Central(house, desk, register, turned_away)
        await register.refresh()
        await stack.enter_async_context(ongoing("charging register", register.follow))
        await stack.enter_async_context(ongoing("charging journal expiry", lambda: _expire(house)))
        keeping = KeptMessages(house.records, desk.log, central.digest, writer)
        stack.push_async_callback(keeping.write)
        await stack.enter_async_context(ongoing("kept messages", keeping.follow))
        commands = Commands(house, desk)
        stack.push_async_callback(commands.close)
        stack.push_async_callback(await commands.follow())
        stack.push_async_callback(await serve_messages(house, central))
        server = Server(central.judge, Limits(per_address=house.settings.ocpp_per_address))
        stack.push_async_callback(server.close)
        central.port, central.tls_port = await listen(house, server, stack)
        _running[id(house)] = central
        stack.callback(_running.pop, id(house), None)
        log.info("csms.listens", port=central.port, tls_port=central.tls_port, writer=writer, chargers=len(register))
        yield central


async def _expire(house: House) -> None:
    """Delete what the journal need not keep any longer: soon after the start, then once a day."""
    await asyncio.sleep(FIRST_EXPIRY_S)
    while True:
        before_us = to_us(house.clock.now() - timedelta(days=journal_records.RETENTION_D))
        try:
            while await asyncio.to_thread(_expire_before, house, before_us):  # noqa: ASYNC110  # each round deletes some
                await asyncio.sleep(EXPIRY_PAUSE_S)
        except DureError as error:
            log.warning("journal.not_expired", code=error.code)
        await asyncio.sleep(DAY_S)


def _expire_before(house: House, before_us: int) -> int:
    with house.records.begin() as connection:
        return journal_records.expire(connection, before_us)
