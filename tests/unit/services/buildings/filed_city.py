"""A small city with two years of months: two bodies, seven buildings, four fuels. For tests of filings and their pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from dure.city import read_city
from dure.config import Settings
from dure.core.assets import Asset, AssetKinds
from dure.core.geo import at as place_at
from dure.core.properties import Properties
from dure.core.text import Text
from dure.engines.clock import FixedClock
from dure.engines.identity.people import People
from dure.engines.records import assets
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.services.buildings.comparing.spans import months_between
from dure.services.buildings.model import KINDS, PROPERTIES, SUPPLIES
from dure.services.buildings.months import month_records
from dure.services.buildings.months.month_use import MonthUse
from dure.services.buildings.service import BuildingsService
from dure.spine.directory import Directory
from dure.spine.house import House
from dure.spine.live import Live

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
NOW = datetime(2026, 3, 10, 3, 0, tzinfo=UTC)
KNOWN_AT = datetime(2026, 2, 10, 3, 0, tzinfo=UTC)
MONTHS = months_between("2024-01", "2025-12")
SUMMER = {"06", "07", "08"}
# id, name, use, area, body, then what one month takes of each fuel in its book unit.
BUILDINGS = (
    ("hall", "시청", "office", 12_000, "화성시", {"electricity": 90_000_000, "heat": 30_000_000, "pv": 5_000_000}),
    ("annex", "별관", "office", 4_000, "화성시", {"electricity": 24_000_000, "city_gas": 30_000_000}),
    ("centre", "동 행정복지센터", "office", 900, "화성시", {"electricity": 6_000_000, "city_gas": 9_000_000}),
    *((f"lib-{i}", f"도서관 {i}", "library", 3_500, "문화재단", {"electricity": (20 + 2 * i) * 1_000_000}) for i in range(1, 8)),
)
WEIGHT = {"electricity": {"06": 1.2, "07": 1.6, "08": 1.7}, "heat": {"01": 2.4, "02": 2.0, "12": 2.1, "07": 0.1, "08": 0.1}}


def registered_assets():
    """Buildings and one meter for each fuel."""
    for name, ko, use, area, body, fuels in BUILDINGS:
        attributes = {"use": use, "area_m2": area, "body": body, "region": "hwaseong"}
        yield Asset(
            id=name, city=CITY.id, kind="building", name=Text(ko, name.title()), place=place_at(126.83, 37.2), state="live",
            attributes=attributes,
        )  # fmt: skip
        for fuel in fuels:
            heat = {"supplier": "KDHC", "branch": "수도권"} if fuel == "heat" else {}
            yield Asset(
                id=f"{name}-{fuel.replace('_', '-')}", city=CITY.id, kind="meter", name=Text(f"{ko} {fuel}", f"{name} {fuel}"),
                parent=name, state="live", attributes={"fuel": fuel} | heat,
            )  # fmt: skip


def months_of_city(known_at=KNOWN_AT, **more):
    """Months of every meter; `more` changes them all."""
    for name, _, _, _, _, fuels in BUILDINGS:
        for fuel, usual in fuels.items():
            for month in MONTHS:
                amount = round(usual * WEIGHT.get(fuel, {}).get(month[5:], 1.0) * (0.96 if month > "2025" else 1.0))
                given = {"amount": amount, "measured": amount} | more
                yield MonthUse(
                    meter=f"{name}-{fuel.replace('_', '-')}", month=month, building=name, fuel=fuel, part="main",
                    book=SUPPLIES[fuel].book, known_at=known_at, **given,
                )  # fmt: skip


def house_in(folder, *, months=True):
    """A house on records of its own."""
    records = Records(f"sqlite:///{folder}/records.db")
    records.migrate()
    clock = FixedClock(NOW)
    with records.begin() as connection:
        assets.import_many(connection, list(registered_assets()), By("test", NOW - timedelta(days=90)))
        if months:
            month_records.put(connection, months_of_city())
    parts = dict.fromkeys(House.__slots__)
    parts |= {
        "settings": Settings(data_dir=str(folder)), "city": CITY, "clock": clock, "properties": Properties(PROPERTIES),
        "kinds": AssetKinds(KINDS), "records": records, "people": People(records, clock), "live": Live(),
        "directory": Directory(records, CITY.id), "services": (BuildingsService(),),
    }  # fmt: skip
    return House(**parts)
