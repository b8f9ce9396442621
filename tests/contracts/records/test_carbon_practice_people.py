"""Wallets, groups, challenges, leaving and erasure on both engines; and that no won is ever lost or made."""

from __future__ import annotations

import itertools
from datetime import timedelta

import msgspec
import pytest
from carbon_practice_world import (
    BY,
    NOW,
    OFFICER,
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
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from dure.core.errors import Conflict, InputError, NotAllowed
from dure.core.text import Text
from dure.engines.records.audit import By
from dure.engines.records.tables import metadata
from dure.engines.records.tables_carbon_ledger import carbon_pending
from dure.services.carbon.claiming import claim_desk
from dure.services.carbon.companies import company_records, sponsoring_desk
from dure.services.carbon.companies.company import Company
from dure.services.carbon.companies.sponsoring import Milestone, Sponsorship
from dure.services.carbon.companies.sponsoring_rules import sponsoring_rules
from dure.services.carbon.ledger import accounts
from dure.services.carbon.practising import (
    challenge_desk,
    erasing,
    group_records,
    practice_desk,
    practice_records,
    wallet_desk,
)
from dure.services.carbon.practising.group_records import Challenge
from dure.services.carbon.programmes import programmes
from dure.services.carbon.transparency import commitments

SPRING = Challenge(
    id="spring",
    title=Text("봄"),
    practices=("tumbler",),
    start_at=NOW - timedelta(days=1),
    end_at=NOW + timedelta(days=30),
    goal=100,
)


def cup(records, person="person-1", n=0, more=None):
    given_ = proof(at=NOW + timedelta(seconds=n), once=f"partner/{person}/{n}")
    return prove(records, given=given_, person=person, at=NOW + timedelta(seconds=n), more=more)


def earned(records, person="person-1", times=5):
    """So many cups, of days far enough apart that nothing is doubtful."""
    for n in range(times):
        at = NOW - timedelta(hours=12 * n)
        prove(records, given=proof(at=at, once=f"partner/{person}/e{n}"), person=person, at=NOW)


def test_a_wallet_says_what_is_in_it_and_why(records):
    fund(records)
    member(records)
    doubtful(records)
    with records.read() as connection:
        found = wallet_desk.wallet(connection, "person-1")
    assert (found.available_won, found.coming_won, found.leaving_won) == (900, 300, 0)
    assert [(one.won, one.settled, one.practice) for one in found.entries] == [
        (300, False, "tumbler"),
        *[(300, True, "tumbler")] * 3,
    ]
    assert found.entries[0].code == "practice.unlikely_rate"


def test_money_is_set_aside_when_asked_for_and_gone_when_paid(records):
    fund(records)
    member(records)
    earned(records)
    with records.begin() as connection:
        asked = wallet_desk.ask(connection, "person-1", 1_000, setting())
    assert wallet(records) == 500
    with records.begin() as connection:
        paid = wallet_desk.settle(connection, asked.id, "paid", BY)
    assert (paid.state, wallet(records), available(records, accounts.paid("green-practice"))) == ("paid", 500, 1_000)
    with records.begin() as connection, pytest.raises(Conflict) as refused:
        wallet_desk.settle(connection, asked.id, "refused", BY)
    assert refused.value.code == "practice.payout_state"
    assert conserved(records)


def test_a_refused_payout_is_in_the_wallet_again(records):
    fund(records)
    member(records)
    earned(records)
    with records.begin() as connection:
        asked = wallet_desk.ask(connection, "person-1", 1_500, setting())
        wallet_desk.settle(connection, asked.id, "refused", BY)
    assert wallet(records) == 1_500


def test_more_than_there_is_or_too_little_is_not_paid(records):
    fund(records)
    member(records)
    earned(records)
    with records.begin() as connection, pytest.raises(Conflict) as more:
        wallet_desk.ask(connection, "person-1", 1_501, setting())
    with records.begin() as connection, pytest.raises(InputError) as less:
        wallet_desk.ask(connection, "person-1", -5, setting())
    assert (more.value.code, less.value.code) == ("practice.payout_funds", "practice.payout_least")


def test_who_leaves_a_scheme_gives_up_what_waits_and_keeps_what_was_paid(records):
    fund(records)
    member(records)
    act = doubtful(records)
    with records.begin() as connection:
        assert erasing.leave(connection, "person-1", "green-life", setting()) == 1
    with records.read() as connection:
        assert practice_records.get(connection, act.id).state == "withdrawn"
    assert (wallet(records), count(records, carbon_pending)) == (900, 0)
    with records.begin() as connection, pytest.raises(NotAllowed):
        practice_desk.start(connection, "person-1", "tumbler", setting())


def everywhere(records, needle):
    """Tables that hold a text anywhere."""
    found = set()
    with records.read() as connection:
        for table in metadata.sorted_tables:
            for column in table.columns:
                if str(column.type).startswith(("TEXT", "VARCHAR")):
                    query = select(column).where(column.like(f"%{needle}%")).limit(1)
                    if connection.execute(query).first() is not None:
                        found.add(table.name)
    return found


def test_erasure_leaves_the_books_whole_and_nothing_that_leads_to_the_person(records):
    fund(records)
    member(records, "person-erased")
    cup(records, "person-erased")
    with records.begin() as connection:
        ref = commitments.ref_of(connection, "person-erased")
        group_records.make_group(connection, "person-erased", "우리", NOW)
    with records.begin() as connection, pytest.raises(Conflict) as refused:
        erasing.erase(connection, "person-erased", setting())
    assert (refused.value.code, refused.value.detail["won"]) == ("practice.balance_left", 300)
    with records.begin() as connection:
        erasing.erase(connection, "person-erased", setting(), waive=True)
    assert everywhere(records, "person-erased") == {"audit"}  # that it was asked for, nothing else
    with records.read() as connection:
        rows = connection.execute(text("SELECT detail, object FROM audit WHERE actor = 'person-erased'")).all()
    assert [tuple(row) for row in rows] == [('{"erased":true}', "person-erased")]
    assert everywhere(records, ref) >= {"carbon_claims", "carbon_transfers"}
    assert available(records, accounts.budget("green-practice")) == 1_000_000
    assert conserved(records)


def test_erasure_waits_for_money_on_its_way_and_gives_up_what_is_doubtful(records):
    fund(records)
    member(records)
    doubtful(records)
    earned(records)
    with records.begin() as connection:
        asked = wallet_desk.ask(connection, "person-1", 1_000, setting())
    with records.begin() as connection, pytest.raises(Conflict) as refused:
        erasing.erase(connection, "person-1", setting(), waive=True)
    assert refused.value.code == "practice.payout_open"
    with records.begin() as connection:
        wallet_desk.settle(connection, asked.id, "paid", BY)
        erasing.erase(connection, "person-1", setting(), waive=True)
    assert (count(records, carbon_pending), balance(records, accounts.budget("green-practice")).debits_pending) == (0, 0)
    assert conserved(records)


def test_who_was_erased_may_join_again_next_year_only_so_that_limits_hold(records):
    member(records)
    with records.begin() as connection:
        erasing.erase(connection, "person-1", setting())
    with pytest.raises(Conflict) as refused:
        member(records)
    assert refused.value.code == "practice.left_this_year"
    member(records, at=NOW + timedelta(days=60))


def test_all_that_is_kept_of_a_person_can_be_taken_along(records):
    fund(records)
    member(records)
    act = cup(records)
    with records.read() as connection:
        found = erasing.export(connection, "person-1")
    assert (found["schemes"], [one["id"] for one in found["acts"]], found["wallet"]["available_won"]) == (
        ["green-life"],
        [act.id],
        300,
    )
    msgspec.json.encode(found)


def group(records, people, name="우리 동네", enter=True):
    with records.begin() as connection:
        made = group_records.make_group(connection, people[0], name, NOW - timedelta(days=1))
        for person in people[1:]:
            group_records.join(connection, person, made.code, NOW - timedelta(days=1))
        if enter:
            challenge_desk.enter(connection, people[0], "spring", made.id, setting())
    return made


def challenge(records, one=SPRING):
    with records.begin() as connection:
        return challenge_desk.make(connection, one, setting(), BY)


def standing(records):
    with records.read() as connection:
        return challenge_desk.standing(connection, "spring", 5)[1]


def test_sums_are_shown_from_five_members_and_averages_from_five_who_took_part(records):
    fund(records)
    challenge(records)
    people = [f"person-{n}" for n in range(5)]
    for person in people:
        member(records, person)
    group(records, people[:4])
    for person in people[:4]:
        cup(records, person)
    hidden = standing(records)
    assert (hidden.groups[0].members, hidden.groups[0].times, hidden.whole.times, hidden.reached_fraction) == (
        4,
        None,
        None,
        None,
    )
    with records.begin() as connection:
        code = group_records.groups_of(connection, people[0])[0].code
        group_records.join(connection, people[4], code, NOW - timedelta(hours=1))
    some = standing(records).groups[0]
    assert (some.members, some.times, some.average_times) == (5, 4, None)
    cup(records, people[4])
    cup(records, people[4], 60)
    whole = standing(records)
    assert (whole.groups[0].times, whole.groups[0].average_times, whole.reached_fraction) == (6, 1.2, 0.06)


def test_what_was_done_before_joining_or_after_leaving_does_not_count(records):
    fund(records)
    challenge(records)
    people = [f"person-{n}" for n in range(6)]
    for person in people:
        member(records, person)
    made = group(records, people)
    cup(records, people[0])
    with records.begin() as connection:
        group_records.leave(connection, people[0], made.id, NOW + timedelta(seconds=30))
    cup(records, people[0], 60)
    assert standing(records).groups[0].times == 1


def test_who_is_in_two_groups_counts_once_in_the_whole(records):
    fund(records)
    challenge(records)
    people = [f"person-{n}" for n in range(5)]
    for person in people:
        member(records, person)
    group(records, people, "하나")
    group(records, people, "둘")
    cup(records, people[0])
    found = standing(records)
    assert ([one.times for one in found.groups], found.whole.times) == ([1, 1], 1)


def test_a_group_is_entered_by_its_members_only(records):
    challenge(records)
    made = group(records, ["person-1"], enter=False)
    with records.begin() as connection, pytest.raises(NotAllowed):
        challenge_desk.enter(connection, "person-2", "spring", made.id, setting())


@pytest.mark.parametrize(("kind", "target"), [("challenge", "spring"), ("source", "challenge/spring")])
def test_a_company_pays_through_escrow_for_what_a_challenge_it_names_does(records, kind, target):
    fund(records)
    challenge(records)
    people = [f"person-{n}" for n in range(5)]
    for person in people:
        member(records, person)
    group(records, people)
    offer = Sponsorship(
        id="spn-1", company="acme", title=Text("봄"), target_kind=kind, target=target,
        start=NOW - timedelta(days=2), end=NOW + timedelta(days=60), budget_won=1_000_000, programme="green-practice", tier="C",
        milestones=(Milestone(won=400_000, claims=3),),
    )  # fmt: skip
    before = By("person-officer", NOW - timedelta(hours=2))
    with records.begin() as connection:
        company_records.put(connection, Company(id="acme", name=Text("에이크미"), business_number="1248100998"), before)
        sponsoring_desk.pay_in(connection, "acme", 2_000_000, "R-1", before)
        sponsoring_desk.offer(connection, offer, sponsoring_rules(NOW.date()), before, programmes(NOW.date()))
        sponsoring_desk.accept(connection, "spn-1", before)
    claims = [cup(records, person, more=challenge_desk.stretches).claim for person in people[:3]]
    with records.begin() as connection:
        found = [claim_desk.claim(connection, one) for one in claims]
        assert {one.source.split("/")[0] for one in found[0].stretches} == {"practice", "challenge"}
        assert sponsoring_desk.count(connection, found, {}, NOW) == ["spn-1"]
    with records.read() as connection:
        (sponsor,) = challenge_desk.sponsors(connection, "spring")
    assert (sponsor.company, sponsor.escrow_won, sponsor.released_won) == ("acme", 600_000, 400_000)
    assert conserved(records)


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["cup", "absurd", "replay", "yes", "no", "pay", "paid", "leave", "erase", "fund"]),
        st.integers(0, 2),
        st.integers(0, 40),
    ),
    min_size=5,
    max_size=25,
)
_runs = itertools.count()


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DEEDS)
def test_whatever_people_do_no_won_is_lost_or_made_and_no_account_is_overdrawn(records, deeds):
    run = next(_runs)
    fund(records, 2_000, receipt=f"run-{run}")
    for n, (deed, who, minutes) in enumerate(deeds):
        _do(records, (deed, f"person-{run}-{who}", NOW + timedelta(minutes=minutes * 7)), f"{run}/{n}")
    assert conserved(records)
    found = balance(records, accounts.budget("green-practice"))
    assert 0 <= found.debits_posted + found.debits_pending <= found.credits_posted


def _do(records, what, once):
    deed, person, at = what
    try:
        with records.begin() as connection:
            _deeds(connection, deed, person, at, once)
    except (Conflict, NotAllowed, InputError):
        pass  # said no with a code: nothing was moved


def _deeds(connection, deed, person, at, once):
    by = setting(at)
    if deed in {"cup", "absurd", "replay"}:
        practice_desk.join(connection, person, "green-life", by)
        quantity = -3 if deed == "absurd" else 1
        given_ = proof(at=at, once="partner/x/same" if deed == "replay" else f"partner/x/{once}", quantity=quantity)
        practice_desk.prove(connection, person, "tumbler", given_, by)
    elif deed in {"yes", "no"}:
        for act in practice_records.doubtful(connection)[:1]:
            practice_desk.decide(connection, act.id, "" if deed == "yes" else "practice.unclear", By(OFFICER, at))
    elif deed == "pay":
        wallet_desk.ask(connection, person, 1_000, by)
    elif deed == "paid":
        for one in wallet_desk.asked(connection)[:1]:
            wallet_desk.settle(connection, one.id, "paid", By(OFFICER, at))
    elif deed == "leave":
        erasing.leave(connection, person, "green-life", by)
    elif deed == "erase":
        erasing.erase(connection, person, by, waive=True)
