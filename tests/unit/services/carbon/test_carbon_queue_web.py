"""Pages and routes of claims: who may see them, both languages, decisions, and a tonne explained down to the readings."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import msgspec
import pytest
from carbon_house import NOW, carbon_house, charging_day, tell
from told_events import building_saving, collection, generation, weighing

from dure.engines.records.audit import By
from dure.services.carbon.claiming import claim_desk, claim_records
from dure.services.carbon.claiming.event_watch import EventWatch
from dure.services.carbon.claiming.explaining import EXPLAINERS, explain
from dure.services.carbon.claiming.naming import names_of
from dure.services.carbon.programmes import programme
from dure.services.carbon.service import CarbonService
from dure.services.carbon.transparency import commitments
from dure.services.carbon.transparency.log_watch import LogWatch
from dure.web.app import create_app

sys.path.insert(0, str(Path(__file__).parents[1] / "environment"))
from web_visitor import Visitor  # the visitor of the environment's tests is ours too

PASSWORD = "a rather long one 42"
HERE = "/operations/carbon"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    house = carbon_house(tmp_path_factory.mktemp("queue-web"))
    house.services = (CarbonService(),)
    told = (charging_day(), generation(), building_saving(), collection(), weighing(), charging_day("odd", data={"evidence": []}))
    tell(house, *told)
    EventWatch(house).look_once()
    app = create_app(house)
    visitors = {"nobody": Visitor(app)}
    for role in ("citizen", "operator", "officer", "auditor"):
        house.people.add(role, role, PASSWORD, [role], By("test", NOW))
        visitors[role] = Visitor(app, house.people.sign_in(role, PASSWORD, house.clock.now()).token)
    yield house, visitors
    house.records.close()


def claims_of(house, method):
    with house.records.read() as connection:
        return [one for one in claim_desk.claims(connection) if one.method.startswith(method)]


def claim_of(house, method):
    return claims_of(house, method)[0]


@pytest.mark.parametrize("path", ["queue", "claims", "events", "explain"])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_pages_are_for_who_may_read_the_books(world, path, language):
    _, visitors = world
    assert visitors["officer"].get(f"/{language}{HERE}/{path}").status_code == 200
    assert visitors["auditor"].get(f"/{language}{HERE}/{path}").status_code == 200
    assert visitors["citizen"].get(f"/{language}{HERE}/{path}").status_code in (303, 307, 403)
    assert visitors["nobody"].get(f"/{language}{HERE}/{path}").status_code in (303, 307, 401)


@pytest.mark.parametrize("path", ["claims", "intake", "methods", "explain?figure=carbon/programme/city-estimated/2026/B"])
def test_routes_are_for_who_may_read_the_books(world, path):
    _, visitors = world
    asked = [visitors[who].get(f"/api/v1/carbon/{path}").status_code for who in ("nobody", "citizen", "officer", "auditor")]
    assert asked == [401, 403, 200, 200]


def test_the_page_of_a_claim_says_what_how_much_and_why(world):
    house, visitors = world
    claim = claim_of(house, "charging-renewable")
    page = visitors["officer"].get(f"/en{HERE}/claims/{claim.id}").text
    assert "Run again: the same" in page
    assert f"{claim.grams / 1000:,.3f}" in page
    assert "Deduction for the meters" in page
    assert "To be confirmed" in page
    assert claim.readings_sha256 in page


def test_a_claims_page_shows_its_transfers_and_hands_out_its_proof_once_it_is_sealed(world):
    house, visitors = world
    claim = claim_of(house, "charging-renewable")
    page = visitors["auditor"].get(f"/en{HERE}/claims/{claim.id}").text
    bundle = f"/api/v1/carbon/log/bundles/claim/{claim.id}"
    assert "It has no place in the log yet" in page
    assert bundle not in page
    assert f"{HERE}/ledger/transfer?id={claim.id}" in page
    asyncio.run(LogWatch(house).look())
    page = visitors["auditor"].get(f"/en{HERE}/claims/{claim.id}").text
    assert bundle in page
    assert visitors["nobody"].get(bundle).status_code == 200
    entry = f"/carbon/log/entries/claim/{claim.id}"
    assert f"/en{entry}" in page
    assert "Charging from renewables" in visitors["nobody"].get(f"/en{entry}").text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("charging-renewable", "/operations/charging/explain?figure=charging%2Fsite%2Fcs-1%2Fday%2F2026-11-22"),
        ("pv-generation", "/operations/charging/explain?figure=charging%2Fsite%2Fcs-1%2Fday%2F2026-11-22"),
        ("building-saving", "/operations/buildings/explain?figure=saving%2Fms-1%2F2026-11-23"),
        ("collection-avoided", "/operations/explain?id=account-2026-11-01-b1"),
        ("recycled-mass", "/operations/explain?id=scale-1%3Aweighed_mass%3A2026-11-22T03%3A00%3A00Z"),
    ],
)
def test_from_a_programmes_tonnes_to_the_readings_are_three_clicks(world, method, path):
    house, visitors = world
    claim = claim_of(house, method)
    with house.records.begin() as connection:
        if claim.state == "reserved" and method != "building-saving":
            claim_desk.award(connection, claim.id, "somebody", NOW)
    programme = visitors["officer"].get(f"/en{HERE}/explain?figure=carbon/programme/{claim.programme}/2026/{claim.tier}").text
    if method != "building-saving":
        assert f"figure=carbon/claim/{claim.id}" in programme
    first = visitors["officer"].get(f"/en{HERE}/explain?figure=carbon/claim/{claim.id}").text
    assert f'href="/en{path}"' in first


def test_the_queue_calls_claims_by_what_was_measured(world):
    house, visitors = world
    claim = claim_of(house, "building-saving")
    row = visitors["officer"].get(f"/en{HERE}/queue").text.split(f'claims/{claim.id}">')[1].split("</a>")[0]
    with house.records.read() as connection:
        assert row == names_of(house, connection, [claim])[claim.id]("en")


def test_the_queue_decides_with_reason_and_says_what_it_could_not(world):
    house, visitors = world
    claim = claim_of(house, "building-saving")
    ticked = {f"claim:{claim.id}": "1"}
    refused = visitors["officer"].form(f"/en{HERE}/queue", f"/en{HERE}/decision", do="refuse", **ticked)
    assert (refused.status_code, "Choose why" in refused.text) == (422, True)
    both = ticked | {"claim:clm-nobody": "1"}
    answer = visitors["officer"].form(f"/en{HERE}/queue", f"/en{HERE}/decision", do="award", note="meters seen", **both)
    assert "claim.unknown" in answer.text
    with house.records.read() as connection:
        assert claim_records.get(connection, claim.id).claim.state == "awarded"
        assert claim_records.deeds_of(connection, claim.id)[-1].note == "meters seen"
    again = visitors["officer"].form(f"/en{HERE}/queue", f"/en{HERE}/decision", do="award", **ticked)
    assert "claim.state" in again.text


def test_an_operator_sees_the_queue_and_decides_nothing(world):
    house, visitors = world
    claim = claim_of(house, "charging-renewable")
    assert "claim:" not in visitors["operator"].get(f"/en{HERE}/queue").text
    path = f"/api/v1/carbon/claims/{claim.id}/decision"
    assert visitors["operator"].post(path, {"verdict": "withdraw", "reason": "verification.other"}).status_code == 403


def test_an_officer_does_not_verify_their_own(world):
    house, visitors = world
    officer = house.people.actor(visitors["officer"].cookies["dure_session"], house.clock.now()).id
    claim = claim_of(house, "building-saving")
    with house.records.begin() as connection:
        ref = commitments.commit(connection, officer, NOW)
        own = claim_desk.make(connection, _own(claim, ref), programme(claim.programme, NOW.date()), NOW)
    answer = visitors["officer"].post(f"/api/v1/carbon/claims/{own.id}/decision", {"verdict": "award"})
    assert (answer.status_code, answer.json()["code"]) == (403, "verification.own_claim")


def _own(claim, ref):
    moved = msgspec.structs.replace(claim.stretches[0], source="building/own/m-1")
    return msgspec.structs.replace(claim, id="clm-own", holder=f"person/{ref}", stretches=(moved,))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"verdict": "refuse"}, "verification.reason"),
        ({"verdict": "refuse", "reason": "verification.other"}, "verification.note"),
        ({"verdict": "award", "links": ["javascript:alert(1)"]}, "verification.links"),
    ],
    ids=["no reason", "no note", "no link"],
)
def test_a_decision_that_is_not_said_properly_is_refused(world, body, code):
    house, visitors = world
    claim = claim_of(house, "charging-renewable")
    assert visitors["officer"].post(f"/api/v1/carbon/claims/{claim.id}/decision", body).json()["code"] == code


def test_claims_come_by_filter_and_carry_their_arithmetic(world):
    house, visitors = world
    found = visitors["auditor"].get("/api/v1/carbon/claims?tier=B&programme=city-estimated&limit=2").json()
    assert (len(found["items"]), bool(found["next"])) == (2, True)
    one = visitors["auditor"].get(f"/api/v1/carbon/claims/{claim_of(house, 'charging-renewable').id}").json()
    assert one["working"]["inputs"]["pv_wh"] == "40000"
    assert one["deeds"][0]["state"] == "awarded"
    page = visitors["auditor"].get(f"/en{HERE}/claims?tier=B&state=awarded&year=2026").text
    assert "Charging from renewables" in page
    assert "Verified energy saving" not in re.sub(r"<select.*?</select>", "", page, flags=re.DOTALL)


def test_events_that_wait_are_shown_with_what_they_lack(world):
    _, visitors = world
    assert "claim.evidence_missing" in visitors["officer"].get(f"/en{HERE}/events").text
    assert visitors["officer"].get("/api/v1/carbon/intake").json()["items"][0]["event"] == "odd"


@pytest.mark.parametrize("figure", ["carbon/x/y", "carbon/claim/clm-nobody", "carbon/programme/none/2026/A", "carbon", "a/b/c"])
def test_a_figure_that_is_none_is_said_so(world, figure):
    _, visitors = world
    page = visitors["officer"].get(f"/ko{HERE}/explain?figure={figure}")
    assert page.status_code == 404
    assert "그런 값은 없습니다" in page.text
    assert visitors["officer"].get(f"/api/v1/carbon/explain?figure={figure}").status_code == 404


def test_every_claim_comes_out_as_it_is_booked(world):
    house, _ = world
    with house.records.read() as connection:
        found = list(claim_desk.claims(connection))
    told = [explain(house, f"carbon/claim/{one.id}") for one in found if one.id != "clm-own"]
    assert [one.figure for one in told if not one.agrees] == []
    assert {one.amount for one in told} == {one.grams for one in found if one.id != "clm-own"}
    assert set(EXPLAINERS) >= {"claim", "programme"}
