"""Tickets of findings on both engines: one for each meter and kind, ranked, each step with its event and the audit log."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import select

from dure.core.errors import Conflict, InputError, NotFound
from dure.engines.records import decisions, events
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.records.tables import audit as log
from dure.services.buildings.finding import ticket_desk, ticket_records
from dure.services.buildings.finding.finding_rules import finding_rules
from dure.services.buildings.finding.findings import Finding
from dure.services.buildings.finding.looking import Look
from dure.services.buildings.finding.ticket_desk import Opening, Seen
from dure.services.buildings.finding.ticket_records import Asked
from dure.services.buildings.finding.tickets import Ticket
from dure.services.buildings.finding.worth import Worth
from dure.services.buildings.model import Meter

RULES = finding_rules(date(2026, 11, 24))
SEOUL = ZoneInfo("Asia/Seoul")
DAY = timedelta(days=1)


def seen(at: datetime, meter: str = "m-1", kind: str = "leak", won: int = 100, grams: int = 5) -> Seen:
    found = Finding(
        kind=kind, meter=meter, since=at - DAY, until=at, window_from=at - DAY, actual=2.0, expected=1.0, excess_per_h=1.0,  # type: ignore[arg-type]
        hours_year=8_766, rule="finding@2026-11/base/surplus", provisional=False,
        numbers={"surplus_per_h": 1.0, "surplus_share": 0.5, "threshold_share": 0.25},
    )  # fmt: skip
    worth = Worth(amount_year=10, energy_wh_year=10, won_year=won, co2e_g_year=grams)
    return Seen(found, Meter(id=meter, building=f"of-{meter}", fuel="electricity"), worth)


def opened(records: Records, at: datetime, *found: Seen) -> list[Ticket]:
    with records.begin() as connection:
        return ticket_desk.open_found(connection, found, Opening(at, SEOUL, RULES))


def told(records: Records, meter: str = "m-1") -> list[str]:
    with records.read() as connection:
        return sorted(one.type for one in events.listing(connection, subject=meter).items)


def test_a_ticket_comes_back_as_it_was_kept_with_its_event_and_decision(records: Records, by: By) -> None:
    (fresh,) = opened(records, by.at, seen(by.at))
    with records.read() as connection:
        assert ticket_records.get(connection, fresh.id) == fresh
        decision = decisions.get(connection, fresh.facts.decision)
        assert ticket_records.counts(connection, date(2027, 6, 1)) == {
            "open": 1, "late": 1, "won_year": 100, "co2e_g_year": 5,
        }  # fmt: skip
    assert decision.result["ticket"] == fresh.id
    assert "surplus" in decision.reasons[-1]
    assert told(records) == ["buildings.finding.opened"]


def test_what_is_seen_again_and_again_is_one_ticket_that_is_renewed(records: Records, by: By) -> None:
    (fresh,) = opened(records, by.at, seen(by.at))
    assert opened(records, by.at + DAY, seen(by.at + DAY, won=200)) == []
    with records.read() as connection:
        again = ticket_records.get(connection, fresh.id)
    assert (again.won_year, again.facts.seen_at, again.facts.finding.since) == (200, by.at + DAY, by.at - DAY)
    assert told(records) == ["buildings.finding.opened"]


def test_two_that_look_at_the_same_time_open_one_ticket(records: Records, by: By) -> None:
    both, made = threading.Barrier(2), list[Ticket]()

    def look(seconds: int) -> None:
        both.wait()
        made.extend(opened(records, by.at + timedelta(seconds=seconds), seen(by.at)))

    threads = [threading.Thread(target=look, args=(n,)) for n in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(made) == 1


def test_the_list_begins_with_what_is_worth_most_and_goes_on_page_by_page(records: Records, by: By) -> None:
    opened(
        records,
        by.at,
        seen(by.at, "a", won=5),
        seen(by.at, "b", won=9),
        seen(by.at, "c", won=5, grams=9),
        seen(by.at, "d", won=5),
    )
    names, after = [], ""
    with records.read() as connection:
        for _ in range(4):
            page = ticket_records.listing(connection, Asked(), after=after, limit=1)
            names += [one.meter for one in page.items]
            after = page.next
        assert [one.meter for one in ticket_records.listing(connection, Asked(building="of-c")).items] == ["c"]
        assert ticket_records.listing(connection, Asked(states=("closed",))).items == []
    assert names == ["b", "c", "a", "d"]
    assert after == ""


@pytest.mark.parametrize("mark", ["x", "1~2", "1~two~x", "99999999999999999999~1~x"])
def test_a_mark_that_is_none_is_refused(records: Records, mark: str) -> None:
    with records.read() as connection, pytest.raises(InputError) as refused:
        ticket_records.listing(connection, Asked(), after=mark)
    assert refused.value.code == "page.mark"


def test_each_step_is_told_and_stands_in_the_audit_log(records: Records, by: By) -> None:
    (fresh,) = opened(records, by.at, seen(by.at))
    later = By("kim", by.at + DAY)
    with records.begin() as connection:
        ticket_desk.assign(connection, fresh.id, "team 2", later)
        ticket_desk.repaired(connection, fresh.id, "valve closed", later)
        ticket_desk.reopen(connection, fresh.id, "still runs", later)
        done = ticket_desk.close(connection, fresh.id, "accepted", "needed", later)
        entries = list(connection.execute(select(log).where(log.c.object == fresh.id)))
    assert [one.step for one in done.facts.story] == ["opened", "assigned", "repaired", "reopened", "closed"]
    assert len(entries) == 4
    assert told(records) == ["buildings.finding.closed", "buildings.finding.opened", "buildings.finding.opened"]


def test_what_a_person_called_no_waste_is_not_opened_again_for_a_while(records: Records, by: By) -> None:
    (fresh,) = opened(records, by.at, seen(by.at))
    with records.begin() as connection:
        ticket_desk.close(connection, fresh.id, "no_waste", "an event", By("kim", by.at))
    hold = RULES.service["leak"].hold_days
    assert opened(records, by.at + (hold - 1) * DAY, seen(by.at)) == []
    assert len(opened(records, by.at + (hold + 1) * DAY, seen(by.at))) == 1


def test_a_closed_ticket_is_not_opened_beside_another_of_its_kind(records: Records, by: By) -> None:
    (first,) = opened(records, by.at, seen(by.at))
    with records.begin() as connection:
        ticket_desk.close(connection, first.id, "repaired", "done", By("kim", by.at))
    assert len(opened(records, by.at + DAY, seen(by.at))) == 1
    with records.begin() as connection, pytest.raises(Conflict) as refused:
        ticket_desk.reopen(connection, first.id, "again", By("kim", by.at + DAY))
    assert refused.value.code == "ticket.twice"


def test_a_look_closes_what_passed_and_opens_what_failed(records: Records, by: By) -> None:
    fresh = {one.meter: one for one in opened(records, by.at, seen(by.at, "a"), seen(by.at, "b"), seen(by.at, "c"))}
    with records.begin() as connection:
        mended = {name: ticket_desk.repaired(connection, fresh[name].id, "", By("kim", by.at + DAY)) for name in ("a", "b")}
        look = Look((), (mended["a"],), ((mended["b"], mended["b"].facts.finding),), (fresh["c"],))
        changed = ticket_desk.settle(connection, look, by.at + 9 * DAY)
    assert {one.meter: (one.state, one.facts.outcome) for one in changed} == {
        "a": ("closed", "repaired"), "b": ("assigned", ""), "c": ("closed", "gone"),
    }  # fmt: skip


def test_a_look_does_not_undo_what_a_person_did_meanwhile(records: Records, by: By) -> None:
    (fresh,) = opened(records, by.at, seen(by.at))
    with records.begin() as connection:
        ticket_desk.repaired(connection, fresh.id, "", By("kim", by.at))
        assert ticket_desk.settle(connection, Look((), (), (), (fresh,)), by.at + DAY) == []


def test_there_is_no_ticket_of_an_unknown_id(records: Records) -> None:
    with records.read() as connection, pytest.raises(NotFound):
        ticket_records.get(connection, "nothing")


def test_facts_survive_their_way_through_json(records: Records, by: By) -> None:
    (fresh,) = opened(records, by.at, seen(by.at))
    assert msgspec.convert(msgspec.to_builtins(fresh), Ticket) == fresh
