"""What no station should say, and what the disk should not hold, stops nobody else's sessions: it is parked, told and gone on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from dure.core.assets import Asset
from dure.core.errors import InputError
from dure.core.geo import at as place_at
from dure.core.text import Text
from dure.core.time import to_us
from dure.engines.records import assets
from dure.engines.records.audit import By
from dure.engines.records.tables import events
from dure.engines.records.tables_charging_central import charging_journal
from dure.engines.records.tables_charging_sessions import charging_parked
from dure.services.charging.central.words import Happened, Linked, Sample, Sampled, StatusSaid, TransactionSaid
from dure.services.charging.pricing import settlement_records
from dure.services.charging.sessions import live_states, session_records
from dure.services.charging.sessions.model import session_id
from dure.services.charging.sessions.stay_watch import StayWatch

sys.path.insert(0, str(Path(__file__).parent))
from sessions_running import ChargingCity

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
MIN = 60_000_000
T0 = to_us(NOW)
IMPORT = "Energy.Active.Import.Register"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChargingCity]:
    running = ChargingCity(tmp_path_factory.mktemp("poison"), NOW).begun()
    yield running
    running.stop()


WORDS: dict[str, Any] = {"city": "hwaseong", "name": Text("새것", "New"), "place": place_at(126.9, 37.2), "state": "live"}


def register(city: ChargingCity, asset: Asset) -> None:
    with city.house.records.begin() as connection:
        assets.add(connection, asset, By("officer", city.clock.at))


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


def test_readings_that_are_refused_hold_up_no_others(city: ChargingCity, monkeypatch) -> None:
    accept = city.house.intake.accept

    async def refuses(device: str, *args: object, **more: object) -> object:
        if device == "plaza-c2":
            raise InputError("observation.strange", "It is refused.")
        return await accept(device, *args, **more)

    with monkeypatch.context() as broken:
        broken.setattr(city.house.intake, "accept", refuses)
        city.said(step("r", "updated", 60, read(60, 10.0), charger="plaza-c2"))
        city.said(step("r", "updated", 61, read(61, 5_000.0)))
        city.look()
    assert city.rows("plaza-c1-1", "evse_register")[-1][0] == 5_000.0


def test_sessions_of_a_charger_registered_later_find_their_place(city: ChargingCity) -> None:
    city.said(
        step("late", "started", 70, read(70, 0), charger="new-c1"), step("late", "ended", 80, read(80, 800), charger="new-c1")
    )
    city.look()
    assert kept(city, "late", "new-c1").site == ""
    register(city, Asset(id="new-c1", kind="charger", parent="plaza", **WORDS))
    register(city, Asset(id="new-c1-1", kind="evse", parent="new-c1", attributes={"number": "1", "power_kw": "7"}, **WORDS))
    city.clock.at = NOW + timedelta(minutes=90)
    city.look()
    found = kept(city, "late", "new-c1")
    assert (found.site, found.evse, found.energy_wh) == ("plaza", "new-c1-1", 800)


def test_a_vehicle_that_stays_is_told_and_pays_until_its_place_is_free(city: ChargingCity) -> None:
    register(city, Asset(id="lot", kind="charging_site", attributes={"price": "city", "contract_kw": "100"}, **WORDS))
    register(city, Asset(id="lot-c1", kind="charger", parent="lot", **WORDS))
    register(city, Asset(id="lot-c1-1", kind="evse", parent="lot-c1", attributes={"number": "1", "power_kw": "50"}, **WORDS))
    city.begin_anew()
    stays = StayWatch(city.house)
    city.said(
        Linked("lot-c1", "ocpp2.0.1", T0), StatusSaid("lot-c1", 1, "occupied", T0 + 100 * MIN, T0 + 100 * MIN),
        step("stay", "started", 100, read(100, 0), charger="lot-c1"),
        step("stay", "ended", 130, read(130, 9_000), charger="lot-c1"),
    )  # fmt: skip
    city.clock.at = NOW + timedelta(minutes=131)
    city.look()
    assert city.call(stays.look()) == 1
    city.clock.at = NOW + timedelta(minutes=165)
    assert (city.call(stays.look()), city.call(stays.look())) == (1, 0)
    with city.house.records.read() as connection:
        told = connection.execute(select(events).where(events.c.type == "charging.vehicle.overstays")).mappings().all()
    assert len(told) == 1
    city.call(city.settling.look())
    assert kept(city, "stay", "lot-c1").state == "ended"
    city.said(StatusSaid("lot-c1", 1, "available", T0 + 190 * MIN, T0 + 190 * MIN))
    city.clock.at = NOW + timedelta(minutes=191)
    city.look()
    assert city.call(stays.look()) == 1
    city.clock.at = NOW + timedelta(hours=9)
    city.call(city.settling.look())
    with city.house.records.read() as connection:
        receipt = settlement_records.get(connection, session_id("lot-c1", "stay")).receipt
    assert [(one.quantity, one.won) for one in receipt.lines if one.kind == "idle"] == [(45, 4_500)]
    assert receipt.left_at == NOW + timedelta(minutes=190)
