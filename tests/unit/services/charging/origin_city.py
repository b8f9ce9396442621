"""A house with a charging site whose registers are known: real records, real telemetry, no server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
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
from dure.services.charging.model import KINDS, PROPERTIES
from dure.services.charging.service import ChargingService
from dure.services.charging.sessions import session_records
from dure.services.charging.sessions.assembling import Key
from dure.services.charging.sessions.gathering import Gathered
from dure.services.charging.sessions.model import Session, session_id
from dure.spine.directory import Directory
from dure.spine.house import House
from dure.spine.live import Live, live_values

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
BEGIN = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)  # midnight of 23 November in Korea
SITE = "site-1"
MINUTE = timedelta(minutes=1)


def house_in(folder: Path, at: datetime = BEGIN) -> House:
    """An empty house at an instant."""
    records = Records(f"sqlite:///{folder}/records.db")
    records.migrate()
    clock = FixedClock(at)
    parts = dict.fromkeys(House.__slots__)
    parts |= {
        "settings": Settings(data_dir=str(folder)), "city": CITY, "clock": clock, "properties": Properties(PROPERTIES),
        "kinds": AssetKinds(KINDS), "records": records, "telemetry": DuckTelemetry(folder / "telemetry.duckdb"),
        "people": People(records, clock), "live": Live(), "directory": Directory(records, CITY.id),
        "services": (ChargingService(),),
    }  # fmt: skip
    return House(**parts)  # type: ignore[arg-type]


def close(house: House) -> None:
    house.telemetry.close()
    house.records.close()


def put_site(house: House, *, storage: bool = True, site: str = SITE) -> None:
    """A site with a generator, storage, a grid meter and two EVSEs."""
    parts: list[tuple[str, str, str | None, dict[str, object]]] = [
        ("charging_site", site, None, {"contract_kw": 100, "operator": "역", "generator": "햇빛"}),
        ("charger", f"{site}-cp", site, {}),
        ("evse", f"{site}-e1", f"{site}-cp", {"number": 1, "power_kw": 50}),
        ("evse", f"{site}-e2", f"{site}-cp", {"number": 2, "power_kw": 50}),
        ("pv", f"{site}-pv", site, {"peak_kw": 100, "owner": "햇빛"}),
        ("grid_meter", f"{site}-meter", site, {}),
    ]
    if storage:
        parts.append(("ess", f"{site}-ess", site, {"capacity_kwh": 200, "power_kw": 100}))
    with house.records.begin() as connection:
        for kind, key, parent, words in parts:
            one = Asset(
                id=key, kind=kind, name=Text(key), city=CITY.id, place=place_at(126.83, 37.2), parent=parent, state="live",
                attributes=words,
            )  # fmt: skip
            assets.add(connection, one, By("test", BEGIN - timedelta(days=30)))


def read(
    house: House, asset: str, name: str, values: Sequence[float], start: datetime = BEGIN, step: timedelta = 15 * MINUTE
) -> None:
    """Reads of a register, one a step."""
    n = len(values)
    times = to_us(start) + np.arange(n, dtype=np.int64) * round(step.total_seconds() * 1e6)
    batch = Batch(
        [(asset, name)], np.zeros(n, np.int32), times, times, np.asarray(values, float), np.ones(n, np.uint8),
        np.zeros(n, np.uint8), np.ones(n, np.int64),
    )  # fmt: skip
    house.telemetry.append(batch, {})
    house.live.load(live_values(batch.take(np.array([n - 1]))))


def registers(
    house: House, flows: dict[str, Sequence[int]], *, site: str = SITE, start: datetime = BEGIN, first: int = 1_000
) -> None:
    """Reads of the registers of a site, from what passed in each quarter [Wh]: pv, charge, discharge, grid, export, load."""
    names = {
        "pv": (f"{site}-pv", "solar_register"), "charge": (f"{site}-ess", "storage_charge_register"),
        "discharge": (f"{site}-ess", "storage_discharge_register"), "grid": (f"{site}-meter", "grid_import_register"),
        "export": (f"{site}-meter", "grid_export_register"), "load": (f"{site}-meter", "site_load_register"),
    }  # fmt: skip
    for name, passed in flows.items():
        read(house, *names[name], first + np.concatenate([[0], np.cumsum(passed)]), start)


def session(  # noqa: PLR0913  # words of a session
    house: House, transaction: str, taken: Sequence[int], *, site: str = SITE, start: datetime = BEGIN, evse: int = 1,
    state: str = "ended",
) -> Session:  # fmt: skip
    """A session that took so much in each quarter [Wh], with the reads of its register."""
    values = 50_000 + np.concatenate([[0], np.cumsum(taken)])
    read(house, f"{site}-e{evse}", "evse_register", values, start)
    end = start + len(taken) * 15 * MINUTE
    return Session(
        id=session_id(f"{site}-cp", transaction), charger=f"{site}-cp", site=site, transaction=transaction,
        state="ended" if state == "ended" else "running", started_at=start, evse=f"{site}-e{evse}",
        ended_at=end if state == "ended" else None, begin_wh=50_000, end_wh=int(values[-1]) if state == "ended" else None,
        energy_wh=sum(taken), last_at=end,
    )  # fmt: skip


class Sessions:
    """Sessions as they are known, in the place of their table."""

    def __init__(self, *known: Session) -> None:
        self.known = list(known)

    def __call__(self, connection: object, site: str, start: datetime, end: datetime) -> list[Session]:
        assert connection is not None
        return [
            one
            for one in self.known
            if one.site == site and one.started_at < end and (one.ended_at is None or one.ended_at > start)
        ]


def keep(house: House, *known: Session) -> None:
    """Sessions in their table."""
    with house.records.begin() as connection:
        session_records.store(connection, [(one, Key(one.transaction, 0), Gathered()) for one in known])


def moved(house: House, at: datetime) -> None:
    """Another time."""
    house.clock = FixedClock(at)
