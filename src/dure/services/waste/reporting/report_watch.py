"""Every minute: reports of citizens move on by what happened since, and parked taps whose bin was registered come in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dure.core.time import day_of
from dure.services.waste.driving import tap_desk
from dure.services.waste.reporting import report_desk

if TYPE_CHECKING:
    from dure.spine.house import House


class ReportWatch:
    """Nobody has to close a report by hand."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> int:
        """One round; how many reports moved and parked taps came in."""
        return await asyncio.to_thread(self._look)

    def _look(self) -> int:
        now = self._house.clock.now()
        day = day_of(now, self._house.city.zone).isoformat()
        with self._house.records.begin() as connection:
            return tap_desk.retry_parked(connection, now) + report_desk.advance(connection, now, day)
