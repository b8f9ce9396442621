"""Every minute: new distances of live bins, as fill levels by the geometry of each bin, published beside the raw ones.

Raw never changes. A level stands at the instant of its distance, so a round that is done again, or after a restart, finds it
there already. Distances that come late are found when the last days of their bin are compared instant by instant: every bin has
its turn within an hour.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from dure.core.observations import Flag, Reading
from dure.core.time import US_PER_S, from_us, to_us
from dure.engines.records import assets
from dure.engines.records.paging import LIMIT_MAX
from dure.services.waste.bins import bins_of
from dure.services.waste.devices.fill import fill_from_distance, limits_on
from dure.spine.directory import IMPORTER
from dure.spine.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from dure.core.assets import Asset
    from dure.core.observations import Observation, SeriesKey
    from dure.services.waste.devices.fill import Limits
    from dure.services.waste.model import Bin, FloatArray
    from dure.spine.house import House

DAY_US = 86_400 * US_PER_S
HISTORY_US = 120 * DAY_US  # a bin that has no level yet gets those of so long ago
LATE_US = 3 * DAY_US  # distances may come so late
SLICE_US = 3_600 * US_PER_S
BEGUN_N = 100  # so many bins get their history in one round
ROWS_MAX = 20_000
PAGE = 10_000
DECIMALS = 4  # a sensor tells millimetres of a metre
USABLE = (Flag.GOOD, Flag.SUSPECT)
RAW, LEVEL = "distance", "fill_fraction"


class FillWatch:
    """Levels follow the distances."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._bins: dict[str, Bin] = {}
        self._generation = -1
        self._compared, self._begun = Turns(), Turns()

    async def look(self) -> int:
        """One round; how many levels were published."""
        house, now = self._house, self._house.clock.now()
        await house.directory.refresh_if_changed()
        if self._generation != (generation := house.directory.generation):
            self._bins, self._generation = await asyncio.to_thread(self._ranging_bins), generation
        limits = limits_on(now.astimezone(house.city.zone).date(), house.city.folder)
        waiting = await asyncio.to_thread(self._new_levels, limits)
        made = {(one.asset, one.time) for one in waiting}
        published = 0
        for bin_id, since_us in self._turn(to_us(now)):
            found = await asyncio.to_thread(self._levels_since, self._bins[bin_id], since_us, limits)
            waiting += [one for one in found if (one.asset, one.time) not in made]
            while len(waiting) >= ROWS_MAX:
                published += await self._publish(waiting[:ROWS_MAX])
                waiting = waiting[ROWS_MAX:]
        return published + await self._publish(waiting)

    def _ranging_bins(self) -> dict[str, Bin]:
        return {one.id: one for one in bins_of(load_bins(self._house)).bins if one.depth_m is not None}

    def _turn(self, now_us: int) -> list[tuple[str, int]]:
        """Bins whose distances are compared with their levels in this round, and from when on: some, and some without levels."""
        live = self._house.live
        newest = {one: raw.time_us for one in self._bins if (raw := live.get(one, RAW)) is not None}
        known = [one for one in newest if live.get(one, LEVEL) is not None]
        new = sorted({one for one, at_us in newest.items() if at_us >= now_us - HISTORY_US} - set(known))
        found = [(one, now_us - LATE_US) for one in self._compared.of(known)]
        return found + [(one, now_us - HISTORY_US) for one in self._begun.of(new, BEGUN_N)]

    def _new_levels(self, limits: Limits) -> list[Reading]:
        """Levels of the distances after the newest level of each bin."""
        after: dict[str, int] = {}
        slices: dict[int, list[str]] = {}
        for one in self._bins:
            raw, level = self._house.live.get(one, RAW), self._house.live.get(one, LEVEL)
            if raw is not None and level is not None and raw.time_us > level.time_us:
                after[one] = level.time_us
                slices.setdefault(level.time_us // SLICE_US * SLICE_US, []).append(one)
        found: list[Reading] = []
        for since_us, bins in slices.items():
            rows: dict[str, list[tuple[int, float]]] = {}
            for raw_row in self._observed([(name, RAW) for name in bins], since_us):
                if (at_us := to_us(raw_row.phenomenon_time)) > after[raw_row.asset]:
                    distance_m = raw_row.value if raw_row.value is not None and raw_row.flag in USABLE else np.nan
                    rows.setdefault(raw_row.asset, []).append((at_us, distance_m))
            for name, seen in rows.items():
                time_us = np.array([at_us for at_us, _ in seen], np.int64)
                found += _levels(self._bins[name], time_us, np.array([value for _, value in seen], np.float64), limits)
        return found

    def _observed(self, keys: Sequence[SeriesKey], since_us: int) -> Iterable[Observation]:
        after: tuple[int, str, str] | None = None
        while True:
            page = self._house.telemetry.observations(keys, since_us, 2**62, after=after, limit=PAGE)
            yield from page
            if len(page) < PAGE:
                return
            after = (to_us(page[-1].phenomenon_time), page[-1].asset, page[-1].property)

    def _levels_since(self, one: Bin, since_us: int, limits: Limits) -> list[Reading]:
        """Levels that are not there yet of the distances since an instant."""
        telemetry = self._house.telemetry
        raw = telemetry.series((one.id, RAW), since_us, 2**62)
        if not len(raw.time_us):
            return []
        known = telemetry.series((one.id, LEVEL), since_us, 2**62).time_us
        new = ~np.isin(raw.time_us, known)
        distance = np.where(np.isin(raw.flag, USABLE), raw.value, np.nan)
        return _levels(one, raw.time_us[new], distance[new], limits)

    async def _publish(self, found: list[Reading]) -> int:
        """Levels on their way; one that cannot be admitted (a bin that was just removed) is parked by the intake."""
        if not found:
            return 0
        now = self._house.clock.now()
        return (await self._house.intake.accept(IMPORTER, found, way="import", received_at=now)).accepted


def _levels(one: Bin, time_us: NDArray[np.int64], distance_m: FloatArray, limits: Limits) -> list[Reading]:
    if one.depth_m is None or not len(time_us):
        return []
    found = fill_from_distance(distance_m, one.depth_m, one.full_m, limits).fraction
    return [
        Reading(LEVEL, round(float(value), DECIMALS) if np.isfinite(value) else None, from_us(at_us), one.id)
        for value, at_us in zip(found, time_us.tolist(), strict=True)
    ]


def load_bins(house: House) -> list[Asset]:
    """The live assets of kind bin, from the records; blocks."""
    found: list[Asset] = []
    wanted = assets.Wanted(kinds=["bin"], states=["live"])
    with house.records.read() as connection:
        after = ""
        while True:
            page = assets.listing(connection, wanted, after=after, limit=LIMIT_MAX)
            found += page.items
            after = page.next
            if not after:
                return found
