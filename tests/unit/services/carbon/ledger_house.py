"""A house with a small carbon ledger for tests of its pages, routes and watch: real records, no server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from dure.city import read_city
from dure.config import Settings
from dure.core.assets import AssetKinds
from dure.core.properties import Properties
from dure.engines.clock import FixedClock
from dure.engines.identity.people import People
from dure.engines.records.store import Records
from dure.services.carbon.ledger import accounts
from dure.services.carbon.ledger.model import Account, Transfer
from dure.services.carbon.ledger.posting import named, post
from dure.services.carbon.ledger.taken import take
from dure.services.carbon.model import KINDS, PROPERTIES, Stretch
from dure.services.carbon.service import CarbonService
from dure.spine.directory import Directory
from dure.spine.house import House
from dure.spine.live import Live

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # noon in Seoul
HOUR = timedelta(hours=1)
CLAIM = "clm-0123456789abcdef0123"
WORLD, HELD, RETIRED = accounts.world("city-verified"), accounts.held("city"), accounts.retired("city")
PURSE, BUDGET, WALLET = accounts.treasury(), accounts.budget("green-practice"), accounts.wallet("ab" * 16)
ALL = named(WORLD, HELD, RETIRED, PURSE, BUDGET, WALLET)


def house_in(folder: Path) -> House:
    """A house of the carbon service alone."""
    records = Records(f"sqlite:///{folder}/records.db")
    records.migrate()
    clock = FixedClock(NOW)
    parts = dict.fromkeys(House.__slots__)
    parts |= {
        "settings": Settings(data_dir=str(folder)), "city": CITY, "clock": clock, "properties": Properties(PROPERTIES),
        "kinds": AssetKinds(KINDS), "records": records, "people": People(records, clock), "live": Live(),
        "directory": Directory(records, CITY.id), "services": (CarbonService(),),
    }  # fmt: skip
    return House(**parts)


def moved(ident: str, debit: Account, credit: Account, amount: int, **more: object) -> Transfer:
    """A transfer between two accounts."""
    return Transfer(id=ident, debit=debit.id, credit=credit.id, amount=amount, unit=debit.unit, **more)


def keep_books(house: House) -> None:
    """One claim of 700 g, 200 of them retired and 50 of these taken back; 600 won reserved out of a budget of 1,000."""
    stretch = Stretch(source="building/bd-1", attribute="energy_saving", start=NOW - 2 * HOUR, end=NOW - HOUR)
    with house.records.begin() as connection:
        assert take(connection, CLAIM, [stretch], NOW) is None
        answers = post(connection, [[moved(f"{CLAIM}/award", WORLD, HELD, 700, why="claim.award", ref=CLAIM)]], NOW - HOUR, ALL)
        answers += post(connection, [[moved("retire-1", HELD, RETIRED, 200, why="retire", ref=CLAIM)]], NOW, ALL)
        answers += post(connection, [[moved("retire-1-back", RETIRED, HELD, 50, corrects="retire-1")]], NOW - 5 * HOUR, ALL)
        held = moved("reward-1", BUDGET, WALLET, 600, deed="pending", expires_at=NOW + HOUR, why="reward", ref="prc-1")
        answers += post(connection, [[moved("fund", PURSE, BUDGET, 1_000)], [held]], NOW, ALL)
    assert answers == [None] * 5
