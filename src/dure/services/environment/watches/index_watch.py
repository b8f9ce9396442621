"""Every minute: indices and grades of every station from its hours, kept in the records and told as observations.

What is shown is computed here once and read by every page; the pure parts are `air_index`, `water_grade`, `water_index`,
`noise` and `weather_levels`. The index of an hour is published as an observation of its own (`cai`, `rtwqi`) a little after
the hour, so that it has a history like any other series; `explain` makes it anew from the same hours.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from sqlalchemy import select

from dure.core.observations import Flag, Reading
from dure.core.time import from_us, to_us
from dure.engines.records import dialect
from dure.engines.records.tables_environment import environment_indices as indices
from dure.services.environment.grades.grading import NOISE_AREA, Grading, Result, good_levels
from dure.services.environment.grades.hourly import fetch_hours
from dure.services.environment.grades.hours import HOUR_US
from dure.spine.directory import IMPORTER

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from dure.core.assets import Asset
    from dure.services.environment.grades.hours import Hours
    from dure.services.environment.watches.station_register import StationRegister
    from dure.spine.house import House

log = structlog.get_logger("dure.environment")

HOURS_N = 36  # twelve hours of indices, each from the hours before it
PUBLISHED_N = 12
SETTLE = timedelta(minutes=5)  # late readings of an hour are waited for so long before its index is published
PUBLISHED = ("cai", "rtwqi")
SAMPLED = ("bod", "cod", "suspended_solids", "total_coliform", "fecal_coliform", "chlorophyll_a")
SAMPLE_AGE_US = 62 * 24 * HOUR_US  # a monthly sample speaks until the next one is overdue by a month
NOISE_BACK_US = 72 * HOUR_US
CURRENT_HOURLY = timedelta(hours=3)
CURRENT = {"noise_day": timedelta(hours=72), "noise_night": timedelta(hours=72)}  # the last whole day and night


class Kept(msgspec.Struct, frozen=True):
    """The newest result of one index or grade of a station; `at` is the end of the hours it rests on."""

    asset: str
    name: str
    at: datetime
    result: dict[str, Any]


class IndexWatch:
    """Computes what all pages show; writes only what changed."""

    def __init__(self, house: House, stations: StationRegister) -> None:
        self._house, self._stations = house, stations
        self.grading = Grading(house.city)
        self._known: dict[tuple[str, str], tuple[int, Any]] = {}
        self._told_us: dict[tuple[str, str], int] = {}
        self.hours: Hours | None = None

    async def look(self) -> list[Result]:
        """One round; every index and grade of the hours."""
        now = self._house.clock.now()
        stations = await self._stations.live()
        self.hours = await asyncio.to_thread(self._fetch, to_us(now))
        found = await asyncio.to_thread(self.grading.results, self.hours, stations, self._sampled(to_us(now)))
        await self.keep(found)
        await self._publish(self.hours, stations, now)
        return found

    async def look_at_noise(self) -> list[Result]:
        """The last complete day and night of every noise point: from its readings, for levels are averaged by energy."""
        now_us = to_us(self._house.clock.now())
        found: list[Result] = []
        for asset in (await self._stations.live()).values():
            if NOISE_AREA in asset.attributes and self._house.live.get(asset.id, "noise_leq"):
                found += await asyncio.to_thread(self._noise_of, asset, now_us)
        await self.keep(found)
        return found

    def _fetch(self, now_us: int) -> Hours:
        rules = self.grading.rules(now_us)
        house = self._house
        names = sorted(name for name in rules.measured if name in house.properties)
        return fetch_hours(house.telemetry, house.properties, names, (now_us, HOURS_N), rules.share_min)

    def _noise_of(self, asset: Asset, now_us: int) -> list[Result]:
        past = self._house.telemetry.series((asset.id, "noise_leq"), now_us - NOISE_BACK_US, now_us)
        levels = good_levels(past, self._house.properties["noise_leq"].period_s)
        return self.grading.noise(asset, levels, now_us)

    def _sampled(self, now_us: int) -> dict[tuple[str, str], float]:
        """The newest good value of what is sampled by hand and is not too old."""
        newest = (one for name in SAMPLED for one in self._house.live.of_property(name))
        return {
            (one.asset, one.property): one.value
            for one in newest
            if one.value is not None and one.flag == Flag.GOOD and now_us - one.time_us <= SAMPLE_AGE_US
        }

    async def keep(self, found: Iterable[Result]) -> None:
        """Write what changed."""
        changed = [one for one in found if self._known.get((one.asset, one.name)) != (one.at_us, one.content)]
        if changed:
            await asyncio.to_thread(self._keep, changed)
            self._known |= {(one.asset, one.name): (one.at_us, one.content) for one in changed}

    def _keep(self, changed: Iterable[Result]) -> None:
        rows = [{"asset": one.asset, "name": one.name, "at": from_us(one.at_us), "result": one.content} for one in changed]
        with self._house.records.begin() as connection:
            dialect.upsert(connection, indices, rows)

    async def _publish(self, hours: Hours, stations: dict[str, Asset], now: datetime) -> None:
        """Tell the indices of the hours that have settled and are not told yet, as observations at the end of the hour."""
        settled_us = to_us(now - SETTLE) // HOUR_US * HOUR_US
        for back in reversed(range(PUBLISHED_N)):
            end_us = hours.end_us - back * HOUR_US
            if end_us > settled_us:
                continue
            for name in PUBLISHED:
                numbers = self.grading.numbers(name, hours, stations, end_us)
                await self._tell(name, {one: value for one, value in numbers.items() if self._is_news(one, name, end_us)}, end_us)

    def _is_news(self, asset: str, name: str, end_us: int) -> bool:
        """Whether the index of a station's hour is not told yet; a station whose data come late has its own turn."""
        newest = self._house.live.get(asset, name)
        told_us = max(self._told_us.get((asset, name), 0), newest.time_us if newest else 0)
        return end_us > told_us

    async def _tell(self, name: str, numbers: dict[str, float], end_us: int) -> None:
        if not numbers:
            return
        readings = [Reading(name, value, from_us(end_us), asset) for asset, value in sorted(numbers.items())]
        stations = hashlib.blake2b("|".join(sorted(numbers)).encode(), digest_size=8).hexdigest()
        msg_id = f"{name}-{self._house.city.id}-{end_us}-{stations}"
        await self._house.intake.accept(IMPORTER, readings, way="import", received_at=self._house.clock.now(), msg_id=msg_id)
        self._told_us |= {(asset, name): end_us for asset in numbers}


def is_current(one: Kept, now: datetime) -> bool:
    """Whether a result still speaks of now: after a pause of the program the last ones lie there until there are new ones."""
    return now - one.at <= CURRENT.get(one.name, CURRENT_HOURLY)


def results_of(connection: Connection, *, name: str = "", asset: str = "") -> list[Kept]:
    """The newest results, of one index or one station or all, in order of station."""
    query = select(indices).order_by(indices.c.asset, indices.c.name)
    if name:
        query = query.where(indices.c.name == name)
    if asset:
        query = query.where(indices.c.asset == asset)
    return [Kept(**row) for row in connection.execute(query).mappings()]
