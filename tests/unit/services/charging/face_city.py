"""A house with charging sites for tests of pages and open data: real records, real telemetry, no server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from dure.city import read_city
from dure.config import Settings
from dure.core.assets import Asset, AssetKinds
from dure.core.geo import at
from dure.core.observations import Batch, Flag
from dure.core.properties import Properties
from dure.core.text import Text
from dure.core.time import to_us
from dure.engines.clock import FixedClock
from dure.engines.identity.people import People
from dure.engines.records import assets
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.services.charging.model import KINDS, PROPERTIES
from dure.services.charging.service import ChargingService
from dure.spine.directory import Directory
from dure.spine.house import House
from dure.spine.live import Live, LiveValue

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
NOW = datetime(2026, 11, 24, 3, 7, tzinfo=UTC)  # 12:07 in Seoul
PASSWORD = "a rather long one 42"
PLACES = (
    ("hall", "charging_site", None, Text("시청 충전소", "City hall charging"), {
        "contract_kw": "120", "operator": "화성시", "grid_to_ess": "no",
    }),
    ("hall-c1", "charger", "hall", Text("시청 1호기", "Hall charger 1"), {"ocpp": "2.0.1", "power_kw": "14"}),
    ("hall-e1", "evse", "hall-c1", Text("시청 1번", "Hall 1"), {"number": "1", "connector": "type2", "power_kw": "7"}),
    ("hall-e2", "evse", "hall-c1", Text("시청 2번", "Hall 2"), {"number": "2", "connector": "type2", "power_kw": "7"}),
    ("hall-pv", "pv", "hall", Text("시청 태양광", "Hall solar"), {"peak_kw": "60"}),
    ("hall-ess", "ess", "hall", Text("시청 저장장치", "Hall storage"), {"capacity_kwh": "100", "power_kw": "30"}),
    ("hall-grid", "grid_meter", "hall", Text("시청 수전", "Hall grid meter"), {}),
    ("hub", "charging_site", None, Text("=급속 <허브>", "=Fast <hub>"), {"contract_kw": "400", "operator": "=2+5"}),
    ("hub-c1", "charger", "hub", Text("급속 1호기", "Hub charger 1"), {"ocpp": "1.6", "power_kw": "100"}),
    ("hub-e1", "evse", "hub-c1", Text("급속 1번", "Hub 1"), {
        "number": "1", "connector": "ccs1", "power_kw": "100", "phases": "dc",
    }),
)  # fmt: skip


def house_in(folder: Path) -> House:
    """A house with two sites."""
    records = Records(f"sqlite:///{folder}/records.db")
    records.migrate()
    clock = FixedClock(NOW)
    parts = dict.fromkeys(House.__slots__)
    parts |= {
        "settings": Settings(data_dir=str(folder)), "city": CITY, "clock": clock, "properties": Properties(PROPERTIES),
        "kinds": AssetKinds(KINDS), "records": records, "telemetry": DuckTelemetry(folder / "telemetry.duckdb"),
        "people": People(records, clock), "live": Live(), "directory": Directory(records, CITY.id),
        "services": (ChargingService(),),
    }  # fmt: skip
    by = By("test", NOW - timedelta(days=90))
    with records.begin() as connection:
        for number, (key, kind, parent, name, attributes) in enumerate(PLACES):
            place = at(126.83 + 0.01 * number, 37.2)
            assets.add(
                connection,
                Asset(
                    id=key, kind=kind, name=name, city=CITY.id, place=place, parent=parent, attributes=attributes, state="live"
                ),
                by,
            )
    house = House(**parts)
    house.directory.refresh()
    return house


def tell(house: House, asset: str, name: str, value: float, age_s: float = 20) -> None:
    """The newest value of a series."""
    time_us = to_us(NOW - timedelta(seconds=age_s))
    house.live.load([LiveValue(asset, name, time_us, time_us, value, Flag.GOOD, 0)])


def registers(house: House, asset: str, name: str, start: datetime, values: list[float], step_s: int = 900) -> None:
    """Reads of a register from an instant on."""
    n = len(values)
    time_us = to_us(start) + np.arange(n, dtype=np.int64) * step_s * 1_000_000
    ones = np.ones(n, np.uint8)
    batch = Batch(
        [(asset, name)], np.zeros(n, np.int32), time_us, time_us, np.array(values, float), ones, 0 * ones, np.zeros(n, np.int64)
    )
    house.telemetry.append(batch, {})
