"""Chargers, tokens, calls and reservations on both engines: the same rows, the same order, each once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dure.core.time import to_us
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.services.charging.central.words import Booted, Happened, Linked, Seen, StatusSaid, TransactionSaid, Unlinked
from dure.services.charging.stations import call_records, cost_records, reservation_records, restoring, station_records
from dure.services.charging.stations.cost_records import Cost
from dure.services.charging.stations.folding import Fold
from dure.services.charging.stations.memory import Memory
from dure.services.charging.stations.reservation_records import Reservation
from dure.services.charging.tokens import token_desk, token_records
from dure.services.charging.tokens.token_csv import Row
from dure.services.charging.tokens.tokens import Token

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
US = to_us(NOW)
BY = By("test", NOW)
KEY = b"k" * 32
ANSWER = {"call": "c1", "action": "ClearCache", "payload": {}, "answer": {"status": "Accepted"}, "code": "", "why": ""}
WORDS = [
    Linked("cp-1", "ocpp1.6", US),
    Booted("cp-1", "ocpp1.6", US + 1, vendor="v", model="m"),
    StatusSaid("cp-1", 1, "occupied", US, US + 2, detail="Charging"),
    StatusSaid("cp-1", 1, "available", US, US + 3, detail="Available"),
    TransactionSaid("cp-1", "7", "started", US, US + 2, evse=1, token="d1", begin_wh=100),
    TransactionSaid("cp-1", "8", "started", US, US + 2, evse=2, token="d2", begin_wh=200, reservation=1),
    TransactionSaid("cp-1", "7", "ended", US + 5, US + 6, evse=1, end_wh=300),
    Seen("cp-1", US + 9),
    Happened("cp-1", "security", US, US + 4, {"type": "x"}),
    Happened("cp-1", "variables", US, US + 4, {"told": {"A.b": {"attributes": [{"value": "1"}]}}}),
    Happened("cp-1", "call", US + 7, US + 7, ANSWER),
]


@pytest.fixture
def kept(records: Records) -> Records:
    records.migrate()
    with records.begin() as connection:
        one = Reservation(
            id=0, charger="cp-1", evse=2, token="d2", expires_at=NOW + timedelta(hours=1), made_at=NOW, changed_at=NOW
        )
        reservation_records.add(connection, one)
        Fold(connection).take(WORDS)
        Fold(connection).take(WORDS)  # told twice it is the same
    return records


def test_words_are_rows_and_told_twice_they_are_the_same_rows(kept: Records) -> None:
    with kept.read() as connection:
        state = station_records.states(connection)["cp-1"]
        (connector,) = station_records.connectors(connection, "cp-1")
        happened = station_records.happenings(connection).items
        reports = station_records.reports(connection, "cp-1")
        answers = call_records.answers(connection, ["c1", "c2"])
        running = station_records.running(connection, "cp-1")
        standing = reservation_records.standing(connection)
    assert (state.linked, state.version, state.boot["vendor"], to_us(state.heard_at)) == (True, "ocpp1.6", "v", US + 9)
    assert (connector.status, connector.detail) == ("available", "Available")
    assert sorted(one.topic for one in happened) == ["security", "variables"]
    assert [(one.topic, one.name) for one in reports] == [("variables", "A.b")]
    assert answers["c1"].answer == {"status": "Accepted"}
    assert (running, standing) == ([("8", 2)], [])


def test_what_is_remembered_answers_as_before(kept: Records) -> None:
    memory = Memory()
    with kept.read() as connection:
        restoring.restore(connection, memory, NOW)
    assert list(memory.running) == [("cp-1", "8")]
    assert memory.place_of("cp-1", "7").evse == 1


def test_an_unlinked_station_is_not_linked(kept: Records) -> None:
    with kept.begin() as connection:
        Fold(connection).take([Unlinked("cp-1", US + 10, "gone")])
        assert not station_records.states(connection, ["cp-1"])["cp-1"].linked


def test_happenings_are_paged_and_forgotten(kept: Records) -> None:
    with kept.begin() as connection:
        first = station_records.happenings(connection, limit=1)
        rest = station_records.happenings(connection, after=first.next, limit=5)
        assert {one.topic for one in (*first.items, *rest.items)} == {"security", "variables"}
        assert station_records.forget_happenings(connection, NOW + timedelta(seconds=1)) == 2


def test_tokens_are_kept_changed_and_found_by_when_they_changed(kept: Records) -> None:
    rows = [Row("A1", Token(digest="", label="one", sites=("lot",))), Row("B2", Token(digest="", holder="staff"))]
    later = By("test", NOW + timedelta(hours=1))
    with kept.begin() as connection:
        assert token_desk.bring(connection, rows, KEY, BY) == (2, 0)
        assert token_desk.bring(connection, [rows[0]], KEY, later) == (0, 0)
        found = token_records.listing(connection, holder="member").items
        assert [(one.label, one.sites) for one in found] == [("one", ("lot",))]
        token_desk.block(connection, found[0].digest, later)
        assert [one.blocked for one in token_records.changed_since(connection, later.at)] == [True]
        assert token_records.counts(connection) == {"member": 1, "staff": 1}


def test_who_may_boot_is_kept(kept: Records) -> None:
    with kept.begin() as connection:
        station_records.admit(connection, "cp-1", "pending", "new", BY)
        station_records.admit(connection, "cp-1", "rejected", "broken", BY)
        assert station_records.admissions(connection) == {"cp-1": "rejected"}
        assert station_records.quarantined(connection) == []


def test_what_charges_cost_is_kept_and_forgotten_after_their_end(records):
    runs = Cost("cp", "t1", 1_200, NOW, NOW, ended=False)
    over = Cost("cp", "t2", None, NOW, NOW, ended=True)
    with records.begin() as connection:
        cost_records.store(connection, [runs, over])
        assert cost_records.due(connection, NOW, 10) == []  # no sessions
        assert cost_records.since(connection, None) == [runs]
        assert sorted(cost_records.since(connection, NOW)) == [runs, over]
        assert cost_records.since(connection, NOW + timedelta(seconds=1)) == []
        assert cost_records.forget_ended(connection, NOW + timedelta(seconds=1)) == 1
        assert cost_records.since(connection, NOW) == [runs]
