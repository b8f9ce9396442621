"""What stations said of themselves, from the journal to tables: states, connectors, reports, what runs; and what follows from it.

Exactly once: the cursor of each writer moves in the transaction of what was folded in.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dure.engines.records import cursors
from dure.services.charging.central.words import Booted, Happened, Linked, Seen, StatusSaid, TransactionSaid, Unlinked, Word
from dure.services.charging.stations import restoring, station_records
from dure.services.charging.stations.folding import Fold
from dure.services.charging.stations.station_rules import station_rules

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.spine.house import House

WORDS_MAX = 20_000  # of one transaction
__all__ = ["StationWatch"]
_KNOWN = (Booted, Happened, Linked, Seen, StatusSaid, TransactionSaid, Unlinked)


class StationWatch:
    """Reads the journal of the central system from its own cursor on."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._cleared: Any = None

    async def look(self) -> int:
        """One round; how many words were folded in."""
        done = 0
        while True:
            found = await asyncio.to_thread(self._fold)
            done += found
            if found < WORDS_MAX:
                break
        await asyncio.to_thread(self._clear)
        return done

    def _fold(self) -> int:
        with self._house.records.read() as connection:
            words, reached = self._unread(connection)
        if not reached:
            return 0
        with self._house.records.begin() as connection:
            Fold(connection).take(words)
            cursors.advance(connection, {f"{station_records.CURSOR}{writer}": seq for writer, seq in reached.items()})
        return len(words)

    @staticmethod
    def _unread(connection: Connection) -> tuple[list[Word], dict[str, int]]:
        words: list[Word] = []
        reached: dict[str, int] = {}
        for writer, seq, said in restoring.journal_after(connection, station_records.positions(connection)):
            words += [one for one in said if isinstance(one, _KNOWN)]
            reached[writer] = seq
            if len(words) >= WORDS_MAX:
                break
        return words, reached

    def _clear(self) -> None:
        """Once a day: drop what was reported too long ago."""
        now = self._house.clock.now()
        today = now.astimezone(self._house.city.zone).date()
        if today == self._cleared:
            return
        keep = timedelta(days=station_rules(today, self._house.city.folder).happenings_d)
        with self._house.records.begin() as connection:
            station_records.forget_happenings(connection, now - keep)
        self._cleared = today
