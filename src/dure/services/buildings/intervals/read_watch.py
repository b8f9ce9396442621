"""Register reads of live meters become intervals on the books.

Each minute: meters whose register is newer than what was derived of it are derived again, some days back, so that late reads and
levels that were not decided are taken in; once a day, in turns, all that is remembered (rules/reads.toml). Deriving is pure and
booking writes differences only, so a round done twice, or after a restart, books nothing.

A read that is flagged failed or missing is not used; one that is marked estimated counts as such. The hour a meter is in waits
until a later read ends it. In the hours that a file brought, a register changes nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dure.core.observations import Check, Flag
from dure.core.time import US_PER_S, from_us, to_us
from dure.services.buildings import rules, sites
from dure.services.buildings.intervals import exchange_records, import_records, interval_desk
from dure.services.buildings.intervals.booking import Booking, days_of, hours_of, is_coarse
from dure.services.buildings.intervals.interval_books import GRID_US
from dure.services.buildings.intervals.interval_desk import Wanted
from dure.services.buildings.months import bill_records, touched_records
from dure.services.buildings.months.bill_records import REGISTER, KeptBill
from dure.services.buildings.months.touched_records import Touched
from dure.services.buildings.reads.deriving import derive
from dure.services.buildings.reads.model import Derived, Exchange, Read, Register, Trust
from dure.services.buildings.rules import Choice
from dure.spine.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime
    from pathlib import Path

    from dure.engines.telemetry.port import Telemetry
    from dure.services.buildings.model import Meter
    from dure.spine.house import House

DAY_US = 86_400 * US_PER_S
LEAD_US = DAY_US  # derived before what is booked, so that a window never begins on a read that is not believed
A_ROUND = 300  # meters of one round; the others have their turn in the next
DAILY_ROUNDS = 1_440
USED = (Flag.GOOD, Flag.NOT_EVALUATED, Flag.SUSPECT)


class Ways(NamedTuple):
    """How reads are booked, by the rules in force on a day."""

    trust: Trust
    booking: Booking
    back_us: int
    history_us: int


def ways_of(day: date, folder: Path | None) -> Ways:
    """The rows of ``rules/reads.toml`` in force on a day."""
    pack = rules.load_pack("reads", folder)
    measured, coarse, back, history = (
        float(pack.row("booking", name, Choice, day).value) for name in ("measured_min", "coarse_h", "back_d", "history_d")
    )
    booking = Booking(round(measured * 60 * US_PER_S), round(coarse * 3_600 * US_PER_S))
    return Ways(rules.load_trust(day, folder), booking, round(back * DAY_US), round(history * DAY_US))


class ReadWatch:
    """Intervals follow the registers."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._meters: dict[str, Meter] = {}
        self._exchanges: dict[str, list[Exchange]] = {}
        self._brought: dict[str, list[tuple[int, int]]] = {}
        self._seen: tuple[int, int, datetime | None] = (-1, -1, None)
        self._imports: tuple[int, datetime | None] = (0, None)
        self._derived_us: dict[str, int] = {}
        self._coarse: set[str] = set()  # read by days: all their reads are derived every time
        self._daily = Turns(DAILY_ROUNDS, least_n=1)

    async def look(self) -> int:
        """One round; how many entries, flags and days were booked."""
        house, now = self._house, self._house.clock.now()
        await house.directory.refresh_if_changed()
        await asyncio.to_thread(self._refresh)
        ways = ways_of(now.astimezone(house.city.zone).date(), house.city.folder)
        due = self._due(to_us(now), ways)
        done = 0
        for at in range(0, len(due), A_ROUND):
            part = due[at : at + A_ROUND]
            wanted, days = await asyncio.to_thread(self._derive, part, ways)
            booked = await interval_desk.book(house, wanted)
            done += booked.entries + booked.flags + await asyncio.to_thread(self._keep_days, days)
            self._derived_us |= {meter.id: newest for meter, _, newest in part}
        return done

    def _refresh(self) -> None:
        """Meters, exchanges and spans that files brought, when any of them changed."""
        with self._house.records.read() as connection:
            state = (self._house.directory.generation, *exchange_records.state(connection))
            if state != self._seen:
                found = sites.registered(connection)
                self._meters = {one.id: one for one in found.meters.values() if one.supply.register and not one.formula}
                noted = exchange_records.of_meters(connection, self._meters)
                for meter in noted.keys() | self._exchanges.keys():
                    if noted.get(meter) != self._exchanges.get(meter) and self._seen[0] >= 0:
                        self._derived_us.pop(meter, None)  # all of it is derived again
                self._exchanges, self._seen = noted, state
            if self._imports != (imports := import_records.state(connection)):
                self._brought, self._imports = import_records.spans(connection), imports

    def _due(self, now_us: int, ways: Ways) -> list[tuple[Meter, int, int]]:
        """Meters to be derived: from which instant on, and their newest read."""
        live, found = self._house.live, {}
        newest = {
            one.id: value.time_us
            for one in self._meters.values()
            if (value := live.get(one.id, one.supply.register or "")) is not None
        }
        remembered_us = ways.trust.remember_d * DAY_US
        for meter, at_us in newest.items():
            derived_us = self._derived_us.get(meter)
            if derived_us is None:
                found[meter] = self._first_us(meter, now_us, ways)
            elif at_us > derived_us:
                found[meter] = now_us - ways.history_us if meter in self._coarse else min(derived_us, at_us) - ways.back_us
        for meter in self._daily.of(sorted(newest)):
            found[meter] = min(found.get(meter, now_us), now_us - remembered_us)
        return [(self._meters[one], found[one], newest[one]) for one in sorted(found)]

    def _first_us(self, meter: str, now_us: int, ways: Ways) -> int:
        """Where a meter begins that was not derived since the start: at its history, or where its books are young."""
        one = self._meters[meter]
        booked = self._house.live.get(meter, one.supply.use)
        exchanged = [to_us(each.at) - ways.trust.remember_d * DAY_US for each in self._exchanges.get(meter, ())]
        if booked is None:
            return now_us - ways.history_us
        return max(now_us - ways.history_us, min([booked.time_us - ways.trust.remember_d * DAY_US, *exchanged]))

    def _derive(self, due: list[tuple[Meter, int, int]], ways: Ways) -> tuple[list[Wanted], list[KeptBill]]:
        """What the books of these meters are to say, and what those say that are read by days."""
        wanted: list[Wanted] = []
        days: list[KeptBill] = []
        for meter, since_us, _ in due:
            reads = reads_of(self._house.telemetry, meter, since_us - LEAD_US)
            if len(reads) < 2:
                continue
            found = derive(reads, register_of(meter), ways.trust, self._exchanges.get(meter.id, ()))
            if is_coarse(found.deltas, ways.booking):
                self._coarse.add(meter.id)
                days += self._days(meter, found)
                continue
            wanted.append(self._wanted(meter, found, since_us, ways))
        return wanted, days

    def _wanted(self, meter: Meter, found: Derived, since_us: int, ways: Ways) -> Wanted:
        """Hours from the first that is known to its begin; a meter's very first one may be known in part only."""
        first_us = to_us(found.deltas[0].start) if found.deltas else since_us
        last_us = to_us(found.deltas[-1].end) if found.deltas else since_us
        is_new = first_us > since_us and self._house.live.get(meter.id, meter.supply.use) is None
        begin_us = (first_us if is_new else max(since_us, first_us) + GRID_US - 1) // GRID_US * GRID_US
        hours = hours_of(found.deltas, ways.booking, open_from_us=last_us)
        end_us = max(begin_us, last_us // GRID_US * GRID_US)
        brought = tuple(self._brought.get(meter.id, ()))
        return Wanted(meter, hours.of(hours.start_us >= begin_us), span_us=(begin_us, end_us), kept_us=brought)

    def _days(self, meter: Meter, found: Derived) -> list[KeptBill]:
        now, zone = self._house.clock.now(), self._house.city.zone
        return [
            KeptBill(
                id=f"{meter.id}:{one.start}:{to_us(now)}",
                meter=meter.id,
                start_day=one.start.isoformat(),
                end_day=one.end.isoformat(),
                amount=one.amount,
                book=meter.supply.book,
                quality=one.quality.value,
                known_at=now,
            )
            for one in days_of(found.deltas, zone)
        ]

    def _keep_days(self, days: list[KeptBill]) -> int:
        """Days that registers tell; a file's bill of the same days stays, and so do those that other days overlap."""
        if not days:
            return 0
        now = self._house.clock.now()
        with self._house.records.begin() as connection:
            held = bill_records.current(connection, {row.meter for row in days})
            stale = bill_records.stale(days, held)
            brought = [one for one in held if one.import_id != REGISTER]
            apart = bill_records.overlapping(days, brought)
            starts = {(one.meter, one.start_day) for one in brought}
            fresh = [one for one in days if one.id not in apart and (one.meter, one.start_day) not in starts]
            bill_records.retire(connection, stale, now)
            kept = bill_records.put(connection, fresh)
            touched_records.touch(connection, touched_by([*kept, *stale], now))
        return len(kept) + len(stale)


def touched_by(bills: Iterable[KeptBill], now: datetime) -> list[Touched]:
    """The months that bills overlap."""
    return [Touched(meter=one.meter, month=month, touched_at=now) for one in bills for month in bill_records.months_of(one)]


def register_of(meter: Meter) -> Register:
    """How a meter counts."""
    supply = meter.supply
    return Register(rate_max_per_h=meter.rate_max_per_h, size=meter.register_size, resolution=meter.resolution, book=supply.book)


def reads_of(telemetry: Telemetry, meter: Meter, since_us: int, until_us: int = 2**62) -> list[Read]:
    """Reads of a meter's register that may be used, in time. Blocks."""
    rows = telemetry.series((meter.id, meter.supply.register or ""), since_us, until_us)
    good = np.isin(rows.flag, USED) & ~np.isnan(rows.value)
    estimated = rows.check[good] == Check.ESTIMATED
    values = np.rint(rows.value[good]).astype(np.int64)
    return [
        Read(from_us(us), value, one)
        for us, value, one in zip(rows.time_us[good].tolist(), values.tolist(), estimated.tolist(), strict=True)
    ]


__all__ = ["ReadWatch", "Ways", "reads_of", "register_of", "touched_by", "ways_of"]
