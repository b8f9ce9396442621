"""Who was turned away at the doors is kept where people look: at its charger, or among what could not be used."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from dure.core.errors import DureError
from dure.core.time import US_PER_S, from_us
from dure.engines.records import parked
from dure.engines.records.parked import Parked
from dure.services.charging.central.doors import WHY
from dure.services.charging.central.words import Happened

if TYPE_CHECKING:
    from dure.core.time import Clock
    from dure.engines.records.store import Records
    from dure.services.charging.central.doors import Turned
    from dure.services.charging.central.journal import Journal

log = structlog.get_logger("dure.charging.central")

TOPIC = "refused"
ONCE_S = 600  # the same station for the same reason is told once in this time
TOLD_MAX = 10_000
PARKING_MAX = 100


class TurnedAway:
    """Keeps each once in a while."""

    def __init__(self, records: Records, journal: Journal, clock: Clock) -> None:
        self._records = records
        self._journal = journal
        self._clock = clock
        self._told: dict[tuple[str, str], int] = {}
        self._parking: set[asyncio.Task[None]] = set()

    def keep(self, one: Turned, now_us: int) -> None:
        """Keep who was turned away and why, unless that was told a short while ago."""
        key = (one.identity, one.code)
        if now_us - self._told.get(key, 0) < ONCE_S * US_PER_S or (one.charger is None and not one.identity):
            return
        if len(self._told) >= TOLD_MAX:
            self._told.clear()
        self._told[key] = now_us
        log.warning("station.turned_away", identity=one.identity, code=one.code, address=one.address)
        if one.charger is not None:
            facts = {"code": one.code, "address": one.address, "detail": one.detail}
            self._journal.keep((Happened(one.charger.id, TOPIC, now_us, now_us, facts),))
        elif len(self._parking) < PARKING_MAX:
            task = asyncio.create_task(asyncio.to_thread(self._park, one, now_us))
            self._parking.add(task)
            task.add_done_callback(self._parking.discard)

    async def close(self) -> None:
        """Wait for what is being kept."""
        await asyncio.gather(*self._parking, return_exceptions=True)

    def _park(self, one: Turned, now_us: int) -> None:
        at = from_us(now_us)
        item = Parked(
            id=parked.key("ocpp", one.identity, one.code, at.date()),
            received_at=at,
            way="ocpp",
            device=one.identity,
            code=one.code,
            why=f"{WHY[one.code].format(one.detail)} It came from {one.address}.",
            content=b"",
        )
        try:
            with self._records.begin() as connection:
                parked.park(connection, [item])
        except DureError as error:
            log.warning("station.not_parked", code=error.code)
