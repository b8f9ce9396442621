"""What an explanation is read from: the city's books, and all that is known of one meter over some months, read once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from dure.core.errors import NotFound
from dure.core.time import to_us
from dure.engines.telemetry.port import SeriesColumns
from dure.services.buildings.intervals import interval_books
from dure.services.buildings.intervals.interval_books import GRID_US, Intervals
from dure.services.buildings.model import Meter
from dure.services.buildings.months import bill_records
from dure.services.buildings.months.bill_records import KeptBill
from dure.services.buildings.months.month_making import Span, midnight_us, month_span
from dure.services.buildings.months.month_use import MonthUse
from dure.services.buildings.sites import Sites, registered

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from dure.engines.records.store import Records
    from dure.engines.telemetry.port import Telemetry
    from dure.services.buildings.model import Building
    from dure.spine.house import House


@dataclass(frozen=True, slots=True)
class Books:
    """A city's books: its folder of rules, its clock, its records and telemetry.

    `sites` gives its register, cheaply; savings are told again where there is a house.
    """

    folder: Path | None
    zone: ZoneInfo
    records: Records
    telemetry: Telemetry
    now: datetime
    sites: Callable[[Connection], Sites] = registered
    house: House | None = None


class Register:
    """Buildings and meters of a house, read again only when the register changed."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._generation = -1
        self._sites: Sites | None = None

    def __call__(self, connection: Connection) -> Sites:
        """All of them."""
        generation = self._house.directory.generation
        if self._sites is None or generation != self._generation:
            self._sites, self._generation = registered(connection), generation
        return self._sites


def books_of(house: House, register: Register | None = None) -> Books:
    """The books of a running house."""
    return Books(
        house.city.folder, house.city.zone, house.records, house.telemetry, house.clock.now(), register or registered, house
    )


@dataclass
class Reading:
    """One connection to the books while a figure is explained."""

    books: Books
    connection: Connection

    @cached_property
    def sites(self) -> Sites:
        """The register."""
        return self.books.sites(self.connection)

    def building(self, name: str) -> Building:
        """A building; raises NotFound ``figure.unknown``."""
        found = self.sites.buildings.get(name)
        if found is None:
            raise NotFound("figure.unknown", f"There is no building {name[:80]!r}.")
        return found

    def meter(self, name: str) -> Meter:
        """A meter; raises NotFound ``figure.unknown``."""
        found = self.sites.meters.get(name)
        if found is None:
            raise NotFound("figure.unknown", f"There is no meter {name[:80]!r}.")
        return found


class MeterBooks(msgspec.Struct, frozen=True, eq=False):
    """Entries of a meter around some months, whenever they became known, and its bills as known at each instant asked for."""

    meter: Meter
    span: Span
    rows: SeriesColumns
    bills: dict[datetime, list[KeptBill]]

    def hours(self, known_at: datetime) -> Intervals:
        """Intervals as known at an instant."""
        return interval_books.of_columns(known(self.rows, to_us(known_at)))


def meter_books(reading: Reading, meter: Meter, months: Sequence[MonthUse]) -> MeterBooks:
    """All that these months of a meter may be made of: one reading of its series, and the bills as known when each was made."""
    books, zone = reading.books, reading.books.zone
    first, last = min(one.month for one in months), max(one.month for one in months)
    bills = {
        at: bill_records.find(reading.connection, [meter.id], f"{first}-01", f"{last}-32", as_of=at)
        for at in sorted({one.known_at for one in months})
    }
    spans = [month_span(first, zone), month_span(last, zone)]
    days = {(one.start_day, one.end_day) for listed in bills.values() for one in listed}
    spans += [Span(*(midnight_us(date.fromisoformat(day), zone) for day in ends)) for ends in days]
    span = Span(min(one.start_us for one in spans) - GRID_US, max(one.end_us for one in spans) + GRID_US)
    return MeterBooks(meter, span, books.telemetry.series((meter.id, meter.supply.use), *span), bills)


def known(rows: SeriesColumns, at_us: int) -> SeriesColumns:
    """The rows that were known at an instant."""
    return _taken(rows, rows.result_us <= at_us)


def within(rows: SeriesColumns, start_us: int, end_us: int) -> SeriesColumns:
    """The rows of a span."""
    return _taken(rows, (rows.time_us >= start_us) & (rows.time_us < end_us))


def _taken(rows: SeriesColumns, kept: NDArray[np.bool_]) -> SeriesColumns:
    return SeriesColumns(
        rows.time_us[kept], rows.result_us[kept], rows.value[kept], rows.flag[kept], rows.check[kept], rows.seq[kept]
    )
