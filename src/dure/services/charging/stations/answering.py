"""Who answers for stations: one handler for each message of each version, in memory, never waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from dure.core.errors import DureError, InputError
from dure.core.time import from_us
from dure.protocols.ocpp.errors import CallError
from dure.services.charging.central.port import Answer, Heard
from dure.services.charging.central.words import Happened, Linked, Unlinked, Word
from dure.services.charging.model import Charger, Version
from dure.services.charging.stations import (
    authorising,
    availability,
    energy_services,
    firmware,
    metering,
    provisioning,
    reports,
    reservations,
    restoring,
    security,
    smart_charging,
    transactions_2,
    transactions_16,
)
from dure.services.charging.stations.calls import NAME
from dure.services.charging.stations.folding import CALL
from dure.services.charging.stations.memory import Memory
from dure.services.charging.stations.station_rules import station_rules
from dure.services.charging.stations.turn import Handler, Turn
from dure.services.charging.tokens.sealing import opened, redacted
from dure.services.charging.tokens.token_key import token_key
from dure.services.charging.tokens.tokens import Token, digest

if TYPE_CHECKING:
    from dure.core.events import Command
    from dure.services.charging.central.port import Asked
    from dure.spine.house import House

log = structlog.get_logger("dure.charging.stations")

_V16 = (provisioning, availability, authorising, transactions_16, metering, security, firmware)
_V2 = (
    provisioning,
    availability,
    authorising,
    transactions_2,
    metering,
    reports,
    security,
    firmware,
    smart_charging,
    reservations,
)
_V21 = (security, smart_charging, energy_services)


def _handlers() -> dict[Version, Mapping[str, Handler]]:
    of_16 = {action: handler for part in _V16 for action, handler in part.V16.items()}
    of_2 = {action: handler for part in _V2 for action, handler in part.V2.items()}
    of_21 = of_2 | {action: handler for part in _V21 for action, handler in part.V21.items()}
    return {"ocpp1.6": MappingProxyType(of_16), "ocpp2.0.1": MappingProxyType(of_2), "ocpp2.1": MappingProxyType(of_21)}


HANDLERS = _handlers()
FRESH_US = 1_000_000  # tokens and admissions are read again this often, beside the answers
# What a station that waits for its acceptance may still say (OCPP 2.0.1, B02, B03; 1.6, 4.2).
WAITING_MAY = frozenset(
    (
        *("BootNotification", "DiagnosticsStatusNotification", "FirmwareStatusNotification", "Heartbeat"),
        *("LogStatusNotification", "NotifyEvent", "NotifyMonitoringReport", "NotifyReport", "SecurityEventNotification"),
        *("SignCertificate", "SignedFirmwareStatusNotification", "StatusNotification"),
    )
)


class Stations:
    """Answers for all stations of a city (see `dure.services.charging.central.port.Answering`)."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._key = token_key(house.settings.data)
        self._rules = station_rules(house.clock.now().astimezone(house.city.zone).date(), house.city.folder)
        self.memory = Memory()
        self._watching = restoring.Watching()
        self._looked_us = 0
        self._reading: asyncio.Future[restoring.News] | None = None
        with house.records.read() as connection:
            restoring.restore(connection, self.memory, house.clock.now())
            restoring.learn(self.memory, restoring.news(house, connection, self._watching))

    def connected(self, charger: Charger, version: Version, at_us: int) -> tuple[Word, ...]:
        """A station came (again)."""
        self._refresh(at_us)
        return (Linked(charger.id, version, at_us),)

    def disconnected(self, charger: Charger, at_us: int, why: str) -> tuple[Word, ...]:
        """A station is gone."""
        return (Unlinked(charger.id, at_us, why[:200]),)

    def answer(self, heard: Heard) -> Answer:
        """The answer to a valid message; what it says is in memory at once.

        Raises
        ------
        CallError : ``NotSupported`` for what a central system is not asked, ``SecurityError`` while the station is not accepted
        """
        self._refresh(heard.at_us)
        handler = HANDLERS[heard.version].get(heard.action)
        if handler is None:
            raise CallError("NotSupported", f"{heard.action[:50]} is not asked of a central system.")
        admission = self.memory.admissions.get(heard.charger.id, "accepted")
        if admission != "accepted" and heard.action not in WAITING_MAY:
            raise CallError("SecurityError", "The station is not accepted yet.")
        found = handler(Turn(heard, self.memory, self._rules, self._key))
        for word in found.words:
            self.memory.take(word)
        return found

    def question(self, charger: Charger, version: Version, command: Command) -> tuple[str, dict[str, Any]]:
        """Action and payload of a command to a station, its seal opened; a token that was made for it is known from now on.

        Raises
        ------
        InputError : it is no call (``call.unknown``), its seal cannot be opened (``call.sealed``)
        """
        told = command.arguments
        action, payload = told.get("action"), told.get("payload", {})
        if command.name != NAME or not isinstance(action, str) or not isinstance(payload, dict):
            raise InputError("call.unknown", f"{charger.id} is asked no {command.name[:40]!r} in {version}.")
        if "token" in told:
            self.memory.know_tokens([msgspec.convert(told["token"], Token)])
        return action, opened(str(told["sealed"]), self._key) if "sealed" in told else payload

    def told(self, charger: Charger, asked: Asked) -> tuple[Word, ...]:
        """What became of a command: a word, without tokens."""
        answer = None if asked.answer is None else redacted(asked.answer, lambda text: digest(text, self._key))
        payload = redacted(asked.payload, lambda text: digest(text, self._key))
        facts = {"call": asked.command, "action": asked.action, "payload": payload, "answer": answer}
        return (Happened(charger.id, CALL, asked.at_us, asked.at_us, facts | {"code": asked.error, "why": asked.why}),)

    def _refresh(self, at_us: int) -> None:
        """Take in what was read beside the answers, and start the next reading when it is due."""
        if self._reading is not None:
            if not self._reading.done():
                return
            done, self._reading = self._reading, None
            self._take(done)
        if abs(at_us - self._looked_us) < FRESH_US:
            return
        self._looked_us = at_us
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # asked outside of a loop: there is nobody to keep waiting
            restoring.learn(self.memory, self._read())
            return
        self._rules = station_rules(from_us(at_us).astimezone(self._house.city.zone).date(), self._house.city.folder)
        self._reading = loop.run_in_executor(None, self._read)

    def _read(self) -> restoring.News:
        with self._house.records.read() as connection:
            return restoring.news(self._house, connection, self._watching)

    def _take(self, done: asyncio.Future[restoring.News]) -> None:
        try:
            restoring.learn(self.memory, done.result())
        except DureError as error:  # the records are away: what was known last goes on
            log.warning("charging.tokens_unread", code=error.code)
