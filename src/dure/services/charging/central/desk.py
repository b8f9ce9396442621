"""What all links of one process share: who answers, the journal, the log, and who is connected.

A second station with an identity that is connected takes over: the usual case is one station that came back before its old
connection was missed. When that happens too often in a minute two stations share the identity; this is told once, and newcomers
wait until a minute is over.
"""

from __future__ import annotations

import secrets
from collections import deque
from typing import TYPE_CHECKING

from dure.core.time import US_PER_S, to_us
from dure.services.charging.central.message_log import MessageLog
from dure.services.charging.central.words import Happened

if TYPE_CHECKING:
    from dure.core.time import Clock
    from dure.services.charging.central.journal import Journal
    from dure.services.charging.central.link import Link
    from dure.services.charging.central.port import Answering
    from dure.services.charging.model import Charger

REPLACED_MAX = 3  # takeovers in a minute that a bad line explains
MINUTE_US = 60 * US_PER_S
REPLACED = 1008
DUPLICATE = "duplicate_identity"
DRIFT = "clock_drift"


class Desk:
    """Shared by all links."""

    def __init__(self, answering: Answering, journal: Journal, clock: Clock) -> None:
        self.answering = answering
        self.journal = journal
        self.log = MessageLog()
        self.links: dict[str, Link] = {}
        self.prefix = secrets.token_hex(4)  # of our message ids: those of an earlier life are never taken for ours
        self._clock = clock
        self._replaced: dict[str, deque[int]] = {}

    def now_us(self) -> int:
        """The house's time."""
        return to_us(self._clock.now())

    def flapping_s(self, identity: str) -> int:
        """Seconds a newcomer with this identity must wait because two use it in turn; 0: it may come."""
        times = self._replaced.get(identity)
        if not times or identity not in self.links:
            return 0
        now_us = self.now_us()
        while times and times[0] <= now_us - MINUTE_US:
            times.popleft()
        if not times:
            del self._replaced[identity]
            return 0
        return 0 if len(times) < REPLACED_MAX else (times[0] + MINUTE_US - now_us) // US_PER_S + 1

    def linked(self, link: Link) -> None:
        """A station is in; an older connection of its identity ends."""
        identity, now_us = link.charger.identity, self.now_us()
        older = self.links.get(identity)
        self.links[identity] = link
        if older is not None:
            self._take_over(link.charger, now_us)
            older.close(REPLACED, "a newer connection of this identity took over")
        self.journal.keep(self.answering.connected(link.charger, link.version, now_us))

    def _take_over(self, charger: Charger, now_us: int) -> None:
        times = self._replaced.setdefault(charger.identity, deque(maxlen=REPLACED_MAX))
        times.append(now_us)
        if len(times) == REPLACED_MAX and times[0] > now_us - MINUTE_US:
            self.journal.keep((Happened(charger.id, DUPLICATE, now_us, now_us, {"times": REPLACED_MAX, "in_s": 60}),))

    def unlinked(self, link: Link, why: str) -> None:
        """A station is gone; one whose identity another connection took over is still there."""
        if self.links.get(link.charger.identity) is link:
            del self.links[link.charger.identity]
            self.journal.keep(self.answering.disconnected(link.charger, self.now_us(), why))

    def drifted(self, charger: Charger, ahead_s: int, now_us: int) -> Happened:
        """The word that a station's clock is wrong."""
        return Happened(charger.id, DRIFT, now_us + ahead_s * US_PER_S, now_us, {"ahead_s": ahead_s})
