"""Another scheme and the city compare members: an officer hands over a key, brings the list, and only who agreed is found."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from carbon_house import carbon_house

from dure.core.time import Interval, format_instant
from dure.engines.records.audit import By
from dure.services.carbon.practising import elsewhere_records
from dure.services.carbon.practising.practice_desk import setting_of
from dure.services.carbon.practising.signing import compared
from dure.services.carbon.service import CarbonService
from dure.spine.house import House
from dure.web.app import create_app

sys.path.insert(0, str(Path(__file__).parents[1] / "environment"))
from web_visitor import Visitor  # the visitor of the environment's tests is ours too

NOW = datetime(2026, 7, 25, tzinfo=UTC)
API, WALLET, NUMBER = "/api/v1/carbon/elsewhere", "/en/carbon/wallet", "GG-5550-1234"
SPAN = (datetime(2025, 12, 31, 15, tzinfo=UTC), datetime(2026, 6, 30, 15, tzinfo=UTC))


@pytest.fixture
def city(tmp_path):
    plain = carbon_house(tmp_path, NOW)
    parts = {name: getattr(plain, name) for name in House.__slots__}
    house = House(**(parts | {"services": (CarbonService(),)}))
    app, visitors = create_app(house), {"house": house}
    for name, role in {"mina": "citizen", "city": "officer"}.items():
        person = house.people.add(name, name, "a rather long one 42", [role], By("test", NOW))
        visitors[name] = Visitor(app, house.people.sign_in(name, "a rather long one 42", NOW).token)
        visitors[f"id of {name}"] = person.id
    yield visitors
    house.records.close()


def paid(hashes, span=SPAN):
    return {"start_at": format_instant(span[0]), "end_at": format_instant(span[1]), "hashes": hashes}


def found(city):
    with city["house"].records.read() as connection:
        rules = setting_of(city["house"]).rules
        return elsewhere_records.paid_within(connection, city["id of mina"], "home-gas", rules, Interval(*SPAN))


def test_who_agreed_is_found_by_the_hash_of_their_number_and_nobody_else(city):
    key = city["city"].post(f"{API}/points-energy/key").json()["key"]
    theirs = compared(bytes.fromhex(key), NUMBER)
    brought = city["city"].post(f"{API}/points-energy/paid", paid([theirs, "ab" * 32, theirs])).json()
    again = city["city"].post(f"{API}/points-energy/paid", paid([theirs])).json()
    assert (brought["of"], brought["new"], again["new"]) == (3, 2, 0)
    assert not found(city)
    city["mina"].form(WALLET, f"{WALLET}/do", do="consent", other="points-energy", number=" gg5550-1234 ")
    assert found(city)
    held = {one["id"]: one["held"] for one in city["city"].get(API).json()["items"]}
    assert (held["points-energy"]["hashes"], held["points-energy"]["agreed"], held["gg-pass"]["hashes"]) == (2, 1, 0)
    city["mina"].form(WALLET, f"{WALLET}/do", do="revoke", other="points-energy")
    assert not found(city)


@pytest.mark.parametrize(
    ("scheme", "body", "code"),
    [
        ("nowhere", paid(["ab" * 32]), "practice.other_unknown"),
        ("points-energy", paid(["AB" * 32]), "practice.hash"),
        ("points-energy", paid(["ab" * 31]), "practice.hash"),
        ("points-energy", paid(["ab" * 32], SPAN[::-1]), "practice.period"),
        ("points-energy", paid(["ab" * 32], (NOW, NOW)), "practice.period"),
        ("points-energy", paid(["ab" * 32], (NOW, NOW + timedelta(days=1))) | {"start_at": "spring"}, "time.unreadable"),
    ],
)
def test_a_list_that_cannot_be_is_refused_and_nothing_is_kept(city, scheme, body, code):
    assert city["city"].post(f"{API}/{scheme}/paid", body).json()["code"] == code
    assert all(one["held"]["hashes"] == 0 for one in city["city"].get(API).json()["items"])


def test_a_citizen_gets_neither_key_nor_list(city):
    for path in (f"{API}/points-energy/key", f"{API}/points-energy/paid"):
        assert city["mina"].post(path, paid(["ab" * 32])).status_code == 403
    assert city["mina"].get(API).status_code == 403
