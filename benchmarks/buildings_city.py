"""A made city of 1,500 buildings and 2,380 meters: a year of hours in a real DuckDB telemetry, months in a real SQLite.

The hours are seeded and plain (a day's and a week's shape, a season, noise): what is measured is how fast they are found, not
what they say. Months are made of the same hours by `months_made`, so that every figure unfolds to its readings.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from dure.city import read_city
from dure.config import Settings
from dure.core.assets import Asset, AssetKinds
from dure.core.geo import at as place_at
from dure.core.observations import Batch
from dure.core.properties import Properties
from dure.core.text import Text
from dure.core.time import to_us
from dure.engines.clock import FixedClock
from dure.engines.identity.people import People
from dure.engines.records import assets
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.services.buildings import sites
from dure.services.buildings.intervals.interval_books import GRID_US, Intervals
from dure.services.buildings.model import KINDS, PROPERTIES, SUPPLIES, Meter
from dure.services.buildings.months import month_records
from dure.services.buildings.months.month_making import Grounds, midnight_us, month_span, months_made
from dure.services.buildings.months.touched_records import months_between
from dure.services.buildings.service import BuildingsService
from dure.spine.directory import Directory
from dure.spine.house import House
from dure.spine.live import Live

BUILDINGS_N = 1_500
METERS_N = int(os.environ.get("DURE_BENCH_METERS", "2380"))  # fewer for a trial; the figures are of 2,380
NOW = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
KNOWN = NOW - timedelta(hours=1)
USES = ("office", "school", "library", "welfare", "sports", "culture", "health")
OTHERS = ("city_gas", "heat", "water")
AT_ONCE = 40
EXAMPLE = Path(__file__).parents[1] / "examples" / "hwaseong"


def meters() -> list[tuple[str, str, str]]:
    """(meter, building, fuel): an electricity meter each, then gas, heat or water of some."""
    found = [(f"m{n:04}", f"b{n:04}", "electricity") for n in range(min(METERS_N, BUILDINGS_N))]
    return found + [(f"m{n:04}", f"b{n - BUILDINGS_N:04}", OTHERS[n % 3]) for n in range(BUILDINGS_N, METERS_N)]


def make(folder: Path) -> House:
    """The city in a folder, as a house without a bus."""
    city, clock = read_city(EXAMPLE), FixedClock(NOW)
    records = Records(f"sqlite:///{folder}/records.db")
    records.migrate()
    telemetry = DuckTelemetry(folder / "telemetry.duckdb")
    parts = dict.fromkeys(House.__slots__)
    parts |= {
        "settings": Settings(data_dir=str(folder)), "city": city, "clock": clock, "properties": Properties(PROPERTIES),
        "kinds": AssetKinds(KINDS), "records": records, "telemetry": telemetry, "people": People(records, clock),
        "live": Live(), "directory": Directory(records, city.id), "services": (BuildingsService(),),
    }  # fmt: skip
    house = House(**parts)
    _register(house)
    _fill(house)
    house.directory.refresh()
    return house


def _register(house: House) -> None:
    zones = house.city.zones
    buildings = [
        Asset(
            id=f"b{n:04}", city=house.city.id, kind="building", name=Text(f"공공건물 {n}호", f"Building {n}"), state="live",
            place=place_at(126.75 + 0.3 * (n % 40) / 40, 37.05 + 0.2 * (n // 40) / 40),
            attributes={"use": USES[n % len(USES)], "area_m2": 800 + 7 * n, "people": 40 + n, "body": f"기관 {n % 30}",
                        "zone": zones[n % len(zones)].id},
        )
        for n in range(BUILDINGS_N)
    ]  # fmt: skip
    listed = [
        Asset(
            id=meter, city=house.city.id, kind="meter", name=Text(f"계량기 {meter}", f"Meter {meter}"), state="live",
            parent=building, place=place_at(126.9, 37.2),
            attributes={"fuel": fuel} | ({"supplier": "KDHC", "branch": "수도권"} if fuel == "heat" else {}),
        )
        for meter, building, fuel in meters()
    ]  # fmt: skip
    with house.records.begin() as connection:
        assets.import_many(connection, [*buildings, *listed], By("benchmark", NOW - timedelta(days=900)))


def _fill(house: House) -> None:
    zone = house.city.zone
    first, last = midnight_us(date(2025, 1, 1), zone), midnight_us(date(2026, 1, 1), zone)
    hours = (last - first) // GRID_US
    start = first + np.arange(hours, dtype=np.int64) * GRID_US
    chance = np.random.default_rng(20_260_105)
    hour = np.arange(hours)
    shape = 1 + 0.6 * np.sin((hour % 24 - 6) / 24 * 2 * np.pi) + 0.2 * ((hour // 24) % 7 < 5)
    season = 1 + 0.3 * np.cos(hour / hours * 2 * np.pi)
    listed, months = meters(), months_between(date(2025, 1, 1), date(2025, 12, 31))
    begun = time.monotonic()
    for at in range(0, len(listed), AT_ONCE):
        part = listed[at : at + AT_ONCE]
        amounts = [
            np.rint(shape * season * (5_000 + 40 * (at + n)) * chance.uniform(0.9, 1.1, hours)).astype(np.int64)
            for n in range(len(part))
        ]
        _append(house, part, start, amounts)
        _months(house, part, months, start, amounts)
    while house.telemetry.maintain(now_us=to_us(NOW), seconds=30):
        pass
    print(f"{len(listed):,} meters x {hours:,} hours in {time.monotonic() - begun:.0f} s")


def _append(house: House, part: list[tuple[str, str, str]], start: np.ndarray, amounts: list[np.ndarray]) -> None:
    n, k = len(start), len(part)
    rows = n * k
    batch = Batch(
        [(meter, SUPPLIES[fuel].use) for meter, _, fuel in part],
        np.repeat(np.arange(k, dtype=np.int32), n), np.tile(start, k), np.full(rows, to_us(KNOWN)),
        np.concatenate(amounts).astype(np.float64), np.ones(rows, np.uint8), np.zeros(rows, np.uint8), np.arange(rows),
    )  # fmt: skip
    house.telemetry.append(batch, {})


def _months(
    house: House, part: list[tuple[str, str, str]], months: list[str], start: np.ndarray, amounts: list[np.ndarray]
) -> None:
    zone, found = house.city.zone, []
    for (meter, building, fuel), amount in zip(part, amounts, strict=True):
        hours = Intervals(start, amount, np.zeros(len(start), np.uint8), np.ones(len(start), np.int64), start)
        like = Meter(id=meter, building=building, fuel=fuel)
        grounds = Grounds(meter=like, zone=zone, known_at=KNOWN, known_until_us=month_span("2026-01", zone).end_us, hours=hours)
        found += months_made(grounds, months)
    with house.records.begin() as connection:
        month_records.put(connection, found)


def registered(house: House) -> sites.Sites:
    """Its register."""
    with house.records.read() as connection:
        return sites.registered(connection)
