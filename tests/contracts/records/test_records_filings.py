"""Targets and filings on both engines: in two times, never changed, newest first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from dure.core.errors import NotFound
from dure.services.buildings.comparing import target_records
from dure.services.buildings.comparing.targets import Target
from dure.services.buildings.filing import filing_records
from dure.services.buildings.filing.filing_records import Filing
from dure.services.buildings.filing.question import Question

AT = datetime(2026, 3, 1, 3, 0, 0, 123456, tzinfo=UTC)
DAY = timedelta(days=1)


def target(name="t1", *, at=AT, **changes):
    given = {
        "id": name, "subject": "portfolio", "kind": "emissions_g", "year": 2030, "value": 5e11, "base": 1e12, "base_from": 2007,
        "base_to": 2009, "programme": "NGMS", "person": "p", "made_at": at, "base_note": "장부",
    }  # fmt: skip
    return Target(**given | changes)


def filing(name, *, at=AT, **changes):
    question = Question(kind="ngms", subject="body:화성시", period="2025", as_of=at - DAY, language="en", programme="ESG")
    given = {
        "id": name, "question": question, "made_at": at, "person": "p", "sha256": "ab", "bytes_n": 7,
        "grounds": {"months": "cd"}, "register": {"buildings": [{"id": "hall", "name": {"ko": "시청"}}], "meters": []},
    }  # fmt: skip
    return Filing(**given | changes)


def test_a_target_comes_back_as_it_was_entered(records):
    with records.begin() as connection:
        target_records.put(connection, target())

    with records.read() as connection:
        assert target_records.get(connection, "t1") == target()
        assert target_records.find(connection, "portfolio") == [target()]
        assert target_records.find(connection, "body:x") == []


def test_a_new_target_replaces_that_of_the_same_subject_kind_and_year_only(records):
    with records.begin() as connection:
        for one in (target(), target("t2", at=AT + DAY, value=4e11), target("t3", year=2025), target("t4", kind="energy_wh")):
            target_records.put(connection, one)

    with records.read() as connection:
        assert [one.id for one in target_records.find(connection)] == ["t3", "t2", "t4"]
        assert target_records.find(connection, as_of=AT) == [target("t3", year=2025), target(), target("t4", kind="energy_wh")]
        assert target_records.find(connection, as_of=AT - DAY) == []


def test_a_target_that_was_ended_stays_for_questions_of_its_time(records):
    with records.begin() as connection:
        target_records.put(connection, target())
        assert target_records.end(connection, "t1", AT + DAY).replaced_at == AT + DAY
        assert target_records.end(connection, "t1", AT + 2 * DAY).replaced_at == AT + DAY

    with records.read() as connection:
        assert target_records.find(connection) == []
        assert target_records.find(connection, as_of=AT) == [target()]


def test_a_filing_comes_back_with_its_question_and_register(records):
    with records.begin() as connection:
        filing_records.add(connection, filing("f1"))

    with records.read() as connection:
        assert filing_records.get(connection, "f1") == filing("f1")
        listed = filing_records.listing(connection).items
    assert listed == [msgspec.structs.replace(filing("f1"), register={})]


def test_filings_come_newest_first_in_pages_and_by_kind_and_subject(records):
    with records.begin() as connection:
        for i in range(5):
            filing_records.add(connection, filing(f"f{i}", at=AT + i * DAY))

    with records.read() as connection:
        first = filing_records.listing(connection, limit=3)
        rest = filing_records.listing(connection, limit=3, after=first.next)
        assert [one.id for one in (*first.items, *rest.items)] == ["f4", "f3", "f2", "f1", "f0"]
        assert filing_records.listing(connection, kind="report").items == []
        assert len(filing_records.listing(connection, subject="body:화성시").items) == 5


def test_what_nobody_kept_is_not_found(records):
    with records.read() as connection:
        with pytest.raises(NotFound, match="target"):
            target_records.get(connection, "none")
        with pytest.raises(NotFound, match="filing"):
            filing_records.get(connection, "none")


def test_a_register_is_packed_and_unpacked_alike():
    register = {"buildings": [{"id": f"b{i}", "name": {"ko": "건물"}} for i in range(100)]}

    assert filing_records.unpacked(filing_records.packed(register)) == register
    assert len(filing_records.packed(register)) < len(msgspec.json.encode(register)) / 5
