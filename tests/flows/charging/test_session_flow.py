"""Words of the journal become sessions, states and observations, exactly once, also when the round dies in the middle."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from dure.core.errors import Unavailable
from dure.core.time import to_us
from dure.engines.records import cursors
from dure.engines.records.audit import By
from dure.engines.records.tables import events
from dure.services.charging.central.words import Booted, Linked, Sample, Sampled, StatusSaid, TransactionSaid
from dure.services.charging.origin import origin_records
from dure.services.charging.origin.split import Split
from dure.services.charging.pricing import settlement_records
from dure.services.charging.pricing.settle_watch import settle_now
from dure.services.charging.sessions import live_states, session_records, stop_records, wish_records
from dure.services.charging.sessions.model import session_id
from dure.services.charging.sessions.session_records import Asked
from dure.services.charging.sessions.stop_watch import StopWatch
from dure.services.charging.sessions.wish_records import Wish

sys.path.insert(0, str(Path(__file__).parent))
from sessions_running import ChargingCity

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
MIN = 60_000_000
T0 = to_us(NOW)
IMPORT = "Energy.Active.Import.Register"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChargingCity]:
    running = ChargingCity(tmp_path_factory.mktemp("sessions"), NOW).begun()
    yield running
    running.stop()


def transaction(name: str, step: str, minute: int, wh: int, charger: str = "plaza-c1", evse: int = 1) -> TransactionSaid:
    at = T0 + minute * MIN
    samples = (Sample(at, IMPORT, wh), Sample(at, "Power.Active.Import", 6_000.0), Sample(at, "SoC", 0.5, location="EV"))
    return TransactionSaid(charger, name, step, at, at, evse=evse, samples=samples, token="a" * 64)  # type: ignore[arg-type]


def one(city: ChargingCity, name: str, charger: str = "plaza-c1"):
    with city.house.records.read() as connection:
        return session_records.get(connection, session_id(charger, name))


def told(city: ChargingCity, kind: str) -> int:
    with city.house.records.read() as connection:
        return connection.execute(select(func.count()).where(events.c.type == f"charging.session.{kind}")).scalar_one()


def test_a_round_that_cannot_send_loses_no_reading_and_doubles_no_session(city: ChargingCity, monkeypatch) -> None:
    city.said(Linked("plaza-c1", "ocpp1.6", T0), Booted("plaza-c1", "ocpp1.6", T0, vendor="D"))
    city.said(StatusSaid("plaza-c1", 1, "occupied", T0, T0, detail="Charging"), transaction("1", "started", 0, 1_000))
    city.said(Sampled("plaza-c1", 1, T0 + MIN, (Sample(T0 + MIN, IMPORT, 1_100),), "1"))

    async def fails(*_: object, **__: object) -> None:
        raise Unavailable("bus.gone", "The bus does not answer.")

    with monkeypatch.context() as broken:
        broken.setattr(city.house.intake, "accept", fails)
        with pytest.raises(Unavailable):
            city.look()
    assert one(city, "1").energy_wh == 100
    assert city.rows("plaza-c1-1", "evse_register") == []
    city.begin_anew()
    assert city.look() == 0
    assert city.rows("plaza-c1-1", "evse_register") == [(1_000.0, 1), (1_100.0, 1)]
    assert (city.rows("plaza-c1-1", "evse_power"), city.rows("plaza-c1-1", "vehicle_soc")) == ([(6_000.0, 1)], [(0.5, 1)])
    assert told(city, "started") == 1


def test_reading_the_journal_again_from_its_begin_changes_nothing(city: ChargingCity) -> None:
    before = one(city, "1")
    with city.house.records.begin() as connection:
        connection.execute(cursors.cursors.delete())
    city.begin_anew()
    assert city.look() == 5
    assert one(city, "1") == before
    assert len(city.rows("plaza-c1-1", "evse_register")) == 2
    assert told(city, "started") == 1


def test_states_follow_the_newest_word_of_each_kind(city: ChargingCity) -> None:
    city.said(StatusSaid("plaza-c1", 1, "available", T0 - 9 * MIN, T0 + MIN), StatusSaid("plaza-c1", 0, "available", T0, T0))
    city.look()
    with city.house.records.read() as connection:
        state, link = live_states.states(connection)["plaza-c1-1"], live_states.links(connection)["plaza-c1"]
    assert (state.status, state.detail, state.session) == ("occupied", "Charging", session_id("plaza-c1", "1"))
    assert (state.power_w, state.soc, state.register_wh) == (6_000.0, 0.5, 1_100)
    assert (link.linked, link.version, link.boot["vendor"], link.status) == (True, "ocpp1.6", "D", "available")


def test_the_end_ends_it_and_frees_its_evse(city: ChargingCity) -> None:
    city.said(transaction("1", "ended", 30, 4_000))
    city.look()
    found = one(city, "1")
    with city.house.records.read() as connection:
        state = live_states.states(connection)["plaza-c1-1"]
    assert (found.state, found.energy_wh, found.ended_at, found.trust) == (
        "ended", 3_000, NOW + timedelta(minutes=30), "measured",
    )  # fmt: skip
    assert (state.session, state.register_wh) == ("", 4_000)
    assert told(city, "ended") == 1


def test_one_transaction_id_used_twice_is_two_sessions(city: ChargingCity) -> None:
    city.said(transaction("1", "started", 600, 4_000), transaction("1", "ended", 620, 5_000))
    city.said(transaction("1", "started", 600, 4_000))
    city.look()
    with city.house.records.read() as connection:
        found = session_records.listing(connection, Asked(charger="plaza-c1")).items
    assert [(session.energy_wh, session.state) for session in found] == [(1_000, "ended"), (3_000, "ended")]


def test_a_transaction_of_a_station_nobody_registered_is_kept_and_told(city: ChargingCity) -> None:
    city.said(transaction("9", "started", 0, 0, charger="nowhere"), transaction("9", "ended", 5, 100, charger="nowhere"))
    city.look()
    found = one(city, "9", "nowhere")
    assert (found.site, found.evse, found.energy_wh) == ("", "", 100)
    assert "unknown_evse" in found.facts["reasons"]


def test_two_writers_are_read_each_from_its_own_cursor(city: ChargingCity) -> None:
    city.said(transaction("w", "started", 0, 0, "plaza-c2", 2), writer="csms-2")
    city.said(transaction("w", "updated", 5, 3_000, "plaza-c2", 2), writer="csms-1")
    assert city.look() == 2
    assert one(city, "w", "plaza-c2").energy_wh == 3_000


def test_a_silent_session_is_told_once_and_is_lost_when_another_begins(city: ChargingCity) -> None:
    city.clock.at = NOW + timedelta(minutes=40)
    city.look()
    city.begin_anew()
    city.look()
    assert told(city, "silent") == 1
    assert one(city, "w", "plaza-c2").state == "running"
    city.said(transaction("x", "started", 60, 3_000, "plaza-c2", 2))
    city.clock.at = NOW + timedelta(minutes=61)
    city.look()
    found = one(city, "w", "plaza-c2")
    assert (found.state, found.trust, found.ended_at) == ("ended", "estimated", NOW + timedelta(minutes=5))
    assert found.facts["reasons"] == ["stop_lost"]


def test_a_late_stop_of_a_session_given_up_is_what_counts(city: ChargingCity) -> None:
    city.said(transaction("w", "ended", 9, 3_400, "plaza-c2", 2))
    city.look()
    found = one(city, "w", "plaza-c2")
    assert (found.state, found.trust, found.energy_wh) == ("ended", "measured", 3_400)


def test_a_session_is_lost_some_time_after_its_station_booted(city: ChargingCity) -> None:
    city.said(Booted("plaza-c2", "ocpp1.6", T0 + 70 * MIN))
    city.clock.at = NOW + timedelta(minutes=71)
    city.look()
    assert one(city, "x", "plaza-c2").state == "running"
    city.clock.at = NOW + timedelta(minutes=90)
    city.look()
    assert one(city, "x", "plaza-c2").facts["reasons"] == ["stop_lost"]


def test_sessions_that_were_there_are_found_by_time(city: ChargingCity) -> None:
    with city.house.records.read() as connection:
        found = session_records.overlapping(connection, "plaza", NOW + timedelta(minutes=29), NOW + timedelta(minutes=30))
        after = session_records.overlapping(connection, "plaza", NOW + timedelta(minutes=30), NOW + timedelta(minutes=31))
    assert [one.transaction for one in found] == ["1"]
    assert after == []


def settlements(city: ChargingCity, name: str) -> list[tuple[int, int, bool, str]]:
    with city.house.records.read() as connection:
        found = settlement_records.of_session(connection, session_id("plaza-c1", name))
    return [(kept.receipt.n, kept.receipt.energy_wh, kept.receipt.origin.known, kept.receipt.why) for kept in found]


def test_a_session_waits_for_its_origin_and_is_then_settled_as_energy_of_the_grid(city: ChargingCity) -> None:
    city.said(transaction("s", "started", 100, 10_000), transaction("s", "ended", 130, 13_000))
    city.clock.at = NOW + timedelta(minutes=140)
    city.look()
    city.call(city.settling.look())
    assert settlements(city, "s") == []
    city.clock.at = NOW + timedelta(minutes=130, hours=6)
    city.call(city.settling.look())
    city.call(city.settling.look())
    assert settlements(city, "s") == [(1, 3_000, False, "")]
    assert one(city, "s").state == "settled"
    assert told(city, "settled") >= 1


def test_late_words_correct_a_settlement_by_a_further_row(city: ChargingCity) -> None:
    city.said(transaction("s", "ended", 131, 13_100))
    city.look()
    city.clock.at += timedelta(minutes=10)
    city.call(city.settling.look())
    assert settlements(city, "s") == [(1, 3_000, False, ""), (2, 3_100, False, "words_came_late")]


def test_a_settlement_follows_the_ledger_as_long_as_the_rules_say(city: ChargingCity) -> None:
    ended, before = NOW + timedelta(minutes=131), city.clock.at
    late = Split(
        session=session_id("plaza-c1", "s"), site="plaza", energy_wh=3_100, pv_wh=3_000, ess_pv_wh=0, ess_grid_wh=0, grid_wh=100,
        final=True, booked_at=ended + timedelta(days=44),
    )  # fmt: skip
    with city.house.records.begin() as connection:
        origin_records.put_splits(connection, [late])
    for days, n in ((46, 2), (44, 3)):
        city.clock.at = ended + timedelta(days=days)
        city.call(city.settling.look())
        assert len(settlements(city, "s")) == n
    city.clock.at = before
    assert settlements(city, "s")[-1] == (3, 3_100, True, "origin_came_late")


def test_a_disputed_session_waits_for_a_person(city: ChargingCity) -> None:
    city.said(transaction("d", "started", 200, 14_000), transaction("d", "ended", 230, 13_000))
    city.look()
    city.clock.at += timedelta(hours=12)
    city.call(city.settling.look())
    assert (settlements(city, "d"), told(city, "disputed")) == ([], 1)
    settle_now(city.house, session_id("plaza-c1", "d"), "the meter was exchanged", By("officer", city.clock.at))
    assert settlements(city, "d") == [(1, 0, False, "released")]


def test_a_session_at_its_target_is_stopped_and_does_not_begin_again_unless_unplugged(city: ChargingCity) -> None:
    begun = round((city.clock.at - NOW).total_seconds() / 60)
    wish = Wish(id="w", evse="plaza-c1-1", made_at=city.clock.at, target_soc=0.5)
    with city.house.records.begin() as connection:
        wish_records.add(connection, wish)
    city.said(Linked("plaza-c1", "ocpp2.0.1", to_us(city.clock.at)), transaction("t1", "started", begun, 0))
    city.look()
    stops = StopWatch(city.house)
    city.call(stops.look())
    city.call(stops.look())
    city.said(transaction("t1", "ended", begun + 1, 10), transaction("t2", "started", begun + 2, 10))
    city.clock.at += timedelta(minutes=2)
    city.look()
    city.call(stops.look())
    with city.house.records.read() as connection:
        kept = stop_records.of_sessions(connection, [session_id("plaza-c1", one) for one in ("t1", "t2")])
    assert {one["reason"]: one["asked_n"] for one in kept.values()} == {"target_reached": 1, "no_restart": 1}
    assert told(city, "stopped") == 2
    free = to_us(city.clock.at)
    city.said(
        transaction("t2", "ended", begun + 3, 10), StatusSaid("plaza-c1", 1, "available", free + MIN, free + MIN),
        transaction("t3", "started", begun + 4, 10),
    )  # fmt: skip
    city.clock.at += timedelta(minutes=2)
    city.look()
    city.call(stops.look())
    with city.house.records.read() as connection:
        assert stop_records.of_sessions(connection, [session_id("plaza-c1", "t3")]) == {}
