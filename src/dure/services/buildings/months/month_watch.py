"""Months that have new intervals or bills are made anew.

Three ways lead here: months that a booking or an import touched (at once, when its entries are stored); every meter's running
month and the one before, once a local day, as a day is over; and in turns, within a day, all months of the last years, for what
came late from meters that send their use themselves. A month whose making says the same as before writes nothing.
"""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import TYPE_CHECKING

from dure.services.buildings import rules, sites
from dure.services.buildings.months import month_desk, parcel_records, touched_records
from dure.services.buildings.months.touched_records import BY_BILL, months_between
from dure.services.buildings.rules import Choice
from dure.services.buildings.sites import Sites
from dure.spine.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dure.services.buildings.months.touched_records import Touched
    from dure.spine.house import House

TOUCHED_MAX = 2_000
METERS_A_ROUND = 400
DAILY_ROUNDS = 1_400
PATIENCE = timedelta(minutes=10)  # an entry that was never stored keeps a month waiting no longer


class MonthWatch:
    """Months follow intervals and bills."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._sites = Sites({}, {}, [])
        self._generation = -1
        self._day: date | None = None
        self._running: list[str] = []
        self._daily = Turns(DAILY_ROUNDS, least_n=1)

    async def look(self) -> int:
        """One round; how many months were written."""
        await self._house.directory.refresh_if_changed()
        return await asyncio.to_thread(self._round)

    def _round(self) -> int:
        house, now = self._house, self._house.clock.now()
        today = now.astimezone(house.city.zone).date()
        self._refresh(today)
        with house.records.read() as connection:
            waiting = touched_records.waiting(connection, TOUCHED_MAX)
        ready = [one for one in waiting if self._is_stored(one)]
        wanted: dict[str, set[str]] = {}
        for one in ready:
            wanted.setdefault(one.meter, set()).add(one.month)
        part, self._running = self._running[:METERS_A_ROUND], self._running[METERS_A_ROUND:]
        first = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
        _want(wanted, part, months_between(first, today))
        back = int(rules.load_pack("months", house.city.folder).row("making", "back_months", Choice, today).value)
        oldest = date((today.year * 12 + today.month - 1 - back) // 12, (today.month - 1 - back) % 12 + 1, 1)
        _want(wanted, self._daily.of(sorted(self._sites.meters)), months_between(oldest, today))
        done = month_desk.make(house, self._sites, wanted)
        with house.records.begin() as connection:
            touched_records.done(connection, ready)
        return done

    def _refresh(self, today: date) -> None:
        """The register, when it changed; on a new day every meter is due, and parcels are shared out again."""
        house = self._house
        if self._generation != (generation := house.directory.generation):
            with house.records.read() as connection:
                self._sites = sites.registered(connection)
            self._generation = generation
            self._running = sorted(self._sites.meters)
        if self._day != today:
            self._day, self._running = today, sorted(self._sites.meters)
            with house.records.begin() as connection:
                rows = parcel_records.current(connection)
                parcel_records.allocate(connection, self._sites, rows, house.city.zone, house.clock.now())

    def _is_stored(self, one: Touched) -> bool:
        if one.last_us == BY_BILL or self._house.clock.now() - one.touched_at > PATIENCE:
            return True
        return self._house.telemetry.observation((one.meter, one.use), one.last_us) is not None


def _want(wanted: dict[str, set[str]], meters: Iterable[str], months: list[str]) -> None:
    for meter in meters:
        wanted.setdefault(meter, set()).update(months)
