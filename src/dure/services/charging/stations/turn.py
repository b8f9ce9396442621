"""One message's turn: what was heard, what is known, and the words of this house for answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from dure.services.charging.central.port import Answer, Heard
from dure.services.charging.central.words import Happened, Word
from dure.services.charging.stations.memory import Memory
from dure.services.charging.stations.said import instant_text, instant_us
from dure.services.charging.stations.station_rules import StationRules
from dure.services.charging.tokens.tokens import Judged, digest


class Turn(msgspec.Struct, frozen=True):
    """What a handler is given; it only reads. `key` is that of token digests."""

    heard: Heard
    memory: Memory
    rules: StationRules
    key: bytes

    @property
    def payload(self) -> dict[str, Any]:
        """What the station sent."""
        return self.heard.payload

    @property
    def charger(self) -> str:
        """The charger's asset id."""
        return self.heard.charger.id

    @property
    def at_us(self) -> int:
        """When it came, by our clock."""
        return self.heard.at_us

    @property
    def now_text(self) -> str:
        """Our time, as stations read it."""
        return instant_text(self.heard.at_us)

    def said_us(self, name: str = "timestamp") -> int:
        """The station's own time in a field of the payload, else ours."""
        return instant_us(self.heard.payload.get(name), self.heard.at_us)

    def digest(self, token: str) -> str:
        """Keyed digest of an id token."""
        return digest(token, self.key)

    def judge(self, token: str, transaction: tuple[str, str] | None = None) -> Judged:
        """What a token (by its digest) is at this charger now."""
        return self.memory.judge(token, self.heard.at_us, self.heard.charger.site, transaction)

    def happened(self, topic: str, facts: dict[str, Any], said_us: int | None = None) -> Happened:
        """A word for what has none of its own."""
        return Happened(self.charger, topic, self.at_us if said_us is None else said_us, self.at_us, facts)


Handler = Callable[[Turn], Answer]
EMPTY: dict[str, Any] = {}


def noted(*words: Word) -> Answer:
    """An empty answer, and words to keep."""
    return Answer({}, words)
