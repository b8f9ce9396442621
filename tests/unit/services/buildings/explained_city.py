"""A small city whose books are real engines: two buildings, meters by hours and by bills, months made of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

import numpy as np

from dure.core.observations import Batch
from dure.core.text import Text
from dure.core.time import to_us
from dure.engines.records.store import Records
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.services.buildings.explaining.sources import Books
from dure.services.buildings.intervals import interval_books
from dure.services.buildings.intervals.interval_books import GRID_US
from dure.services.buildings.model import Building, Meter
from dure.services.buildings.months import bill_records, month_records
from dure.services.buildings.months.bill_records import KeptBill
from dure.services.buildings.months.derived_months import physical_of, virtual_month
from dure.services.buildings.months.month_making import Grounds, midnight_us, months_made
from dure.services.buildings.sites import Sites

SEOUL = ZoneInfo("Asia/Seoul")
KNOWN = datetime(2026, 11, 5, 3, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
FIRST = to_us(datetime(2025, 10, 31, 15, tzinfo=UTC)) // GRID_US  # midnight of 1 November 2025 in Korea
HOURS = 365 * 24
MONTHS = [f"2025-{month}" for month in (11, 12)] + [f"2026-{month:02}" for month in range(1, 11)]
BUILDINGS = {
    one.id: one
    for one in (
        Building(id="hall", lon=126.8, lat=37.2, name=Text("청사", "Hall"), use="office", area_m2=4_000, body="화성시"),
        Building(id="lib", lon=126.8, lat=37.2, name=Text("도서관", "Library"), use="library", area_m2=900, body="화성시"),
    )
}
METERS = {
    one.id: one
    for one in (
        Meter(id="el", building="hall", fuel="electricity"),
        Meter(id="el-sub", building="hall", fuel="electricity", part="sub"),
        Meter(id="el-rest", building="hall", fuel="electricity", part="sub", formula={"el": 1, "el-sub": -1}),
        Meter(id="gas", building="hall", fuel="city_gas"),
        Meter(id="oil", building="hall", fuel="diesel"),
        Meter(id="water", building="hall", fuel="water"),
        Meter(id="lib-el", building="lib", fuel="electricity"),
    )
}
SITES = Sites(MappingProxyType(BUILDINGS), MappingProxyType(METERS), [])


@dataclass
class City:
    """Its books and what was put on them."""

    records: Records
    telemetry: DuckTelemetry
    books: Books

    def close(self) -> None:
        self.telemetry.close()
        self.records.close()

    def booked(
        self, meter: str, first_us: int, values: list[int] | np.ndarray, result_at: datetime, step_us: int = GRID_US
    ) -> None:
        """Entries of a meter's use."""
        n = len(values)
        use = METERS[meter].supply.use
        times = first_us + step_us * np.arange(n, dtype=np.int64)
        zeros, results = np.zeros(n, np.int32), np.full(n, to_us(result_at), np.int64)
        batch = Batch(
            [(meter, use)], zeros, times, results, np.asarray(values, float), np.ones(n, np.uint8), np.zeros(n, np.uint8),
            np.ones(n, np.int64),
        )  # fmt: skip
        self.telemetry.append(batch, {})

    def billed(self, meter: str, months: list[str], amount: int, won: int, read_on: int = 15) -> None:
        """A bill for each month, read on a day."""
        rows = []
        for n, month in enumerate(months):
            start = date(int(month[:4]), int(month[5:]), read_on)
            end = (start.replace(day=1) + timedelta(days=32)).replace(day=read_on)
            rows.append(
                KeptBill(
                    id=f"{meter}-{month}", meter=meter, start_day=start.isoformat(), end_day=end.isoformat(), amount=amount + n,
                    book=METERS[meter].supply.book, won=won, import_id="file-1", row=n + 2, known_at=KNOWN,
                )
            )  # fmt: skip
        with self.records.begin() as connection:
            bill_records.put(connection, rows)

    def made(self, meter: str, months: list[str], known_at: datetime) -> None:
        """Months of a meter, as the watch makes them."""
        with self.records.begin() as connection:
            one = METERS[meter]
            if one.formula:
                self._made_virtual(connection, one, months, known_at)
                return
            bills = bill_records.find(connection, [meter], as_of=known_at)
            hours = interval_books.read(self.telemetry, meter, one.supply.use, (0, 2**62), as_of_us=to_us(known_at))
            until = midnight_us(known_at.astimezone(SEOUL).date(), SEOUL)
            grounds = Grounds(meter=one, zone=SEOUL, known_at=known_at, known_until_us=until, hours=hours, bills=bills)
            month_records.put(connection, months_made(grounds, months))

    @staticmethod
    def _made_virtual(connection, one, months, known_at) -> None:
        counts, _ = physical_of(METERS)
        for month in months:
            rows = {row.meter: row for row in month_records.find(connection, month, month, meters=counts[one.id])}
            made = virtual_month(one, counts[one.id], rows, month, known_at)
            assert made is not None
            month_records.put(connection, [made])


def explained_city(folder) -> City:
    """A year of it, known since early November."""
    records = Records(f"sqlite:///{folder}/records.db")
    records.migrate()
    telemetry = DuckTelemetry(folder / "telemetry.duckdb")
    city = City(records, telemetry, Books(None, SEOUL, records, telemetry, NOW, lambda _: SITES))
    chance = np.random.default_rng(7)
    for meter, level in (("el", 30_000), ("el-sub", 6_000), ("water", 90), ("lib-el", 9_000)):
        city.booked(meter, FIRST * GRID_US, chance.integers(level // 2, level, HOURS), KNOWN - timedelta(hours=3))
    city.billed("gas", ["2025-10", *MONTHS], 40_000_000, 900_000)
    city.billed("oil", MONTHS, 300, 450_000, read_on=1)
    for meter in METERS:
        city.made(meter, MONTHS, KNOWN)
    return city
