"""The round of sponsoring: claims that a person awards release money, withdrawn ones count no longer, the end gives back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from company_city import NOW, house_in

from dure.core.text import Text
from dure.engines.clock import FixedClock
from dure.engines.records.audit import By
from dure.services.carbon.claiming import claim_desk
from dure.services.carbon.companies import funding_desk, sponsor_records, sponsoring_desk
from dure.services.carbon.companies.sponsoring import Sponsorship
from dure.services.carbon.companies.sponsoring_watch import SponsoringWatch
from dure.services.carbon.model import Claim, Stretch

BY = By("person-officer", NOW)
SPAN_D = 20


def made(house, connection, number):
    """A claim of a day's saving at the hall, awarded by a person."""
    start = NOW + timedelta(days=number)
    stretch = Stretch(source="building/hall", attribute="energy_saving", start=start, end=start + timedelta(days=1))
    one = Claim(
        id=f"clm-{number:020x}", event=f"e{number}", stretches=(stretch,), programme="city-verified", holder="city", tier="A",
        quantity=1_000_000, unit="Wh", grams=2_000_000, point_grams=2_500_000, won=0, method="m@1", factors=(),
        readings_sha256="0" * 64, made_at=NOW,
    )  # fmt: skip
    kept = claim_desk.make(connection, one, NOW, folder=house.city.folder)
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
        sponsoring_desk.offer(connection, offer, funding_desk.rules_of(house), BY)
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
        first, _ = made(house, connection, 1), made(house, connection, 2)
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
