"""Pages and routes of the carbon ledger: who may see them, both languages, figures that equal the books."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from ledger_house import CLAIM, HOUR, NOW, house_in, keep_books

from dure.engines.records import events
from dure.engines.records.audit import By
from dure.services.carbon.ledger.expiry_watch import ExpiryWatch
from dure.web.app import create_app

sys.path.insert(0, str(Path(__file__).parents[1] / "environment"))
from web_visitor import Visitor  # the visitor of the environment's tests is ours too

PASSWORD = "a rather long one 42"
PAGE = "/operations/carbon/ledger"
API = "/api/v1/carbon/ledger"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    house = house_in(tmp_path_factory.mktemp("ledger-web"))
    keep_books(house)
    app = create_app(house)
    visitors = {"nobody": Visitor(app)}
    for role in ("citizen", "officer", "auditor"):
        house.people.add(role, role, PASSWORD, [role], By("test", NOW))
        visitors[role] = Visitor(app, house.people.sign_in(role, PASSWORD, house.clock.now()).token)
    yield house, visitors
    house.records.close()


PAGES = (
    PAGE, f"{PAGE}?kind=held", f"{PAGE}/account?id=held/city", f"{PAGE}/account?id=held/city&at=2026-11-24T11:30",
    f"{PAGE}/transfer?id={CLAIM}/award", f"{PAGE}/transfer?id=retire-1", f"{PAGE}/transfer?id=retire-1-back",
    f"{PAGE}/transfer?id=reward-1", f"{PAGE}/check",
)  # fmt: skip
ROUTES = (
    f"{API}/accounts", f"{API}/account?id=held/city", f"{API}/account/transfers?id=held/city", f"{API}/transfers?ref={CLAIM}",
    f"{API}/transfer?id=retire-1", f"{API}/check",
    f"{API}/taken?source=building/bd-1&attribute=energy_saving&start=2026-11-24T00:00:00Z&end=2026-11-25T00:00:00Z",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["ko", "en"])
def test_pages_are_for_officers_and_auditors(world, path, language):
    _, visitors = world
    assert [visitors[who].get(f"/{language}{path}").status_code for who in ("officer", "auditor")] == [200, 200]
    assert visitors["citizen"].get(f"/{language}{path}").status_code in (303, 307, 403)
    assert visitors["nobody"].get(f"/{language}{path}").status_code in (303, 307, 401)


@pytest.mark.parametrize("path", ROUTES, ids=["accounts", "account", "transfers", "ref", "transfer", "check", "taken"])
def test_routes_are_for_officers_and_auditors(world, path):
    _, visitors = world
    assert [visitors[who].get(path).status_code for who in ("nobody", "citizen", "officer", "auditor")] == [401, 403, 200, 200]


def test_a_balance_is_given_now_and_as_it_was(world):
    _, visitors = world
    now = visitors["auditor"].get(f"{API}/account?id=held/city").json()
    then = visitors["auditor"].get(f"{API}/account?id=held/city&as_of=2026-11-24T02:30:00Z").json()
    before = visitors["auditor"].get(f"{API}/account?id=held/city&as_of=2026-11-23T00:00:00Z").json()
    assert (now["available"], then["available"], before["available"]) == (550, 700, 0)


def test_transfers_come_page_by_page_with_the_balance_each_left(world):
    _, visitors = world
    first = visitors["auditor"].get(f"{API}/account/transfers?id=held/city&limit=2").json()
    rest = visitors["auditor"].get(f"{API}/account/transfers?id=held/city&limit=2&after={first['next']}").json()
    found = [(one["transfer"]["id"], one["after"]["credits_posted"] - one["after"]["debits_posted"])
             for one in (*first["items"], *rest["items"])]  # fmt: skip
    assert found == [("retire-1-back", 550), ("retire-1", 500), (f"{CLAIM}/award", 700)]
    assert rest["next"] is None


def test_a_transfer_tells_its_claim_its_corrections_and_whose_clock_was_behind(world):
    _, visitors = world
    wrong = visitors["officer"].get(f"/en{PAGE}/transfer?id=retire-1").text
    right = visitors["officer"].get(f"/en{PAGE}/transfer?id=retire-1-back").text
    assert "building/bd-1" in wrong
    assert f"carbon/claim/{CLAIM}" in wrong
    assert "retire-1-back" in wrong
    assert "clock said" in right


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"{API}/account?id=held/nobody", 404, "ledger.account_unknown"),
        (f"{API}/transfer?id=nothing", 404, "ledger.transfer_unknown"),
        (f"{API}/account/transfers?id=held/city&after=x", 422, "page.mark"),
        (f"{API}/account?id=held/city&as_of=yesterday", 422, "time.unreadable"),
    ],
    ids=["account", "transfer", "mark", "instant"],
)
def test_bad_questions_have_a_code(world, path, status, code):
    _, visitors = world
    answer = visitors["auditor"].get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_page_of_an_account_that_is_not_there_is_not_found(world):
    _, visitors = world
    assert visitors["auditor"].get(f"/ko{PAGE}/account?id=held/nobody").status_code == 404


def test_a_reservation_that_nobody_ended_becomes_void_and_the_city_is_told(tmp_path):
    house = house_in(tmp_path)
    keep_books(house)
    watch = ExpiryWatch(house)
    assert asyncio.run(watch.look()) == 0
    house.clock.advance(HOUR)
    assert [asyncio.run(watch.look()) for _ in range(2)] == [1, 0]
    with house.records.read() as connection:
        told = events.listing(connection, prefix="carbon.reservation.").items
    house.records.close()
    assert [(one.subject, one.data["transfer"], one.data["amount"]) for one in told] == [("prc-1", "reward-1", 600)]
