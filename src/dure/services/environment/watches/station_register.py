"""The stations of this service with their places and attributes, read again when the register changed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dure.engines.records import assets
from dure.engines.records.paging import LIMIT_MAX
from dure.services.environment.model import KINDS

if TYPE_CHECKING:
    from dure.core.assets import Asset
    from dure.engines.records.store import Records
    from dure.spine.house import House


class StationRegister:
    """Assets of this service's kinds that are not retired, by id. `generation` grows when they may have changed."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.generation = -1
        self._known: dict[str, Asset] = {}

    async def all(self) -> dict[str, Asset]:
        """Every station, by id."""
        directory = self._house.directory
        await directory.refresh_if_changed()
        if directory.generation != self.generation:
            generation = directory.generation
            self._known = await asyncio.to_thread(load_stations, self._house.records)
            self.generation = generation
        return self._known

    async def live(self) -> dict[str, Asset]:
        """Those that left quarantine."""
        return {name: one for name, one in (await self.all()).items() if one.state == "live"}


def load_stations(records: Records) -> dict[str, Asset]:
    """Stations from the records, by id; blocks."""
    found: dict[str, Asset] = {}
    wanted = assets.Wanted(kinds=[kind.id for kind in KINDS], states=["quarantined", "live"])
    with records.read() as connection:
        after = ""
        while True:
            page = assets.listing(connection, wanted, after=after, limit=LIMIT_MAX)
            found |= {one.id: one for one in page.items}
            after = page.next
            if not after:
                return found
