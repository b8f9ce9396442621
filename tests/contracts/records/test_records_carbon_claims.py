"""Claims on both engines: each deed moves books, log and claim together, and nothing is claimed twice by writers that race."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event
from time import sleep

import pytest
from sqlalchemy import select

from dure.core.errors import Conflict, NotAllowed
from dure.core.text import Text
from dure.engines.records.audit import SYSTEM
from dure.engines.records.store import Records
from dure.engines.records.tables_carbon_ledger import carbon_accounts
from dure.services.carbon.claiming import claim_desk, claim_records
from dure.services.carbon.claiming.claim_desk import Word
from dure.services.carbon.claiming.formula import Step
from dure.services.carbon.claiming.working import Working
from dure.services.carbon.ledger import accounts, posting
from dure.services.carbon.ledger.checking import check
from dure.services.carbon.ledger.model import Transfer
from dure.services.carbon.model import Claim, Stretch
from dure.services.carbon.programmes import programme
from dure.services.carbon.transparency import commitments

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)
OFFICER = "officer-1"


def claimed(ident: str = "clm-1", *, source: str = "building/bd-1/m-1", back: int = 1, **changes: object) -> Claim:
    """A claim of a day of one source."""
    fields = {
        "id": ident,
        "event": f"event-{ident}",
        "stretches": (Stretch(source=source, attribute="energy_saving", start=NOW - (back + 1) * DAY, end=NOW - back * DAY),),
        "programme": "city-verified",
        "holder": "city",
        "tier": "A",
        "quantity": 2_000,
        "unit": "Wh",
        "grams": 900,
        "point_grams": 1_000,
        "won": 0,
        "method": "building-saving@1",
        "factors": (),
        "readings_sha256": "a" * 64,
        "made_at": NOW,
    }
    return Claim(**(fields | changes))


WORKING = Working(
    steps=(
        Step(out="point_g", do="add", of=("a",), name=Text("가", "a")),
        Step(out="credit_g", do="sub", of=("a", "100"), name=Text("나", "b")),
    ),
    inputs={"a": "1000"},
)


def made(records: Records, *claims: Claim) -> list[Claim]:
    with records.begin() as connection:
        return [claim_desk.make(connection, one, programme(one.programme, NOW.date()), NOW, working=WORKING) for one in claims]


def sums(records: Records) -> dict[str, tuple[int, int, int, int]]:
    """The four sums of each account."""
    with records.read() as connection:
        rows = connection.execute(select(carbon_accounts)).mappings().all()
    names = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
    return {row["id"]: tuple(int(row[name]) for name in names) for row in rows}


def test_a_claim_of_tier_a_is_reserved_then_awarded_then_retired(records: Records) -> None:
    (one,) = made(records, claimed())
    assert one.state == "reserved"
    assert sums(records)["held/city"] == (0, 0, 900, 0)
    with records.begin() as connection:
        claim_desk.award(connection, one.id, OFFICER, NOW, Word("seen", ("https://example.org/photo",)))
    assert sums(records)["held/city"] == (0, 0, 0, 900)
    with records.begin() as connection:
        assert claim_desk.retire(connection, one.id, OFFICER, NOW).state == "retired"
    assert sums(records)["retired/city"] == (0, 0, 0, 900)
    with records.read() as connection:
        deeds = claim_records.deeds_of(connection, one.id)
        kept = claim_records.get(connection, one.id)
    assert [(one.state, one.by_person) for one in deeds] == [("reserved", False), ("awarded", True), ("retired", True)]
    assert deeds[1].links == ("https://example.org/photo",)
    assert kept.working == WORKING


def test_a_claim_of_tier_b_is_awarded_at_once_and_one_made_twice_is_one(records: Records) -> None:
    one = claimed(tier="B", programme="city-estimated")
    first, second = made(records, one)[0], made(records, one)[0]
    assert (first.state, second) == ("awarded", first)
    assert sums(records)["held/city"] == (0, 0, 0, 900)


def test_what_is_refused_gives_back_what_it_took_and_another_may_take_it(records: Records) -> None:
    (one,) = made(records, claimed())
    with records.begin() as connection:
        claim_desk.refuse(connection, one.id, "verification.baseline", OFFICER, NOW)
    (other,) = made(records, claimed("clm-2"))
    assert other.state == "reserved"
    assert sums(records)["held/city"] == (0, 0, 900, 0)


@pytest.mark.parametrize("retired", [False, True], ids=["awarded", "retired"])
def test_what_is_withdrawn_is_corrected_by_a_new_transfer(records: Records, retired: bool) -> None:  # a row
    (one,) = made(records, claimed())
    with records.begin() as connection:
        claim_desk.award(connection, one.id, OFFICER, NOW)
        if retired:
            claim_desk.retire(connection, one.id, OFFICER, NOW)
        claim_desk.withdraw(connection, one.id, "verification.duplicate", OFFICER, NOW)
    found = sums(records)
    assert found["cancelled/city-verified"] == (0, 0, 0, 900)
    assert found["world/city-verified"] == (0, 900, 0, 0)
    assert found["held/city"][3] == found["held/city"][1] == 900


def test_a_second_claim_of_the_same_time_is_refused_and_moves_nothing(records: Records) -> None:
    first, second = made(records, claimed(), claimed("clm-2", tier="B", programme="city-estimated"))
    assert (first.state, second.state, second.reason) == ("reserved", "refused", "claim.overlap")
    with records.read() as connection:
        assert first.id in claim_records.get(connection, second.id).why.en
    assert "world/city-estimated" not in sums(records)


def test_a_reward_is_reserved_of_the_budget_and_refused_when_it_is_gone(records: Records) -> None:
    with records.begin() as connection:
        fund = Transfer(id="fund", debit="treasury", credit="budget/green-practice", amount=500, unit="KRW")
        known = posting.named(accounts.treasury(), accounts.budget("green-practice"))
        assert posting.post(connection, [[fund]], NOW, known) == [None]
    practice = {
        "tier": "C",
        "programme": "green-practice",
        "grams": 0,
        "point_grams": 0,
        "won": 300,
        "holder": "person/" + "b" * 32,
    }
    rows = [
        claimed(
            f"clm-{n}", **practice, stretches=(Stretch(source=f"practice/{n}", attribute="practice", start=NOW - DAY, end=NOW),)
        )
        for n in (1, 2)
    ]
    first, second = made(records, *rows)
    assert (first.state, second.state, second.reason) == ("reserved", "refused", "ledger.overdrawn")
    with records.begin() as connection:
        claim_desk.award(connection, first.id, SYSTEM, NOW)
    assert sums(records)["wallet/" + "b" * 32] == (0, 0, 0, 300)
    assert sums(records)["budget/green-practice"] == (0, 300, 0, 500)


def test_nobody_decides_about_a_claim_of_their_own_and_tier_a_needs_a_person(records: Records) -> None:
    with records.begin() as connection:
        ref = commitments.commit(connection, OFFICER, NOW)
    (one,) = made(records, claimed(holder=f"person/{ref}"))
    for by, code in ((OFFICER, "verification.own_claim"), (SYSTEM, "verification.person")):
        with records.begin() as connection, pytest.raises(NotAllowed) as refused:
            claim_desk.award(connection, one.id, by, NOW)
        assert refused.value.code == code
    with records.begin() as connection:
        assert claim_desk.award(connection, one.id, "officer-2", NOW).state == "awarded"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"grams": -1}, "claim.negative"),
        ({"quantity": -1}, "claim.negative"),
        ({"grams": 10**16, "point_grams": 10**16}, "claim.absurd"),
        ({"grams": 0}, "claim.not_shown"),
        ({"tier": "B"}, "claim.tier"),
        ({"won": 5}, "claim.holder"),
        ({"stretches": ()}, "claim.stretch"),
        ({"stretches": (Stretch(source="practice/x", attribute="practice", start=NOW - DAY, end=NOW),)}, "claim.programme"),
        ({"stretches": (Stretch(source="x", attribute="renewable", start=NOW, end=NOW),)}, "claim.stretch"),
    ],
    ids=["negative grams", "negative quantity", "absurd", "nothing", "tier", "holder", "no stretch", "attribute", "no time"],
)
def test_a_claim_that_cannot_be_is_refused_with_a_code(records: Records, changes: dict, code: str) -> None:
    (found,) = made(records, claimed(**changes))
    assert (found.state, found.reason) == ("refused", code)
    assert sums(records) == {}


def test_a_deed_that_does_not_fit_the_state_is_refused(records: Records) -> None:
    (one,) = made(records, claimed(tier="B", programme="city-estimated"))
    for deed in (claim_desk.award, claim_desk.retire):
        with records.begin() as connection, pytest.raises(Conflict) as refused:
            deed(connection, one.id, OFFICER, NOW)
        assert refused.value.code in {"claim.state", "claim.not_retirable"}
    late = NOW + 40 * DAY
    (other,) = made(records, claimed("clm-2", back=5))
    with records.begin() as connection, pytest.raises(Conflict) as refused:
        claim_desk.award(connection, other.id, OFFICER, late)
    assert refused.value.code == "claim.expired"


def test_writers_that_race_for_one_time_get_it_once(records: Records) -> None:
    barrier = Barrier(4)

    def race(number: int) -> str:
        barrier.wait()
        return made(records, claimed(f"clm-{number}", tier="B", programme="city-estimated"))[0].state

    with ThreadPoolExecutor(4) as pool:
        states = sorted(pool.map(race, range(4)))
    assert states == ["awarded", "refused", "refused", "refused"]
    assert sums(records)["held/city"][3] == 900


def test_two_programmes_that_race_for_one_kwh_get_it_once_and_the_other_is_named(records: Records) -> None:
    barrier = Barrier(2)
    programmes = {"clm-a": {"programme": "city-verified"}, "clm-b": {"tier": "B", "programme": "city-estimated"}}

    def race(ident: str) -> Claim:
        barrier.wait()
        return made(records, claimed(ident, method=f"{ident}@1", **programmes[ident]))[0]

    with ThreadPoolExecutor(2) as pool:
        won, lost = sorted(pool.map(race, programmes), key=lambda one: one.state == "refused")
    with records.read() as connection:
        why = claim_records.get(connection, lost.id).why
        checked = check(connection)
    assert (won.state in {"reserved", "awarded"}, lost.state, lost.reason) == (True, "refused", "claim.overlap")
    assert won.id in why.en
    assert won.id in why.ko
    assert sum(sums(records)["held/city"]) == won.grams
    assert checked.sound


def test_two_that_make_the_same_claims_in_another_order_do_not_wait_in_a_ring(records: Records) -> None:
    first, second = (claimed(f"clm-{n}", source=f"building/bd-{n}/m", tier="B", programme="city-estimated") for n in (1, 2))
    begun = Event()

    def other() -> list[str]:
        begun.set()
        return [one.state for one in made(records, second, first)]

    with ThreadPoolExecutor(1) as pool:
        with records.begin() as connection:
            claim_desk.make(connection, first, programme(first.programme, NOW.date()), NOW)
            answer = pool.submit(other)
            begun.wait()
            sleep(0.2)  # long enough to be in the way, if it ever is
            claim_desk.make(connection, second, programme(second.programme, NOW.date()), NOW)
        assert answer.result(60) == ["awarded", "awarded"]
    assert sums(records)["held/city"][3] == 1_800


def test_writers_that_race_with_one_claim_make_it_once(records: Records) -> None:
    barrier = Barrier(4)

    def race(_: int) -> Claim:
        barrier.wait()
        return made(records, claimed())[0]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(race, range(4)))
    assert {one.state for one in found} == {"reserved"}
    assert sums(records)["held/city"] == (0, 0, 900, 0)


def test_claims_are_listed_by_what_is_asked(records: Records) -> None:
    rows = [claimed(f"clm-{n}", back=n, tier="B", programme="city-estimated") for n in range(1, 6)]
    made(records, *rows, claimed("clm-a", source="building/bd-2/m-9"))
    with records.read() as connection:
        tiers = [one.tier for one in claim_desk.claims(connection, programme="city-estimated", tier="B")]
        spans = [one.id for one in claim_desk.claims(connection, start=NOW - 4 * DAY, end=NOW - 2 * DAY)]
        page = claim_records.listing(connection, claim_records.Wanted(tier="B"), limit=2)
        after = claim_records.listing(connection, claim_records.Wanted(tier="B"), after=page.next, limit=10)
    assert tiers == ["B"] * 5
    assert spans == ["clm-3", "clm-2"]
    assert len({one.id for one in (*page.items, *after.items)}) == 5
