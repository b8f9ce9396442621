"""Sessions, states and settlements on both engines: words fold once, wishes are adopted, receipts are never changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, select

from dure.core.assets import Asset
from dure.core.errors import Conflict, NotFound
from dure.core.geo import at as place_at
from dure.core.text import Text
from dure.core.time import to_us
from dure.engines.records.tables import events, metadata
from dure.engines.records.tables_charging_origin import charging_origin_splits
from dure.engines.records.tables_charging_sessions import charging_settlements
from dure.services.charging.central.words import Linked, Sample, StatusSaid, TransactionSaid
from dure.services.charging.pricing import receipt as sealed
from dure.services.charging.pricing import settlement_records
from dure.services.charging.pricing.receipt import OriginShare
from dure.services.charging.pricing.running_cost import books_of
from dure.services.charging.pricing.settling import Settling, receipt_of
from dure.services.charging.sessions import live_states, session_records, stay_records, wish_records
from dure.services.charging.sessions.assembling import assembled
from dure.services.charging.sessions.endings import take_up
from dure.services.charging.sessions.folding import fold
from dure.services.charging.sessions.model import session_id
from dure.services.charging.sessions.places import Places
from dure.services.charging.sessions.session_records import Asked
from dure.services.charging.sessions.session_rules import session_rules
from dure.services.charging.sessions.stay_records import Stay
from dure.services.charging.sessions.wish_records import Wish
from dure.services.charging.sites import Sites, sites_of

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
T0, MIN = to_us(NOW), 60_000_000
RULES = session_rules(date(2026, 11, 24))
SITES = sites_of(
    [
        Asset(id="s", kind="charging_site", city="c", name=Text("곳", "Site"), place=place_at(127, 37), state="live"),
        Asset(id="c", kind="charger", city="c", name=Text("기", "Charger"), parent="s", state="live"),
        Asset(id="e", kind="evse", city="c", name=Text("구", "EVSE"), parent="c", attributes={"number": "1"}, state="live"),
    ],
    {"c": "c-1"},
)
PLACES = Places(SITES)


def said(step: str, minute: int, wh: int, transaction: str = "1") -> TransactionSaid:
    at = T0 + minute * MIN
    sample = Sample(at, "Energy.Active.Import.Register", wh)
    return TransactionSaid("c", transaction, step, at, at, evse=1, samples=(sample,))  # type: ignore[arg-type]


def taken(records, *words, at: datetime = NOW) -> None:
    with records.begin() as connection:
        fold(connection, words, PLACES, RULES, at)


def session(records, transaction: str = "1"):
    with records.read() as connection:
        return session_records.get(connection, session_id("c", transaction))


def test_the_tables_are_those_of_the_migrations(records) -> None:
    with records.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_an_unknown_session_and_a_missing_receipt_are_not_found(records) -> None:
    with records.read() as connection:
        with pytest.raises(NotFound, match="no charging session"):
            session_records.get(connection, "nobody")
        with pytest.raises(NotFound, match="not settled"):
            settlement_records.get(connection, "nobody")


def test_words_taken_twice_and_in_parts_are_taken_once(records) -> None:
    words = [Linked("c", "ocpp1.6", T0), said("started", 0, 0), said("updated", 5, 400), said("ended", 10, 900)]
    taken(records, *words[2:], *words[:1])
    taken(records, *words)
    taken(records, *words)
    found = session(records)
    assert (found.energy_wh, found.state, found.trust, found.evse, found.site) == (900, "ended", "measured", "e", "s")
    with records.read() as connection:
        assert connection.execute(select(func.count()).select_from(events)).scalar_one() == 2
        assert live_states.states(connection)["e"].session == ""
        assert live_states.links(connection)["c"].linked


def test_states_of_one_station_are_asked_for_by_themselves(records) -> None:
    taken(records, StatusSaid("c", 1, "faulted", T0, T0, error="GroundFailure"), said("started", 0, 0))
    with records.read() as connection:
        state = live_states.states(connection, "c")["e"]
        assert live_states.states(connection, "other") == {}
    assert (state.status, state.error, state.since_at, state.session) == ("faulted", "GroundFailure", NOW, session_id("c", "1"))


def test_sessions_are_listed_by_pages_and_filters(records) -> None:
    for one in range(5):
        taken(records, said("started", one, 0, str(one)), *([said("ended", one + 1, 100, str(one))] if one % 2 else []))
    with records.read() as connection:
        first = session_records.listing(connection, Asked(site="s"), limit=3)
        rest = session_records.listing(connection, Asked(site="s"), after=first.next, limit=3)
        ended = session_records.listing(connection, Asked(states=("ended",))).items
        there = session_records.overlapping(connection, "s", NOW + timedelta(minutes=2), NOW + timedelta(minutes=3))
        counts, running = session_records.counts(connection), session_records.running(connection, "s")
    assert [one.transaction for one in first.items + rest.items] == ["4", "3", "2", "1", "0"]
    assert [one.transaction for one in ended] == ["3", "1"]
    assert [one.transaction for one in there] == ["0", "2"]
    assert (counts, len(running)) == ({"running": 3, "ended": 2}, 3)


def test_a_wish_made_before_a_session_begins_is_its_drivers(records) -> None:
    early = Wish(id="w0", evse="e", made_at=NOW - timedelta(hours=2), need_wh=1)
    wish = Wish(id="w1", evse="e", made_at=NOW - timedelta(minutes=5), need_wh=20_000, target_soc=0.8)
    with records.begin() as connection:
        assert wish_records.add(connection, early)
        assert wish_records.add(connection, wish)
        assert not wish_records.add(connection, wish)
    taken(records, said("started", 0, 0))
    later = Wish(
        id="w2", evse="e", session=session_id("c", "1"), made_at=NOW, need_wh=10_000, departs_at=NOW + timedelta(hours=8)
    )
    with records.begin() as connection:
        wish_records.add(connection, later)
    found = session(records)
    assert (found.need_wh, found.target_soc, found.departs_at) == (10_000, 0.8, NOW + timedelta(hours=8))


def settling(records, **more) -> Settling:
    with records.read() as connection:
        key, gathered = session_records.gathered_of(connection, session_id("c", "1"))
    made = assembled(key, PLACES.place_of("c", 1), gathered, RULES)
    usual = {
        "session": made.session, "series": made.series, "site": SITES.sites["s"], "member": "guest", "origin": None,
        "books": books_of(None, ZoneInfo("Asia/Seoul")), "folder": None, "session_version": RULES.version,
    }  # fmt: skip
    return Settling(**(usual | more))


def test_receipts_follow_each_other_and_the_newest_counts(records) -> None:
    taken(records, said("started", 0, 0), said("ended", 10, 900))
    first = receipt_of(settling(records), NOW)
    with records.begin() as connection:
        digest = settlement_records.insert(connection, first)
        assert settlement_records.insert(connection, first) is None
        assert settlement_records.to_correct(connection, NOW - timedelta(days=1)) == []
        row = {
            "session": first.session,
            "site": "s",
            "energy_wh": 900,
            "pv_wh": 600,
            "ess_pv_wh": 0,
            "ess_grid_wh": 0,
            "grid_wh": 300,
        }
        connection.execute(charging_origin_splits.insert(), row | {"final": 1, "booked_at": NOW})
        assert settlement_records.to_correct(connection, NOW - timedelta(days=1)) == [first.session]
    origin = OriginShare(pv_wh=600, grid_wh=300, known=True)
    second = receipt_of(settling(records, origin=origin, last=(first, digest), why="origin_came_late"), NOW)
    with records.begin() as connection:
        settlement_records.insert(connection, second)
        chain = settlement_records.of_session(connection, first.session)
        assert settlement_records.to_correct(connection, NOW - timedelta(days=1)) == []
        assert settlement_records.last_of(connection, first.session).receipt == second
        sums = settlement_records.sums(connection, NOW, NOW + timedelta(hours=1), ["s"])
    assert [(one.receipt.n, one.receipt.co2e_g) for one in chain] == [(1, 376), (2, 125)]
    assert sealed.faults_of([(one.text, one.sha256) for one in chain]) == ()
    assert sums == {"sessions": 1, "energy_wh": 900, "renewable_wh": 600, "won": first.won, "co2e_g": 125}


def test_one_number_of_a_session_is_taken_once_whoever_writes(records) -> None:
    taken(records, said("started", 0, 0), said("ended", 10, 900))
    receipt = receipt_of(settling(records), NOW)
    with records.begin() as connection:
        settlement_records.insert(connection, receipt)
        row = dict(connection.execute(select(charging_settlements)).mappings().one())
    with pytest.raises(Conflict), records.begin() as connection:
        connection.execute(charging_settlements.insert(), row)


def test_a_settled_session_opens_again_only_when_late_words_change_it(records) -> None:
    words = [said("started", 0, 0), said("ended", 10, 900)]
    taken(records, *words)
    with records.begin() as connection:
        session_records.set_settled(connection, [session_id("c", "1")])
    taken(records, *words, msgspec.structs.replace(words[1], heard_us=T0 + 60 * MIN))
    assert session(records).state == "settled"
    taken(records, said("ended", 12, 950))
    assert (session(records).state, session(records).energy_wh) == ("ended", 950)


def test_a_session_of_an_evse_registered_later_is_taken_up_again(records) -> None:
    with records.begin() as connection:
        fold(connection, [said("started", 0, 0), said("ended", 10, 900)], Places(Sites({}, {}, {}, [])), RULES, NOW)
    assert (session(records).evse, session(records).site) == ("", "")
    assert take_up(records, PLACES, RULES, NOW) == 1
    found = session(records)
    assert (found.evse, found.site, found.energy_wh, found.facts["reasons"]) == ("e", "s", 900, [])
    assert take_up(records, PLACES, RULES, NOW) == 0
    with records.read() as connection:
        assert connection.execute(select(func.count()).select_from(events)).scalar_one() == 2


def test_a_wish_made_after_a_session_that_is_told_late_is_not_its_drivers(records) -> None:
    with records.begin() as connection:
        wish_records.add(connection, Wish(id="w", evse="e", made_at=NOW + timedelta(hours=2), need_wh=1))
    taken(records, said("started", 0, 0), said("ended", 10, 900), at=NOW + timedelta(hours=3))
    assert session(records).need_wh is None


def test_disputed_sessions_that_wait_for_a_person_hold_up_none(records) -> None:
    for one in range(3):
        taken(records, said("started", one, 1_000_000, f"d{one}"), said("ended", one + 1, 900_000, f"d{one}"))
    taken(records, said("started", 30, 0), said("ended", 40, 900))
    with records.read() as connection:
        assert session_records.counts(connection)["disputed"] == 3
        assert [one.transaction for one in session_records.to_settle(connection, 2)] == ["1"]


def test_a_receipt_is_looked_at_again_when_the_ledger_moves_sun_into_storage(records) -> None:
    taken(records, said("started", 0, 0), said("ended", 10, 900))
    made = receipt_of(settling(records, origin=OriginShare(pv_wh=600, grid_wh=300, known=True)), NOW)
    row = {
        "session": made.session, "site": "s", "energy_wh": 900, "pv_wh": 500, "ess_pv_wh": 100, "ess_grid_wh": 0, "grid_wh": 300,
    }  # fmt: skip
    with records.begin() as connection:
        settlement_records.insert(connection, made)
        connection.execute(charging_origin_splits.insert(), row | {"final": 1, "booked_at": NOW + timedelta(hours=1)})
        assert settlement_records.to_correct(connection, NOW - timedelta(days=1)) == [made.session]


def test_the_digest_of_a_token_is_taken_off_old_sessions_and_nothing_else_changes(records) -> None:
    words = [msgspec.structs.replace(said("started", 0, 0), token="t" * 64), said("ended", 10, 900)]
    taken(records, *words)
    before = session(records)
    assert before.token
    with records.begin() as connection:
        assert session_records.forget_tokens(connection, NOW) == 0
        assert session_records.forget_tokens(connection, NOW + timedelta(days=1)) == 1
        assert session_records.forget_tokens(connection, NOW + timedelta(days=1)) == 0
        assert session_records.gathered_of(connection, before.id)[1].token is None
    assert session(records) == msgspec.structs.replace(before, token="")


def test_a_factor_is_that_of_the_day_a_session_ended_whenever_it_is_settled(records) -> None:
    taken(records, said("started", 0, 0), said("ended", 10, 900))
    by = settling(records)
    old = msgspec.structs.replace(
        by, session=msgspec.structs.replace(by.session, ended_at=datetime(2025, 12, 16, 14, 0, tzinfo=UTC))
    )
    assert receipt_of(old, NOW).factor == receipt_of(old, NOW + timedelta(days=900)).factor
    assert (receipt_of(old, NOW).factor.year, receipt_of(by, NOW).factor.year) == (2022, 2023)


def test_stays_are_kept_and_those_that_left_are_no_longer_followed(records) -> None:
    taken(records, said("started", 0, 0), said("ended", 10, 900))
    ident = session_id("c", "1")
    stay = Stay(session=ident, evse="e", ended_at=NOW + timedelta(minutes=10))
    with records.begin() as connection:
        stay_records.put(connection, [stay])
        assert stay_records.present(connection) == {ident: stay}
        assert [one.id for one in stay_records.looked_at(connection, NOW + timedelta(days=1), {ident})] == [ident]
        gone = msgspec.structs.replace(stay, left_at=NOW + timedelta(minutes=30))
        stay_records.put(connection, [gone])
        assert (stay_records.present(connection), stay_records.get(connection, ident)) == ({}, gone)
        assert stay_records.looked_at(connection, NOW + timedelta(days=1), set()) == []
