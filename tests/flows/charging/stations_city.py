"""A city with one charging site and a running central system, answered by the real `Stations`; words folded as a city does."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from dure.city import read_city
from dure.config import Settings
from dure.engines.records.audit import By
from dure.running.parts import open_house
from dure.services.charging.central import central, journal_records
from dure.services.charging.central.central import Central
from dure.services.charging.central.words import TransactionSaid, Word
from dure.services.charging.stations.station_watch import StationWatch
from dure.services.charging.tokens import token_records
from dure.services.charging.tokens.token_key import token_key
from dure.services.charging.tokens.tokens import Token, digest
from dure.spine.house import House
from dure.spine.seeding import read_secrets

RING = [[126.8, 37.1], [127.0, 37.1], [127.0, 37.3], [126.8, 37.3], [126.8, 37.1]]
HEAD = "id,kind,name_ko,name_en,lon,lat,parent,state,device,operator,ocpp,security_profile,serial,number"
CARD = "04A2B3C4D5E6F7"
OPERATOR = "Testville Charging"
PATIENCE_S = 15.0


def write_city(folder: Path, profile: int = 1) -> Path:
    """A city of one site with three chargers, one for each version, two EVSEs each."""
    (folder / "assets").mkdir(parents=True)
    (folder / "city.toml").write_text(
        'id = "testville"\nname = { ko = "시험시", en = "Testville" }\ntime_zone = "Asia/Seoul"\ncenter = [126.9, 37.2]\n',
        "utf-8",
    )
    shape = {"type": "Polygon", "coordinates": [RING]}
    zone = {"type": "Feature", "id": "all", "properties": {"name_ko": "전체", "name_en": "All"}, "geometry": shape}
    (folder / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [zone]}), "utf-8")
    rows = [HEAD, f"site-1,charging_site,충전소,Site,126.9,37.2,,live,,{OPERATOR},,,,"]
    for name, spoken in (("cp-16", "1.6"), ("cp-201", "2.0.1"), ("cp-21", "2.1")):
        rows.append(f"{name},charger,{name},{name},126.9,37.2,site-1,live,{name},,{spoken},{profile},SN-{name},")
        rows += [f"{name}-{n},evse,{name}-{n},{name}-{n},126.9,37.2,{name},live,,,,,,{n}" for n in (1, 2)]
    (folder / "assets" / "charging.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return folder


@dataclass
class StationsCity:
    """The house, its central system, and the secrets of its stations."""

    house: House
    central: Central
    secrets: dict[str, str]

    @property
    def by(self) -> By:
        return By("test", self.house.clock.now())

    def url(self, identity: str) -> str:
        return f"ws://127.0.0.1:{self.central.port}/ocpp/{identity}"

    def basic(self, identity: str) -> dict[str, str]:
        told = base64.b64encode(f"{identity}:{self.secrets[identity]}".encode()).decode()
        return {"Authorization": f"Basic {told}"}

    def digest(self, card: str) -> str:
        return digest(card, token_key(self.house.settings.data))

    async def words(self) -> list[Word]:
        await self.central.desk.journal.flush()
        with self.house.records.read() as connection:
            rows = [
                row
                for writer in journal_records.writers(connection)
                for row in journal_records.read(connection, writer, 0, 10_000)
            ]
        return [word for row in rows for word in journal_records.unpack(row.words)]

    async def steps(self, charger: str) -> list[TransactionSaid]:
        return [one for one in await self.words() if isinstance(one, TransactionSaid) and one.charger == charger]


@contextlib.asynccontextmanager
async def running(folder: Path, profile: int = 1, **more: Any) -> AsyncIterator[StationsCity]:
    """The city, while the block runs; the journal is folded ten times a second."""
    write_city(folder / "city", profile)
    own = {"data_dir": str(folder / "data"), "city_dir": str(folder / "city"), "nats_port": 0, "mqtt_port": 0, "ocpp_port": 0}
    settings = Settings(**own | {"log_level": "warning", "disk_free_min_mb": 0} | more)
    async with open_house(settings, read_city(folder / "city"), parts=frozenset({"bus"})) as house:
        now = house.clock.now()
        card = Token(
            digest=digest(CARD, token_key(settings.data)), label="member 1", group="FLEET", created_at=now, changed_at=now
        )
        with house.records.begin() as connection:
            token_records.store(connection, [card])
        async with central.opened(house) as found:
            folding = asyncio.create_task(_fold(house))
            try:
                yield StationsCity(house, found, read_secrets(settings.data))
            finally:
                folding.cancel()
                await asyncio.gather(folding, return_exceptions=True)


async def _fold(house: House) -> None:
    watch = StationWatch(house)
    while True:
        await watch.look()
        await asyncio.sleep(0.1)


async def until(found: Any, what: str, patience_s: float = PATIENCE_S) -> Any:
    """What a function finds once it finds something."""
    end = asyncio.get_running_loop().time() + patience_s
    while True:
        value = found()
        if value:
            return value
        assert asyncio.get_running_loop().time() < end, f"never: {what}"
        await asyncio.sleep(0.05)


LATER = timedelta(hours=1)
