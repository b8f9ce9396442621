"""A house with one workplace whose last weeks of sessions and sun are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import insert

from dure.city import read_city
from dure.config import Settings
from dure.core.assets import Asset, AssetKinds
from dure.core.geo import at as place_at
from dure.core.observations import Batch, Flag
from dure.core.properties import Properties
from dure.core.text import Text
from dure.core.time import to_us
from dure.engines.clock import FixedClock
from dure.engines.identity.people import People
from dure.engines.records import assets
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.records.tables_charging_sessions import charging_sessions
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.services.charging.model import KINDS, PROPERTIES
from dure.services.charging.service import ChargingService
from dure.spine.directory import Directory
from dure.spine.house import House
from dure.spine.live import Live

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)  # Tuesday the 24th, three in the morning in Korea
SITE = "works"
WEEKDAYS = 5
ENDED = {
    "charger": "works-cp", "site": SITE, "evse": "", "state": "settled", "token": "", "returned_wh": 0, "charging_state": "",
    "stopped_reason": "", "trust": "measured", "offline": False, "silent_at": None, "facts": {},
}  # fmt: skip


def forecast_house(folder: Path) -> House:
    """A house with a site, its charger, sun and storage, and nothing of its past."""
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
    house = House(**parts)
    _add(house, SITE, "charging_site", None, {"contract_kw": "40", "grid_to_ess": "yes"})
    _add(house, "works-sun", "pv", SITE, {"peak_kw": "30"})
    _add(house, "works-store", "ess", SITE, {"capacity_kwh": "60", "power_kw": "20"})
    _add(house, "works-cp", "charger", SITE, {"power_kw": "50"})
    return house


def _add(house: House, key: str, kind: str, parent: str | None, attributes: dict[str, str]) -> None:
    one = Asset(
        id=key, kind=kind, name=Text(key, key), city=house.city.id, place=place_at(126.83, 37.2), parent=parent,
        attributes=attributes, state="live",
    )  # fmt: skip
    with house.records.begin() as connection:
        assets.add(connection, one, By("test", NOW - timedelta(days=90)))


def add_sessions(house: House, days: int, cars: int = 6) -> None:
    """The same cars every working day of the last days, from about nine until five."""
    chance = np.random.default_rng(7)
    midnight = NOW.astimezone(CITY.zone).replace(hour=0)
    rows = []
    for back in range(1, days + 1):
        day = midnight - timedelta(days=back)
        for car in range(cars if day.weekday() < WEEKDAYS else 0):
            begun = day + timedelta(hours=float(chance.normal(9, 0.5)))
            ended = begun + timedelta(hours=float(chance.uniform(6, 8)))
            row = {"id": f"cs-{back}-{car}", "transaction": f"{back}-{car}", "energy_wh": int(chance.integers(6_000, 14_000))}
            row |= {"begun_us": to_us(begun), "started_at": begun, "ended_at": ended, "last_at": ended}
            rows.append(ENDED | row)
    with house.records.begin() as connection:
        connection.execute(insert(charging_sessions), rows)


def add_sun(house: House, days: int, peak_w: float = 25_000.0) -> None:
    """Reads of the generator's register, one in five minutes, from six to eighteen by the sun's clock."""
    now = to_us(NOW)
    time_us = now - np.arange(days * 288, -1, -1, dtype=np.int64) * 300_000_000
    hour = (time_us / 3.6e9 + 9) % 24
    watt = np.maximum(0.0, np.sin((hour - 6) / 12 * np.pi)) * peak_w
    n = len(time_us)
    batch = Batch(
        [("works-sun", "solar_register")], np.zeros(n, np.int32), time_us, time_us, np.cumsum(watt) / 12,
        np.full(n, int(Flag.GOOD), np.uint8), np.zeros(n, np.uint8), np.arange(1, n + 1, dtype=np.int64),
    )  # fmt: skip
    house.telemetry.append(batch, {})
