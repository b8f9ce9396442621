"""A house for tests of the carbon ledger: real records, a fixed clock, no server."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from dure.city import read_city
from dure.config import Settings
from dure.core.assets import AssetKinds
from dure.core.events import Event
from dure.core.properties import Properties
from dure.emissions.packs import SHIPPED
from dure.engines.clock import FixedClock
from dure.engines.identity.people import People
from dure.engines.records import events
from dure.engines.records.store import Records
from dure.services.carbon.model import KINDS, PROPERTIES
from dure.spine.directory import Directory
from dure.spine.house import House
from dure.spine.live import Live

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # 12:00 in Seoul


@cache
def _migrated() -> Path:
    """A file of empty records, made once: migrating takes seconds on a busy disk."""
    file = Path(tempfile.mkdtemp(prefix="dure-carbon-")) / "records.db"
    records = Records(f"sqlite:///{file}")
    records.migrate()
    records.close()
    return file


def carbon_house(folder: Path, at: datetime = NOW, city_folder: Path | None = None) -> House:
    """A house with empty books."""
    if not (folder / "records.db").exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(_migrated(), folder / "records.db")
    records = Records(f"sqlite:///{folder}/records.db")
    clock = FixedClock(at)
    parts = dict.fromkeys(House.__slots__)
    city = CITY if city_folder is None else replace(CITY, folder=city_folder)
    parts |= {
        "settings": Settings(data_dir=str(folder)), "city": city, "clock": clock, "properties": Properties(PROPERTIES),
        "kinds": AssetKinds(KINDS), "records": records, "people": People(records, clock), "live": Live(),
        "directory": Directory(records, CITY.id), "services": (),
    }  # fmt: skip
    return House(**parts)


def folder_with(folder: Path, **packs: str) -> Path:
    """A city's folder whose emission packs are the shipped ones with rows behind them."""
    place = folder / "rules" / "emissions"
    place.mkdir(parents=True)
    for name in ("factors", "energy"):
        (place / f"{name}.toml").write_text((SHIPPED / f"{name}.toml").read_text("utf-8"), "utf-8")
    for name, rows in packs.items():
        (place / f"{name}.toml").write_text((SHIPPED / f"{name}.toml").read_text("utf-8") + rows, "utf-8")
    return folder


def tell(house: House, *told: Event) -> None:
    """Keep events as another service would."""
    with house.records.begin() as connection:
        events.announce(connection, told, house.clock.now())


def charging_day(ident: str = "origin-cs-1-2026-11-22", **changes: object) -> Event:
    """A day of a charging site as the charging service tells it."""
    wh = changes.pop("wh", {"pv": 40_000, "ess_pv": 10_000, "ess_grid": 5_000, "grid": 45_000})
    data = {
        "site": "cs-1",
        "day": "2026-11-22",
        "wh": wh,
        "estimated_intervals": 0,
        "head": "0" * 64,
        "decision": ident,
        "replaces": "",
        "evidence": [
            {
                "event": ident,
                "quantity": wh["pv"] + wh["ess_pv"],
                "unit": "Wh",
                "interval": {"start": "2026-11-21T15:00:00Z", "end": "2026-11-22T15:00:00Z"},
                "readings_sha256": "a" * 64,
                "method": "origin-1",
                "factors": [],
            }
        ],
    } | changes.pop("data", {})
    fields = {"time": datetime(2026, 11, 23, 16, 0, tzinfo=UTC), "subject": "cs-1"} | changes
    return Event(id=ident, type="charging.energy.renewable", source="dure/charging", data=data, **fields)
