"""Plans by REST and on pages: steps, reasons, set points; in Korean and English."""

import asyncio
import re
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from planned_house import NOW, SITE, Recorded, measured, planned_house, session, settled_city

from dure.engines.records.audit import By
from dure.services.charging.pages.plan_pages import limit_now
from dure.services.charging.planning.plan_desk import PlanDesk
from dure.services.charging.planning.plan_records import Told
from dure.web.app import create_app

sys.path.insert(0, str(Path(__file__).parents[1] / "environment"))
from web_visitor import Visitor  # the visitor of the environment's tests is ours too

PASSWORD = "a rather long one 42"
API = "/api/v1/charging"
PAGE = "/operations/charging/plans"


@pytest.fixture
def house(tmp_path):
    house = planned_house(tmp_path)
    settled_city(house, NOW, contract_kw="6")
    measured(house, "store", "storage_soc", 0.0)
    measured(house, "sun", "solar_power", 0.0)
    for role in ("operator", "citizen"):
        house.people.add(role, role, PASSWORD, [role], By("test", NOW))
    yield house
    house.telemetry.close()
    house.records.close()


@pytest.fixture
def seen(house):
    app = create_app(house)
    return {role: Visitor(app, house.people.sign_in(role, PASSWORD, NOW).token) for role in ("operator", "citizen")}


def plan(house):
    session(house, "s1", "cp-a", 1)
    session(house, "s2", "cp-a", 2)
    asyncio.run(PlanDesk(house, Recorded()).look())


def test_a_plan_is_told_with_its_steps_vehicles_and_prices(house, seen):
    plan(house)
    found = seen["operator"].get(f"{API}/sites/{SITE}/plan").json()
    assert len(found["steps"]["import_w"]) == 128
    assert {one["session"] for one in found["vehicles"]} == {"s1", "s2"}
    assert {one["limit"] for one in found["held_back"]} >= {"contract"}
    assert any("계약전력" in one["ko"] and "the contract power" in one["en"] for one in found["why"])
    ident = found["head"]["id"]
    assert seen["operator"].get(f"{API}/plans/{ident}").json() == found
    assert [one["id"] for one in seen["operator"].get(f"{API}/sites/{SITE}/plans").json()["items"]] == [ident]


def test_what_was_told_is_told(house, seen):
    plan(house)
    items = seen["operator"].get(f"{API}/sites/{SITE}/set-points").json()["items"]
    assert {one["purpose"] for one in items} == {"plan", "default", "station"} | {"storage"}


def test_plans_that_are_not_there_have_their_codes(seen):
    assert seen["operator"].get(f"{API}/sites/{SITE}/plan").json()["code"] == "energy_plan.none"
    assert seen["operator"].get(f"{API}/plans/cp-nothing").json()["code"] == "energy_plan.unknown"
    assert seen["operator"].get(f"{API}/sites/nowhere/plan").json()["code"] == "charging.unknown"


def test_plans_are_for_staff(house, seen):
    plan(house)
    assert seen["citizen"].get(f"{API}/sites/{SITE}/plan").status_code == 403
    assert seen["citizen"].ask("POST", f"{API}/sites/{SITE}/plan").status_code == 403
    assert seen["citizen"].get(f"/en{PAGE}/{SITE}").status_code == 403


@pytest.mark.parametrize(("language", "words"), [("ko", "왜 이 계획인가"), ("en", "Why this plan")])
def test_the_page_says_why_in_both_languages(house, seen, language, words):
    plan(house)
    page = seen["operator"].get(f"/{language}{PAGE}/{SITE}")
    assert page.status_code == 200
    assert words in page.text
    assert "<svg" in page.text
    assert seen["operator"].get(f"/{language}{PAGE}").status_code == 200


def test_a_site_without_a_plan_has_a_page_too(seen):
    assert seen["operator"].get(f"/en{PAGE}/{SITE}").status_code == 200
    assert seen["operator"].get(f"/en{PAGE}/nowhere").status_code == 404


def test_the_page_names_who_goes_short_and_says_why(house, seen):
    plan(house)
    page = seen["operator"].get(f"/en{PAGE}/{SITE}").text
    assert 'href="/en/operations/charging/sessions/s1"' in page
    assert "lack because of the contract power" in page
    assert "With a wider limit it would get more" in page
    korean = seen["operator"].get(f"/ko{PAGE}/{SITE}").text
    assert "이 한도가 넓어지면 더 받습니다" in korean
    assert "차량이 더 받음" in korean


def test_what_a_plan_sets_on_need_is_never_told_as_a_price(house, seen):
    plan(house)
    for language in ("ko", "en"):
        page = re.sub(r"<[^>]+>", " ", seen["operator"].get(f"/{language}{PAGE}/{SITE}").text)
        amounts = [float(one.replace(",", "")) for one in re.findall(r"\d{1,3}(?:,\d{3})+", page)]
        assert max(amounts, default=0.0) < 50_000


@pytest.mark.parametrize(("minutes", "limit_w"), [(0, 6_000), (14, 6_000), (15, 0), (40, 7_000), (45, None)], ids=str)
def test_the_limit_now_is_the_step_that_runs_and_none_when_it_is_over(minutes, limit_w):
    until = NOW + timedelta(minutes=45)
    told = Told(target="cp-a-1", purpose="plan", site=SITE, sent_at=NOW, limits_w=(6_000, 0, 7_000), told={}, until=until)
    assert limit_now(told, NOW + timedelta(minutes=minutes), 900) == limit_w


def test_a_default_holds_without_end():
    told = Told(target="cp-a-1", purpose="default", site=SITE, sent_at=NOW, limits_w=(2_000,), told={})
    assert limit_now(told, NOW + timedelta(days=9), 900) == 2_000
