"""Events of the services become claims, each once."""

from __future__ import annotations

import pytest
from carbon_house import carbon_house, charging_day, tell

from dure.services.carbon.claiming import claim_desk
from dure.services.carbon.claiming.event_watch import EventWatch
from dure.services.carbon.ledger import posting


@pytest.fixture
def house(tmp_path):
    house = carbon_house(tmp_path)
    yield house
    house.records.close()


def claims_of(house, method=""):
    with house.records.read() as connection:
        return [one for one in claim_desk.claims(connection) if one.method.startswith(method)]


def held(house):
    with house.records.read() as connection:
        found = posting.balance(connection, "held/city")
        return found.credits_posted - found.debits_posted


def test_a_charging_day_becomes_a_claim_with_grams_rounded_down(house):
    tell(house, charging_day())
    EventWatch(house).look_once()
    (claim,) = claims_of(house, "charging-renewable")
    assert (claim.quantity, claim.unit, claim.tier, claim.state) == (50_000, "Wh", "B", "awarded")
    assert claim.grams == 50 * 459_410 * 99 // 100 // 1_000
    assert claim.readings_sha256 == "a" * 64


def test_the_same_event_told_again_changes_nothing(house):
    tell(house, charging_day())
    watch = EventWatch(house)
    watch.look_once()
    before = held(house)
    tell(house, charging_day())
    watch.look_once()
    assert held(house) == before


def test_a_replacing_event_corrects_by_new_transfers(house):
    watch = EventWatch(house)
    tell(house, charging_day())
    watch.look_once()
    again = charging_day(
        "origin-cs-1-2026-11-22-1",
        wh={"pv": 10_000, "ess_pv": 0, "ess_grid": 0, "grid": 90_000},
        data={"replaces": "origin-cs-1-2026-11-22"},
    )
    tell(house, again)
    watch.look_once()
    old, new = sorted(claims_of(house, "charging-renewable"), key=lambda one: -one.quantity)
    assert (old.state, old.reason, new.state) == ("cancelled", "claim.replaced", "awarded")
    assert new.grams == 10 * 459_410 * 99 // 100 // 1_000
