"""The round of sponsoring: claims that a person awards release money, withdrawn ones count no longer, the end gives back."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from company_city import NOW, house_in

from dure.core.errors import InputError
from dure.core.text import Text
from dure.engines.clock import FixedClock
from dure.engines.records.audit import By
from dure.engines.records.tables_carbon_claims import carbon_weighings
from dure.services.carbon.claiming import claim_desk, weighing_desk
from dure.services.carbon.companies import funding_desk, sponsor_records, sponsoring_desk
from dure.services.carbon.companies.sponsoring import Milestone, Sponsorship
from dure.services.carbon.companies.sponsoring_watch import SponsoringWatch
from dure.services.carbon.companies.suggesting import Wish
from dure.services.carbon.model import Claim, Stretch
from dure.services.carbon.practising import challenge_desk
from dure.services.carbon.practising.group_records import Challenge
from dure.services.carbon.practising.practice_desk import setting_of
from dure.services.carbon.programmes import programme, programmes

BY = By("person-officer", NOW)
SPAN_D = 20


def made(connection, number):
    """A claim of a day's saving at the hall, awarded by a person."""
    start = NOW + timedelta(days=number)
    stretch = Stretch(source="building/hall", attribute="energy_saving", start=start, end=start + timedelta(days=1))
    one = Claim(
        id=f"clm-{number:020x}", event=f"e{number}", stretches=(stretch,), programme="city-verified", holder="city", tier="A",
        quantity=1_000_000, unit="Wh", grams=2_000_000, point_grams=2_500_000, won=0, method="m@1", factors=(),
        readings_sha256="0" * 64, made_at=NOW,
    )  # fmt: skip
    kept = claim_desk.make(connection, one, programme(one.programme, NOW.date()), NOW)
    return claim_desk.award(connection, kept.id, BY.actor, NOW) if kept.state == "reserved" else kept


@pytest.fixture
def house(tmp_path):
    house = house_in(tmp_path)
    offer = Sponsorship(
        id="spn-1", company="acme", title=Text("단열"), target_kind="district", target=house.city.zones[0].id, start=NOW,
        end=NOW + timedelta(days=SPAN_D), budget_won=1_000_000, programme="city-verified", won_per_tonne=100_000,
    )  # fmt: skip
    with house.records.begin() as connection:
        sponsoring_desk.pay_in(connection, "acme", 1_000_000, "R", BY)
        sponsoring_desk.offer(connection, offer, funding_desk.rules_of(house), BY, programmes(NOW.date()))
        sponsoring_desk.accept(connection, "spn-1", BY)
    yield house
    house.records.close()


def held(house):
    with house.records.read() as connection:
        one = sponsor_records.get(connection, "spn-1")
        return one.state, one.released_won, one.counted_g, funding_desk.available_won(connection, "acme")


def test_awarded_claims_pay_withdrawn_ones_do_not_and_the_rest_comes_back(house):
    watch = SponsoringWatch(house)
    with house.records.begin() as connection:
        first, _ = made(connection, 1), made(connection, 2)
    watch.round()
    watch.round()
    assert held(house) == ("running", 400_000, 4_000_000, 0)

    with house.records.begin() as connection:
        claim_desk.withdraw(connection, first.id, "verification.mistake", BY.actor, NOW)
    watch.round()
    assert held(house) == ("running", 400_000, 2_000_000, 0)

    house.clock = FixedClock(NOW + timedelta(days=SPAN_D + 60))
    watch.round()
    assert held(house) == ("ended", 200_000, 2_000_000, 800_000)


def test_what_a_scale_weighed_counts_for_who_sponsors_that_scale_and_stands_in_its_district(house):
    offer = Sponsorship(
        id="spn-2", company="acme", title=Text("재활용"), target_kind="source", target="recycled/scale-1", start=NOW,
        end=NOW + timedelta(days=SPAN_D), budget_won=500_000, programme="green-practice", tier="B",
        milestones=(Milestone(won=200_000, claims=2),),
    )  # fmt: skip
    with house.records.begin() as connection:
        sponsoring_desk.pay_in(connection, "acme", 500_000, "R-2", BY)
        funding_desk.offer(house, connection, offer, BY)
        sponsoring_desk.accept(connection, "spn-2", BY)
        for number in (1, 2):
            bagged(connection, number)
    SponsoringWatch(house).round()
    house.clock = FixedClock(NOW + timedelta(days=5))

    with house.records.read() as connection:
        assert sponsor_records.get(connection, "spn-2").released_won == 200_000
        found = funding_desk.suggested(house, connection, Wish(theme="waste", district="namyang-dong"), timedelta(days=30))
    best = next(one.option for one in found if one.option.target_kind == "source")
    assert (best.target, best.theme, best.district, best.claims) == ("recycled/scale-1", "waste", "namyang-dong", 2)
    assert found[0].option.district == "namyang-dong"
    assert not [one for one in found if "bag-" in one.option.target]


def bagged(connection, number):
    """A bag of two kilograms on the scale."""
    row = {
        "id": f"wgh-{number}", "bag": f"bag-{number}", "scale": "scale-1", "material": "paper", "mass_g": 2_000,
        "weighed_at": NOW + timedelta(minutes=number), "readings_sha256": "0" * 64, "state": "kept", "kept_at": NOW,
    }  # fmt: skip
    weighing_desk.give_bag(connection, f"bag-{number}", BY)
    connection.execute(carbon_weighings.insert().values(row))
    start = NOW + timedelta(days=1, minutes=number)
    stretch = Stretch(source=f"recycled/bag-{number}", attribute="recycled_mass", start=start, end=start + timedelta(seconds=1))
    one = Claim(
        id=f"clm-b{number:019x}", event=f"w{number}", stretches=(stretch,), programme="city-estimated", holder="city", tier="B",
        quantity=2_000, unit="g", grams=1_500, point_grams=1_600, won=0, method="m@1", factors=(), readings_sha256="0" * 64,
        made_at=NOW,
    )  # fmt: skip
    assert claim_desk.make(connection, one, programme(one.programme, NOW.date()), NOW).state == "awarded"


def test_a_challenge_people_have_set_out_on_is_suggested_and_can_be_sponsored_while_it_runs(house):
    spring = Challenge(
        id="spring", title=Text("봄"), practices=("tumbler",), start_at=NOW, end_at=NOW + timedelta(days=30), goal=100
    )
    offer = Sponsorship(
        id="spn-3", company="acme", title=Text("봄"), target_kind="challenge", target="spring", start=NOW + timedelta(days=30),
        end=NOW + timedelta(days=60), budget_won=500_000, programme="green-practice", tier="C",
        milestones=(Milestone(won=200_000, claims=2),),
    )  # fmt: skip
    with house.records.begin() as connection:
        challenge_desk.make(connection, spring, setting_of(house), BY)
        sponsoring_desk.pay_in(connection, "acme", 500_000, "R-2", BY)
    with house.records.read() as connection:
        (first, *_) = funding_desk.suggested(house, connection, Wish(theme="citizens"), timedelta(days=30))
    assert (first.option.target_kind, first.option.target, first.option.verified_g) == ("challenge", "spring", 0)
    with house.records.begin() as connection, pytest.raises(InputError) as late:
        funding_desk.offer(house, connection, offer, BY)
    assert late.value.code == "sponsor.period"
    with house.records.begin() as connection:
        assert funding_desk.offer(house, connection, msgspec.structs.replace(offer, start=NOW), BY).state == "offered"
