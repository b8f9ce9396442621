"""Sponsoring: terms, what is due, and sharing without making or losing a gram."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.text import Text
from dure.services.carbon.companies.sponsoring import (
    Counted,
    Milestone,
    Sponsorship,
    by_number,
    due_won,
    fits,
    objection,
    room_g,
    share_out,
)
from dure.services.carbon.companies.sponsoring_rules import sponsoring_rules
from dure.services.carbon.companies.suggesting import Wish, options, suggest
from dure.services.carbon.governing.districts import Where
from dure.services.carbon.model import Claim, Stretch

NOW = datetime(2026, 3, 1, tzinfo=UTC)
RULES = sponsoring_rules(date(2026, 3, 1))
OFFER = Sponsorship(
    id="spn-1", company="acme", title=Text("도서관 단열", "Insulation"), target_kind="source", target="building/hall",
    start=NOW, end=NOW + timedelta(days=100), budget_won=1_000_000, programme="city-verified", won_per_tonne=50_000,
)  # fmt: skip


def claim(ident="clm-1", source="building/hall", grams=2_000_000, start=NOW, **more):
    stretch = Stretch(source=source, attribute=more.pop("attribute", "energy_saving"), start=start, end=start + timedelta(days=1))
    given_ = {
        "event": "e", "programme": "city-verified", "holder": "city", "tier": "A", "quantity": 1, "unit": "Wh", "won": 0,
        "point_grams": grams, "method": "m@1", "factors": (), "readings_sha256": "0" * 64, "made_at": NOW, "state": "awarded",
    }  # fmt: skip
    return Claim(id=ident, stretches=(stretch,), grams=grams, **(given_ | more))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"title": Text("", "x")}, "sponsor.title"),
        ({"target_kind": "moon"}, "sponsor.target"),
        ({"target": ""}, "sponsor.target"),
        ({"end": NOW}, "sponsor.period"),
        ({"start": NOW - timedelta(days=9), "end": NOW - timedelta(days=1)}, "sponsor.period"),
        ({"budget_won": 1}, "sponsor.amount"),
        ({"budget_won": -1}, "sponsor.amount"),
        ({"budget_won": 10**15}, "sponsor.amount"),
        ({"won_per_tonne": 0}, "sponsor.terms"),
        ({"won_per_tonne": 2_000_000}, "sponsor.terms"),
        ({"tier": "C"}, "sponsor.terms"),
        ({"milestones": (Milestone(won=5, grams=5),)}, "sponsor.terms"),
        ({"won_per_tonne": 0, "milestones": (Milestone(won=5),)}, "sponsor.milestones"),
        ({"won_per_tonne": 0, "milestones": (Milestone(won=5, grams=5, claims=5),)}, "sponsor.milestones"),
        ({"won_per_tonne": 0, "milestones": (Milestone(won=2_000_000, claims=5),)}, "sponsor.milestones"),
        ({"won_per_tonne": 0, "tier": "B", "milestones": (Milestone(won=5, grams=5),)}, "sponsor.milestones"),
        ({"transfers": True}, "sponsor.transfer"),
    ],
)
def test_terms_that_cannot_be_are_refused_with_a_code(change, code):
    found = objection(msgspec.structs.replace(OFFER, **change), RULES, NOW)

    assert found is not None
    assert found.code == code


def test_good_terms_are_taken():
    milestones = (Milestone(won=400_000, claims=10), Milestone(won=600_000, claims=50))

    assert objection(OFFER, RULES, NOW) is None
    assert objection(msgspec.structs.replace(OFFER, won_per_tonne=0, tier="C", milestones=milestones), RULES, NOW) is None
    assert objection(msgspec.structs.replace(OFFER, transfers=True, contract="2026-17"), RULES, NOW) is None


@given(st.lists(st.integers(1, 9_000_000), max_size=20))
def test_what_is_due_does_not_depend_on_the_parts_it_came_in(grams):
    steps = [due_won(OFFER, Counted(sum(grams[: i + 1]))) for i in range(len(grams))]

    assert steps == sorted(steps)
    assert (steps or [0])[-1] == min(OFFER.budget_won, sum(grams) * OFFER.won_per_tonne // 1_000_000)


def test_the_room_of_a_budget_is_spent_to_the_last_won():
    odd = msgspec.structs.replace(OFFER, won_per_tonne=70_001)
    room = room_g(odd, Counted())

    assert due_won(odd, Counted(room)) == odd.budget_won
    assert due_won(odd, Counted(room - 1)) < odd.budget_won
    assert room_g(odd, Counted(room)) == 0


def test_milestones_are_paid_when_they_are_reached():
    one = msgspec.structs.replace(
        OFFER, won_per_tonne=0, milestones=(Milestone(won=300_000, claims=2), Milestone(won=500_000, grams=1_000))
    )

    assert [due_won(one, Counted(g, n)) for g, n in ((0, 1), (0, 2), (1_000, 1), (1_000, 2))] == [0, 300_000, 500_000, 800_000]
    assert room_g(one, Counted(0, 2)) is None
    assert room_g(one, Counted(1_000, 2)) == 0


@given(st.integers(0, 10**12), st.dictionaries(st.text(min_size=1, max_size=3), st.integers(1, 10**9), min_size=1, max_size=9))
def test_shares_sum_to_the_whole_and_follow_the_money(total, weights):
    found = share_out(total, weights)

    assert sum(found.values()) == total
    whole = sum(weights.values())
    assert all(abs(found[key] * whole - total * weight) < whole for key, weight in weights.items())


def test_equal_remainders_go_to_the_first_name():
    assert share_out(1, {"b": 5, "a": 5}) == {"a": 1, "b": 0}
    assert share_out(5, {}) == {}


def test_claims_by_number_go_round_by_money():
    weights, so_far = {"a": 300, "b": 100}, {"a": 0, "b": 0}
    for _ in range(8):
        so_far[by_number(weights, so_far)] += 1

    assert so_far == {"a": 6, "b": 2}


@pytest.mark.parametrize(
    ("change", "district", "fitting"),
    [
        ({}, "", True),
        ({"source": "building/hall/roof"}, "", True),
        ({"source": "building/hall-2"}, "", False),
        ({"state": "reserved"}, "", False),
        ({"state": "cancelled"}, "", False),
        ({"state": "retired"}, "", True),
        ({"tier": "B"}, "", False),
        ({"start": NOW - timedelta(hours=1)}, "", False),
        ({"start": NOW + timedelta(days=99, hours=1)}, "", False),
    ],
)
def test_only_verified_claims_of_the_thing_and_the_time_count(change, district, fitting):
    assert fits(OFFER, claim(**change), district) is fitting


def test_programmes_and_districts_can_be_funded_too():
    programme = msgspec.structs.replace(OFFER, target_kind="programme", target="city-verified")
    district = msgspec.structs.replace(OFFER, target_kind="district", target="dongtan")

    assert fits(programme, claim(source="anything/x"), "")
    assert fits(district, claim(), "dongtan")
    assert not fits(district, claim(), "")


def test_a_challenge_counts_what_was_done_for_it_and_a_scale_what_it_weighed():
    spring = msgspec.structs.replace(OFFER, target_kind="challenge", target="spring")
    scale = msgspec.structs.replace(OFFER, target="recycled/scale-1")

    assert fits(spring, claim(source="challenge/spring/act-1"), "")
    assert not fits(spring, claim(source="challenge/spring-2/act-1"), "")
    assert not fits(spring, claim(source="spring/act-1"), "")
    assert fits(scale, claim(source="recycled/bag-7"), "", "recycled/scale-1")
    assert not fits(scale, claim(source="recycled/bag-7"), "", "recycled/scale-2")
    assert not fits(scale, claim(source="recycled/bag-7"), "")


def test_suggestions_put_wishes_first_then_cost_and_never_sum_tiers():
    claims = [
        claim("a", "building/hall", 4_000_000, won=400_000),
        claim("b", "charging/hub/pv", 1_000_000, attribute="renewable", won=10_000),
        claim("c", "building/hall", 9_000_000, tier="B"),
        claim("d", "practice/tumbler/0ab", 0, tier="C", attribute="practice", programme="green-practice"),
    ]
    places = {one.id: Where(asset="hall", source="building/hall", district="dongtan") for one in (claims[0], claims[2])}
    found = options(claims, places | {"b": Where(asset="hub", source="charging/hub", district="hyangnam")}, RULES)
    by_source = {(one.target, one.tier): one for one in found}

    assert (by_source["building/hall", "A"].verified_g, by_source["building/hall", "B"].estimated_g) == (4_000_000, 9_000_000)
    assert by_source["building/hall", "A"].won_per_tonne == 100_000
    assert not [one for one in found if "0ab" in one.target]
    assert suggest(Wish(theme="transport"), found)[0].option.theme == "transport"
    assert suggest(Wish(district="dongtan"), found)[0].option.district == "dongtan"
    cheap = suggest(Wish(won_per_tonne_max=50_000), found)
    assert "building/hall" not in [one.option.target for one in cheap if one.option.tier == "A"]
    assert all(one.reasons for one in cheap)
