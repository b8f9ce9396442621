"""The demo's crew: it empties bins by the plan in force, or by its old fixed rounds where there is none, and taps each one.

What it did is kept as sightings like any crew's, so the bins of the simulator know when they were emptied, whoever did it.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from dure.core.time import day_interval, day_of, format_instant
from dure.engines.records.audit import By
from dure.services.waste.driving import route_source, tap_desk, tap_records
from dure.services.waste.driving.taps import LEVELS, Tap
from dure.services.waste.model import Sighting
from dure.services.waste.simulating.virtual_bins import VirtualBin, level, rounds_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from dure.spine.house import House

CREW = "demo-crew"
BEGINS_BEFORE = timedelta(days=5)  # bins were emptied before the first day that is played
REPORTED_FROM = 1.05  # a citizen sees what lies beside a bin


class DemoCrew:
    """Empties the virtual bins of a city and taps."""

    def __init__(self, house: House, bins: Sequence[VirtualBin]) -> None:
        self._house, self._bins = house, {one.bin.id: one for one in bins}
        self._emptied: dict[str, list[datetime]] = {name: [] for name in self._bins}
        self._since: datetime | None = None

    def emptied(self, name: str) -> Sequence[datetime]:
        """When a bin was emptied, ascending, as of the last look."""
        return self._emptied.get(name, ())

    async def begin(self, days: int) -> int:
        """Play the rounds of the past days, as one who drove them without a plan; sightings kept."""
        return await asyncio.to_thread(self._begin, days)

    async def look(self) -> int:
        """What is due by now is emptied and tapped; how many bins."""
        return await asyncio.to_thread(self._look)

    def _begin(self, days: int) -> int:
        now = self._house.clock.now()
        start = now - timedelta(days=days) - BEGINS_BEFORE
        seed, found = self._house.city.seed, []
        for one in self._bins.values():
            past: list[datetime] = []
            for at in rounds_of(seed, one, start, now):
                found.append(self._sighting(one, at, past))
                past.append(at)
        with self._house.records.begin() as connection:
            kept = tap_records.add(connection, found)
        self._read(start, now)
        return kept

    def _look(self) -> int:
        house, now = self._house, self._house.clock.now()
        self._read(self._since or now - timedelta(days=400), now)
        day = day_of(now, house.city.zone)
        due = {name: at for name, at in self._due(day, now).items() if not self._is_done(name, day, house.city.zone)}
        taps = [self._tap(self._bins[name], at) for name, at in sorted(due.items(), key=lambda pair: pair[1])]
        if taps:
            tap_desk.take(house.records, taps, By(CREW, now))
        self._report(day, now)
        self._read(self._since or now, now)
        return len(taps)

    def _read(self, since: datetime, now: datetime) -> None:
        """Emptyings that were told since, by whomever."""
        with self._house.records.read() as connection:
            told = tap_records.between(connection, since - timedelta(days=1), now + timedelta(minutes=10))
        for one in told:
            known = self._emptied.get(one.bin)
            if one.kind == "emptied" and known is not None and one.seen_at not in known:
                insort(known, one.seen_at)
        self._since = now

    def _due(self, day: date, now: datetime) -> dict[str, datetime]:
        """When bins were to be emptied today, up to now: by the plan in force, else by the fixed rounds."""
        house, begin = self._house, day_interval(day, self._house.city.zone).start
        with house.records.read() as connection:
            plan = route_source.plan_in_force(connection, day)
        if plan is None:
            rounds = {name: rounds_of(house.city.seed, one, begin, now) for name, one in self._bins.items()}
            return {name: times[0] for name, times in rounds.items() if times}
        stops = [visit for route in route_source.routes_of(plan) for visit in route.visits if visit["kind"] == "stop"]
        times = {str(one["id"]): begin + timedelta(seconds=int(one["begin_s"])) for one in stops}
        return {name: at for name, at in times.items() if at <= now and name in self._bins}

    def _is_done(self, name: str, day: date, zone: ZoneInfo) -> bool:
        return any(day_of(at, zone) == day for at in self._emptied[name])

    def _seen(self, one: VirtualBin, at: datetime, past: Sequence[datetime]) -> float:
        """The level as a driver says it: the nearest of the buttons."""
        true = level(self._house.city.seed, one, at, past)
        return min(LEVELS, key=lambda button: abs(button - true))

    def _sighting(self, one: VirtualBin, at: datetime, past: Sequence[datetime]) -> Sighting:
        seen = self._seen(one, at, past)
        name = f"demo-{one.bin.id}-{day_of(at, one.zone)}"
        return Sighting(id=name, bin=one.bin.id, kind="emptied", seen_at=at, level=seen, received_at=at, person=CREW)

    def _tap(self, one: VirtualBin, at: datetime) -> Tap:
        seen = self._seen(one, at, self._emptied[one.bin.id])
        name = f"demo-{one.bin.id}-{day_of(at, one.zone)}"
        return Tap(id=name, bin=one.bin.id, kind="emptied", seen_at=format_instant(at), level=seen)

    def _report(self, day: date, now: datetime) -> None:
        """Citizens say that a bin overflows whose sensor says that it does not."""
        seed = self._house.city.seed
        sure = [name for name, one in self._bins.items() if one.fault == "contradicted"]
        over = [name for name in sure if level(seed, self._bins[name], now, self._emptied[name]) >= REPORTED_FROM]
        ids = {name: f"demo-report-{name}-{day}" for name in over}
        found = [Sighting(id=ids[name], bin=name, kind="report", seen_at=now, level=1.1, received_at=now) for name in over]
        if found:
            with self._house.records.begin() as connection:
                tap_records.add(connection, found)
