"""Sightings of bins by crews and citizens, and citizens' reports, on both engines."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from dure.core.assets import Asset
from dure.core.errors import Conflict, NotFound
from dure.core.geo import at as place_at
from dure.core.text import Text
from dure.engines.records import assets, events
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.records.tables_waste import waste_plans
from dure.services.waste.driving import tap_records
from dure.services.waste.driving.taps import PlanSeen
from dure.services.waste.model import Sighting
from dure.services.waste.reporting import report_desk, report_records
from dure.services.waste.reporting.report_desk import Said

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def sighting(by: By, number: int, **more: object) -> Sighting:
    """The tap of a minute; a bin has every third."""
    at = by.at + number * MINUTE
    usual = Sighting(
        id=f"tap-{number:03}",
        bin=f"bin-{number % 3}",
        kind="emptied",
        level=0.5,
        seen_at=at,
        received_at=at + 8 * HOUR,
        person="p-1",
        truck="truck-1",
    )
    return msgspec.structs.replace(usual, **more)


def keep(records: Records, *items: Sighting) -> int:
    with records.begin() as connection:
        return tap_records.add(connection, items)


def register(records: Records, by: By, id_: str, kind: str = "bin", state: str = "live") -> None:
    asset = Asset(id=id_, city="hwaseong", kind=kind, name=Text(id_, id_), place=place_at(127.0, 37.2), state=state)
    with records.begin() as connection:
        assets.add(connection, asset, by)


def test_a_sighting_comes_back_as_it_was_kept_and_once(records: Records, by: By) -> None:
    told = sighting(by, 1, level=None, kind="blocked", plan="plan-1", facts={"words": "차가 막고 있음", "undone_at_all": False})
    assert keep(records, told) == 1
    again = msgspec.structs.replace(told, level=1.0, kind="emptied")
    assert keep(records, again, again, sighting(by, 2)) == 1
    with records.read() as connection:
        assert tap_records.find(connection, ["tap-001", "tap-009"]) == {"tap-001": told}


def test_a_sighting_without_a_time_of_receipt_was_received_when_it_was_seen(records: Records, by: By) -> None:
    keep(records, sighting(by, 1, received_at=None))
    with records.read() as connection:
        assert tap_records.find(connection, ["tap-001"])["tap-001"].received_at == by.at + MINUTE


def test_more_ids_than_a_statement_takes_are_found(records: Records, by: By) -> None:
    assert keep(records, *(sighting(by, number) for number in range(1_203))) == 1_203
    with records.read() as connection:
        assert len(tap_records.find(connection, [f"tap-{number:03}" for number in range(2_000)])) == 1_203


def test_what_was_taken_back_stays_and_counts_no_longer(records: Records, by: By) -> None:
    keep(records, sighting(by, 0), sighting(by, 3), sighting(by, 1))
    with records.begin() as connection:
        last = tap_records.find(connection, ["tap-003"])["tap-003"]
        assert tap_records.undo(connection, last, "p-2", by.at + 9 * HOUR)

    with records.read() as connection:
        (undone, first) = tap_records.of_bin(connection, "bin-0")
        emptied = tap_records.newest_emptying(connection)
        counted = tap_records.between(connection, by.at, by.at + HOUR)
    assert (undone.id, undone.facts["undone_by"], undone.received_at) == ("tap-003", "p-2", by.at + 9 * HOUR)
    assert tap_records.counts(first)
    assert not tap_records.counts(undone)
    assert [one.id for one in counted] == ["tap-000", "tap-001"]
    assert emptied == {"bin-0": by.at, "bin-1": by.at + MINUTE}


@pytest.mark.parametrize("words", ["undone_at", 'he wrote "undone_at": yesterday', "undoneXat"])
def test_words_of_a_person_about_undoing_take_nothing_back(records: Records, by: By, words: str) -> None:
    keep(records, sighting(by, 1, facts={"words": words}))
    with records.read() as connection:
        assert tap_records.newest_emptying(connection) == {"bin-1": by.at + MINUTE}


def test_a_span_holds_its_start_and_not_its_end_of_one_truck_and_no_reports(records: Records, by: By) -> None:
    keep(records, *(sighting(by, number, truck=f"truck-{number % 2}") for number in range(6)), sighting(by, 7, kind="report"))
    with records.read() as connection:
        found = tap_records.between(connection, by.at + MINUTE, by.at + 5 * MINUTE)
        one_truck = tap_records.between(connection, by.at, by.at + HOUR, truck="truck-1")
    assert [one.id for one in found] == ["tap-001", "tap-002", "tap-003", "tap-004"]
    assert [one.id for one in one_truck] == ["tap-001", "tap-003", "tap-005"]


def test_sightings_of_a_bin_come_newest_first_since_a_time_and_no_more_than_asked(records: Records, by: By) -> None:
    keep(records, *(sighting(by, number, bin="bin-0") for number in range(5)))
    with records.read() as connection:
        since = tap_records.of_bin(connection, "bin-0", since=by.at + 2 * MINUTE)
        two = tap_records.of_bin(connection, "bin-0", limit=2)
    assert [one.id for one in since] == ["tap-004", "tap-003", "tap-002"]
    assert [one.id for one in two] == ["tap-004", "tap-003"]


def test_a_photo_is_put_to_a_sighting_once(records: Records, by: By) -> None:
    keep(records, sighting(by, 1))
    with records.begin() as connection:
        tap_records.add_photo(connection, "tap-001", "first.jpg")
        tap_records.add_photo(connection, "tap-001", "second.jpg")
        assert tap_records.find(connection, ["tap-001"])["tap-001"].photo == "first.jpg"


def test_a_crew_knows_bins_of_every_state_and_nothing_but_bins(records: Records, by: By) -> None:
    for id_, kind, state in (("bin-1", "bin", "live"), ("bin-2", "bin", "retired"), ("truck-1", "truck", "live")):
        register(records, by, id_, kind, state)
    with records.read() as connection:
        assert tap_records.bins_known(connection, ["bin-1", "bin-2", "bin-3", "truck-1"]) == {"bin-1", "bin-2"}


def test_a_stale_plan_is_told_with_the_one_in_force_of_its_day(records: Records, by: By) -> None:
    plans = (("a", "2026-11-24", 1, "superseded"), ("b", "2026-11-24", 2, "published"), ("c", "2026-11-25", 1, "draft"))
    with records.begin() as connection:
        for id_, day, version, state in plans:
            row = {"id": id_, "day": day, "version": version, "state": state, "made_at": by.at, "person": "", "plan": {}}
            connection.execute(waste_plans.insert().values(**row, inputs_sha256="", inputs={}, decision=""))
    with records.read() as connection:
        seen = tap_records.plans_seen(connection, ["a", "b", "c", "d", ""])
    assert seen == {"a": PlanSeen("superseded", "b"), "b": PlanSeen("published", "b"), "c": PlanSeen("draft", "")}


def test_a_report_is_kept_with_the_sighting_it_is_and_told_without_its_number(records: Records, by: By) -> None:
    register(records, by, "bin-1")
    report = report_desk.receive(records, Said(bin="bin-1", kind="overflow", words="옆에 쌓였어요"), by.at)
    with records.read() as connection:
        assert report_records.get(connection, report.id) == report
        (seen,) = tap_records.of_bin(connection, "bin-1")
        (told,) = events.listing(connection, prefix="waste.report").items
    assert (seen.kind, seen.level, seen.seen_at) == ("report", 1.1, by.at)
    assert report.id not in str(told)


def test_a_report_of_an_unknown_or_a_retired_bin_is_refused(records: Records, by: By) -> None:
    register(records, by, "bin-2", state="retired")
    for id_ in ("bin-1", "bin-2"):
        with pytest.raises(NotFound, match="no such bin") as refused:
            report_desk.receive(records, Said(bin=id_, kind="full"), by.at)
        assert refused.value.code == "report.bin_unknown"
    with records.read() as connection, pytest.raises(NotFound):
        report_records.get(connection, "23456789AB")


def test_reports_are_listed_newest_first_page_by_page(records: Records, by: By) -> None:
    register(records, by, "bin-1")
    register(records, by, "bin-2")
    ids = [
        report_desk.receive(records, Said(bin=f"bin-{1 + number % 2}", kind="full"), by.at + number * MINUTE).id
        for number in range(5)
    ]
    with records.read() as connection:
        first = report_records.listing(connection, limit=3)
        rest = report_records.listing(connection, limit=3, after=first.next)
        of_bin = report_records.listing(connection, bin_id="bin-2", states=["open"])
        counts = report_records.counts(connection)
        none = report_records.listing(connection, states=["done"])
    assert [one.id for one in (*first.items, *rest.items)] == ids[::-1]
    assert rest.next == ""
    assert [one.id for one in of_bin.items] == [ids[3], ids[1]]
    assert (counts, none.items) == ({"open": 5}, [])


def test_an_emptying_after_the_report_settles_it_and_one_taken_back_does_not(records: Records, by: By) -> None:
    register(records, by, "bin-1")
    number = report_desk.receive(records, Said(bin="bin-1", kind="full"), by.at).id
    keep(records, sighting(by, 1))
    with records.begin() as connection:
        tap_records.undo(connection, tap_records.find(connection, ["tap-001"])["tap-001"], "p-1", by.at + 2 * MINUTE)
        assert report_desk.advance(connection, by.at + HOUR, "2026-11-24") == 0
    keep(records, sighting(by, 4))
    with records.begin() as connection:
        assert report_desk.advance(connection, by.at + HOUR, "2026-11-24") == 1
        assert report_desk.advance(connection, by.at + HOUR, "2026-11-24") == 0
        assert report_records.get(connection, number).state == "done"


def test_a_report_answered_by_a_person_stays_answered(records: Records, by: By) -> None:
    register(records, by, "bin-1")
    number = report_desk.receive(records, Said(bin="bin-1", kind="other"), by.at).id
    with records.begin() as connection:
        report_desk.settle(connection, number, "refused", "  우리 쓰레기통이 아닙니다 ", by)
    with records.begin() as connection:
        with pytest.raises(Conflict) as refused:
            report_desk.settle(connection, number, "done", "", by)
        assert refused.value.code == "report.settled"
        kept = report_records.get(connection, number)
    assert (kept.state, kept.facts["answer"]) == ("refused", "우리 쓰레기통이 아닙니다")
