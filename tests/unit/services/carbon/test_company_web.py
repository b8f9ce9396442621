"""Pages and routes of companies: whose is whose, what is refused and audited, and that a figure unfolds to its row."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from company_city import COMPANIES, NOW, PASSWORD, house_in

from dure.engines.records import audit
from dure.web.app import create_app

sys.path.insert(0, str(Path(__file__).parents[1] / "environment"))
from web_visitor import Visitor  # the visitor of the environment's tests is ours too

API = "/api/v1/carbon/companies"
HERE = "/partners/companies"
HEAD = "활동,고객번호,청구번호,사용기간,사용량(kWh)\n"
BILL = "전기,01-2345-6789,B1,2025.01.01~2025.01.31,1000\n"


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    house = house_in(tmp_path_factory.mktemp("company-web"))
    app = create_app(house)
    logins = ("acme", "beta", "newcomer", "officer", "citizen")
    yield {"nobody": Visitor(app), "house": house} | {
        login: Visitor(app, house.people.sign_in(login, PASSWORD, NOW).token) for login in logins
    }
    house.records.close()


def send(visitor, path, text, method="POST"):
    return visitor.ask(method, path, content=text.encode())


def audited(city, word):
    with city["house"].records.read() as connection:
        return [one for one in audit.listing(connection, limit=1000).items if one.detail.get("refused") == word]


@pytest.fixture(scope="module")
def brought(city):
    """Acme has brought one bill."""
    done = send(city["acme"], f"{API}/acme/imports?name=bills", HEAD + BILL)
    assert done.status_code == 201, done.text
    return done.json()


@pytest.mark.usefixtures("brought")
@pytest.mark.parametrize("path", ["", "/data", "/hours", "/targets", "/sponsoring", "/profile", "?year=2025"])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_page_opens_for_its_company_and_the_city_and_for_nobody_else(city, path, language):
    there = f"/{language}{HERE}/acme{path}"
    found = city["acme"].get(there)

    assert found.status_code == 200, found.text[:800]
    assert found.text.count("<h1") == 1
    assert "Acme <&>" not in found.text
    assert city["officer"].get(there).status_code == 200
    assert city["beta"].get(there).status_code == 404
    assert city["citizen"].get(there).status_code == 403
    assert city["nobody"].get(there).status_code in {303, 401}


def test_a_partner_comes_to_their_company_and_a_newcomer_enters_one(city):
    assert city["acme"].get(f"/ko{HERE}").headers["location"].endswith("/acme")
    bad = city["newcomer"].form(f"/ko{HERE}", f"/ko{HERE}", id="gamma", name_ko="감마", business_number="1")
    assert bad.status_code == 422
    assert "company.business_number" in bad.text
    good = city["newcomer"].form(f"/ko{HERE}", f"/ko{HERE}", id="gamma", name_ko="감마", business_number="120-81-47521")
    assert good.status_code == 303, good.text[:500]
    assert city["newcomer"].get(f"{API}/gamma").json()["business_number"] == "1208147521"
    assert "acme" in city["officer"].get(f"/en{HERE}").text


@pytest.mark.parametrize("path", ["", "/meters", "/imports", "/activities", "/footprint?year=2025", "/contracts", "/targets"])
def test_another_companys_data_does_not_exist(city, path):
    assert city["acme"].get(f"{API}/acme{path}").status_code == 200
    assert city["beta"].get(f"{API}/acme{path}").status_code == 404
    assert city["citizen"].get(f"{API}/acme{path}").status_code == 403


def test_the_city_sees_and_does_not_write(city):
    assert len(city["officer"].get(API).json()["items"]) >= len(COMPANIES)
    assert city["officer"].ask("DELETE", f"{API}/acme/activities/act-1").status_code == 403
    assert [one["id"] for one in city["acme"].get(API).json()["items"]] == ["acme"]


def test_another_companys_bill_is_refused_with_a_code_and_audited(city):
    before = len(audited(city, "activity.not_yours"))
    found = send(city["beta"], f"{API}/beta/imports", HEAD + BILL.replace("B1", "B77"))

    assert found.status_code == 422
    assert found.json()["code"] == "import.rejected_rows"
    assert [(one["row"], one["code"]) for one in found.json()["rejected"]] == [(2, "activity.not_yours")]
    assert len(audited(city, "activity.not_yours")) == before + 1
    assert city["beta"].get(f"{API}/beta/activities").json()["items"] == []


def test_a_customer_number_of_another_company_is_refused_and_audited(city):
    found = city["beta"].post(f"{API}/beta/meters", {"kind": "electricity", "number": "01-2345-6789"})

    assert (found.status_code, found.json()["code"]) == (409, "company.meter_taken")
    assert audited(city, "company.meter_taken")


@pytest.mark.usefixtures("brought")
def test_the_same_file_and_the_same_bill_are_taken_once(city):
    same = send(city["acme"], f"{API}/acme/imports", HEAD + BILL)
    bill = send(city["acme"], f"{API}/acme/imports", HEAD + BILL.replace("1000", "1001"))

    assert (same.status_code, same.json()["code"]) == (409, "import.known")
    assert [one["code"] for one in bill.json()["rejected"]] == ["activity.taken"]


@pytest.mark.usefixtures("brought")
def test_looking_writes_nothing_and_names_every_bad_row(city):
    before = city["acme"].get(f"{API}/acme/imports").json()
    text = (
        HEAD
        + BILL.replace("2025", "2024").replace("B1", "B2")
        + "전기,555,B3,2024.01.01~2024.01.31,-4\n전기,555,B4,2024.03.01~2024.03.31,4\n"
    )
    found = send(city["acme"], f"{API}/acme/imports/preview", text).json()

    assert [one["row"] for one in found["accepted"]] == [2]
    assert [(one["row"], one["code"]) for one in found["rejected"]] == [(3, "activity.negative"), (4, "activity.meter_unknown")]
    assert [one["code"] for one in found["notices"]] == ["activity.gap"]
    assert city["acme"].get(f"{API}/acme/imports").json() == before


def test_a_wrong_file_is_undone_and_may_be_brought_again(city):
    text = "일자,수단,거리(km)\n2024-05-02,KTX,412\n2024-05-02,KTX,412\n"
    first = send(city["acme"], f"{API}/acme/imports", text).json()
    assert first["accepted_n"] == 2
    assert city["acme"].get(f"{API}/acme/footprint?year=2024").json()["scope3_g"] == {"6": 2 * 6427}

    assert city["acme"].ask("DELETE", f"{API}/acme/imports/{first['id']}").json() == {"undone": 2}
    assert city["acme"].ask("DELETE", f"{API}/acme/imports/{first['id']}").status_code == 409
    assert city["acme"].get(f"{API}/acme/footprint?year=2024").json()["scope3_g"] == {}
    again = send(city["acme"], f"{API}/acme/imports", text).json()
    assert again["id"] != first["id"]
    city["acme"].ask("DELETE", f"{API}/acme/imports/{again['id']}")


@pytest.mark.usefixtures("brought")
def test_a_figure_unfolds_to_the_row_of_the_bill_in_three_clicks(city):
    overview = city["acme"].get(f"/en{HERE}/acme?year=2025").text
    assert (
        "carbon%2Fcompany%2Facme%2F2025%2Fscope2-location" in overview or "carbon/company/acme/2025/scope2-location" in overview
    )

    first = city["acme"].get(f"/en{HERE}/acme/explain?figure=carbon/company/acme/2025/scope2-location")
    lines = city["acme"].get(f"{API}/acme/footprint?year=2025").json()["lines"]
    activity = next(one["activity"] for one in lines if one["kind"] == "electricity")
    assert first.status_code == 200
    assert activity in first.text
    second = city["acme"].get(f"/en{HERE}/acme/explain?figure=carbon/company/acme/2025/activity/{activity}")
    assert "electricity-2023" in second.text
    brought = next(one["id"] for one in city["acme"].get(f"{API}/acme/imports").json()["items"] if one["name"] == "bills")
    assert f"{HERE}/acme/data/{brought}" in second.text
    assert city["acme"].get(f"/en{HERE}/acme/data/{brought}").status_code == 200
    assert city["beta"].get(f"/en{HERE}/beta/explain?figure=carbon/company/acme/2025/scope2-location").status_code == 404


@pytest.mark.usefixtures("brought")
def test_rows_of_a_file_are_called_by_their_names(city):
    brought = next(one["id"] for one in city["acme"].get(f"{API}/acme/imports").json()["items"] if one["name"] == "bills")

    page = city["acme"].get(f"/en{HERE}/acme/data/{brought}").text

    rows = page.split("<tbody>")[1]
    assert "Electricity" in rows
    assert "electricity " not in rows


def test_who_asks_for_the_grounds_of_nothing_gets_the_form(city):
    asked = city["acme"].get(f"/en{HERE}/acme/explain")

    assert asked.status_code == 200
    assert 'name="figure"' in asked.text


def test_a_row_without_a_factor_is_not_shown_as_0(city):
    rows = "활동,기간,사용량,단위\nwaste_recycling,2015.02.01~2015.02.28,2,t\n"
    done = send(city["acme"], f"{API}/acme/imports?name=waste", rows)
    assert done.status_code == 201, done.text
    missing = next(one for one in city["acme"].get(f"{API}/acme/footprint?year=2015").json()["lines"] if one["refused"])

    told = city["acme"].get(f"/en{HERE}/acme/explain?figure=carbon/company/acme/2015/activity/{missing['activity']}").text

    answer = told.split('class="answer-text">')[1].split("</p>")[0]
    assert answer == "–"


@pytest.mark.usefixtures("brought")
def test_a_past_figure_is_answered_as_it_was(city):
    now = city["acme"].get(f"{API}/acme/footprint?year=2025").json()
    before = city["acme"].get(f"{API}/acme/footprint?year=2025&as_of=2025-12-01T00:00:00Z").json()

    assert now["scope2_location_g"] == 417_300
    assert before["lines"] == []
    future = city["acme"].get(f"{API}/acme/footprint?year=2025&as_of=2030-01-01T00:00:00Z")
    assert future.json()["code"] == "company.as_of"


def test_a_file_goes_by_the_page_from_look_to_confirmed(city):
    page, files = f"/ko{HERE}/acme/data", "/ko/partners/company-files"
    text = "활동,기간,사용량,단위\n경유,2025.02.01~2025.02.28,100,L\n"
    token = page_token(city["acme"], page)
    looked = city["acme"].ask(
        "POST", files, data={"csrf": token, "company": "acme", "do": "look"}, files={"file": ("fuel.csv", text.encode())}
    )
    assert looked.status_code == 200, looked.text[:500]
    carried = looked.text.split('name="carried" value="')[1].split('"')[0]
    done = city["acme"].ask(
        "POST", files, data={"csrf": token, "company": "acme", "do": "confirm", "carried": carried}, files={"file": ("", b"")}
    )
    assert done.status_code == 303, done.text[:800]
    assert city["acme"].get(f"{API}/acme/footprint?year=2025").json()["scope1_g"] == 261_573


def page_token(visitor, page):
    return visitor.get(page).text.split('name="csrf" value="')[1].split('"')[0]


def test_hours_and_contracts_make_a_matched_figure_and_never_more_than_there_is(city):
    first = datetime(2024, 12, 31, 15, tzinfo=UTC)
    load = "time,usage (kWh)\n" + "".join(f"{first + timedelta(hours=i):%Y-%m-%dT%H:%M}Z,2\n" for i in range(24))
    sun = "time,generation (kWh)\n" + "".join(f"{first + timedelta(hours=i):%Y-%m-%dT%H:%M}Z,{i % 2 * 10}\n" for i in range(24))
    acme, beta = city["acme"], city["beta"]
    assert send(acme, f"{API}/acme/hours/load?name=0123456789", load).status_code == 201
    assert send(acme, f"{API}/acme/hours/supply?name=plant/1", sun).status_code == 201
    assert send(beta, f"{API}/beta/hours/supply?name=plant/1", sun).json()["code"] == "hours.not_yours"
    assert send(beta, f"{API}/beta/hours/supply?name=charging/x/pv", sun).json()["code"] == "hours.not_yours"
    contract = {"kind": "ppa", "source": "plant/1", "start": "2025-01-01", "end": "2026-01-01", "share_ppm": 600_000}
    assert acme.post(f"{API}/acme/contracts", contract).status_code == 201
    refused = beta.post(f"{API}/beta/contracts", contract)
    assert (refused.status_code, refused.json()["code"]) == (409, "contract.over_allocated")

    found = acme.get(f"{API}/acme/hourly?year=2025").json()
    assert found["figures"] == {
        "load_wh": 48_000, "matched_wh": 24_000, "location_g": 20_030, "market_g": 10_015, "score_ppm": 500_000,
    }  # fmt: skip
    assert found["unused_wh"] == 12 * 4_000
    page = acme.get(f"/en{HERE}/acme/explain?figure=carbon/company/acme/2025/scope2-hourly-market")
    assert page.status_code == 200
    assert "Run again: the same" in page.text or "다시 계산해도 같음" in page.text


def test_a_target_stands_on_its_line_and_bad_ones_are_refused(city):
    target = {"covers": "scope2-location", "base_year": 2020, "base_g": 1_000_000, "year": 2030, "cut_ppm": 400_000}
    made = city["acme"].post(f"{API}/acme/targets", target)
    assert made.status_code == 201
    years = {one["year"]: one for one in city["acme"].get(f"{API}/acme/targets").json()["items"][0]["years"]}
    assert (years[2025]["path"], years[2025]["actual"], years[2025]["behind_ppm"]) == (800_000.0, 417_300.0, -382_700)
    assert city["acme"].post(f"{API}/acme/targets", target | {"year": 2020}).json()["code"] == "target.years"
    assert city["acme"].get(f"/ko{HERE}/acme/targets").status_code == 200
    assert city["acme"].ask("DELETE", f"{API}/acme/targets/{made.json()['id']}").status_code == 204


def test_money_is_offered_accepted_and_shown(city):
    acme, officer = city["acme"], city["officer"]
    offer = {
        "title_ko": "시청 단열", "target_kind": "source", "target": "building/hall", "start": "2026-03-01T00:00:00Z",
        "end": "2026-12-01T00:00:00Z", "budget_won": 500_000, "programme": "city-verified", "won_per_tonne": 50_000,
    }  # fmt: skip
    assert acme.post(f"{API}/acme/sponsorships", offer).json()["code"] == "sponsor.funds"
    assert acme.post(f"{API}/acme/money", {"won": 1_000_000, "receipt": "R-1"}).status_code == 403
    assert officer.post(f"{API}/acme/money", {"won": 1_000_000, "receipt": "R-1"}).json() == {"available_won": 1_000_000}
    made = acme.post(f"{API}/acme/sponsorships", offer)
    assert made.status_code == 201, made.text
    ident = made.json()["sponsorship"]["id"]
    one = f"/api/v1/carbon/sponsorships/{ident}"
    assert city["beta"].get(one).status_code == 404
    assert acme.post(f"{one}/accept").status_code == 403
    assert "시청 단열" in officer.get("/ko/operations/carbon/sponsoring").text
    assert officer.post(f"{one}/accept").json()["state"] == "running"
    assert officer.post(f"{one}/accept").json()["code"] == "sponsor.state"
    for path in (
        f"/ko{HERE}/acme/sponsoring",
        f"/en{HERE}/acme/sponsoring/{ident}",
        f"/en{HERE}/acme/sponsoring?theme=energy&most=1",
    ):
        assert acme.get(path).status_code == 200
    assert acme.get(f"{API}/acme/achieved").json()["items"][0]["paid_won"] == 500_000
    assert acme.get(f"{API}/acme/suggestions").json()["items"] == []
    there = {(one["target_kind"], one["target"]) for one in acme.get(f"{API}/acme/fundable").json()["items"]}
    assert {("source", "building/hall"), ("source", "recycled/scale-1"), ("source", "waste/collection")} <= there
    assert {("programme", "city-verified"), ("district", "namyang-dong")} <= there
    assert city["beta"].get(f"{API}/acme/fundable").status_code == 404
    told = acme.get(f"/en{HERE}/acme/explain?figure=carbon/company/acme/sponsoring/{ident}")
    assert told.status_code == 200


@pytest.mark.parametrize(
    ("change", "code"),
    [({"budget_won": 5}, "sponsor.amount"), ({"won_per_tonne": 0}, "sponsor.terms"), ({"programme": "none"}, "programme.unknown"),
     ({"end": "2026-02-01T00:00:00Z"}, "sponsor.period"), ({"target": "building/nowhere"}, "sponsor.target_unknown"),
     ({"target": "charging/hall"}, "sponsor.target_unknown"), ({"target": "home/0ab/electricity"}, "sponsor.target_unknown"),
     ({"target": "practice/tumbler/0ab"}, "sponsor.target_unknown"), ({"target": "challenge/none"}, "sponsor.target_unknown"),
     ({"target_kind": "district", "target": "atlantis"}, "sponsor.target_unknown"),
     ({"target_kind": "challenge", "target": "none"}, "sponsor.target_unknown"),
     ({"target_kind": "programme", "target": "none"}, "programme.unknown")],
)  # fmt: skip
def test_an_offer_that_cannot_be_is_refused(city, change, code):
    offer = {
        "title_ko": "단열", "target_kind": "source", "target": "building/hall", "start": "2026-03-01T00:00:00Z",
        "end": "2026-12-01T00:00:00Z", "budget_won": 500_000, "programme": "city-verified", "won_per_tonne": 50_000,
    }  # fmt: skip
    assert city["acme"].post(f"{API}/acme/sponsorships", offer | change).json()["code"] == code
