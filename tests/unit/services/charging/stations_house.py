"""A house with one charging site, real records and no server; and stations that say things."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dure.city import read_city
from dure.config import Settings
from dure.core.assets import Asset, AssetKinds
from dure.core.errors import Unavailable
from dure.core.geo import at
from dure.core.properties import Properties
from dure.core.text import Text
from dure.core.time import to_us
from dure.engines.bus.client import Bus
from dure.engines.clock import FixedClock
from dure.engines.identity.people import People
from dure.engines.records import assets, devices
from dure.engines.records.audit import By
from dure.engines.records.devices import Device
from dure.engines.records.store import Records
from dure.services.charging.central.port import Heard
from dure.services.charging.model import KINDS, PROPERTIES
from dure.services.charging.service import ChargingService
from dure.services.charging.sites import registered
from dure.services.charging.stations.answering import Stations
from dure.services.charging.tokens import token_records
from dure.services.charging.tokens.token_key import token_key
from dure.services.charging.tokens.tokens import Token, digest
from dure.spine.directory import Directory
from dure.spine.house import House
from dure.spine.live import Live

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
NOW_US = to_us(NOW)
BY = By("test", NOW)
CHARGERS = {"cp-16": "1.6", "cp-201": "2.0.1", "cp-21": "2.1"}
VERSION_OF = {"cp-16": "ocpp1.6", "cp-201": "ocpp2.0.1", "cp-21": "ocpp2.1"}
CARD = "04A2B3C4D5"


class Away(Bus):
    """A bus that is away."""

    def __init__(self) -> None:
        """It has no connection."""

    async def request(self, subject: str, payload: bytes, *, timeout_s: float = 5.0) -> bytes:  # noqa: ARG002  # nobody hears
        raise Unavailable("bus.unavailable", f"Nobody answers on {subject}.")

    async def send(self, subject: str, payload: bytes) -> None:  # noqa: ARG002  # nobody hears
        raise Unavailable("bus.unavailable", f"Nobody hears {subject}.")


def house_in(folder: Path) -> House:
    """A house with one site and three chargers, each of another version; one member's card."""
    records = Records(f"sqlite:///{folder}/records.db")
    records.migrate()
    clock = FixedClock(NOW)
    parts = dict.fromkeys(House.__slots__)
    parts |= {
        "settings": Settings(data_dir=str(folder)), "city": CITY, "clock": clock, "properties": Properties(PROPERTIES),
        "kinds": AssetKinds(KINDS), "records": records, "people": People(records, clock), "live": Live(),
        "directory": Directory(records, CITY.id), "services": (ChargingService(),),
        "bus": Away(),
    }  # fmt: skip
    house = House(**parts)
    with records.begin() as connection:
        _add(connection, "lot", "charging_site", contract_kw="100")
        for name, spoken in CHARGERS.items():
            _add(connection, name, "charger", "lot", ocpp=spoken, serial=f"serial-{name}")
            for number in (1, 2):
                _add(connection, f"{name}-{number}", "evse", name, number=str(number))
            devices.add(connection, Device(id=f"dev-{name}", asset=name, city=CITY.id, state="live"), BY)
    add_token(house, CARD)
    return house


def _add(connection: Any, key: str, kind: str, parent: str | None = None, **attributes: str) -> None:
    one = Asset(
        id=key, kind=kind, name=Text(key, key), city=CITY.id, place=at(126.83, 37.2), parent=parent, attributes=attributes,
        state="live",
    )  # fmt: skip
    assets.add(connection, one, BY)


def digest_in(house: House, card: str) -> str:
    """The digest of a card in that house."""
    return digest(card, token_key(house.settings.data))


def add_token(house: House, card: str, **fields: Any) -> Token:
    """Somebody who may charge."""
    usual = {"label": card[-4:], "created_at": house.clock.now(), "changed_at": house.clock.now()}
    token = Token(digest=digest_in(house, card), **(usual | fields))
    with house.records.begin() as connection:
        token_records.store(connection, [token])
    return token


class Station:
    """What one charger says, without any socket."""

    def __init__(self, house: House, stations: Stations, name: str) -> None:
        self._stations, self.version = stations, VERSION_OF[name]
        with house.records.read() as connection:
            self.charger = registered(connection).by_identity[f"dev-{name}"]

    def heard(self, action: str, payload: dict[str, Any], at_us: int = NOW_US) -> Heard:
        """A CALL of it."""
        return Heard(self.charger, self.version, action, payload, at_us, "m1")

    def says(self, action: str, payload: dict[str, Any], at_us: int = NOW_US) -> Any:
        """Our answer to it."""
        return self._stations.answer(self.heard(action, payload, at_us))
