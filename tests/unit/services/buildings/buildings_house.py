"""A house with public buildings: real records, real telemetry, no server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from dure.city import read_city
from dure.config import Settings
from dure.core.assets import Asset, AssetKinds
from dure.core.geo import at
from dure.core.properties import Properties
from dure.core.text import Text
from dure.engines.clock import FixedClock
from dure.engines.identity.people import People
from dure.engines.records import assets
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.services.buildings.comparing.spans import months_between
from dure.services.buildings.model import KINDS, PROPERTIES
from dure.services.buildings.months import month_records
from dure.services.buildings.months.month_use import MonthUse
from dure.services.buildings.service import BuildingsService
from dure.spine.directory import Directory
from dure.spine.house import House
from dure.spine.live import Live

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
PASSWORD = "a rather long one 42"


def house_in(folder: Path) -> House:
    """An empty house."""
    records = Records(f"sqlite:///{folder}/records.db")
    records.migrate()
    clock = FixedClock(NOW)
    parts = dict.fromkeys(House.__slots__)
    parts |= {
        "settings": Settings(data_dir=str(folder)), "city": CITY, "clock": clock, "properties": Properties(PROPERTIES),
        "kinds": AssetKinds(KINDS), "records": records, "telemetry": DuckTelemetry(folder / "telemetry.duckdb"),
        "people": People(records, clock), "live": Live(), "directory": Directory(records, CITY.id),
        "services": (BuildingsService(),),
    }  # fmt: skip
    return House(**parts)


def add_building(house: House, key: str, name: Text, fuels: tuple[str, ...] = ("electricity",), **attributes: str) -> None:
    """A building and a main meter of each fuel."""
    by, place = By("test", NOW - timedelta(days=800)), at(126.83, 37.2)
    usual = {"use": "library", "area_m2": "2000", "people": "100", "region": "gyeonggi"}
    with house.records.begin() as connection:
        building = Asset(
            id=key, kind="building", name=name, city=CITY.id, place=place, attributes=usual | attributes, state="live"
        )
        assets.add(connection, building, by)
        for fuel in fuels:
            meter = Asset(
                id=f"{key}-{fuel}", kind="meter", name=Text(f"{key} {fuel}"), city=CITY.id, place=place, parent=key,
                attributes={"fuel": fuel}, state="live",
            )  # fmt: skip
            assets.add(connection, meter, by)


def add_months(house: House, key: str, first: str, last: str, amount: int, fuel: str = "electricity") -> None:
    """Alike measured months of a meter [book unit]."""
    book = {"electricity": "Wh", "city_gas": "kJ"}[fuel]
    rows = [
        MonthUse(
            meter=f"{key}-{fuel}", month=month, known_at=house.clock.now() - timedelta(minutes=1), building=key, fuel=fuel,
            part="main", book=book, amount=amount, measured=amount, won=amount // 7, source="bills",
        )
        for month in months_between(first, last)
    ]  # fmt: skip
    with house.records.begin() as connection:
        month_records.put(connection, rows)
