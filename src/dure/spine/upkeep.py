"""What must happen now and then: roll-ups, archive, retention, messages that leave, sessions that end."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import structlog

from dure.core.time import US_PER_S, to_us
from dure.engines.records import commands, events, outbox, parked
from dure.spine.repeating import Round, repeat_all

if TYPE_CHECKING:
    from dure.core.events import Event
    from dure.spine.house import House

log = structlog.get_logger("dure.upkeep")

MAINTAIN_S = 2.0
MAINTAIN_SLICE_S = 0.25
OUTBOX_S = 0.5
ARCHIVE_S = 600.0
DAY_US = 86_400 * US_PER_S
EVENTS_KEPT = timedelta(days=400)
SETTLED_KEPT = timedelta(days=90)


def event_subject(city: str, event: Event) -> str:
    """Where an event passes by on the bus."""
    return f"event.{city}.{event.type}"


class Upkeep:
    """The rounds of one house. What fails is said once and tried again in the next round."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def run(self) -> None:
        """All rounds until cancelled."""
        rounds = (
            Round("roll-ups", MAINTAIN_S, self.maintain),
            Round("outbox", OUTBOX_S, self.deliver),
            Round("archive", ARCHIVE_S, self.archive),
        )
        await repeat_all(rounds, log, "upkeep")

    async def maintain(self) -> None:
        """Roll up and compact in small slices, so that appends never wait long."""
        telemetry, now_us = self._house.telemetry, to_us(self._house.clock.now())
        more = True
        while more:
            more = await asyncio.to_thread(telemetry.maintain, now_us=now_us, seconds=MAINTAIN_SLICE_S)
            await asyncio.sleep(MAINTAIN_SLICE_S)  # appends go first

    async def deliver(self) -> None:
        """Send the events that wait in the outbox."""
        house = self._house

        async def send(event: Event) -> None:
            await house.bus.send(event_subject(house.city.id, event), msgspec.json.encode(event))
            await house.bus.flush()

        await outbox.deliver(house.records, send, house.clock)

    async def archive(self) -> None:
        """Write the days that ended and received rows since the last round; then drop what is past its retention."""
        house = self._house
        now_us = to_us(house.clock.now())
        written = await asyncio.to_thread(house.archive.catch_up, house.telemetry, now_us=now_us)
        if written:
            log.info("archive.written", days=len(written))
        dropped = await asyncio.to_thread(self._expire, now_us)
        if dropped:
            log.info("telemetry.expired", rows=dropped)

    def _expire(self, now_us: int) -> int:
        house = self._house
        now = house.clock.now()
        with house.records.begin() as connection:
            commands.expire_due(connection, now)
            parked.expire(connection, now - SETTLED_KEPT)
            events.expire(connection, now - EVENTS_KEPT)
            outbox.purge(connection, now - SETTLED_KEPT)
        house.people.expire(now)
        # A row that arrives after the archive's round can be as old as the stream keeps messages: leave it that much time.
        archived_until_us = house.archive.archived_until_us() - (house.settings.stream_retention_d + 1) * DAY_US
        return house.telemetry.expire(list(house.properties), now_us=now_us, archived_until_us=archived_until_us)
