"""A house with companies for tests of their pages, routes and money: real records, no server."""

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
from dure.services.carbon.companies import company_desk, company_records
from dure.services.carbon.companies.company import Company, Site
from dure.services.carbon.model import KINDS, PROPERTIES
from dure.services.carbon.service import CarbonService
from dure.spine.directory import Directory
from dure.spine.house import House
from dure.spine.live import Live

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
NOW = datetime(2026, 3, 10, 3, 0, tzinfo=UTC)
BY = By("test", NOW - timedelta(days=90))
PASSWORD = "a rather long one 42"
COMPANIES = (
    Company(
        id="acme", name=Text("에이크미", "Acme <&>"), business_number="1248100998",
        sites=(Site(id="hq", name=Text("본사", "Head office"), address="화성시", floor_area_m2="1200"),),
    ),
    Company(id="beta", name=Text("베타", "Beta"), business_number="2208162517"),
)  # fmt: skip
METERS = (("acme", "electricity", "0123456789"), ("beta", "electricity", "999"))
LOGINS = (("acme", "partner"), ("beta", "partner"), ("newcomer", "partner"), ("officer", "officer"), ("citizen", "citizen"))


def house_in(folder: Path) -> House:
    """A house with two companies, their customer numbers, a building of the city and a scale."""
    records = Records(f"sqlite:///{folder}/records.db")
    records.migrate()
    clock = FixedClock(NOW)
    parts = dict.fromkeys(House.__slots__)
    parts |= {
        "settings": Settings(data_dir=str(folder)), "city": CITY, "clock": clock, "properties": Properties(PROPERTIES),
        "kinds": AssetKinds(KINDS), "records": records, "people": People(records, clock), "live": Live(),
        "directory": Directory(records, CITY.id), "services": (CarbonService(),),
    }  # fmt: skip
    house = House(**parts)
    hall = Asset(
        id="hall", city=CITY.id, kind="building", name=Text("시청", "Hall"), place=at(126.83, 37.2), state="live",
    )  # fmt: skip
    scale = Asset(
        id="scale-1", city=CITY.id, kind="scale", name=Text("저울", "Scale"), place=at(126.83, 37.2), state="live",
    )  # fmt: skip
    people = {login: house.people.add(login, login, PASSWORD, [role], BY).id for login, role in LOGINS}
    with records.begin() as connection:
        assets.add(connection, hall, BY)
        assets.add(connection, scale, BY)
        for company in COMPANIES:
            company_desk.found(connection, company, people[company.id], BY)
        for company, kind, number in METERS:
            company_desk.bind_meter(connection, company_records.get(connection, company), kind, number, "", BY)
    house.directory.refresh()
    return house
