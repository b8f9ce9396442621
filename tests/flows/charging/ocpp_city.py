"""A city with one charging site, its central system in this event loop, and a station that keeps its meters in words."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection

from dure.city import read_city
from dure.config import Settings
from dure.core.time import format_instant, from_us
from dure.protocols.ocpp.errors import CallError
from dure.running.parts import open_house
from dure.services.charging.central import central, journal_records
from dure.services.charging.central.central import Central
from dure.services.charging.central.port import Answer, Heard
from dure.services.charging.central.words import Booted, Linked, TransactionSaid, Unlinked, Word
from dure.services.charging.model import Charger, Version
from dure.spine.house import House
from dure.spine.seeding import read_secrets

RING = [[126.8, 37.1], [127.0, 37.1], [127.0, 37.3], [126.8, 37.3], [126.8, 37.1]]
HEAD = "id,kind,name_ko,name_en,lon,lat,parent,state,device,operator,ocpp,security_profile,serial,number"


@dataclass
class Keeping:
    """Answers a few messages and keeps what they say; other messages are answered with nothing."""

    heard: list[Heard] = field(default_factory=list)

    def connected(self, charger: Charger, version: Version, at_us: int) -> tuple[Word, ...]:
        return (Linked(charger.id, version, at_us),)

    def disconnected(self, charger: Charger, at_us: int, why: str) -> tuple[Word, ...]:
        return (Unlinked(charger.id, at_us, why),)

    def answer(self, heard: Heard) -> Answer:
        self.heard.append(heard)
        if heard.action == "Heartbeat":
            return Answer({"currentTime": format_instant(from_us(heard.at_us))})
        if heard.action == "BootNotification":
            payload = {"currentTime": format_instant(from_us(heard.at_us)), "interval": 60, "status": "Accepted"}
            return Answer(payload, (Booted(heard.charger.id, heard.version, heard.at_us),))
        if heard.action == "TransactionEvent":
            info = heard.payload["transactionInfo"]["transactionId"]
            step = {"Started": "started", "Updated": "updated", "Ended": "ended"}[heard.payload["eventType"]]
            word = TransactionSaid(
                heard.charger.id,
                info,
                step,
                heard.at_us,
                heard.at_us,
                seq_no=heard.payload["seqNo"],  # type: ignore[arg-type]
            )
            return Answer({}, (word,))
        if heard.action == "StatusNotification":
            return Answer({})
        if heard.action == "Authorize":
            raise RuntimeError("a defect of who answers")
        raise CallError("NotSupported", "Nobody answers this.")


def write_city(folder: Path, rows: Sequence[str]) -> Path:
    (folder / "assets").mkdir(parents=True)
    (folder / "city.toml").write_text(
        'id = "testville"\nname = { ko = "시험시", en = "Testville" }\ntime_zone = "Asia/Seoul"\ncenter = [126.9, 37.2]\n',
        "utf-8",
    )
    shape = {"type": "Polygon", "coordinates": [RING]}
    zone = {"type": "Feature", "id": "all", "properties": {"name_ko": "전체", "name_en": "All"}, "geometry": shape}
    (folder / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [zone]}), "utf-8")
    site = "site-1,charging_site,충전소,Site,126.9,37.2,,live,,Dure Operator,,,,"
    (folder / "assets" / "charging.csv").write_text("\n".join([HEAD, site, *rows]) + "\n", "utf-8")
    return folder


def charger_row(name: str, *, ocpp: str = "any", profile: int = 1, serial: str = "") -> str:
    return f"{name},charger,{name},{name},126.9,37.2,site-1,live,{name},,{ocpp},{profile},{serial},"


@dataclass
class World:
    house: House
    central: Central
    answering: Keeping
    secrets: dict[str, str]

    def url(self, identity: str) -> str:
        return f"ws://127.0.0.1:{self.central.port}/ocpp/{identity}"

    async def connect(
        self, identity: str, *versions: str, secret: str | None = None, user: str | None = None
    ) -> ClientConnection:
        given = self.secrets.get(identity, "") if secret is None else secret
        basic = base64.b64encode(f"{user or identity}:{given}".encode()).decode()
        return await websockets.connect(
            self.url(identity),
            subprotocols=[websockets.Subprotocol(one) for one in versions or ("ocpp2.0.1",)],
            additional_headers={"Authorization": f"Basic {basic}"},
            proxy=None,
            open_timeout=10,
        )

    async def words(self) -> list[Word]:
        await self.central.desk.journal.flush()
        found: list[Word] = []
        with self.house.records.read() as connection:
            for writer in journal_records.writers(connection):
                for row in journal_records.read(connection, writer, 0, 10_000):
                    found += journal_records.unpack(row.words)
        return found


@contextlib.asynccontextmanager
async def running(folder: Path, rows: Sequence[str], **more: Any) -> AsyncIterator[World]:
    if not (folder / "city").exists():
        write_city(folder / "city", rows)
    own = {"data_dir": str(folder / "data"), "city_dir": str(folder / "city"), "nats_port": 0, "mqtt_port": 0, "ocpp_port": 0}
    settings = Settings(**own | {"log_level": "warning", "disk_free_min_mb": 0} | more)
    async with open_house(settings, read_city(folder / "city"), parts=frozenset({"bus"})) as house:
        answering = Keeping()
        async with central.opened(house, answering) as found:
            yield World(house, found, answering, read_secrets(settings.data))
