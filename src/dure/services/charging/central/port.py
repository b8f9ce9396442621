"""What the central system and those who answer for it give each other.

The central system (`central`) owns sockets, identities, order and durability. Who answers (`stations`) owns meaning: it is asked
in memory, synchronously, one message at a time in the order they came, and says what is to be kept. The words are in the journal,
on the disk, before the station gets its answer.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from dure.core.events import Command
from dure.services.charging.central.words import Word
from dure.services.charging.model import Charger, Version


class Heard(msgspec.Struct, frozen=True):
    """A CALL of a station whose payload is valid by the schema of its version."""

    charger: Charger
    version: Version
    action: str  # as in the standard, without "Request": BootNotification, TransactionEvent, …
    payload: dict[str, Any]
    at_us: int  # when it came, by the house's clock
    message_id: str


class Answer(msgspec.Struct, frozen=True):
    """The payload of the CALLRESULT, and what is kept before it is sent."""

    payload: dict[str, Any]
    words: tuple[Word, ...] = ()


class Answering(Protocol):
    """Who knows what each message means."""

    def connected(self, charger: Charger, version: Version, at_us: int) -> tuple[Word, ...]:
        """A station came (again); the words to keep."""
        ...

    def disconnected(self, charger: Charger, at_us: int, why: str) -> tuple[Word, ...]:
        """A station is gone; the words to keep."""
        ...

    def answer(self, heard: Heard) -> Answer:
        """The answer to a valid message; never waits.

        Raises
        ------
        dure.protocols.ocpp.errors.CallError : what the station gets as CALLERROR, with the standard's code
        """
        ...


class Calling(Protocol):
    """How a connected station is asked something."""

    async def call(self, identity: str, action: str, payload: dict[str, Any], timeout_s: float = 30.0) -> dict[str, Any]:
        """Its answer; one call at a time to each station, others wait their turn.

        Raises
        ------
        Unavailable : not connected (``station.offline``), or no answer in time (``station.silent``)
        InputError : the payload is not valid by the schema (``ocpp.payload``), or the station answered with CALLERROR
            (``station.refused``, with its code and description)
        """
        ...

    def version_of(self, identity: str) -> Version | None:
        """What a connected station speaks; None while it is not connected."""
        ...


class Asked(msgspec.Struct, frozen=True):
    """What became of a command of the house to a station.

    Attributes
    ----------
    command : its id
    answer : the payload of the station's CALLRESULT; None when there was none
    error : ``station.offline``, ``station.silent``, ``station.refused``, …; empty when it answered
    why : the station's own error code, or what went wrong
    """

    command: str
    action: str
    payload: dict[str, Any]
    answer: dict[str, Any] | None
    error: str
    why: str
    at_us: int


class Following(Protocol):
    """What who answers may have besides: it makes questions of commands, and is told what became of them."""

    def question(self, charger: Charger, version: Version, command: Command) -> tuple[str, dict[str, Any]]:
        """Action and payload of a command to a station. Without this method its arguments name both.

        Raises
        ------
        InputError : the command cannot be asked of this station
        """
        ...

    def told(self, charger: Charger, asked: Asked) -> tuple[Word, ...]:
        """What became of a command; the words to keep."""
        ...
