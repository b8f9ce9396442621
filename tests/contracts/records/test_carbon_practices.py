"""Practices on both engines: begun, proved, decided, paid; and every won is where it should be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
import pytest
from carbon_practice_world import (
    NOW,
    OFFICER,
    SEOUL,
    available,
    balance,
    conserved,
    count,
    doubtful,
    fund,
    member,
    proof,
    prove,
    setting,
    wallet,
)
from sqlalchemy import select

from dure.core.errors import Conflict, InputError, NotAllowed
from dure.core.time import day_of
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.records.tables_carbon_ledger import carbon_pending, carbon_taken, carbon_transfers
from dure.engines.records.tables_carbon_transparency import carbon_log_staged
from dure.services.carbon.claiming import claim_desk
from dure.services.carbon.governing import budget_desk as city_budget
from dure.services.carbon.governing.budgets import Asked
from dure.services.carbon.ledger import accounts
from dure.services.carbon.practising import budget_desk, elsewhere_records, practice_desk, practice_records
from dure.services.carbon.transparency import commitments


def test_what_is_begun_and_proved_is_paid_at_once_with_claim_books_and_log(records):
    fund(records)
    member(records)
    with records.begin() as connection:
        begun = practice_desk.start(connection, "person-1", "tumbler", setting())
    act = prove(records)
    assert (act.id, act.state, act.code, act.won) == (begun.id, "awarded", "practice.proved", 300)
    assert wallet(records) == 300
    assert available(records, accounts.budget("green-practice")) == 999_700
    with records.read() as connection:
        claim = claim_desk.claim(connection, act.claim)
        ref = commitments.ref_of(connection, "person-1")
        staged = list(connection.execute(select(carbon_log_staged.c.id, carbon_log_staged.c.leaf)).all())
    assert (claim.state, claim.tier, claim.grams, claim.holder) == ("awarded", "C", 0, f"person/{ref}")
    assert claim.stretches[0].source == f"practice/tumbler/{ref}"
    logged = ["decision/budget/green-practice/1", f"claim/{claim.id}", f"decision/{claim.id}/awarded"]
    assert [key for key, _ in staged] == logged
    assert not any("person-1" in leaf for _, leaf in staged)
    assert conserved(records)


def test_a_receipt_has_grams_that_anybody_works_out_again(records):
    fund(records, programme="green-practice-estimated")
    member(records)
    act = prove(records, "e-receipt")
    with records.read() as connection:
        claim = claim_desk.claim(connection, act.claim)
    assert (claim.tier, claim.won, claim.grams, claim.point_grams) == ("B", 10, 1, 1)
    assert (act.state, wallet(records)) == ("awarded", 10)


def test_what_was_begun_twice_is_one(records):
    member(records)
    with records.begin() as connection:
        first = practice_desk.start(connection, "person-1", "tumbler", setting())
        assert practice_desk.start(connection, "person-1", "tumbler", setting()) == first


def test_who_has_not_joined_cannot_begin(records):
    with records.begin() as connection, pytest.raises(NotAllowed) as refused:
        practice_desk.start(connection, "person-1", "tumbler", setting())
    assert refused.value.code == "practice.not_joined"


def test_a_scheme_of_another_city_cannot_be_joined(records):
    with records.begin() as connection, pytest.raises(Conflict) as refused:
        practice_desk.join(connection, "person-1", "gwangmyeong", setting())
    assert refused.value.code == "practice.not_offered"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (proof(quantity=-1), "practice.amount"),
        (proof(quantity=0), "practice.amount"),
        (proof(quantity=10**15), "practice.absurd"),
        (proof(at=NOW + timedelta(minutes=5)), "practice.future"),
        (proof(at=NOW - timedelta(days=4)), "practice.too_old"),
        (proof(end_at=NOW - timedelta(minutes=1)), "practice.reversed"),
        (proof(kind="photo", once="photo/1"), "practice.proof_kind"),
    ],
)
def test_a_bad_proof_is_refused_with_its_code_and_moves_nothing(records, given, code):
    fund(records)
    member(records)
    act = prove(records, given=given)
    assert (act.state, act.code, act.claim, act.once) == ("refused", code, None, None)
    assert (count(records, carbon_transfers), count(records, carbon_taken), wallet(records)) == (1, 0, 0)


def test_a_clock_that_is_a_little_ahead_is_forgiven(records):
    fund(records)
    member(records)
    assert prove(records, given=proof(at=NOW + timedelta(seconds=60))).state == "awarded"


def test_a_proof_counts_once_also_for_somebody_else(records):
    fund(records)
    member(records)
    member(records, "person-2")
    prove(records)
    again = prove(records, given=proof(at=NOW + timedelta(seconds=30)), at=NOW + timedelta(minutes=1))
    other = prove(records, person="person-2")
    assert [again.code, other.code] == ["practice.replayed", "practice.replayed"]
    assert (wallet(records), wallet(records, "person-2")) == (300, 0)


def test_one_deed_at_one_time_counts_once_whatever_the_scheme(records):
    fund(records)
    member(records, "person-1", "green-life", "gg-climate")
    first = prove(records, "own-container", proof(kind="qr", once="qr/1"))
    second = prove(records, "gg-container", proof(once="partner/2"))
    assert (first.state, second.code) == ("awarded", "practice.claimed_before")
    assert second.facts["books"] == "claim.overlap"
    assert wallet(records) == 500


def test_a_deed_of_a_day_counts_once_a_day(records):
    fund(records)
    member(records, "person-1", "gg-climate")
    first = prove(records, "gg-steps", proof(at=NOW - timedelta(hours=3)))
    second = prove(records, "gg-steps", proof(once="partner/cafe/2"))
    assert (first.state, second.code) == ("awarded", "practice.cap_day")


def test_a_refused_proof_leaves_what_was_begun_open_a_few_times(records):
    fund(records)
    member(records)
    with records.begin() as connection:
        practice_desk.start(connection, "person-1", "tumbler", setting())
    codes = [prove(records, given=proof(quantity=-1)).code for _ in range(5)]
    with records.read() as connection:
        left = practice_records.begun(connection, "person-1")
    assert (codes, left) == (["practice.amount"] * 5, [])


def test_money_that_is_gone_refuses_and_books_nothing_and_the_same_proof_counts_later(records):
    fund(records, 299)
    member(records)
    act = prove(records)
    assert (act.state, act.code, act.once) == ("refused", "practice.budget_gone", None)
    assert (count(records, carbon_taken), count(records, carbon_pending), wallet(records)) == (0, 0, 0)
    fund(records, 1, receipt="D-2")
    again = prove(records, at=NOW + timedelta(hours=1))
    assert (again.state, wallet(records), available(records, accounts.budget("green-practice"))) == ("awarded", 300, 0)
    assert conserved(records)


def test_many_at_once_share_the_last_money_and_nothing_is_half_booked(url):
    records = Records(url)
    fund(records, 300 * 7 + 100)
    for n in range(16):
        member(records, f"person-{n}")

    def one(n):
        own = Records(url)
        try:
            return prove(own, given=proof(once=f"partner/cafe/{n}"), person=f"person-{n}")
        finally:
            own.close()

    with ThreadPoolExecutor(8) as pool:
        acts = list(pool.map(one, range(16)))
    codes = sorted(act.code for act in acts)
    assert codes == ["practice.budget_gone"] * 9 + ["practice.proved"] * 7
    assert available(records, accounts.budget("green-practice")) == 100
    assert (count(records, carbon_pending), count(records, carbon_taken)) == (0, 7)
    assert conserved(records)
    records.close()


def test_what_is_doubtful_is_reserved_until_a_person_says_yes(records):
    fund(records)
    member(records)
    act = doubtful(records)
    assert (act.state, act.code, act.won) == ("doubtful", "practice.unlikely_rate", 300)
    assert balance(records, accounts.budget("green-practice")).debits_pending == 300
    with records.begin() as connection:
        decided = practice_desk.decide(connection, act.id, "", By(OFFICER, NOW + timedelta(hours=1)))
    assert (decided.state, decided.code, wallet(records)) == ("awarded", "practice.confirmed", 1_200)
    assert conserved(records)


def test_what_a_person_refuses_is_released_with_the_reason(records):
    fund(records)
    member(records)
    act = doubtful(records)
    with records.begin() as connection:
        decided = practice_desk.decide(connection, act.id, "practice.unclear", By(OFFICER, NOW + timedelta(hours=1)), "blurred")
    assert (decided.state, decided.code, decided.note) == ("refused", "practice.unclear", "blurred")
    found = balance(records, accounts.budget("green-practice"))
    assert (found.debits_pending, found.debits_posted, wallet(records)) == (0, 900, 900)


def test_nobody_decides_about_their_own_and_only_with_a_known_reason(records):
    fund(records)
    member(records)
    act = doubtful(records)
    with records.begin() as connection, pytest.raises(NotAllowed):
        practice_desk.decide(connection, act.id, "", By("person-1", NOW))
    with records.begin() as connection, pytest.raises(InputError):
        practice_desk.decide(connection, act.id, "practice.cap_day", By(OFFICER, NOW))
    with records.begin() as connection:
        practice_desk.decide(connection, act.id, "", By(OFFICER, NOW))
    with records.begin() as connection, pytest.raises(Conflict):
        practice_desk.decide(connection, act.id, "", By(OFFICER, NOW))


def test_the_limit_of_a_year_pays_what_is_left_and_then_nothing(records):
    fund(records)
    member(records, "person-1", "gg-climate")
    gained = [prove(records, "gg-home-pv", proof(once="partner/pv", at=NOW - timedelta(hours=1)))]
    gained.append(prove(records, "gg-eco-driving", proof(once="partner/drive", at=NOW - timedelta(minutes=50))))
    assert [act.won for act in gained] == [30_000, 10_000]
    rules = setting()
    tight = msgspec.structs.replace(
        rules.rules,
        schemes={
            **rules.rules.schemes,
            "gg-climate": msgspec.structs.replace(rules.rules.schemes["gg-climate"], person_year_won=41_000),
        },
    )
    with records.begin() as connection:
        clipped = practice_desk.prove(connection, "person-1", "gg-pledge", proof(once="partner/p"), rules._replace(rules=tight))
        nothing = practice_desk.prove(connection, "person-1", "gg-steps", proof(once="partner/s"), rules._replace(rules=tight))
    assert [(act.code, act.won) for act in (clipped, nothing)] == [("practice.clipped", 1_000), ("practice.cap_year", 0)]


def test_who_another_scheme_pays_is_not_paid_here_if_they_agreed_to_be_compared(records):
    fund(records)
    member(records, "person-1", "gg-climate")
    digest = "ab" * 32
    with records.begin() as connection:
        elsewhere_records.bring(connection, "gg-pass", [digest], (NOW - timedelta(days=30), NOW + timedelta(days=30)), NOW)
        elsewhere_records.consent(connection, "person-1", "gg-pass", digest, NOW)
    assert prove(records, "gg-transit").code == "practice.elsewhere"
    assert prove(records, "gg-steps", proof(once="partner/2")).state == "awarded"


def test_a_document_funds_a_budget_once(records):
    assert fund(records, 500).available == fund(records, 500).available == 500
    with pytest.raises(Conflict) as refused:
        fund(records, 600)
    assert refused.value.code == "budget.document_used"
    with pytest.raises(InputError):
        fund(records, 0, receipt="D-3")


def by_officer(records, deed, at, won=0):
    with records.begin() as connection:
        city_budget.moved(connection, city_budget.Setting(SEOUL, at), "green-practice", Asked(deed, won), By(OFFICER, at))


def test_what_is_frozen_or_went_back_to_the_city_is_not_spent_and_an_empty_day_says_nothing_of_the_wish_to_spend(records):
    by_officer(records, "fund", NOW - timedelta(days=22), 100_000)
    member(records)
    for n in range(21, 0, -1):
        at = NOW - timedelta(days=n)
        if n in (14, 13, 12):  # frozen from the evening of the 15th day before to the morning of the 11th
            continue
        if n == 11:
            by_officer(records, "thaw", at - timedelta(hours=10))
        prove(records, given=proof(at=at, once=f"partner/{n}"), at=at)
        if n == 15:
            by_officer(records, "freeze", at + timedelta(hours=10))
    by_officer(records, "close", NOW - timedelta(hours=20))
    by_officer(records, "fund", NOW - timedelta(hours=19), 9_000)
    with records.read() as connection:
        found = budget_desk.money(connection, "green-practice", setting())
    assert found.outlook.left_won == 9_000
    assert (found.outlook.per_day_won, found.outlook.days) == (300, 18)
    assert found.outlook.gone_on == day_of(NOW + timedelta(days=29), SEOUL)


def test_money_says_what_is_left_and_how_long_it_lasts(records):
    fund(records, 10_000)
    member(records)
    for n in range(14, 0, -1):
        at = NOW - timedelta(days=n)
        prove(records, given=proof(at=at, once=f"partner/{n}"), at=at)
    with records.read() as connection:
        found = budget_desk.money(connection, "green-practice", setting())
    assert (found.funded_won, found.paid_won, found.reserved_won, found.queue) == (10_000, 4_200, 0, 0)
    assert (found.outlook.per_day_won, found.outlook.days) == (300, 14)
    assert found.outlook.gone_on == day_of(NOW + timedelta(days=19), SEOUL)  # 5,800 won are gone on the 20th day
