"""Every few minutes: bins whose own receiver says that they stand elsewhere than the register has them.

The register stays as it is until a person corrects it: a plan must not chase a stolen bin. A move is told once; told again
when the bin moved on, or when its registered place was changed and is still wrong.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from dure.core.errors import InputError
from dure.core.events import Event
from dure.core.geo import Point, distance_m
from dure.core.time import from_us
from dure.engines.records import events
from dure.services.waste.bins import bins_of
from dure.services.waste.devices.fill import limits_on
from dure.services.waste.devices.fill_watch import load_bins
from dure.services.waste.model import Bin

if TYPE_CHECKING:
    from dure.spine.house import House

SOURCE = "dure/waste"
NEARLY_DEG = 3  # a position to three decimals is about 100 m: a shaking receiver is told of once


class Position(NamedTuple):
    """Where a receiver says its bin stands, and when."""

    lon: float
    lat: float
    time_us: int


def moved_m(one: Bin, position: Position) -> float | None:
    """How far a bin stands from its registered place [m]; None for no position, as (0, 0) of a receiver without a fix."""
    if position.lon == 0 == position.lat:
        return None
    try:
        return distance_m(Point(one.lon, one.lat), Point(position.lon, position.lat))
    except InputError:
        return None


class MoveWatch:
    """Compares positions of live bins with the register."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> int:
        """One round; how many moves were told."""
        return await asyncio.to_thread(self._look)

    def _look(self) -> int:
        house, now = self._house, self._house.clock.now()
        limit_m = limits_on(now.astimezone(house.city.zone).date(), house.city.folder).moved_m
        found = []
        for one in bins_of(load_bins(house)).bins:
            position = self._position(one)
            far_m = moved_m(one, position) if position else None
            if position and far_m is not None and far_m > limit_m:
                found.append(_event(one, position, far_m))
        if not found:
            return 0
        with house.records.begin() as connection:
            return events.announce(connection, found, now)

    def _position(self, one: Bin) -> Position | None:
        lon, lat = self._house.live.get(one.id, "position_lon"), self._house.live.get(one.id, "position_lat")
        if lon is None or lat is None or not (lon.is_usable() and lat.is_usable()) or lon.time_us != lat.time_us:
            return None
        return Position(lon.value or 0.0, lat.value or 0.0, lon.time_us)


def _event(one: Bin, position: Position, far_m: float) -> Event:
    there = f"{position.lon:.{NEARLY_DEG}f},{position.lat:.{NEARLY_DEG}f}"
    return Event(
        id=f"bin-moved-{one.id}-{one.lon:.5f},{one.lat:.5f}-{there}",
        type="waste.bin.moved",
        source=SOURCE,
        time=from_us(position.time_us),
        subject=one.id,
        data={"distance_m": round(far_m), "lon": position.lon, "lat": position.lat},
    )
