"""Pages and REST of statements: who sees whose, who may issue, what the public gets."""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path

import pytest
from carbon_house import NOW
from stated_company import ACME, BY, sponsored, stated_house

from dure.core.text import Text
from dure.engines.records.audit import By
from dure.services.carbon.companies import company_records
from dure.services.carbon.companies.company import Company
from dure.services.carbon.service import CarbonService
from dure.services.carbon.statements.statement import sha256
from dure.web.app import create_app

sys.path.insert(0, str(Path(__file__).parents[1] / "environment"))
from web_visitor import Visitor  # the visitor of the environment's tests is ours too

PASSWORD = "a rather long one 42"
API = "/api/v1/carbon"
DESK = "/partners/statements"
YEAR = {"subject": "company/acme", "first": "2025-01-01", "after": "2026-01-01"}
QUERY = "subject=company/acme&first=2025-01-01&last=2025-12-31"


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    house = stated_house(tmp_path_factory.mktemp("statement-web"))
    sponsored(house)
    house = dataclasses.replace(house, services=(CarbonService(),))
    house.directory.refresh()
    people = {"ours": "partner", "theirs": "partner", "officer": "officer", "citizen": "citizen"}
    ids = {name: house.people.add(name, name, PASSWORD, [role], By("test", NOW)).id for name, role in people.items()}
    app = create_app(house)
    found = {name: Visitor(app, house.people.sign_in(name, PASSWORD, NOW).token) for name in people}
    with house.records.begin() as connection:
        other = Company(id="beta", name=Text("베타"), business_number="2208162517")
        company_records.put(connection, other, BY)
        for name, company in (("ours", ACME.id), ("theirs", "beta")):
            company_records.join(connection, company, ids[name], BY)
    yield found | {"nobody": Visitor(app), "house": house}
    house.records.close()


@pytest.fixture(scope="module")
def issued(city):
    answer = city["ours"].post(f"{API}/statements", YEAR)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("path", [DESK, f"{DESK}?{QUERY}"])
def test_the_desk_opens_for_partners_and_officers_and_for_nobody_else(city, language, path):
    for who in ("ours", "officer"):
        found = city[who].get(f"/{language}{path}")
        assert found.status_code == 200, found.text[:500]
        assert found.text.count("<h1") == 1
    assert city["citizen"].get(f"/{language}{path}").status_code == 403
    assert city["nobody"].get(f"/{language}{path}").status_code in {303, 401}


def test_a_draft_shows_gaps_before_it_is_issued(city):
    found = city["ours"].get(f"/en{DESK}?{QUERY}").text

    assert "No residual mix is published" in found
    assert "Dure does not measure this" in found
    assert "Issue it as it is" in found
    assert "Issue it as it is" not in city["officer"].get(f"/en{DESK}?{QUERY}").text  # a company speaks for itself


def test_a_statement_is_issued_by_form_and_its_files_are_fetched(city):
    half = {"subject": "company/acme", "first": "2025-01-01", "last": "2025-06-30"}
    page = f"/en{DESK}?subject=company/acme&first=2025-01-01&last=2025-06-30"
    fields = half | {"as_of": "2026-11-24T02:00:00Z"}

    answer = city["ours"].form(page, f"/en{DESK}", **fields)

    assert answer.status_code == 303, answer.text[:400]
    shown = city["ours"].get(answer.headers["location"])
    assert shown.status_code == 200
    assert "statement-en.pdf" in shown.text
    again = city["ours"].get(answer.headers["location"] + "&again=1")
    assert "Every row is the same." in again.text
    file = city["ours"].get(answer.headers["location"].split("?")[0] + "/files/statement-en.xhtml")
    assert file.headers["content-type"].startswith("application/xhtml+xml")
    row = city["ours"].get(answer.headers["location"].split("?")[0] + "/rows/scope1")
    assert row.status_code == 200
    assert "carbon/company/acme/2025/activity/" in row.text
    empty = re.search(r'/rows/([^"]+)">[^<]*</a>(?:(?!</tr>).)*<td class="num"[^>]*>–</td>', shown.text, re.DOTALL)
    left = city["ours"].get(answer.headers["location"].split("?")[0] + f"/rows/{empty[1]}").text
    assert left.split('class="answer-text">')[1].split("</p>")[0] == "–"


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"first": "2026-01-01", "last": "2025-01-01"}, "ends before it begins"), ({"first": "soon"}, "ends before it begins"),
     ({"first": "2026-01-01", "last": "2026-12-31"}, "nothing to state"), ({"sha256": "0" * 64}, "not what was looked at")],
)  # fmt: skip
def test_what_cannot_be_issued_is_said_in_the_form(city, fields, words):
    usual = {"subject": "company/acme", "first": "2025-01-01", "last": "2025-12-31", "as_of": "2026-11-24T01:00:00Z"}
    answer = city["ours"].form(f"/en{DESK}?{QUERY}", f"/en{DESK}", **usual | fields)

    assert answer.status_code == 422
    assert words in answer.text


def test_others_see_nothing_of_a_company(city, issued):
    one = f"{API}/statements/{issued['id']}"

    assert city["theirs"].get(one).json()["code"] == "statement.unknown"
    assert city["theirs"].get(f"{one}/files/statement.csv").status_code == 404
    assert city["theirs"].get(f"{API}/statements").json()["items"] == []
    assert city["theirs"].get(f"{API}/statements/draft?subject=company/acme&first=2025-01-01&after=2026-01-01").status_code == 404
    assert city["theirs"].get(f"{API}/statements/draft?subject=city&first=2025-01-01&after=2026-01-01").status_code == 404
    assert city["officer"].post(f"{API}/statements", YEAR).status_code == 403
    assert city["officer"].get(one).json()["issued"]["id"] == issued["id"]
    assert city["citizen"].get(one).status_code == 403
    assert city["theirs"].get(f"/en{DESK}/{issued['id']}").status_code == 404


def test_the_same_question_is_the_same_statement_and_its_check_finds_it_unchanged(city, issued):
    again = city["ours"].post(f"{API}/statements", YEAR | {"as_of": issued["question"]["as_of"]}).json()

    assert again == issued
    assert city["ours"].get(f"{API}/statements/{issued['id']}/check").json() == {"same": True, "changes": []}
    found = city["ours"].get(f"{API}/statements/{issued['id']}/files/statement-ixbrl.zip")
    assert sha256(found.content) == issued["files"]["statement-ixbrl.zip"]
    assert city["ours"].get(f"{API}/statements/{issued['id']}/files/other.txt").json()["code"] == "statement.file_unknown"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [({"after": "2024-01-01"}, 422, "statement.period"), ({"subject": "company/nobody"}, 404, "company.unknown"),
     ({"subject": "all"}, 422, "statement.subject"), ({"as_of": "2030-01-01T00:00:00Z"}, 422, "statement.as_of")],
)  # fmt: skip
def test_bad_questions_are_refused_with_a_code(city, change, status, code):
    answer = city["ours"].post(f"{API}/statements", YEAR | change)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_the_public_sees_what_the_company_lets_it_see(city, issued):
    file = f"{API}/public-statements/{issued['id']}/files/statement.json"
    assert city["nobody"].get(file).status_code == 404
    assert city["theirs"].post(f"{API}/statements/{issued['id']}/public", {"public": True}).status_code == 404

    assert city["ours"].post(f"{API}/statements/{issued['id']}/public", {"public": True}).json()["public"]

    assert sha256(city["nobody"].get(file).content) == issued["files"]["statement.json"]
    listed = city["nobody"].get(f"{API}/public-statements").json()["items"]
    assert [one["id"] for one in listed] == [issued["id"]]
    assert "person" not in listed[0]
    for language in ("ko", "en"):
        page = city["nobody"].get(f"/{language}/carbon/statements")
        assert page.status_code == 200
        assert issued["sha256"] in page.text
    assert city["nobody"].get(f"/en/carbon/statements/{issued['id']}/files/statement-ko.pdf").status_code == 200


def test_the_city_is_stated_by_its_officers(city):
    question = YEAR | {"subject": "city"}

    assert city["ours"].post(f"{API}/statements", question).status_code == 404
    found = city["officer"].post(f"{API}/statements", question)
    assert (found.status_code, found.json().get("code")) in {(201, None), (422, "statement.ledger_differs")}
