"""Pending transfers that nobody ended in time become void, and the city is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from dure.core.events import Event
from dure.engines.records import events
from dure.services.carbon.ledger.expiring import expired, void_expired

if TYPE_CHECKING:
    from dure.services.carbon.ledger.model import Transfer
    from dure.spine.house import House

log = structlog.get_logger("dure.carbon")
AT_ONCE = 500


class ExpiryWatch:
    """Voids what has expired."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> int:
        """One round; how many reservations ended."""
        return await asyncio.to_thread(self._look)

    def _look(self) -> int:
        count, more = 0, True
        while more:
            now = self._house.clock.now()
            with self._house.records.read() as connection:  # most rounds find nothing and keep nobody waiting
                if not expired(connection, now, 1):
                    break
            with self._house.records.begin() as connection:
                voided = void_expired(connection, now, AT_ONCE)
                events.announce(connection, [self._told(one) for one in voided], now)
            count, more = count + len(voided), len(voided) == AT_ONCE
        if count:
            log.info("ledger.expired", transfers=count)
        return count

    def _told(self, pending: Transfer) -> Event:
        return Event(
            id=f"carbon.reservation.expired/{pending.id}",
            type="carbon.reservation.expired",
            source="dure/carbon",
            time=self._house.clock.now(),
            subject=pending.ref,
            data={"transfer": pending.id, "amount": pending.amount, "unit": pending.unit, "why": pending.why},
        )
