"""Pages and API of comparing and filing: who sees what, who may do what, and what wrong input is answered."""

from __future__ import annotations

import hashlib
import sys
from datetime import datetime
from pathlib import Path

import pytest
from filed_city import NOW, house_in

from dure.engines.records.audit import By
from dure.web.app import create_app

sys.path.insert(0, str(Path(__file__).parents[1] / "environment"))
from web_visitor import Visitor  # the visitor of the environment's tests is ours too

PASSWORD = "a rather long one 42"
API = "/api/v1/buildings"
DESK = "/operations/buildings"
TARGET = {
    "subject": "body:화성시", "kind": "emissions_g", "year": 2030, "value": 600e6, "base": 1_200e6, "base_from": 2007,
    "base_to": 2009,
}  # fmt: skip
NGMS = {"kind": "ngms", "subject": "body:화성시", "period": "2025"}


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    house = house_in(tmp_path_factory.mktemp("filing-web"))
    house.directory.refresh()
    for role in ("crew", "officer", "citizen"):
        house.people.add(role, role, PASSWORD, [role], By("test", NOW))
    app = create_app(house)
    yield {"nobody": Visitor(app), "house": house} | {
        role: Visitor(app, house.people.sign_in(role, PASSWORD, NOW).token) for role in ("crew", "officer", "citizen")
    }
    house.records.close()


@pytest.mark.parametrize("path", ["comparison", "targets", "filings", "report?period=2025", "rules"])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_page_opens_for_staff_and_for_nobody_else(city, path, language):
    found = city["officer"].get(f"/{language}{DESK}/{path}")

    assert found.status_code == 200, found.text[:500]
    assert found.text.count("<h1") == 1
    assert city["citizen"].get(f"/{language}{DESK}/{path}").status_code == 403
    assert city["nobody"].get(f"/{language}{DESK}/{path}").status_code in {303, 401}


@pytest.mark.parametrize(
    "path",
    ["comparison", "hall/comparison", "targets", "filings", "filings/checks?kind=ngms&subject=portfolio&period=2025",
     "report?subject=portfolio&period=2025", "report.pdf?subject=portfolio&period=2025"],
)  # fmt: skip
def test_every_route_answers_staff_only(city, path):
    assert city["crew"].get(f"{API}/{path}").status_code == 200
    assert city["citizen"].get(f"{API}/{path}").status_code == 403
    assert city["nobody"].get(f"{API}/{path}").status_code == 401


def test_the_ranking_begins_with_the_highest_and_comes_in_pages(city):
    first = city["crew"].get(f"{API}/comparison?last=2025-12&limit=2").json()
    rest = city["crew"].get(f"{API}/comparison?last=2025-12&after={first['next']}").json()

    found = [*first["items"], *rest["items"]]
    assert [one["rank"] for one in found] == list(range(1, 11))
    assert [one["kwh_m2"] for one in found] == sorted((one["kwh_m2"] for one in found), reverse=True)
    assert found[0]["building"] == "hall"
    assert {one["programme"] for one in found} == {"NGMS"}
    assert rest["next"] is None
    libraries = city["crew"].get(f"{API}/comparison?last=2025-12&use=library").json()["items"]
    assert {one["building"][:3] for one in libraries} == {"lib"}


def test_a_building_says_why_a_figure_is_not_there(city):
    found = city["crew"].get(f"{API}/centre/comparison?last=2025-12").json()
    early = city["crew"].get(f"{API}/hall/comparison?last=2024-06").json()

    assert found["refused"] == {"peers": "peers.too_few", "legal": "legal.none", "grade": "grade.no_target"}
    assert (early["comparable"], early["rank"], early["grade"]) == (False, None, "")
    assert early["short"][:1] == ["electricity 2023-07"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("nothing/comparison", 404, "buildings.unknown"),
        ("comparison?last=2025-13", 422, None),
        ("comparison?last=2025", 422, None),
        ("comparison?programme=NONE", 422, "factor.programme"),
        ("comparison?last=1989-12", 422, "comparison.month"),
        ("comparison?as_of=1900-01-01T00:00:00Z", 422, "factor.programme"),
        ("filings/checks?kind=ngms&subject=portfolio&period=2025&programme=X", 422, "factor.programme"),
        ("comparison?lst=2025-12", 422, "query.unknown"),
        ("filings/none", 404, "filing.unknown"),
        ("filings/none/file", 404, "filing.unknown"),
        ("filings/checks?kind=ngms&subject=city&period=2025", 422, "filing.subject"),
        ("filings/checks?kind=ngms&subject=portfolio&period=2025&as_of=2030-01-01T00:00:00Z", 422, "filing.as_of"),
        ("report?subject=building:hall&period=1900", 422, "filing.period"),
        ("targets/none", 404, "target.unknown"),
        ("targets/none/trajectory", 404, "target.unknown"),
    ],
)
def test_wrong_questions_are_answered_with_a_code(city, path, status, code):
    found = city["crew"].get(f"{API}/{path}")

    assert found.status_code == status, found.text
    assert code is None or found.json()["code"] == code


def test_an_officer_enters_looks_at_and_ends_a_target(city):
    made = city["officer"].post(f"{API}/targets", TARGET)
    assert made.status_code == 201
    target = made.json()["id"]

    told = city["crew"].get(f"{API}/targets/{target}/trajectory?last=2025-12").json()
    assert told["rolling"] in [one["actual"] for one in told["years"] if one["year"] == 2025]
    assert told["on_path"] is False
    assert told["forecast"]["months_n"] == 12
    assert f"t-{target}" in city["officer"].get(f"/ko{DESK}/targets").text

    assert city["officer"].ask("DELETE", f"{API}/targets/{target}").json()["replaced_at"]
    assert city["crew"].get(f"{API}/targets?subject=body:화성시").json()["items"] == []
    assert len(city["crew"].get(f"{API}/targets?as_of=2026-03-10T03:00:00Z").json()["items"]) <= 1


@pytest.mark.parametrize("who", ["crew", "citizen"])
def test_only_officers_and_operators_file(city, who):
    assert city[who].post(f"{API}/targets", TARGET).status_code == 403
    assert city[who].post(f"{API}/filings", NGMS).status_code == 403


@pytest.mark.parametrize(
    ("change", "code"), [({"year": 2008}, "target.years"), ({"subject": "x"}, "target.subject"), ({"base": 0}, None)]
)
def test_a_wrong_target_is_refused_and_not_kept(city, change, code):
    before = city["crew"].get(f"{API}/targets").json()
    found = city["officer"].post(f"{API}/targets", TARGET | change)

    assert found.status_code == 422
    assert code is None or found.json()["code"] == code
    assert city["crew"].get(f"{API}/targets").json() == before


def test_a_filing_is_given_out_listed_and_fetched_again_by_its_digest(city):
    made = city["officer"].post(f"{API}/filings", NGMS)
    assert made.status_code == 201, made.text
    filing = made.json()

    file = city["crew"].get(f"{API}/filings/{filing['id']}/file")
    assert hashlib.sha256(file.content).hexdigest() == filing["sha256"]
    assert file.headers["content-disposition"].endswith(f'filename="{filing["name"]}"')
    assert len(file.content) == filing["bytes_n"]
    listed = city["crew"].get(f"{API}/filings?kind=ngms&limit=1").json()["items"]
    assert [one["id"] for one in listed] == [filing["id"]]
    assert city["crew"].get(f"{API}/filings/{filing['id']}").json() == filing
    assert datetime.fromisoformat(filing["as_of"]) < NOW
    assert city["crew"].get(f"/ko{DESK}/filings/{filing['id']}/file").content == file.content


def test_the_desk_tells_what_to_know_and_gives_out_by_its_form(city):
    desk = f"/ko{DESK}/filings"
    looked = city["officer"].get(f"{desk}?kind=ngms&subject=body:문화재단&period=2025").text
    assert "감축률을 적지 않습니다" in looked
    assert "만들어 남기기" in looked
    assert "만들어 남기기" not in city["crew"].get(f"{desk}?kind=ngms&subject=body:문화재단&period=2025").text

    query = f"{desk}?kind=report&subject=building:annex&period=2025-10"
    sent = city["officer"].form(
        query, desk, kind="report", subject="building:annex", period="2025-10", programme="NGMS", language="en", as_of=""
    )
    assert sent.status_code == 303
    assert "방금" in city["officer"].get(sent.headers["location"].split("#")[0]).text


@pytest.mark.parametrize(
    "query",
    ["kind=x", "kind=ngms&subject=city", "kind=ngms&period=20x5", "kind=ngms&as_of=now", "kind=ngms&as_of=2030-01-01T00:00:00Z"],
)
def test_a_wrong_question_at_the_desk_is_told_on_the_page(city, query):
    found = city["officer"].get(f"/en{DESK}/filings?{query}")

    assert found.status_code == 422
    assert 'role="alert"' in found.text


def test_the_target_form_takes_shares_and_says_what_is_wrong(city):
    page = f"/ko{DESK}/targets"
    fields = {
        "subject": "building:annex", "kind": "energy_wh", "base": "500", "base_from": "2019", "base_to": "2021", "year": "2030",
        "share": "-20", "programme": "NGMS", "base_note": "장부",
    }  # fmt: skip
    assert city["officer"].form(page, page, **fields).status_code == 303
    kept = city["crew"].get(f"{API}/targets?subject=building:annex").json()["items"][0]
    assert (kept["base"], kept["value"]) == (500e6, 400e6)

    wrong = city["officer"].form(page, page, **(fields | {"base": "many"}))
    assert wrong.status_code == 422
    assert 'value="many"' in wrong.text
    assert city["officer"].form(page, page, end=kept["id"]).status_code == 303
    assert city["officer"].form(page, page, end="none").status_code == 404


def test_the_rules_page_shows_every_pack_and_what_is_to_be_confirmed(city):
    text = city["officer"].get(f"/en{DESK}/rules").text

    for pack in ("comparing", "filing", "factors", "energy", "reads"):
        assert f'id="p-{pack}"' in text
    assert "To be confirmed" in text
    assert "legal_targets/office-3000-5000" in text


def test_a_report_page_links_every_figure_to_its_explanation(city):
    text = city["officer"].get(f"/ko{DESK}/report?subject=building:hall&period=2025-12").text

    for what in ("energy", "carbon", "eui", "grade"):
        assert f"figure=building/hall/{what}/" in text.replace("%2F", "/")
    assert text.count("<svg xmlns") >= 1
    assert "style=" not in text.split("<main")[1].split("</main")[0]


def test_when_nobody_asks_for_a_month_the_newest_that_nearly_all_meters_know_is_taken(city):
    assert city["crew"].get(f"{API}/comparison").json()["items"][0]["last"] == "2025-12"
