"""Tickets on both engines: one for each bin and fault, each step with its event and the audit log in one transaction."""

from __future__ import annotations

import json
import threading
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from dure.core.errors import Conflict, NotFound
from dure.core.text import Text
from dure.engines.records import audit, events
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.records.tables import audit as log
from dure.services.waste.faults.fault_rules import fault_rules
from dure.services.waste.faults.findings import Found
from dure.services.waste.tickets import ticket_desk
from dure.services.waste.tickets.tickets import Repair, Retested, Ticket

ZONE = ZoneInfo("Asia/Seoul")
RULES = fault_rules(date(2026, 11, 25))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def found(by: By, bin_id: str = "bin-1", fault: str = "stuck", **more: object) -> Found:
    usual = {"evidence": Text("그대로", "the same"), "numbers": {"level": 0.4}, "since": by.at - HOUR}
    return Found(bin=bin_id, fault=fault, **(usual | more))  # type: ignore[arg-type]


def opened(records: Records, by: By, *items: Found, later: timedelta = timedelta()) -> list[Ticket]:
    with records.begin() as connection:
        return ticket_desk.open_found(connection, items, by.at + later, RULES, ZONE)


def told(records: Records, bin_id: str = "bin-1") -> list[str]:
    with records.read() as connection:
        return sorted(one.type.rsplit(".", 1)[1] for one in events.listing(connection, subject=bin_id).items)


def test_a_ticket_comes_back_as_it_was_kept(records: Records, by: By) -> None:
    (fresh,) = opened(records, by, found(by))
    with records.read() as connection:
        assert ticket_desk.get(connection, fresh.id) == fresh
        assert ticket_desk.unsettled(connection) == [fresh]
        assert ticket_desk.counts(connection, date(2027, 1, 1)) == {"open": 1, "late": 1}
    assert told(records) == ["opened"]


def test_a_fault_that_is_seen_again_and_again_is_one_ticket_renewed_by_the_hour(records: Records, by: By) -> None:
    (fresh,) = opened(records, by, found(by), found(by))
    assert opened(records, by, found(by, numbers={"level": 0.5}), later=HOUR / 2) == []
    with records.read() as connection:
        assert ticket_desk.get(connection, fresh.id) == fresh
    assert opened(records, by, found(by, numbers={"level": 0.6}), later=2 * HOUR) == []
    with records.read() as connection:
        again = ticket_desk.get(connection, fresh.id)
    assert (again.facts.numbers, again.facts.seen_at, again.state) == ({"level": 0.6}, by.at + 2 * HOUR, "open")
    assert told(records) == ["opened"]


def test_two_that_look_at_the_same_time_open_one_ticket(records: Records, by: By) -> None:
    both = threading.Barrier(2)
    made: list[Ticket] = []

    def look(micros: int) -> None:
        both.wait()
        made.extend(opened(records, by, found(by), later=timedelta(microseconds=micros)))

    threads = [threading.Thread(target=look, args=(n,)) for n in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    with records.read() as connection:
        assert len(ticket_desk.unsettled(connection)) == 1
    assert len(made) == 1
    assert told(records) == ["opened"]


def test_its_life_is_told_step_by_step_and_logged(records: Records, by: By) -> None:
    (fresh,) = opened(records, by, found(by))
    with records.begin() as connection:
        ticket_desk.assign(connection, fresh.id, "Team 2", by)
        ticket_desk.assign(connection, fresh.id, "Team 2", by)
        ticket_desk.repaired(connection, fresh.id, Repair(photo="photo-1", parts=("cable",), note="changed"), by)
    with records.begin() as connection:
        failed = ticket_desk.retest(connection, {fresh.id: Retested("failed", Text("다시", "again"))}, by.at + DAY)
        assert [one.state for one in failed] == ["assigned"]
        ticket_desk.repaired(connection, fresh.id, Repair(photo="photo-2"), by)
        ticket_desk.retest(connection, {fresh.id: Retested("waiting", Text("", ""))}, by.at + 2 * DAY)
        (done,) = ticket_desk.retest(connection, {fresh.id: Retested("passed", Text("정상", "sound"))}, by.at + 3 * DAY)
    assert (done.state, done.facts.outcome, done.facts.reopened_n, done.facts.photo) == ("closed", "repaired", 1, "photo-2")
    assert told(records) == ["assigned", "closed", "opened", "reopened", "repaired", "repaired"]
    with records.read() as connection:
        steps = [next(iter(json.loads(row.detail))) for row in connection.execute(select(log.c.detail).order_by(log.c.n))]
        assert audit.verify(connection) is None
    assert steps == ["assigned", "repaired", "reopened", "repaired", "closed"]


def test_a_new_ticket_follows_one_that_is_closed(records: Records, by: By) -> None:
    (fresh,) = opened(records, by, found(by))
    with records.begin() as connection:
        ticket_desk.close(connection, fresh.id, "replaced", "a new sensor", by)
    (second,) = opened(records, by, found(by), later=HOUR)
    assert second.id != fresh.id


def test_a_false_alarm_is_not_opened_again_for_a_week(records: Records, by: By) -> None:
    (fresh,) = opened(records, by, found(by))
    with records.begin() as connection:
        ticket_desk.close(connection, fresh.id, "false_alarm", "looked: sound", by)
    assert opened(records, by, found(by), later=6 * DAY) == []
    assert opened(records, by, found(by, fault="jumping"), later=6 * DAY) != []
    assert opened(records, by, found(by), later=8 * DAY) != []


def test_what_a_person_saw_is_answered_once(records: Records, by: By) -> None:
    tap = found(by, fault="broken", source="tap-1")
    (fresh,) = opened(records, by, tap, tap)
    with records.begin() as connection:
        ticket_desk.close(connection, fresh.id, "repaired", "lid", by)
    assert opened(records, by, tap, later=HOUR) == []
    later = found(by, fault="broken", source="tap-2", since=by.at + HOUR)
    assert len(opened(records, by, later, later=2 * HOUR)) == 1


def test_bins_that_are_not_believed_and_why(records: Records, by: By) -> None:
    opened(
        records, by, found(by), found(by, fault="low_battery"), found(by, "bin-2", "low_battery"), found(by, "bin-3", "broken")
    )
    with records.read() as connection:
        assert ticket_desk.untrusted(connection, RULES) == {"bin-1": "stuck"}
        assert ticket_desk.healths(connection) == {"bin-1": "stuck", "bin-2": "low_battery"}


def test_one_that_went_by_itself_is_closed_with_why(records: Records, by: By) -> None:
    (fresh,) = opened(records, by, found(by))
    with records.begin() as connection:
        (over,) = ticket_desk.close_gone(connection, {fresh.id: Text("정상", "sound")}, by.at + DAY)
    assert (over.facts.outcome, over.facts.story[-1].words.en) == ("gone", "sound")


def test_what_is_refused_changes_nothing(records: Records, by: By) -> None:
    (fresh,) = opened(records, by, found(by))
    with records.begin() as connection:
        shut = ticket_desk.close(connection, fresh.id, "gone", "nothing there", by)
    with pytest.raises(Conflict, match="closed"), records.begin() as connection:
        ticket_desk.assign(connection, fresh.id, "Kim", by)
    with pytest.raises(NotFound) as unknown, records.read() as connection:
        ticket_desk.get(connection, "nobody")
    assert unknown.value.code == "ticket.unknown"
    with records.read() as connection:
        assert ticket_desk.get(connection, fresh.id) == shut
    assert told(records) == ["closed", "opened"]


def test_a_list_is_paged_by_what_changed_last_and_filtered(records: Records, by: By) -> None:
    opened(records, by, *(found(by, f"bin-{n}") for n in range(5)))
    with records.begin() as connection:
        mine = ticket_desk.listing(connection).items[3]
        ticket_desk.assign(connection, mine.id, "Kim", By(by.actor, by.at + HOUR))
    with records.read() as connection:
        first = ticket_desk.listing(connection, limit=3)
        rest = ticket_desk.listing(connection, limit=3, after=first.next or "")
        assert [len(first.items), len(rest.items), first.items[0].id] == [3, 2, mine.id]
        assert [one.id for one in ticket_desk.listing(connection, owner="Kim", states=("assigned",)).items] == [mine.id]
        assert len(ticket_desk.listing(connection, bin_id="bin-2", fault="stuck").items) == 1
