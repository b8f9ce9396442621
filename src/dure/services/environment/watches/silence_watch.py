"""The watch for stations that fall silent: says once when one does and once when it is back, as an event and a log line."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

import structlog

from dure.core.events import Event
from dure.core.time import format_instant, from_us, to_us
from dure.engines.records import events
from dure.services.environment.checks.silence import Change, Heard, changes
from dure.services.environment.model import KINDS, SERVICE

if TYPE_CHECKING:
    from dure.spine.house import House
    from dure.spine.live import LiveValue

log = structlog.get_logger("dure.environment")

SILENT = "environment.station.silent"
BACK = "environment.station.back"


class SilenceWatch:
    """Says once when a station of this service falls silent and once when it is back, as an event and a log line.

    What was said is read back from the events at the start, so that a restart repeats nothing. An event's id is made of
    the station and its last reading: two watches of one city tell the same story once.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._since_us = to_us(house.clock.now())
        self._known: dict[str, bool] = {}
        self._kinds = frozenset(kind.id for kind in KINDS)

    @property
    def silent(self) -> frozenset[str]:
        """Stations now known to be silent."""
        return frozenset(asset for asset, quiet in self._known.items() if quiet)

    async def look(self) -> list[Change]:
        """One look at all stations; the changes found, kept and told."""
        heard = list(self._heard())
        new = [one.asset for one in heard if one.asset not in self._known]
        if new:
            self._known |= await asyncio.to_thread(self._remembered, new)
        now = self._house.clock.now()
        found = changes(heard, self.silent, to_us(now), self._since_us)
        if found:
            await asyncio.to_thread(self._keep, found)
        for one in found:
            self._known[one.asset] = one.silent
            say = log.warning if one.silent else log.info
            last = format_instant(from_us(one.last_us))
            say("station.silent" if one.silent else "station.back", city=self._house.city.id, asset=one.asset, last_at=last)
        return found

    def _heard(self) -> Iterator[Heard]:
        newest: dict[str, list[LiveValue]] = {}
        for value in self._house.live.all():
            newest.setdefault(value.asset, []).append(value)
        for asset, values in newest.items():
            entry = self._house.directory.asset(asset)
            if entry is None or entry.kind not in self._kinds or entry.state == "retired":
                continue
            periods = [known.period_s for value in values if (known := self._house.properties.get(value.property))]
            if periods:
                yield Heard(asset, max(value.result_us for value in values), min(periods))

    def _remembered(self, assets: list[str]) -> dict[str, bool]:
        """Whether each was last said to be silent."""
        with self._house.records.read() as connection:
            last = {
                asset: events.listing(connection, prefix="environment.station.", subject=asset, limit=1).items for asset in assets
            }
        return {asset: bool(found) and found[0].type == SILENT for asset, found in last.items()}

    def _keep(self, found: list[Change]) -> None:
        now = self._house.clock.now()
        told = [
            Event(
                id=f"{'silent' if one.silent else 'back'}-{one.asset}-{one.last_us}",
                type=SILENT if one.silent else BACK,
                source=f"dure/{SERVICE}",
                time=now,
                subject=one.asset,
                data={"last_at": format_instant(from_us(one.last_us)), "period_s": one.period_s},
            )
            for one in found
        ]
        with self._house.records.begin() as connection:
            events.announce(connection, told, now)
