"""Citizens' reports: kept with the sighting they are, looked up by number, answered by what happens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.assets import Asset
from dure.core.errors import Conflict, InputError, NotFound
from dure.core.geo import at as place_at
from dure.core.text import Text
from dure.engines.records import assets, events
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.records.tables_waste import waste_plans
from dure.services.waste.driving import tap_desk, tap_records
from dure.services.waste.driving.taps import Tap
from dure.services.waste.reporting import report_desk, report_records
from dure.services.waste.reporting.report_desk import Said
from dure.services.waste.reporting.reports import KINDS, STATES, next_state, number_of, report_of, sighting_of, spoken

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = "2026-11-25"


@pytest.fixture
def records(tmp_path):
    store = Records(f"sqlite:///{tmp_path}/records.db")
    store.migrate()
    with store.begin() as connection:
        for id_, state in (("bin-001", "live"), ("bin-new", "quarantined")):
            asset = Asset(id=id_, city="hwaseong", kind="bin", name=Text(id_, id_), place=place_at(127.0, 37.2), state=state)
            assets.add(connection, asset, By("test", NOW))
    yield store
    store.close()


def advanced(records, at):
    with records.begin() as connection:
        return report_desk.advance(connection, at, DAY)


def state_of(records, number):
    with records.read() as connection:
        return report_records.get(connection, number).state


@pytest.mark.parametrize(("kind", "words", "code"), [("burning", "", "report.kind"), ("full", "가" * 1_001, "report.words")])
def test_a_report_that_cannot_be_is_refused_with_its_code(kind, words, code):
    with pytest.raises(InputError) as refused:
        report_of("bin-001", kind, words, "23456789AB", NOW)
    assert refused.value.code == code


@pytest.mark.parametrize("bin_id", ["bin-999", "bin-new", "", "\x00"])
def test_a_bin_that_is_none_or_not_shown_yet_cannot_be_reported(records, bin_id):
    with pytest.raises(NotFound) as refused:
        report_desk.receive(records, Said(bin=bin_id, kind="full"), NOW)
    assert refused.value.code == "report.bin_unknown"


def test_a_report_is_a_sighting_for_the_forecast_and_its_number_is_in_no_event(records):
    report = report_desk.receive(records, Said(bin="bin-001", kind="overflow", words="봉투가 옆에"), NOW)
    with records.read() as connection:
        (seen,) = tap_records.of_bin(connection, "bin-001")
        told = events.listing(connection, prefix="waste.report").items
    assert (seen.kind, seen.level, seen.seen_at, seen.person) == ("report", 1.1, NOW, "")
    assert [one.type for one in told] == ["waste.report.received"]
    assert report.id not in msgspec.json.encode(told).decode()


def test_a_report_becomes_planned_then_done_when_the_bin_was_emptied_after_it(records):
    number = report_desk.receive(records, Said(bin="bin-001", kind="overflow"), NOW).id
    assert advanced(records, NOW) == 0
    with records.begin() as connection:
        route = {"vehicle": "truck-1", "visits": [{"kind": "stop", "id": "bin-001"}]}
        connection.execute(
            waste_plans.insert().values(
                id="plan-a", day=DAY, version=1, state="published", made_at=NOW, person="", inputs_sha256="", inputs={},
                plan={"routes": [route]}, decision="",
            )
        )  # fmt: skip
    assert advanced(records, NOW + HOUR) == 1
    assert state_of(records, number) == "planned"
    before = Tap(id="phone-0001", bin="bin-001", kind="emptied", seen_at=(NOW - HOUR).isoformat())
    tap_desk.take(records, [before], By("crew", NOW + HOUR))
    assert advanced(records, NOW + HOUR) == 0
    after = Tap(id="phone-0002", bin="bin-001", kind="emptied", seen_at=(NOW + HOUR).isoformat())
    tap_desk.take(records, [after], By("crew", NOW + 2 * HOUR))
    assert advanced(records, NOW + 2 * HOUR) == 1
    assert state_of(records, number) == "done"


def test_a_person_answers_a_report_once(records):
    number = report_desk.receive(records, Said(bin="bin-001", kind="other", words="냄새"), NOW).id
    by = By("officer", NOW + HOUR)
    with records.begin() as connection:
        answered = report_desk.settle(connection, number, "refused", "다른 부서의 일입니다", by)
    assert answered.facts["answer"] == "다른 부서의 일입니다"
    with records.begin() as connection, pytest.raises(Conflict) as refused:
        report_desk.settle(connection, number, "done", "", by)
    assert refused.value.code == "report.settled"


def test_a_number_is_found_however_a_person_writes_it(records):
    number = report_desk.receive(records, Said(bin="bin-001", kind="full"), NOW).id
    assert number_of(f" {spoken(number).lower()} ") == number
    with pytest.raises(NotFound):
        number_of("12")
    with records.read() as connection, pytest.raises(NotFound) as refused:
        report_records.get(connection, "2222222222")
    assert refused.value.code == "report.unknown"


@given(
    st.sampled_from(list(KINDS)),
    st.sampled_from(list(STATES)),
    st.none() | st.integers(-5, 5),
    st.none() | st.integers(-5, 5),
    st.booleans(),
)
def test_a_report_is_never_done_by_what_happened_before_it_and_an_answer_stays(kind, state, emptied_h, repaired_h, planned):
    report = msgspec.structs.replace(report_of("bin-001", kind, "", "23456789AB", NOW), state=state)
    found = next_state(
        report,
        emptied_at=None if emptied_h is None else NOW + emptied_h * HOUR,
        repaired_at=None if repaired_h is None else NOW + repaired_h * HOUR,
        planned=planned,
    )
    if state in ("done", "refused"):
        assert found == state
    if found == "done" and state != "done":
        assert max(emptied_h or 0, repaired_h or 0) > 0
    assert found != "refused" or state == "refused"


def test_what_is_broken_or_burns_says_nothing_of_how_full_it_is():
    for kind in ("broken", "fire", "other"):
        assert sighting_of(report_of("bin-001", kind, "", "23456789AB", NOW)).level is None
