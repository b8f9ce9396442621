"""A house with one charging site that can be planned: real records and telemetry, connected chargers, sun, storage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
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
from dure.engines.records import assets, devices
from dure.engines.records.audit import By
from dure.engines.records.devices import Device
from dure.engines.records.store import Records
from dure.engines.records.tables_charging_sessions import charging_sessions
from dure.engines.records.tables_charging_stations import charging_stations
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.services.charging.model import KINDS, PROPERTIES, Site, Version
from dure.services.charging.planning.plan_records import Told
from dure.services.charging.planning.telling import Wanted
from dure.services.charging.service import ChargingService
from dure.services.charging.sessions.model import Session
from dure.spine.directory import Directory
from dure.spine.house import House
from dure.spine.live import Live, LiveValue

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # Tuesday noon in Korea
SITE = "lot"
CHARGERS: dict[str, Version] = {"cp-a": "ocpp1.6", "cp-b": "ocpp2.0.1"}


def settled_city(house: House, at: datetime, **site: str) -> None:
    """One site with two chargers of two EVSEs each, sun and storage, all connected."""
    by = By("test", at)
    with house.records.begin() as connection:
        _add(house, connection, by, SITE, "charging_site", None, {"contract_kw": "40", "grid_to_ess": "yes"} | site)
        _add(house, connection, by, "sun", "pv", SITE, {"peak_kw": "50"})
        _add(house, connection, by, "store", "ess", SITE, {"capacity_kwh": "100", "power_kw": "40"})
        for name, version in CHARGERS.items():
            _add(house, connection, by, name, "charger", SITE, {"power_kw": "14"})
            devices.add(connection, Device(id=f"dev-{name}", asset=name, city=house.city.id, state="live"), by)
            for number in (1, 2):
                _add(house, connection, by, f"{name}-{number}", "evse", name, {"number": str(number), "phases": str(number)})
            linked(connection, name, version, at)


def _add(house: House, connection: Any, by: By, key: str, kind: str, parent: str | None, attributes: dict[str, str]) -> None:  # noqa: PLR0913, PLR0917  # an asset
    one = Asset(
        id=key, kind=kind, name=Text(key, key), city=house.city.id, place=place_at(126.83, 37.2), parent=parent,
        attributes=attributes, state="live",
    )  # fmt: skip
    assets.add(connection, one, by)


def linked(connection: Any, charger: str, version: str, at: datetime, booted_at: datetime | None = None) -> None:
    """A charger is connected; it booted then, unless another time is given."""
    row = {
        "charger": charger, "version": version, "linked": True, "linked_at": at, "heard_at": at, "booted_at": booted_at or at,
        "boot": {},
    }  # fmt: skip
    connection.execute(charging_stations.delete().where(charging_stations.c.charger == charger))
    connection.execute(insert(charging_stations).values(row))


def session(house: House, key: str, charger: str, number: int, **more: Any) -> Session:
    """A session that runs, kept."""
    now = house.clock.now()
    usual: dict[str, Any] = {"transaction": str(len(key) * 100 + ord(key[-1])), "started_at": now, "last_at": now}
    one = Session(id=key, charger=charger, state="running", evse=f"{charger}-{number}", **(usual | {"site": SITE} | more))
    row = {name: value for name, value in msgspec.structs.asdict(one).items() if name in charging_sessions.c}
    with house.records.begin() as connection:
        connection.execute(insert(charging_sessions).values(row | {"begun_us": to_us(one.started_at), "silent_at": None}))
    return one


def measured(house: House, asset: str, name: str, value: float, ago_s: float = 60.0) -> None:
    """A newest value."""
    at_us = to_us(house.clock.now() - timedelta(seconds=ago_s))
    house.live.load([LiveValue(asset, name, at_us, at_us, value, int(Flag.GOOD), 0)])


def kept(house: House, asset: str, name: str, hours: float, watt: float, first: float = 0.0) -> None:
    """A register's reads of the last hours, one a minute, as a steady power [W]; kept in telemetry."""
    now_us = to_us(house.clock.now())
    time_us = now_us - np.arange(round(hours * 60), -1, -1, dtype=np.int64) * 60_000_000
    n = len(time_us)
    good, zero = np.full(n, int(Flag.GOOD), np.uint8), np.zeros(n, np.uint8)
    value = first + watt / 60 * np.arange(n)
    batch = Batch(
        [(asset, name)], np.zeros(n, np.int32), time_us, time_us, value, good, zero, np.arange(1, n + 1, dtype=np.int64)
    )
    house.telemetry.append(batch, {})


def planned_house(folder: Path) -> House:
    """An empty house with real records and telemetry."""
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
    return House(**parts)


class Recorded:
    """Remembers what would be told, and that it was."""

    def __init__(self) -> None:
        self.said: list[tuple[Wanted, Version]] = []

    async def tell(self, site: Site, wanted: Wanted, version: Version, at: datetime) -> Told | None:
        self.said.append((wanted, version))
        return Told(
            target=wanted.target, purpose=wanted.purpose, site=site.id, sent_at=at, limits_w=wanted.limits_w, told={},
            session=wanted.session, until=wanted.until,
        )  # fmt: skip

    def taken(self, purpose: str) -> list[Wanted]:
        """What was told since the last time."""
        found = [one for one, _ in self.said if one.purpose == purpose]
        self.said = [(one, version) for one, version in self.said if one.purpose != purpose]
        return found
