"""What a caller may see of the register: citizens see live assets of public kinds, staff see all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from dure.core.access import may
from dure.core.errors import NotFound, Unavailable
from dure.engines.records import assets
from dure.engines.records.paging import LIMIT_MAX

if TYPE_CHECKING:
    from dure.core.access import Actor
    from dure.core.assets import Asset
    from dure.spine.house import House


class Sight:
    """The assets in memory, read again when the directory says that the register changed."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._generation = -1
        self._all: dict[str, Asset] = {}
        self._public: dict[str, Asset] = {}
        self._reading = asyncio.Lock()

    async def of(self, actor: Actor) -> dict[str, Asset]:
        """Assets the caller may see, by id, in order of id."""
        return await self.of_filter(everything=may(actor, "read", "city_data"))

    async def of_filter(self, everything: bool) -> dict[str, Asset]:
        """All assets, or those of the public."""
        directory = self._house.directory
        await directory.refresh_if_changed()
        if directory.generation != self._generation:
            async with self._reading:
                await self._read(directory.generation)
        return self._all if everything else self._public

    async def one(self, actor: Actor, asset_id: str) -> Asset:
        """One asset; what the caller may not see does not exist for it."""
        asset = (await self.of(actor)).get(asset_id)
        if asset is None:
            raise NotFound("asset.unknown", f"The asset {asset_id[:80]!r} is not registered, or not public.")
        return asset

    async def _read(self, generation: int) -> None:
        if generation == self._generation:
            return
        try:
            found = await run_in_threadpool(self._load)
        except Unavailable:
            if self._generation < 0:
                raise
            return  # the register as last read stays in force while the records are away
        kinds = self._house.kinds
        self._all = found
        self._public = {
            one.id: one for one in found.values() if one.state == "live" and (one.kind not in kinds or kinds[one.kind].public)
        }
        self._generation = generation

    def _load(self) -> dict[str, Asset]:
        found: dict[str, Asset] = {}
        with self._house.records.read() as connection:
            after = ""
            while True:
                page = assets.listing(connection, after=after, limit=LIMIT_MAX)
                found.update((one.id, one) for one in page.items)
                if not page.next:
                    return found
                after = page.next


def in_box(asset: Asset, bbox: tuple[float, float, float, float]) -> bool:
    """Whether an asset's place touches the box."""
    if asset.place is None:
        return False
    west, south, east, north = asset.place.bounds
    return west <= bbox[2] and east >= bbox[0] and south <= bbox[3] and north >= bbox[1]
