"""A school with an electricity meter, a gas meter that is billed and a weather station, on real engines; seeded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from dure.city import read_city
from dure.config import Settings
from dure.core.assets import Asset
from dure.core.geo import at as place_at
from dure.core.observations import Batch
from dure.core.text import Text
from dure.core.time import day_interval, to_us
from dure.engines.clock import FixedClock
from dure.engines.records import assets
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.records.tables_buildings import building_bills
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.spine.house import House

SEOUL = ZoneInfo("Asia/Seoul")
FIRST = date(2024, 10, 30)
FROZEN_ON = date(2025, 10, 31)
BEGINS = date(2025, 11, 1)
TODAY = date(2026, 11, 24)
HOUR_US = 3_600_000_000
EXAMPLE = Path(__file__).parents[3] / "examples" / "hwaseong"


def hours(first: date, end: date) -> np.ndarray:
    """(n,) starts of the hours of local days [us]."""
    return np.arange(to_us(day_interval(first, SEOUL).start), to_us(day_interval(end, SEOUL).start), HOUR_US)


def temperature_of(at_us: np.ndarray, seed: int = 1) -> np.ndarray:
    day = at_us / (24 * HOUR_US)
    chance = np.random.default_rng(seed)
    slow = np.repeat(chance.normal(0, 2.5, len(at_us) // 24 + 1), 24)[: len(at_us)]
    return 12 - 14 * np.cos(2 * np.pi * (day - 15) / 365.25) + 4 * np.sin(2 * np.pi * (day - 0.1)) + slow


def use_of(at_us: np.ndarray, temperature: np.ndarray, seed: int = 2, share: float = 1.0) -> np.ndarray:
    """(n,) Wh: a base, hours of work, heating and cooling, noise of hours and of weeks."""
    local = (at_us // HOUR_US) + 9
    at_work = ((local % 24 >= 8) & (local % 24 < 19) & ((local // 24 + 3) % 7 < 5)).astype(float)
    need = 12_000 + 20_000 * at_work + (900 + 600 * at_work) * np.maximum(0, 15 - temperature)
    need += 1_500 * at_work * np.maximum(0, temperature - 23)
    chance = np.random.default_rng(seed)
    weeks = np.repeat(chance.normal(1, 0.02, len(at_us) // 168 + 1), 168)[: len(at_us)]
    return np.round(share * need * weeks * chance.normal(1, 0.05, len(at_us)))


def kept(
    telemetry: DuckTelemetry, key: tuple[str, str], at_us: np.ndarray, value: np.ndarray, known: datetime | None = None
) -> None:
    result = at_us + HOUR_US if known is None else np.full(len(at_us), to_us(known))
    ones, none = np.ones(len(at_us), np.uint8), np.zeros(len(at_us), np.uint8)
    numbers = np.zeros(len(at_us), np.int64)
    telemetry.append(
        Batch([key], np.zeros(len(at_us), np.int32), at_us, result, np.asarray(value, float), ones, none, numbers), {}
    )


def asset(kind: str, name: str, parent: str | None = None, east_km: float = 0.0, **words: object) -> Asset:
    place = None if kind == "meter" else place_at(127.07 + east_km / 88.6, 37.2)
    attributes: Mapping[str, object] = words
    return Asset(
        id=name, city="hwaseong", kind=kind, name=Text(name, name), place=place, parent=parent, state="live",
        attributes=dict(attributes),
    )  # fmt: skip


def registered(records: Records, *, meters: tuple[str, ...] = ("power",), more: tuple[Asset, ...] = ()) -> None:
    by = By("test", datetime(2024, 1, 1, tzinfo=UTC))
    fuels = {"power": "electricity", "power-2": "electricity", "gas": "city_gas", "water": "water"}
    with records.begin() as connection:
        assets.add(connection, asset("building", "school", use="school", area_m2=5_000), by)
        assets.add(connection, asset("station", "aws-7", east_km=2.0), by)
        for one in meters:
            assets.add(connection, asset("meter", one, "school", fuel=fuels[one]), by)
        for one in more:
            assets.add(connection, one, by)


def house_of(records: Records, folder: Path, on: date = TODAY) -> House:
    parts = dict.fromkeys(House.__slots__)
    clock = FixedClock(day_interval(on, SEOUL).start + timedelta(hours=12))
    parts |= {"settings": Settings(data_dir=str(folder / "data")), "city": read_city(EXAMPLE), "clock": clock}
    parts |= {"records": records, "telemetry": DuckTelemetry(folder / "telemetry.duckdb")}
    return House(**parts)  # type: ignore[arg-type]


def lived(house: House, *, saved: float = 0.15, until: date = TODAY, meters: Mapping[str, int] | None = None) -> None:
    """Two years of weather and use; from `BEGINS` on a share of the use is saved."""
    at_us = hours(FIRST, until)
    weather = temperature_of(at_us)
    kept(house.telemetry, ("aws-7", "air_temperature"), at_us, np.round(weather, 1))
    after = at_us >= to_us(day_interval(BEGINS, SEOUL).start)
    for name, seed in (meters or {"power": 2}).items():
        used = use_of(at_us, weather, seed) * np.where(after, 1 - saved, 1.0)
        kept(house.telemetry, (name, "electricity_use"), at_us, np.round(used))


def billed(records: Records, meter: str, rows: list[tuple[date, date, int, int | None]], book: str = "kJ") -> None:
    at = datetime(2024, 1, 1, tzinfo=UTC)
    with records.begin() as connection:
        for number, (first, end, amount, won) in enumerate(rows):
            words = {
                "id": f"{meter}-{first}", "meter": meter, "start_day": first.isoformat(), "end_day": end.isoformat(),
                "amount": amount, "book": book, "won": won, "quality": "measured", "import": "test", "row": number,
                "known_at": at, "replaced_at": None, "facts": {},
            }  # fmt: skip
            connection.execute(building_bills.insert().values(**words))


def months(first: date, n: int) -> list[tuple[date, date]]:
    """Local months from a first of month on."""
    found = []
    for _ in range(n):
        after = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        found.append((first, after))
        first = after
    return found
