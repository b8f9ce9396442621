"""Hours go on the interval books: what they change is worked out against what stands there, and published through the intake.

Running it twice changes nothing: an entry has its place in time by its number, so the same entry again is the same observation.
The months it touches are noted before anything is published; if the work is cut off there, they are only made once too often.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from dure.core.observations import Reading, Revisions
from dure.core.time import from_us
from dure.services.buildings.intervals import interval_books
from dure.services.buildings.intervals.booking import Entries, Hours, entries_of, joined, withdrawn
from dure.services.buildings.intervals.interval_books import GRID_US, MARKS, QUALITIES
from dure.services.buildings.months import touched_records
from dure.services.buildings.months.touched_records import Touched
from dure.spine.directory import IMPORTER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.core.observations import Rejected
    from dure.engines.telemetry.port import Telemetry
    from dure.services.buildings.model import Meter
    from dure.spine.house import House

ROWS_MAX = 20_000


class Wanted(NamedTuple):
    """What the books of a meter are to say.

    `yields`: a measured hour is not replaced by one of less quality. `span_us`: hours on the books in it that are not among
    `hours` are withdrawn; None: they stay. `kept_us`: spans of hours that stay as they are once they are on the books.
    """

    meter: Meter
    hours: Hours
    yields: bool = False
    span_us: tuple[int, int] | None = None
    kept_us: tuple[tuple[int, int], ...] = ()


class Booked(msgspec.Struct, frozen=True):
    """What was published: entries, flags of entries, hours that take no more entries (by meter), and rows the intake refused."""

    entries: int = 0
    flags: int = 0
    full: dict[str, int] = {}  # msgspec copies an empty default for every instance
    rejected: list[Rejected] = []

    def __add__(self, other: Booked) -> Booked:
        return Booked(
            self.entries + other.entries, self.flags + other.flags, self.full | other.full, [*self.rejected, *other.rejected]
        )


class _Plan(NamedTuple):
    meter: str
    use: str
    entries: Entries


async def book(house: House, wanted: Sequence[Wanted]) -> Booked:
    """Bring the books of some meters to what is wanted; returns when the bus has acknowledged it."""
    plans = await asyncio.to_thread(_plans, house.telemetry, wanted)
    found = Booked(full={one.meter: len(one.entries.full) for one in plans if len(one.entries.full)})
    plans = [one for one in plans if len(one.entries)]
    if not plans:
        return found
    await asyncio.to_thread(_touch, house, plans)
    for part in _parts(_readings(plans)):
        kept = await house.intake.accept(IMPORTER, part, way="import", received_at=house.clock.now())
        found += Booked(kept.accepted, rejected=kept.rejected)
    revised = revisions_of([(one.meter, one.use, one.entries) for one in plans])
    if len(revised):
        await house.intake.revise(revised, source="buildings")
    return found + Booked(flags=len(revised))


def _plans(telemetry: Telemetry, wanted: Sequence[Wanted]) -> list[_Plan]:
    found = []
    for one in wanted:
        use = one.meter.supply.use
        ends = [*one.hours.start_us[[0, -1]].tolist()] if len(one.hours) else []
        ends += list(one.span_us or ())
        if not ends:
            continue
        held = interval_books.read(telemetry, one.meter.id, use, (min(ends), max(ends) + GRID_US))
        hours = one.hours
        if one.span_us is not None:
            hours = joined(hours, withdrawn(hours, held, one.span_us))
        for start_us, end_us in one.kept_us:
            inside = (hours.start_us >= start_us) & (hours.start_us < end_us) & np.isin(hours.start_us, held.start_us)
            hours = hours.of(~inside)
        found.append(_Plan(one.meter.id, use, entries_of(hours, held, yields=one.yields)))
    return found


def _touch(house: House, plans: Sequence[_Plan]) -> None:
    now, zone = house.clock.now(), house.city.zone
    rows = []
    for plan in plans:
        times = np.unique(np.concatenate([plan.entries.time_us, plan.entries.flagged_us])).tolist()
        months = touched_records.months_of(times, zone)
        rows += [Touched(meter=plan.meter, month=month, touched_at=now, use=plan.use, last_us=us) for month, us in months.items()]
    with house.records.begin() as connection:
        touched_records.touch(connection, rows)


def _readings(plans: Sequence[_Plan]) -> list[Reading]:
    return [
        Reading(plan.use, float(value), from_us(us), plan.meter)
        for plan in plans
        for us, value in zip(plan.entries.time_us.tolist(), plan.entries.value.tolist(), strict=True)
    ]


def _parts(readings: list[Reading]) -> list[list[Reading]]:
    return [readings[at : at + ROWS_MAX] for at in range(0, len(readings), ROWS_MAX)]


def revisions_of(plans: Sequence[tuple[str, str, Entries]]) -> Revisions:
    """The flags that say the quality of entries."""
    keys = [(meter, use) for meter, use, _ in plans]
    quality = np.concatenate([one.quality for *_, one in plans]) if plans else np.empty(0, np.uint8)
    marks = np.array([MARKS[one] for one in QUALITIES], np.uint8)
    return Revisions(
        keys,
        np.repeat(np.arange(len(plans), dtype=np.int32), [len(one.flagged_us) for *_, one in plans]),
        np.concatenate([one.flagged_us for *_, one in plans]) if plans else np.empty(0, np.int64),
        marks[quality, 0],
        marks[quality, 1],
    )
