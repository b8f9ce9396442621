"""The look-up in memory: made when somebody first asks, and made anew behind the readers' backs when months or buildings change.

A page is answered from what stands here, so that 1,500 buildings are found in milliseconds. Every `CHECK_S` it looks whether
a month, a bill or the register has changed; while the new look-up is made, readers get the one that stood.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select

from dure.core.errors import Unavailable
from dure.core.geo import Point
from dure.core.text import Text
from dure.core.time import day_of
from dure.engines.records.tables_buildings import building_months as months
from dure.services.buildings import sites
from dure.services.buildings.comparing.compare_rules import compare_rules
from dure.services.buildings.comparing.standings import Vintage, comparison
from dure.services.buildings.factors.carbon import PROGRAMME
from dure.services.buildings.months.portfolio import of_buildings, portfolio
from dure.services.buildings.publishing.figures import newest_span
from dure.services.buildings.publishing.lookup import Ground, Place, Published, first_month, published
from dure.services.buildings.publishing.publishing_rules import publishing_rules
from dure.services.buildings.publishing.staff_view import StaffView, staff_view

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from dure.services.buildings.model import Building
    from dure.services.buildings.months.portfolio import BuildingMonth
    from dure.services.buildings.sites import Sites
    from dure.spine.house import House

CHECK_S = 30.0
REST_SHARE = 20.0  # making it anew takes at most a twentieth of the time
WAIT_S_MAX = 1.0  # staff wait for what is known now when it takes no longer
_STATE = "buildings_shelf"


class Mark(NamedTuple):
    """What a look-up was made from: when it differs, it is made anew."""

    day: str
    register: int
    rows: int
    known_at: str


class Shelved(NamedTuple):
    """All that is kept in memory: what the public may see, and for staff the months of every building and how they stand."""

    mark: Mark
    published: Published
    sites: Sites
    places: Mapping[str, Place]
    rows: Mapping[str, Sequence[BuildingMonth]]
    staff: StaffView


class Shelf:
    """The newest look-up of a house."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._found: Shelved | None = None
        self._checked_at: datetime | None = None
        self._took_s = 0.0
        self._making = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def published(self) -> Published:
        """What the public may see; waits only for the first one."""
        return (await self._standing()).published

    async def settled(self) -> Shelved:
        """The look-up as of now, for staff, who have just changed something; where that takes long, the one that stands."""
        found = await self._standing()
        if self._took_s > WAIT_S_MAX:
            return found
        async with self._making:
            await self._renew_if_changed()
        assert self._found is not None  # noqa: S101  # made above
        return self._found

    async def _standing(self) -> Shelved:
        if self._found is None:
            async with self._making:
                if self._found is None:
                    await self._make()
        elif self._due() and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._renew())
        assert self._found is not None  # noqa: S101  # made above
        return self._found

    def _due(self) -> bool:
        rest = timedelta(seconds=max(CHECK_S, REST_SHARE * self._took_s))
        return self._checked_at is None or self._house.clock.now() - self._checked_at >= rest

    async def _renew(self) -> None:
        async with self._making:
            with contextlib.suppress(Unavailable):  # the one that stands is shown until the records answer again
                await self._renew_if_changed()

    async def _renew_if_changed(self) -> None:
        self._checked_at = self._house.clock.now()
        if self._found is None or await asyncio.to_thread(self._read_mark) != self._found.mark:
            await self._make()

    async def _make(self) -> None:
        self._checked_at = self._house.clock.now()
        self._took_s, self._found = await asyncio.to_thread(self._timed)

    def _read_mark(self) -> Mark:
        with self._house.records.read() as connection:
            return self._mark_of(connection)

    def _mark_of(self, connection: Connection) -> Mark:
        rows, known_at = connection.execute(select(func.count(), func.max(months.c.known_at))).one()
        day = day_of(self._house.clock.now(), self._house.city.zone)
        return Mark(day.isoformat(), self._house.directory.generation, rows, str(known_at))

    def _timed(self) -> tuple[float, Shelved]:
        """The look-up and how long it took this thread, whatever else the machine does [s CPU]."""
        began = time.thread_time()
        made = self._made()
        return time.thread_time() - began, made

    def _made(self) -> Shelved:
        """Read and make the look-up. Blocks."""
        house = self._house
        day = day_of(house.clock.now(), house.city.zone)
        rules = publishing_rules(day, house.city.folder)
        with house.records.read() as connection:
            mark = self._mark_of(connection)
            known = sites.registered(connection)
            rows = portfolio(house.city.folder, connection, known, first_month(day, rules), day.isoformat()[:7])
        stand, compare = places(house, known.buildings), compare_rules(day, house.city.folder)
        told = published(Ground(known.buildings, stand, rows, PROGRAMME, compare), day, rules)
        by_building = of_buildings(rows)
        span = newest_span(by_building, day.isoformat()[:7], rules)
        standings = comparison(known.buildings, by_building, span.last, compare, Vintage(PROGRAMME, day))
        staff = staff_view(known.buildings, by_building, (span, standings), day.isoformat()[:7], rules.coverage_min)
        return Shelved(mark, told, known, stand, by_building, staff)


def places(house: House, buildings: Mapping[str, Building]) -> dict[str, Place]:
    """Where buildings stand: the zone the register names, else the one that holds the place."""
    found = {}
    for one in buildings.values():
        zone = house.city.zone_by_id(one.zone) if one.zone else None
        zone = zone or house.city.zone_of(Point(one.lon, one.lat))
        found[one.id] = Place(zone.id, zone.name) if zone else Place("", Text("", ""))
    return found


def shelf_of(state: Any, house: House) -> Shelf:
    """The one shelf of an app; `state` is the app's."""
    found: Shelf | None = getattr(state, _STATE, None)
    if found is None:
        found = Shelf(house)
        setattr(state, _STATE, found)
    return found
