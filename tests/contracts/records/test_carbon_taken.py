"""Nothing is claimed twice: what claims take of sources, on both engines."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, text

from dure.core.errors import Conflict
from dure.engines.records.store import Records
from dure.engines.records.tables_carbon_ledger import carbon_pairs, carbon_taken
from dure.services.carbon.ledger.taken import Taking, free, take, take_all, taken_by, taken_of
from dure.services.carbon.model import Attribute, Stretch

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def stretch(start: int, end: int, source: str = "building/bd-1", attribute: Attribute = "energy_saving") -> Stretch:
    """Of minutes from noon."""
    return Stretch(source=source, attribute=attribute, start=NOON + start * MINUTE, end=NOON + end * MINUTE)


def code(records: Records, claim: str, *stretches: Stretch) -> str:
    with records.begin() as connection:
        why = take(connection, claim, stretches, NOON)
    return why.code if why else ""


@pytest.mark.parametrize(("start", "end"), [(0, 60), (-10, 1), (59, 70), (-10, 70), (20, 30)])
def test_an_overlap_is_refused_and_names_the_other_claim(records: Records, start: int, end: int) -> None:
    code(records, "clm-1", stretch(0, 60))

    with records.begin() as connection:
        why = take(connection, "clm-2", [stretch(start, end)], NOON)

    assert why is not None
    assert why.code == "claim.overlap"
    assert "clm-1" in why.reason.ko
    assert "clm-1" in why.reason.en


def test_neighbours_and_other_attributes_and_sources_are_free(records: Records) -> None:
    code(records, "clm-1", stretch(0, 60))

    others = [stretch(60, 90), stretch(-30, 0), stretch(0, 60, attribute="renewable"), stretch(0, 60, "building/bd-2")]

    assert [code(records, f"clm-{n}", one) for n, one in enumerate(others, 2)] == ["", "", "", ""]


def test_a_claim_takes_all_its_stretches_or_none(records: Records) -> None:
    code(records, "clm-1", stretch(0, 60))

    assert code(records, "clm-2", stretch(100, 110), stretch(59, 61)) == "claim.overlap"

    assert code(records, "clm-3", stretch(100, 110)) == ""


def test_the_same_claim_made_again_has_its_stretches_already(records: Records) -> None:
    assert [code(records, "clm-1", stretch(0, 60)) for _ in range(2)] == ["", ""]
    assert code(records, "clm-1", stretch(0, 61)) == "claim.id_reused"


def test_claims_of_one_batch_do_not_overlap_either(records: Records) -> None:
    batch = [Taking("clm-1", [stretch(0, 60)]), Taking("clm-2", [stretch(30, 90)]), Taking("clm-3", [stretch(60, 90)])]

    with records.begin() as connection:
        answers = take_all(connection, [*batch, batch[0]], NOON)

    assert [one.code if one else "" for one in answers] == ["", "claim.overlap", "", ""]


def test_what_is_given_back_may_be_taken_again_and_is_remembered(records: Records) -> None:
    code(records, "clm-1", stretch(0, 60), stretch(90, 120))

    with records.begin() as connection:
        assert free(connection, "clm-1", NOON) == 2
        assert free(connection, "clm-1", NOON) == 0
        assert taken_by(connection, "clm-1") == []
        assert take(connection, "clm-2", [stretch(30, 100)], NOON) is None
        kept = connection.execute(text("SELECT n, claim FROM carbon_freed ORDER BY n")).all()
        found = taken_of(connection, "building/bd-1", "energy_saving", NOON, NOON + 31 * MINUTE)

    assert [tuple(row) for row in kept] == [(1, "clm-1"), (2, "clm-1")]
    assert [(one.claim, one.stretch) for one in found] == [("clm-2", stretch(30, 100))]


@pytest.mark.parametrize(
    "stretches",
    [
        (),
        (stretch(0, 0),),
        (stretch(10, 0),),
        (stretch(0, 10), stretch(9, 20)),
        (stretch(0, 10, ""),),
        (stretch(0, 10, "nul\0"),),
        (stretch(0, 10, attribute="all"),),  # type: ignore[arg-type]  # what it must refuse
        (Stretch(source="a", attribute="practice", start=NOON, end=datetime(2256, 1, 1, tzinfo=UTC)),),
        (Stretch(source="a", attribute="practice", start=datetime(2026, 1, 1), end=datetime(2026, 1, 2)),),  # noqa: DTZ001  # as above
    ],
)
def test_stretches_that_cannot_be_are_refused(records: Records, stretches: tuple[Stretch, ...]) -> None:
    assert code(records, "clm-1", *stretches) == "claim.stretch_invalid"


def test_the_database_refuses_an_overlap_whoever_writes(records: Records) -> None:
    """Sixteen writers that ask nobody and take no turn: of overlapping rows one stays."""
    with records.begin() as connection:
        connection.execute(insert(carbon_pairs), {"id": 1, "source": "s", "attribute": "practice"})
    gate, kept = threading.Barrier(16), []

    def write(n: int) -> None:
        row = {"pair": 1, "start_at": NOON + n * MINUTE, "end_at": NOON + 20 * MINUTE, "claim": f"clm-{n}", "taken_at": NOON}
        gate.wait()
        try:
            with records.begin() as connection:
                connection.execute(insert(carbon_taken), row)
        except Conflict:
            return
        kept.append(n)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    with records.read() as connection:
        rows = connection.execute(text("SELECT claim FROM carbon_taken")).scalars().all()
    assert [f"clm-{n}" for n in kept] == rows
    assert len(rows) == 1


@pytest.mark.parametrize(
    ("start_us", "end_us", "free"), [(0, 5, True), (0, 6, False), (10, 15, True), (9, 15, False), (6, 7, False)]
)
@pytest.mark.parametrize("from_us", [0, 1_795_000_000_000_001, 2**53 - 100])
def test_the_database_counts_to_the_microsecond(records: Records, from_us: int, start_us: int, end_us: int, free: bool) -> None:
    add = "INSERT INTO carbon_taken (pair, start_at, end_at, claim, taken_at) VALUES (:pair, :a, :b, 'clm', 0)"
    with records.begin() as connection:
        connection.execute(insert(carbon_pairs), [{"id": n, "source": f"s{n}", "attribute": "practice"} for n in (1, 2, 3)])
        for pair in (1, 3):
            connection.execute(text(add), {"pair": pair, "a": from_us, "b": from_us + 99})
        connection.execute(text(add), {"pair": 2, "a": from_us + 5, "b": from_us + 10})

    def put() -> None:
        with records.begin() as connection:
            connection.execute(text(add), {"pair": 2, "a": from_us + start_us, "b": from_us + end_us})

    with nullcontext() if free else pytest.raises(Conflict):
        put()


@pytest.mark.parametrize("change", ["end_at = end_at + 1", "claim = 'clm-9'"])
def test_what_is_taken_is_not_changed(records: Records, change: str) -> None:
    code(records, "clm-1", stretch(0, 60))

    with pytest.raises(Conflict), records.begin() as connection:
        connection.execute(text(f"UPDATE carbon_taken SET {change}"))  # noqa: S608  # words of this test
