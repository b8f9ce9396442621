"""What no station should say, and what the disk should not hold, stops nobody else's sessions: it is parked, told and gone on."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from stations_house import CITY, house_in

from dure.core.assets import Asset
from dure.core.errors import InputError
from dure.core.geo import at as place_at
from dure.core.observations import Reading
from dure.core.text import Text
from dure.core.time import to_us
from dure.engines.clock import FixedClock
from dure.engines.records import assets, devices
from dure.engines.records.audit import By
from dure.engines.records.devices import Device
from dure.engines.records.tables import events
from dure.engines.records.tables_charging_central import charging_journal
from dure.engines.records.tables_charging_sessions import charging_parked
from dure.services.charging.central.journal_records import pack
from dure.services.charging.central.words import Happened, Linked, Sample, Sampled, StatusSaid, TransactionSaid
from dure.services.charging.pricing import settlement_records
from dure.services.charging.pricing.settle_watch import SettleWatch
from dure.services.charging.sessions import live_states, session_records
from dure.services.charging.sessions.journal_watch import JournalWatch
from dure.services.charging.sessions.model import session_id
from dure.services.charging.sessions.stay_watch import StayWatch

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
MIN = 60_000_000
T0 = to_us(NOW)
IMPORT = "Energy.Active.Import.Register"


class HeardReadings:
    """An intake that remembers what it was given."""

    def __init__(self) -> None:
        self.refused = ""
        self.got: list[tuple[str, str, float]] = []

    async def accept(self, device: str, readings: Sequence[Reading], **_: object) -> None:
        if device == self.refused:
            raise InputError("observation.strange", "It is refused.")
        self.got += [(one.asset, one.property, one.value) for one in readings]


class ChargingCity:
    """A house with real records and no server, its watches called by hand."""

    def __init__(self, folder: Path) -> None:
        self.house = house_in(folder)
        self.intake = HeardReadings()
        self.house.intake = self.intake
        self.begin_anew()

    def at(self, now: datetime) -> None:
        self.house.clock = FixedClock(now)

    def begin_anew(self) -> None:
        self.journal, self.settling = JournalWatch(self.house), SettleWatch(self.house)

    def call(self, work: Coroutine[Any, Any, int]) -> int:
        return asyncio.run(work)

    def look(self) -> int:
        return self.call(self.journal.look())

    def said(self, *words: Any) -> None:
        with self.house.records.begin() as connection:
            seq = (connection.execute(select(func.max(charging_journal.c.seq))).scalar() or 0) + 1
            row = {"writer": "csms-1", "seq": seq, "kept_us": T0, "words_n": len(words), "words": pack(words)}
            connection.execute(insert(charging_journal), row)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChargingCity]:
    made = ChargingCity(tmp_path_factory.mktemp("poison"))
    for name, kind, parent, more in (
        ("plaza", "charging_site", None, {"contract_kw": "100"}),
        ("plaza-c1", "charger", "plaza", {}),
        ("plaza-c1-1", "evse", "plaza-c1", {"number": "1", "power_kw": "7"}),
        ("plaza-c2", "charger", "plaza", {}),
        ("plaza-c2-1", "evse", "plaza-c2", {"number": "1", "power_kw": "7"}),
    ):
        register(made, Asset(id=name, kind=kind, parent=parent, attributes=more, **WORDS))
    with made.house.records.begin() as connection:
        for name in ("plaza-c1", "plaza-c2"):
            devices.add(connection, Device(id=name, asset=name, city=CITY.id, state="live"), By("officer", NOW))
    yield made
    made.house.records.close()


WORDS: dict[str, Any] = {"city": CITY.id, "name": Text("새것", "New"), "place": place_at(126.9, 37.2), "state": "live"}


def register(city: ChargingCity, asset: Asset) -> None:
    with city.house.records.begin() as connection:
        assets.add(connection, asset, By("officer", NOW))


def step(name: str, kind: str, minute: int, *samples: Sample, charger: str = "plaza-c1", **more: object) -> TransactionSaid:
    at = T0 + minute * MIN
    return TransactionSaid(charger, name, kind, at, at, evse=1, samples=samples, **more)  # type: ignore[arg-type]


def read(minute: int, wh: float) -> Sample:
    return Sample(T0 + minute * MIN, IMPORT, wh)


def kept(city: ChargingCity, name: str, charger: str = "plaza-c1"):
    with city.house.records.read() as connection:
        return session_records.get(connection, session_id(charger, name))


def parked(city: ChargingCity) -> list[tuple[str, int, str, int]]:
    with city.house.records.read() as connection:
        query = select(charging_parked).order_by(charging_parked.c.seq)
        return [(row["writer"], row["seq"], row["code"], row["words_n"]) for row in connection.execute(query).mappings()]


def test_values_no_register_can_show_are_left_out_and_said(city: ChargingCity) -> None:
    city.said(step("huge", "started", 0, read(0, 1_000.0), begin_wh=2**63 - 1))
    city.said(step("huge", "updated", 5, read(5, 1e300)), Sampled("plaza-c1", 1, T0 + 6 * MIN, (read(6, -1e20),)))
    city.said(step("huge", "ended", 10, read(10, 1_500.0), end_wh=-(2**63)))
    city.look()
    found = kept(city, "huge")
    assert (found.energy_wh, found.state, found.facts["reasons"]) == (500, "ended", ["absurd"])
    with city.house.records.read() as connection:
        assert live_states.states(connection)["plaza-c1-1"].register_wh == 1_500
    assert parked(city) == []


def test_a_row_that_cannot_be_read_is_parked_and_what_follows_it_is_taken(city: ChargingCity) -> None:
    with city.house.records.begin() as connection:
        row = {"writer": "csms-1", "seq": 4, "kept_us": T0, "words_n": 1, "words": b"\x78\x01 no words"}
        connection.execute(insert(charging_journal), row)
    city.said(step("after", "started", 20, read(20, 0)), step("after", "ended", 30, read(30, 700)))
    city.look()
    city.begin_anew()
    assert city.look() == 0
    assert kept(city, "after").energy_wh == 700
    assert parked(city) == [("csms-1", 4, "journal.unreadable", 0)]
    with city.house.records.read() as connection:
        told = connection.execute(select(events).where(events.c.type == "charging.journal.parked")).mappings().all()
    assert len(told) == 1


def test_a_word_that_cannot_be_taken_is_parked_alone(city: ChargingCity) -> None:
    poison = Happened("plaza-c1", "needs", T0, T0, {"evse": 1, "transaction": "after", "energy_wh": "much"})
    city.said(step("with", "started", 40, read(40, 0)), poison, step("with", "ended", 50, read(50, 300)))
    city.look()
    assert kept(city, "with").energy_wh == 300
    assert parked(city)[1:] == [("csms-1", 6, "journal.not_taken", 1)]


def test_readings_that_are_refused_hold_up_no_others(city: ChargingCity) -> None:
    city.intake.refused = "plaza-c2"
    city.said(step("r", "updated", 60, read(60, 10.0), charger="plaza-c2"))
    city.said(step("r", "updated", 61, read(61, 5_000.0)))
    city.look()
    assert city.intake.got[-1] == ("plaza-c1-1", "evse_register", 5_000.0)


def test_sessions_of_a_charger_registered_later_find_their_place(city: ChargingCity) -> None:
    city.said(
        step("late", "started", 70, read(70, 0), charger="new-c1"), step("late", "ended", 80, read(80, 800), charger="new-c1")
    )
    city.look()
    assert kept(city, "late", "new-c1").site == ""
    register(city, Asset(id="new-c1", kind="charger", parent="plaza", **WORDS))
    register(city, Asset(id="new-c1-1", kind="evse", parent="new-c1", attributes={"number": "1", "power_kw": "7"}, **WORDS))
    city.at(NOW + timedelta(minutes=90))
    city.look()
    found = kept(city, "late", "new-c1")
    assert (found.site, found.evse, found.energy_wh) == ("plaza", "new-c1-1", 800)


def test_a_vehicle_that_stays_is_told_and_pays_until_its_place_is_free(city: ChargingCity) -> None:
    register(city, Asset(id="yard", kind="charging_site", attributes={"price": "city", "contract_kw": "100"}, **WORDS))
    register(city, Asset(id="yard-c1", kind="charger", parent="yard", **WORDS))
    register(city, Asset(id="yard-c1-1", kind="evse", parent="yard-c1", attributes={"number": "1", "power_kw": "50"}, **WORDS))
    city.begin_anew()
    stays = StayWatch(city.house)
    city.said(
        Linked("yard-c1", "ocpp2.0.1", T0), StatusSaid("yard-c1", 1, "occupied", T0 + 100 * MIN, T0 + 100 * MIN),
        step("stay", "started", 100, read(100, 0), charger="yard-c1"),
        step("stay", "ended", 130, read(130, 9_000), charger="yard-c1"),
    )  # fmt: skip
    city.at(NOW + timedelta(minutes=131))
    city.look()
    assert city.call(stays.look()) == 1
    city.at(NOW + timedelta(minutes=165))
    assert (city.call(stays.look()), city.call(stays.look())) == (1, 0)
    with city.house.records.read() as connection:
        told = connection.execute(select(events).where(events.c.type == "charging.vehicle.overstays")).mappings().all()
    assert len(told) == 1
    city.call(city.settling.look())
    assert kept(city, "stay", "yard-c1").state == "ended"
    city.said(StatusSaid("yard-c1", 1, "available", T0 + 190 * MIN, T0 + 190 * MIN))
    city.at(NOW + timedelta(minutes=191))
    city.look()
    assert city.call(stays.look()) == 1
    city.at(NOW + timedelta(hours=9))
    city.call(city.settling.look())
    with city.house.records.read() as connection:
        receipt = settlement_records.get(connection, session_id("yard-c1", "stay")).receipt
    assert [(one.quantity, one.won) for one in receipt.lines if one.kind == "idle"] == [(45, 4_500)]
    assert receipt.left_at == NOW + timedelta(minutes=190)
